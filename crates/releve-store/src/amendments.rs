//! Which counted reports are not believed any more? They stay, and say since when and what came instead.

use releve_metering::NodeDay;
use releve_types::{NodeId, Timestamp};
use releve_wire::{Digest, Report};
use sqlx::PgConnection;

use crate::{
    nodes,
    pool::StoreError,
    reports::{self, ReportKey},
    sql_time::{day_to_sql, from_sql, to_sql},
};

/// A report that counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    pub key: ReportKey,
    pub report: Report,
}

/// The counted reports of a node's day whose windows share time with `[from, to)`, by window. Hold the day's coverage.
pub async fn standing(
    conn: &mut PgConnection,
    day: NodeDay,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select window_start, seq, run, body
        from reports
        where day = $1 and node_id = $2 and window_start < $4 and window_end > $3 and status = 'counted'
        order by window_start, seq, run
        "#,
        day_to_sql(day.day),
        day.node.uuid(),
        to_sql(from),
        to_sql(to)
    )
    .fetch_all(&mut *conn)
    .await?;
    let keys = nodes::keys(conn, day.node).await?;
    rows.into_iter()
        .map(|r| {
            let window_start = from_sql(r.window_start);
            let key = ReportKey { day: day.day, node: day.node, window_start, seq: r.seq, run: r.run };
            Ok(Standing { key, report: reports::believed(&r.body, &keys)? })
        })
        .collect()
}

/// Says of counted reports that they count no more. Nothing but their status is written.
pub async fn take_back(
    conn: &mut PgConnection,
    keys: &[ReportKey],
    superseded_by: Option<Digest>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let columns = reports::columns(keys);
    let done = sqlx::query!(
        r#"
        update reports r
        set status = case when $6::bytea is null then 'withdrawn' else 'superseded' end, superseded_by = $6,
            taken_back_at = $7
        from unnest($1::date[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::uuid[])
             as asked(day, node_id, window_start, seq, run)
        where r.day = asked.day and r.node_id = asked.node_id and r.window_start = asked.window_start
          and r.seq = asked.seq and r.run = asked.run and r.status = 'counted'
        "#,
        &columns.0,
        &columns.1,
        &columns.2,
        &columns.3,
        &columns.4,
        superseded_by.map(|digest| digest.0.to_vec()),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    if usize::try_from(done.rows_affected()).ok() != Some(keys.len()) {
        return Err(StoreError::inconsistent("reports", "status", "a report of a locked day was taken back meanwhile"));
    }
    Ok(())
}

/// A stored report, as an operator looks at it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeReport {
    pub key: ReportKey,
    pub window_end: Timestamp,
    pub head_sha256: Vec<u8>,
    pub received_at: Timestamp,
    pub agent: String,
    /// `counted`, `superseded` or `withdrawn`.
    pub status: String,
    pub taken_back_at: Option<Timestamp>,
    pub superseded_by: Option<Vec<u8>>,
    pub held_ms: i64,
}

/// A node's stored reports whose windows begin in a stretch, by window, after one of them. Days that were archived have
/// left the database. Served by the primary key of each day's partition.
pub async fn of_node(
    conn: &mut PgConnection,
    node: NodeId,
    (from, to): (Timestamp, Timestamp),
    after: Option<ReportKey>,
    len_max: i64,
) -> Result<Vec<NodeReport>, StoreError> {
    let after = after.map_or((to_sql(from), i64::MIN, uuid::Uuid::nil()), |a| (to_sql(a.window_start), a.seq, a.run));
    let rows = sqlx::query!(
        r#"
        select day, window_start, seq, run, window_end, head_sha256, received_at, agent, status, taken_back_at,
               superseded_by, (select coalesce(sum(h), 0)::bigint from unnest(held_ms) h) as "held_ms!"
        from reports
        where day between $2 and $3 and node_id = $1 and window_start >= $4 and window_start < $5
          and (window_start, seq, run) > ($6, $7, $8)
        order by window_start, seq, run
        limit $9
        "#,
        node.uuid(),
        day_to_sql(from.day()),
        day_to_sql(to.plus_millis(-1).day()),
        to_sql(from),
        to_sql(to),
        after.0,
        after.1,
        after.2,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let window_start = from_sql(r.window_start);
            NodeReport {
                key: ReportKey { day: window_start.day(), node, window_start, seq: r.seq, run: r.run },
                window_end: from_sql(r.window_end),
                head_sha256: r.head_sha256,
                received_at: from_sql(r.received_at),
                agent: r.agent,
                status: r.status,
                taken_back_at: r.taken_back_at.map(from_sql),
                superseded_by: r.superseded_by,
                held_ms: r.held_ms,
            }
        })
        .collect())
}
