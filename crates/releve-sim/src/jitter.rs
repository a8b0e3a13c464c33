//! What if nothing happens on the minute? Every edge moves by milliseconds, allocations shorter than a second
//! are added, and a thousand allocations are open while the month ends.
//!
//! Exclusivity stays: on one GPU, at one instant, the end that moves and the start that moves keep their order.

use std::collections::BTreeMap;

use releve_types::{
    Timestamp,
    sku::Share,
    time::{MILLIS_PER_DAY, MILLIS_PER_HOUR, MILLIS_PER_SECOND},
};
use releve_wire::EndReason;

use crate::{
    cluster::{Hold, Plan, Stretch},
    packing::{self, GPUS_PER_NODE},
    seed::Dice,
};

/// How far an edge moves, at most.
pub const EDGE_MS_MAX: i64 = 999;
/// How many allocations under a second are added.
pub const SHORT_LEN: usize = 4_000;
/// How many allocations are open over the month's end, one GPU each, on nodes of their own.
pub const OVER_THE_END_LEN: usize = 1_000;

/// The plan with every edge moved; it reaches an hour past the month, since what ran to its end may pass it.
pub fn jitter(mut plan: Plan, seed: u64) -> Plan {
    let (month, seed) = (plan.range, seed.to_string());
    plan.variant = format!("{}+jitter{seed}", plan.variant);
    move_edges(&mut plan, &seed);
    add_short(&mut plan, &seed);
    plan.range.end = month.end.plus_millis(MILLIS_PER_HOUR);
    for node in &mut plan.nodes {
        node.service.end = plan.range.end;
    }
    add_over_the_end(&mut plan, month, &seed);
    plan.holds.sort_by_key(|h| (h.time.start, h.node, h.device, h.time.end));
    plan
}

fn move_edges(plan: &mut Plan, seed: &str) {
    // On a GPU at an instant one hold may end and one may start: two offsets, the smaller one for the end.
    let mut offsets: BTreeMap<(usize, usize, Timestamp), (i64, i64)> = BTreeMap::new();
    let mut dice = Dice::new(&["jitter", seed]);
    for hold in &mut plan.holds {
        let Stretch { start, end } = hold.time;
        for at in [start, end] {
            offsets
                .entry((hold.node, hold.device, at))
                .or_insert_with(|| two_offsets(&mut dice, at == plan.range.start));
        }
        let later = offsets[&(hold.node, hold.device, start)].1;
        let earlier = offsets[&(hold.node, hold.device, end)].0;
        hold.time = Stretch::new(start.plus_millis(later), end.plus_millis(earlier));
    }
}

/// None is 0, and at the month's start none is negative: what began with it does not begin the month before.
fn two_offsets(dice: &mut Dice, only_later: bool) -> (i64, i64) {
    let mut one = || {
        let size = dice.between(1, EDGE_MS_MAX);
        if only_later || dice.chance(500) { size } else { -size }
    };
    let (a, b) = (one(), one());
    (a.min(b), a.max(b))
}

/// Places allocations of 1 to 999 ms where a GPU is idle; one in four begins just before a whole hour.
fn add_short(plan: &mut Plan, seed: &str) {
    let mut dice = Dice::new(&["short", seed]);
    let mut busy: BTreeMap<(usize, usize), BTreeMap<Timestamp, Timestamp>> = BTreeMap::new();
    for hold in &plan.holds {
        busy.entry((hold.node, hold.device)).or_default().insert(hold.time.start, hold.time.end);
    }
    let mut added = 0;
    // The tries are bounded: a trace that leaves no GPU idle gets fewer.
    for _ in 0..SHORT_LEN * 50 {
        if added == SHORT_LEN {
            break;
        }
        let (node, device) = (dice.index(plan.nodes.len()), dice.index(GPUS_PER_NODE));
        let mut start = plan.range.start.plus_millis(dice.between(0, plan.range.millis() - MILLIS_PER_SECOND));
        if dice.chance(250) {
            start = start.hour().end().plus_millis(-dice.between(1, 500));
        }
        let time = Stretch::new(start, start.plus_millis(dice.between(1, 999)));
        let lane = busy.entry((node, device)).or_default();
        let before = lane.range(..time.end).next_back().is_none_or(|(_, end)| *end <= time.start);
        if !before || time.end > plan.range.end {
            continue;
        }
        lane.insert(time.start, time.end);
        added += 1;
        let key = dice.index(plan.keys.len());
        plan.holds.push(one_gpu(node, device, key, format!("short-{added:06}"), time));
    }
}

fn add_over_the_end(plan: &mut Plan, month: Stretch, seed: &str) {
    let mut dice = Dice::new(&["over the end", seed]);
    let service = Stretch::new(month.end.plus_millis(-MILLIS_PER_DAY).max(month.start), plan.range.end);
    let first = plan.nodes.len();
    plan.nodes.extend(packing::nodes("helios-end", OVER_THE_END_LEN.div_ceil(GPUS_PER_NODE), service));
    for i in 0..OVER_THE_END_LEN {
        let start = month.end.plus_millis(-dice.between(1, month.end.since(service.start)));
        let end = month.end.plus_millis(dice.between(1, service.end.since(month.end)));
        let (node, device) = (first + i / GPUS_PER_NODE, i % GPUS_PER_NODE);
        let key = dice.index(plan.keys.len());
        plan.holds.push(one_gpu(node, device, key, format!("over-{i:06}"), Stretch::new(start, end)));
    }
}

fn one_gpu(node: usize, device: usize, key: usize, alloc: String, time: Stretch) -> Hold {
    let (project, spot, share, end_reason, details) = (None, false, Share::WHOLE, EndReason::Completed, None);
    Hold { node, device, key, alloc, project, spot, share, time, end_reason, details }
}
