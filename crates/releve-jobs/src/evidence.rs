//! From which signed reports did a tenant's hour come? Each report's head and signature, and of its sections the tenant's own.

use std::collections::BTreeSet;

use releve_store::{Tx, billing_reports, reports, rules};
use releve_types::{NodeId, Period, TenantId, Timestamp};
use releve_verify::{Disclosed, Fleet};

use crate::{JobError, pack};

/// A report as a tenant may see it. What is in it verifies with the node's key alone.
#[derive(Clone, Debug)]
pub struct Shown {
    pub node: NodeId,
    pub window_start: Timestamp,
    pub part: Disclosed,
}

/// The counted reports of a stretch that hold something of a tenant, by window and node, after one of them, and what is known of
/// their nodes. Of days that are in the database.
pub async fn of_tenant(
    tx: &mut Tx,
    tenant: TenantId,
    stretch: Period,
    (after, len_max): (Option<(Timestamp, NodeId)>, i64),
    now: Timestamp,
) -> Result<(Vec<Shown>, Fleet), JobError> {
    let found = billing_reports::of_tenant(tx, tenant, stretch, after, len_max).await?;
    let rules = rules::of_tenants(tx, &[tenant], now).await?;
    let nodes: BTreeSet<NodeId> = found.iter().map(|report| report.node).collect();
    let fleet = pack::fleet(tx, nodes, rules, &[tenant]).await?;
    let mut shown = Vec::with_capacity(found.len());
    for report in found {
        let part = pack::part(&reports::unpack(&report.body)?, &fleet);
        shown.push(Shown { node: report.node, window_start: report.window_start, part });
    }
    Ok((shown, fleet))
}
