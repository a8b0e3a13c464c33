//! How much is missing to what an account agreed to spend at least? One line that makes up for it.

use releve_types::{Money, Period, Sku, Unit};

use super::{AgreedTerms, fee::Owed};
use crate::{Charge, ChargeKind, Contract, RateError, UnitPrice, rate::ratio, tax::RateClass};

/// What the line is: the same for everybody, so that sums over it can be made.
const NAME: &str = "minimum-spend";

/// What is missing in the period; nothing where the charges reach it. Where one minimum follows another within the
/// period, their parts add up, and the later is what the line is of.
pub(crate) fn minimum(contract: &Contract, period: Period, charges: &[Charge]) -> Result<Option<Charge>, RateError> {
    let mut missing = Money::zero(contract.currency());
    let mut latest = None;
    for agreement in contract.agreements() {
        if let (AgreedTerms::Minimum { price }, Some(stretch)) = (agreement.terms(), agreement.within(period)) {
            let part = ratio(stretch.hours(), *price, Unit::Hour, period.hours(), contract.currency())?;
            missing = missing.checked_add(part)?;
            latest = Some((agreement.id(), stretch));
        }
    }
    let Some((id, stretch)) = latest else { return Ok(None) };
    for charge in charges.iter().filter(|charge| charge.kind.counts_towards_a_minimum()) {
        missing = missing.checked_sub(charge.amount)?;
    }
    if missing.is_zero() || missing.is_negative() {
        return Ok(None);
    }
    let sku = Sku::Fee { name: NAME.into() };
    let price = UnitPrice::new(missing.amount()).map_err(|_| RateError::TooLarge { sku: Box::new(sku.clone()) })?;
    Owed::one(ChargeKind::Minimum(id), &sku, RateClass::Standard, stretch, price).charge(contract).map(Some)
}
