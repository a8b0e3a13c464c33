//! In which currency is VAT stated? The national one of where it is owed, whatever the invoice is in (Directive 2006/112/EC,
//! Art. 230), at the rate of the day on which it became chargeable (Art. 91(2)).

use std::num::NonZero;

use releve_types::{Currency, Day, Money, ids::ExchangeRateId, money::MoneyError, money::exact_product};
use rust_decimal::Decimal;

use super::{Missing, Seller, Vat};

/// Decimals that a rate may have.
pub const RATE_DECIMALS_MAX: u32 = 8;
/// The largest rate.
pub const RATE_MAX: u32 = 1_000_000;
/// The longest name of who published a rate, in characters.
pub const SOURCE_CHARS_MAX: usize = 60;
/// For how many days a rate holds while no other is published: weekends and holidays.
pub const RATE_AGE_DAYS_MAX: i64 = 7;

/// What one currency cost in another on a day: 1 `base` = `rate` `quote`, as who published it wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExchangeRate {
    id: ExchangeRateId,
    base: Currency,
    quote: Currency,
    rate: Decimal,
    day: Day,
    source: String,
}

/// What is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeRateError {
    #[error("1 {0} is 1 {0}, always")]
    OneCurrency(Currency),
    #[error("{0} is not above zero and at most {RATE_MAX}, with at most {RATE_DECIMALS_MAX} decimals")]
    Rate(Decimal),
    #[error("'{0}' is no rate: expected a decimal, as in 1.0842")]
    NoDecimal(String),
    #[error("say who published it, in one line of at most {SOURCE_CHARS_MAX} characters")]
    Source,
}

impl ExchangeRateError {
    /// What of a rate it is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::OneCurrency(_) => "quote",
            Self::Rate(_) | Self::NoDecimal(_) => "rate",
            Self::Source => "source",
        }
    }
}

impl ExchangeRate {
    pub fn new(
        id: ExchangeRateId,
        (base, quote): (Currency, Currency),
        rate: Decimal,
        day: Day,
        source: &str,
    ) -> Result<Self, ExchangeRateError> {
        if base == quote {
            return Err(ExchangeRateError::OneCurrency(base));
        }
        let rate = rate.normalize();
        if rate <= Decimal::ZERO || rate > Decimal::from(RATE_MAX) || rate.scale() > RATE_DECIMALS_MAX {
            return Err(ExchangeRateError::Rate(rate));
        }
        let is_line = !source.is_empty() && !source.chars().any(char::is_control);
        if !is_line || source.chars().count() > SOURCE_CHARS_MAX {
            return Err(ExchangeRateError::Source);
        }
        Ok(Self { id, base, quote, rate, day, source: source.to_owned() })
    }

    /// The same, of a rate that is text.
    pub fn parse(
        id: ExchangeRateId,
        between: (Currency, Currency),
        rate: &str,
        day: Day,
        source: &str,
    ) -> Result<Self, ExchangeRateError> {
        let decimal = Decimal::from_str_exact(rate);
        let decimal = decimal.map_err(|_| ExchangeRateError::NoDecimal(rate.chars().take(40).collect()))?;
        Self::new(id, between, decimal, day, source)
    }

    pub const fn id(&self) -> ExchangeRateId {
        self.id
    }

    pub const fn base(&self) -> Currency {
        self.base
    }

    pub const fn quote(&self) -> Currency {
        self.quote
    }

    pub const fn rate(&self) -> Decimal {
        self.rate
    }

    pub const fn day(&self) -> Day {
        self.day
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// The other of its two currencies.
    pub fn other(&self, than: Currency) -> Option<Currency> {
        match than {
            c if c == self.base => Some(self.quote),
            c if c == self.quote => Some(self.base),
            _ => None,
        }
    }

    /// The amount in the rate's other currency, rounded once.
    pub fn convert(&self, amount: Money) -> Result<Money, MoneyError> {
        if amount.currency() == self.base {
            return Money::round_line(exact_product(amount.amount(), self.rate)?, self.quote);
        }
        if amount.currency() != self.quote {
            return Err(MoneyError::MixedCurrencies(amount.currency(), self.quote));
        }
        // (a / 10^s) ÷ (r / 10^t) = a × 10^t / (r × 10^s)
        let power = |scale: u32| 10_u128.pow(scale);
        let amount_scale = power(amount.amount().scale());
        let above = i128::try_from(power(self.rate.scale())).ok();
        let above = above.and_then(|power| amount.amount().mantissa().checked_mul(power));
        let below = self.rate.mantissa().unsigned_abs().checked_mul(amount_scale).and_then(NonZero::new);
        let (above, below) = above.zip(below).ok_or(MoneyError::TooLarge)?;
        Money::round_ratio(above, below, self.base)
    }
}

/// The VAT of a document, in the currency of where it is owed (EN 16931 BT-6, BT-111).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stated {
    pub tax: Money,
    pub rate: ExchangeRate,
}

/// The currency in which VAT has to be stated besides, if the invoice's is another.
pub fn stated_in(seller: &Seller, currency: Currency) -> Option<Currency> {
    national(&seller.country)?.parse().ok().filter(|national| *national != currency)
}

/// Refuses VAT that would have to be stated in a currency that nobody can bill in: what it comes to there can't be said.
/// Elsewhere than in the Union, Switzerland, Norway and the United Kingdom, nobody is asked.
pub fn in_national_currency(seller: &Seller, vat: Vat, currency: Currency) -> Result<Vat, Vec<Missing>> {
    match national(&seller.country) {
        Some(national) if vat.ground.is_charged() && national.parse::<Currency>().is_err() => Err(vec![Missing {
            field: "account.currency",
            why: format!(
                "VAT that is owed in {} is stated in {national} (Art. 230), in which no amount can be given beside \
                 {currency}: bill by a seller elsewhere",
                seller.country
            ),
        }]),
        _ => Ok(vat),
    }
}

/// The code of a country's currency, as far as it is asked for.
fn national(country: &str) -> Option<&'static str> {
    match country {
        "AT" | "BE" | "BG" | "CY" | "DE" | "EE" | "ES" | "FI" | "FR" | "GR" | "HR" | "IE" | "IT" | "LT" | "LU"
        | "LV" | "MC" | "MT" | "NL" | "PT" | "SI" | "SK" => Some("EUR"),
        "CH" | "LI" => Some("CHF"),
        "CZ" => Some("CZK"),
        "DK" => Some("DKK"),
        "GB" | "IM" => Some("GBP"),
        "HU" => Some("HUF"),
        "NO" => Some("NOK"),
        "PL" => Some("PLN"),
        "RO" => Some("RON"),
        "SE" => Some("SEK"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use releve_types::Timestamp;

    use super::*;

    fn rate(base: Currency, quote: Currency, rate: &str) -> Result<ExchangeRate, ExchangeRateError> {
        let (id, day) = (ExchangeRateId::fresh(Timestamp::from_millis(0)), Day::from_index(18_383));
        ExchangeRate::new(id, (base, quote), rate.parse().expect("a decimal"), day, "ECB")
    }

    #[test]
    fn an_amount_is_exchanged_and_rounded_once() {
        use Currency::{Eur, Jpy, Usd};
        for (base, quote, of, amount, expected) in [
            // 200 ÷ 1.0842 = 184.467…; as the ECB writes it.
            (Eur, Usd, "1.0842", ("200.00", Usd), "184.47 EUR"),
            (Eur, Usd, "1.0842", ("-200.00", Usd), "-184.47 EUR"),
            (Eur, Usd, "1.0842", ("100.00", Eur), "108.42 USD"),
            // The other way round, as some national banks do.
            (Usd, Eur, "0.92234", ("200.00", Usd), "184.47 EUR"),
            // Half a cent goes away from zero: 0.03 ÷ 2 = 0.015.
            (Eur, Usd, "2", ("0.03", Usd), "0.02 EUR"),
            (Eur, Usd, "2", ("-0.03", Usd), "-0.02 EUR"),
            (Eur, Jpy, "161.97", ("1000", Jpy), "6.17 EUR"),
            (Eur, Usd, "1.1", ("0.00", Usd), "0.00 EUR"),
        ] {
            let amount = Money::parse(amount.0, amount.1).expect("an amount");
            let exchanged = rate(base, quote, of).expect("a rate").convert(amount);
            assert_eq!(exchanged.map(|money| money.to_string()), Ok(expected.to_owned()), "{amount} at {of}");
        }
        let other = Money::parse("1.00", Currency::Chf).expect("an amount");
        assert!(rate(Eur, Usd, "1.1").expect("a rate").convert(other).is_err());
        let large = Money::parse("9999999999999999999.99", Usd).expect("an amount");
        assert!(rate(Eur, Usd, "0.00000001").expect("a rate").convert(large).is_err(), "it passes what is exact");
    }

    #[test]
    fn what_is_no_rate_is_refused_by_field() {
        use Currency::{Eur, Usd};
        for (base, quote, of, field) in [
            (Eur, Eur, "1", "quote"),
            (Eur, Usd, "0", "rate"),
            (Eur, Usd, "-1", "rate"),
            (Eur, Usd, "1.123456789", "rate"),
        ] {
            assert_eq!(rate(base, quote, of).map_err(|e| e.field()).map(|_| ()), Err(field));
        }
    }
}
