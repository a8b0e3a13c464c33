//! What is odd about what a node said? Its counted reports, verified again and looked at together.

use std::panic::resume_unwind;

use releve_metering::{Flag, FlagKind, flags};
use releve_store::{Db, StoreError, nodes, reports};
use releve_types::{NodeId, Period};

/// The longest stretch that is looked through at once, in hours: each of its reports is verified again.
pub const FLAGS_HOURS_MAX: i64 = 24;

/// The flags of a node's stretch of at most [`FLAGS_HOURS_MAX`]. A break is told where the report after it begins, up
/// to a day after the report before it. No connection is held while signatures are checked.
pub async fn of_node(db: &Db, node: NodeId, stretch: Period) -> Result<Vec<Flag>, StoreError> {
    let mut tx = db.begin_app().await?;
    let keys = nodes::keys(&mut tx, node).await?;
    let bodies = reports::bodies_of_node(&mut tx, node, stretch.start(), stretch.end()).await?;
    tx.commit().await?;
    let work = move || {
        let mut believed = Vec::with_capacity(bodies.len());
        for body in &bodies {
            believed.push(reports::believed(body, &keys)?);
        }
        let mut found = flags(&believed);
        // What the window before shows by itself is not asked for; what is missing after it is.
        found.retain(|f| f.to > stretch.start() || f.kind == FlagKind::SequenceGap && f.to == stretch.start());
        Ok(found)
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|crash| resume_unwind(crash.into_panic()))
}
