//! How is an invoice numbered, and when is it due?

use std::{fmt, str::FromStr};

use releve_types::{Timestamp, Zone};

use super::InvoiceError;

/// The longest series, in bytes.
pub const SERIES_BYTES_MAX: usize = 12;

/// `<series>-<year>-<serial>`, the serial gapless within its issuer, series and year. Serial 0 is the placeholder
/// with which documents are checked before a number is taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Number {
    series: String,
    year: i32,
    serial: i64,
}

impl Number {
    pub fn new(series: &str, year: i32, serial: i64) -> Result<Self, InvoiceError> {
        let known = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        if series.is_empty() || series.len() > SERIES_BYTES_MAX || !series.bytes().all(known) {
            return Err(InvoiceError::Series(series.chars().take(40).collect()));
        }
        if !(1000..=9999).contains(&year) {
            return Err(InvoiceError::Year(year));
        }
        if serial < 0 {
            return Err(InvoiceError::Serial(serial));
        }
        Ok(Self { series: series.to_owned(), year, serial })
    }

    /// What stands where a number will be.
    pub fn placeholder(series: &str, year: i32) -> Result<Self, InvoiceError> {
        Self::new(series, year, 0)
    }

    pub fn series(&self) -> &str {
        &self.series
    }

    pub const fn year(&self) -> i32 {
        self.year
    }

    pub const fn serial(&self) -> i64 {
        self.serial
    }
}

impl FromStr for Number {
    type Err = InvoiceError;
    /// The inverse of `Display`: a series may hold hyphens, so the last two parts are year and serial.
    fn from_str(text: &str) -> Result<Self, InvoiceError> {
        let refused = || InvoiceError::Series(text.chars().take(40).collect());
        let (rest, serial) = text.rsplit_once('-').ok_or_else(refused)?;
        let (series, year) = rest.rsplit_once('-').ok_or_else(refused)?;
        let number = Self::new(series, year.parse().map_err(|_| refused())?, serial.parse().map_err(|_| refused())?)?;
        if number.to_string() == text { Ok(number) } else { Err(refused()) }
    }
}

impl fmt::Display for Number {
    /// Six digits at least, so that a year's invoices sort as texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:06}", self.series, self.year, self.serial)
    }
}

/// The last instant at which a payment is in time: the end of the local day, so many calendar days after issue.
pub fn due_at(zone: &Zone, issued_at: Timestamp, due_days: u16) -> Timestamp {
    zone.end_of_day_after(issued_at, due_days)
}
