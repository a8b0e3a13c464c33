#![doc = include_str!("../README.md")]

pub mod clock;
pub mod failpoint;
pub mod journal;
pub mod meter;
pub mod sight;
pub mod spool;
