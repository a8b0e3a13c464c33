//! Which documents were issued in the month, is one missing, and which VAT do they bear?

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::tax::{Ground, Subtotal};
use releve_types::{AccountId, Currency, Money, money::MoneyError};
use rust_decimal::Decimal;

use super::schemas;
use crate::{
    month::{Document, Month},
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

struct Declared {
    documents: i64,
    base: Money,
    tax: Money,
}

/// By ground, rate, the customers' country and currency. What deposit invoices bore is in it, and what later invoices say of the same
/// money too: an invoice that draws on an advance names its deposit invoice.
pub fn vat(month: &Month) -> Result<Table, MoneyError> {
    let mut sums: BTreeMap<(Ground, Decimal, &str, Currency), Declared> = BTreeMap::new();
    for document in month.issued_in_month() {
        let country = month.customers.get(&document.account).map_or("", |customer| &customer.country);
        for Subtotal { vat, base, tax } in &document.subtotals {
            let currency = document.currency();
            let zero = Money::zero(currency);
            let sum = sums.entry((vat.ground, vat.rate.percent(), country, currency));
            let sum = sum.or_insert(Declared { documents: 0, base: zero, tax: zero });
            sum.documents += 1;
            sum.base = sum.base.checked_add(*base)?;
            sum.tax = sum.tax.checked_add(*tax)?;
        }
    }
    let row = |((ground, rate, country, currency), sum): ((Ground, Decimal, &str, Currency), Declared)| {
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
    Ok(Table { schema: &schemas::VAT, rows: sums.into_iter().map(row).collect() })
}

pub fn services_list(month: &Month) -> Result<Table, MoneyError> {
    let mut sums: BTreeMap<(AccountId, Currency), Money> = BTreeMap::new();
    for document in month.issued_in_month() {
        let reversed = document.subtotals.iter().filter(|subtotal| subtotal.vat.ground == Ground::ReverseCharge);
        for subtotal in reversed {
            let currency = document.currency();
            let sum = sums.entry((document.account, currency)).or_insert(Money::zero(currency));
            *sum = sum.checked_add(subtotal.base)?;
        }
    }
    let row = |((account, currency), base): ((AccountId, Currency), Money)| {
        let customer = month.customers.get(&account);
        vec![
            Cell::text(customer.map_or("", |customer| &customer.vat_id)),
            Cell::text(customer.map_or("", |customer| &customer.country)),
            Cell::text(month.customer(account)),
            Cell::text(currency.code()),
            base.into(),
        ]
    };
    Ok(Table { schema: &schemas::SERVICES, rows: sums.into_iter().map(row).collect() })
}
