//! Does a tenant spend otherwise than it does? Its last full hours against its own hours before them.
//!
//! An hour is worth what its usage costs at list price, first tiers (`estimate`): a tier that fills up, a discount or a
//! reservation is no jump. A tenant that has not been there for a day has no usual hours yet, and is not judged.

use std::num::NonZero;

use releve_types::{Currency, Money, money::MoneyError};
use rust_decimal::Decimal;

use super::{Limits, forecast::stretched};

/// Hours before the last ones that say what is usual: a week, so that weekends are in it.
pub const BASELINE_HOURS_MAX: u32 = 168;
/// Fewer of them say nothing.
pub const BASELINE_HOURS_MIN: u32 = 24;

/// What a tenant's hours were worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// The last full hours together.
    pub recent: Money,
    /// The hours before them together.
    pub before: Money,
    /// How many those are: from the tenant's first usage on, at most `BASELINE_HOURS_MAX`.
    pub before_hours: u32,
}

/// More than usual, with the numbers that say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anomaly {
    pub recent: Money,
    pub hours: u32,
    /// What as many usual hours come to.
    pub usual: Money,
    pub baseline_hours: u32,
    /// The share of it that fires.
    pub percent: u32,
}

/// None: nothing to tell. What is told of already is over only once it is below the middle between usual and what fires.
pub fn anomaly(limits: &Limits, pace: Pace, is_told: bool) -> Result<Option<Anomaly>, MoneyError> {
    if pace.before_hours < BASELINE_HOURS_MIN {
        return Ok(None);
    }
    let (hours, currency) = (limits.anomaly_hours, pace.recent.currency());
    let percent = if is_told { 100 + limits.anomaly_percent.saturating_sub(100) / 2 } else { limits.anomaly_percent };
    let units = |money: Money| money.amount().mantissa();
    // recent / hours >= percent / 100 x before / before_hours, without a division.
    let recent = units(pace.recent).saturating_mul(i128::from(pace.before_hours)).saturating_mul(100);
    let before = units(pace.before).saturating_mul(i128::from(hours)).saturating_mul(i128::from(percent));
    let usual = usual(pace, hours)?;
    let excess = pace.recent.checked_sub(usual)?;
    let min = least(limits, currency)?;
    let is_much = is_told || excess.checked_sub(min).is_ok_and(|above| !above.is_negative());
    let found = Anomaly { recent: pace.recent, hours, usual, baseline_hours: pace.before_hours, percent };
    Ok((recent >= before && is_much && !pace.recent.is_zero()).then_some(found))
}

/// What as many hours as the last ones come to by the baseline.
fn usual(pace: Pace, hours: u32) -> Result<Money, MoneyError> {
    let over = NonZero::new(u128::from(pace.before_hours)).ok_or(MoneyError::TooLarge)?;
    stretched(pace.before, (i128::from(hours), over))
}

fn least(limits: &Limits, currency: Currency) -> Result<Money, MoneyError> {
    Money::exact(Decimal::from(limits.anomaly_excess_min), currency)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::Eur).expect("an amount")
    }

    /// Hours before, what they were worth, what the last three were worth, whether it is told of.
    fn table(rows: &[(u32, &str, &str, bool)]) -> String {
        let row = |(before_hours, before, recent, is_told): &(u32, &str, &str, bool)| {
            let pace = Pace { recent: eur(recent), before: eur(before), before_hours: *before_hours };
            let found = anomaly(&Limits::default(), pace, *is_told).expect("fits");
            let told = found.map_or("-".to_owned(), |a| format!("usual {}, from {} %", a.usual, a.percent));
            let known = if *is_told { "told" } else { "new" };
            format!("{before:<8} in {before_hours:>3} h, then {recent:>6} in 3 h, {known:<4}: {told}")
        };
        rows.iter().map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_last_hours_are_compared_with_the_tenants_own() {
        expect![[r#"
            1680.00  in 168 h, then  90.00 in 3 h, new : -
            8400.00  in 168 h, then 449.99 in 3 h, new : -
            8400.00  in 168 h, then 450.00 in 3 h, new : usual 150.00 EUR, from 300 %
            8400.00  in 168 h, then 300.00 in 3 h, told: usual 150.00 EUR, from 200 %
            8400.00  in 168 h, then 299.99 in 3 h, told: -
            8400.00  in  23 h, then 900.00 in 3 h, new : -
            0.00     in 168 h, then 100.00 in 3 h, new : usual 0.00 EUR, from 300 %
            0.00     in 168 h, then  99.99 in 3 h, new : -
            0.00     in 168 h, then   0.00 in 3 h, told: -"#]]
        .assert_eq(&table(&[
            (168, "1680.00", "90.00", false),
            (168, "8400.00", "449.99", false),
            (168, "8400.00", "450.00", false),
            (168, "8400.00", "300.00", true),
            (168, "8400.00", "299.99", true),
            (23, "8400.00", "900.00", false),
            (168, "0.00", "100.00", false),
            (168, "0.00", "99.99", false),
            (168, "0.00", "0.00", true),
        ]));
    }
}
