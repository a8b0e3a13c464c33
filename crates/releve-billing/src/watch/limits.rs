//! From when on is something worth telling? Each limit with its unit; all of them can be set.

use releve_types::time::MILLIS_PER_MINUTE;

/// What makes an alert of what goes on. None of them is about a budget: that has its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long a node in service may say nothing, in ms.
    pub silent_after_ms: i64,
    /// Reported time of nodes in service, in percent, below which it is told.
    pub coverage_percent_min: u32,
    /// Full hours that coverage is looked at over.
    pub coverage_hours: u32,
    /// Spend of the last full hours, in percent of what the same tenant's usual hours come to, from which it is told.
    pub anomaly_percent: u32,
    /// By how much it has to be more at least over these hours, in whole units of the account's currency.
    pub anomaly_excess_min: u32,
    /// The last full hours.
    pub anomaly_hours: u32,
    /// What is left of an account's credits, in percent of what they were, below which it is told.
    pub credits_percent_min: u32,
    /// It is told too if what is left lasts for less, in days, at the rate of the last day.
    pub credits_days_min: u32,
    /// Used part of a reservation, in percent, below which it is told.
    pub commitment_percent_min: u32,
    /// Days that a reservation is looked at over.
    pub commitment_days: u32,
    /// What is left of a purchase order, in percent, below which it is told.
    pub order_percent_min: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            silent_after_ms: 10 * MILLIS_PER_MINUTE,
            coverage_percent_min: 95,
            coverage_hours: 6,
            anomaly_percent: 300,
            anomaly_excess_min: 100,
            anomaly_hours: 3,
            credits_percent_min: 20,
            credits_days_min: 7,
            commitment_percent_min: 70,
            commitment_days: 7,
            order_percent_min: 10,
        }
    }
}

/// Whether `part` is less than so many percent of `whole`, to the smallest unit.
pub(super) fn is_below(part: i128, percent: u32, whole: i128) -> bool {
    part.saturating_mul(100) < whole.saturating_mul(i128::from(percent))
}
