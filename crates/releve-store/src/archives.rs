//! Where are the reports of a day that has left the database? And what goes there?

use releve_types::{NodeId, TenantId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    reports::ReportKey,
    sql_time::{day_from_sql, day_to_sql, from_sql, to_sql},
};

/// A report as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredReport {
    pub key: ReportKey,
    pub window_end: Timestamp,
    pub head_sha256: [u8; 32],
    pub catalog_version: i64,
    pub received_at: Timestamp,
    pub agent: String,
    /// As in the table: counted, late_known or superseded.
    pub status: String,
    pub tenants: Vec<TenantId>,
    pub held_ms: Vec<i64>,
    pub body: Vec<u8>,
}

/// A day's reports in the order of their key, after one.
pub async fn page(
    conn: &mut PgConnection,
    day: i64,
    after: Option<ReportKey>,
    len_max: i64,
) -> Result<Vec<StoredReport>, StoreError> {
    let after = after.unwrap_or(ReportKey {
        day,
        node: NodeId::from_uuid(Uuid::nil()),
        window_start: Timestamp::from_millis(0),
        seq: i64::MIN,
        run: Uuid::nil(),
    });
    let rows = sqlx::query!(
        r#"
        select node_id, window_start, seq, run, window_end, head_sha256, catalog_version, received_at, agent, status,
               tenants, held_ms, body
        from reports
        where day = $1 and (node_id, window_start, seq, run) > ($2, $3, $4, $5)
        order by node_id, window_start, seq, run
        limit $6
        "#,
        day_to_sql(day),
        after.node.uuid(),
        to_sql(after.window_start),
        after.seq,
        after.run,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let wrong = |_| StoreError::inconsistent("reports", "head_sha256", "no SHA-256");
            Ok(StoredReport {
                key: ReportKey {
                    day,
                    node: NodeId::from_uuid(r.node_id),
                    window_start: from_sql(r.window_start),
                    seq: r.seq,
                    run: r.run,
                },
                window_end: from_sql(r.window_end),
                head_sha256: <[u8; 32]>::try_from(r.head_sha256.as_slice()).map_err(wrong)?,
                catalog_version: r.catalog_version,
                received_at: from_sql(r.received_at),
                agent: r.agent,
                status: r.status,
                tenants: r.tenants.into_iter().map(TenantId::from_uuid).collect(),
                held_ms: r.held_ms,
                body: r.body,
            })
        })
        .collect()
}

/// How many reports of a day are stored.
pub async fn count(conn: &mut PgConnection, day: i64) -> Result<i64, StoreError> {
    let row = sqlx::query!(r#"select count(*) as "reports!" from reports where day = $1"#, day_to_sql(day))
        .fetch_one(conn)
        .await?;
    Ok(row.reports)
}

/// Where a day's reports were put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Archive {
    pub day: i64,
    pub location: String,
    pub sha256: [u8; 32],
    pub reports: i64,
    pub bytes: i64,
    /// Whether the day has left the database.
    pub detached: bool,
}

/// Notes an archive. One made again, because reports came after it was read, replaces the note until the day is
/// detached; never after.
pub async fn record(conn: &mut PgConnection, archive: &Archive, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into report_archives as a (day, location, sha256, reports, bytes, archived_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (day) do update
            set location = excluded.location, sha256 = excluded.sha256, reports = excluded.reports,
                bytes = excluded.bytes, archived_at = excluded.archived_at
            where a.detached_at is null
        "#,
        day_to_sql(archive.day),
        archive.location,
        archive.sha256.as_slice(),
        archive.reports,
        archive.bytes,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The archives of these days, both included.
pub async fn of_days(conn: &mut PgConnection, first: i64, last: i64) -> Result<Vec<Archive>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select day, location, sha256, reports, bytes, detached_at is not null as "detached!"
        from report_archives
        where day between $1 and $2
        order by day
        "#,
        day_to_sql(first),
        day_to_sql(last)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let wrong = |_| StoreError::inconsistent("report_archives", "sha256", "no SHA-256");
            Ok(Archive {
                day: day_from_sql(r.day),
                location: r.location,
                sha256: <[u8; 32]>::try_from(r.sha256.as_slice()).map_err(wrong)?,
                reports: r.reports,
                bytes: r.bytes,
                detached: r.detached,
            })
        })
        .collect()
}
