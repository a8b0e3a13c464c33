//! What is odd about what a node said? Its counted reports, verified again and looked at together.

use std::panic::resume_unwind;

use releve_metering::{Flag, flags};
use releve_store::{StoreError, Tx, nodes, reports};
use releve_types::{NodeId, Period, time::MILLIS_PER_HOUR};

/// The longest stretch that is looked through at once, in hours: each of its reports is verified again.
pub const FLAGS_HOURS_MAX: i64 = 24;

/// The flags of a node's stretch of at most [`FLAGS_HOURS_MAX`]. The hour before it is read as well, so that a break
/// at its beginning is seen.
pub async fn of_node(tx: &mut Tx, node: NodeId, stretch: Period) -> Result<Vec<Flag>, StoreError> {
    let keys = nodes::keys(tx, node).await?;
    let from = stretch.start().plus_millis(-MILLIS_PER_HOUR);
    let bodies = reports::bodies_of_node(tx, node, from, stretch.end()).await?;
    let work = move || {
        let mut believed = Vec::with_capacity(bodies.len());
        for body in &bodies {
            let evidence = reports::unpack(body)?;
            // It was judged when it came; here any key that the node had under that name will do.
            let of_name = keys.iter().filter(|key| key.keyid == evidence.keyid);
            let report = of_name.filter_map(|key| evidence.clone().verify(&key.public_key).ok()).next();
            let broken = || StoreError::inconsistent("reports", "body", "verifies under none of its node's keys");
            believed.push(report.ok_or_else(broken)?);
        }
        let mut found = flags(&believed);
        found.retain(|flag| flag.to > stretch.start());
        Ok(found)
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|crash| resume_unwind(crash.into_panic()))
}
