#![doc = include_str!("../README.md")]

pub mod agent;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod failpoint;
pub mod journal;
pub mod key;
pub mod meter;
pub mod observer;
pub mod probe;
pub mod sender;
pub mod settings;
pub mod sight;
pub mod sink;
pub mod spool;

pub use agent::Agent;
pub use clock::{ClockTrust, Clocks, Moment};
pub use config::Config;
pub use key::NodeKey;
pub use observer::AgentError;
pub use probe::{Probe, ProbeError};
pub use settings::{Settings, boot_id};
pub use sink::Sink;

/// Name and version, as reports carry them.
pub const AGENT: &str = concat!("releve-agent/", env!("CARGO_PKG_VERSION"));
