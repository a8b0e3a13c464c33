//! Do an account's credits and orders last? What is left of them by what was used so far, and at the rate of the last day.

use releve_types::{Money, money::MoneyError};

use super::{Limits, limits::is_below};

/// An account's credits that hold now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wallet {
    /// What they were when they were made.
    pub whole: Money,
    /// What the months that are not billed leave of them.
    pub left: Money,
    /// What the last full day was worth at list price.
    pub last_day: Money,
}

/// Why credits are low.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Low {
    /// Less than so many percent are left.
    Share,
    /// What is left lasts for fewer days.
    Days,
}

impl Low {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Days => "days",
        }
    }
}

/// Credits that do not last, with the numbers that say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreditsLow {
    pub wallet: Wallet,
    pub why: Low,
    /// Whole days that what is left lasts for at the rate of the last day; none: nothing was used in it.
    pub days_left: Option<i64>,
}

/// None: they last, or there are none.
pub fn credits_low(limits: &Limits, wallet: Wallet) -> Option<CreditsLow> {
    let Wallet { whole, left, last_day } = wallet;
    let units = |money: Money| money.amount().mantissa();
    if units(whole) <= 0 {
        return None;
    }
    let days_left = units(left).checked_div(units(last_day)).and_then(|days| i64::try_from(days).ok());
    let share = is_below(units(left), limits.credits_percent_min, units(whole));
    let days = units(last_day) > 0 && units(left) < units(last_day) * i128::from(limits.credits_days_min);
    let why = if share { Low::Share } else { Low::Days };
    (share || days).then_some(CreditsLow { wallet, why, days_left })
}

/// A purchase order with little left: what its documents drew and what the months that are not billed will.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderLow {
    pub amount: Money,
    pub drawn: Money,
    pub unbilled: Money,
    pub left: Money,
}

/// None: enough is left.
pub fn order_low(
    limits: &Limits,
    amount: Money,
    drawn: Money,
    unbilled: Money,
) -> Result<Option<OrderLow>, MoneyError> {
    let left = amount.checked_sub(drawn)?.checked_sub(unbilled)?;
    let units = |money: Money| money.amount().mantissa();
    let low = is_below(units(left), limits.order_percent_min, units(amount));
    Ok(low.then_some(OrderLow { amount, drawn, unbilled, left }))
}

/// What is left of credits once months that are not billed have drawn on them, never below zero.
pub fn left_after(left: Money, draws: Money) -> Result<Money, MoneyError> {
    let after = left.checked_sub(draws)?;
    if after.is_negative() { Ok(Money::zero(left.currency())) } else { Ok(after) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use releve_types::Currency;

    use super::*;

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::Eur).expect("an amount")
    }

    #[test]
    fn credits_are_low_by_share_or_by_days() {
        let row = |(whole, left, last_day): &(&str, &str, &str)| {
            let wallet = Wallet { whole: eur(whole), left: eur(left), last_day: eur(last_day) };
            let told = credits_low(&Limits::default(), wallet)
                .map_or("-".to_owned(), |low| format!("{} (lasts {:?} days)", low.why.name(), low.days_left));
            format!("{left:<7} of {whole:>7}, {last_day:>6} a day: {told}")
        };
        let rows = [
            ("1000.00", "200.00", "0.00"),
            ("1000.00", "199.99", "0.00"),
            ("1000.00", "199.99", "10.00"),
            ("1000.00", "700.00", "100.00"),
            ("1000.00", "699.99", "100.00"),
            ("1000.00", "0.00", "100.00"),
            ("0.00", "0.00", "100.00"),
        ];
        expect![[r#"
            200.00  of 1000.00,   0.00 a day: -
            199.99  of 1000.00,   0.00 a day: share (lasts None days)
            199.99  of 1000.00,  10.00 a day: share (lasts Some(19) days)
            700.00  of 1000.00, 100.00 a day: -
            699.99  of 1000.00, 100.00 a day: days (lasts Some(6) days)
            0.00    of 1000.00, 100.00 a day: share (lasts Some(0) days)
            0.00    of    0.00, 100.00 a day: -"#]]
        .assert_eq(&rows.iter().map(row).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn an_order_is_low_by_what_will_be_billed_on_it_too() {
        let left = |drawn, unbilled| {
            let low = order_low(&Limits::default(), eur("1000"), eur(drawn), eur(unbilled)).expect("fits");
            low.map(|low| low.left.to_string())
        };
        assert_eq!(left("900", "0"), None, "a tenth is enough");
        assert_eq!(left("800", "100.01").as_deref(), Some("99.99 EUR"));
        assert_eq!(left("800", "300").as_deref(), Some("-100.00 EUR"), "what goes beyond it is told as it is");
        assert_eq!(left_after(eur("5"), eur("7")), Ok(eur("0")));
        assert_eq!(left_after(eur("7"), eur("5")), Ok(eur("2")));
    }
}
