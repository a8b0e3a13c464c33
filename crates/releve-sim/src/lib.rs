#![doc = include_str!("../README.md")]

pub mod cluster;
pub mod faults;
pub mod fleet;
pub mod jitter;
pub mod live;
pub mod oracle;
pub mod packing;
pub mod reports;
pub mod seed;
pub mod trace;

pub use cluster::{Device, Hold, Node, Plan, Stretch};
pub use reports::{Reports, SimReport};
