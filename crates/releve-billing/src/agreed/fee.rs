//! What is owed whatever is used? Fees by the month or once, and what is given back out of goodwill.
//!
//! A fee by the month is printed as hours at a price for the period's hours: a part of a month multiplies out as a whole
//! one does.

use releve_types::{Money, Period, Sku, Unit};

use super::{AgreedTerms, Agreement};
use crate::{Charge, ChargeKind, Contract, RateError, UnitPrice, rate::ratio, tax::RateClass};

pub(crate) fn fees(contract: &Contract, period: Period) -> Result<Vec<Charge>, RateError> {
    let owed = contract.agreements().iter().map(|agreement| fee(contract, agreement, period));
    owed.filter_map(Result::transpose).collect()
}

fn fee(contract: &Contract, agreement: &Agreement, period: Period) -> Result<Option<Charge>, RateError> {
    let id = agreement.id();
    // Once: in the hour in which it starts.
    let hour = Period::of_hours(agreement.from(), agreement.from().next()).ok().filter(|hour| within(period, *hour));
    let owed = match agreement.terms() {
        AgreedTerms::Recurring { sku, price, class } => agreement.within(period).map(|stretch| Owed {
            kind: ChargeKind::Recurring(id),
            sku,
            class: *class,
            stretch,
            unit: Unit::Hour,
            quantity: stretch.hours(),
            price: *price,
            base_quantity: period.hours(),
        }),
        AgreedTerms::Once { sku, price, class } => {
            hour.map(|hour| Owed::one(ChargeKind::Once(id), sku, *class, hour, *price))
        }
        AgreedTerms::Goodwill { sku, price, class } => {
            hour.map(|hour| Owed { quantity: -1, ..Owed::one(ChargeKind::Goodwill(id), sku, *class, hour, *price) })
        }
        _ => None,
    };
    owed.map(|owed| owed.charge(contract)).transpose()
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

impl<'a> Owed<'a> {
    /// One of it.
    pub const fn one(kind: ChargeKind, sku: &'a Sku, class: RateClass, stretch: Period, price: UnitPrice) -> Self {
        Self { kind, sku, class, stretch, unit: Unit::Count, quantity: 1, price, base_quantity: 1 }
    }

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
