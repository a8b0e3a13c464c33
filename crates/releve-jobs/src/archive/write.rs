//! How does a day get into object storage? Page by page, one block each; no connection is held while bytes travel.

use releve_outbound::{ObjectWriter, Storage, StorageError};
use releve_store::{
    Db,
    archives::{self, Archive},
    reports::ReportKey,
};
use releve_types::{Timestamp, ids::fresh_uuid, time::MILLIS_PER_DAY};
use sha2::{Digest, Sha256};

use super::format;
use crate::JobError;

/// Reports read and packed at once.
const PAGE_REPORTS_MAX: i64 = 1_000;

/// Writes a day's reports as a new object. Its name is its own, so that nothing that was recorded is ever
/// written over.
pub async fn day(db: &Db, storage: &Storage, day: i64, now: Timestamp) -> Result<Archive, JobError> {
    let date = Timestamp::from_millis(day * MILLIS_PER_DAY).to_string();
    let date = date.split('T').next().unwrap_or_default();
    let location = format!("reports/{date}/{}.rlv", fresh_uuid(now).simple());
    let mut sink = Sink { writer: storage.writer(&location).await?, hasher: Sha256::new() };
    let reports = match fill(db, &mut sink, day).await {
        Ok(reports) => reports,
        Err(error) => {
            // A bucket keeps the parts of what nobody ends, and asks to be paid for them.
            if let Err(error) = sink.writer.abort().await {
                tracing::warn!(%error, location, "parts of an archive that was not finished may be left");
            }
            return Err(error);
        }
    };
    let sha256 = sink.hasher.finalize().into();
    let bytes = sink.writer.finish().await?;
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Archive { day, location, sha256, reports: count(reports), bytes: count(bytes), detached: false })
}

/// All of a day's reports; how many.
async fn fill(db: &Db, sink: &mut Sink, day: i64) -> Result<u64, JobError> {
    sink.write(format::MAGIC).await?;
    let (mut after, mut reports) = (None::<ReportKey>, 0_u64);
    loop {
        let mut tx = db.begin_app().await?;
        let page = archives::page(&mut tx, day, after, PAGE_REPORTS_MAX).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key);
        reports += u64::try_from(page.len()).unwrap_or(0);
        sink.write(&format::block(&page)).await?;
    }
    sink.write(&format::end(reports)).await?;
    Ok(reports)
}

struct Sink {
    writer: ObjectWriter,
    hasher: Sha256,
}

impl Sink {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.hasher.update(bytes);
        self.writer.write(bytes).await
    }
}
