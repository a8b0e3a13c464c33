//! Which reports of a batch may be counted by one statement? Those of which no two overlap.
//!
//! The statement that counts a node's time takes one merged row per node and day. PostgreSQL refuses two rows
//! of one key in an upsert, and a union would swallow an overlap silently: so overlaps are set aside here, and
//! tried one by one after the rest.

use std::collections::BTreeMap;

use releve_types::{NodeId, Ranges};

use crate::screen::Screened;

/// A node's UTC day, counted from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeDay {
    pub node: NodeId,
    pub day: i64,
}

/// Indices into the screened batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// One merged row per node and day, in ascending order, with the reports it is made of.
    pub merged: BTreeMap<NodeDay, Merged>,
    /// Reports that share a key or overlap an earlier one of the batch, in order.
    pub aside: Vec<usize>,
    /// Reports that covered nothing: their key alone decides.
    pub bare: Vec<usize>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Merged {
    pub covered: Ranges,
    pub reports: Vec<usize>,
}

/// Plans a batch. The outcome depends on the reports alone, not on the order they came in.
pub fn arrange(batch: &[&Screened]) -> Plan {
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_by_key(|i| (batch[*i].sort_key(), batch[*i].report.head_sha256));
    let mut plan = Plan::default();
    let mut last_key = None;
    for i in order {
        let screened = batch[i];
        let covered = screened.covered_of_day();
        let same_key = last_key == Some(screened.sort_key());
        last_key = Some(screened.sort_key());
        if same_key {
            plan.aside.push(i);
            continue;
        }
        if covered.is_empty() {
            plan.bare.push(i);
            continue;
        }
        let merged = plan.merged.entry(NodeDay { node: screened.node(), day: screened.day() }).or_default();
        if merged.covered.overlaps(&covered) {
            plan.aside.push(i);
        } else {
            merged.covered = merged.covered.union(&covered);
            merged.reports.push(i);
        }
    }
    plan
}

/// Which of these reports of one node-day still fit beside what is covered, and what they cover together.
/// The row of the node-day is locked by then, so what fits now will fit when it is written.
pub fn fit(covered: &Ranges, candidates: &[usize], batch: &[&Screened]) -> Fit {
    let mut fit = Fit::default();
    for &i in candidates {
        let ranges = batch[i].covered_of_day();
        if covered.overlaps(&ranges) || fit.covered.overlaps(&ranges) {
            fit.refused.push(i);
        } else {
            fit.covered = fit.covered.union(&ranges);
            fit.accepted.push(i);
        }
    }
    fit
}

/// The outcome of [`fit`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fit {
    pub covered: Ranges,
    pub accepted: Vec<usize>,
    pub refused: Vec<usize>,
}
