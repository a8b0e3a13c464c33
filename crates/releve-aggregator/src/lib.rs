#![doc = include_str!("../README.md")]

mod amend;
mod claims;
mod count;
mod failpoint;
mod halving;
mod judge;
mod readings;
mod reattribute;
mod redrive;
mod runner;
mod settings;
mod standing;
mod take;
mod weigh;

pub use amend::{Change, WithdrawError};
pub use judge::Message;
pub use readings::{IncomingReading, ReadingFate};
pub use reattribute::Moved;
pub use releve_store::quarantine::Source;
pub use releve_wire::{Reject, RejectCode, decode_reading};
pub use runner::{Clock, Observer, Runner};
pub use settings::Settings;
pub use take::{Aggregator, Fate, TakeError};
pub use weigh::Weight;
