//! How much money? Exact decimals of one currency, and the one place where they are rounded.

use std::{fmt, num::NonZero, str::FromStr};

use rust_decimal::Decimal;

/// An ISO 4217 currency that invoices can be issued in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Currency {
    Chf,
    Czk,
    Dkk,
    Eur,
    Gbp,
    Hkd,
    Jpy,
    Nok,
    Pln,
    Sek,
    Sgd,
    Usd,
}

impl Currency {
    pub const ALL: [Self; 12] = [
        Self::Chf,
        Self::Czk,
        Self::Dkk,
        Self::Eur,
        Self::Gbp,
        Self::Hkd,
        Self::Jpy,
        Self::Nok,
        Self::Pln,
        Self::Sek,
        Self::Sgd,
        Self::Usd,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Chf => "CHF",
            Self::Czk => "CZK",
            Self::Dkk => "DKK",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Hkd => "HKD",
            Self::Jpy => "JPY",
            Self::Nok => "NOK",
            Self::Pln => "PLN",
            Self::Sek => "SEK",
            Self::Sgd => "SGD",
            Self::Usd => "USD",
        }
    }

    /// Decimals of the minor unit (ISO 4217).
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Jpy => 0,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let found = Self::ALL.into_iter().find(|c| c.code() == text);
        found.ok_or_else(|| MoneyError::UnknownCurrency(text.chars().take(10).collect()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("'{0}' is no currency that invoices are issued in")]
    UnknownCurrency(String),
    #[error("'{0}' is no amount: expected a decimal, as in 1200.00")]
    NoAmount(String),
    #[error("{0} and {1} do not add")]
    MixedCurrencies(Currency, Currency),
    #[error("the amount passes the 28 digits that money is exact in, 19 of them before the point")]
    TooLarge,
    #[error("{amount} has more decimals than {currency} has minor units")]
    TooFine { amount: Decimal, currency: Currency },
}

/// Digits before the point: with the nine decimals that unit prices have, an amount is kept in 28. What is above has no place on an invoice,
/// nor in the database.
pub const WHOLE_DIGITS_MAX: u32 = 19;

/// An amount that was rounded to its currency's minor unit, once. There is no other way to make one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    pub fn zero(currency: Currency) -> Self {
        let mut amount = Decimal::ZERO;
        amount.rescale(currency.decimals());
        Self { amount, currency }
    }

    /// An amount that is already whole in minor units; refused, never rounded, if it is not.
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        if amount.normalize().scale() > currency.decimals() {
            return Err(MoneyError::TooFine { amount, currency });
        }
        Self::at_scale(amount, currency)
    }

    /// A plain decimal, as in `1200.00`: no exponent, no grouping, no more decimals than the currency has.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let plain = |c: u8| c.is_ascii_digit() || c == b'.' || c == b'-';
        let amount = Some(text).filter(|text| text.bytes().all(plain)).and_then(|text| text.parse().ok());
        Self::exact(amount.ok_or_else(|| MoneyError::NoAmount(text.chars().take(40).collect()))?, currency)
    }

    /// The one rounding of money in the house: half away from zero, once per invoice line.
    pub fn round_line(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let denominator = NonZero::new(10_u128.pow(amount.scale())).ok_or(MoneyError::TooLarge)?;
        Self::round_ratio(amount.mantissa(), denominator, currency)
    }

    /// The same rounding, straight from an exact fraction: a quotient such as `price × seconds / 3600` often
    /// has no end, and cutting it to 28 digits first would round twice.
    pub fn round_ratio(numerator: i128, denominator: NonZero<u128>, currency: Currency) -> Result<Self, MoneyError> {
        let minor_units = 10_u128.pow(currency.decimals());
        let scaled = numerator.unsigned_abs().checked_mul(minor_units).ok_or(MoneyError::TooLarge)?;
        let (whole, rest) = (scaled / denominator, scaled % denominator);
        let away = whole + u128::from(rest >= denominator.get() - rest);
        let rounded = i128::try_from(away).map_err(|_| MoneyError::TooLarge)? * numerator.signum();
        let amount = Decimal::try_from_i128_with_scale(rounded, currency.decimals());
        Self::at_scale(amount.map_err(|_| MoneyError::TooLarge)?, currency)
    }

    fn at_scale(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let mut scaled = amount.normalize();
        scaled.rescale(currency.decimals());
        let whole = scaled.mantissa().unsigned_abs() / 10_u128.pow(scaled.scale());
        if scaled.scale() != currency.decimals() || whole >= 10_u128.pow(WHOLE_DIGITS_MAX) {
            return Err(MoneyError::TooLarge);
        }
        if scaled.is_zero() {
            scaled.set_sign_positive(true);
        }
        Ok(Self { amount: scaled, currency })
    }

    pub const fn amount(self) -> Decimal {
        self.amount
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The exact sum of amounts of one currency.
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies(self.currency, other.currency));
        }
        let sum = self.amount.checked_add(other.amount).ok_or(MoneyError::TooLarge)?;
        Self::at_scale(sum, self.currency)
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(Self { amount: -other.amount, currency: other.currency })
    }

    /// The smaller of two amounts of one currency.
    #[must_use]
    pub fn lesser(self, other: Self) -> Self {
        if self.amount <= other.amount { self } else { other }
    }

    pub fn negated(self) -> Self {
        Self { amount: if self.amount.is_zero() { self.amount } else { -self.amount }, currency: self.currency }
    }

    pub const fn is_negative(self) -> bool {
        self.amount.is_sign_negative()
    }

    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }
}

impl fmt::Display for Money {
    /// `1234.50 EUR`: always the currency's own number of decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `a × b`, refused where the exact product would not fit: the library rounds silently past 28 digits.
pub fn exact_product(a: Decimal, b: Decimal) -> Result<Decimal, MoneyError> {
    let (a, b) = (a.normalize(), b.normalize());
    let digits = |d: Decimal| d.mantissa().unsigned_abs().checked_ilog10().map_or(1, |n| n + 1);
    if digits(a) + digits(b) > 28 || a.scale() + b.scale() > 28 {
        return Err(MoneyError::TooLarge);
    }
    a.checked_mul(b).ok_or(MoneyError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dec(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn half_goes_away_from_zero() {
        for (exact, line) in
            [("0.005", "0.01 EUR"), ("-0.005", "-0.01 EUR"), ("2.675", "2.68 EUR"), ("2.6749", "2.67 EUR")]
        {
            assert_eq!(Money::round_line(dec(exact), Currency::Eur).map(|m| m.to_string()), Ok(line.to_owned()));
        }
        assert_eq!(Money::round_line(dec("0.5"), Currency::Jpy).map(|m| m.to_string()), Ok("1 JPY".to_owned()));
        assert_eq!(Money::round_line(dec("-0.001"), Currency::Eur).map(|m| m.to_string()), Ok("0.00 EUR".to_owned()));
    }

    #[test]
    fn a_fraction_without_an_end_is_rounded_once() {
        let ratio = |n: i128, d: u128| {
            let money = Money::round_ratio(n, NonZero::new(d).expect("not zero"), Currency::Eur);
            money.map(|m| m.to_string())
        };
        assert_eq!(ratio(1, 3), Ok("0.33 EUR".to_owned()));
        assert_eq!(ratio(-1, 200), Ok("-0.01 EUR".to_owned()));
        // Just under half a cent, by less than 28 digits can tell: cut first, it would become 0.01.
        assert_eq!(ratio(10_i128.pow(33) - 1, 2 * 10_u128.pow(35)), Ok("0.00 EUR".to_owned()));
        assert_eq!(ratio(i128::MAX, 1), Err(MoneyError::TooLarge));
        assert_eq!(ratio(10_i128.pow(30), 1), Err(MoneyError::TooLarge));
    }

    #[test]
    fn an_amount_is_a_plain_decimal() {
        for (text, money) in [("1200", "1200.00 EUR"), ("-0.5", "-0.50 EUR"), ("0.10000", "0.10 EUR")] {
            assert_eq!(Money::parse(text, Currency::Eur).map(|m| m.to_string()), Ok(money.to_owned()));
        }
        for bad in ["", "1e3", "1,200.00", "1_200", " 1", "0.001", "--1", "1.2.3"] {
            assert!(Money::parse(bad, Currency::Eur).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_amount_has_so_many_digits_before_the_point() {
        let most = "9999999999999999999.99";
        assert_eq!(Money::parse(most, Currency::Eur).map(|m| m.amount().to_string()), Ok(most.to_owned()));
        assert!(Money::parse(&format!("-{most}"), Currency::Eur).is_ok());
        for more in ["10000000000000000000", "-10000000000000000000.00", "99999999999999999999999999"] {
            assert_eq!(Money::parse(more, Currency::Eur), Err(MoneyError::TooLarge), "{more}");
        }
        let cent = Money::parse("0.01", Currency::Eur).expect("an amount");
        let sum = Money::parse(most, Currency::Eur).and_then(|most| most.checked_add(cent));
        assert_eq!(sum, Err(MoneyError::TooLarge));
    }

    #[test]
    fn currencies_do_not_mix() {
        let sum = Money::zero(Currency::Eur).checked_add(Money::zero(Currency::Usd));
        assert_eq!(sum, Err(MoneyError::MixedCurrencies(Currency::Eur, Currency::Usd)));
    }

    #[test]
    fn a_product_that_would_be_rounded_is_refused() {
        assert_eq!(exact_product(dec("9999999999.999999"), dec("9999999999.999999")), Err(MoneyError::TooLarge));
        assert_eq!(exact_product(dec("35999999.999"), dec("2.500000")), Ok(dec("89999999.9975")));
    }

    proptest! {
        /// The library's own strategy is the second opinion on ours.
        #[test]
        #[expect(clippy::disallowed_methods, reason = "compares our one rounding with the library's")]
        fn rounding_agrees_with_the_library(mantissa in any::<i64>(), scale in 0u32..12) {
            let exact = Decimal::new(mantissa, scale);
            let theirs = exact.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            let ours = Money::round_line(exact, Currency::Eur).map(Money::amount);
            prop_assert_eq!(ours, Ok(theirs));
        }

        #[test]
        fn products_agree_with_integers(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000i64..1_000_000_000) {
            let product = exact_product(Decimal::new(a, 3), Decimal::new(b, 6)).expect("fits");
            let expected = Decimal::from_i128_with_scale(i128::from(a) * i128::from(b), 9);
            prop_assert_eq!(product, expected);
        }

        #[test]
        fn adding_and_taking_away_is_nothing(a in any::<i32>(), b in any::<i32>()) {
            let money = |n: i32| Money::exact(Decimal::new(i64::from(n), 2), Currency::Eur).expect("minor units");
            let back = money(a).checked_add(money(b)).and_then(|s| s.checked_sub(money(b)));
            prop_assert_eq!(back, Ok(money(a)));
        }
    }
}
