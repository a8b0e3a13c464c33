//! Who sells, who pays, who uses? Issuers, accounts, tenants and their projects.

use releve_types::{AccountId, Currency, TenantId, Timestamp, Zone, ids::IssuerId, ids::ProjectId};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, to_sql},
};

/// Who stands on a document: the same five facts of a seller and of a customer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    pub name: String,
    pub address: String,
    pub vat_id: String,
    /// ISO 3166 alpha-2, or empty.
    pub country: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issuer {
    pub id: IssuerId,
    pub party: Party,
    pub zone: Zone,
    pub series: String,
    pub due_days: i32,
    pub created_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub id: AccountId,
    pub issuer: IssuerId,
    pub party: Party,
    pub currency: Currency,
    pub created_at: Timestamp,
}

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
pub async fn insert_issuer(conn: &mut PgConnection, issuer: &Issuer) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into issuers (issuer_id, name, address, vat_id, country, zone, series, due_days, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (name) do nothing
        "#,
        issuer.id.uuid(),
        issuer.party.name,
        issuer.party.address,
        issuer.party.vat_id,
        issuer.party.country,
        issuer.zone.name(),
        issuer.series,
        issuer.due_days,
        to_sql(issuer.created_at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what may change of an issuer: everything but its zone and series, which dates and numbers rest on.
pub async fn update_issuer(conn: &mut PgConnection, issuer: &Issuer) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update issuers set address = $2, vat_id = $3, country = $4, due_days = $5 where issuer_id = $1",
        issuer.id.uuid(),
        issuer.party.address,
        issuer.party.vat_id,
        issuer.party.country,
        issuer.due_days,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct IssuerRow {
    issuer_id: uuid::Uuid,
    name: String,
    address: String,
    vat_id: String,
    country: String,
    zone: String,
    series: String,
    due_days: i32,
    created_at: time::OffsetDateTime,
}

impl TryFrom<IssuerRow> for Issuer {
    type Error = StoreError;
    fn try_from(row: IssuerRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: IssuerId::from_uuid(row.issuer_id),
            party: Party { name: row.name, address: row.address, vat_id: row.vat_id, country: row.country },
            zone: Zone::new(&row.zone).map_err(|e| StoreError::inconsistent("issuers", "zone", e))?,
            series: row.series,
            due_days: row.due_days,
            created_at: from_sql(row.created_at),
        })
    }
}

pub async fn issuer(conn: &mut PgConnection, id: IssuerId) -> Result<Option<Issuer>, StoreError> {
    let row = sqlx::query_as!(
        IssuerRow,
        r#"
        select issuer_id, name, address, vat_id, country, zone, series, due_days, created_at
        from issuers
        where issuer_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Issuer::try_from).transpose()
}

/// All issuers, by name. There are a handful: one per legal entity that sells.
pub async fn issuers(conn: &mut PgConnection) -> Result<Vec<Issuer>, StoreError> {
    let rows = sqlx::query_as!(
        IssuerRow,
        r#"
        select issuer_id, name, address, vat_id, country, zone, series, due_days, created_at
        from issuers
        order by name
        "#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Issuer::try_from).collect()
}

/// False if the name is taken.
pub async fn insert_account(conn: &mut PgConnection, account: &Account) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into accounts (account_id, issuer_id, name, address, vat_id, country, currency, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (name) do nothing
        "#,
        account.id.uuid(),
        account.issuer.uuid(),
        account.party.name,
        account.party.address,
        account.party.vat_id,
        account.party.country,
        account.currency.code(),
        to_sql(account.created_at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what may change of an account: what the next document prints of it, never its currency or seller.
pub async fn update_account(conn: &mut PgConnection, account: &Account) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update accounts set address = $2, vat_id = $3, country = $4 where account_id = $1",
        account.id.uuid(),
        account.party.address,
        account.party.vat_id,
        account.party.country,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct AccountRow {
    account_id: uuid::Uuid,
    issuer_id: uuid::Uuid,
    name: String,
    address: String,
    vat_id: String,
    country: String,
    currency: String,
    created_at: time::OffsetDateTime,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;
    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AccountId::from_uuid(row.account_id),
            issuer: IssuerId::from_uuid(row.issuer_id),
            party: Party { name: row.name, address: row.address, vat_id: row.vat_id, country: row.country },
            currency: row.currency.parse().map_err(|e| StoreError::inconsistent("accounts", "currency", e))?,
            created_at: from_sql(row.created_at),
        })
    }
}

pub async fn account(conn: &mut PgConnection, id: AccountId) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, vat_id, country, currency, created_at
        from accounts
        where account_id = $1
        "#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Account::try_from).transpose()
}

pub async fn account_named(conn: &mut PgConnection, name: &str) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, vat_id, country, currency, created_at
        from accounts
        where name = $1
        "#,
        name
    )
    .fetch_optional(conn)
    .await?;
    row.map(Account::try_from).transpose()
}

/// Accounts by name, after a name.
pub async fn accounts(conn: &mut PgConnection, after: &str, len_max: i64) -> Result<Vec<Account>, StoreError> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"
        select account_id, issuer_id, name, address, vat_id, country, currency, created_at
        from accounts
        where name > $1
        order by name
        limit $2
        "#,
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Account::try_from).collect()
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
