//! What has to leave the house because of a change? Entries written in the transaction that makes the change.
//!
//! Nothing takes them out yet: webhooks and mail come with the alerts, and find what waits for them here.

use releve_types::{AccountId, Timestamp, ids::OutboxId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{pool::StoreError, sql_time::to_sql};

#[derive(Clone, PartialEq, Debug)]
pub struct NewEntry {
    pub topic: &'static str,
    pub account: Option<AccountId>,
    pub body: Value,
}

/// Adds entries, due at once.
pub async fn put(conn: &mut PgConnection, entries: &[NewEntry], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = entries.iter().map(|_| OutboxId::fresh(now).uuid()).collect();
    let topics: Vec<&str> = entries.iter().map(|e| e.topic).collect();
    let accounts: Vec<Option<Uuid>> = entries.iter().map(|e| e.account.map(AccountId::uuid)).collect();
    let bodies: Vec<&Value> = entries.iter().map(|e| &e.body).collect();
    sqlx::query!(
        r#"
        insert into outbox (outbox_id, topic, account_id, body, created_at, next_at)
        select outbox_id, topic, account_id, body, $5, $5
        from unnest($1::uuid[], $2::text[], $3::uuid[], $4::jsonb[]) as said(outbox_id, topic, account_id, body)
        "#,
        &ids,
        &topics as _,
        &accounts as _,
        &bodies as _,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many entries wait to be delivered.
pub async fn waiting(conn: &mut PgConnection) -> Result<i64, StoreError> {
    let row =
        sqlx::query!(r#"select count(*) as "waiting!" from outbox where delivered_at is null"#).fetch_one(conn).await?;
    Ok(row.waiting)
}
