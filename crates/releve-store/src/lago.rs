//! What came over from Lago? Its ids beside ours, what its metrics are here, and what is still owed on its invoices.

use std::collections::BTreeMap;

use releve_types::{AccountId, Currency, Day, Money, Period, Sku, TenantId, Timestamp, Unit, ids::IssuerId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql, to_sql},
};

/// Class of the advisory lock on imports.
const IMPORT_LOCK: i64 = 7_220;

/// What a billable metric is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricRecord {
    pub code: String,
    pub lago_id: String,
    pub sku: Sku,
    pub unit: Unit,
    /// How many base units one of Lago's is.
    pub per: i64,
    pub property: Option<String>,
    pub rounds: bool,
}

/// What something of Lago's became.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Plan,
    Customer,
    Subscription,
    Fee,
    Minimum,
    Paid,
    Granted,
    Invoice,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Customer => "customer",
            Self::Subscription => "subscription",
            Self::Fee => "fee",
            Self::Minimum => "minimum",
            Self::Paid => "paid",
            Self::Granted => "granted",
            Self::Invoice => "invoice",
        }
    }
}

/// An id of Lago's, with ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewId<'a> {
    pub issuer: IssuerId,
    pub kind: Kind,
    pub lago_id: &'a str,
    pub external_id: &'a str,
    pub ours: Uuid,
    pub account: Option<AccountId>,
    pub tenant: Option<TenantId>,
}

/// Whom an event names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    pub tenant: TenantId,
    pub customer_lago_id: String,
    /// Of a subscription.
    pub lago_id: String,
}

/// An invoice of Lago's that is still owed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpeningBalance {
    pub id: Uuid,
    pub account: AccountId,
    pub number: String,
    pub issued_on: Day,
    pub due_on: Day,
    pub total: Money,
    pub open: Money,
}

/// Held alone by an import, until its transaction ends: two at once would make things twice.
pub async fn lock(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", IMPORT_LOCK).execute(conn).await?;
    Ok(())
}

pub async fn insert_metric(
    conn: &mut PgConnection,
    metric: &MetricRecord,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into lago_metrics (code, lago_id, sku, unit, per, property, rounds, imported_at, imported_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        metric.code,
        metric.lago_id,
        metric.sku.to_string(),
        metric.unit.name(),
        metric.per,
        metric.property,
        metric.rounds,
        to_sql(now),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All metrics that came over, by code.
pub async fn metrics(conn: &mut PgConnection) -> Result<Vec<MetricRecord>, StoreError> {
    let rows = sqlx::query!("select code, lago_id, sku, unit, per, property, rounds from lago_metrics order by code")
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MetricRecord {
                code: row.code,
                lago_id: row.lago_id,
                sku: row.sku.parse().map_err(|e| StoreError::inconsistent("lago_metrics", "sku", e))?,
                unit: row.unit.parse().map_err(|e| StoreError::inconsistent("lago_metrics", "unit", e))?,
                per: row.per,
                property: row.property,
                rounds: row.rounds,
            })
        })
        .collect()
}

/// What something of Lago's became here.
pub async fn ours(
    conn: &mut PgConnection,
    issuer: IssuerId,
    kind: Kind,
    lago_id: &str,
) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select ours from lago_ids where issuer_id = $1 and kind = $2 and lago_id = $3",
        issuer.uuid(),
        kind.name(),
        lago_id
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn note(conn: &mut PgConnection, id: &NewId<'_>, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into lago_ids (issuer_id, kind, lago_id, external_id, ours, account_id, tenant_id, imported_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        id.issuer.uuid(),
        id.kind.name(),
        id.lago_id,
        id.external_id,
        id.ours,
        id.account.map(AccountId::uuid),
        id.tenant.map(TenantId::uuid),
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whom these subscriptions, or customers, are; by what they are called outside of Lago. Of one that came over several times,
/// each tenant once.
pub async fn holders(
    conn: &mut PgConnection,
    kind: Kind,
    external_ids: &[String],
) -> Result<BTreeMap<String, Vec<Holder>>, StoreError> {
    // lago_ids_external
    let rows = sqlx::query!(
        r#"
        select distinct on (i.external_id, i.tenant_id)
               i.external_id, i.tenant_id as "tenant_id!", i.lago_id, c.lago_id as customer_lago_id
        from lago_ids i
        join lago_ids c on c.kind = 'customer' and c.tenant_id = i.tenant_id
        where i.kind = $1 and i.external_id = any($2)
        order by i.external_id, i.tenant_id, i.imported_at desc, i.lago_id
        "#,
        kind.name(),
        external_ids
    )
    .fetch_all(conn)
    .await?;
    let mut holders: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    for row in rows {
        let (tenant, customer_lago_id) = (TenantId::from_uuid(row.tenant_id), row.customer_lago_id);
        holders.entry(row.external_id).or_default().push(Holder { tenant, customer_lago_id, lago_id: row.lago_id });
    }
    Ok(holders)
}

/// Which tenant each subscription and customer of a seller is, by what they are called outside of Lago.
pub async fn tenants(
    conn: &mut PgConnection,
    issuer: IssuerId,
) -> Result<Vec<(Kind, String, TenantId, AccountId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select kind, external_id, tenant_id as "tenant_id!", account_id as "account_id!"
        from lago_ids
        where issuer_id = $1 and tenant_id is not null
        order by imported_at
        "#,
        issuer.uuid()
    )
    .fetch_all(conn)
    .await?;
    let kind = |name: &str| if name == "customer" { Kind::Customer } else { Kind::Subscription };
    let row = |r: (String, String, Uuid, Uuid)| (kind(&r.0), r.1, TenantId::from_uuid(r.2), AccountId::from_uuid(r.3));
    Ok(rows.into_iter().map(|r| row((r.kind, r.external_id, r.tenant_id, r.account_id))).collect())
}

pub async fn insert_balance(
    conn: &mut PgConnection,
    balance: &OpeningBalance,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into opening_balances (opening_balance_id, account_id, number, issued_on, due_on, total, open, currency, noted_at, noted_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        balance.id,
        balance.account.uuid(),
        balance.number,
        day_to_sql(balance.issued_on.index()),
        day_to_sql(balance.due_on.index()),
        balance.total.amount(),
        balance.open.amount(),
        balance.total.currency().code(),
        to_sql(now),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what is open of one by now.
pub async fn update_balance(
    conn: &mut PgConnection,
    id: Uuid,
    open: Money,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update opening_balances set open = $2, noted_at = $3, noted_by = $4 where opening_balance_id = $1",
        id,
        open.amount(),
        to_sql(now),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What an account still owes on Lago's invoices, by when it was due.
pub async fn balances(conn: &mut PgConnection, account: AccountId) -> Result<Vec<OpeningBalance>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select opening_balance_id, number, issued_on, due_on, total, open, currency
        from opening_balances
        where account_id = $1
        order by due_on, number
        "#,
        account.uuid()
    )
    .fetch_all(conn)
    .await?;
    let wrong = |column, error: &dyn std::fmt::Display| StoreError::inconsistent("opening_balances", column, error);
    rows.into_iter()
        .map(|row| {
            let currency: Currency = row.currency.parse().map_err(|e| wrong("currency", &e))?;
            let money = |column, amount: Decimal| Money::exact(amount, currency).map_err(|e| wrong(column, &e));
            Ok(OpeningBalance {
                id: row.opening_balance_id,
                account,
                number: row.number,
                issued_on: Day::from_index(day_from_sql(row.issued_on)),
                due_on: Day::from_index(day_from_sql(row.due_on)),
                total: money("total", row.total)?,
                open: money("open", row.open)?,
            })
        })
        .collect()
}

/// What was counted in a period after it was closed, by tenant and SKU, in base units.
pub async fn late(conn: &mut PgConnection, period: Period) -> Result<BTreeMap<(TenantId, String), i64>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select tenant_id as "tenant_id!", s.sku, (sum(quantity))::bigint as "quantity!"
        from (
            select tenant_id, sku_id, ms as quantity from usage_hours where hour >= $1 and hour < $2 and book > 1
            union all
            select tenant_id, sku_id, quantity from meter_hours where hour >= $1 and hour < $2 and book > 1
        ) late
        join skus s using (sku_id)
        group by tenant_id, s.sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((TenantId::from_uuid(row.tenant_id), row.sku), row.quantity)).collect())
}
