//! Which days of reports are in the database? And how does an archived day leave it?

use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql},
};

/// The days that have a partition of reports, ascending.
pub async fn report_days(conn: &mut PgConnection) -> Result<Vec<i64>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select to_date(right(c.relname::text, 8), 'YYYYMMDD') as "day!"
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'reports'::regclass
        order by 1
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| day_from_sql(r.day)).collect())
}

/// Drops a day of reports; refused by the database (23R04) unless its archive is recorded. False if it was gone.
/// Waits for readers of reports only so long (55P03 then), since others queue up behind it.
pub async fn drop_reports_of(conn: &mut PgConnection, day: i64) -> Result<bool, StoreError> {
    sqlx::query!("select set_config('lock_timeout', '10s', true) as patience").fetch_one(&mut *conn).await?;
    let row = sqlx::query!(r#"select drop_reports_of($1) as "dropped!""#, day_to_sql(day)).fetch_one(conn).await?;
    Ok(row.dropped)
}
