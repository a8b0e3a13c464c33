//! How is a plan played? Its reports are made on a thread of their own, a few batches ahead, and sent in order.

use std::sync::Arc;

use releve_sim::{Plan, Reports, SimReport, Stretch};
use tokio::sync::mpsc;

use crate::{
    ground::Ground,
    progress::Progress,
    road::{Road, Tally},
};

/// Reports that are sent together.
const BATCH_LEN: usize = 1_000;
/// Batches that are made ahead: what bounds the memory of a month.
const BATCHES_AHEAD_LEN: usize = 2;
/// The embedded database is tidied after so many reports.
const HOUSEKEEPING_EVERY_LEN: usize = 50_000;

/// Plays the part of a plan that lies within a stretch, cut at windows.
pub async fn play(
    ground: &Ground,
    mut road: Road,
    plan: Arc<Plan>,
    window_ms: i64,
    within: Stretch,
) -> anyhow::Result<Tally> {
    let mut progress = Progress::new("reports", Reports::new(&plan, window_ms, within).windows());
    let (sender, mut batches) = mpsc::channel::<Vec<SimReport>>(BATCHES_AHEAD_LEN);
    let maker = tokio::task::spawn_blocking(move || {
        let mut reports = Reports::new(&plan, window_ms, within);
        loop {
            let batch: Vec<SimReport> = reports.by_ref().take(BATCH_LEN).collect();
            // A closed channel means that sending failed; its error is the one to show.
            if batch.is_empty() || sender.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    let mut untidy = 0;
    while let Some(batch) = batches.recv().await {
        let len = batch.len();
        road.send(batch).await?;
        progress.add(len);
        untidy += len;
        if untidy >= HOUSEKEEPING_EVERY_LEN {
            ground.keep_house().await?;
            untidy = 0;
        }
    }
    maker.await?;
    let tally = road.end().await?;
    ground.keep_house().await?;
    progress.finish();
    Ok(tally)
}
