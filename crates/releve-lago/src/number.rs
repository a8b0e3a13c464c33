//! How is a number of Lago read? As text or as a JSON number, always as an exact decimal; instants in UTC.

use std::{fmt, num::NonZero};

use releve_types::{Timestamp, money::MoneyError};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A decimal that stands in text or as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        exact(&value).map(Self).ok_or_else(|| D::Error::custom(format!("{value} is no decimal number")))
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A number of JSON, or text that holds one. A JSON number is read by its digits, never as a float.
pub(crate) fn exact(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => decimal(text),
        Value::Number(number) => decimal(&number.to_string()),
        _ => None,
    }
}

/// `12`, `-0.5`, `1e-7`; none if digits would be lost.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let plain = |c: u8| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'+' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(plain) {
        return None;
    }
    if text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let exact = match fraction.trim_end_matches('0') {
        "" => Decimal::from_str_exact(whole),
        digits => Decimal::from_str_exact(&format!("{whole}.{digits}")),
    };
    exact.ok().map(|d| d.normalize())
}

/// An instant as Lago writes it, `2026-03-01T00:00:00Z`, with or without a fraction, which is cut to milliseconds.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let body = text.trim().strip_suffix('Z').or_else(|| text.trim().strip_suffix("+00:00"))?;
    let (seconds, fraction) = body.split_once('.').unwrap_or((body, ""));
    let fraction: String = fraction.chars().take(3).collect();
    let text = if fraction.is_empty() { format!("{seconds}Z") } else { format!("{seconds}.{fraction}Z") };
    text.parse().ok()
}

/// How a quantity is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    HalfUp,
    Up,
    Down,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::HalfUp, Self::Up, Self::Down];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HalfUp => "half up",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Rounds a quantity to some decimals. Of quantities and prices, to find out what somebody else did: our own are exact.
pub(crate) fn rounded(value: Decimal, decimals: u32, way: Way) -> Option<Decimal> {
    let scale = value.scale();
    if scale <= decimals {
        return Some(value.normalize());
    }
    let step = 10_i128.checked_pow(scale - decimals)?;
    let (whole, rest) = (value.mantissa() / step, value.mantissa() % step);
    let away = match way {
        Way::HalfUp => rest.abs() * 2 >= step,
        Way::Up => rest != 0,
        Way::Down => false,
    };
    let whole = whole + if away { value.mantissa().signum() } else { 0 };
    Decimal::try_from_i128_with_scale(whole, decimals).ok().map(|d| d.normalize())
}

/// A quotient as an exact fraction of integers, for the one rounding of money.
pub(crate) fn fraction(parts: &[Decimal], divisor: i64) -> Result<(i128, NonZero<u128>), MoneyError> {
    let (mut numerator, mut scale) = (1_i128, 0_u32);
    for part in parts {
        let part = part.normalize();
        numerator = numerator.checked_mul(part.mantissa()).ok_or(MoneyError::TooLarge)?;
        scale += part.scale();
    }
    let one = 10_u128.checked_pow(scale).ok_or(MoneyError::TooLarge)?;
    let denominator = one.checked_mul(u128::from(divisor.unsigned_abs())).and_then(NonZero::new);
    Ok((numerator * i128::from(divisor.signum()), denominator.ok_or(MoneyError::TooLarge)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_their_digits() {
        for (text, read) in [("0.10", "0.1"), ("12", "12"), ("-3.50", "-3.5"), ("1e-7", "0.0000001"), ("1.5E2", "150")]
        {
            assert_eq!(decimal(text).map(|d| d.to_string()), Some(read.to_owned()), "{text}");
        }
        for bad in ["", "1_0", "0x1", "one", "1,5", "0.12345678901234567890123456789012"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_quantity_is_rounded_as_it_is_told() {
        let value = Decimal::from_str_exact("1.245").expect("a decimal");
        let of = |decimals, way| rounded(value, decimals, way).map(|d| d.to_string());
        assert_eq!(of(2, Way::HalfUp), Some("1.25".to_owned()));
        assert_eq!(of(2, Way::Down), Some("1.24".to_owned()));
        assert_eq!(of(0, Way::Up), Some("2".to_owned()));
        assert_eq!(of(6, Way::Up), Some("1.245".to_owned()));
    }

    #[test]
    fn instants_are_cut_to_milliseconds() {
        for text in ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00+00:00"] {
            assert_eq!(instant(text), "2026-03-01T00:00:00Z".parse().ok(), "{text}");
        }
        assert_eq!(instant("2026-03-01T00:00:00.123456Z"), "2026-03-01T00:00:00.123Z".parse().ok());
        assert_eq!(instant("2026-03-01T00:00:00+02:00"), None);
    }
}
