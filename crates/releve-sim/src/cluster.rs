//! What is simulated? Nodes with devices, and a list of who held which device from when to when.
//!
//! The list of holds is the truth: reports are cut from it, and the oracle adds it up without them.

use ed25519_dalek::SigningKey;
use releve_types::{
    DeviceId, NodeId, Period, Sku, TenantKey, Timestamp,
    sku::{Share, SkuError},
};
use releve_wire::{AllocDetails, EndReason};

use crate::seed;

/// A half-open stretch of time, to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stretch {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Stretch {
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    pub fn clip(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }

    pub const fn millis(self) -> i64 {
        self.end.since(self.start)
    }
}

impl From<Period> for Stretch {
    fn from(period: Period) -> Self {
        Self { start: period.start(), end: period.end() }
    }
}

#[derive(Debug, Clone)]
pub struct Device {
    pub id: DeviceId,
    pub parent: Option<DeviceId>,
    pub model: String,
    pub profile: Option<String>,
    /// Milliwatts when idle and when held; none where energy is not made up.
    pub power_mw: Option<(i64, i64)>,
}

#[derive(Debug, Clone)]
pub struct Node {
    pub id: NodeId,
    pub name: String,
    pub region: String,
    pub site: String,
    pub rack: String,
    pub keyid: String,
    pub key: SigningKey,
    /// From when to when it serves, and therefore reports.
    pub service: Stretch,
    pub devices: Vec<Device>,
}

impl Node {
    /// A node whose id and key follow from its name.
    pub fn named(name: &str, region: &str, site: &str, rack: &str, service: Stretch) -> Self {
        Self {
            id: NodeId::from_uuid(seed::uuid(&["node", name])),
            name: name.to_owned(),
            region: region.to_owned(),
            site: site.to_owned(),
            rack: rack.to_owned(),
            keyid: format!("{name}-1"),
            key: seed::signing_key(&["node key", name]),
            service,
            devices: Vec::new(),
        }
    }

    /// Adds whole GPUs of one model.
    #[must_use]
    pub fn with_gpus(mut self, count: usize, model: &str, power_mw: Option<(i64, i64)>) -> Self {
        for _ in 0..count {
            let id = DeviceId::Gpu(seed::uuid(&["gpu", &self.name, &self.devices.len().to_string()]));
            let (parent, profile) = (None, None);
            self.devices.push(Device { id, parent, model: model.to_owned(), profile, power_mw });
        }
        self
    }

    /// Adds one GPU that is cut into slices; the GPU itself can't be held.
    #[must_use]
    pub fn with_slices(mut self, count: usize, model: &str, profile: &str, power_mw: Option<(i64, i64)>) -> Self {
        let parent = DeviceId::Gpu(seed::uuid(&["gpu", &self.name, &self.devices.len().to_string()]));
        for _ in 0..count {
            let id = DeviceId::Mig(seed::uuid(&["slice", &self.name, &self.devices.len().to_string()]));
            let (parent, profile) = (Some(parent), Some(profile.to_owned()));
            self.devices.push(Device { id, parent, model: model.to_owned(), profile, power_mw });
        }
        self
    }
}

/// One allocation's time on one device.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Index into [`Plan::nodes`].
    pub node: usize,
    /// Index into the node's devices.
    pub device: usize,
    /// Index into [`Plan::keys`].
    pub key: usize,
    pub alloc: String,
    pub project: Option<String>,
    pub spot: bool,
    pub share: Share,
    pub time: Stretch,
    pub end_reason: EndReason,
    /// Names and labels, where the workload has any.
    pub details: Option<AllocDetails>,
}

/// Everything that happens, before anybody reports it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub nodes: Vec<Node>,
    pub keys: Vec<TenantKey>,
    pub holds: Vec<Hold>,
    /// What tells this plan from others of the same nodes; part of the run ids of its reports.
    pub variant: String,
    pub range: Stretch,
}

impl Plan {
    pub fn sku(&self, hold: &Hold) -> Result<Sku, SkuError> {
        let node = &self.nodes[hold.node];
        let device = &node.devices[hold.device];
        Sku::gpu(&device.model, device.profile.as_deref(), hold.share, hold.spot, &node.region)
    }

    /// The first two holds that are on one whole device at one instant, if there are any: a plan has none.
    pub fn conflict(&self) -> Option<(&Hold, &Hold)> {
        let mut whole: Vec<&Hold> = self.holds.iter().filter(|h| h.share == Share::WHOLE).collect();
        whole.sort_by_key(|h| (h.node, h.device, h.time));
        let pairs = whole.windows(2).map(|pair| (pair[0], pair[1]));
        pairs.into_iter().find(|(a, b)| (a.node, a.device) == (b.node, b.device) && a.time.end > b.time.start)
    }
}
