//! What happened at a seller up to a month's end, put together for the books.

use std::collections::BTreeMap;

use releve_billing::Kind;
use releve_finance::{
    journal::{Chart, ChartError},
    month::{Accruals, Customer, Document, Month, Paid, Seller, Settled},
};
use releve_store::{
    Tx,
    customers::{self, Issuer},
    finance::{closings, facts},
    invoices::{self, InvoiceHead},
    payments::{self, PaymentFilter},
};
use releve_types::{AccountId, BillingMonth, InvoiceId, Timestamp};
use serde_json::Value;

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

/// The month's facts. Of a month that is closed, what was not invoiced is as it was known then; of any other as it is known now.
pub async fn month(tx: &mut Tx, issuer: &Issuer, month: BillingMonth, as_of: Timestamp) -> Result<Month, JobError> {
    let period = issuer.zone.month(month);
    let before = period.end().min(as_of);
    let opening = opening(tx, issuer, month).await?;
    let closing = match closings::accruals(tx, issuer.id, period).await? {
        Some(kept) => kept,
        None => accruals::accruals(tx, issuer, month, before).await?,
    };
    let documents = documents(tx, issuer, before).await?;
    let in_month: Vec<InvoiceId> =
        documents.iter().filter(|document| period.contains(document.issued_at)).map(|document| document.id).collect();
    let mut whole = BTreeMap::new();
    for ids in in_month.chunks(PAGE_LEN) {
        whole.extend(invoices::issued(tx, ids).await?.into_iter().map(|issued| (issued.stamp().id, issued)));
    }
    let (payments, settlements) = paid(tx, issuer, before).await?;
    Ok(Month {
        seller: seller(issuer),
        month,
        period,
        customers: buyers(tx, issuer).await?,
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

/// Closes a month that has ended; false if it is closed.
pub async fn close(
    tx: &mut Tx,
    issuer: &Issuer,
    month: BillingMonth,
    now: Timestamp,
    by: &str,
) -> Result<bool, JobError> {
    let period = issuer.zone.month(month);
    if period.end() > now {
        return Err(JobError::NotEnded { period, now });
    }
    if closings::closed_at(tx, issuer.id, period).await?.is_some() {
        return Ok(false);
    }
    let kept = unbilled_at_end(tx, issuer, month).await?;
    Ok(closings::close(tx, issuer.id, period, &kept, now, by).await?)
}

/// What was on no document when a month ended, as it is known now.
pub async fn unbilled_at_end(tx: &mut Tx, issuer: &Issuer, month: BillingMonth) -> Result<Accruals, JobError> {
    accruals::accruals(tx, issuer, month, issuer.zone.month(month).end()).await
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
        None => accruals::late(tx, issuer, month, before.end()).await,
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
                kind: kind(&head),
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

/// As `Content::kind` says of the whole document.
const fn kind(head: &InvoiceHead) -> Kind {
    match (head.corrects.is_empty(), head.total.is_negative()) {
        (true, _) if head.credit.is_some() => Kind::Deposit,
        (true, _) => Kind::Invoice,
        (false, false) => Kind::Correction,
        (false, true) => Kind::CreditNote,
    }
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

pub async fn buyers(tx: &mut Tx, issuer: &Issuer) -> Result<BTreeMap<AccountId, Customer>, JobError> {
    let (mut after, mut all) = (String::new(), BTreeMap::new());
    loop {
        let page = customers::accounts(tx, &after, i64::try_from(PAGE_LEN).unwrap_or(i64::MAX)).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after.clone_from(&last.party.name);
        for account in page.into_iter().filter(|account| account.issuer == issuer.id) {
            let party = account.party;
            let buyer = Customer { name: party.name, country: party.country, vat_id: party.vat_id };
            all.insert(account.id, buyer);
        }
    }
}
