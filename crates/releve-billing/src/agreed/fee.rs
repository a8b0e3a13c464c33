//! What is owed whatever is used? Fees by the month or once, and what is given back out of goodwill.
//!
//! A fee by the month is printed as hours at a price for the period's hours: a part of a month multiplies out as a whole
//! one does.

use releve_types::{Hour, Money, Period, Sku, Unit};

use super::{AgreedTerms, Agreement};
use crate::{Charge, ChargeKind, Contract, RateError, UnitPrice, rate::ratio, tax::RateClass};

pub(crate) fn fees(contract: &Contract, period: Period) -> Result<Vec<Charge>, RateError> {
    let owed = contract.agreements().iter().map(|agreement| fee(contract, agreement, period));
    owed.filter_map(Result::transpose).collect()
}

fn fee(contract: &Contract, agreement: &Agreement, period: Period) -> Result<Option<Charge>, RateError> {
    let id = agreement.id();
    let (sku, price, class, kind) = match agreement.terms() {
        AgreedTerms::Recurring { sku, price, class } => (sku, *price, *class, ChargeKind::Recurring(id)),
        AgreedTerms::Once { sku, price, class } => (sku, *price, *class, ChargeKind::Once(id)),
        AgreedTerms::Goodwill { sku, price, class } => (sku, *price, *class, ChargeKind::Goodwill(id)),
        _ => return Ok(None),
    };
    let stretch = match kind {
        ChargeKind::Recurring(_) => agreement.within(period),
        // Once: in the hour in which it starts.
        _ => Period::of_hours(agreement.from(), agreement.from().next()).ok().filter(|s| within(period, *s)),
    };
    let Some(stretch) = stretch else { return Ok(None) };
    let (unit, quantity, base_quantity) = match kind {
        ChargeKind::Recurring(_) => (Unit::Hour, stretch.hours(), period.hours()),
        ChargeKind::Goodwill(_) => (Unit::Count, -1, 1),
        _ => (Unit::Count, 1, 1),
    };
    let owed = Owed { kind, sku, class, stretch, unit, quantity, price, base_quantity };
    owed.charge(contract).map(Some)
}

fn within(period: Period, stretch: Period) -> bool {
    period.intersect(stretch) == Some(stretch)
}

/// What an account owes as a whole, as no tenant in particular.
pub(super) struct Owed<'a> {
    pub kind: ChargeKind,
    pub sku: &'a Sku,
    pub class: RateClass,
    pub stretch: Period,
    pub unit: Unit,
    /// In base units.
    pub quantity: i64,
    pub price: UnitPrice,
    pub base_quantity: i64,
}

impl Owed<'_> {
    pub fn charge(self, contract: &Contract) -> Result<Charge, RateError> {
        let Self { kind, sku, class, stretch, unit, quantity, price, base_quantity } = self;
        let amount: Money = ratio(quantity, price, unit, base_quantity, contract.currency())?;
        Ok(Charge {
            tenant: None,
            project: String::new(),
            sku: sku.clone(),
            unit,
            kind,
            class,
            tier: 0,
            stretch,
            metered: 0,
            billed: quantity,
            energy_mj: 0,
            unit_price: price.amount(),
            base_quantity,
            discount: None,
            amount,
        })
    }
}

/// The hours of an agreement's part of a period.
pub(super) fn hours(stretch: Period) -> impl Iterator<Item = Hour> {
    let (first, end) = (stretch.first_hour(), stretch.end_hour());
    std::iter::successors(Some(first), |hour| Some(hour.next())).take_while(move |hour| *hour < end)
}
