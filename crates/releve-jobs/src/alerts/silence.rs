//! Which nodes in service say nothing? One alert per rack and silence, and one for all where it can't be the nodes: a broker, an
//! aggregator or a network that is down.
//!
//! A node is heard by the time it reported, not by when that arrived: one that empties its spool is silent until it has caught up.

use std::collections::{BTreeMap, BTreeSet};

use metrics::gauge;
use releve_billing::watch::FLEET;
use releve_store::{
    Tx,
    alerts::{self, Alert, Heard},
    outbox::{self, NewEntry},
};
use releve_types::{NodeId, Timestamp, ids::AlertId};
use serde_json::{Value, json};

use super::{Condition, NODE_REPORTING, NODE_SILENT, Whose, begin, conditions::whole};
use crate::JobError;

/// Names that an alert tells.
pub(super) const NAMES_MAX: usize = 20;

pub(super) async fn look(tx: &mut Tx, silent_after_ms: i64, now: Timestamp) -> Result<(), JobError> {
    let heard = alerts::heard(tx, now).await?;
    let quiet = |node: &&Heard| now.since(node.until) >= silent_after_ms;
    let silent: Vec<NodeId> = heard.iter().filter(quiet).map(|node| node.node).collect();
    // By the node that was heard of last: one that is off says nothing of how far behind the house is.
    let behind_ms = heard.iter().map(|node| now.since(node.until)).min().unwrap_or(0);
    gauge!("releve_ingest_lag_seconds").set(whole(behind_ms / 1_000));
    gauge!("releve_nodes_silent").set(u32::try_from(silent.len()).unwrap_or(u32::MAX));
    let touched = alerts::speaking(tx, &silent).await?;
    let left: BTreeSet<AlertId> = heard.iter().filter(quiet).filter_map(|node| node.alert).collect();
    let mut going_on: BTreeMap<AlertId, Alert> = alerts::going_on(tx, Whose::House.columns(), NODE_SILENT)
        .await?
        .into_iter()
        .map(|alert| (alert.id, alert))
        .collect();
    for id in touched.into_iter().filter(|id| !left.contains(id)) {
        let Some(alert) = going_on.remove(&id) else { continue };
        let body = json!({ "alert": id.to_string(), "numbers": alert.numbers });
        outbox::put(tx, &[NewEntry { topic: NODE_REPORTING, account: None, tenant: None, body }], now).await?;
        alerts::update(tx, &Alert { resolved_at: Some(now), last_at: now, ..alert }).await?;
    }
    for (fold, nodes) in folded(&heard, silent_after_ms, now) {
        let known = going_on.values().find(|alert| alert.fold == fold).cloned();
        let ids: Vec<(NodeId, Timestamp)> = nodes.iter().map(|node| (node.node, node.until)).collect();
        let alert = match known {
            Some(alert) => {
                let count = alert.count + i64::try_from(nodes.len()).unwrap_or(i64::MAX);
                let mut numbers = alert.numbers.clone();
                numbers["nodes"] = count.into();
                let new = Alert { subject: subject(&fold, count), count, numbers, last_at: now, ..alert };
                alerts::update(tx, &new).await?;
                new.id
            }
            None => tell(tx, fold, &nodes, now).await?,
        };
        alerts::silent(tx, &ids, alert).await?;
    }
    Ok(())
}

/// What fell silent and is not told of yet, by what it folds into. All of it is one where more than half of the nodes, in
/// several places, have said nothing for half as long: they need not cross the line in one second.
fn folded(heard: &[Heard], silent_after_ms: i64, now: Timestamp) -> BTreeMap<String, Vec<&Heard>> {
    let for_ms = |node: &&Heard| now.since(node.until);
    let late: Vec<&Heard> = heard.iter().filter(|node| for_ms(node) >= silent_after_ms / 2).collect();
    let places: BTreeSet<String> = late.iter().map(|node| place(node)).collect();
    let all = late.len() * 2 > heard.len() && places.len() > 1;
    let mut folded: BTreeMap<String, Vec<&Heard>> = BTreeMap::new();
    for node in heard.iter().filter(|node| node.alert.is_none() && for_ms(node) >= silent_after_ms) {
        folded.entry(if all { FLEET.to_owned() } else { place(node) }).or_default().push(node);
    }
    folded
}

/// Its rack; of a node that stands in none, the node.
pub(super) fn place(node: &Heard) -> String {
    if node.rack.is_empty() { format!("node {}", node.name) } else { format!("rack {}/{}", node.site, node.rack) }
}

fn subject(fold: &str, count: i64) -> String {
    match (fold, count) {
        (FLEET, _) => format!("{count} nodes say nothing, in several racks"),
        (_, 1) => format!("a node says nothing: {fold}"),
        _ => format!("{count} nodes say nothing: {fold}"),
    }
}

async fn tell(tx: &mut Tx, fold: String, nodes: &[&Heard], now: Timestamp) -> Result<AlertId, JobError> {
    let count = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).take(NAMES_MAX).collect();
    let since = nodes.iter().map(|node| node.until).min().unwrap_or(now);
    let numbers: Value = json!({ "nodes": count, "where": fold, "names": names, "since": since.to_string() });
    let condition = Condition { subject: subject(&fold, count), count, numbers };
    let id = begin(tx, Whose::House, NODE_SILENT, fold, condition, now).await?;
    tracing::warn!(count, alert = %id, "nodes in service say nothing");
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: i64 = 600_000;

    fn told(nodes: &[(&str, i64)]) -> Vec<String> {
        let now = Timestamp::from_millis(10 * LIMIT);
        let heard: Vec<Heard> = nodes
            .iter()
            .enumerate()
            .map(|(n, (rack, quiet_ms))| Heard {
                node: NodeId::fresh(now),
                name: format!("n{n}"),
                site: "par1".to_owned(),
                rack: (*rack).to_owned(),
                until: now.plus_millis(-quiet_ms),
                alert: None,
            })
            .collect();
        folded(&heard, LIMIT, now).into_iter().map(|(fold, nodes)| format!("{fold}: {}", nodes.len())).collect()
    }

    #[test]
    fn silence_folds_by_rack_and_into_one_where_it_is_everywhere() {
        let none: [&str; 0] = [];
        assert_eq!(told(&[("r1", LIMIT - 1), ("r1", 0), ("r2", 0)]), none);
        assert_eq!(told(&[("r1", LIMIT), ("r1", LIMIT), ("r2", 0), ("r3", 0), ("", 0)]), ["rack par1/r1: 2"]);
        assert_eq!(told(&[("", LIMIT), ("r1", 0), ("r2", 0)]), ["node n0"].map(|fold| format!("{fold}: 1")));
        assert_eq!(told(&[("r1", LIMIT), ("r1", LIMIT)]), ["rack par1/r1: 2"], "all of them, in one rack");
        // The first to cross the line speaks for all that are on their way to it.
        assert_eq!(told(&[("r1", LIMIT), ("r2", LIMIT - 60_000), ("r3", LIMIT - 30_000)]), ["fleet: 1"]);
        assert_eq!(told(&[("r1", LIMIT), ("r2", LIMIT), ("r3", LIMIT)]), ["fleet: 3"]);
    }
}
