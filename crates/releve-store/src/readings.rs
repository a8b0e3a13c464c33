//! Was this reading counted before? Its key is kept for ever, in the transaction that counts it.

use sqlx::PgConnection;

use crate::pool::StoreError;

/// What identifies a reading, and what it said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadingKey {
    pub source: String,
    pub id_sha256: [u8; 32],
    pub digest: [u8; 32],
}

/// What became of a reading's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    New,
    Duplicate,
    /// The key was used with other content.
    Conflict,
}

/// Takes a reading's key. A second writer of the same key waits for the first to commit or roll back.
pub async fn claim(conn: &mut PgConnection, key: &ReadingKey) -> Result<Claim, StoreError> {
    let taken = sqlx::query!(
        "insert into reading_keys (source, id_sha256, digest) values ($1, $2, $3) on conflict do nothing",
        key.source,
        key.id_sha256.as_slice(),
        key.digest.as_slice()
    )
    .execute(&mut *conn)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(Claim::New);
    }
    let known = sqlx::query!(
        "select digest from reading_keys where source = $1 and id_sha256 = $2",
        key.source,
        key.id_sha256.as_slice()
    )
    .fetch_one(conn)
    .await?;
    Ok(if known.digest == key.digest { Claim::Duplicate } else { Claim::Conflict })
}
