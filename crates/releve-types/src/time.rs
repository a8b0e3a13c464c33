//! When? An instant in milliseconds, and the UTC hour that rollups are kept by.

use std::{fmt, str::FromStr};

pub const MILLIS_PER_SECOND: i64 = 1_000;
pub const MILLIS_PER_MINUTE: i64 = 60_000;
pub const MILLIS_PER_HOUR: i64 = 3_600_000;
pub const MILLIS_PER_DAY: i64 = 86_400_000;
pub const HOURS_PER_DAY: i64 = 24;

/// A UTC instant, exact to the millisecond: the billing unit of the house.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Text that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an RFC 3339 instant in UTC with 'Z' and at most milliseconds")]
pub struct TimestampError(pub String);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The hour that holds this instant.
    pub const fn hour(self) -> Hour {
        Hour(self.0.div_euclid(MILLIS_PER_HOUR))
    }

    /// The UTC day that holds this instant, counted from 1970-01-01.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(MILLIS_PER_DAY)
    }

    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0 + millis)
    }

    /// `self - earlier`, in milliseconds.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    pub const fn is_whole_hour(self) -> bool {
        self.0.rem_euclid(MILLIS_PER_HOUR) == 0
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with `Z`; the fraction appears only when there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => fmt::Display::fmt(&instant, f),
            Err(_) => write!(f, "{} ms since 1970", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    /// RFC 3339 with `Z` only: an offset or its absence is how local times get in.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError(text.chars().take(60).collect());
        let bytes = text.as_bytes();
        // One shape, `2020-05-01T00:00:00[.mmm]Z`: the library would take more, a leap second among it.
        let digits = |at: std::ops::Range<usize>| bytes.get(at).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
        let is = |at: usize, what: u8| bytes.get(at) == Some(&what);
        let date = digits(0..4) && is(4, b'-') && digits(5..7) && is(7, b'-') && digits(8..10) && is(10, b'T');
        let time = digits(11..13) && is(13, b':') && digits(14..16) && is(16, b':') && digits(17..19);
        let fraction = match bytes.len() {
            20 => true,
            22..=24 => is(19, b'.') && digits(20..bytes.len() - 1),
            _ => false,
        };
        if !(date && time && fraction && bytes.ends_with(b"Z") && bytes.get(17..19) != Some(b"60")) {
            return Err(error());
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| error())?;
        if instant.subsec_nanosecond().rem_euclid(1_000_000) != 0 {
            return Err(error());
        }
        Ok(Self(instant.as_millisecond()))
    }
}

/// A whole UTC hour, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    pub const fn from_index(index: i64) -> Self {
        Self(index)
    }

    pub const fn index(self) -> i64 {
        self.0
    }

    pub const fn start(self) -> Timestamp {
        Timestamp(self.0 * MILLIS_PER_HOUR)
    }

    pub const fn end(self) -> Timestamp {
        Timestamp((self.0 + 1) * MILLIS_PER_HOUR)
    }

    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.start(), f)
    }
}

impl fmt::Debug for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A calendar day, without a zone: when a bank booked something, say. Years 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

/// Text that is no day of the house.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no day: expected YYYY-MM-DD, not before 1970")]
pub struct DayError(pub String);

impl Day {
    /// Counted from 1970-01-01.
    pub const fn from_index(index: i64) -> Self {
        Self(index)
    }

    /// Noon in UTC: an instant of this day wherever clocks are less than half a day off.
    pub const fn noon(self) -> Timestamp {
        Timestamp(self.0 * MILLIS_PER_DAY + MILLIS_PER_DAY / 2)
    }

    pub const fn index(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Timestamp(self.0 * MILLIS_PER_DAY).to_string();
        f.write_str(text.split_once('T').map_or(&text, |(day, _)| day))
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Day {
    type Err = DayError;
    /// `2026-03-31`, and nothing else.
    fn from_str(text: &str) -> Result<Self, DayError> {
        let error = || DayError(text.chars().take(40).collect());
        let start: Timestamp = format!("{text}T00:00:00Z").parse().map_err(|_| error())?;
        if start.as_millis() < 0 { Err(error()) } else { Ok(Self(start.day())) }
    }
}

/// The one place where the wall clock is read. Only the loops of programs call it; everything below them
/// takes `now` as an argument.
#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
pub fn wall_clock() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_goes_there_and_back() {
        for text in ["1970-01-01", "2024-02-29", "2999-12-31"] {
            assert_eq!(text.parse::<Day>().map(|day| day.to_string()), Ok(text.to_owned()));
        }
        for bad in ["2026-02-29", "1969-12-31", "2026-3-1", "2026-03-01T00:00:00Z", "", "20260301"] {
            assert_eq!(bad.parse::<Day>(), Err(DayError(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn only_utc_with_z_and_milliseconds() {
        assert_eq!("2020-05-01T00:00:00Z".parse(), Ok(Timestamp(1_588_291_200_000)));
        assert_eq!("2020-05-01T00:00:00.250Z".parse(), Ok(Timestamp(1_588_291_200_250)));
        for bad in [
            "2020-05-01T00:00:00",
            "2020-05-01T00:00:00+00:00",
            "2020-05-01 00:00:00Z",
            "2020-05-01T00:00:00.0001Z",
            "2020-05-01",
            "2020-13-01T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2020-05-01T000000.00Z",
            "2020-05-01T00:00:00.Z",
            "",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_instant_is_printed_as_it_is_read() {
        for text in ["2020-05-01T00:00:00Z", "2020-05-01T00:00:00.25Z"] {
            assert_eq!(text.parse::<Timestamp>().map(|t| t.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn hours_are_half_open() {
        let end = Timestamp(MILLIS_PER_HOUR);
        assert_eq!(end.hour(), Hour(1));
        assert_eq!(end.plus_millis(-1).hour(), Hour(0));
        assert_eq!(Timestamp(-1).hour(), Hour(-1));
    }
}
