//! How does a document leave? Its files are put where a platform or the customer takes them from, the manifest last.
//!
//! ```text
//! <issuer's id>/<number>/<number>.json   and .html, .pdf, .ubl.xml, .cii.xml
//! <issuer's id>/<number>/manifest.json   what the others are, with their SHA-256: once it is there, they are
//! ```
//!
//! The files of a document never change, so putting them twice leaves the same bytes in the same place: what is cut short is
//! begun anew.

use releve_outbound::{Storage, StorageError};
use releve_store::{
    Db, hand_overs,
    invoices::{self, InvoiceHead},
};
use releve_types::{AccountId, InvoiceId, Timestamp, time::MILLIS_PER_MINUTE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    JobError,
    documents::{self, MEDIA_TYPES, OfInvoice},
};

/// The form of the manifest.
pub const MANIFEST_VERSION: u32 = 1;
/// Documents looked for at once.
const DUE_INVOICES_MAX: i64 = 200;
/// Failures one after another after which a round gives up: the destination is away.
const FAILURES_MAX: usize = 3;
/// How long after its first failure a document is tried again, in minutes; each time twice as long.
const RETRY_MINUTES: i64 = 1;
/// The longest wait between two tries, in minutes.
const RETRY_MINUTES_MAX: i64 = 6 * 60;
/// The longest detail of a failure that is kept, in characters.
const DETAIL_CHARS_MAX: usize = 1_000;

/// Where documents are put.
#[derive(Clone, Debug)]
pub struct Destination {
    pub storage: Storage,
    /// As a person knows it; no secret is in it.
    pub name: String,
    /// Only what was issued from then on: what came before went another way.
    pub since: Timestamp,
}

/// Hands over what is due; how many documents. No connection is held while bytes travel.
pub async fn run(db: &Db, to: &Destination, now: Timestamp) -> Result<usize, JobError> {
    let mut handed_over = 0;
    let mut failures = 0;
    loop {
        let mut tx = db.begin_app().await?;
        let due = hand_overs::due(&mut tx, &MEDIA_TYPES, to.since, now, DUE_INVOICES_MAX).await?;
        tx.commit().await?;
        if due.is_empty() {
            return Ok(handed_over);
        }
        for of in due {
            match put(db, to, of, now).await? {
                Ok(()) => {
                    handed_over += 1;
                    failures = 0;
                }
                Err(error) => {
                    failed(db, of, &error, now).await?;
                    failures += 1;
                    if failures == FAILURES_MAX {
                        return Err(JobError::HandOver { destination: to.name.clone(), error });
                    }
                }
            }
        }
    }
}

async fn put(
    db: &Db,
    to: &Destination,
    of: (AccountId, InvoiceId),
    now: Timestamp,
) -> Result<Result<(), StorageError>, JobError> {
    let mut tx = db.begin_app().await?;
    let files = documents::files(&mut tx, of).await?;
    let head = invoices::head(&mut tx, of.1).await?;
    tx.commit().await?;
    let Some((head, number)) = head.and_then(|h| Some((h.clone(), h.stamp?.number.to_string()))) else {
        return Err(JobError::NobodyNamed(of.1));
    };
    let folder = format!("{}/{number}", head.issuer);
    let manifest = format!("{:#}\n", manifest(&head, &number, &files)).into_bytes();
    let sha256 = Sha256::digest(&manifest).into();
    let files = files.into_iter().map(|of| (format!("{folder}/{number}.{}", of.extension), of.document.body));
    let last = (format!("{folder}/manifest.json"), manifest);
    if let Err(error) = travel(to, files.chain([last])).await {
        return Ok(Err(error));
    }
    let mut tx = db.begin_app().await?;
    hand_overs::done(&mut tx, of, &to.name, sha256, now).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// In this order, up to the first that does not arrive.
async fn travel(to: &Destination, files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<(), StorageError> {
    for (path, body) in files {
        to.storage.put(&path, body).await?;
    }
    Ok(())
}

/// What is handed over. The same bytes each time.
fn manifest(head: &InvoiceHead, number: &str, files: &[OfInvoice]) -> Value {
    let file = |of: &OfInvoice| {
        json!({
            "name": format!("{number}.{}", of.extension),
            "media_type": of.document.media_type,
            "bytes": of.document.body.len(),
            "sha256": hex::encode(of.document.sha256),
        })
    };
    let stamp = head.stamp.as_ref();
    json!({
        "version": MANIFEST_VERSION,
        "invoice": head.id.to_string(),
        "number": number,
        "issuer": head.issuer.to_string(),
        "account": head.account.to_string(),
        "issued_at": stamp.map(|stamp| stamp.issued_at.to_string()),
        "corrects": head.corrects.iter().map(|c| c.number.to_string()).collect::<Vec<_>>(),
        "currency": head.total.currency().code(),
        "payable": head.payable.map(|payable| payable.amount().to_string()),
        "digest": stamp.map(|stamp| hex::encode(stamp.digest)),
        "files": files.iter().map(file).collect::<Vec<_>>(),
    })
}

async fn failed(db: &Db, of: (AccountId, InvoiceId), error: &StorageError, now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    let before = hand_overs::attempts(&mut tx, of.1).await?;
    let minutes = RETRY_MINUTES.checked_shl(before.unsigned_abs()).filter(|m| (1..RETRY_MINUTES_MAX).contains(m));
    let next_at = now.plus_millis(minutes.unwrap_or(RETRY_MINUTES_MAX) * MILLIS_PER_MINUTE);
    let detail: String = error.to_string().chars().take(DETAIL_CHARS_MAX).collect();
    tracing::warn!(invoice = %of.1, %error, "a document could not be handed over; it is tried again");
    hand_overs::failed(&mut tx, of, &detail, next_at, now).await?;
    tx.commit().await?;
    Ok(())
}
