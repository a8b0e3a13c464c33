//! What if devices and allocations were as a file says? For tests, demonstrations and trying out an installation.

use std::path::Path;

use releve_types::{DeviceId, TenantKey, Timestamp, sku::Share, time::MILLIS_PER_HOUR};
use releve_wire::{AllocDetails, DeviceState, EndReason};
use serde::Deserialize;

use super::{Probe, ProbeError};
use crate::sight::{Hold, SeenDevice, Sight};

/// What has ended is told for this long: longer than any window.
const TOLD_MS: i64 = 2 * MILLIS_PER_HOUR;

/// Devices and allocations over time. Times are milliseconds from the start.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// When time 0 is: RFC 3339 in UTC. The first look, if absent.
    #[serde(default)]
    pub start: Option<String>,
    /// Plays the holds again and again, each time with new allocations.
    #[serde(default)]
    pub repeat_ms: Option<i64>,
    #[serde(default, rename = "device")]
    pub devices: Vec<ScriptDevice>,
    #[serde(default, rename = "hold")]
    pub holds: Vec<ScriptHold>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptDevice {
    /// `GPU-<uuid>` or `MIG-<uuid>`.
    pub gpu: String,
    #[serde(default)]
    pub parent: Option<String>,
    pub model: String,
    #[serde(default)]
    pub profile: Option<String>,
    #[serde(default)]
    pub from_ms: Option<i64>,
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// What its energy counter counts, in watts; no counter, if absent.
    #[serde(default)]
    pub power_w: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptHold {
    pub gpu: String,
    pub tenant_key: String,
    pub alloc: String,
    #[serde(default)]
    pub project: Option<String>,
    #[serde(default)]
    pub spot: bool,
    #[serde(default = "one")]
    pub share_num: u32,
    #[serde(default = "one")]
    pub share_den: u32,
    pub from_ms: i64,
    /// Open-ended, if absent.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// completed, preempted, device_lost or node_lost.
    #[serde(default)]
    pub end_reason: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub labels: Vec<(String, String)>,
}

const fn one() -> u32 {
    1
}

/// Looks at a script instead of a node.
#[derive(Clone, Debug)]
pub struct ScriptedProbe {
    start: Option<Timestamp>,
    repeat_ms: Option<i64>,
    devices: Vec<(SeenDevice, ScriptDevice)>,
    holds: Vec<(Hold, ScriptHold)>,
}

impl ScriptedProbe {
    /// A script in TOML, or in JSON where the file is named `.json`.
    pub fn open(path: &Path) -> Result<Self, ProbeError> {
        let failed = |problem: String| ProbeError::Script { path: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        let script: Script = if path.extension().is_some_and(|e| e == "json") {
            serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?
        } else {
            toml::from_str(&text).map_err(|e| failed(e.to_string()))?
        };
        Self::new(script).map_err(failed)
    }

    pub fn new(script: Script) -> Result<Self, String> {
        let start = script.start.as_deref().map(|text| text.parse().map_err(|e| format!("start: {e}"))).transpose()?;
        if script.repeat_ms.is_some_and(|ms| ms <= 0) {
            return Err("repeat_ms: more than 0".to_owned());
        }
        let devices = script.devices.into_iter().map(|d| Ok((seen(&d)?, d))).collect::<Result<_, String>>()?;
        let mut holds = Vec::new();
        for hold in script.holds {
            let (from, until) = (hold.from_ms, hold.until_ms);
            let within = |repeat: i64| from >= 0 && until.is_some_and(|until| until <= repeat);
            if until.is_some_and(|until| until <= from) || !script.repeat_ms.is_none_or(within) {
                return Err(format!("hold {}: ends after it begins, and within repeat_ms", hold.alloc));
            }
            holds.push((held(&hold)?, hold));
        }
        Ok(Self { start, repeat_ms: script.repeat_ms, devices, holds })
    }
}

fn seen(device: &ScriptDevice) -> Result<SeenDevice, String> {
    let id = |text: &str| text.parse::<DeviceId>().map_err(|e| e.to_string());
    Ok(SeenDevice {
        gpu: id(&device.gpu)?,
        parent: device.parent.as_deref().map(id).transpose()?,
        model: device.model.clone(),
        profile: device.profile.clone(),
        state: DeviceState::Ok,
        from: None,
        until: None,
        energy_counter_mj: None,
    })
}

fn held(hold: &ScriptHold) -> Result<Hold, String> {
    let reason = |name: &String| {
        let known = EndReason::ALL.iter().find(|reason| reason.as_str() == name);
        known.copied().ok_or_else(|| format!("hold {}: end_reason '{name}' is not known", hold.alloc))
    };
    let (alloc, name, user, labels) = (hold.alloc.clone(), hold.name.clone(), hold.user.clone(), hold.labels.clone());
    let told = name.is_some() || user.is_some() || !labels.is_empty();
    Ok(Hold {
        gpu: hold.gpu.parse().map_err(|e: releve_types::ids::IdError| e.to_string())?,
        tenant_key: TenantKey::new(&hold.tenant_key).map_err(|e| e.to_string())?,
        alloc: alloc.clone(),
        project: hold.project.clone(),
        spot: hold.spot,
        share: Share { num: hold.share_num, den: hold.share_den },
        from: None,
        until: None,
        end_reason: hold.end_reason.as_ref().map(reason).transpose()?,
        details: told.then_some(AllocDetails { alloc, name, user, labels }),
    })
}

impl Probe for ScriptedProbe {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn look(&mut self, now: Timestamp) -> Result<Sight, ProbeError> {
        let start = *self.start.get_or_insert(now);
        let since = now.since(start);
        let devices = self.devices.iter().filter_map(|(device, script)| there(device, script, start, now)).collect();
        let mut holds = Vec::new();
        let rounds = self.repeat_ms.map_or(0..=0, |ms| (since - TOLD_MS).div_euclid(ms).max(0)..=since.div_euclid(ms));
        for round in rounds {
            let begin = start.plus_millis(round * self.repeat_ms.unwrap_or(0));
            for (hold, script) in &self.holds {
                let (from, until) =
                    (begin.plus_millis(script.from_ms), script.until_ms.map(|ms| begin.plus_millis(ms)));
                if from > now || until.is_some_and(|until| now.since(until) > TOLD_MS) {
                    continue;
                }
                let mut told = Hold { from: Some(from), until: until.filter(|until| *until <= now), ..hold.clone() };
                if self.repeat_ms.is_some() {
                    told.alloc = format!("{}-{round}", hold.alloc);
                    told.details = told.details.map(|d| AllocDetails { alloc: told.alloc.clone(), ..d });
                }
                told.end_reason = told.until.and(hold.end_reason);
                holds.push(told);
            }
        }
        Ok(Sight { known_until: now, devices, holds })
    }
}

/// The device as it shows at `now`; none where it has not come yet, or went long ago.
fn there(device: &SeenDevice, script: &ScriptDevice, start: Timestamp, now: Timestamp) -> Option<SeenDevice> {
    let from = script.from_ms.map(|ms| start.plus_millis(ms));
    let until = script.until_ms.map(|ms| start.plus_millis(ms)).filter(|until| *until <= now);
    let told = from.is_none_or(|from| from <= now) && until.is_none_or(|until| now.since(until) <= TOLD_MS);
    let ms = u64::try_from(until.unwrap_or(now).since(from.unwrap_or(start))).unwrap_or(0);
    let energy_counter_mj = script.power_w.filter(|_| until.is_none()).map(|watts| watts * ms);
    let state = if until.is_some() { DeviceState::Lost } else { DeviceState::Ok };
    told.then(|| SeenDevice { from, until, state, energy_counter_mj, ..device.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"
        start = "2026-05-01T00:00:00Z"
        repeat_ms = 600000

        [[device]]
        gpu = "GPU-00000000-0000-0000-0000-000000000001"
        model = "NVIDIA H100 80GB HBM3"
        power_w = 700

        [[hold]]
        gpu = "GPU-00000000-0000-0000-0000-000000000001"
        tenant_key = "static:lab"
        alloc = "train"
        from_ms = 60000
        until_ms = 540000
        end_reason = "completed"
        name = "a training run"
    "#;

    #[test]
    fn a_script_plays_again_and_again() {
        let mut probe = ScriptedProbe::new(toml::from_str(SCRIPT).unwrap()).unwrap();
        let start: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        let sight = probe.look(start.plus_millis(670_000)).unwrap();
        let holds: Vec<String> = sight
            .holds
            .iter()
            .map(|h| format!("{} {}..{}", h.alloc, h.from.unwrap(), h.until.map_or(String::new(), |u| u.to_string())))
            .collect();
        expect_test::expect![[r#"
            train-0 2026-05-01T00:01:00Z..2026-05-01T00:09:00Z
            train-1 2026-05-01T00:11:00Z.."#]]
        .assert_eq(&holds.join("\n"));
        assert_eq!(sight.devices[0].energy_counter_mj, Some(700 * 670_000));
        assert!(probe.look(start.plus_millis(-5)).unwrap().holds.is_empty());
    }

    #[test]
    fn the_example_can_be_played() {
        let mut probe = ScriptedProbe::new(toml::from_str(include_str!("../../script.example.toml")).unwrap()).unwrap();
        let start = Timestamp::from_millis(1_777_593_600_000);
        probe.look(start).unwrap();
        for minute in 0..180 {
            let now = start.plus_millis(minute * 60_000);
            let sight = probe.look(now).unwrap();
            crate::meter::pieces(&sight, now.plus_millis(-60_000), now).unwrap();
        }
    }

    #[test]
    fn what_is_wrong_in_a_script_is_named() {
        for (from, to) in [
            ("GPU-0000", "gpu0-"),
            ("static:lab", "lab"),
            ("until_ms = 540000", "until_ms = 5"),
            ("until_ms = 540000", "until_ms = 999999999"),
            ("\"completed\"", "\"because\""),
            ("power_w", "power"),
        ] {
            let text = SCRIPT.replace(from, to);
            let made = toml::from_str(&text).map_err(|e| e.to_string()).and_then(ScriptedProbe::new);
            assert!(made.is_err(), "{to}");
        }
    }
}
