//! Who uses? Customers' tenants, and their projects.

use releve_types::{AccountId, TenantId, Timestamp, ids::ProjectId};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

/// A tenant that is a customer. Suspense tenants are read in `suspense`, never here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub account: AccountId,
    pub name: String,
    pub created_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub created_at: Timestamp,
}

/// False if the name is taken.
pub async fn insert_tenant(conn: &mut PgConnection, tenant: &Tenant) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into tenants (tenant_id, account_id, name, kind, created_at)
        values ($1, $2, $3, 'customer', $4)
        on conflict (name) do nothing
        "#,
        tenant.id.uuid(),
        tenant.account.uuid(),
        tenant.name,
        to_sql(tenant.created_at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct TenantRow {
    tenant_id: uuid::Uuid,
    account_id: uuid::Uuid,
    name: String,
    created_at: time::OffsetDateTime,
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        Self {
            id: TenantId::from_uuid(row.tenant_id),
            account: AccountId::from_uuid(row.account_id),
            name: row.name,
            created_at: from_sql(row.created_at),
        }
    }
}

pub async fn tenant(conn: &mut PgConnection, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query_as!(
        TenantRow,
        r#"
        select tenant_id, account_id as "account_id!", name, created_at
        from tenants
        where tenant_id = $1 and kind = 'customer'
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Tenant::from))
}

pub async fn tenant_named(conn: &mut PgConnection, name: &str) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query_as!(
        TenantRow,
        r#"
        select tenant_id, account_id as "account_id!", name, created_at
        from tenants
        where name = $1 and kind = 'customer'
        "#,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Tenant::from))
}

/// Tenants by name, after a name, of one account or of all.
pub async fn tenants(
    conn: &mut PgConnection,
    account: Option<AccountId>,
    after: &str,
    len_max: i64,
) -> Result<Vec<Tenant>, StoreError> {
    let rows = sqlx::query_as!(
        TenantRow,
        r#"
        select tenant_id, account_id as "account_id!", name, created_at
        from tenants
        where kind = 'customer' and name > $2 and ($1::uuid is null or account_id = $1)
        order by name
        limit $3
        "#,
        account.map(AccountId::uuid),
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Tenant::from).collect())
}

/// False if the tenant has a project of that name.
pub async fn insert_project(conn: &mut PgConnection, tenant: TenantId, project: &Project) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into projects (tenant_id, name, project_id, created_at)
        values ($1, $2, $3, $4)
        on conflict (tenant_id, name) do nothing
        "#,
        tenant.uuid(),
        project.name,
        project.id.uuid(),
        to_sql(project.created_at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A tenant's projects by name, after a name.
pub async fn projects(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: &str,
    len_max: i64,
) -> Result<Vec<Project>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select project_id, name, created_at
        from projects
        where tenant_id = $1 and name > $2
        order by name
        limit $3
        "#,
        tenant.uuid(),
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Project {
            id: ProjectId::from_uuid(row.project_id),
            name: row.name,
            created_at: from_sql(row.created_at),
        })
        .collect())
}
