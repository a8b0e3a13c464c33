//! How is an export made? File by file, resumable, each version beside the one before.

use std::fmt;

use releve_outbound::{Storage, StorageError};
use releve_store::{
    Db,
    finance::exports::{self, Export},
};
use releve_types::{Timestamp, ids::ExportId, time::wall_clock};
use sha2::{Digest, Sha256};

use super::{
    Dataset, ExportOrder,
    files::{Made, Maker},
    manifest::{Begun, FileEntry, Manifest, Replaced},
};
use crate::JobError;

/// A manifest is read whole, and has at most so many bytes.
const MANIFEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest file that is given over HTTP, in bytes; a larger one is fetched where it lies.
pub const EXPORT_FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Where a file of an export that was asked for lies.
pub fn path(export: &Export, manifest: &Manifest, file: &FileEntry) -> Option<String> {
    let order = ExportOrder {
        dataset: export.dataset.parse().ok()?,
        format: export.format.parse().ok()?,
        issuer: export.issuer,
        account: export.account,
        month: manifest.period.parse().ok()?,
    };
    Some(format!("{}/{}", base(&prefix(export), &order), file.path))
}

/// Where a seller's exports lie, of those that were asked for.
pub(super) fn prefix(export: &Export) -> String {
    format!("{}/", export.issuer)
}

/// How far an export has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    pub files_done: usize,
    pub files_total: usize,
}

/// Who hears how far an export has come.
#[derive(Clone, Copy)]
pub enum Listener<'a> {
    /// Whoever looks at what was asked for.
    Asked(ExportId),
    Here(&'a (dyn Fn(Progress) + Sync)),
}

impl fmt::Debug for Listener<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(id) => f.debug_tuple("Asked").field(id).finish(),
            Self::Here(_) => f.write_str("Here"),
        }
    }
}

impl Listener<'_> {
    async fn tell(self, db: &Db, progress: Progress) -> Result<(), JobError> {
        match self {
            Self::Here(hear) => hear(progress),
            Self::Asked(id) => {
                let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
                let mut tx = db.begin_app().await?;
                let done = (count(progress.files_done), count(progress.files_total));
                exports::progress(&mut tx, id, done, wall_clock()).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

/// Makes a dataset under a path of the storage, or goes on making it. Where nothing changed since the last version, that one is the answer.
pub async fn export(
    db: &Db,
    storage: &Storage,
    prefix: &str,
    order: &ExportOrder,
    now: Timestamp,
    listener: Listener<'_>,
) -> Result<Manifest, JobError> {
    let place = Place { storage, base: base(prefix, order) };
    let last = place.last().await?;
    let next = last.as_ref().map_or(1, |(manifest, _)| manifest.version + 1);
    let issuer = order.issuer.to_string();
    if let Some((manifest, _)) = last.as_ref().filter(|(manifest, _)| manifest.issuer != issuer) {
        return Err(JobError::OtherSeller { place: place.base, issuer: manifest.issuer.clone() });
    }
    let fresh = Begun { issuer, as_of_ms: now.as_millis(), version: next, files: Vec::new(), ended: false };
    let begun = place.begun().await?;
    let mut begun = begun.filter(|begun| begun.goes_on(&fresh) && !order.dataset.is_made_at_once()).unwrap_or(fresh);
    let mut maker = Maker::new(db, order, Timestamp::from_millis(begun.as_of_ms)).await?;
    let names = maker.names().to_vec();
    for (at, name) in names.iter().enumerate() {
        listener.tell(db, Progress { files_done: at, files_total: names.len() }).await?;
        if begun.files.get(at).is_some_and(|file| file.name == *name) {
            continue;
        }
        begun.files.truncate(at);
        let made = match maker.make(at).await {
            Ok(made) => made,
            Err(error) => {
                // What can't be made is no reason to go on with what is old by then.
                if !matches!(error, JobError::Store(_) | JobError::Storage(_)) {
                    place.note(&Begun { ended: true, files: Vec::new(), ..begun }).await?;
                }
                return Err(error);
            }
        };
        let known = last.as_ref().and_then(|(manifest, _)| manifest.files.iter().find(|file| file.name == *name));
        begun.files.push(place.keep(name, made, next, known).await?);
        place.note(&begun).await?;
    }
    let manifest = match last {
        Some((manifest, _)) if manifest.files == begun.files => manifest,
        last => {
            let replaces = last.map(|(manifest, sha256)| Replaced { version: manifest.version, sha256 });
            let manifest = written(order, &maker, &begun, replaces);
            place.put("manifest.json", json(&manifest)).await?;
            manifest
        }
    };
    place.note(&Begun { ended: true, files: Vec::new(), ..begun }).await?;
    listener.tell(db, Progress { files_done: names.len(), files_total: names.len() }).await?;
    Ok(manifest)
}

/// Where a dataset of a month lies.
fn base(prefix: &str, order: &ExportOrder) -> String {
    let ExportOrder { dataset, format, account, month, .. } = order;
    let whose = account.map(|account| format!("/{account}")).unwrap_or_default();
    format!("{prefix}{month}/{dataset}{whose}/{format}")
}

fn written(order: &ExportOrder, maker: &Maker<'_>, begun: &Begun, replaces: Option<Replaced>) -> Manifest {
    let focus_version = (order.dataset == Dataset::Focus).then(|| releve_finance::focus::FOCUS_VERSION.to_owned());
    Manifest {
        dataset: order.dataset.name().to_owned(),
        format: order.format.name().to_owned(),
        issuer: order.issuer.to_string(),
        account: order.account.map(|account| account.to_string()),
        period: order.month.to_string(),
        period_start: maker.period().start().to_string(),
        period_end: maker.period().end().to_string(),
        as_of: maker.as_of().to_string(),
        version: begun.version,
        replaces,
        focus_version,
        generator: concat!("releve ", env!("CARGO_PKG_VERSION")).to_owned(),
        files: begun.files.clone(),
    }
}

fn json(of: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(of).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Where the files lie.
struct Place<'a> {
    storage: &'a Storage,
    base: String,
}

impl Place<'_> {
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.storage.put(&self.path(name), bytes).await
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.storage.get(&self.path(name), MANIFEST_BYTES_MAX).await
    }

    fn broken(&self, name: &str, error: impl ToString) -> JobError {
        JobError::Archive { location: self.path(name), detail: error.to_string() }
    }

    /// The last manifest, with its digest.
    async fn last(&self) -> Result<Option<(Manifest, String)>, JobError> {
        let Some(bytes) = self.get("manifest.json").await? else { return Ok(None) };
        let manifest = serde_json::from_slice(&bytes).map_err(|e| self.broken("manifest.json", e))?;
        Ok(Some((manifest, hex::encode(Sha256::digest(&bytes)))))
    }

    async fn begun(&self) -> Result<Option<Begun>, JobError> {
        let Some(bytes) = self.get("progress.json").await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| self.broken("progress.json", e))
    }

    async fn note(&self, begun: &Begun) -> Result<(), StorageError> {
        self.put("progress.json", json(begun)).await
    }

    /// Keeps a file, unless an earlier version has the same bytes.
    async fn keep(
        &self,
        name: &str,
        made: Made,
        version: u32,
        known: Option<&FileEntry>,
    ) -> Result<FileEntry, StorageError> {
        let Made { bytes, rows, left_out } = made;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        if let Some(known) = known.filter(|known| known.sha256 == sha256 && known.left_out == left_out) {
            return Ok(known.clone());
        }
        let (path, len) = (format!("v{version}/{name}"), u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.put(&path, bytes).await?;
        Ok(FileEntry { name: name.to_owned(), path, rows, bytes: len, sha256, left_out })
    }
}
