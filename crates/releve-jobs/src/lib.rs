#![doc = include_str!("../README.md")]

pub mod alerts;
pub mod archive;
pub mod audit;
pub mod credits;
mod deposits;
pub mod documents;
mod error;
pub mod evidence;
pub mod exports;
mod failpoint;
pub mod flags;
pub mod hand_over;
pub mod issue;
pub mod pack;
pub mod partitions;
pub mod payments;
mod reconcile;
pub mod rolling;
mod settings;
pub mod spend;
pub mod webhooks;

pub use archive::{ArchiveReader, read_archive};
pub use audit::{AuditReport, Check, Difference, audit, rebuild};
pub use error::JobError;
pub use issue::{Order, correct, correct_accounts, correct_all, issue, void};
pub use reconcile::{Job, round, run};
pub use settings::{ISSUE_DELAY_MS, Nudge, REPORTS_KEEP_DAYS, ROUND_INTERVAL, Settings};
