//! How much VAT does a country take, from when? Rates that the seller is registered to charge, dated.

use std::{fmt, str::FromStr};

use releve_types::{Hour, Timestamp};
use rust_decimal::Decimal;

/// The most decimals of a rate: what French invoices may carry (XP Z12-012, BR-FR-DEC-04).
pub const RATE_DECIMALS_MAX: u32 = 2;

/// A percentage from 0 to 100 with at most two decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VatRate(Decimal);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VatRateError {
    #[error("'{0}' is no percentage: digits, and at most one point")]
    NotADecimal(String),
    #[error("{0} % is no VAT rate: from 0 to 100, with at most {RATE_DECIMALS_MAX} decimals")]
    OutOfRange(Decimal),
    #[error("{country} already has a {class} rate from {from}")]
    TwiceAt { country: String, class: RateClass, from: Timestamp },
    #[error("the {class} rate of {country} at {from} has begun: a rate changes from {now} on, never before")]
    InThePast { country: String, class: RateClass, from: Timestamp, now: Timestamp },
}

impl VatRateError {
    /// The stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotADecimal(_) => "not_a_decimal",
            Self::OutOfRange(_) => "out_of_range",
            Self::TwiceAt { .. } => "two_rates_at_once",
            Self::InThePast { .. } => "rate_in_the_past",
        }
    }
}

impl VatRate {
    pub const ZERO: Self = Self(Decimal::ZERO);

    pub fn new(percent: Decimal) -> Result<Self, VatRateError> {
        let percent = percent.normalize();
        if percent.is_sign_negative() && !percent.is_zero()
            || percent > Decimal::ONE_HUNDRED
            || percent.scale() > RATE_DECIMALS_MAX
        {
            return Err(VatRateError::OutOfRange(percent));
        }
        Ok(Self(percent.abs()))
    }

    pub const fn percent(self) -> Decimal {
        self.0
    }
}

impl FromStr for VatRate {
    type Err = VatRateError;
    fn from_str(text: &str) -> Result<Self, VatRateError> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let parsed = plain.then(|| Decimal::from_str_exact(text).ok()).flatten();
        Self::new(parsed.ok_or_else(|| VatRateError::NotADecimal(text.chars().take(40).collect()))?)
    }
}

impl fmt::Display for VatRate {
    /// `20`, `5.5`: without the percent sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for VatRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which of a country's rates: what is sold decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum RateClass {
    #[default]
    Standard,
    Reduced,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no class of VAT rates: expected standard or reduced")]
pub struct RateClassError(pub String);

impl RateClass {
    pub const ALL: [Self; 2] = [Self::Standard, Self::Reduced];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Reduced => "reduced",
        }
    }
}

impl fmt::Display for RateClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RateClass {
    type Err = RateClassError;
    fn from_str(text: &str) -> Result<Self, RateClassError> {
        let found = Self::ALL.into_iter().find(|c| c.name() == text);
        found.ok_or_else(|| RateClassError(text.chars().take(40).collect()))
    }
}

/// From this hour on, until the next of the same country and class. For a country other than the seller's own it says that
/// the seller is registered there, or in the one-stop shop (Directive 2006/112/EC, Art. 369a to 369k).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatedRate {
    pub country: String,
    pub class: RateClass,
    pub from: Hour,
    pub rate: VatRate,
}

impl DatedRate {
    /// The rate that holds at an instant, if one does.
    pub fn at(rates: &[Self], country: &str, class: RateClass, at: Timestamp) -> Option<VatRate> {
        let of = |r: &&Self| r.country == country && r.class == class && r.from.start() <= at;
        rates.iter().filter(of).max_by_key(|r| r.from).map(|r| r.rate)
    }
}

/// May this rate be added at `now`? Not if it would change what an hour that has begun is taxed with. A past without a
/// rate may be filled: nothing in it was invoiced.
pub fn check_new_rate(known: &[DatedRate], new: &DatedRate, now: Timestamp) -> Result<(), VatRateError> {
    let (country, class, from) = (new.country.clone(), new.class, new.from.start());
    let same = |r: &&DatedRate| r.country == country && r.class == class;
    if known.iter().filter(same).any(|r| r.from == new.from) {
        return Err(VatRateError::TwiceAt { country, class, from });
    }
    if from < now && DatedRate::at(known, &country, class, from).is_some() {
        return Err(VatRateError::InThePast { country, class, from, now });
    }
    Ok(())
}
