//! What does NVIDIA's driver say is here? Devices and their counters; who holds them comes from the configuration.

use std::{collections::BTreeMap, ffi::OsStr, path::PathBuf};

use nvml_wrapper::{Device, Nvml, error::NvmlError, struct_wrappers::device::DeviceAttributes};
use releve_types::{DeviceId, TenantKey, Timestamp, sku::Share};
use releve_wire::DeviceState;

use super::{Presence, Probe, ProbeError};
use crate::sight::{Hold, SeenDevice, Sight};

/// Containers have the first name only, and development packages add the second.
const LIBRARIES: [&str; 2] = ["libnvidia-ml.so.1", "libnvidia-ml.so"];
const MIG_ENABLED: u32 = 1;

/// Who holds a device, from when to when, as the operator says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    pub device: DeviceId,
    pub tenant_key: TenantKey,
    pub alloc: String,
    pub project: Option<String>,
    pub spot: bool,
    pub share: Share,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Looks through NVML.
pub struct NvmlProbe {
    library: Option<PathBuf>,
    nvml: Option<Nvml>,
    holders: Vec<Holder>,
    presence: Presence,
    /// Names and profiles don't change as long as a device keeps its UUID.
    described: BTreeMap<DeviceId, (String, Option<String>)>,
}

impl NvmlProbe {
    /// Loads the library. Without a driver it says so.
    pub fn open(library: Option<PathBuf>, holders: Vec<Holder>) -> Result<Self, ProbeError> {
        let nvml = Some(load(library.as_deref().map(std::path::Path::as_os_str))?);
        Ok(Self { library, nvml, holders, presence: Presence::default(), described: BTreeMap::new() })
    }

    /// The driver's version.
    pub fn driver_version(&self) -> Option<String> {
        self.nvml.as_ref()?.sys_driver_version().ok()
    }

    /// Holders of devices that are not here: a device may be away for repair, so that it is no error.
    pub fn absent<'a>(&'a self, devices: &'a [SeenDevice]) -> impl Iterator<Item = &'a Holder> {
        self.holders.iter().filter(|holder| devices.iter().all(|device| device.gpu != holder.device))
    }

    fn devices(&mut self) -> Result<Vec<SeenDevice>, ProbeError> {
        let nvml = match self.nvml.take() {
            Some(nvml) => nvml,
            None => load(self.library.as_deref().map(std::path::Path::as_os_str))?,
        };
        // After a driver was reloaded the library's handles are stale: it is loaded anew at the next look.
        let found = enumerate(&nvml, &mut self.described)?;
        self.nvml = Some(nvml);
        Ok(found)
    }
}

fn load(library: Option<&OsStr>) -> Result<Nvml, ProbeError> {
    let mut problems = Vec::new();
    for name in library.map_or(LIBRARIES.map(OsStr::new).to_vec(), |named| vec![named]) {
        match Nvml::builder().lib_path(name).init() {
            Ok(nvml) => return Ok(nvml),
            Err(error) => problems.push(format!("{}: {error}", name.display())),
        }
    }
    Err(ProbeError::NoDriver { detail: problems.join("; ") })
}

fn enumerate(
    nvml: &Nvml,
    described: &mut BTreeMap<DeviceId, (String, Option<String>)>,
) -> Result<Vec<SeenDevice>, ProbeError> {
    let count = nvml.device_count().map_err(failed("count the devices"))?;
    let mut found = Vec::new();
    for index in 0..count {
        let device = match nvml.device_by_index(index) {
            Ok(device) => device,
            Err(error) if is_lost(&error) => continue,
            Err(error) => return Err(failed("open a device")(error)),
        };
        match one(&device, described) {
            Ok(mut seen) => found.append(&mut seen),
            Err(ProbeError::Nvml { source, .. }) if is_lost(&source) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// A GPU that fell off the bus has no name any more; it is missed by whoever remembers it.
const fn is_lost(error: &NvmlError) -> bool {
    matches!(error, NvmlError::GpuLost | NvmlError::ResetRequired | NvmlError::NotFound)
}

fn failed(doing: &'static str) -> impl FnOnce(NvmlError) -> ProbeError {
    move |source| ProbeError::Nvml { doing, source }
}

/// A GPU and the slices it is cut into.
fn one(
    device: &Device,
    described: &mut BTreeMap<DeviceId, (String, Option<String>)>,
) -> Result<Vec<SeenDevice>, ProbeError> {
    let gpu = id_of(device)?;
    let model = match described.get(&gpu) {
        Some((model, _)) => model.clone(),
        None => device.name().map_err(failed("name a device"))?,
    };
    described.insert(gpu, (model.clone(), None));
    let energy_counter_mj = device.total_energy_consumption().ok();
    let (state, from, until) = (DeviceState::Ok, None, None);
    let whole =
        SeenDevice { gpu, parent: None, model: model.clone(), profile: None, state, from, until, energy_counter_mj };
    let mut found = vec![whole];
    if device.mig_mode().is_ok_and(|mode| mode.current == MIG_ENABLED) {
        for index in 0..device.mig_device_count().map_err(failed("count the slices"))? {
            let slice = match device.mig_device_by_index(index) {
                Ok(slice) => slice,
                Err(NvmlError::NotFound) => continue,
                Err(error) => return Err(failed("open a slice")(error)),
            };
            let id = id_of(&slice)?;
            let profile = match described.get(&id) {
                Some((_, Some(profile))) => profile.clone(),
                _ => profile_from(device, &slice)?,
            };
            described.insert(id, (model.clone(), Some(profile.clone())));
            let (parent, profile, energy_counter_mj) = (Some(gpu), Some(profile), None);
            found.push(SeenDevice { gpu: id, parent, profile, energy_counter_mj, ..found[0].clone() });
        }
    }
    Ok(found)
}

fn id_of(device: &Device) -> Result<DeviceId, ProbeError> {
    let uuid = device.uuid().map_err(failed("read a device's UUID"))?;
    uuid.parse().map_err(|_| ProbeError::OldName { uuid })
}

fn profile_from(parent: &Device, slice: &Device) -> Result<String, ProbeError> {
    let name = slice.name().map_err(failed("name a slice"))?;
    let attributes = slice.attributes().map_err(failed("read a slice's attributes"))?;
    let memory = parent.memory_info().map_err(failed("read a device's memory"))?;
    Ok(profile_of(&name, &attributes, memory.total))
}

/// The profile as NVIDIA writes it. A slice's name ends with it; where it doesn't, it is put together from its
/// parts, with the memory as eighths of the parent's, as NVIDIA's own tools do.
pub fn profile_of(name: &str, attributes: &DeviceAttributes, parent_memory_bytes: u64) -> String {
    const MIB: u128 = 1024 * 1024;
    const GIB: u128 = 1024 * MIB;
    if let Some((_, profile)) = name.rsplit_once(" MIG ") {
        return profile.trim().to_owned();
    }
    let parent = u128::from(parent_memory_bytes.max(1));
    let eighths = (u128::from(attributes.memory_size_mb) * MIB * 8).div_ceil(parent);
    let gb = (eighths * parent.div_ceil(GIB) * 2 + 8) / 16;
    let (gi, ci) = (attributes.gpu_instance_slice_count, attributes.compute_instance_slice_count);
    if gi == ci { format!("{gi}g.{gb}gb") } else { format!("{ci}c.{gi}g.{gb}gb") }
}

impl Probe for NvmlProbe {
    fn name(&self) -> &'static str {
        "nvml"
    }

    fn look(&mut self, now: Timestamp) -> Result<Sight, ProbeError> {
        let found = self.devices()?;
        let devices = self.presence.see(now, found);
        let here = |holder: &&Holder| devices.iter().any(|device| device.gpu == holder.device);
        let holds = self.holders.iter().filter(here).map(Holder::hold).collect();
        Ok(Sight { known_until: now, devices, holds })
    }
}

impl Holder {
    fn hold(&self) -> Hold {
        let Self { device, tenant_key, alloc, project, spot, share, from, until } = self.clone();
        let (end_reason, details) = (None, None);
        Hold { gpu: device, tenant_key, alloc, project, spot, share, from, until, end_reason, details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_driver_it_says_so_and_stops() {
        let missing = PathBuf::from("/nonexistent/libnvidia-ml.so.1");
        let Err(error) = NvmlProbe::open(Some(missing), Vec::new()) else { panic!("there is no such library") };
        let text = error.to_string();
        assert!(text.contains("there is no NVIDIA driver on this node"), "{text}");
        assert!(text.contains("/nonexistent/libnvidia-ml.so.1"), "{text}");
    }

    #[test]
    fn profiles_are_spelled_as_nvidia_does() {
        let attributes = |gi: u32, ci: u32, memory_size_mb: u64| DeviceAttributes {
            multiprocessor_count: 16,
            shared_copy_engine_count: 1,
            shared_decoder_count: 1,
            shared_encoder_count: 0,
            shared_jpeg_count: 1,
            shared_ofa_count: 0,
            gpu_instance_slice_count: gi,
            compute_instance_slice_count: ci,
            memory_size_mb,
        };
        let h100 = 81_559 * 1024 * 1024;
        assert_eq!(profile_of("NVIDIA H100 80GB HBM3 MIG 1g.10gb+me", &attributes(1, 1, 9_984), h100), "1g.10gb+me");
        assert_eq!(profile_of("NVIDIA H100 80GB HBM3", &attributes(1, 1, 9_984), h100), "1g.10gb");
        assert_eq!(profile_of("NVIDIA H100 80GB HBM3", &attributes(3, 2, 40_448), h100), "2c.3g.40gb");
        assert_eq!(profile_of("NVIDIA A100-SXM4-40GB", &attributes(1, 1, 4_864), 40_960 * 1024 * 1024), "1g.5gb");
    }
}
