//! What does a probe tell? Which devices are there, and who holds each, with edges to the millisecond.

use releve_types::{DeviceId, TenantKey, Timestamp, sku::Share};
use releve_wire::{AllocDetails, DeviceState, EndReason, limits};
use unicode_normalization::is_nfc;

/// One look at the node. It speaks of intervals, not of events: whoever missed a look has missed nothing that
/// the next one does not tell again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sight {
    /// Up to here the probe knows all that happened; it may lie before the time of the look.
    pub known_until: Timestamp,
    pub devices: Vec<SeenDevice>,
    /// All that was held at some time since the last look; what ended earlier may be told again.
    pub holds: Vec<Hold>,
}

/// A GPU or a slice, as the probe saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenDevice {
    pub gpu: DeviceId,
    /// Of a slice: the physical GPU it is cut from.
    pub parent: Option<DeviceId>,
    pub model: String,
    pub profile: Option<String>,
    pub state: DeviceState,
    /// Since when it has been here; none where it was here before the first look.
    pub from: Option<Timestamp>,
    /// Until when it was here; none while it is.
    pub until: Option<Timestamp>,
    /// The device's own counter, which starts again with the driver. Differences are made elsewhere.
    pub energy_counter_mj: Option<u64>,
}

/// One device held by one allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    pub gpu: DeviceId,
    pub tenant_key: TenantKey,
    pub alloc: String,
    pub project: Option<String>,
    pub spot: bool,
    pub share: Share,
    /// Since when; none where it was held before the first look.
    pub from: Option<Timestamp>,
    /// Until when; none while it is held.
    pub until: Option<Timestamp>,
    pub end_reason: Option<EndReason>,
    pub details: Option<AllocDetails>,
}

/// A sight that can't be true, so that nothing is reported of the stretch: the gap is seen, and a person looks.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Contradiction {
    #[error("allocation {alloc} holds {gpu}, which is not among the node's devices")]
    UnknownDevice { gpu: DeviceId, alloc: String },
    #[error("{gpu} is named twice among the node's devices")]
    TwiceThere { gpu: DeviceId },
    #[error("{gpu} is described wrongly: {problem}")]
    Description { gpu: DeviceId, problem: &'static str },
    #[error("{gpu} is held for more than the whole of it at {at}")]
    Oversold { gpu: DeviceId, at: Timestamp },
    #[error("{gpu} and a slice cut from it are held at the same time, at {at}")]
    ParentBesideSlice { gpu: DeviceId, at: Timestamp },
    #[error("allocation {alloc} holds {gpu} twice at {at}, with different {field}")]
    UnlikeReplicas { gpu: DeviceId, alloc: String, field: &'static str, at: Timestamp },
    #[error("the {field} of a hold on {gpu} {problem}")]
    Text { gpu: DeviceId, field: &'static str, problem: &'static str },
    #[error("the share of {gpu} is {num}/{den}: expected 1 to {den} of {den}")]
    Share { gpu: DeviceId, num: u32, den: u32 },
    #[error("the node has {devices} devices, more than {max} that one report can name")]
    TooManyDevices { devices: usize, max: usize },
    #[error("what is held at {at} alone passes the {bytes_max} bytes of a message: raise message_bytes_max")]
    TooMuchAtOnce { at: Timestamp, bytes_max: usize },
}

impl Sight {
    /// What each entry must be by itself, before anything is said of two of them.
    pub(crate) fn check(&self) -> Result<(), Contradiction> {
        let (devices, max) = (self.devices.len(), limits::DEVICES_LEN_MAX);
        if devices > max {
            return Err(Contradiction::TooManyDevices { devices, max });
        }
        for device in &self.devices {
            let gpu = device.gpu;
            if self.devices.iter().filter(|other| other.gpu.uuid() == gpu.uuid()).count() > 1 {
                return Err(Contradiction::TwiceThere { gpu });
            }
            if let Some(problem) = device.description_problem() {
                return Err(Contradiction::Description { gpu, problem });
            }
            text(gpu, "model", &device.model)?;
            device.profile.as_ref().map_or(Ok(()), |profile| text(gpu, "profile", profile))?;
        }
        self.holds.iter().try_for_each(Hold::check)
    }
}

impl SeenDevice {
    /// A slice without its GPU or its profile would be sold as something else.
    const fn description_problem(&self) -> Option<&'static str> {
        match (self.gpu, self.parent, &self.profile) {
            (DeviceId::Gpu(_), None, None) | (DeviceId::Mig(_), Some(DeviceId::Gpu(_)), Some(_)) => None,
            (DeviceId::Gpu(_), _, _) => Some("a whole GPU has no parent and no profile"),
            (DeviceId::Mig(_), _, None) => Some("a slice has a profile"),
            (DeviceId::Mig(_), _, Some(_)) => Some("a slice is cut from a GPU"),
        }
    }
}

impl Hold {
    fn check(&self) -> Result<(), Contradiction> {
        let Share { num, den } = self.share;
        if num == 0 || num > den {
            return Err(Contradiction::Share { gpu: self.gpu, num, den });
        }
        text(self.gpu, "tenant key", self.tenant_key.as_str())?;
        text(self.gpu, "allocation", &self.alloc)?;
        self.project.as_ref().map_or(Ok(()), |project| text(self.gpu, "project", project))
    }
}

/// The wire's rule for names: without it the whole report would be refused for one bad name.
fn text(gpu: DeviceId, field: &'static str, text: &str) -> Result<(), Contradiction> {
    match text_problem(text) {
        None => Ok(()),
        Some(problem) => Err(Contradiction::Text { gpu, field, problem }),
    }
}

/// What the wire would refuse in a name.
pub fn text_problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > limits::NAME_BYTES_MAX {
        Some("has more than 256 bytes")
    } else if text.chars().any(char::is_control) {
        Some("holds a control character")
    } else if !is_nfc(text) {
        Some("is not in Unicode's composed form (NFC)")
    } else {
        None
    }
}
