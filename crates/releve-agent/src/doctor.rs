//! What does the agent see here, and what is missing? Each check says what it found and what to do about it.

use std::path::Path;

use releve_types::{Timestamp, time::wall_clock};
use serde::Serialize;

use crate::{
    clock::{MAX_ERR_US_UNKNOWN, clock_trust},
    config::{Config, ProbeConfig},
    key::NodeKey,
    meter::pieces,
    probe::{NvmlProbe, Probe, ProbeError, ScriptedProbe},
    sight::Sight,
    sink::Sink,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It runs, and less well than it could.
    Warning,
    /// It can't run.
    Missing,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    pub check: &'static str,
    pub verdict: Verdict,
    pub found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

/// All checks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Diagnosis {
    /// Could the agent run?
    pub ok: bool,
    pub agent: &'static str,
    pub checks: Vec<Check>,
    pub devices: Vec<DeviceView>,
}

/// A device, as it would be reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DeviceView {
    pub gpu: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub energy_counter: bool,
    /// Tenant keys and allocations that hold it now.
    pub held_by: Vec<String>,
}

fn ok(check: &'static str, found: impl Into<String>) -> Check {
    Check { check, verdict: Verdict::Ok, found: found.into(), to_do: None }
}

fn warning(check: &'static str, found: impl Into<String>, to_do: &str) -> Check {
    Check { check, verdict: Verdict::Warning, found: found.into(), to_do: Some(to_do.to_owned()) }
}

fn missing(check: &'static str, found: impl Into<String>, to_do: &str) -> Check {
    Check { check, verdict: Verdict::Missing, found: found.into(), to_do: Some(to_do.to_owned()) }
}

/// Looks at everything that the agent needs. Sends no report and changes nothing on disk.
pub async fn diagnose(path: &Path, environment: impl Iterator<Item = (String, String)>) -> Diagnosis {
    let (mut checks, mut devices) = (Vec::new(), Vec::new());
    match Config::load(path, environment) {
        Err(error) => {
            let to_do = "releve-agent example-config shows every field";
            checks.push(missing("config", error.to_string(), to_do));
        }
        Ok(config) => {
            checks.push(ok("config", format!("{} for {}", path.display(), config.node)));
            checks.push(key(&config));
            let (mut probed, seen) = probe(&config, wall_clock());
            checks.append(&mut probed);
            devices = seen;
            checks.push(clock());
            checks.append(&mut data_dir(&config));
            checks.push(receiver(&config).await);
        }
    }
    let runs = checks.iter().all(|check| check.verdict != Verdict::Missing);
    Diagnosis { ok: runs, agent: crate::AGENT, checks, devices }
}

fn key(config: &Config) -> Check {
    match NodeKey::read(&config.key_file) {
        Ok(key) => ok("key", format!("keyid {}, public key {}", key.keyid, hex::encode(key.public_key()))),
        Err(error) => missing("key", error.to_string(), "releve-agent keygen makes one; register what it prints"),
    }
}

/// The probe of a configuration.
pub fn open_probe(config: &ProbeConfig) -> Result<Box<dyn Probe>, ProbeError> {
    match config {
        ProbeConfig::Scripted(scripted) => Ok(Box::new(ScriptedProbe::open(&scripted.file)?)),
        ProbeConfig::Nvml(nvml) => {
            // The configuration was checked when it was loaded.
            let holders = nvml.holders().unwrap_or_default();
            Ok(Box::new(NvmlProbe::open(nvml.library.clone(), holders)?))
        }
    }
}

fn probe(config: &Config, now: Timestamp) -> (Vec<Check>, Vec<DeviceView>) {
    let what_to_do = match &config.probe {
        ProbeConfig::Nvml(_) => "install NVIDIA's driver, or let the agent see it",
        ProbeConfig::Scripted(_) => "mend the script",
    };
    let looked = open_probe(&config.probe).and_then(|mut probe| Ok((probe.name(), probe.look(now)?)));
    let (name, sight) = match looked {
        Ok(looked) => looked,
        Err(error) => return (vec![missing("probe", error.to_string(), what_to_do)], Vec::new()),
    };
    let slices = sight.devices.iter().filter(|d| d.gpu.is_slice()).count();
    let gpus = sight.devices.len() - slices;
    let found = format!("{name}: {gpus} GPUs, {slices} MIG slices, {} holds", sight.holds.len());
    let mut checks =
        vec![if gpus == 0 { warning("probe", found, "no GPU is seen: is this the node?") } else { ok("probe", found) }];
    if let Err(why) = pieces(&sight, now.plus_millis(-1), now) {
        let to_do = "as long as this is so, nothing is reported: mend who holds what";
        checks.push(missing("holds", why.to_string(), to_do));
    }
    checks.extend(absent(config, &sight));
    (checks, sight.devices.iter().map(|device| DeviceView::of(device, &sight)).collect())
}

/// Holders of devices that are not here.
fn absent(config: &Config, sight: &Sight) -> Option<Check> {
    let ProbeConfig::Nvml(nvml) = &config.probe else { return None };
    let here = |name: &str| sight.devices.iter().any(|device| device.gpu.to_string() == name);
    let absent: Vec<&str> = nvml.holder.iter().map(|h| h.device.as_str()).filter(|name| !here(name)).collect();
    let found = format!("held, and not here: {}", absent.join(", "));
    (!absent.is_empty()).then(|| warning("holders", found, "nvidia-smi -L shows the devices' names"))
}

impl DeviceView {
    fn of(device: &crate::sight::SeenDevice, sight: &Sight) -> Self {
        let holds = sight.holds.iter().filter(|hold| hold.gpu == device.gpu && hold.until.is_none());
        Self {
            gpu: device.gpu.to_string(),
            parent: device.parent.map(|parent| parent.to_string()),
            model: device.model.clone(),
            profile: device.profile.clone(),
            energy_counter: device.energy_counter_mj.is_some(),
            held_by: holds.map(|hold| format!("{} {}", hold.tenant_key, hold.alloc)).collect(),
        }
    }
}

fn clock() -> Check {
    let trust = clock_trust();
    let error =
        if trust.max_err_us == MAX_ERR_US_UNKNOWN { "unknown".to_owned() } else { format!("{} µs", trust.max_err_us) };
    let found = format!("synchronised: {}, error at most {error}, says {}", trust.synced, trust.source);
    let to_do = "run chrony: without it, reports say that the clock is not known to be right";
    if trust.synced { ok("clock", found) } else { warning("clock", found, to_do) }
}

fn data_dir(config: &Config) -> Vec<Check> {
    let dir = &config.data_dir;
    let shown = dir.display();
    // The directory itself is made at the first start; its disk is there before.
    let Some(there) = dir.ancestors().find(|dir| dir.is_dir()) else {
        return vec![missing("data_dir", format!("{shown} is nowhere"), "name a directory on a disk")];
    };
    let mut checks = Vec::new();
    checks.push(match rustix::fs::statvfs(there) {
        Err(error) => missing("data_dir", format!("{shown}: {error}"), "name a directory on a disk"),
        Ok(disk) => {
            let (free, max) = (disk.f_bavail.saturating_mul(disk.f_frsize), config.spool_bytes_max);
            let found = format!("{shown}: {free} bytes free, spool_bytes_max {max}");
            let to_do = "the spool may fill the disk before its own limit: free some, or lower spool_bytes_max";
            if free < max { warning("data_dir", found, to_do) } else { ok("data_dir", found) }
        }
    });
    if rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_err() {
        let found = format!("{} can't be written to", there.display());
        checks.push(missing("data_dir", found, "give it to the agent's user"));
    }
    let count = |name: &str, extension: &str| {
        let entries = std::fs::read_dir(dir.join("spool").join(name)).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|e| e == extension)).count()
    };
    let (refused, damaged) = (count("refused", "json"), count("damaged", "seg"));
    if refused + damaged > 0 {
        let found = format!("{refused} refused reports, {damaged} damaged segments in {shown}/spool");
        checks.push(warning("spool", found, "read the .answer beside each; remove them once settled"));
    }
    checks
}

async fn receiver(config: &Config) -> Check {
    let to_do = "reports wait in the spool as long as nobody takes them: check the address and the network";
    let sink = match Sink::new(&config.publish, config.message_bytes_max) {
        Ok(sink) => sink,
        Err(error) => return missing("publish", error.to_string(), "mend the configuration"),
    };
    let reached = sink.reach().await;
    sink.close().await;
    match reached {
        Ok(found) => ok("publish", found),
        Err(problem) => warning("publish", problem, to_do),
    }
}
