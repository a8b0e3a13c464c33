//! What becomes of a credit beside what documents draw? It is made, taken back, and runs out.
//!
//! Making one of a payment, and giving it back, run on the caller's transaction under the issuer's payment lock: what is left of the
//! payment stays so until it is a credit. Where VAT is due when money is paid in advance, the same transaction issues the deposit
//! invoice of an advance, and the credit note of what of it is taken back (`deposits`).

use std::sync::Arc;

use releve_billing::{Credit, CreditKind, NewCredit, PriceError, Scope};
use releve_store::{
    Db, StoreError,
    credits::{self as store, CreditRecord, Movement, NewEntry},
    customers::{self, Account, Issuer},
    payments::{self, Payment},
    runs,
};
use releve_types::{Money, Timestamp, ids::CreditId};
use sqlx::PgConnection;

use crate::{Job, JobError, deposits, payments::Decision};

/// Credits whose end is booked in one transaction.
const RUN_OUT_MAX: i64 = 1_000;

/// A credit that can't be made or taken back like this.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    #[error("{detail}")]
    Refused { field: &'static str, detail: String },
    #[error(transparent)]
    Price(#[from] PriceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Job(Box<JobError>),
}

impl From<JobError> for CreditError {
    fn from(error: JobError) -> Self {
        Self::Job(Box::new(error))
    }
}

pub(crate) fn refused(field: &'static str, detail: impl ToString) -> CreditError {
    CreditError::Refused { field, detail: detail.to_string() }
}

/// What a credit is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The seller gives it, for what the scope says.
    Grant(Scope),
    /// Money that came in and is set against nothing.
    Payment(Box<Payment>),
}

/// A credit that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    pub description: String,
    pub source: Source,
    /// Of a payment: if none is named, what is left of it.
    pub amount: Option<Money>,
    pub priority: u16,
    pub from: Timestamp,
    pub expires: Option<Timestamp>,
}

/// Makes a credit, and opens its ledger.
pub async fn open(
    conn: &mut PgConnection,
    account: &Account,
    asked: Asked,
    by: &str,
    now: Timestamp,
) -> Result<CreditRecord, CreditError> {
    let Asked { description, source, amount, priority, from, expires } = asked;
    let whole = amount.is_none();
    let (kind, amount, payment) = match source {
        Source::Grant(scope) => {
            let amount = amount.ok_or_else(|| refused("amount", "say how much is granted"))?;
            (CreditKind::Granted { scope }, amount, None)
        }
        Source::Payment(payment) => {
            if payment.issuer != account.issuer {
                return Err(refused("payment", "another seller received it than the account's"));
            }
            payments::lock(conn, payment.issuer).await?;
            let left = payments::left_of(conn, &payment).await?;
            let amount = amount.unwrap_or(left);
            if amount.currency() != left.currency() {
                return Err(refused("amount", format!("the payment is in {}", left.currency())));
            }
            if amount.amount() > left.amount() || left.is_zero() {
                return Err(refused("amount", format!("{left} of this payment is set against nothing")));
            }
            (CreditKind::Paid { paid_on: payment.paid_on, deposit: None }, amount, Some(payment.id))
        }
    };
    let new = NewCredit { description, kind, amount, priority, from, expires };
    let credit = Arc::new(Credit::new(CreditId::fresh(now), new)?);
    let (remaining, created_by) = (credit.amount(), by.to_owned());
    let record = CreditRecord { account: account.id, credit, remaining, payment, created_at: now, created_by };
    if let Some(payment) = payment {
        let issuer = shared(conn, account).await?;
        if issuer.vat_on_prepayment {
            return deposits::open(conn, (account, &issuer), record, (payment, whole), now).await;
        }
    }
    store::open(conn, &record, None).await?;
    Ok(record)
}

/// Who sells to the account, as it stays until the commit: what a document is taxed by is what it prints.
pub(crate) async fn shared(conn: &mut PgConnection, account: &Account) -> Result<Issuer, CreditError> {
    let found = customers::share_issuer(conn, account.issuer).await?;
    Ok(found.ok_or(JobError::NoIssuer(account.issuer))?)
}

/// Takes back what is left of a credit: of a grant to the seller; of an advance to its payment, which can then be given back or
/// set against something else.
pub async fn withdraw(
    conn: &mut PgConnection,
    account: &Account,
    id: CreditId,
    decision: Decision<'_>,
) -> Result<CreditRecord, CreditError> {
    if decision.reason.trim().is_empty() {
        return Err(refused("reason", "say why"));
    }
    payments::lock(conn, account.issuer).await?;
    let found = store::lock(conn, id).await?.filter(|record| record.account == account.id);
    let mut record = found.ok_or_else(|| refused("credit", "the account has no such credit"))?;
    if record.remaining.is_zero() {
        return Err(refused("credit", "nothing is left of it"));
    }
    let credit = Arc::clone(&record.credit);
    let (invoice, amount) = match deposits::take_back(conn, account, &record, decision.now).await? {
        Some((invoice, amount)) => (Some(invoice), amount),
        None => (None, record.remaining),
    };
    let Decision { reason, by, now } = decision;
    let movement = Movement::Withdrawn;
    let entry = NewEntry { account: account.id, credit: &credit, movement, amount, invoice, reason, by };
    store::enter(conn, &[entry], now).await?;
    record.remaining = record.remaining.checked_sub(amount).map_err(|error| refused("credit", error))?;
    Ok(record)
}

/// Books the end of credits that ran out: once the period in which they did is billed, so that it could still draw on them. How
/// many. None if another program is at it.
pub async fn expire(db: &Db, now: Timestamp) -> Result<Option<usize>, JobError> {
    let mut booked = 0;
    loop {
        let mut tx = db.begin_app().await?;
        if !runs::try_job_lock(&mut tx, Job::Expire.lock()).await? {
            return Ok(None);
        }
        let over = store::run_out(&mut tx, now, RUN_OUT_MAX).await?;
        let entries: Vec<NewEntry<'_>> = over.iter().map(ran_out).collect();
        store::enter(&mut tx, &entries, now).await?;
        tx.commit().await?;
        if over.is_empty() {
            return Ok(Some(booked));
        }
        booked += over.len();
    }
}

fn ran_out(record: &CreditRecord) -> NewEntry<'_> {
    NewEntry {
        account: record.account,
        credit: &record.credit,
        movement: Movement::Expired,
        amount: record.remaining,
        invoice: None,
        reason: "",
        by: Job::Expire.name(),
    }
}
