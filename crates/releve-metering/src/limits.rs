//! How far is a report believed? Every bound, with its unit.

/// How far a window may end in the aggregator's future: clocks drift, but not by this much.
pub const FUTURE_MS_MAX: i64 = 120_000;
/// What a device may draw at most, in milliwatts: no board on sale reaches it. More energy than this times the
/// window is a counter that lies.
pub const DEVICE_MILLIWATTS_MAX: i64 = 4_000_000;
/// What one tenant may use of one meter in one hour, in the meter's base units: a petabyte, or 10¹⁵ tokens. A year of
/// such hours, and with it any period's sum, fits 64 bits.
pub const METER_HOUR_QUANTITY_MAX: i64 = 1_000_000_000_000_000;
