//! How did documents stand at an instant, and what was given up of them by then?
//!
//! What was given up counts as far as nothing else covers it: who pays after all takes the place of it. So what is booked is how that changed,
//! not what was said.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::payment::{Item, Standing, standings};
use releve_types::{AccountId, Currency, InvoiceId, Money, Timestamp, ids::CreditId, money::MoneyError};

use crate::{
    month::{Document, GivenUp, Month},
    sums::add_to,
};

/// Which documents are set against one another: those of an account's period. One of an advance stands for itself.
type Together = (AccountId, Timestamp, Option<CreditId>, Currency);

/// Of every document that was issued before, by what was paid and given up before.
pub fn at(month: &Month, cut: Timestamp) -> Result<BTreeMap<InvoiceId, Standing>, MoneyError> {
    let mut settled: BTreeMap<InvoiceId, Money> = BTreeMap::new();
    for of in month.settlements.iter().filter(|settled| settled.settled_at < cut) {
        add_to(&mut settled, of.invoice, of.amount)?;
    }
    let mut given_up: BTreeMap<InvoiceId, Money> = BTreeMap::new();
    for of in month.write_offs.iter().filter(|off| off.at < cut) {
        add_to(&mut given_up, of.invoice, of.amount)?;
    }
    let mut together: BTreeMap<Together, Vec<&Document>> = BTreeMap::new();
    for document in month.documents.iter().filter(|document| document.issued_at < cut) {
        let key = (document.account, document.period.start(), document.credit, document.currency());
        together.entry(key).or_default().push(document);
    }
    let mut stand = BTreeMap::new();
    for documents in together.into_values() {
        let mut items = Vec::with_capacity(documents.len());
        for document in documents {
            let zero = Money::zero(document.currency());
            items.push(Item {
                invoice: document.id,
                due: document.payable.checked_sub(document.prepaid)?,
                due_at: document.due_at,
                settled: settled.get(&document.id).copied().unwrap_or(zero),
                given_up: given_up.get(&document.id).copied().unwrap_or(zero),
            });
        }
        stand.extend(standings(&items, cut)?);
    }
    Ok(stand)
}

/// What was effectively given up: until the month began, and in it. Below zero: covered by something else after all.
pub fn written_off(month: &Month) -> Result<Vec<GivenUp>, MoneyError> {
    let (start, end) = (month.period.start(), month.period.end());
    let (before, now) = (at(month, start)?, at(month, end)?);
    let concerned: BTreeMap<InvoiceId, AccountId> =
        month.write_offs.iter().map(|off| (off.invoice, off.account)).collect();
    let mut changes = Vec::new();
    for (invoice, account) in concerned {
        let Some(standing) = now.get(&invoice) else { continue };
        let zero = Money::zero(standing.written_off.currency());
        let then = before.get(&invoice).map_or(zero, |standing| standing.written_off);
        let change = standing.written_off.checked_sub(then)?;
        let parts = [(then, start.plus_millis(-1)), (change, changed_at(month, invoice))];
        let parts = parts.into_iter().filter(|(amount, _)| !amount.is_zero());
        changes.extend(parts.map(|(amount, at)| GivenUp { account, invoice, amount, at }));
    }
    Ok(changes)
}

/// When something last happened to a document in the month.
fn changed_at(month: &Month, invoice: InvoiceId) -> Timestamp {
    let settled = month.settlements.iter().filter(|of| of.invoice == invoice).map(|of| of.settled_at);
    let off = month.write_offs.iter().filter(|of| of.invoice == invoice).map(|of| of.at);
    let happened: BTreeSet<Timestamp> = settled.chain(off).filter(|at| month.is_in(*at)).collect();
    happened.last().copied().unwrap_or_else(|| month.period.end().plus_millis(-1))
}
