//! Where is time missing? Over the last full hours, once their last reports may have come. A node that is silent is told of as such
//! and not here: what is missing of it is known once it reports again.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::watch::{Covered, FLEET, Lacking, Limits, coverage_low};
use releve_store::{Tx, alerts, coverage_views};
use releve_types::{Hour, NodeId, Period, Timestamp, time::MILLIS_PER_HOUR};
use serde_json::json;

use super::{
    COVERAGE_LOW, Condition, Whose, hold,
    silence::{NAMES_MAX, place},
};
use crate::JobError;

pub(super) async fn look(tx: &mut Tx, limits: &Limits, now: Timestamp) -> Result<(), JobError> {
    let end = now.plus_millis(-limits.silent_after_ms).hour();
    let start = Hour::from_index(end.index() - i64::from(limits.coverage_hours));
    let Ok(period) = Period::of_hours(start, end) else { return Ok(()) };
    let heard = alerts::heard(tx, now).await?;
    let silent = |node: &&alerts::Heard| node.alert.is_some() || now.since(node.until) >= limits.silent_after_ms;
    let silences: BTreeSet<NodeId> = heard.iter().filter(silent).map(|node| node.node).collect();
    let places: BTreeMap<NodeId, String> = heard.iter().map(|node| (node.node, place(node))).collect();
    let mut nodes = Vec::new();
    for node in coverage_views::nodes(tx, period, "", i64::MAX).await? {
        if silences.contains(&node.node) {
            continue;
        }
        let place = places.get(&node.node).cloned().unwrap_or_else(|| format!("node {}", node.name));
        let (expected_ms, covered_ms) = (node.expected_ms, node.covered_ms);
        nodes.push(Covered { name: node.name, place, expected_ms, covered_ms });
    }
    let low = coverage_low(limits, &nodes).into_iter();
    let holds = low.map(|(fold, lacking)| (fold.clone(), condition(limits, &fold, &lacking, period))).collect();
    hold(tx, Whose::House, COVERAGE_LOW, holds, now).await
}

fn condition(limits: &Limits, fold: &str, lacking: &Lacking, period: Period) -> Condition {
    let count = i64::try_from(lacking.names.len()).unwrap_or(i64::MAX);
    let names: Vec<&str> = lacking.names.iter().map(String::as_str).take(NAMES_MAX).collect();
    let percent = i128::from(lacking.covered_ms) * 100 / i128::from(lacking.expected_ms.max(1));
    let missing_hours = lacking.expected_ms.saturating_sub(lacking.covered_ms) / MILLIS_PER_HOUR;
    let place = if fold == FLEET { "several racks" } else { fold };
    Condition {
        subject: format!("{percent} % of the time of {count} nodes was reported: {place}"),
        count,
        numbers: json!({
            "nodes": count,
            "where": fold,
            "names": names,
            "covered_percent": i64::try_from(percent).unwrap_or(0),
            "percent_min": limits.coverage_percent_min,
            "missing_node_hours": missing_hours,
            "missing_ms": lacking.expected_ms.saturating_sub(lacking.covered_ms),
            "from": period.start().to_string(),
            "to": period.end().to_string(),
        }),
    }
}
