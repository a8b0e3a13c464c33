//! What would each node's agent have said? The plan's holds, cut at windows, sealed and signed, in time order.
//!
//! An iterator: a month of reports is never in memory. The same plan, window length and range give the same
//! bytes each time, so a second replay sends true duplicates; run ids and salts are made up from the names.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{NodeId, Ranges, Timestamp};
use releve_wire::{
    AllocDetails, Basis, Clock, Device, DeviceState, Digest, Section, Segment, Window,
    limits::MESSAGE_BYTES_SPLIT,
    seal::{SealedMessage, Unsealed, seal},
};
use uuid::Uuid;

use crate::{
    cluster::{Hold, Node, Plan, Stretch},
    seed::{self, Dice},
};

/// What the reports say they were made by.
pub const AGENT: &str = concat!("releve-sim/", env!("CARGO_PKG_VERSION"));
/// How far the made-up clocks may be off.
const CLOCK_ERR_US: u64 = 250;

/// A report on its way, and the stretch of its node's time that it covers.
#[derive(Debug, Clone)]
pub struct SimReport {
    /// Index into [`Plan::nodes`].
    pub index: usize,
    pub node: NodeId,
    pub covered: Stretch,
    pub message: SealedMessage,
}

/// All reports of a stretch, window by window, node by node.
pub struct Reports<'p> {
    plan: &'p Plan,
    within: Stretch,
    window_ms: i64,
    at: Timestamp,
    agents: Vec<Agent<'p>>,
    turn: usize,
    /// The parts of a window that did not fit into one message, the next one last.
    ready: Vec<SimReport>,
}

/// What one node's agent remembers from window to window.
struct Agent<'p> {
    node: &'p Node,
    run: Uuid,
    seq: u64,
    prev: Option<Digest>,
    salts: Dice,
    /// This node's holds by start; those before `next` have begun.
    holds: Vec<&'p Hold>,
    next: usize,
    open: Vec<&'p Hold>,
    described: BTreeSet<&'p str>,
}

impl<'p> Reports<'p> {
    /// `within` starts and ends on a window's edge, as agents' windows do.
    pub fn new(plan: &'p Plan, window_ms: i64, within: Stretch) -> Self {
        let mut holds: Vec<Vec<&Hold>> = vec![Vec::new(); plan.nodes.len()];
        for hold in &plan.holds {
            holds[hold.node].push(hold);
        }
        let agent = |(node, mut holds): (&'p Node, Vec<&'p Hold>)| {
            holds.sort_by_key(|h| (h.time.start, h.device));
            let (variant, start, end) = (&plan.variant, within.start.to_string(), within.end.to_string());
            let run = seed::uuid(&["run", &node.name, variant, &window_ms.to_string(), &start, &end]);
            let salts = Dice::new(&["salts", &run.to_string()]);
            let (open, described) = (Vec::new(), BTreeSet::new());
            Agent { node, run, seq: 0, prev: None, salts, holds, next: 0, open, described }
        };
        let agents = plan.nodes.iter().zip(holds).map(agent).collect();
        Self { plan, within, window_ms, at: within.start, agents, turn: 0, ready: Vec::new() }
    }

    /// How many windows nodes will report in all; a window that does not fit one message gives more messages.
    pub fn windows(&self) -> usize {
        let of = |agent: &Agent| agent.node.service.clip(self.within).map_or(0, |s| s.millis() / self.window_ms);
        usize::try_from(self.agents.iter().map(of).sum::<i64>()).unwrap_or(usize::MAX)
    }
}

impl Iterator for Reports<'_> {
    type Item = SimReport;

    fn next(&mut self) -> Option<SimReport> {
        loop {
            if let Some(report) = self.ready.pop() {
                return Some(report);
            }
            if self.turn == self.agents.len() {
                self.turn = 0;
                self.at = self.at.plus_millis(self.window_ms);
            }
            if self.at >= self.within.end {
                return None;
            }
            let window = Window { start: self.at, end: self.at.plus_millis(self.window_ms) };
            let (index, agent) = (self.turn, &mut self.agents[self.turn]);
            self.turn += 1;
            if let Some(covered) = agent.node.service.clip(Stretch::new(window.start, window.end)) {
                agent.report(self.plan, index, window, covered, &mut self.ready);
                self.ready.reverse();
            }
        }
    }
}

impl<'p> Agent<'p> {
    /// One message, or several that share the window where one would be too large.
    fn report(&mut self, plan: &'p Plan, index: usize, window: Window, covered: Stretch, out: &mut Vec<SimReport>) {
        while let Some(hold) = self.holds.get(self.next).filter(|h| h.time.start < covered.end) {
            self.open.push(hold);
            self.next += 1;
        }
        let unsealed = self.unsealed(plan, window, covered);
        let salts = &mut self.salts;
        let message = seal(&unsealed, &self.node.keyid, &self.node.key, &mut || salts.sixteen());
        if message.bytes.len() > MESSAGE_BYTES_SPLIT && covered.millis() > 1 {
            let middle = covered.start.plus_millis(covered.millis() / 2);
            self.report(plan, index, window, Stretch::new(covered.start, middle), out);
            self.report(plan, index, window, Stretch::new(middle, covered.end), out);
            return;
        }
        self.seq += 1;
        self.prev = Some(message.head_sha256);
        for section in &unsealed.sections {
            let details = section.allocs.iter().map(|a| a.alloc.as_str());
            self.described
                .extend(self.open.iter().map(|h| h.alloc.as_str()).filter(|a| details.clone().any(|d| d == *a)));
        }
        self.open.retain(|h| h.time.end > covered.end);
        out.push(SimReport { index, node: self.node.id, covered, message });
    }

    fn unsealed(&self, plan: &Plan, window: Window, covered: Stretch) -> Unsealed {
        let mut held: Vec<(&Hold, Stretch)> =
            self.open.iter().filter_map(|h| Some((*h, h.time.clip(covered)?))).collect();
        held.sort_by_key(|(h, time)| (h.key, h.device, time.start));
        let mut busy_ms = vec![0; self.node.devices.len()];
        let mut sections: BTreeMap<usize, Section> = BTreeMap::new();
        for (hold, time) in held {
            busy_ms[hold.device] += time.millis();
            let tenant_key = plan.keys[hold.key].clone();
            let (segments, allocs) = (Vec::new(), Vec::new());
            let section = sections.entry(hold.key).or_insert(Section { tenant_key, segments, allocs });
            section.segments.push(self.segment(hold, time, window));
            if let Some(details) = self.news(hold, section) {
                section.allocs.push(details);
            }
        }
        Unsealed {
            node: self.node.id,
            run: self.run,
            seq: self.seq + 1,
            window,
            covered: Ranges::one(covered.start.since(window.start), covered.end.since(window.start)),
            clock: Clock { synced: true, max_err_us: CLOCK_ERR_US, step_ms: None },
            devices: self.devices(&busy_ms, covered.millis()),
            agent: AGENT.to_owned(),
            prev: self.prev,
            sections: sections.into_values().collect(),
        }
    }

    fn segment(&self, hold: &Hold, time: Stretch, window: Window) -> Segment {
        let device = &self.node.devices[hold.device];
        let share = (i64::from(hold.share.num), i64::from(hold.share.den));
        let energy = device.power_mw.map(|(_, busy)| millijoules(busy, time.millis()) * share.0 / share.1);
        Segment {
            gpu: device.id,
            alloc: hold.alloc.clone(),
            project: hold.project.clone(),
            spot: hold.spot,
            share: hold.share,
            start_ms: time.start.since(window.start),
            end_ms: time.end.since(window.start),
            basis: Basis::Observed,
            energy_mj: energy.and_then(|mj| u64::try_from(mj).ok()),
            end_reason: (hold.time.end == time.end).then_some(hold.end_reason),
        }
    }

    /// An allocation's names and labels, the first time that it is reported.
    fn news(&self, hold: &Hold, section: &Section) -> Option<AllocDetails> {
        let told = self.described.contains(hold.alloc.as_str()) || section.allocs.iter().any(|a| a.alloc == hold.alloc);
        hold.details.clone().filter(|_| !told)
    }

    fn devices(&self, busy_ms: &[i64], covered_ms: i64) -> Vec<Device> {
        let one = |(device, busy): (&crate::cluster::Device, &i64)| {
            // On a device that is shared, several may hold at once: it is not busier than all the time.
            let busy = (*busy).min(covered_ms);
            let energy = |(idle_mw, busy_mw)| millijoules(busy_mw, busy) + millijoules(idle_mw, covered_ms - busy);
            Device {
                gpu: device.id,
                parent: device.parent,
                model: device.model.clone(),
                profile: device.profile.clone(),
                state: DeviceState::Ok,
                energy_mj: device.power_mw.map(energy).and_then(|mj| u64::try_from(mj).ok()),
            }
        };
        self.node.devices.iter().zip(busy_ms).map(one).collect()
    }
}

/// Milliwatts over milliseconds are microjoules; a thousand of them one millijoule.
const fn millijoules(milliwatts: i64, millis: i64) -> i64 {
    milliwatts * millis / 1_000
}
