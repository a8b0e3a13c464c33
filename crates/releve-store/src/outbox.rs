//! What has to leave the house because of a change? Events, written in the transaction that makes the change, so that
//! nothing is told that did not happen and nothing that did is kept quiet. Who is told is decided later: see `webhooks`.

use releve_types::{AccountId, TenantId, Timestamp, ids::EventId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

#[derive(Clone, PartialEq, Debug)]
pub struct NewEntry {
    pub topic: &'static str,
    pub account: Option<AccountId>,
    /// Of what concerns one of the account's tenants, and none of the others.
    pub tenant: Option<TenantId>,
    pub body: Value,
}

/// Adds events; returns their ids, in the same order.
pub async fn put(conn: &mut PgConnection, entries: &[NewEntry], now: Timestamp) -> Result<Vec<EventId>, StoreError> {
    let events: Vec<EventId> = entries.iter().map(|_| EventId::fresh(now)).collect();
    let ids: Vec<Uuid> = events.iter().map(|event| event.uuid()).collect();
    let topics: Vec<&str> = entries.iter().map(|e| e.topic).collect();
    let accounts: Vec<Option<Uuid>> = entries.iter().map(|e| e.account.map(AccountId::uuid)).collect();
    let tenants: Vec<Option<Uuid>> = entries.iter().map(|e| e.tenant.map(TenantId::uuid)).collect();
    let bodies: Vec<&Value> = entries.iter().map(|e| &e.body).collect();
    sqlx::query!(
        r#"
        insert into outbox (outbox_id, topic, account_id, body, created_at, tenant_id)
        select outbox_id, topic, account_id, body, $5, tenant_id
        from unnest($1::uuid[], $2::text[], $3::uuid[], $4::jsonb[], $6::uuid[])
            as said(outbox_id, topic, account_id, body, tenant_id)
        "#,
        &ids,
        &topics as _,
        &accounts as _,
        &bodies as _,
        to_sql(now),
        &tenants as _
    )
    .execute(conn)
    .await?;
    Ok(events)
}

/// Forgets what happened before `before`, with the log of who was told of it; how many events. What somebody is still
/// owed stays.
pub async fn forget(conn: &mut PgConnection, before: Timestamp, events_max: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        delete from outbox
        where outbox_id in (
            select outbox_id from outbox o
            where created_at < $1 and spread_at is not null
              and not exists (select from webhook_deliveries d where d.event_id = o.outbox_id and d.state = 'waiting')
            order by created_at
            limit $2)
        "#,
        to_sql(before),
        events_max
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What has not left the house yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waiting {
    /// Events that were not set against who wants them, and messages that are due.
    pub entries: i64,
    /// When the oldest of them happened, or was due.
    pub oldest: Option<Timestamp>,
}

/// Served by outbox_unspread and webhook_deliveries_due.
pub async fn waiting(conn: &mut PgConnection, now: Timestamp) -> Result<Waiting, StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) as "entries!", min(since) as oldest
        from (
            select created_at as since from outbox where spread_at is null
            union all
            select d.due_at from webhook_deliveries d
            join webhook_endpoints e on e.endpoint_id = d.endpoint_id and e.disabled_at is null and e.removed_at is null
            where d.state = 'waiting' and d.due_at <= $1
        ) waiting
        "#,
        to_sql(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(Waiting { entries: row.entries, oldest: row.oldest.map(from_sql) })
}
