//! What was understood but not believed? Bytes with a reason, waiting for a person.

use std::collections::HashSet;

use releve_metering::{Exposure, Reason};
use releve_types::{NodeId, TenantId, TenantKey, Timestamp, ids::QuarantineId};
use releve_wire::{Digest, Window};
use sqlx::PgConnection;

use crate::{pool::StoreError, reports::exposure_arrays, rollups::create_suspense, sql_time::to_sql};

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
    /// Who among them are suspense tenants, by their keys: those of whom somebody vouched.
    pub suspense: Vec<(TenantId, TenantKey)>,
    pub body: Vec<u8>,
}

/// Inserts entries, sorted by digest. One whose bytes are known is left as it is: a redelivery neither doubles
/// it nor reopens a person's verdict. A suspense tenant that an entry names is made with it: whom its key concerns
/// is found by that tenant.
pub async fn insert(conn: &mut PgConnection, entries: &[NewEntry], received_at: Timestamp) -> Result<(), StoreError> {
    let mut suspense: Vec<(TenantId, TenantKey)> = entries.iter().flat_map(|e| e.suspense.clone()).collect();
    suspense.sort_unstable();
    suspense.dedup();
    if !suspense.is_empty() {
        create_suspense(conn, &suspense, received_at).await?;
    }
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

/// Says why an entry that was judged again still waits, and whom it concerns as far as that is known by now.
pub async fn restate(
    conn: &mut PgConnection,
    id: QuarantineId,
    entry: &NewEntry,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !entry.suspense.is_empty() {
        create_suspense(conn, &entry.suspense, now).await?;
    }
    let (tenants, held) = exposure_arrays(&entry.exposure);
    sqlx::query!(
        r#"
        update quarantine
        set reason = $2, field = $3, detail = $4, node_id = $5, agent = $6, rack = $7, window_start = $8,
            window_end = $9, tenants = $10::text::uuid[], held_ms = $11::text::bigint[]
        where quarantine_id = $1
        "#,
        id.uuid(),
        entry.reason.as_str(),
        entry.field,
        entry.detail,
        entry.node.map(NodeId::uuid),
        entry.agent,
        entry.rack,
        entry.window.map(|w| to_sql(w.start)),
        entry.window.map(|w| to_sql(w.end)),
        tenants,
        held
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What stands of bytes that are in quarantine and were never counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    pub id: QuarantineId,
    pub sha256: Digest,
    /// A person's verdict is that they are not to be counted.
    pub rejected: bool,
    pub reason: Reason,
    pub field: String,
    pub detail: String,
}

/// Which of these bytes wait or were rejected, held against any verdict until the transaction ends. One look into
/// the unique index for each digest; in the order of digests, so that two never wait in a circle.
pub async fn standing(conn: &mut PgConnection, digests: &[Digest]) -> Result<Vec<Standing>, StoreError> {
    let digests: Vec<&[u8]> = digests.iter().map(|d| d.0.as_slice()).collect();
    let rows = sqlx::query!(
        r#"
        select quarantine_id, sha256, status, reason, field, detail
        from quarantine
        where sha256 = any($1) and status in ('waiting', 'rejected')
        order by sha256
        for update
        "#,
        &digests as _
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let sha256 = <[u8; 32]>::try_from(r.sha256.as_slice())
                .map_err(|e| StoreError::inconsistent("quarantine", "sha256", e))?;
            Ok(Standing {
                id: QuarantineId::from_uuid(r.quarantine_id),
                sha256: Digest(sha256),
                rejected: r.status == "rejected",
                reason: Reason::parse(&r.reason)
                    .ok_or_else(|| StoreError::inconsistent("quarantine", "reason", &r.reason))?,
                field: r.field,
                detail: r.detail,
            })
        })
        .collect()
}
