//! Which reports leave the database, and where do they go? Days older than a limit, written to object storage,
//! read back and compared, and only then detached.

mod format;
mod heads;
mod keep;
mod read;
mod write;

pub use heads::{Archived, heads_by_account};
pub use read::{ArchiveReader, read_archive};

use releve_outbound::Storage;
use releve_store::{Db, archives, archives::Archive, floor, partitions};
use releve_types::Timestamp;

use crate::JobError;

/// How often a day is written again because reports came while it was being read.
const TRIES_MAX: usize = 3;

/// What one call archived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    pub days: usize,
    pub reports: i64,
    pub bytes: i64,
}

/// Archives every day older than `keep_days`, oldest first, up to the first that somebody's invoice still needs (see
/// `keep`). Killed in between and called again, it goes on; an
/// object that nobody recorded stays behind and is never read.
pub async fn run(db: &Db, storage: &Storage, keep_days: i64, now: Timestamp) -> Result<Summary, JobError> {
    let mut tx = db.begin_app().await?;
    let mut days = partitions::report_days(&mut tx).await?;
    days.retain(|day| *day < now.day() - keep_days);
    let Some(&oldest) = days.first() else { return Ok(Summary::default()) };
    let kept_from = keep::kept_from(&mut tx, oldest, now).await?;
    tx.commit().await?;
    let waiting = days.iter().filter(|day| kept_from.is_some_and(|kept| **day >= kept)).count();
    metrics::gauge!("releve_archive_days_waiting").set(u32::try_from(waiting).unwrap_or(u32::MAX));
    if waiting > 0 {
        tracing::info!(waiting, "days of reports stay in the database until what they hold back is settled");
    }
    let mut summary = Summary::default();
    for day in days.into_iter().filter(|day| kept_from.is_none_or(|kept| *day < kept)) {
        let Some(archive) = day_out(db, storage, day, now).await? else { continue };
        summary.days += 1;
        summary.reports += archive.reports;
        summary.bytes += archive.bytes;
    }
    Ok(summary)
}

/// Takes one day out. None if reports kept coming, or another program took it out first.
async fn day_out(db: &Db, storage: &Storage, day: i64, now: Timestamp) -> Result<Option<Archive>, JobError> {
    // From here on the day gets no new reports: every batch judged under the old floor has committed.
    let mut tx = db.begin_app().await?;
    floor::raise(&mut tx, day + 1).await?;
    tx.commit().await?;
    for _ in 0..TRIES_MAX {
        let archive = write::day(db, storage, day, now).await?;
        read::verify(storage, &archive).await?;
        // Alone again, so that a late report that is only kept can't slip in between the count and the detaching.
        let mut tx = db.begin_app().await?;
        floor::raise(&mut tx, day + 1).await?;
        if !partitions::report_days(&mut tx).await?.contains(&day) {
            return Ok(None);
        }
        if archives::count(&mut tx, day).await? != archive.reports {
            continue;
        }
        archives::record(&mut tx, &archive, now).await?;
        partitions::drop_reports_of(&mut tx, day).await?;
        tx.commit().await?;
        return Ok(Some(archive));
    }
    tracing::warn!(day, "reports of this day kept coming; it is archived in a later round");
    Ok(None)
}
