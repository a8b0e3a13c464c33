//! How do the house's instants cross into SQL? The one place that knows sqlx's time type.

use releve_types::{Hour, Period, Timestamp, time::MILLIS_PER_HOUR};
use time::{Date, Duration, OffsetDateTime};

use crate::pool::StoreError;

/// Instants of the house lie in years 1970 to 9999, which PostgreSQL and the time crate both hold.
pub fn to_sql(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(at.as_millis()))
}

pub fn from_sql(at: OffsetDateTime) -> Timestamp {
    let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

pub fn hour_to_sql(hour: Hour) -> OffsetDateTime {
    to_sql(hour.start())
}

pub fn hour_from_sql(at: OffsetDateTime) -> Hour {
    Hour::from_index(from_sql(at).as_millis().div_euclid(MILLIS_PER_HOUR))
}

/// A UTC day, counted from 1970-01-01.
pub fn day_to_sql(day: i64) -> Date {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::days(day)).date()
}

pub fn day_from_sql(day: Date) -> i64 {
    (day - OffsetDateTime::UNIX_EPOCH.date()).whole_days()
}

/// A period that a table's `period_start` and `period_end` say.
pub fn period_from_sql(table: &'static str, start: OffsetDateTime, end: OffsetDateTime) -> Result<Period, StoreError> {
    Period::new(from_sql(start), from_sql(end)).map_err(|e| StoreError::inconsistent(table, "period_start", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for millis in [0, 1_588_291_200_250, -1, 4_102_444_800_000] {
            assert_eq!(from_sql(to_sql(Timestamp::from_millis(millis))), Timestamp::from_millis(millis));
        }
        for day in [0, 18_383, 40_000] {
            assert_eq!(day_from_sql(day_to_sql(day)), day);
        }
    }
}
