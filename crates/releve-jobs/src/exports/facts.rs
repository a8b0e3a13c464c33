//! What happened at a seller up to a month's end, put together for the books.

use std::collections::BTreeMap;

use releve_billing::Kind;
use releve_finance::{
    journal::{Chart, ChartError},
    month::{Accruals, Customer, Document, Month, Paid, Seller, Settled},
};
use releve_store::{
    Tx,
    audit_log::{self, Change},
    customers::{self as stored, Issuer, Party},
    finance::{closings, facts},
    invoices,
    payments::{self, PaymentFilter},
};
use releve_types::{AccountId, BillingMonth, InvoiceId, Timestamp};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::accruals;
use crate::JobError;

/// Documents, payments and accounts that are read at once.
const PAGE_LEN: usize = 500;

/// A seller's chart: the French one, with its own numbers in place.
pub fn chart(ledgers: &Value) -> Result<Chart, ChartError> {
    let mut chart = Chart::default();
    for (name, own) in ledgers.as_object().into_iter().flatten() {
        let text = |field| own.get(field).and_then(Value::as_str);
        chart.set(name, text("number").unwrap_or_default(), text("label"))?;
    }
    Ok(chart)
}

/// Whether what was not invoiced is asked for: everybody's months are rated for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accrued {
    Yes,
    No,
}

/// The month's facts. Of a month that is closed, what was not invoiced is as it was known then; of any other as it is known now.
pub async fn month(
    tx: &mut Tx,
    issuer: &Issuer,
    month: BillingMonth,
    as_of: Timestamp,
    with: Accrued,
) -> Result<Month, JobError> {
    let period = issuer.zone.month(month);
    let before = period.end().min(as_of);
    let (opening, closing) = match with {
        Accrued::No => (Accruals::new(), Accruals::new()),
        Accrued::Yes => {
            let opening = opening(tx, issuer, month).await?;
            let closing = match closings::accruals(tx, issuer.id, period).await? {
                Some(kept) => kept,
                None => accruals::accruals(tx, issuer, month, before, &opening).await?,
            };
            (opening, closing)
        }
    };
    let documents = documents(tx, issuer, before).await?;
    let in_month: Vec<InvoiceId> =
        documents.iter().filter(|document| period.contains(document.issued_at)).map(|document| document.id).collect();
    let mut whole = BTreeMap::new();
    for ids in in_month.chunks(PAGE_LEN) {
        whole.extend(invoices::issued(tx, ids).await?.into_iter().map(|issued| (issued.stamp().id, issued)));
    }
    let mut buyers = BTreeMap::new();
    for ids in in_month.chunks(PAGE_LEN) {
        let named = releve_store::documents::names(tx, ids).await?;
        buyers.extend(named.into_iter().map(|(id, named)| (id, customer(named.account))));
    }
    let (payments, settlements) = paid(tx, issuer, before).await?;
    Ok(Month {
        buyers,
        seller: seller(issuer),
        month,
        period,
        customers: customers(tx, issuer).await?,
        documents,
        whole,
        payments,
        settlements,
        write_offs: facts::given_up(tx, issuer.id, before).await?,
        wallets: facts::wallets(tx, issuer.id, before).await?,
        wallet_entries: facts::wallet_entries(tx, issuer.id, before).await?,
        opening,
        closing,
    })
}

/// Closes a month that has ended, and notes who did; false if it is closed.
pub async fn close(
    conn: &mut PgConnection,
    issuer: &Issuer,
    month: BillingMonth,
    unbilled: &Accruals,
    now: Timestamp,
    by: &str,
) -> Result<bool, JobError> {
    let period = issuer.zone.month(month);
    if period.end() > now {
        return Err(JobError::NotEnded { period, now });
    }
    let closed = closings::close(conn, issuer.id, period, unbilled, now, by).await?;
    if closed {
        let (actor, subject) = (by.to_owned(), issuer.id.to_string());
        let after = Some(json!({ "period": month.to_string() }));
        let change = Change { actor, action: "issuer.close_month", subject, before: None, after };
        audit_log::add(conn, &change, now).await?;
    }
    Ok(closed)
}

/// What was on no document when a month ended, as it is known now.
pub async fn unbilled_at_end(tx: &mut Tx, issuer: &Issuer, month: BillingMonth) -> Result<Accruals, JobError> {
    let opening = opening(tx, issuer, month).await?;
    accruals::accruals(tx, issuer, month, issuer.zone.month(month).end(), &opening).await
}

fn seller(issuer: &Issuer) -> Seller {
    Seller {
        id: issuer.id,
        name: issuer.party.name.clone(),
        legal_id: issuer.party.legal_id.clone(),
        zone: issuer.zone.clone(),
    }
}

/// As the month before was closed; where it was not, as it is known now.
async fn opening(tx: &mut Tx, issuer: &Issuer, month: BillingMonth) -> Result<Accruals, JobError> {
    let before = issuer.zone.month(month.previous());
    match closings::accruals(tx, issuer.id, before).await? {
        Some(kept) => Ok(kept),
        None => accruals::late(tx, issuer, month, before.end(), &Accruals::new()).await,
    }
}

async fn documents(tx: &mut Tx, issuer: &Issuer, before: Timestamp) -> Result<Vec<Document>, JobError> {
    let ids = facts::issued_before(tx, issuer.id, before).await?;
    let mut documents = Vec::with_capacity(ids.len());
    for ids in ids.chunks(PAGE_LEN) {
        for (head, subtotals) in invoices::issued_heads(tx, ids).await? {
            let (Some(stamp), Some(payable)) = (&head.stamp, head.payable) else { continue };
            documents.push(Document {
                id: head.id,
                account: head.account,
                number: stamp.number.clone(),
                kind: Kind::of(!head.corrects.is_empty(), head.total, head.credit.is_some()),
                period: head.period,
                credit: head.credit,
                issued_at: stamp.issued_at,
                due_at: stamp.due_at,
                total: head.total,
                payable,
                prepaid: head.prepaid,
                subtotals,
            });
        }
    }
    Ok(documents)
}

async fn paid(tx: &mut Tx, issuer: &Issuer, before: Timestamp) -> Result<(Vec<Paid>, Vec<Settled>), JobError> {
    let filter = PaymentFilter { issuer: Some(issuer.id), ..PaymentFilter::default() };
    let (mut after, mut all, mut settled) = (None, Vec::new(), Vec::new());
    loop {
        let page = payments::page(tx, filter, after, i64::try_from(PAGE_LEN).unwrap_or(i64::MAX)).await?;
        after = page.last().map(|payment| payment.id);
        if after.is_none() {
            break;
        }
        let ids: Vec<_> = page.iter().map(|payment| payment.id).collect();
        for of in payments::settlements(tx, &ids).await? {
            let (payment, account, invoice) = (of.payment, of.account, of.invoice);
            settled.push(Settled { payment, account, invoice, amount: of.amount, settled_at: of.settled_at });
        }
        all.extend(page.into_iter().map(|payment| Paid {
            id: payment.id,
            amount: payment.amount,
            paid_on: payment.paid_on,
            payer: payment.payer,
            reference: payment.reference,
            recorded_at: payment.recorded_at,
        }));
    }
    all.retain(|paid| paid.recorded_at < before);
    settled.retain(|of| of.settled_at < before);
    settled.sort_by_key(|of| of.settled_at);
    Ok((all, settled))
}

/// One of them alone.
pub async fn customer_of(tx: &mut Tx, account: AccountId) -> Result<BTreeMap<AccountId, Customer>, JobError> {
    let found = stored::account(tx, account).await?;
    Ok(found.into_iter().map(|account| (account.id, customer(account.party))).collect())
}

/// As they are called now.
pub async fn customers(tx: &mut Tx, issuer: &Issuer) -> Result<BTreeMap<AccountId, Customer>, JobError> {
    let (mut after, mut all) = (String::new(), BTreeMap::new());
    loop {
        let page = stored::accounts(tx, &after, i64::try_from(PAGE_LEN).unwrap_or(i64::MAX)).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after.clone_from(&last.party.name);
        for account in page.into_iter().filter(|account| account.issuer == issuer.id) {
            all.insert(account.id, customer(account.party));
        }
    }
}

fn customer(party: Party) -> Customer {
    Customer { name: party.name, country: party.country, vat_id: party.vat_id }
}
