//! What is still owed, what is still to be drawn, and how did each customer's account run?

use std::collections::BTreeMap;

use releve_types::{
    AccountId, Currency, InvoiceId, Money, Timestamp, ids::CreditId, money::MoneyError, time::MILLIS_PER_DAY,
};

use super::schemas;
use crate::{
    month::{Document, Month, Move},
    standing,
    sums::{ByCurrency, add, add_to},
    table::{Cell, Row, Table},
};

/// What is open on a document at the month's end; below zero, owed to the customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Open<'a> {
    pub document: &'a Document,
    pub open: Money,
    pub days_overdue: i64,
}

impl Open<'_> {
    const fn age(&self) -> &'static str {
        match self.days_overdue {
            ..=0 => "not due",
            1..=30 => "1-30",
            31..=60 => "31-60",
            61..=90 => "61-90",
            _ => "over 90",
        }
    }
}

/// Document by document, as payments and credit notes stood at the month's end.
pub fn receivables(month: &Month) -> Result<Vec<Open<'_>>, MoneyError> {
    let end = month.period.end();
    let stand = standing::at(month, end)?;
    let mut open = Vec::new();
    for document in &month.documents {
        let Some(standing) = stand.get(&document.id).filter(|standing| !standing.open.is_zero()) else { continue };
        let late = end.since(document.due_at).div_euclid(MILLIS_PER_DAY);
        let days_overdue = if standing.open.is_negative() { 0 } else { late.max(0) };
        open.push(Open { document, open: standing.open, days_overdue });
    }
    open.sort_by_key(|of| (of.document.account, &of.document.number));
    Ok(open)
}

pub fn receivables_table(month: &Month, open: &[Open<'_>]) -> Table {
    let row = |of: &Open<'_>| {
        vec![
            Cell::text(of.document.account.to_string()),
            Cell::text(month.customer(of.document.account)),
            Cell::text(of.document.number.to_string()),
            Cell::Date(month.date(of.document.issued_at)),
            Cell::Date(month.date(of.document.due_at)),
            Cell::Integer(of.days_overdue),
            Cell::text(of.age()),
            Cell::text(of.document.currency().code()),
            of.open.into(),
        ]
    };
    Table { schema: &schemas::RECEIVABLES, rows: open.iter().map(row).collect() }
}

/// How a credit moved in the month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rolled {
    pub credit: CreditId,
    pub opening: Money,
    pub moved: BTreeMap<Move, Money>,
    pub closing: Money,
}

/// Those that had something left, or moved.
pub fn wallets(month: &Month) -> Result<Vec<Rolled>, MoneyError> {
    let mut all: BTreeMap<CreditId, Rolled> = BTreeMap::new();
    for entry in month.wallet_entries.iter().filter(|entry| entry.at < month.period.end()) {
        let zero = Money::zero(entry.amount.currency());
        let fresh = || Rolled { credit: entry.credit, opening: zero, moved: BTreeMap::new(), closing: zero };
        let rolled = all.entry(entry.credit).or_insert_with(fresh);
        rolled.closing = rolled.closing.checked_add(entry.signed())?;
        if month.is_in(entry.at) {
            add_to(&mut rolled.moved, entry.moved, entry.amount)?;
        } else {
            rolled.opening = rolled.opening.checked_add(entry.signed())?;
        }
    }
    Ok(all.into_values().filter(|rolled| !rolled.opening.is_zero() || !rolled.moved.is_empty()).collect())
}

/// Advances, or grants.
pub fn wallets_table(month: &Month, rolled: &[Rolled], paid: bool) -> Table {
    let row = |of: &Rolled| -> Option<Row> {
        let wallet = month.wallets.get(&of.credit).filter(|wallet| wallet.paid == paid)?;
        let zero = Money::zero(of.closing.currency());
        let moved = |kind| Cell::from(of.moved.get(&kind).copied().unwrap_or(zero));
        Some(vec![
            Cell::text(of.credit.to_string()),
            Cell::text(wallet.account.to_string()),
            Cell::text(month.customer(wallet.account)),
            Cell::text(&*wallet.description),
            Cell::text(of.closing.currency().code()),
            Cell::or_null(wallet.expires, |at| Cell::Date(month.date(at))),
            of.opening.into(),
            moved(Move::Opened),
            moved(Move::Drawn),
            moved(Move::GivenBack),
            moved(Move::Expired),
            moved(Move::TakenBack),
            of.closing.into(),
        ])
    };
    let schema = if paid { &schemas::ADVANCES } else { &schemas::GRANTS };
    Table { schema, rows: rolled.iter().filter_map(row).collect() }
}

/// Something that changed what a customer owes: above zero more, below less.
struct Event {
    at: Timestamp,
    what: &'static str,
    reference: String,
    amount: Money,
}

fn events(month: &Month) -> Result<BTreeMap<(AccountId, Currency), Vec<Event>>, MoneyError> {
    let mut all: BTreeMap<(AccountId, Currency), Vec<Event>> = BTreeMap::new();
    let documents = month.by_id();
    let number = |id: &InvoiceId| documents.get(id).map(|document| document.number.to_string()).unwrap_or_default();
    let mut push = |account, at, what, reference, amount: Money| {
        all.entry((account, amount.currency())).or_default().push(Event { at, what, reference, amount });
    };
    for document in &month.documents {
        let due = document.payable.checked_sub(document.prepaid)?;
        push(document.account, document.issued_at, document.kind.name(), document.number.to_string(), due);
    }
    for settled in &month.settlements {
        push(settled.account, settled.settled_at, "payment", number(&settled.invoice), settled.amount.negated());
    }
    for off in standing::written_off(month)? {
        push(off.account, off.at, "written_off", number(&off.invoice), off.amount.negated());
    }
    for events in all.values_mut() {
        events.sort_by_key(|event| event.at);
    }
    Ok(all)
}

/// Each customer's account in the month, from what it owed before to what it owes at the end.
pub fn statements(month: &Month) -> Result<Table, MoneyError> {
    let mut rows = Vec::new();
    let (start, end) = (month.period.start(), month.period.end());
    for ((account, currency), events) in events(month)? {
        let zero = Money::zero(currency);
        let head = |at, what: &str, reference: &str| {
            vec![
                Cell::text(account.to_string()),
                Cell::text(month.customer(account)),
                Cell::text(currency.code()),
                Cell::Date(month.date(at)),
                Cell::text(what),
                Cell::text_or_null(reference),
            ]
        };
        let before = events.iter().filter(|event| event.at < start).map(|event| event.amount);
        let mut balance = Money::sum(before, currency)?;
        let in_month: Vec<&Event> = events.iter().filter(|event| start <= event.at && event.at < end).collect();
        if balance.is_zero() && in_month.is_empty() {
            continue;
        }
        rows.push([head(start, "opening", ""), vec![zero.into(), zero.into(), balance.into()]].concat());
        for event in in_month {
            balance = balance.checked_add(event.amount)?;
            let less = event.amount.is_negative();
            let (debit, credit) = if less { (zero, event.amount.negated()) } else { (event.amount, zero) };
            rows.push(
                [head(event.at, event.what, &event.reference), vec![debit.into(), credit.into(), balance.into()]]
                    .concat(),
            );
        }
        let last = end.plus_millis(-1);
        rows.push([head(last, "closing", ""), vec![zero.into(), zero.into(), balance.into()]].concat());
    }
    Ok(Table { schema: &schemas::STATEMENTS, rows })
}

/// What is owed in all, of each currency.
pub fn owed(open: &[Open<'_>]) -> Result<ByCurrency, MoneyError> {
    let mut sums = ByCurrency::new();
    open.iter().try_for_each(|of| add(&mut sums, of.open))?;
    Ok(sums)
}

/// The last balance of each currency, of all statements.
pub fn balances(month: &Month) -> Result<ByCurrency, MoneyError> {
    let mut sums = ByCurrency::new();
    for events in events(month)?.into_values() {
        let until = events.iter().filter(|event| event.at < month.period.end());
        until.map(|event| event.amount).try_for_each(|amount| add(&mut sums, amount))?;
    }
    Ok(sums)
}
