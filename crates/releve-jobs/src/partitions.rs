//! Is there a place for what arrives next? Partitions are made days ahead, and back to where reports are counted.

use releve_store::{Db, floor, runs};
use releve_types::Timestamp;

use crate::{Job, JobError};

/// How far ahead partitions are made.
pub const PARTITION_DAYS_AHEAD: i64 = 7;

/// Makes what is missing from the floor, or `days_back` before today where the floor lies deeper, to some days
/// ahead; how many were made. None if another program is at it.
pub async fn run(db: &Db, days_back: i64, now: Timestamp) -> Result<Option<i32>, JobError> {
    let mut tx = db.begin_app().await?;
    if !runs::try_job_lock(&mut tx, Job::Partitions.lock()).await? {
        return Ok(None);
    }
    let first = floor::read_shared(&mut tx).await?.max(now.day() - days_back);
    let made = floor::make_partitions(&mut tx, first, now.day() + PARTITION_DAYS_AHEAD).await?;
    tx.commit().await?;
    Ok(Some(made))
}
