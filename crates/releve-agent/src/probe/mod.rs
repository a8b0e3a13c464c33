//! Who sees what is on the node? One file per way of looking.

mod nvml;
mod presence;
mod scripted;

use releve_types::Timestamp;

pub use nvml::{Holder, NvmlProbe, profile_of};
pub use presence::Presence;
pub use scripted::{Script, ScriptDevice, ScriptHold, ScriptedProbe};

use crate::sight::Sight;

/// A way of looking at a node. It reads, and changes nothing.
pub trait Probe: Send {
    /// For logs and for `doctor`.
    fn name(&self) -> &'static str;

    /// Looks once. A failed look costs nothing by itself: the next one tells what happened meanwhile, and only a
    /// silence longer than `look_gap_ms_max` is a gap.
    fn look(&mut self, now: Timestamp) -> Result<Sight, ProbeError>;
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(
        "NVIDIA's management library can't be loaded ({detail}): there is no NVIDIA driver on this node, or the agent \
         can't see it. In a container, use the NVIDIA runtime with NVIDIA_DRIVER_CAPABILITIES=utility; elsewhere name \
         the file in probe.nvml.library"
    )]
    NoDriver { detail: String },
    #[error("cannot {doing}: {source}")]
    Nvml { doing: &'static str, source: nvml_wrapper::error::NvmlError },
    #[error("device '{uuid}' has no name that a driver since 470 would give it")]
    OldName { uuid: String },
    #[error("the script {path}: {problem}")]
    Script { path: String, problem: String },
}
