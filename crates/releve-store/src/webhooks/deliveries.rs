//! What is each endpoint owed, and what became of each try?

use std::collections::BTreeMap;

use releve_types::{
    AccountId, Timestamp,
    ids::{EventId, WebhookEndpointId},
};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// Sets new events against the endpoints that want them; how many events. An endpoint is told what happened since it was
/// made, by topic; one of an account only what is of that account; one of a tenant only what is of that tenant, and what is
/// of its account while no other tenant's usage can be in them.
pub async fn spread(
    conn: &mut PgConnection,
    of_sole_tenants: &[&str],
    now: Timestamp,
    events_max: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        with fresh as (
            select outbox_id, topic, account_id, tenant_id, created_at from outbox
            where spread_at is null order by created_at limit $2
            for update skip locked
        ), owed as (
            insert into webhook_deliveries (endpoint_id, event_id, state, due_at)
            select e.endpoint_id, f.outbox_id, 'waiting', $1
            from fresh f
            join webhook_endpoints e on e.removed_at is null and e.created_at <= f.created_at
                and case
                    when e.tenant_id is null then e.account_id is null or e.account_id = f.account_id
                    when f.tenant_id is not null then e.tenant_id = f.tenant_id
                    else f.topic = any($3) and e.account_id = f.account_id
                        and not exists (select from tenants t
                                        where t.account_id = e.account_id and t.tenant_id <> e.tenant_id)
                end
                and (e.topics = '{}' or f.topic = any(e.topics))
            on conflict (endpoint_id, event_id) do nothing
        )
        update outbox set spread_at = $1 where outbox_id in (select outbox_id from fresh)
        "#,
        to_sql(now),
        events_max,
        of_sole_tenants as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Sets one event against one endpoint, whatever its topics: a test.
pub async fn owe(
    conn: &mut PgConnection,
    (endpoint, event): (WebhookEndpointId, EventId),
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!("update outbox set spread_at = $2 where outbox_id = $1", event.uuid(), to_sql(now))
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into webhook_deliveries (endpoint_id, event_id, state, due_at) values ($1, $2, 'waiting', $3)",
        endpoint.uuid(),
        event.uuid(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Something that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub id: EventId,
    pub topic: String,
    pub account: Option<AccountId>,
    pub body: Value,
    pub created_at: Timestamp,
}

/// A try that was taken up: nobody else takes it until it counts as lost.
#[derive(Clone, PartialEq, Debug)]
pub struct Claimed {
    pub event: Event,
    pub url: String,
    /// Whether a tenant named that address, which the operator's networks are closed to.
    pub of_tenant: bool,
    /// With this one, since it was last asked for.
    pub tries: u32,
}

/// Takes up what is due, at most `per_endpoint_max` of each endpoint and `endpoints_max` endpoints, none of the busy ones.
/// What is taken up and never settled is due again at `lost_at`.
pub async fn claim(
    conn: &mut PgConnection,
    busy: &[WebhookEndpointId],
    (endpoints_max, per_endpoint_max): (i64, i64),
    lost_at: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<WebhookEndpointId, Vec<Claimed>>, StoreError> {
    let busy: Vec<Uuid> = busy.iter().map(|endpoint| endpoint.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        with owed as (
            select e.endpoint_id, e.url, e.tenant_id is not null as of_tenant from webhook_endpoints e
            where e.disabled_at is null and e.removed_at is null and e.endpoint_id <> all($1)
              and exists (select from webhook_deliveries d
                          where d.endpoint_id = e.endpoint_id and d.state = 'waiting' and d.due_at <= $2)
            order by e.endpoint_id
            limit $3
        ), due as (
            select owed.url, owed.of_tenant, d.endpoint_id, d.event_id
            from owed cross join lateral (
                select endpoint_id, event_id from webhook_deliveries
                where endpoint_id = owed.endpoint_id and state = 'waiting' and due_at <= $2
                order by due_at
                limit $4
                for update skip locked) d
        ), taken as (
            update webhook_deliveries d set tries = d.tries + 1, due_at = $5
            from due where (d.endpoint_id, d.event_id) = (due.endpoint_id, due.event_id)
            returning d.endpoint_id, d.event_id, d.tries, due.url, due.of_tenant
        )
        select t.endpoint_id as "endpoint_id!", t.event_id as "event_id!", t.tries as "tries!", t.url as "url!",
               t.of_tenant as "of_tenant!", o.topic, o.account_id, o.body, o.created_at
        from taken t join outbox o on o.outbox_id = t.event_id
        order by o.created_at, o.outbox_id
        "#,
        &busy,
        to_sql(now),
        endpoints_max,
        per_endpoint_max,
        to_sql(lost_at)
    )
    .fetch_all(conn)
    .await?;
    let mut claimed: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        let event = Event {
            id: EventId::from_uuid(row.event_id),
            topic: row.topic,
            account: row.account_id.map(AccountId::from_uuid),
            body: row.body,
            created_at: from_sql(row.created_at),
        };
        let tries = u32::try_from(row.tries).unwrap_or(u32::MAX);
        let of = WebhookEndpointId::from_uuid(row.endpoint_id);
        claimed.entry(of).or_default().push(Claimed { event, url: row.url, of_tenant: row.of_tenant, tries });
    }
    Ok(claimed)
}

/// What an endpoint's messages are signed with now: the secret in force first.
pub async fn secrets(
    conn: &mut PgConnection,
    endpoint: WebhookEndpointId,
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select secret from webhook_secrets
        where endpoint_id = $1 and (until_at is null or until_at > $2)
        order by secret_id desc
        "#,
        endpoint.uuid(),
        to_sql(now)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.secret).collect())
}

/// One try, as the log keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Try {
    pub at: Timestamp,
    pub took_ms: i64,
    /// Of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it does not count as delivered; none if it does.
    pub failure: Option<String>,
    /// How the answer's body begins.
    pub answer: String,
}

/// What is to become of a delivery after a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    Delivered,
    Again(Timestamp),
    GivenUp,
}

/// Writes down a try and what becomes of its delivery. One that was settled meanwhile stays as it is; the try is logged.
pub async fn settle(
    conn: &mut PgConnection,
    (endpoint, event): (WebhookEndpointId, EventId),
    tried: &Try,
    after: After,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (state, due_at) = match after {
        After::Delivered => ("delivered", now),
        After::Again(at) => ("waiting", at),
        After::GivenUp => ("given_up", now),
    };
    sqlx::query!(
        r#"
        update webhook_deliveries set state = $3, due_at = $4, done_at = case when $3 <> 'waiting' then $5::timestamptz end
        where endpoint_id = $1 and event_id = $2 and state = 'waiting'
        "#,
        endpoint.uuid(),
        event.uuid(),
        state,
        to_sql(due_at),
        to_sql(now)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        insert into webhook_tries (endpoint_id, event_id, at, took_ms, status, failure, answer)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        endpoint.uuid(),
        event.uuid(),
        to_sql(tried.at),
        tried.took_ms,
        tried.status.map(i32::from),
        tried.failure,
        tried.answer
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery as its log shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Delivery {
    pub event: Event,
    /// `waiting`, `delivered` or `given_up`.
    pub state: String,
    /// Of a waiting one.
    pub due_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// Oldest first.
    pub tries: Vec<Try>,
}

struct DeliveryRow {
    event_id: Uuid,
    topic: String,
    account_id: Option<Uuid>,
    body: Value,
    created_at: OffsetDateTime,
    state: String,
    due_at: OffsetDateTime,
    done_at: Option<OffsetDateTime>,
}

/// What an endpoint was told, is owed, or was given up; the latest event first.
pub async fn deliveries(
    conn: &mut PgConnection,
    endpoint: WebhookEndpointId,
    state: Option<&str>,
    before: Option<EventId>,
    len_max: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"
        select d.event_id, o.topic, o.account_id, o.body, o.created_at, d.state, d.due_at, d.done_at
        from webhook_deliveries d join outbox o on o.outbox_id = d.event_id
        where d.endpoint_id = $1 and ($2::text is null or d.state = $2) and ($3::uuid is null or d.event_id < $3)
        order by d.event_id desc
        limit $4
        "#,
        endpoint.uuid(),
        state,
        before.map(EventId::uuid),
        len_max
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let mut tries = tries(conn, endpoint, &ids).await?;
    let delivery = |row: DeliveryRow| Delivery {
        due_at: (row.state == "waiting").then(|| from_sql(row.due_at)),
        done_at: row.done_at.map(from_sql),
        tries: tries.remove(&row.event_id).unwrap_or_default(),
        state: row.state,
        event: Event {
            id: EventId::from_uuid(row.event_id),
            topic: row.topic,
            account: row.account_id.map(AccountId::from_uuid),
            body: row.body,
            created_at: from_sql(row.created_at),
        },
    };
    Ok(rows.into_iter().map(delivery).collect())
}

async fn tries(
    conn: &mut PgConnection,
    endpoint: WebhookEndpointId,
    events: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Try>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select event_id, at, took_ms, status, failure, answer from webhook_tries
        where endpoint_id = $1 and event_id = any($2)
        order by try_id
        "#,
        endpoint.uuid(),
        events
    )
    .fetch_all(conn)
    .await?;
    let mut tries: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        let status = row.status.and_then(|status| u16::try_from(status).ok());
        let (at, failure, answer) = (from_sql(row.at), row.failure, row.answer);
        tries.entry(row.event_id).or_default().push(Try { at, took_ms: row.took_ms, status, failure, answer });
    }
    Ok(tries)
}

/// Makes one due at once and its tries start anew, whatever became of it; false if there is none.
pub async fn resend(
    conn: &mut PgConnection,
    (endpoint, event): (WebhookEndpointId, EventId),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update webhook_deliveries set state = 'waiting', tries = 0, due_at = $3, done_at = null
        where endpoint_id = $1 and event_id = $2
        "#,
        endpoint.uuid(),
        event.uuid(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes everything due at once that was given up of what happened since; how many.
pub async fn resend_since(
    conn: &mut PgConnection,
    endpoint: WebhookEndpointId,
    since: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        update webhook_deliveries d set state = 'waiting', tries = 0, due_at = $3, done_at = null
        from outbox o
        where d.endpoint_id = $1 and d.state = 'given_up' and o.outbox_id = d.event_id and o.created_at >= $2
        "#,
        endpoint.uuid(),
        to_sql(since),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
