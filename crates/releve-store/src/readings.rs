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

/// Which of these keys were counted before, whatever they said; in the order asked. Promises nothing: [`claim`] does.
pub async fn known(conn: &mut PgConnection, keys: &[&ReadingKey]) -> Result<Vec<bool>, StoreError> {
    let sources: Vec<&str> = keys.iter().map(|key| key.source.as_str()).collect();
    let ids: Vec<&[u8]> = keys.iter().map(|key| key.id_sha256.as_slice()).collect();
    let rows = sqlx::query!(
        r#"
        select k.source is not null as "known!"
        from unnest($1::text[], $2::bytea[]) with ordinality as asked(source, id_sha256, ord)
        left join reading_keys k on k.source = asked.source and k.id_sha256 = asked.id_sha256
        order by asked.ord
        "#,
        &sources as _,
        &ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.known).collect())
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
