//! What does a node say of a window? The decoded report: usage and heartbeat in one.

use std::fmt;

use releve_types::{DeviceId, NodeId, Ranges, TenantKey, Timestamp, sku::Share};
use uuid::Uuid;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&const_hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A UTC-aligned stretch that a node reports, `[start, end)`; its length divides an hour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// The signed part of a report. Holds no name of a tenant: a tenant that is given the head and its own
/// section learns nothing of its neighbours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    pub node: NodeId,
    /// New whenever the agent's spool is new; `seq` restarts at 1 with it.
    pub run: Uuid,
    pub seq: u64,
    pub window: Window,
    /// Milliseconds of the window that were observed.
    pub covered: Ranges,
    pub clock: Clock,
    pub devices: Vec<Device>,
    /// Name and version of the program that made the report.
    pub agent: String,
    /// The digest of this run's previous head; none in the first.
    pub prev: Option<Digest>,
    pub sections: Vec<SectionDigests>,
}

/// How far the node's clock can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    pub synced: bool,
    pub max_err_us: u64,
    /// By how much wall clock and monotonic clock moved apart in the window, where they did.
    pub step_ms: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    pub gpu: DeviceId,
    /// Of a slice: the physical GPU it is cut from.
    pub parent: Option<DeviceId>,
    pub model: String,
    /// Of a slice: its MIG profile, as NVIDIA writes it ("1g.10gb").
    pub profile: Option<String>,
    pub state: DeviceState,
    /// Energy that the device used in the window; none where the counter could not be read or was reset.
    pub energy_mj: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceState {
    Ok,
    Degraded,
    Lost,
}

/// The digests by which the head vouches for one section's two strings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SectionDigests {
    pub segments: Digest,
    pub allocs: Digest,
}

/// What one tenant key held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    pub tenant_key: TenantKey,
    pub segments: Vec<Segment>,
    /// Names and labels of allocations first seen or changed; personal, erasable, decide no money.
    pub allocs: Vec<AllocDetails>,
}

/// One device held by one allocation for part of a window. All that decides money is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    pub gpu: DeviceId,
    pub alloc: String,
    pub project: Option<String>,
    pub spot: bool,
    pub share: Share,
    /// Milliseconds from the window's start.
    pub start_ms: i64,
    pub end_ms: i64,
    pub basis: Basis,
    pub energy_mj: Option<u64>,
    pub end_reason: Option<EndReason>,
}

/// How the agent knows of the segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Seen while it ran.
    Observed,
    /// The agent was away, and the allocation was alive before and after.
    Inferred,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    Completed,
    Preempted,
    DeviceLost,
    NodeLost,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocDetails {
    pub alloc: String,
    pub name: Option<String>,
    pub user: Option<String>,
    /// At most [`crate::limits::LABELS_LEN_MAX`], in the order given.
    pub labels: Vec<(String, String)>,
}

/// A report whose signature was checked, and the exact bytes that it was signed as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    pub head: Head,
    pub head_sha256: Digest,
    pub sections: Vec<Section>,
    pub evidence: Evidence,
}

/// The exact strings that verify, without the erasable ones: what is stored, archived and handed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    pub head: String,
    pub keyid: String,
    pub signature: [u8; 64],
    /// Each section's `segments` string, in the head's order.
    pub segments: Vec<String>,
}

/// A metered quantity that is not GPU time, inside one UTC hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    pub source: String,
    pub id: String,
    pub meter: String,
    pub holder: Holder,
    pub project: Option<String>,
    pub quantity: i64,
    pub unit: releve_types::Unit,
    pub from: Timestamp,
    pub to: Timestamp,
    pub region: String,
    pub labels: Vec<(String, String)>,
}

/// Whose reading it is: named directly, or by a key that rules map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    Tenant(String),
    Key(TenantKey),
}
