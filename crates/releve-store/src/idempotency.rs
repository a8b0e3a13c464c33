//! Was this request sent before? Its answer, kept in the transaction that the first one wrote in.
//!
//! The row is inserted and its answer stored in one transaction with the work, so a crash between the two can't
//! leave a request that was done but not answered, nor one that is 'in progress' for ever. A second request that
//! arrives while the first is at work is told apart by an advisory lock and does not wait.

use releve_types::Timestamp;
use sqlx::PgConnection;

use crate::{StoreError, sql_time::to_sql};

/// How long an answer is kept.
pub const ANSWERS_KEPT_HOURS: i64 = 48;

/// What is known of a repeated request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Never seen: do the work, then [`finish`].
    New,
    /// The first one is at work in another transaction.
    InProgress,
    /// The same request was answered.
    Answered { status: i32, body: Vec<u8> },
    /// The key was used for another request.
    OtherRequest,
}

pub async fn begin(
    conn: &mut PgConnection,
    scope: &str,
    key: &str,
    request_sha256: &[u8; 32],
    now: Timestamp,
) -> Result<Seen, StoreError> {
    let lock = sqlx::query!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 7301)) as "held!""#,
        scope,
        key
    )
    .fetch_one(&mut *conn)
    .await?;
    if !lock.held {
        return Ok(Seen::InProgress);
    }
    let expired = now.plus_millis(-ANSWERS_KEPT_HOURS * 3_600_000);
    sqlx::query!(
        "delete from idempotency_keys where scope = $1 and key = $2 and created_at < $3",
        scope,
        key,
        to_sql(expired)
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        "select request_sha256, status, body from idempotency_keys where scope = $1 and key = $2",
        scope,
        key
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else {
        sqlx::query!(
            "insert into idempotency_keys (scope, key, request_sha256, created_at) values ($1, $2, $3, $4)",
            scope,
            key,
            request_sha256.as_slice(),
            to_sql(now)
        )
        .execute(conn)
        .await?;
        return Ok(Seen::New);
    };
    if row.request_sha256 != request_sha256 {
        return Ok(Seen::OtherRequest);
    }
    match (row.status, row.body) {
        (Some(status), Some(body)) => Ok(Seen::Answered { status, body }),
        _ => Ok(Seen::InProgress),
    }
}

pub async fn finish(
    conn: &mut PgConnection,
    scope: &str,
    key: &str,
    status: i32,
    body: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update idempotency_keys set status = $3, body = $4 where scope = $1 and key = $2",
        scope,
        key,
        status,
        body
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets answers older than [`ANSWERS_KEPT_HOURS`]; how many.
pub async fn forget(conn: &mut PgConnection, now: Timestamp) -> Result<u64, StoreError> {
    let expired = now.plus_millis(-ANSWERS_KEPT_HOURS * 3_600_000);
    let done =
        sqlx::query!("delete from idempotency_keys where created_at < $1", to_sql(expired)).execute(conn).await?;
    Ok(done.rows_affected())
}
