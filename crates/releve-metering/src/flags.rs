//! What is odd about what a node said, though it was counted? Breaks in the chain of its reports, a clock not to be
//! believed, devices in use that were not well. Flags are for people: they decide no fate, since order of arrival
//! means nothing, and the time is counted or missing whatever they say.

use std::collections::BTreeMap;

use releve_types::{DeviceId, Timestamp};
use releve_wire::{DeviceState, Report, Window};
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FlagKind {
    /// Sequence numbers of a run are missing: lost, under way, or set aside.
    SequenceGap,
    /// A later window has a lower sequence number of the same run: copied, or a clock that went back.
    SequenceBackwards,
    /// A head does not name the head before it: somebody else writes under this node's name, or it was restored.
    BrokenChain,
    /// The clock was not synchronised.
    ClockUnsynced,
    /// Wall clock and monotonic clock moved apart.
    ClockStep,
    /// Held while the node said that the device was degraded or lost.
    DeviceNotOk,
}

impl FlagKind {
    pub const ALL: [Self; 6] = [
        Self::SequenceGap,
        Self::SequenceBackwards,
        Self::BrokenChain,
        Self::ClockUnsynced,
        Self::ClockStep,
        Self::DeviceNotOk,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SequenceGap => "sequence_gap",
            Self::SequenceBackwards => "sequence_backwards",
            Self::BrokenChain => "broken_chain",
            Self::ClockUnsynced => "clock_unsynced",
            Self::ClockStep => "clock_step",
            Self::DeviceNotOk => "device_not_ok",
        }
    }
}

/// One oddity, over the windows that show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Flag {
    pub from: Timestamp,
    pub to: Timestamp,
    pub kind: FlagKind,
    /// Reports that show it; windows on end that show the same, and reports of one window, are one flag.
    pub reports: usize,
    pub detail: String,
}

/// The flags of one node's reports, of any time and in any order, by time. What comes before the earliest of a run
/// is not known, so nothing is said of it.
pub fn flags(reports: &[Report]) -> Vec<Flag> {
    let mut order: Vec<&Report> = reports.iter().collect();
    order.sort_unstable_by_key(|report| (report.head.window.start, report.head.seq, report.head.run));
    let mut flags: Vec<Flag> = Vec::new();
    // The flag that the last window of its kind and detail belongs to.
    let mut going_on: BTreeMap<(FlagKind, String), usize> = BTreeMap::new();
    for report in &order {
        let Window { start, end } = report.head.window;
        for (kind, detail) in of_report(report) {
            let key = (kind, detail);
            if let Some(flag) = going_on.get(&key).and_then(|at| flags.get_mut(*at)).filter(|flag| flag.to >= start) {
                flag.to = flag.to.max(end);
                flag.reports += 1;
            } else {
                let detail = key.1.clone();
                going_on.insert(key, flags.len());
                flags.push(Flag { from: start, to: end, kind, reports: 1, detail });
            }
        }
    }
    let mut runs: BTreeMap<Uuid, Vec<&Report>> = BTreeMap::new();
    for report in order {
        runs.entry(report.head.run).or_default().push(report);
    }
    flags.extend(runs.into_values().flat_map(of_run));
    flags.sort_unstable();
    flags
}

/// What a report shows by itself.
pub fn of_report(report: &Report) -> Vec<(FlagKind, String)> {
    let head = &report.head;
    let mut found = Vec::new();
    if !head.clock.synced {
        found.push((FlagKind::ClockUnsynced, "the node's clock was not synchronised".to_owned()));
    }
    if let Some(step_ms) = head.clock.step_ms.filter(|ms| *ms != 0) {
        found.push((FlagKind::ClockStep, format!("wall clock and monotonic clock moved {step_ms} ms apart")));
    }
    let in_use = |gpu: DeviceId| report.sections.iter().flat_map(|section| &section.segments).any(|s| s.gpu == gpu);
    for device in head.devices.iter().filter(|d| d.state != DeviceState::Ok && in_use(d.gpu)) {
        let state = if device.state == DeviceState::Lost { "lost" } else { "degraded" };
        found.push((FlagKind::DeviceNotOk, format!("{} was held while {state}", device.gpu)));
    }
    found
}

/// What the reports of one run, by time, show between them.
fn of_run(by_time: Vec<&Report>) -> Vec<Flag> {
    let mut found = Vec::new();
    for pair in by_time.windows(2) {
        let [before, after] = pair else { continue };
        if after.head.seq <= before.head.seq {
            found.push(Flag {
                from: before.head.window.start,
                to: after.head.window.end,
                kind: FlagKind::SequenceBackwards,
                reports: 2,
                detail: format!("{} follows {} in run {}", after.head.seq, before.head.seq, after.head.run),
            });
        }
    }
    let mut by_seq = by_time;
    by_seq.sort_by_key(|report| report.head.seq);
    if let Some(first) = by_seq.first().filter(|first| first.head.seq == 1 && first.head.prev.is_some()) {
        found.push(broken(first, "the first report of its run names one before it"));
    }
    for pair in by_seq.windows(2) {
        let [before, after] = pair else { continue };
        let missing = after.head.seq.saturating_sub(before.head.seq).saturating_sub(1);
        let (left, right) = (before.head.window.end, after.head.window.start);
        if missing > 0 {
            found.push(Flag {
                from: left.min(right),
                to: left.max(right),
                kind: FlagKind::SequenceGap,
                reports: 2,
                detail: format!(
                    "{missing} reports between {} and {} of run {} are not counted",
                    before.head.seq, after.head.seq, after.head.run
                ),
            });
        } else if after.head.seq > before.head.seq && after.head.prev != Some(before.head_sha256) {
            found.push(broken(after, "it does not name the head before it"));
        }
    }
    found
}

fn broken(report: &Report, why: &str) -> Flag {
    let head = &report.head;
    Flag {
        from: head.window.start,
        to: head.window.end,
        kind: FlagKind::BrokenChain,
        reports: 1,
        detail: format!("{} of run {}: {why}", head.seq, head.run),
    }
}
