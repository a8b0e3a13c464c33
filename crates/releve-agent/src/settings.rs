//! What does an agent need to run, apart from a probe and a sink?

use std::path::PathBuf;

use releve_types::NodeId;
use uuid::Uuid;

use crate::{
    config::{Config, ConfigError},
    key::NodeKey,
    meter::MeterSettings,
};

/// Of what a message may hold, the part at which a window is closed early: 60 KiB of 64.
const SPLIT_SIXTEENTHS: usize = 15;

/// The checked settings of one agent. A program may run several, each with a data directory of its own.
#[derive(Clone, Debug)]
pub struct Settings {
    pub node: NodeId,
    pub key: NodeKey,
    pub data_dir: PathBuf,
    pub window_ms: i64,
    pub spread_ms: u64,
    pub look_every_ms: u64,
    pub look_gap_ms_max: u64,
    pub journal_every_ms: u64,
    pub message_bytes_max: usize,
    pub spool_bytes_max: u64,
    /// Changes when the machine starts anew: see [`boot_id`].
    pub boot: Uuid,
}

impl Settings {
    pub fn of(config: &Config, key: NodeKey, boot: Uuid) -> Result<Self, ConfigError> {
        let config = config.clone();
        Ok(Self {
            node: config.node_id()?,
            key,
            data_dir: config.data_dir,
            window_ms: config.window_ms,
            spread_ms: config.spread_ms,
            look_every_ms: config.look_every_ms,
            look_gap_ms_max: config.look_gap_ms_max,
            journal_every_ms: config.journal_every_ms,
            message_bytes_max: config.message_bytes_max,
            spool_bytes_max: config.spool_bytes_max,
            boot,
        })
    }

    pub(crate) const fn meter(&self) -> MeterSettings {
        let message_bytes_split = self.message_bytes_max / 16 * SPLIT_SIXTEENTHS;
        let (window_ms, look_gap_ms_max) = (self.window_ms, self.look_gap_ms_max);
        MeterSettings { window_ms, look_gap_ms_max, message_bytes_split }
    }
}

/// The kernel's id of this boot; where there is none (not Linux), each start of the agent counts as a boot, which
/// reports less and never more.
pub fn boot_id() -> Uuid {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Uuid::try_parse(text.trim()).unwrap_or_else(|_| random_uuid())
}

pub(crate) fn random_uuid() -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
