//! Which days are still counted? The floor, and the lock that keeps a batch from committing behind it.

use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql},
};

/// Class of the advisory lock on the floor.
const FLOOR_LOCK: i64 = 7_203;

/// The first day that is counted. Held in common until the transaction ends, so that it can't rise meanwhile.
pub async fn read_shared(conn: &mut PgConnection) -> Result<i64, StoreError> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", FLOOR_LOCK).execute(&mut *conn).await?;
    let row = sqlx::query!("select day from ingest_floor").fetch_one(conn).await?;
    Ok(day_from_sql(row.day))
}

/// Raises the floor, alone: every batch judged under the old one has committed by then. It never falls.
pub async fn raise(conn: &mut PgConnection, day: i64) -> Result<(), StoreError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", FLOOR_LOCK).execute(&mut *conn).await?;
    sqlx::query!("update ingest_floor set day = greatest(day, $1)", day_to_sql(day)).execute(conn).await?;
    Ok(())
}

/// Makes the partitions that are missing for these days, both included; returns how many.
pub async fn make_partitions(conn: &mut PgConnection, first: i64, last: i64) -> Result<i32, StoreError> {
    let row = sqlx::query!(r#"select make_partitions($1, $2) as "made!""#, day_to_sql(first), day_to_sql(last))
        .fetch_one(conn)
        .await?;
    Ok(row.made)
}
