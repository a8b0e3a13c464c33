//! What was true, when? The dated facts that reports are judged by, at one version.

use std::collections::BTreeMap;

use releve_types::{AccountId, NodeId, TenantId, TenantKey, Timestamp, Zone};

/// A dated step function: each entry holds from its instant on, until the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Steps<T>(Vec<(Timestamp, T)>);

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Steps<T> {
    /// From rows in any order; of two with one instant the one with the later version holds.
    pub fn from_rows(mut rows: Vec<(Timestamp, i64, T)>) -> Self {
        rows.sort_by_key(|(from, version, _)| (*from, *version));
        let mut steps: Vec<(Timestamp, T)> = Vec::with_capacity(rows.len());
        for (from, _, value) in rows {
            match steps.last_mut() {
                Some(last) if last.0 == from => last.1 = value,
                _ => steps.push((from, value)),
            }
        }
        Self(steps)
    }

    pub fn at(&self, instant: Timestamp) -> Option<&T> {
        let after = self.0.partition_point(|(from, _)| *from <= instant);
        after.checked_sub(1).and_then(|i| self.0.get(i)).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Timestamp, T)> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeState {
    /// Expected to report.
    InService,
    /// May report; its silence is no gap.
    Maintenance,
    /// Does not exist any more.
    Retired,
}

impl NodeState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InService => "in_service",
            Self::Maintenance => "maintenance",
            Self::Retired => "retired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::InService, Self::Maintenance, Self::Retired].into_iter().find(|s| s.as_str() == text)
    }
}

/// Where a node stands and whether it serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub state: NodeState,
    pub region: String,
    pub site: String,
    pub rack: String,
}

/// A node's public key, and whether it may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyState {
    pub public_key: [u8; 32],
    pub valid: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeRecord {
    pub places: Steps<Place>,
    pub keys: BTreeMap<String, Steps<KeyState>>,
}

/// Whom a key stands for: a tenant, or nobody yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    pub tenant: Option<TenantId>,
}

/// A tenant's account, and the zone that its months begin in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Home {
    pub account: AccountId,
    pub zone: Zone,
}

/// Everything a report is judged by. Made by the store, shared by every batch until its version moves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Catalog {
    pub version: i64,
    pub nodes: BTreeMap<NodeId, NodeRecord>,
    pub rules: BTreeMap<TenantKey, Steps<Rule>>,
    pub homes: BTreeMap<TenantId, Home>,
    /// Tenants by the name that readings may use.
    pub names: BTreeMap<String, TenantId>,
}

impl Catalog {
    /// The public key under which this node's reports verify at an instant.
    pub fn key(&self, node: NodeId, keyid: &str, at: Timestamp) -> Option<[u8; 32]> {
        let state = self.nodes.get(&node)?.keys.get(keyid)?.at(at)?;
        state.valid.then_some(state.public_key)
    }

    /// The tenant of a key at an instant; none means suspense.
    pub fn tenant(&self, key: &TenantKey, at: Timestamp) -> Option<TenantId> {
        self.rules.get(key)?.at(at)?.tenant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_step_holds_and_the_latest_version_wins() {
        let at = Timestamp::from_millis;
        let steps = Steps::from_rows(vec![(at(20), 1, "b"), (at(10), 1, "a"), (at(20), 3, "c"), (at(20), 2, "x")]);
        let seen: Vec<Option<&str>> = [9, 10, 19, 20, 99].map(|t| steps.at(at(t)).copied()).to_vec();
        assert_eq!(seen, [None, Some("a"), Some("a"), Some("c"), Some("c")]);
    }
}
