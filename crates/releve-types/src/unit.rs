//! In what is a quantity counted? Integers in the unit's base; decimals appear when a price is applied.

use std::{fmt, str::FromStr};

/// What a meter counts in. The base is what is stored; the priced unit is what a price is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unit {
    /// Held time of a GPU, slice or share, in milliseconds; priced per hour.
    GpuMs,
    /// Storage held, in GiB × seconds; priced per GiB-hour.
    GibSecond,
    /// Bytes moved; priced per GiB.
    Byte,
    /// Tokens of a language model; priced per million.
    Token,
    /// Anything that is counted one by one: requests, images.
    Count,
    /// Time for which something is kept ready, whole hours of it; what a fee by the month is counted in.
    Hour,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no unit: expected gpu_ms, gib_second, byte, token, count or hour")]
pub struct UnitError(pub String);

impl Unit {
    pub const ALL: [Self; 6] = [Self::GpuMs, Self::GibSecond, Self::Byte, Self::Token, Self::Count, Self::Hour];

    pub const fn name(self) -> &'static str {
        match self {
            Self::GpuMs => "gpu_ms",
            Self::GibSecond => "gib_second",
            Self::Byte => "byte",
            Self::Token => "token",
            Self::Count => "count",
            Self::Hour => "hour",
        }
    }

    /// How a line prints the quantity, and how many base units one printed unit holds. Milliseconds are
    /// printed as seconds with up to three decimals, so that nothing is lost in print.
    pub const fn printed(self) -> (&'static str, i64) {
        match self {
            Self::GpuMs => ("GPU-second", 1_000),
            Self::GibSecond => ("GiB-second", 1),
            Self::Byte => ("byte", 1),
            Self::Token => ("token", 1),
            Self::Count => ("unit", 1),
            Self::Hour => ("hour", 1),
        }
    }

    /// The base quantity of a price (EN 16931 BT-149), in printed units: a price is per so many of them.
    pub const fn base_quantity(self) -> (&'static str, i64) {
        match self {
            Self::GpuMs => ("GPU-hour", 3_600),
            Self::GibSecond => ("GiB-hour", 3_600),
            Self::Byte => ("GiB", 1_073_741_824),
            Self::Token => ("million tokens", 1_000_000),
            Self::Count => ("unit", 1),
            Self::Hour => ("hour", 1),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Unit {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::ALL.into_iter().find(|u| u.name() == text).ok_or_else(|| UnitError(text.chars().take(40).collect()))
    }
}
