//! What was understood but not believed? Bytes with a reason, waiting for a person.

use std::collections::HashSet;

use releve_metering::{Exposure, Reason};
use releve_types::{NodeId, Timestamp, ids::QuarantineId};
use releve_wire::{Digest, Window};
use sqlx::PgConnection;

use crate::{pool::StoreError, reports::exposure_arrays, sql_time::to_sql};

/// By which door a message came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Amqp,
    Http,
    DeadLetter,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amqp => "amqp",
            Self::Http => "http",
            Self::DeadLetter => "dead_letter",
        }
    }
}

/// An entry to be.
#[derive(Clone, Debug)]
pub struct NewEntry {
    pub sha256: Digest,
    pub is_reading: bool,
    pub reason: Reason,
    pub field: String,
    pub detail: String,
    pub source: Source,
    pub node: Option<NodeId>,
    pub agent: String,
    pub rack: String,
    pub window: Option<Window>,
    pub exposure: Exposure,
    pub body: Vec<u8>,
}

/// Inserts entries, sorted by digest. One whose bytes are known is left as it is: a redelivery neither doubles
/// it nor reopens a person's verdict.
pub async fn insert(conn: &mut PgConnection, entries: &[NewEntry], received_at: Timestamp) -> Result<(), StoreError> {
    let mut sorted: Vec<&NewEntry> = entries.iter().collect();
    sorted.sort_by_key(|e| e.sha256);
    for entry in sorted {
        let (tenants, held) = exposure_arrays(&entry.exposure);
        sqlx::query!(
            r#"
            insert into quarantine (quarantine_id, sha256, kind, reason, field, detail, source, node_id, agent, rack,
                                    window_start, window_end, tenants, held_ms, received_at, body)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::uuid[], $14::text::bigint[], $15, $16)
            on conflict (sha256) do nothing
            "#,
            QuarantineId::fresh(received_at).uuid(),
            entry.sha256.0.as_slice(),
            if entry.is_reading { "reading" } else { "report" },
            entry.reason.as_str(),
            entry.field,
            entry.detail,
            entry.source.as_str(),
            entry.node.map(NodeId::uuid),
            entry.agent,
            entry.rack,
            entry.window.map(|w| to_sql(w.start)),
            entry.window.map(|w| to_sql(w.end)),
            tenants,
            held,
            to_sql(received_at),
            entry.body
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// A waiting entry's bytes, to be judged again.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: QuarantineId,
    pub body: Vec<u8>,
}

/// The waiting reports among these ids.
pub async fn waiting(conn: &mut PgConnection, ids: &[QuarantineId]) -> Result<Vec<Waiting>, StoreError> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select quarantine_id, body from quarantine
        where quarantine_id = any($1) and status = 'waiting' and kind = 'report'
        order by quarantine_id
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| Waiting { id: QuarantineId::from_uuid(r.quarantine_id), body: r.body }).collect())
}

/// Locks those that are still waiting and that nobody else is deciding; returns them.
pub async fn lock_waiting(conn: &mut PgConnection, ids: &[QuarantineId]) -> Result<HashSet<QuarantineId>, StoreError> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select quarantine_id from quarantine
        where quarantine_id = any($1) and status = 'waiting'
        order by quarantine_id
        for update skip locked
        "#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| QuarantineId::from_uuid(r.quarantine_id)).collect())
}

/// Ends an entry's waiting.
pub async fn resolve(
    conn: &mut PgConnection,
    id: QuarantineId,
    status: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update quarantine set status = $2, verdict_at = $3, verdict_reason = $4 where quarantine_id = $1",
        id.uuid(),
        status,
        to_sql(now),
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says why an entry that was judged again still waits.
pub async fn restate(
    conn: &mut PgConnection,
    id: QuarantineId,
    reason: Reason,
    field: &str,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update quarantine set reason = $2, field = $3, detail = $4 where quarantine_id = $1",
        id.uuid(),
        reason.as_str(),
        field,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}
