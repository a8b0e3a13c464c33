//! What was understood but not believed, and what do those messages have in common?
//!
//! A thousand quarantined messages mostly have one cause: they are looked at, and decided on, by filter.

use releve_types::{NodeId, TenantId, Timestamp, ids::QuarantineId};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

/// Which messages. An absent part means any; an empty `agent` or `rack` means those without one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    pub id: Option<QuarantineId>,
    /// `waiting`, `counted`, `duplicate` or `rejected`.
    pub status: Option<String>,
    pub reason: Option<String>,
    pub agent: Option<String>,
    pub rack: Option<String>,
    pub node: Option<NodeId>,
    pub tenant: Option<TenantId>,
    pub received_from: Option<Timestamp>,
    pub received_to: Option<Timestamp>,
}

/// Messages of one reason, agent version and rack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    pub kind: String,
    pub reason: String,
    pub agent: String,
    pub rack: String,
    pub messages: i64,
    pub nodes: i64,
    pub gpu_ms: i64,
    pub first_received: Timestamp,
    pub last_received: Timestamp,
}

/// How many messages a filter takes in, and how much held time stands in them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extent {
    pub messages: i64,
    pub gpu_ms: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarantined {
    pub id: QuarantineId,
    pub kind: String,
    pub reason: String,
    pub field: String,
    pub detail: String,
    pub source: String,
    pub node: Option<NodeId>,
    pub agent: String,
    pub rack: String,
    pub window: Option<(Timestamp, Timestamp)>,
    pub tenants: Vec<TenantId>,
    pub held_ms: Vec<i64>,
    pub received_at: Timestamp,
    pub status: String,
    pub verdict: Option<Verdict>,
    pub bytes: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// Groups by size, the largest first.
pub async fn groups(conn: &mut PgConnection, filter: &Filter, len_max: i64) -> Result<Vec<Group>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select kind, reason, agent, rack, count(*) as "messages!", count(distinct node_id) as "nodes!",
               coalesce(sum((select sum(h) from unnest(held_ms) h)), 0)::bigint as "gpu_ms!",
               min(received_at) as "first_received!", max(received_at) as "last_received!"
        from quarantine
        where ($1::uuid is null or quarantine_id = $1)
          and ($2::text is null or status = $2)
          and ($3::text is null or reason = $3)
          and ($4::text is null or agent = $4)
          and ($5::text is null or rack = $5)
          and ($6::uuid is null or node_id = $6)
          and ($7::uuid is null or $7 = any (tenants))
          and ($8::timestamptz is null or received_at >= $8)
          and ($9::timestamptz is null or received_at < $9)
        group by kind, reason, agent, rack
        order by count(*) desc, kind, reason, agent, rack
        limit $10
        "#,
        filter.id.map(QuarantineId::uuid),
        filter.status,
        filter.reason,
        filter.agent,
        filter.rack,
        filter.node.map(NodeId::uuid),
        filter.tenant.map(TenantId::uuid),
        filter.received_from.map(to_sql),
        filter.received_to.map(to_sql),
        len_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Group {
            kind: row.kind,
            reason: row.reason,
            agent: row.agent,
            rack: row.rack,
            messages: row.messages,
            nodes: row.nodes,
            gpu_ms: row.gpu_ms,
            first_received: from_sql(row.first_received),
            last_received: from_sql(row.last_received),
        })
        .collect())
}

pub async fn extent(conn: &mut PgConnection, filter: &Filter) -> Result<Extent, StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) as "messages!",
               coalesce(sum((select sum(h) from unnest(held_ms) h)), 0)::bigint as "gpu_ms!"
        from quarantine
        where ($1::uuid is null or quarantine_id = $1)
          and ($2::text is null or status = $2)
          and ($3::text is null or reason = $3)
          and ($4::text is null or agent = $4)
          and ($5::text is null or rack = $5)
          and ($6::uuid is null or node_id = $6)
          and ($7::uuid is null or $7 = any (tenants))
          and ($8::timestamptz is null or received_at >= $8)
          and ($9::timestamptz is null or received_at < $9)
        "#,
        filter.id.map(QuarantineId::uuid),
        filter.status,
        filter.reason,
        filter.agent,
        filter.rack,
        filter.node.map(NodeId::uuid),
        filter.tenant.map(TenantId::uuid),
        filter.received_from.map(to_sql),
        filter.received_to.map(to_sql),
    )
    .fetch_one(conn)
    .await?;
    Ok(Extent { messages: row.messages, gpu_ms: row.gpu_ms })
}

/// Messages in the order they came, after one.
pub async fn messages(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<QuarantineId>,
    len_max: i64,
) -> Result<Vec<Quarantined>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select quarantine_id, kind, reason, field, detail, source, node_id, agent, rack, window_start, window_end,
               tenants, held_ms, received_at, status, verdict_by, verdict_at, verdict_reason,
               length(body)::bigint as "bytes!"
        from quarantine
        where ($1::uuid is null or quarantine_id = $1)
          and ($2::text is null or status = $2)
          and ($3::text is null or reason = $3)
          and ($4::text is null or agent = $4)
          and ($5::text is null or rack = $5)
          and ($6::uuid is null or node_id = $6)
          and ($7::uuid is null or $7 = any (tenants))
          and ($8::timestamptz is null or received_at >= $8)
          and ($9::timestamptz is null or received_at < $9)
          and ($10::uuid is null or quarantine_id > $10)
        order by quarantine_id
        limit $11
        "#,
        filter.id.map(QuarantineId::uuid),
        filter.status,
        filter.reason,
        filter.agent,
        filter.rack,
        filter.node.map(NodeId::uuid),
        filter.tenant.map(TenantId::uuid),
        filter.received_from.map(to_sql),
        filter.received_to.map(to_sql),
        after.map(QuarantineId::uuid),
        len_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Quarantined {
            id: QuarantineId::from_uuid(row.quarantine_id),
            kind: row.kind,
            reason: row.reason,
            field: row.field,
            detail: row.detail,
            source: row.source,
            node: row.node_id.map(NodeId::from_uuid),
            agent: row.agent,
            rack: row.rack,
            window: row.window_start.zip(row.window_end).map(|(start, end)| (from_sql(start), from_sql(end))),
            tenants: row.tenants.into_iter().map(TenantId::from_uuid).collect(),
            held_ms: row.held_ms,
            received_at: from_sql(row.received_at),
            status: row.status,
            verdict: row.verdict_by.zip(row.verdict_at).map(|(by, at)| Verdict {
                by,
                at: from_sql(at),
                reason: row.verdict_reason.unwrap_or_default(),
            }),
            bytes: row.bytes,
        })
        .collect())
}

/// The bytes as they came.
pub async fn body(conn: &mut PgConnection, id: QuarantineId) -> Result<Option<Vec<u8>>, StoreError> {
    let row =
        sqlx::query!("select body from quarantine where quarantine_id = $1", id.uuid()).fetch_optional(conn).await?;
    Ok(row.map(|row| row.body))
}

/// A person's verdict that what waits among these is not to be counted; how many it was. Stands on redelivery.
pub async fn reject(conn: &mut PgConnection, filter: &Filter, verdict: &Verdict) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        update quarantine
        set status = 'rejected', verdict_by = $9, verdict_at = $10, verdict_reason = $11
        where status = 'waiting'
          and ($1::uuid is null or quarantine_id = $1)
          and ($2::text is null or reason = $2)
          and ($3::text is null or agent = $3)
          and ($4::text is null or rack = $4)
          and ($5::uuid is null or node_id = $5)
          and ($6::uuid is null or $6 = any (tenants))
          and ($7::timestamptz is null or received_at >= $7)
          and ($8::timestamptz is null or received_at < $8)
        "#,
        filter.id.map(QuarantineId::uuid),
        filter.reason,
        filter.agent,
        filter.rack,
        filter.node.map(NodeId::uuid),
        filter.tenant.map(TenantId::uuid),
        filter.received_from.map(to_sql),
        filter.received_to.map(to_sql),
        verdict.by,
        to_sql(verdict.at),
        verdict.reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
