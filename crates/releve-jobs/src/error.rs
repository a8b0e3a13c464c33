//! What can keep a job from its end? Everything that was committed before stays; run again, it goes on from there.

use releve_billing::InvoiceError;
use releve_outbound::StorageError;
use releve_store::StoreError;
use releve_types::{AccountId, InvoiceId, Period, Timestamp, ids::IssuerId};

use crate::spend::SpendError;

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("a day on a document of {account} can't be printed: {error}")]
    NoDay { account: AccountId, error: releve_documents::einvoice::DateError },
    #[error("invoice {invoice}: {error}")]
    NoPdf { invoice: InvoiceId, error: releve_documents::PdfError },
    #[error("what {issuer}'s documents are drawn with can't be drawn: {error}")]
    Brand { issuer: IssuerId, error: releve_documents::BrandError },
    #[error("issuer: there is no {0}")]
    NoIssuer(IssuerId),
    #[error("period: {period} is no month of the issuer's zone {zone}")]
    NotAMonth { period: Period, zone: String },
    #[error("period: {period} has not ended at {now}")]
    NotEnded { period: Period, now: Timestamp },
    #[error("day: {0} left the database while its reports were looked for")]
    DayLeft(i64),
    #[error("{failed} of {due} billing runs came to no end; the first: {first}")]
    RunsFailed { failed: usize, due: usize, first: Box<JobError> },
    #[error("invoice: nobody is named on {0}")]
    NobodyNamed(InvoiceId),
    #[error("what invoice {invoice} rests on can't be read: {detail}")]
    Basis { invoice: InvoiceId, detail: String },
    #[error("the invoice of {account} contradicts itself: {error}")]
    Invoice { account: AccountId, error: InvoiceError },
    #[error("issuer: its invoices can't be numbered: {0}")]
    Numbering(InvoiceError),
    #[error("{expected} invoices were to be issued, {found} were: nothing of this transaction is kept")]
    NotAllIssued { expected: usize, found: u64 },
    #[error("the archive {location} is not what was written: {detail}")]
    Archive { location: String, detail: String },
    #[error("documents can't be handed over to {destination}: {error}")]
    HandOver { destination: String, error: StorageError },
    #[error("a sum of the month can't be told: {0}")]
    Money(#[from] releve_types::money::MoneyError),
    #[error("a document can't be said in FOCUS: {0}")]
    Focus(#[from] releve_finance::focus::FocusError),
    #[error("FOCUS rows don't tie out: {0}")]
    TieOut(String),
    #[error("{place} holds what another seller, {issuer}, exported: choose another directory")]
    OtherSeller { place: String, issuer: String },
    #[error("period: {month} begins on {starts}, and has not yet")]
    NotBegun { month: releve_types::BillingMonth, starts: Timestamp },
    #[error("the export has no such file")]
    NoSuchFile,
    #[error(transparent)]
    Table(#[from] releve_documents::table::WriteError),
    #[error("the month can't be booked: {0}")]
    Journal(#[from] releve_finance::journal::JournalError),
    #[error("ledger accounts: {0}")]
    Chart(#[from] releve_finance::journal::ChartError),
    #[error("the month-end pack can't be made: {0}")]
    Pack(#[from] releve_finance::pack::PackError),
    #[error(transparent)]
    Spend(#[from] SpendError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}
