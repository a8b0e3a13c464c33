//! Which number comes next? Gapless per issuer, series and year, taken by an update that a rollback takes back.

use releve_types::{Timestamp, ids::IssuerId};
use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// Consecutive numbers, and the date that goes with all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    pub first: i64,
    /// The later of `now` and the date of the series' last invoice: dates rise with numbers.
    pub issued_at: Timestamp,
}

/// Takes `count` numbers. Call it last: from here to the commit, everybody who issues in this series waits.
pub async fn take(
    conn: &mut PgConnection,
    issuer: IssuerId,
    series: &str,
    year: i32,
    count: i64,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let row = sqlx::query!(
        r#"
        insert into number_series as n (issuer_id, series, year, last_serial, last_issued_at)
        values ($1, $2, $3, $4, $5)
        on conflict (issuer_id, series, year) do update
            set last_serial = n.last_serial + excluded.last_serial,
                last_issued_at = greatest(n.last_issued_at, excluded.last_issued_at)
        returning last_serial, last_issued_at
        "#,
        issuer.uuid(),
        series,
        year,
        count,
        to_sql(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(Taken { first: row.last_serial - count + 1, issued_at: from_sql(row.last_issued_at) })
}

/// The last number of a series, if it has any: what a check for gaps counts up to.
pub async fn last(
    conn: &mut PgConnection,
    issuer: IssuerId,
    series: &str,
    year: i32,
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query!(
        "select last_serial from number_series where issuer_id = $1 and series = $2 and year = $3",
        issuer.uuid(),
        series,
        year
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|r| r.last_serial))
}
