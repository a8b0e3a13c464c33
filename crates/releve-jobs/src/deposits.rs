//! What document does an advance get where VAT is due when it is paid? A deposit invoice as its credit is made, and a credit note for
//! what of it is taken back: issued at once, in the transaction that moves the money.

use std::sync::Arc;

use releve_billing::{
    Corrected, Credit, CreditKind, Deposit, Draft, NewCredit, Number,
    tax::{RateClass, Vat},
};
use releve_store::{
    credits::{self, CreditRecord},
    customers::{Account, Issuer},
    invoices::{self, NewInvoice},
};
use releve_types::{Day, InvoiceId, Money, Period, Timestamp, ids::PaymentId};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::{
    JobError,
    credits::{CreditError, refused, shared},
    documents,
    issue::{Sale, number, put, rates, seller},
};

/// Who pays whom in advance.
type Parties<'a> = (&'a Account, &'a Issuer);

/// Makes a credit of a payment and issues its deposit invoice. If the `whole` payment is to be one, it is of the most that is
/// an amount with its VAT, and the payment keeps the cent that is left.
pub(crate) async fn open(
    conn: &mut PgConnection,
    (account, issuer): Parties<'_>,
    record: CreditRecord,
    (payment, whole): (PaymentId, bool),
    now: Timestamp,
) -> Result<CreditRecord, CreditError> {
    let CreditKind::Paid { paid_on, .. } = *record.credit.kind() else { return Ok(record) };
    let (currency, asked) = (record.credit.currency(), record.credit.amount());
    let seller = seller(conn, issuer).await?;
    let rates = rates(conn, issuer, paid_on.noon()).await?;
    let sale = Sale { issuer, seller: &seller, buyer: account, currency, at: paid_on.noon(), rates: &rates };
    let vat = sale.vat(RateClass::Standard).map_err(|missing| {
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        refused("payment", format!("nobody can say which VAT its deposit invoice bears: {}", missing.join("; ")))
    })?;
    let deposit = deposit((account, issuer), &record, (payment, paid_on), vat, now)?;
    let invalid = |error| CreditError::from(JobError::Invoice { account: account.id, error });
    let draft = deposit.invoice(asked).map_err(invalid)?;
    let draft = draft.ok_or_else(|| refused("amount", format!("{asked} is too little to have VAT taken out of it")))?;
    let paid = draft.taxes().payable;
    if paid != asked && !whole {
        let detail = format!("no net amount and its VAT of {} % come to {asked}: {paid} does", vat.rate);
        return Err(refused("amount", detail));
    }
    let draft = match sale.stated(draft).map_err(invalid)? {
        Ok(draft) => draft,
        Err(parked) => {
            let why: Vec<&str> = parked.holds().iter().map(|hold| hold.detail.as_str()).collect();
            return Err(refused("payment", why.join("; ")));
        }
    };
    let invoice = issue(conn, &sale, (&record, &draft), deposit.basis(&draft), now).await?;
    let kept = CreditRecord { credit: Arc::new(worth(&record.credit, paid)?), remaining: paid, ..record };
    credits::open(conn, &kept, Some(invoice)).await?;
    let id = kept.credit.id();
    Ok(credits::lock(conn, id).await?.unwrap_or(kept))
}

/// Issues the credit note for what is left of an advance that got a deposit invoice; with what it takes back. None of an advance that
/// got none. Its VAT is the deposit invoice's, whatever would be charged today.
pub(crate) async fn take_back(
    conn: &mut PgConnection,
    account: &Account,
    record: &CreditRecord,
    now: Timestamp,
) -> Result<Option<(InvoiceId, Money)>, CreditError> {
    let (CreditKind::Paid { paid_on, deposit: Some(_) }, Some(payment)) = (record.credit.kind(), record.payment) else {
        return Ok(None);
    };
    let issuer = &shared(conn, account).await?;
    let Some(of) = credits::deposit_of(conn, record.credit.id()).await? else { return Ok(None) };
    let Some(before) = invoices::issued(conn, &[of]).await?.pop() else { return Ok(None) };
    let Some(&vat) = before.taxes().lines.first() else { return Ok(None) };
    let stamp = before.stamp();
    let corrected = Corrected { id: of, number: stamp.number.clone(), issued_at: stamp.issued_at };
    let deposit = deposit((account, issuer), record, (payment, *paid_on), vat, now)?;
    let invalid = |error| CreditError::from(JobError::Invoice { account: account.id, error });
    let draft = deposit.credit_note(record.remaining, corrected).map_err(invalid)?;
    let left = record.remaining;
    let draft = draft.ok_or_else(|| refused("credit", format!("{left} is too little to have VAT taken out of it")))?;
    let draft = match &before.taxes().stated {
        Some(stated) => draft.stated(stated.rate.clone()).map_err(invalid)?,
        None => draft,
    };
    let (seller, currency, at) = (seller(conn, issuer).await?, left.currency(), paid_on.noon());
    let sale = Sale { issuer, seller: &seller, buyer: account, currency, at, rates: &[] };
    let amount = draft.taxes().payable.negated();
    let invoice = issue(conn, &sale, (record, &draft), deposit.basis(&draft), now).await?;
    Ok(Some((invoice, amount)))
}

/// Stores a draft, checks what it would break as an electronic invoice, and issues it.
async fn issue(
    conn: &mut PgConnection,
    sale: &Sale<'_>,
    (record, draft): (&CreditRecord, &Draft),
    basis: String,
    now: Timestamp,
) -> Result<InvoiceId, CreditError> {
    let (issuer, account) = (sale.issuer, sale.buyer.id);
    let year = i32::from(issuer.zone.month_of(now).year());
    let placeholder = Number::placeholder(&issuer.series, year).map_err(JobError::Numbering)?;
    let broken = documents::violations(draft, &sale.parties(), &placeholder, now)?;
    if let Some(first) = broken.first() {
        let detail = format!("its document would break {}: {}, {}", first.rule, first.field, first.message);
        return Err(refused("account", detail));
    }
    let id = InvoiceId::fresh(now);
    let new = NewInvoice {
        id,
        content: draft.content(),
        credit: Some(record.credit.id()),
        taxes: Some(draft.taxes()),
        advances: Some(draft.advances()),
        digest: Some(Sha256::digest(basis.as_bytes()).into()),
        holds: &[],
        missing_gpu_ms: None,
    };
    let drafts = [(id, draft)];
    put(conn, issuer, &[new], (&drafts, vec![((account, id), basis)]), now).await?;
    number(conn, issuer, &drafts, now).await?;
    Ok(id)
}

fn deposit<'a>(
    (account, issuer): Parties<'_>,
    record: &'a CreditRecord,
    (payment, paid_on): (PaymentId, Day),
    vat: Vat,
    now: Timestamp,
) -> Result<Deposit<'a>, CreditError> {
    let hour = Period::of_hours(now.hour(), now.hour().next()).map_err(|error| refused("payment", error))?;
    Ok(Deposit {
        account: account.id,
        issuer: issuer.id,
        credit: record.credit.id(),
        description: record.credit.description(),
        payment,
        paid_on,
        vat,
        hour,
    })
}

/// The same credit, of another amount.
fn worth(credit: &Credit, amount: Money) -> Result<Credit, CreditError> {
    let new = NewCredit {
        description: credit.description().to_owned(),
        kind: credit.kind().clone(),
        amount,
        priority: credit.priority(),
        from: credit.from().start(),
        expires: credit.expires().map(|hour| hour.start()),
    };
    Ok(Credit::new(credit.id(), new)?)
}
