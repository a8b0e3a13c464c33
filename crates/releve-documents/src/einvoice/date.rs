//! Which day is it on a document? A calendar day, without a time or a zone.

use std::{fmt, str::FromStr};

/// A day of the Gregorian calendar. EN 16931 knows only days: the seller's zone has been applied before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no day: expected YYYY-MM-DD")]
pub struct DateError(pub String);

impl Date {
    /// Nothing where the calendar has no such day, or the year has not four digits.
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year < 1000 || year > 9999 || day == 0 || day > days_of(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    pub const fn year(self) -> u16 {
        self.year
    }

    /// As CII writes a day: format code 102 of UNTDID 2379, `20260331`.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

/// How many days a month has; none where there is no such month.
const fn days_of(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Date {
    /// As UBL writes a day (xsd:date): `2026-03-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Date {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let error = || DateError(text.chars().take(40).collect());
        let shape = |n: usize, b: u8| if n == 4 || n == 7 { b == b'-' } else { b.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(|(n, b)| shape(n, b)) {
            return Err(error());
        }
        let year = text[..4].parse().map_err(|_| error())?;
        let month = text[5..7].parse().map_err(|_| error())?;
        let day = text[8..].parse().map_err(|_| error())?;
        Self::new(year, month, day).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist() {
        for good in ["2026-03-31", "2024-02-29", "2000-02-29", "9999-12-31"] {
            assert_eq!(good.parse::<Date>().map(|d| d.to_string()), Ok(good.to_owned()));
        }
        for bad in ["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-04-31", "2026-4-01", "2026-04-00"] {
            assert_eq!(bad.parse::<Date>(), Err(DateError(bad.to_owned())));
        }
        for bad in ["0999-01-01", "+026-01-01", "2026-03-31T00:00:00Z", "2026-03-31-01", "20260331", ""] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_spelled_and_ordered() {
        let (march, april) = (Date::new(2026, 3, 31), Date::new(2026, 4, 1));
        assert!(march < april);
        assert_eq!(march.map(Date::compact), Some("20260331".to_owned()));
    }
}
