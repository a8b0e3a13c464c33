//! What does a month come to if it goes on like this? Its usage so far, times the hours of the period, divided by the hours of it
//! that have begun. What does not grow with time (fees, reservations, what is given back) stays as it stands.

use std::num::NonZero;

use releve_types::{Money, Period, TenantId, Timestamp, money::MoneyError, time::MILLIS_PER_HOUR};

use super::{Budget, Figure, Spend, add, parts, sums};
use crate::Rated;

/// Hours of a period that have to have begun: of less, a forecast would be noise.
pub const FORECAST_HOURS_MIN: i64 = 24;
/// How a forecast is made, for its readers.
pub const FORECAST_BASIS: &str =
    "usage so far x hours of the month / hours of it that have begun; other charges as they stand";

/// How much of a period is over, as (hours of it, hours that have begun). None: too little to say.
fn hours(period: Period, as_of: Timestamp) -> Option<(i128, NonZero<u128>)> {
    let ms = as_of.since(period.start());
    let begun = (ms.max(0) / MILLIS_PER_HOUR + i64::from(ms % MILLIS_PER_HOUR > 0)).min(period.hours());
    let enough = begun >= FORECAST_HOURS_MIN;
    let begun = u128::try_from(begun).ok().filter(|_| enough).and_then(NonZero::new)?;
    Some((i128::from(period.hours()), begun))
}

/// So many parts of an amount that came in so many.
pub(super) fn stretched(money: Money, (all, begun): (i128, NonZero<u128>)) -> Result<Money, MoneyError> {
    let scale = 10_u128.checked_pow(money.amount().scale()).ok_or(MoneyError::TooLarge)?;
    let below = begun.checked_mul(NonZero::new(scale).ok_or(MoneyError::TooLarge)?).ok_or(MoneyError::TooLarge)?;
    let above = money.amount().mantissa().checked_mul(all).ok_or(MoneyError::TooLarge)?;
    Money::round_ratio(above, below, money.currency())
}

/// What a budget's month comes to. None: less than `FORECAST_HOURS_MIN` hours have begun.
pub fn forecast(budget: &Budget, spend: Spend<'_>) -> Result<Option<Figure>, MoneyError> {
    let Some(over) = hours(spend.period, spend.as_of) else { return Ok(None) };
    let (fixed, growing) = parts(budget, spend.rated)?;
    let growing = match growing {
        Figure::Amount(money) => Figure::Amount(stretched(money, over)?),
        Figure::GpuMs(ms) => {
            let begun = i128::try_from(over.1.get()).map_err(|_| MoneyError::TooLarge)?;
            let ms = i64::try_from(i128::from(ms) * over.0 / begun).map_err(|_| MoneyError::TooLarge)?;
            Figure::GpuMs(ms)
        }
    };
    add(fixed, growing).map(Some)
}

/// What a month comes to, and what that was made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forecast {
    pub amount: Money,
    /// The hours that it was extrapolated from: those of the period that have begun.
    pub from: Period,
    /// Hours of the whole period.
    pub hours: i64,
}

/// What a tenant's month comes to, or with no tenant the account's, minimum spends as they stand. None: less than
/// `FORECAST_HOURS_MIN` hours have begun.
pub fn forecast_amount(
    rated: &Rated,
    tenant: Option<TenantId>,
    period: Period,
    as_of: Timestamp,
) -> Result<Option<Forecast>, MoneyError> {
    let Some(over) = hours(period, as_of) else { return Ok(None) };
    let charges = rated.charges.iter().filter(|c| tenant.is_none() || c.tenant == tenant);
    let (fixed, growing) = sums(charges, rated.currency)?;
    let amount = fixed.checked_add(stretched(growing, over)?)?;
    let begun_ms = i64::try_from(over.1.get()).map_err(|_| MoneyError::TooLarge)? * MILLIS_PER_HOUR;
    let from = Period::new(period.start(), period.start().plus_millis(begun_ms)).map_err(|_| MoneyError::TooLarge)?;
    Ok(Some(Forecast { amount, from, hours: period.hours() }))
}
