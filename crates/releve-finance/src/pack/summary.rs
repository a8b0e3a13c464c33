//! Which figures does the page in front of the pack name? Each stands in a table of it, where it can be looked up.

use std::collections::BTreeMap;

use releve_types::{Currency, Money, money::MoneyError};

use super::{
    earned::Earned,
    ledgers::{self, Open, Rolled},
    register, schemas,
};
use crate::{
    month::{Month, Move},
    sums::{self, ByCurrency},
    table::{Cell, Table},
};

/// A figure of the month, with the table that it sums up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Figure {
    pub figure: &'static str,
    pub amount: Money,
    pub table: &'static str,
}

pub fn figures(
    month: &Month,
    earned: &Earned,
    receivables: &[Open<'_>],
    wallets: &[Rolled],
) -> Result<Vec<Figure>, MoneyError> {
    let mut of_currency: BTreeMap<Currency, Vec<Figure>> = BTreeMap::new();
    let mut add = |figure, amount: Money, table| {
        of_currency.entry(amount.currency()).or_default().push(Figure { figure, amount, table });
    };
    for part in earned.by_currency()?.into_values() {
        add("earned revenue", part.earned, schemas::REVENUE.name);
        add("unbilled at the start", part.opening, schemas::ROLL_FORWARD.name);
        add("invoiced revenue", part.invoiced, schemas::ROLL_FORWARD.name);
        add("unbilled at the end", part.closing, schemas::CLOSING.name);
    }
    let mut invoiced = ByCurrency::new();
    month.issued_in_month().try_for_each(|document| sums::add(&mut invoiced, document.payable))?;
    for payable in invoiced.into_values() {
        add("payable on the month's documents", payable, schemas::REGISTER.name);
    }
    for vat in register::declared_by_currency(month)?.into_values() {
        add("VAT of the month", vat, schemas::VAT.name);
    }
    for open in ledgers::owed(receivables)?.into_values() {
        add("receivables at the end", open, schemas::RECEIVABLES.name);
    }
    for (opened, drawn, closing) in advances(month, wallets)?.into_values() {
        add("paid in advance in the month", opened, schemas::ADVANCES.name);
        add("drawn on advances in the month", drawn, schemas::ADVANCES.name);
        add("advances at the end", closing, schemas::ADVANCES.name);
    }
    Ok(of_currency.into_values().flatten().collect())
}

type Advances = BTreeMap<Currency, (Money, Money, Money)>;

fn advances(month: &Month, wallets: &[Rolled]) -> Result<Advances, MoneyError> {
    let mut sums = Advances::new();
    for rolled in wallets {
        if !month.wallets.get(&rolled.credit).is_some_and(|wallet| wallet.paid) {
            continue;
        }
        let zero = Money::zero(rolled.closing.currency());
        let moved = |kind| rolled.moved.get(&kind).copied().unwrap_or(zero);
        let sum = sums.entry(zero.currency()).or_insert((zero, zero, zero));
        sum.0 = sum.0.checked_add(moved(Move::Opened))?;
        sum.1 = sum.1.checked_add(moved(Move::Drawn))?.checked_sub(moved(Move::GivenBack))?;
        sum.2 = sum.2.checked_add(rolled.closing)?;
    }
    Ok(sums)
}

pub fn table(figures: &[Figure]) -> Table {
    let row = |of: &Figure| {
        vec![Cell::text(of.figure), Cell::text(of.amount.currency().code()), of.amount.into(), Cell::text(of.table)]
    };
    Table { schema: &schemas::SUMMARY, rows: figures.iter().map(row).collect() }
}
