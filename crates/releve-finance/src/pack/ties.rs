//! Do the figures hold together? Each tie-out compares one amount that was come to in two ways, and prints 0.00 or what breaks it.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{Currency, Money, money::MoneyError};
use rust_decimal::Decimal;

use super::{
    PackError,
    earned::Earned,
    ledgers::{self, Open},
    register, schemas,
};
use crate::{
    draws::draws,
    focus::check::Fault,
    journal::{self, Chart, Entry, Journal, Posting},
    month::{Month, Move},
    sums::{ByCurrency, add},
    table::{Cell, Table},
};

/// What the FOCUS rows of the month's usage sum up to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Focus {
    /// EffectiveCost without tax, of the documents of the month's usage, with their corrections so far, and of what is not invoiced.
    pub effective: BTreeMap<Currency, Decimal>,
    /// BilledCost of the documents.
    pub billed: BTreeMap<Currency, Decimal>,
    /// What is due on them.
    pub due: BTreeMap<Currency, Decimal>,
    /// Invoices that do not sum up.
    pub faults: Vec<Fault>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TieOut {
    pub tie: &'static str,
    pub currency: Currency,
    pub left: Decimal,
    pub right: Decimal,
    /// What breaks it, where one row does.
    pub breaks: Option<String>,
}

impl TieOut {
    pub fn difference(&self) -> Decimal {
        self.left - self.right
    }

    pub fn holds(&self) -> bool {
        self.difference().is_zero() && self.breaks.is_none()
    }
}

pub fn ties(
    month: &Month,
    earned: &Earned,
    entries: &[Entry],
    chart: &Chart,
    focus: &Focus,
    receivables: &[Open<'_>],
) -> Result<Vec<TieOut>, PackError> {
    let booked = Booked::of(entries, chart)?;
    // Ledgers run on from month to month: they are held to everything that was ever booked.
    let ever = Booked::of(&journal::entries(&month.since_ever(), chart)?, chart)?;
    let (by_currency, of_month) = (earned.by_currency()?, earned.of_usage_in(month.month)?);
    let (owed, balances) = (ledgers::owed(receivables)?, ledgers::balances(month)?);
    let (advances, declared) = (advances(month)?, register::declared_by_currency(month)?);
    let register = registered(month)?;
    let missing: Vec<String> = register::runs(month)
        .into_iter()
        .filter(|run| run.missing() != 0)
        .map(|run| format!("{}-{}: {} missing", run.series, run.year, run.missing()))
        .collect();
    let mut ties = Vec::new();
    for currency in currencies(month, earned, focus) {
        let zero = Money::zero(currency);
        let amount = |sums: &BTreeMap<Currency, Money>| sums.get(&currency).copied().unwrap_or(zero).amount();
        let decimal = |sums: &BTreeMap<Currency, Decimal>| sums.get(&currency).copied().unwrap_or_default();
        let part = by_currency.get(&currency);
        let (opening, closing) = part.map_or((zero, zero), |part| (part.opening, part.closing));
        let (of_it, earned) =
            (of_month.get(&currency).map_or(zero, |part| part.earned), part.map_or(zero, |part| part.earned));
        let movement = closing.checked_sub(opening)?;
        let mut tie = |tie, left: Decimal, right: Decimal, breaks: Option<String>| {
            ties.push(TieOut { tie, currency, left: left.normalize(), right: right.normalize(), breaks });
        };
        let broken = focus.faults.first().map(ToString::to_string);
        tie("FOCUS BilledCost = due on invoices", decimal(&focus.billed), decimal(&focus.due), broken);
        tie(
            "FOCUS EffectiveCost of the month's usage = earned for it",
            decimal(&focus.effective),
            of_it.amount(),
            None,
        );
        tie(
            "journal revenue = earned - movement of unbilled",
            amount(&booked.revenue),
            earned.checked_sub(movement)?.amount(),
            None,
        );
        tie("journal revenue = register total", amount(&booked.revenue), amount(&register.total), None);
        tie("journal VAT of sales = register VAT", amount(&booked.vat), amount(&register.vat), None);
        tie("journal customers of sales = register payable", amount(&booked.sold), amount(&register.payable), None);
        tie("receivables = balances of statements", amount(&owed), amount(&balances), None);
        tie("journal customers, all of it = receivables", amount(&ever.customers), amount(&owed), None);
        tie(
            "journal advances, all of it = what is left of advances, without VAT",
            amount(&ever.advances),
            amount(&advances),
            None,
        );
        tie("journal VAT, all of the month = VAT summary", amount(&booked.all_vat), amount(&declared), None);
        let gaps = (!missing.is_empty()).then(|| missing.join(", "));
        tie("register: numbers missing", Decimal::ZERO, Decimal::ZERO, gaps);
    }
    Ok(ties)
}

fn currencies(month: &Month, earned: &Earned, focus: &Focus) -> BTreeSet<Currency> {
    let documents = month.documents.iter().map(|document| document.currency());
    let of_wallets = month.wallet_entries.iter().map(|entry| entry.amount.currency());
    let of_earned = earned.parts.keys().map(|key| key.currency);
    documents.chain(of_wallets).chain(of_earned).chain(focus.due.keys().copied()).collect()
}

/// What the journal sums up to: of sales, and in all.
#[derive(Default)]
struct Booked {
    revenue: ByCurrency,
    vat: ByCurrency,
    sold: ByCurrency,
    customers: ByCurrency,
    /// What is owed to customers.
    advances: ByCurrency,
    all_vat: ByCurrency,
}

impl Booked {
    fn of(entries: &[Entry], chart: &Chart) -> Result<Self, MoneyError> {
        let mut booked = Self::default();
        for entry in entries {
            let sales = entry.journal == Journal::Sales;
            for Posting { ledger, amount, .. } in &entry.postings {
                let number = &ledger.number;
                if chart.is_revenue(number) {
                    add(&mut booked.revenue, amount.negated())?;
                } else if *number == chart.vat().number {
                    add(&mut booked.all_vat, amount.negated())?;
                    if sales {
                        add(&mut booked.vat, amount.negated())?;
                    }
                } else if *number == chart.customers().number {
                    add(&mut booked.customers, *amount)?;
                    if sales {
                        add(&mut booked.sold, *amount)?;
                    }
                } else if *number == chart.advances().number {
                    add(&mut booked.advances, amount.negated())?;
                }
            }
        }
        Ok(booked)
    }
}

/// What the register sums up to: revenue without advances.
#[derive(Default)]
struct Registered {
    total: ByCurrency,
    vat: ByCurrency,
    payable: ByCurrency,
}

fn registered(month: &Month) -> Result<Registered, MoneyError> {
    let mut sums = Registered::default();
    for document in month.issued_in_month() {
        if document.credit.is_none() {
            add(&mut sums.total, document.total)?;
        }
        add(&mut sums.vat, document.payable.checked_sub(document.total)?)?;
        add(&mut sums.payable, document.payable)?;
    }
    Ok(sums)
}

/// What is left of advances: of one with a deposit invoice, what that and its credit notes say without VAT, less what was used up of it.
fn advances(month: &Month) -> Result<ByCurrency, MoneyError> {
    let mut left = ByCurrency::new();
    let of_paid = |credit| month.wallets.get(&credit).filter(|wallet| wallet.paid);
    for entry in month.wallet_entries.iter().filter(|entry| entry.at < month.period.end()) {
        let plain = of_paid(entry.credit).is_some_and(|wallet| wallet.deposit.is_none());
        if plain && matches!(entry.moved, Move::Opened | Move::TakenBack) {
            add(&mut left, entry.signed())?;
        }
    }
    for document in month.documents.iter().filter(|document| document.credit.is_some()) {
        add(&mut left, document.total)?;
    }
    for draw in draws(month)? {
        add(&mut left, draw.net.negated())?;
    }
    Ok(left)
}

pub fn table(ties: &[TieOut]) -> Table {
    let row = |tie: &TieOut| {
        vec![
            Cell::text(tie.tie),
            Cell::text(tie.currency.code()),
            Cell::Decimal(tie.left),
            Cell::Decimal(tie.right),
            Cell::Decimal(tie.difference().normalize()),
            tie.breaks.as_ref().map_or(Cell::Null, |breaks| Cell::text(&**breaks)),
        ]
    };
    Table { schema: &schemas::TIES, rows: ties.iter().map(row).collect() }
}
