//! Which usage of a period is on no invoice? Not billed yet, come too late, or in suspense: visible, never dropped.

use releve_types::{AccountId, Period, Sku, TenantId, ids::IssuerId};
use sqlx::PgConnection;

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
    /// Base units; negative where a later book took more back than it added. Wider than what one hour can hold, since
    /// what passes 64 bits is never billed and is to be seen here all the more.
    pub quantity: i128,
}

/// What waits to be billed: all usage of accounts without an invoice, what came after the book of an invoice was
/// closed or taken back whole, and suspense.
pub async fn unbilled(conn: &mut PgConnection, period: Period) -> Result<Vec<Unbilled>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select t.account_id as "account_id?", a.issuer_id as "issuer_id?", used.tenant_id as "tenant_id!", s.sku as "sku!",
               sum(used.quantity)::text as "quantity!"
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
            where i.account_id = t.account_id and i.period_start = $1 and i.state = 'issued' and i.credit_id is null
              and i.book >= used.book
              and not exists (select from voids v
                              where v.account_id = i.account_id and v.period_start = i.period_start and v.book >= i.book))
        group by t.account_id, a.issuer_id, used.tenant_id, s.sku
        having sum(used.quantity) <> 0
        order by used.tenant_id, s.sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Unbilled {
                account: row.account_id.map(AccountId::from_uuid),
                issuer: row.issuer_id.map(IssuerId::from_uuid),
                tenant: TenantId::from_uuid(row.tenant_id),
                sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
                quantity: row.quantity.parse().map_err(|e| StoreError::inconsistent("usage_hours", "ms", e))?,
            })
        })
        .collect()
}
