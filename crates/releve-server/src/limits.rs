//! From when on is something worth an alert? Each limit is a flag and an environment variable, with its unit in its name.

use clap::Args;
use releve_jobs::alerts::Limits;

#[derive(Args, Clone, Copy, Debug)]
pub struct AlertLimits {
    /// How long a node in service may say nothing before it is told, in milliseconds: some windows, and what the spread adds.
    #[arg(long, env = "RELEVE_SILENT_AFTER_MS", global = true, value_name = "MS",
          default_value_t = Limits::default().silent_after_ms, value_parser = clap::value_parser!(i64).range(1_000..))]
    pub silent_after_ms: i64,

    /// Reported time of nodes in service, in percent, below which it is told.
    #[arg(long, env = "RELEVE_COVERAGE_PERCENT_MIN", global = true, value_name = "PERCENT",
          default_value_t = Limits::default().coverage_percent_min, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub coverage_percent_min: u32,

    /// Full hours that coverage is looked at over.
    #[arg(long, env = "RELEVE_COVERAGE_HOURS", global = true, value_name = "HOURS",
          default_value_t = Limits::default().coverage_hours, value_parser = clap::value_parser!(u32).range(1..=168))]
    pub coverage_hours: u32,

    /// Spend of a tenant's last full hours, in percent of what its usual ones come to, from which it is told.
    #[arg(long, env = "RELEVE_ANOMALY_PERCENT", global = true, value_name = "PERCENT",
          default_value_t = Limits::default().anomaly_percent, value_parser = clap::value_parser!(u32).range(101..))]
    pub anomaly_percent: u32,

    /// By how much more it has to be at least over these hours, in whole units of the account's currency.
    #[arg(long, env = "RELEVE_ANOMALY_EXCESS_MIN", global = true, value_name = "AMOUNT",
          default_value_t = Limits::default().anomaly_excess_min)]
    pub anomaly_excess_min: u32,

    /// The last full hours that are compared.
    #[arg(long, env = "RELEVE_ANOMALY_HOURS", global = true, value_name = "HOURS",
          default_value_t = Limits::default().anomaly_hours, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub anomaly_hours: u32,

    /// What is left of an account's credits, in percent of what they were, below which it is told.
    #[arg(long, env = "RELEVE_CREDITS_PERCENT_MIN", global = true, value_name = "PERCENT",
          default_value_t = Limits::default().credits_percent_min, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub credits_percent_min: u32,

    /// How many days what is left of them has to last at the rate of the last day.
    #[arg(long, env = "RELEVE_CREDITS_DAYS_MIN", global = true, value_name = "DAYS",
          default_value_t = Limits::default().credits_days_min)]
    pub credits_days_min: u32,

    /// Used part of a reservation, in percent, below which it is told.
    #[arg(long, env = "RELEVE_COMMITMENT_PERCENT_MIN", global = true, value_name = "PERCENT",
          default_value_t = Limits::default().commitment_percent_min, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub commitment_percent_min: u32,

    /// Days that a reservation is looked at over.
    #[arg(long, env = "RELEVE_COMMITMENT_DAYS", global = true, value_name = "DAYS",
          default_value_t = Limits::default().commitment_days, value_parser = clap::value_parser!(u32).range(1..=31))]
    pub commitment_days: u32,

    /// What is left of a purchase order, in percent, below which it is told.
    #[arg(long, env = "RELEVE_ORDER_PERCENT_MIN", global = true, value_name = "PERCENT",
          default_value_t = Limits::default().order_percent_min, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub order_percent_min: u32,
}

impl From<AlertLimits> for Limits {
    fn from(set: AlertLimits) -> Self {
        Self {
            silent_after_ms: set.silent_after_ms,
            coverage_percent_min: set.coverage_percent_min,
            coverage_hours: set.coverage_hours,
            anomaly_percent: set.anomaly_percent,
            anomaly_excess_min: set.anomaly_excess_min,
            anomaly_hours: set.anomaly_hours,
            credits_percent_min: set.credits_percent_min,
            credits_days_min: set.credits_days_min,
            commitment_percent_min: set.commitment_percent_min,
            commitment_days: set.commitment_days,
            order_percent_min: set.order_percent_min,
        }
    }
}
