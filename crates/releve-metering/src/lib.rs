#![doc = include_str!("../README.md")]

pub mod arrange;
pub mod catalog;
pub mod fate;
pub mod flags;
pub mod limits;
pub mod moves;
pub mod roll_up;
pub mod screen;

pub use arrange::{Fit, NodeDay, Plan, arrange, fit};
pub use catalog::{Catalog, KeyState, NodeRecord, NodeState, Place, Rule, Steps};
pub use fate::Reason;
pub use flags::{Flag, FlagKind, flags};
pub use roll_up::{AllocationKey, Deltas, Held, MeterKey, UsageKey, Used, Writer, roll_up};
pub use screen::{Exposure, Screened, covered_of_day, screen};
