//! Billed for when? Half-open stretches of whole UTC hours, and the months of a seller's zone.

use std::{fmt, str::FromStr};

use jiff::{civil, tz};

use crate::time::{Hour, MILLIS_PER_HOUR, Timestamp};

/// A half-open stretch `[start, end)` of whole UTC hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: Hour,
    end: Hour,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("a period starts and ends on a whole UTC hour, {0} does not")]
    NotWholeHour(Timestamp),
    #[error("a period ends after it starts: {start} to {end}")]
    Empty { start: Timestamp, end: Timestamp },
    #[error("'{0}' is no time zone of the IANA database")]
    UnknownZone(String),
    #[error("zone {zone} is offset from UTC by {offset_s} s at {at}: a seller's zone has whole-hour offsets")]
    BrokenHourOffset { zone: String, offset_s: i32, at: String },
    #[error("'{0}' is no month: expected YYYY-MM, between 1970-01 and 2999-12")]
    BadMonth(String),
}

impl Period {
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, PeriodError> {
        for instant in [start, end] {
            if !instant.is_whole_hour() {
                return Err(PeriodError::NotWholeHour(instant));
            }
        }
        if end <= start {
            return Err(PeriodError::Empty { start, end });
        }
        Ok(Self { start: start.hour(), end: end.hour() })
    }

    pub fn of_hours(start: Hour, end: Hour) -> Result<Self, PeriodError> {
        Self::new(start.start(), end.start())
    }

    pub const fn start(self) -> Timestamp {
        self.start.start()
    }

    pub const fn end(self) -> Timestamp {
        self.end.start()
    }

    pub const fn first_hour(self) -> Hour {
        self.start
    }

    /// The hour after the last.
    pub const fn end_hour(self) -> Hour {
        self.end
    }

    pub const fn hours(self) -> i64 {
        self.end.index() - self.start.index()
    }

    pub fn contains(self, instant: Timestamp) -> bool {
        self.start() <= instant && instant < self.end()
    }

    pub fn contains_hour(self, hour: Hour) -> bool {
        self.start <= hour && hour < self.end
    }

    pub fn intersect(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start(), self.end())
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The zone in whose local midnights a seller's months begin. Its offsets are whole hours, so that no UTC
/// hour belongs to two months.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(tz::TimeZone);

impl Zone {
    pub fn utc() -> Self {
        Self(tz::TimeZone::UTC)
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Accepts an IANA name whose offsets are whole hours from 2000 on: checked at the start of each month of
    /// sixty years, which sees every offset a zone keeps for longer than some weeks.
    pub fn new(name: &str) -> Result<Self, PeriodError> {
        let zone = tz::TimeZone::get(name).map_err(|_| PeriodError::UnknownZone(name.chars().take(60).collect()))?;
        let zone = Self(zone);
        for year in 2000..2060 {
            for month in 1..=12 {
                let month = BillingMonth { year, month };
                let instant = zone.month_start(month);
                let at = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap_or_default();
                let offset_s = zone.0.to_offset(at).seconds();
                if offset_s % 3600 != 0 || !instant.is_whole_hour() {
                    let (zone, at) = (name.to_owned(), month.to_string());
                    return Err(PeriodError::BrokenHourOffset { zone, offset_s, at });
                }
            }
        }
        Ok(zone)
    }

    /// The month's stretch: from its first local midnight to the next month's.
    pub fn month(&self, month: BillingMonth) -> Period {
        let (start, end) = (self.month_start(month), self.month_start(month.next()));
        Period { start: start.hour(), end: end.hour() }
    }

    /// The month that an instant is billed in.
    pub fn month_of(&self, instant: Timestamp) -> BillingMonth {
        let at = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap_or_default();
        let local = self.0.to_datetime(at);
        BillingMonth { year: local.year(), month: local.month() }
    }

    /// The stretch of the month that holds an instant.
    pub fn period_of(&self, instant: Timestamp) -> Period {
        self.month(self.month_of(instant))
    }

    /// The local calendar date of an instant, as `YYYY-MM-DD`: what a document prints.
    pub fn date(&self, instant: Timestamp) -> String {
        let at = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap_or_default();
        self.0.to_datetime(at).date().to_string()
    }

    /// The local date and time of an instant, as `YYYY-MM-DD HH:MM`.
    pub fn local_time(&self, instant: Timestamp) -> String {
        let at = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap_or_default();
        let local = self.0.to_datetime(at);
        format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
    }

    /// The last millisecond of the local day that comes `days` calendar days after an instant's own: until
    /// when something due in so many days is in time.
    pub fn end_of_day_after(&self, instant: Timestamp, days: u16) -> Timestamp {
        let at = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap_or_default();
        let next = self.0.to_datetime(at).date().saturating_add(jiff::Span::new().days(i32::from(days) + 1));
        let midnight = next.at(0, 0, 0, 0).to_zoned(self.0.clone());
        Timestamp::from_millis(midnight.map_or(0, |m| m.timestamp().as_millisecond())).plus_millis(-1)
    }

    fn month_start(&self, month: BillingMonth) -> Timestamp {
        let first = civil::Date::new(month.year, month.month, 1).unwrap_or(civil::Date::ZERO);
        // A zone that skips its midnight starts its day after the gap, as RFC 9557's "compatible" mode does.
        let midnight = first.at(0, 0, 0, 0).to_zoned(self.0.clone());
        Timestamp::from_millis(midnight.map_or(0, |m| m.timestamp().as_millisecond()))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A calendar month, `YYYY-MM`, of some seller's zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillingMonth {
    year: i16,
    month: i8,
}

impl BillingMonth {
    pub const fn year(self) -> i16 {
        self.year
    }

    pub const fn month(self) -> i8 {
        self.month
    }

    pub const fn next(self) -> Self {
        if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { year: self.year, month: self.month + 1 }
        }
    }

    pub const fn previous(self) -> Self {
        if self.month == 1 {
            Self { year: self.year - 1, month: 12 }
        } else {
            Self { year: self.year, month: self.month - 1 }
        }
    }
}

impl fmt::Display for BillingMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Debug for BillingMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BillingMonth {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let error = || PeriodError::BadMonth(text.chars().take(20).collect());
        let (year, month) = text.split_once('-').ok_or_else(error)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(error());
        }
        let (year, month): (i16, i8) = (year.parse().map_err(|_| error())?, month.parse().map_err(|_| error())?);
        if !(1970..3000).contains(&year) || !(1..=12).contains(&month) {
            return Err(error());
        }
        Ok(Self { year, month })
    }
}

/// The whole hours that hold a stretch of milliseconds.
pub fn hours_spanned(start: Timestamp, end: Timestamp) -> i64 {
    let end = (end.as_millis() + MILLIS_PER_HOUR - 1).div_euclid(MILLIS_PER_HOUR);
    end - start.hour().index()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> BillingMonth {
        text.parse().expect("a month")
    }

    #[test]
    fn months_begin_at_local_midnight() {
        let paris = Zone::new("Europe/Paris").expect("a zone");
        assert_eq!(paris.month(month("2026-03")).to_string(), "2026-02-28T23:00:00Z to 2026-03-31T22:00:00Z");
        assert_eq!(paris.month(month("2026-03")).hours(), 743, "the night of the change is an hour short");
        assert_eq!(Zone::utc().month(month("2020-05")).hours(), 744);
    }

    #[test]
    fn each_instant_has_one_month() {
        let paris = Zone::new("Europe/Paris").expect("a zone");
        for text in ["2026-03-31T21:59:59.999Z", "2026-03-31T22:00:00Z"] {
            let instant: Timestamp = text.parse().expect("an instant");
            assert!(paris.period_of(instant).contains(instant), "{text}");
        }
    }

    #[test]
    fn a_due_date_counts_calendar_days() {
        let paris = Zone::new("Europe/Paris").expect("a zone");
        let issued: Timestamp = "2026-03-28T22:30:00Z".parse().expect("an instant");
        // Two days on, the clocks have changed: the day still ends at local midnight.
        let due = paris.end_of_day_after(issued, 2);
        assert_eq!((due.to_string().as_str(), paris.date(due).as_str()), ("2026-03-30T21:59:59.999Z", "2026-03-30"));
        assert!(paris.end_of_day_after(issued, 0) > issued);
        assert_eq!(paris.local_time(due), "2026-03-30 23:59");
    }

    #[test]
    fn half_hour_zones_are_refused() {
        for name in ["Asia/Kolkata", "Australia/Adelaide", "Asia/Kathmandu", "America/St_Johns"] {
            assert!(matches!(Zone::new(name), Err(PeriodError::BrokenHourOffset { .. })), "{name}");
        }
        assert!(matches!(Zone::new("Europe/Atlantis"), Err(PeriodError::UnknownZone(_))));
    }

    #[test]
    fn periods_are_whole_hours() {
        let at = Timestamp::from_millis;
        assert_eq!(Period::new(at(0), at(1)), Err(PeriodError::NotWholeHour(at(1))));
        assert!(matches!(Period::new(at(MILLIS_PER_HOUR), at(0)), Err(PeriodError::Empty { .. })));
    }
}
