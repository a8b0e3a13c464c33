//! Which usage of a period is on no invoice? Not billed yet, come too late, or in suspense: visible, never dropped.

use releve_types::{AccountId, Period, Sku, TenantId};
use sqlx::PgConnection;

use crate::{pool::StoreError, sql_time::to_sql};

/// Usage of a period that is on no issued invoice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unbilled {
    /// None for suspense.
    pub account: Option<AccountId>,
    pub tenant: TenantId,
    pub sku: Sku,
    /// Base units; negative where a later book took more back than it added.
    pub quantity: i64,
}

/// What waits to be billed: all usage of accounts without an invoice, what came after the book of an invoice was
/// closed, and suspense.
pub async fn unbilled(conn: &mut PgConnection, period: Period) -> Result<Vec<Unbilled>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select t.account_id as "account_id?", used.tenant_id as "tenant_id!", s.sku as "sku!",
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
        where not exists (
            select from invoices i
            where i.account_id = t.account_id and i.period_start = $1 and i.state = 'issued' and i.book >= used.book)
        group by t.account_id, used.tenant_id, s.sku
        having sum(used.quantity) <> 0
        order by used.tenant_id, s.sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let too_large = || {
                let of = TenantId::from_uuid(r.tenant_id);
                StoreError::inconsistent("usage_hours", "ms", format!("{} of {of} passes 64 bits in {period}", r.sku))
            };
            Ok(Unbilled {
                account: r.account_id.map(AccountId::from_uuid),
                tenant: TenantId::from_uuid(r.tenant_id),
                sku: r.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
                quantity: r.quantity.ok_or_else(too_large)?,
            })
        })
        .collect()
}

/// How many rows [`unbilled`] has, whatever they come to.
pub async fn count(conn: &mut PgConnection, period: Period) -> Result<i64, StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) as "rows!"
        from (
            select used.tenant_id, used.sku_id
            from (
                select tenant_id, book, sku_id, sum(ms) as quantity
                from usage_hours where hour >= $1 and hour < $2 group by tenant_id, book, sku_id
                union all
                select tenant_id, book, sku_id, sum(quantity)
                from meter_hours where hour >= $1 and hour < $2 group by tenant_id, book, sku_id
            ) used
            join tenants t on t.tenant_id = used.tenant_id
            where not exists (
                select from invoices i
                where i.account_id = t.account_id and i.period_start = $1 and i.state = 'issued' and i.book >= used.book)
            group by used.tenant_id, used.sku_id
            having sum(used.quantity) <> 0
        ) waiting
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_one(conn)
    .await?;
    Ok(row.rows)
}
