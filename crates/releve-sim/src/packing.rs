//! Which GPU did each of a trace's GPUs run on? The trace does not say, so this makes it up: nodes of eight
//! GPUs, and allocations that open when a virtual cluster grows and close, last in first out, when it shrinks.
//!
//! What is not made up is how much: at each instant as many GPUs are held for a virtual cluster as the trace
//! says, never two holds on one GPU.

use std::collections::BTreeSet;

use releve_types::{TenantKey, key::TenantKeyError, sku::Share};
use releve_wire::EndReason;

use crate::{
    cluster::{Hold, Node, Plan, Stretch},
    trace::Trace,
};

pub const GPUS_PER_NODE: usize = 8;
/// An allocation is at most this many GPUs; what grows by more opens several.
const GPUS_PER_ALLOCATION_MAX: u32 = 8;
/// The cluster's name in tenant keys: `slurm:helios/<vc>`.
pub const CLUSTER: &str = "helios";
pub const REGION: &str = "earth";
/// Made up as well: the trace has no models.
pub const MODEL: &str = "Simulated V100";
const NODES_PER_RACK: usize = 4;

/// The tenant key of a virtual cluster.
pub fn key_of(vc: &str) -> Result<TenantKey, TenantKeyError> {
    TenantKey::new(&format!("slurm:{CLUSTER}/{vc}"))
}

/// Made-up nodes `<prefix>-000…`, in racks of four.
pub fn nodes(prefix: &str, count: usize, service: Stretch) -> Vec<Node> {
    let one = |i: usize| {
        let rack = format!("{prefix}-r{:02}", i / NODES_PER_RACK);
        Node::named(&format!("{prefix}-{i:03}"), REGION, CLUSTER, &rack, service).with_gpus(GPUS_PER_NODE, MODEL, None)
    };
    (0..count).map(one).collect()
}

/// Turns a trace into a plan: as few nodes as its peak needs, all in service from the first to the last minute.
pub fn plan(trace: &Trace) -> Result<Plan, TenantKeyError> {
    let gpus = usize::try_from(trace.peak()).unwrap_or(usize::MAX);
    let nodes = nodes(CLUSTER, gpus.div_ceil(GPUS_PER_NODE).max(1), trace.month);
    let keys = trace.vcs.iter().map(|vc| key_of(vc)).collect::<Result<_, _>>()?;
    let mut packer = Packer::new(trace, nodes.len() * GPUS_PER_NODE);
    for minute in trace.steps.chunk_by(|a, b| a.at == b.at) {
        let grow = |vc: usize, gpus: u32, packer: &Packer| i64::from(gpus) - packer.running(vc);
        // All that shrinks comes first: a GPU that is let go in a minute can be taken in it.
        for step in minute {
            for _ in 0..-grow(step.vc, step.gpus, &packer) {
                packer.close(step.vc, step.at);
            }
        }
        for step in minute {
            let more = grow(step.vc, step.gpus, &packer);
            packer.open(step.vc, u32::try_from(more).unwrap_or(0), step.at);
        }
    }
    let holds = packer.finish();
    Ok(Plan { nodes, keys, holds, variant: String::from("trace"), range: trace.month })
}

struct Packer<'t> {
    trace: &'t Trace,
    free: BTreeSet<usize>,
    /// Per virtual cluster: the holds that are open, the newest last.
    open: Vec<Vec<usize>>,
    allocations: Vec<u32>,
    holds: Vec<Hold>,
}

impl<'t> Packer<'t> {
    fn new(trace: &'t Trace, gpus: usize) -> Self {
        let vcs = trace.vcs.len();
        let (open, allocations) = (vec![Vec::new(); vcs], vec![0; vcs]);
        Self { trace, free: (0..gpus).collect(), open, allocations, holds: Vec::new() }
    }

    fn running(&self, vc: usize) -> i64 {
        i64::try_from(self.open[vc].len()).unwrap_or(i64::MAX)
    }

    fn open(&mut self, vc: usize, gpus: u32, at: releve_types::Timestamp) {
        for i in 0..gpus {
            if i % GPUS_PER_ALLOCATION_MAX == 0 {
                self.allocations[vc] += 1;
            }
            let gpu = self.free.pop_first().expect("there are as many GPUs as the trace's peak");
            self.open[vc].push(self.holds.len());
            self.holds.push(Hold {
                node: gpu / GPUS_PER_NODE,
                device: gpu % GPUS_PER_NODE,
                key: vc,
                alloc: format!("{}-{:06}", self.trace.vcs[vc], self.allocations[vc]),
                project: None,
                spot: false,
                share: Share::WHOLE,
                time: Stretch::new(at, self.trace.month.end),
                end_reason: EndReason::Completed,
                details: None,
            });
        }
    }

    fn close(&mut self, vc: usize, at: releve_types::Timestamp) {
        if let Some(hold) = self.open[vc].pop().map(|i| &mut self.holds[i]) {
            hold.time.end = at;
            self.free.insert(hold.node * GPUS_PER_NODE + hold.device);
        }
    }

    /// What is still open runs to the month's end.
    fn finish(mut self) -> Vec<Hold> {
        self.holds.sort_by_key(|h| (h.time.start, h.node, h.device));
        self.holds
    }
}
