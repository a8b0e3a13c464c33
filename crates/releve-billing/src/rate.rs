//! What does the usage of a period cost? Charges, and beside them what has no price.

use std::{borrow::Cow, num::NonZero};

use releve_types::{AllocationId, Currency, Money, Period, Sku, TenantId, Unit, ids::PriceId, money::MoneyError};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    Contract, Price, Rounding, UnitPrice, Usage,
    gather::{Row, gather},
    price,
    rating::{Part, Place, Places},
};

/// One price applied to what one project used: what becomes an invoice line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    pub unit: Unit,
    pub price_id: PriceId,
    /// From 0.
    pub tier: u32,
    /// The part of the period in which this price holds.
    pub stretch: Period,
    /// As measured, in base units.
    pub metered: i64,
    /// After the plan's rounding, or in whole packages, in base units.
    pub billed: i64,
    pub energy_mj: i64,
    /// Per base quantity.
    pub unit_price: Decimal,
    /// In printed units: 3600 seconds, a million tokens, a package.
    pub base_quantity: i64,
    pub amount: Money,
}

impl Charge {
    /// The billed quantity as it is printed: GPU time in seconds with at most three decimals.
    pub fn quantity(&self) -> Decimal {
        printed(self.unit, self.billed)
    }

    /// The metered quantity, printed alike.
    pub fn metered_quantity(&self) -> Decimal {
        printed(self.unit, self.metered)
    }

    /// What the unit price is for, in words. A package that is just the unit's base quantity goes by that one's name.
    pub fn priced_per(&self) -> Cow<'static, str> {
        match self.unit.base_quantity() {
            (commonly, of) if of == self.base_quantity => Cow::Borrowed(commonly),
            _ => Cow::Owned(price::package(self.unit, self.base_quantity)),
        }
    }
}

/// Usage that has no price. Never zero money: it holds the invoice back until there is a price.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unpriced {
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    pub stretch: Period,
    pub metered: i64,
    pub energy_mj: i64,
}

/// Charges by tenant, project, SKU, time and tier; `total` is the sum of their rounded amounts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rated {
    pub currency: Currency,
    pub charges: Vec<Charge>,
    pub unpriced: Vec<Unpriced>,
    pub total: Money,
}

/// Usage that cannot be rated because it is not what it promises to be: a fault of whoever gathered it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    #[error("stretch: usage of {sku} in {stretch} lies outside the period {period}")]
    OutsidePeriod { sku: Box<Sku>, stretch: Period, period: Period },
    #[error("stretch: usage of {sku} is summed over {stretch}, in which its price changes")]
    CrossesPrice { sku: Box<Sku>, stretch: Period },
    #[error("items: {sku} is billed by the plan {rounding}, which needs its usage allocation by allocation")]
    NeedsAllocations { sku: Box<Sku>, rounding: Rounding },
    #[error("allocations: usage of {sku} is given both summed and by allocation")]
    GivenTwice { sku: Box<Sku> },
    #[error("{field}: {value} of {sku} is negative")]
    Negative { field: &'static str, value: i64, sku: Box<Sku> },
    #[error("held_before: {allocation} is given two pasts on device {device} as {sku}")]
    HeldBeforeDiffers { sku: Box<Sku>, allocation: AllocationId, device: Uuid },
    #[error("the usage of {sku} passes what a 64-bit integer holds")]
    TooLarge { sku: Box<Sku> },
    #[error("amount: {0}")]
    Money(#[from] MoneyError),
}

/// Rates a period. Pure: the same arguments give the same charges, in the same order.
pub fn rate(contract: &Contract, period: Period, usage: &Usage) -> Result<Rated, RateError> {
    let gathered = gather(contract, period, usage)?;
    let mut charges = Vec::with_capacity(gathered.rows.len());
    let mut unpriced = Vec::new();
    for of_sku in gathered.rows.chunk_by(|a, b| a.key.sku == b.key.sku) {
        let (sku, runs) = &gathered.skus[of_sku[0].key.sku];
        let places = Places::new(of_sku.iter().map(|row| row.billed));
        let mut places = places.ok_or_else(|| RateError::TooLarge { sku: Box::new((*sku).clone()) })?;
        for row in of_sku {
            let run = runs[row.key.run];
            match run.price {
                Some(price) => {
                    let place = places.next(price.id(), row.billed);
                    charge(row, price, run.stretch, place, contract.currency(), &mut charges)?;
                }
                None => unpriced.push(Unpriced {
                    tenant: row.key.tenant,
                    project: row.key.project.to_owned(),
                    sku: (*sku).clone(),
                    stretch: run.stretch,
                    metered: row.metered,
                    energy_mj: row.energy_mj,
                }),
            }
        }
    }
    // Stable: rows come by SKU, run and tier, which stays the order within a project.
    charges.sort_by(|a, b| (a.tenant, &a.project).cmp(&(b.tenant, &b.project)));
    unpriced.sort_by(|a, b| (a.tenant, &a.project).cmp(&(b.tenant, &b.project)));
    let mut total = Money::zero(contract.currency());
    for charge in &charges {
        total = total.checked_add(charge.amount)?;
    }
    Ok(Rated { currency: contract.currency(), charges, unpriced, total })
}

/// Turns a row into a charge per tier. Of the metered time each tier gets what it bills, the last the rest, so
/// that the lines add up to what was metered; energy goes along in proportion.
fn charge(
    row: &Row<'_>,
    price: &Price,
    stretch: Period,
    place: Place,
    currency: Currency,
    charges: &mut Vec<Charge>,
) -> Result<(), RateError> {
    let too_large = || RateError::TooLarge { sku: Box::new(price.sku().clone()) };
    let parts = price.model().split(place, row.billed).ok_or_else(too_large)?;
    let (mut metered_left, mut energy_left) = (row.metered, row.energy_mj);
    for (n, part) in parts.iter().enumerate() {
        let last = n + 1 == parts.len();
        let metered = if last { metered_left } else { metered_left.min(part.quantity) };
        let energy_mj = if last { energy_left } else { proportion(row.energy_mj, part.quantity, row.billed) };
        metered_left -= metered;
        energy_left -= energy_mj;
        charges.push(Charge {
            tenant: row.key.tenant,
            project: row.key.project.to_owned(),
            sku: price.sku().clone(),
            unit: price.unit(),
            price_id: price.id(),
            tier: part.tier,
            stretch,
            metered,
            billed: part.quantity,
            energy_mj,
            unit_price: part.price.amount(),
            base_quantity: price.base_quantity(),
            amount: amount(part, price, currency)?,
        });
    }
    Ok(())
}

/// quantity × unit price ÷ base quantity, in integers, rounded once.
pub(crate) fn amount(part: &Part, price: &Price, currency: Currency) -> Result<Money, MoneyError> {
    let UnitPriceParts { mantissa, one } = parts_of(part.price);
    let numerator = i128::from(part.quantity).checked_mul(mantissa).ok_or(MoneyError::TooLarge)?;
    let base = u128::from(price.unit().printed().1.unsigned_abs()) * u128::from(price.base_quantity().unsigned_abs());
    let denominator = base.checked_mul(one).and_then(NonZero::new).ok_or(MoneyError::TooLarge)?;
    Money::round_ratio(numerator, denominator, currency)
}

/// A price as the fraction mantissa ÷ one.
struct UnitPriceParts {
    mantissa: i128,
    one: u128,
}

fn parts_of(price: UnitPrice) -> UnitPriceParts {
    let price = price.amount();
    UnitPriceParts { mantissa: price.mantissa(), one: 10_u128.pow(price.scale()) }
}

/// `whole × part ÷ of`, downwards.
fn proportion(whole: i64, part: i64, of: i64) -> i64 {
    let share = i128::from(whole) * i128::from(part) / i128::from(of.max(1));
    i64::try_from(share).unwrap_or(whole)
}

fn printed(unit: Unit, base_units: i64) -> Decimal {
    // 1000 ms are a second, so a printed quantity is exact: three decimals, or none.
    let decimals = unit.printed().1.ilog10();
    Decimal::new(base_units, decimals).normalize()
}
