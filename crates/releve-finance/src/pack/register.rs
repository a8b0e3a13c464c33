//! Which documents were issued in the month, is one missing, and which VAT do they bear?

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::tax::{Ground, Subtotal};
use releve_types::{AccountId, Currency, Money, money::MoneyError};
use rust_decimal::Decimal;

use super::schemas;
use crate::{
    draws::draws,
    month::{Document, Month, Move},
    sums::{ByCurrency, add, add_to},
    table::{Cell, Table},
};

pub fn register(month: &Month) -> Table {
    let mut documents: Vec<&Document> = month.issued_in_month().collect();
    documents.sort_by_key(|document| &document.number);
    let row = |document: &&Document| {
        let zero = Money::zero(document.currency());
        let vat = document.payable.checked_sub(document.total).unwrap_or(zero);
        let due = document.payable.checked_sub(document.prepaid).unwrap_or(zero);
        vec![
            Cell::text(document.number.to_string()),
            Cell::text(document.number.series()),
            Cell::Integer(i64::from(document.number.year())),
            Cell::Integer(document.number.serial()),
            Cell::text(document.kind.name()),
            Cell::Date(month.date(document.issued_at)),
            Cell::Date(month.date(document.due_at)),
            Cell::text(document.account.to_string()),
            Cell::text(month.customer(document.account)),
            Cell::text(document.currency().code()),
            document.total.into(),
            vat.into(),
            document.payable.into(),
            document.prepaid.into(),
            due.into(),
        ]
    };
    Table { schema: &schemas::REGISTER, rows: documents.iter().map(row).collect() }
}

/// A series' numbers in the month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    pub series: String,
    pub year: i32,
    /// The last before the month.
    pub before: i64,
    pub first: i64,
    pub last: i64,
    pub count: i64,
}

impl Run {
    /// Numbers between the last before the month and the last of it that no document has.
    pub const fn missing(&self) -> i64 {
        self.last - self.before - self.count
    }
}

pub fn runs(month: &Month) -> Vec<Run> {
    let mut serials: BTreeMap<(&str, i32), (i64, BTreeSet<i64>)> = BTreeMap::new();
    for document in &month.documents {
        let number = &document.number;
        let of = serials.entry((number.series(), number.year())).or_default();
        if month.is_in(document.issued_at) {
            of.1.insert(number.serial());
        } else {
            of.0 = of.0.max(number.serial());
        }
    }
    let run = |((series, year), (before, of)): ((&str, i32), (i64, BTreeSet<i64>))| {
        let (first, last) = (*of.first()?, *of.last()?);
        let count = i64::try_from(of.len()).unwrap_or(i64::MAX);
        Some(Run { series: series.to_owned(), year, before, first, last, count })
    };
    serials.into_iter().filter_map(run).collect()
}

pub fn proof(month: &Month) -> Table {
    let row = |run: Run| {
        vec![
            Cell::text(&*run.series),
            Cell::Integer(i64::from(run.year)),
            Cell::Integer(run.before),
            Cell::Integer(run.first),
            Cell::Integer(run.last),
            Cell::Integer(run.count),
            Cell::Integer(run.missing()),
        ]
    };
    Table { schema: &schemas::PROOF, rows: runs(month).into_iter().map(row).collect() }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Declared {
    documents: i64,
    base: Money,
    tax: Money,
}

/// What is declared together: ground, rate, the buyer's country, currency.
type Kind<'a> = (Ground, Decimal, &'a str, Currency);

/// By ground, rate, the buyers' country and currency. What an invoice has back of the VAT of a deposit invoice is taken off.
fn declared(month: &Month) -> Result<BTreeMap<Kind<'_>, Declared>, MoneyError> {
    let mut sums: BTreeMap<Kind<'_>, Declared> = BTreeMap::new();
    let mut add = |document, subtotal: &Subtotal, documents| -> Result<(), MoneyError> {
        let country = month.buyer(document).map_or("", |buyer| &buyer.country);
        let currency = subtotal.base.currency();
        let zero = Money::zero(currency);
        let sum = sums.entry((subtotal.vat.ground, subtotal.vat.rate.percent(), country, currency));
        let sum = sum.or_insert(Declared { documents: 0, base: zero, tax: zero });
        sum.documents += documents;
        sum.base = sum.base.checked_add(subtotal.base)?;
        sum.tax = sum.tax.checked_add(subtotal.tax)?;
        Ok(())
    };
    for document in month.issued_in_month() {
        for subtotal in &document.subtotals {
            add(document, subtotal, 1)?;
        }
    }
    for (deposit, drawn) in drawn(month)? {
        add(deposit, &drawn, 0)?;
    }
    Ok(sums)
}

/// All VAT that is declared, of each currency.
pub fn declared_by_currency(month: &Month) -> Result<ByCurrency, MoneyError> {
    let mut sums = ByCurrency::new();
    declared(month)?.into_values().try_for_each(|declared| add(&mut sums, declared.tax))?;
    Ok(sums)
}

/// What invoices of the month took back of deposit invoices, with the sign that it has for what is declared.
fn drawn(month: &Month) -> Result<Vec<(&Document, Subtotal)>, MoneyError> {
    let of_invoices = draws(month)?.into_iter().filter(|draw| draw.entry.moved != Move::Expired);
    let taken = of_invoices.filter(|draw| month.is_in(draw.entry.at)).filter_map(|draw| {
        let deposit = draw.deposit?;
        let vat = deposit.subtotals.first()?.vat;
        Some((deposit, Subtotal { vat, base: draw.net.negated(), tax: draw.vat.negated() }))
    });
    Ok(taken.collect())
}

pub fn vat(month: &Month) -> Result<Table, MoneyError> {
    let row = |((ground, rate, country, currency), sum): (Kind<'_>, Declared)| {
        vec![
            Cell::text(ground.name()),
            Cell::text(ground.category().code()),
            Cell::Decimal(rate),
            Cell::text_or_null(country),
            Cell::text(currency.code()),
            Cell::Integer(sum.documents),
            sum.base.into(),
            sum.tax.into(),
        ]
    };
    Ok(Table { schema: &schemas::VAT, rows: declared(month)?.into_iter().map(row).collect() })
}

pub fn services_list(month: &Month) -> Result<Table, MoneyError> {
    let mut sums: BTreeMap<(&str, &str, AccountId, Currency), Money> = BTreeMap::new();
    let mut add = |document: &Document, subtotal: &Subtotal| -> Result<(), MoneyError> {
        if subtotal.vat.ground == Ground::ReverseCharge {
            let (vat_id, country) = month.buyer(document).map_or(("", ""), |of| (&of.vat_id, &of.country));
            let currency = subtotal.base.currency();
            add_to(&mut sums, (vat_id, country, document.account, currency), subtotal.base)?;
        }
        Ok(())
    };
    for document in month.issued_in_month() {
        document.subtotals.iter().try_for_each(|subtotal| add(document, subtotal))?;
    }
    for (deposit, drawn) in drawn(month)? {
        add(deposit, &drawn)?;
    }
    let row = |((vat_id, country, account, currency), base): ((&str, &str, AccountId, Currency), Money)| {
        vec![
            Cell::text(vat_id),
            Cell::text(country),
            Cell::text(month.customer(account)),
            Cell::text(currency.code()),
            base.into(),
        ]
    };
    Ok(Table { schema: &schemas::SERVICES, rows: sums.into_iter().map(row).collect() })
}
