//! Who is told what happened? Webhook endpoints and their secrets.

pub mod deliveries;

use releve_types::{AccountId, TenantId, Timestamp, ids::WebhookEndpointId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// Why an endpoint is told nothing for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisabledFor {
    /// A person asked for it.
    Asked,
    /// It answered that it is gone, for good (410).
    Gone,
    /// It failed for too long.
    Failing,
}

impl DisabledFor {
    pub const ALL: [Self; 3] = [Self::Asked, Self::Gone, Self::Failing];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub id: WebhookEndpointId,
    /// Whose events it is told. None: the operator's own, which is told all.
    pub account: Option<AccountId>,
    /// Of the account: the one that made it for itself. It is told of itself only.
    pub tenant: Option<TenantId>,
    pub url: String,
    pub description: String,
    /// Empty: every topic.
    pub topics: Vec<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    /// Its first failure since its last success.
    pub failing_since: Option<Timestamp>,
    pub disabled: Option<(Timestamp, DisabledFor)>,
}

pub async fn insert(conn: &mut PgConnection, endpoint: &Endpoint) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into webhook_endpoints (endpoint_id, account_id, url, description, topics, created_at, created_by, tenant_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        endpoint.id.uuid(),
        endpoint.account.map(AccountId::uuid),
        endpoint.url,
        endpoint.description,
        &endpoint.topics,
        to_sql(endpoint.created_at),
        endpoint.created_by,
        endpoint.tenant.map(TenantId::uuid)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of an endpoint may be changed.
pub async fn update(conn: &mut PgConnection, endpoint: &Endpoint) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update webhook_endpoints
        set url = $2, description = $3, topics = $4, failing_since = $5, disabled_at = $6, disabled_for = $7
        where endpoint_id = $1
        "#,
        endpoint.id.uuid(),
        endpoint.url,
        endpoint.description,
        &endpoint.topics,
        endpoint.failing_since.map(to_sql),
        endpoint.disabled.map(|(at, _)| to_sql(at)),
        endpoint.disabled.map(|(_, why)| why.name())
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes one away. What it is owed is given up, its log stays.
pub async fn remove(conn: &mut PgConnection, id: WebhookEndpointId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("update webhook_endpoints set removed_at = $2 where endpoint_id = $1", id.uuid(), to_sql(now))
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from webhook_secrets where endpoint_id = $1", id.uuid()).execute(&mut *conn).await?;
    sqlx::query!(
        "update webhook_deliveries set state = 'given_up', done_at = $2 where endpoint_id = $1 and state = 'waiting'",
        id.uuid(),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a new secret in force. The one before still signs until `until`; any before that no longer does.
pub async fn rotate(
    conn: &mut PgConnection,
    id: WebhookEndpointId,
    secret: &[u8],
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!("delete from webhook_secrets where endpoint_id = $1 and until_at is not null", id.uuid())
        .execute(&mut *conn)
        .await?;
    sqlx::query!("update webhook_secrets set until_at = $2 where endpoint_id = $1", id.uuid(), to_sql(until))
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into webhook_secrets (endpoint_id, secret, created_at) values ($1, $2, $3)",
        id.uuid(),
        secret,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct EndpointRow {
    endpoint_id: Uuid,
    account_id: Option<Uuid>,
    tenant_id: Option<Uuid>,
    url: String,
    description: String,
    topics: Vec<String>,
    created_at: OffsetDateTime,
    created_by: String,
    failing_since: Option<OffsetDateTime>,
    disabled_at: Option<OffsetDateTime>,
    disabled_for: Option<String>,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = StoreError;

    fn try_from(row: EndpointRow) -> Result<Self, StoreError> {
        let why = |name: String| {
            let known = DisabledFor::ALL.into_iter().find(|why| why.name() == name);
            known.ok_or_else(|| StoreError::inconsistent("webhook_endpoints", "disabled_for", name))
        };
        Ok(Self {
            id: WebhookEndpointId::from_uuid(row.endpoint_id),
            account: row.account_id.map(AccountId::from_uuid),
            tenant: row.tenant_id.map(TenantId::from_uuid),
            url: row.url,
            description: row.description,
            topics: row.topics,
            created_at: from_sql(row.created_at),
            created_by: row.created_by,
            failing_since: row.failing_since.map(from_sql),
            disabled: row.disabled_at.map(from_sql).zip(row.disabled_for.map(why).transpose()?),
        })
    }
}

/// An endpoint that was not removed.
pub async fn endpoint(conn: &mut PgConnection, id: WebhookEndpointId) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query_as!(
        EndpointRow,
        r#"
        select endpoint_id, account_id, tenant_id, url, description, topics, created_at, created_by, failing_since, disabled_at,
               disabled_for
        from webhook_endpoints
        where endpoint_id = $1 and removed_at is null
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Endpoint::try_from).transpose()
}

/// The same, locked until the commit, for who changes it.
pub async fn lock_endpoint(conn: &mut PgConnection, id: WebhookEndpointId) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query_as!(
        EndpointRow,
        r#"
        select endpoint_id, account_id, tenant_id, url, description, topics, created_at, created_by, failing_since, disabled_at,
               disabled_for
        from webhook_endpoints
        where endpoint_id = $1 and removed_at is null
        for update
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Endpoint::try_from).transpose()
}

/// Endpoints that were not removed, in the order they were made; of an account, of a tenant, or all.
pub async fn endpoints(
    conn: &mut PgConnection,
    (account, tenant): (Option<AccountId>, Option<TenantId>),
    after: Option<WebhookEndpointId>,
    len_max: i64,
) -> Result<Vec<Endpoint>, StoreError> {
    let rows = sqlx::query_as!(
        EndpointRow,
        r#"
        select endpoint_id, account_id, tenant_id, url, description, topics, created_at, created_by, failing_since, disabled_at,
               disabled_for
        from webhook_endpoints
        where removed_at is null and ($1::uuid is null or account_id = $1) and ($2::uuid is null or endpoint_id > $2)
          and ($4::uuid is null or tenant_id = $4)
        order by endpoint_id
        limit $3
        "#,
        account.map(AccountId::uuid),
        after.map(WebhookEndpointId::uuid),
        len_max,
        tenant.map(TenantId::uuid)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// How many endpoints a tenant has made for itself and not removed.
pub async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!" from webhook_endpoints where tenant_id = $1 and removed_at is null"#,
        tenant.uuid()
    )
    .fetch_one(conn)
    .await?;
    Ok(row.count)
}
