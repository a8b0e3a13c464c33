//! How much held time is billed? The five rounding plans.
//!
//! A plan rounds what one allocation held of one device *so far*, not what it held in a period: billed in a
//! period = plan(held up to its end) − plan(held up to its start). So a started hour that spans the end of
//! the month is billed once.

use std::{fmt, str::FromStr};

use releve_types::time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE, MILLIS_PER_SECOND};

use crate::{PriceError, PriceReason};

/// Always upwards: what is begun is billed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rounding {
    /// To the millisecond.
    Exact,
    /// Each second begun.
    Second,
    /// Each second begun, and never less than a minute for whoever held at all.
    SecondMin60,
    /// Each minute begun.
    StartedMinute,
    /// Each hour begun.
    StartedHour,
}

impl Rounding {
    pub const ALL: [Self; 5] = [Self::Exact, Self::Second, Self::SecondMin60, Self::StartedMinute, Self::StartedHour];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Second => "second",
            Self::SecondMin60 => "second_min_60",
            Self::StartedMinute => "started_minute",
            Self::StartedHour => "started_hour",
        }
    }

    /// What is billed in all for `held_ms` held in all; `None` past the range of milliseconds.
    pub fn billed(self, held_ms: i64) -> Option<i64> {
        match self {
            Self::Exact => Some(held_ms),
            Self::Second => up_to_whole(held_ms, MILLIS_PER_SECOND),
            Self::SecondMin60 if held_ms == 0 => Some(0),
            Self::SecondMin60 => up_to_whole(held_ms, MILLIS_PER_SECOND).map(|ms| ms.max(MILLIS_PER_MINUTE)),
            Self::StartedMinute => up_to_whole(held_ms, MILLIS_PER_MINUTE),
            Self::StartedHour => up_to_whole(held_ms, MILLIS_PER_HOUR),
        }
    }
}

fn up_to_whole(ms: i64, step: i64) -> Option<i64> {
    Some(ms.checked_add(step - 1)?.div_euclid(step) * step)
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rounding {
    type Err = PriceError;
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let found = Self::ALL.into_iter().find(|r| r.name() == text);
        found.ok_or_else(|| PriceReason::UnknownRounding(text.chars().take(40).collect()).at("rounding"))
    }
}
