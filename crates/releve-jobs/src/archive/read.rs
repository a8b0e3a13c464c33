//! What does an archive hold? Its reports, block by block; at its end the digest and the count must be right.

use releve_outbound::{ObjectReader, Storage};
use releve_store::archives::{Archive, StoredReport};
use sha2::{Digest, Sha256};

use super::format;
use crate::JobError;

/// Opens a day's archive.
pub async fn read_archive(storage: &Storage, archive: &Archive) -> Result<ArchiveReader, JobError> {
    let broken = |detail: &str| JobError::Archive { location: archive.location.clone(), detail: detail.to_owned() };
    let object = storage.reader(&archive.location).await?.ok_or_else(|| broken("it is not there"))?;
    let mut reader = ArchiveReader { archive: archive.clone(), object, hasher: Sha256::new(), read: 0, done: false };
    let magic = reader.take(format::MAGIC.len()).await?;
    if magic != format::MAGIC {
        return Err(broken("it does not begin as an archive of reports"));
    }
    Ok(reader)
}

/// Reads it to its end, and compares.
pub async fn verify(storage: &Storage, archive: &Archive) -> Result<(), JobError> {
    let mut reader = read_archive(storage, archive).await?;
    while reader.next_block().await?.is_some() {}
    Ok(())
}

pub struct ArchiveReader {
    archive: Archive,
    object: ObjectReader,
    hasher: Sha256,
    read: u64,
    done: bool,
}

impl ArchiveReader {
    /// The next reports, in the order of their keys; `None` once all were read and the object is what was recorded.
    /// What was read before an error may be anything.
    pub async fn next_block(&mut self) -> Result<Option<Vec<StoredReport>>, JobError> {
        if self.done {
            return Ok(None);
        }
        let head = self.take(format::BLOCK_HEAD_BYTES).await?;
        let (packed, plain) = format::block_head(&head).ok_or_else(|| self.broken("a block's length is beyond all"))?;
        if packed == 0 {
            self.check_end().await?;
            return Ok(None);
        }
        let bytes = self.take(packed).await?;
        let reports = format::reports(self.archive.day, &bytes, plain).map_err(|detail| self.broken(&detail))?;
        self.read += u64::try_from(reports.len()).unwrap_or(0);
        Ok(Some(reports))
    }

    async fn check_end(&mut self) -> Result<(), JobError> {
        let count = self.take(8).await?;
        let said = count.try_into().map(u64::from_le_bytes).ok();
        if said != Some(self.read) || i64::try_from(self.read) != Ok(self.archive.reports) {
            return Err(self.broken(&format!("it holds {} reports, {} were recorded", self.read, self.archive.reports)));
        }
        if self.object.take(1).await?.is_some() {
            return Err(self.broken("it goes on after its end"));
        }
        let sha256: [u8; 32] = self.hasher.clone().finalize().into();
        if sha256 != self.archive.sha256 {
            return Err(self.broken("its SHA-256 is not the one that was recorded"));
        }
        self.done = true;
        Ok(())
    }

    async fn take(&mut self, len: usize) -> Result<Vec<u8>, JobError> {
        let bytes = self.object.take(len).await?.ok_or_else(|| self.broken("it ends too early"))?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    fn broken(&self, detail: &str) -> JobError {
        JobError::Archive { location: self.archive.location.clone(), detail: detail.to_owned() }
    }
}
