//! Which usage of a period is on no invoice? Not billed yet, come too late, or in suspense: visible, never dropped.

use releve_types::{AccountId, Period, Sku, TenantId, ids::IssuerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{pool::StoreError, sql_time::to_sql};

/// Usage of a period that is on no issued invoice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unbilled {
    /// None for suspense.
    pub account: Option<AccountId>,
    /// Who bills the account.
    pub issuer: Option<IssuerId>,
    pub tenant: TenantId,
    pub sku: Sku,
    /// Base units; negative where a later book took more back than it added.
    pub quantity: i64,
}

/// What waits to be billed: all usage of accounts without an invoice, what came after the book of an invoice was
/// closed, and suspense.
pub async fn unbilled(conn: &mut PgConnection, period: Period) -> Result<Vec<Unbilled>, StoreError> {
    let known = |row: Row| {
        let of = TenantId::from_uuid(row.tenant_id);
        let too_large =
            || StoreError::inconsistent("usage_hours", "ms", format!("{} of {of} passes 64 bits in {period}", row.sku));
        Ok(Unbilled {
            account: row.account_id.map(AccountId::from_uuid),
            issuer: row.issuer_id.map(IssuerId::from_uuid),
            tenant: of,
            sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
            quantity: row.quantity.ok_or_else(too_large)?,
        })
    };
    rows(conn, period).await?.into_iter().map(known).collect()
}

/// How many rows [`unbilled`] has, whatever they come to.
pub async fn count(conn: &mut PgConnection, period: Period) -> Result<usize, StoreError> {
    Ok(rows(conn, period).await?.len())
}

struct Row {
    account_id: Option<Uuid>,
    issuer_id: Option<Uuid>,
    tenant_id: Uuid,
    sku: String,
    /// None where it passes 64 bits.
    quantity: Option<i64>,
}

async fn rows(conn: &mut PgConnection, period: Period) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select t.account_id as "account_id?", a.issuer_id as "issuer_id?", used.tenant_id as "tenant_id!", s.sku as "sku!",
               case when sum(used.quantity) between -9223372036854775808 and 9223372036854775807
                    then sum(used.quantity)::bigint end as quantity
        from (
            select tenant_id, book, sku_id, sum(ms) as quantity
            from usage_hours where hour >= $1 and hour < $2 group by tenant_id, book, sku_id
            union all
            select tenant_id, book, sku_id, sum(quantity)
            from meter_hours where hour >= $1 and hour < $2 group by tenant_id, book, sku_id
        ) used
        join tenants t on t.tenant_id = used.tenant_id
        join skus s on s.sku_id = used.sku_id
        left join accounts a on a.account_id = t.account_id
        where not exists (
            select from invoices i
            where i.account_id = t.account_id and i.period_start = $1 and i.state = 'issued' and i.book >= used.book)
        group by t.account_id, a.issuer_id, used.tenant_id, s.sku
        having sum(used.quantity) <> 0
        order by used.tenant_id, s.sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
