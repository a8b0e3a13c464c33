//! Where is time of nodes in service missing from what was reported? What is of one cause is told once: a rack's nodes as the
//! rack, and more than half of the nodes in several places as the fleet.

use std::collections::{BTreeMap, BTreeSet};

use super::{Limits, limits::is_below};

/// What nodes of several places fold into.
pub const FLEET: &str = "fleet";

/// One node over the hours that are looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Covered {
    pub name: String,
    /// Its rack; of a node that stands in none, the node.
    pub place: String,
    /// In service.
    pub expected_ms: i64,
    /// Reported of it.
    pub covered_ms: i64,
}

/// Nodes of one place that lack time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lacking {
    pub names: Vec<String>,
    pub expected_ms: i64,
    pub covered_ms: i64,
}

/// By what they fold into.
pub fn coverage_low(limits: &Limits, nodes: &[Covered]) -> BTreeMap<String, Lacking> {
    let low = |node: &&Covered| {
        is_below(i128::from(node.covered_ms), limits.coverage_percent_min, i128::from(node.expected_ms))
    };
    let low: Vec<&Covered> = nodes.iter().filter(low).collect();
    let places: BTreeSet<&str> = low.iter().map(|node| node.place.as_str()).collect();
    let all = low.len() * 2 > nodes.len() && places.len() > 1;
    let mut folded: BTreeMap<String, Lacking> = BTreeMap::new();
    for node in low {
        let of = folded.entry(if all { FLEET.to_owned() } else { node.place.clone() }).or_default();
        of.names.push(node.name.clone());
        of.expected_ms = of.expected_ms.saturating_add(node.expected_ms);
        of.covered_ms = of.covered_ms.saturating_add(node.covered_ms);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(nodes: &[(&str, i64)]) -> Vec<String> {
        let node = |(n, (place, covered_ms)): (usize, &(&str, i64))| Covered {
            name: format!("n{n}"),
            place: (*place).to_owned(),
            expected_ms: 1_000,
            covered_ms: *covered_ms,
        };
        let nodes: Vec<Covered> = nodes.iter().enumerate().map(node).collect();
        let line = |(fold, of): (String, Lacking)| {
            format!("{fold}: {} of {} ms, {}", of.covered_ms, of.expected_ms, of.names.join(" "))
        };
        coverage_low(&Limits::default(), &nodes).into_iter().map(line).collect()
    }

    #[test]
    fn what_lacks_time_folds_by_place_and_into_one_where_it_is_everywhere() {
        let none: [&str; 0] = [];
        assert_eq!(told(&[]), none);
        assert_eq!(told(&[("r1", 950), ("r2", 1_000)]), none, "at the bar is not below it");
        assert_eq!(told(&[("r1", 949), ("r1", 0), ("r2", 1_000), ("r3", 1_000)]), ["r1: 949 of 2000 ms, n0 n1"]);
        assert_eq!(told(&[("r1", 0), ("r1", 0)]), ["r1: 0 of 2000 ms, n0 n1"], "all of them, in one rack");
        assert_eq!(told(&[("r1", 0), ("r2", 0), ("r3", 1_000)]), ["fleet: 0 of 2000 ms, n0 n1"]);
    }
}
