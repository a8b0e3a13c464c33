#![doc = include_str!("../README.md")]

pub mod compare;
pub mod event;
pub mod fees;
pub mod mapping;
mod number;
pub mod plan;
pub mod read;
pub mod rows;

pub use compare::{Facts, Finding, Known, Ours, Reason, compare};
pub use event::{Event, EventError};
pub use fees::{FeeRow, read_fees};
pub use mapping::{Mapping, MappingError, Metric};
pub use plan::{Plan, Seller, plan};
pub use read::{Export, File, read};
