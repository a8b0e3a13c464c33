//! What was earned in the month, and what of it is not invoiced?
//!
//! earned = not invoiced at the end + invoiced in the month − not invoiced at the start, for each customer, month of usage and SKU. Usage
//! that comes late, and what is taken back, is earned in the month in which it comes, under the month it is of.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{AccountId, BillingMonth, Currency, Money, money::MoneyError};

use super::schemas;
use crate::{
    month::{AccrualKey, Accruals, Month, add, by_sku},
    table::{Cell, Row, Table},
};

#[derive(Clone, Debug)]
pub struct Earned {
    /// One for each key that stands anywhere.
    pub parts: BTreeMap<AccrualKey, Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    pub opening: Money,
    pub invoiced: Money,
    pub closing: Money,
    pub earned: Money,
}

impl Part {
    fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { opening: zero, invoiced: zero, closing: zero, earned: zero }
    }

    fn plus(self, other: Self) -> Result<Self, MoneyError> {
        Ok(Self {
            opening: self.opening.checked_add(other.opening)?,
            invoiced: self.invoiced.checked_add(other.invoiced)?,
            closing: self.closing.checked_add(other.closing)?,
            earned: self.earned.checked_add(other.earned)?,
        })
    }
}

pub fn earned(month: &Month) -> Result<Earned, MoneyError> {
    let mut invoiced = Accruals::new();
    for document in month.issued_in_month() {
        let (Some(of), Some(whole)) = (month.month_of(document), month.whole.get(&document.id)) else { continue };
        let lines = whole.content().lines.iter();
        let lines = lines.map(|line| (&line.charge.sku, line.charge.kind, line.charge.amount));
        for (key, amount) in by_sku(lines, document.account, of)? {
            add(&mut invoiced, key, amount)?;
        }
    }
    let keys: BTreeSet<&AccrualKey> = month.opening.keys().chain(month.closing.keys()).chain(invoiced.keys()).collect();
    let mut parts = BTreeMap::new();
    for key in keys {
        let of = |sums: &Accruals| sums.get(key).copied().unwrap_or(Money::zero(key.currency));
        let (opening, closing, invoiced) = (of(&month.opening), of(&month.closing), of(&invoiced));
        let earned = closing.checked_add(invoiced)?.checked_sub(opening)?;
        parts.insert(key.clone(), Part { opening, invoiced, closing, earned });
    }
    Ok(Earned { parts })
}

/// Used and unused, by customer, SKU and currency.
type Commitments = BTreeMap<(AccountId, String, Currency), (Money, Money)>;

impl Earned {
    /// Summed by whatever.
    fn by<K: Ord>(&self, of: impl Fn(&AccrualKey) -> Option<K>) -> Result<BTreeMap<K, Part>, MoneyError> {
        let mut sums: BTreeMap<K, Part> = BTreeMap::new();
        for (key, part) in &self.parts {
            let Some(whose) = of(key) else { continue };
            let sum = sums.entry(whose).or_insert_with(|| Part::zero(key.currency));
            *sum = sum.plus(*part)?;
        }
        Ok(sums)
    }

    pub fn by_currency(&self) -> Result<BTreeMap<Currency, Part>, MoneyError> {
        self.by(|key| Some(key.currency))
    }

    /// Of usage of one month alone.
    pub fn of_usage_in(&self, month: BillingMonth) -> Result<BTreeMap<Currency, Part>, MoneyError> {
        self.by(|key| (key.month == month).then_some(key.currency))
    }

    pub fn late(&self, month: &Month) -> Result<BTreeMap<(AccountId, BillingMonth, Currency), Part>, MoneyError> {
        self.by(|key| (key.month < month.month).then_some((key.account, key.month, key.currency)))
    }

    /// What reservations came to, used and unused.
    fn commitments(&self) -> Result<Commitments, MoneyError> {
        let mut sums = Commitments::new();
        for (key, part) in &self.parts {
            let unused = match key.kind.as_str() {
                "reserved" => false,
                "unused" => true,
                _ => continue,
            };
            let zero = Money::zero(key.currency);
            let sum = sums.entry((key.account, key.sku.clone(), key.currency)).or_insert((zero, zero));
            let of_it = if unused { &mut sum.1 } else { &mut sum.0 };
            *of_it = of_it.checked_add(part.earned)?;
        }
        Ok(sums)
    }

    pub fn revenue_table(&self, month: &Month) -> Result<Table, MoneyError> {
        let sums = self.by(|key| Some((key.account, key.sku.clone(), key.kind.clone(), key.currency)))?;
        let row = |((account, sku, kind, currency), part): ((AccountId, String, String, Currency), Part)| {
            vec![
                Cell::text(account.to_string()),
                Cell::text(month.customer(account)),
                Cell::text(sku),
                Cell::text(kind),
                Cell::text(currency.code()),
                part.opening.into(),
                part.invoiced.into(),
                part.closing.into(),
                part.earned.into(),
            ]
        };
        Ok(Table { schema: &schemas::REVENUE, rows: sums.into_iter().map(row).collect() })
    }

    pub fn roll_forward_table(&self, month: &Month) -> Result<Table, MoneyError> {
        let row = |((account, currency), part): ((AccountId, Currency), Part)| -> Row {
            vec![
                Cell::text(account.to_string()),
                Cell::text(month.customer(account)),
                Cell::text(currency.code()),
                part.opening.into(),
                part.earned.into(),
                part.invoiced.into(),
                part.closing.into(),
            ]
        };
        let sums = self.by(|key| Some((key.account, key.currency)))?;
        Ok(Table { schema: &schemas::ROLL_FORWARD, rows: sums.into_iter().map(row).collect() })
    }

    pub fn closing_table(&self, month: &Month) -> Table {
        let row = |(key, amount): (&AccrualKey, &Money)| {
            vec![
                Cell::text(key.account.to_string()),
                Cell::text(month.customer(key.account)),
                Cell::text(key.month.to_string()),
                Cell::text(&*key.sku),
                Cell::text(&*key.kind),
                Cell::text(key.currency.code()),
                (*amount).into(),
            ]
        };
        Table { schema: &schemas::CLOSING, rows: month.closing.iter().map(row).collect() }
    }

    pub fn late_table(&self, month: &Month) -> Result<Table, MoneyError> {
        let late = self.late(month)?.into_iter().filter(|(_, part)| !part.earned.is_zero());
        let row = |((account, of, currency), part): ((AccountId, BillingMonth, Currency), Part)| {
            vec![
                Cell::text(account.to_string()),
                Cell::text(month.customer(account)),
                Cell::text(of.to_string()),
                Cell::text(currency.code()),
                part.earned.into(),
            ]
        };
        Ok(Table { schema: &schemas::LATE, rows: late.map(row).collect() })
    }

    pub fn commitments_table(&self, month: &Month) -> Result<Table, MoneyError> {
        let mut rows = Vec::new();
        for ((account, sku, currency), (used, unused)) in self.commitments()? {
            rows.push(vec![
                Cell::text(account.to_string()),
                Cell::text(month.customer(account)),
                Cell::text(sku),
                Cell::text(currency.code()),
                used.into(),
                unused.into(),
                used.checked_add(unused)?.into(),
            ]);
        }
        Ok(Table { schema: &schemas::COMMITMENTS, rows })
    }
}
