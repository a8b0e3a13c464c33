//! What would a probe see on a made-up node just now? The plan's holds, as a look at a real one tells them.

use std::sync::Arc;

use releve_agent::{
    Probe, ProbeError,
    sight::{Hold, SeenDevice, Sight},
};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};
use releve_wire::DeviceState;

use crate::cluster::{self, Device, Plan};

/// What has ended is told for this long: longer than any window.
const TOLD_MS: i64 = 2 * MILLIS_PER_HOUR;

/// Looks at one node of a plan.
#[derive(Debug)]
pub struct PlanProbe {
    plan: Arc<Plan>,
    node: usize,
    /// Of each device: when its energy was last read, and the counter then, in microjoules.
    counters: Vec<(Timestamp, i64)>,
}

impl PlanProbe {
    pub fn new(plan: Arc<Plan>, node: usize) -> Self {
        let counters = vec![(plan.range.start, 0); plan.nodes[node].devices.len()];
        Self { plan, node, counters }
    }

    fn holds(&self) -> impl Iterator<Item = &cluster::Hold> {
        self.plan.holds.iter().filter(|hold| hold.node == self.node)
    }

    /// Moves a device's counter to now: what it drew idle, and what holding it added.
    fn count(&mut self, index: usize, now: Timestamp) -> Option<u64> {
        let (idle_mw, busy_mw) = self.plan.nodes[self.node].devices[index].power_mw?;
        let (since, counted) = self.counters[index];
        let stretch = cluster::Stretch::new(since, now.max(since));
        let held = self.holds().filter(|h| h.device == index).filter_map(|h| h.time.clip(stretch));
        let busy_ms = held.map(cluster::Stretch::millis).sum::<i64>().min(stretch.millis());
        let counter = counted + busy_ms * busy_mw + (stretch.millis() - busy_ms) * idle_mw;
        self.counters[index] = (stretch.end, counter);
        u64::try_from(counter / 1_000).ok()
    }

    fn device(&mut self, index: usize, now: Timestamp) -> SeenDevice {
        let energy_counter_mj = self.count(index, now);
        let Device { id, parent, model, profile, .. } = self.plan.nodes[self.node].devices[index].clone();
        let (from, until, state) = (None, None, DeviceState::Ok);
        SeenDevice { gpu: id, parent, model, profile, state, from, until, energy_counter_mj }
    }

    fn hold(&self, hold: &cluster::Hold, now: Timestamp) -> Hold {
        let until = Some(hold.time.end).filter(|end| *end <= now);
        Hold {
            gpu: self.plan.nodes[self.node].devices[hold.device].id,
            tenant_key: self.plan.keys[hold.key].clone(),
            alloc: hold.alloc.clone(),
            project: hold.project.clone(),
            spot: hold.spot,
            share: hold.share,
            from: Some(hold.time.start),
            until,
            end_reason: until.map(|_| hold.end_reason),
            details: hold.details.clone(),
        }
    }
}

impl Probe for PlanProbe {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn look(&mut self, now: Timestamp) -> Result<Sight, ProbeError> {
        let devices = (0..self.counters.len()).map(|index| self.device(index, now)).collect();
        let told = |hold: &&cluster::Hold| hold.time.start <= now && now.since(hold.time.end) <= TOLD_MS;
        let holds = self.holds().filter(told).map(|hold| self.hold(hold, now)).collect();
        Ok(Sight { known_until: now, devices, holds })
    }
}
