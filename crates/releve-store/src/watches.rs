//! Which accounts are to be judged by their last full hours, and what were those?

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{AccountId, Hour, Period, Sku, TenantId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    billing_usage,
    pool::StoreError,
    sql_time::{hour_from_sql, hour_to_sql, to_sql},
};

/// Makes accounts due that were not judged up to this hour although nothing need be used for it now: those whose usage changed in
/// one of the last hours, that reserved something, or with something that goes on. How many.
pub async fn due(conn: &mut PgConnection, hour: Hour, len_max: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into budgets_due (account_id, due_at, hourly)
        select w.account_id, $1, true
        from (
            select account_id from account_watches where hour <= marked_hour + interval '2 hours'
            union
            select account_id from agreements
            where kind = 'reservation' and from_at < $1 and (until_at is null or until_at > $1)
            union
            select coalesce(a.account_id, t.account_id)
            from alerts a
            left join tenants t on t.tenant_id = a.tenant_id
            where a.resolved_at is null and (a.account_id is not null or a.tenant_id is not null)
              and a.kind in ('spend.anomaly', 'credits.low', 'commitment.under_used', 'purchase_order.low')
        ) w
        where not exists (select from account_watches s where s.account_id = w.account_id and s.hour >= $1)
          and not exists (select from budgets_due q where q.account_id = w.account_id)
        order by w.account_id
        limit $2
        on conflict (account_id) do nothing
        "#,
        hour_to_sql(hour),
        len_max
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Which of these accounts are not judged up to this full hour.
pub async fn behind(conn: &mut PgConnection, accounts: &[AccountId], hour: Hour) -> Result<Vec<AccountId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query_scalar!(
        r#"
        select account_id as "account_id!" from unnest($1::uuid[]) as a(account_id)
        where not exists (select from account_watches w where w.account_id = a.account_id and w.hour >= $2)
        "#,
        &ids,
        hour_to_sql(hour)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccountId::from_uuid).collect())
}

/// Notes up to which full hour an account is judged; false if it was already.
pub async fn advance(conn: &mut PgConnection, account: AccountId, hour: Hour) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into account_watches as w (account_id, hour, marked_hour) values ($1, $2, to_timestamp(0))
        on conflict (account_id) do update set hour = excluded.hour where w.hour < excluded.hour
        "#,
        account.uuid(),
        hour_to_sql(hour)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What tenants used hour by hour, in base units, all projects together. Served by the primary keys of usage_hours and meter_hours.
pub type Used = BTreeMap<TenantId, Vec<(Sku, Hour, i64)>>;

pub async fn used(conn: &mut PgConnection, tenants: &BTreeSet<TenantId>, period: Period) -> Result<Used, StoreError> {
    let ids: Vec<Uuid> = tenants.iter().map(|tenant| tenant.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select tenant_id as "tenant_id!", sku_id as "sku_id!", hour as "hour!", sum(quantity)::bigint as "quantity!"
        from (
            select tenant_id, sku_id, hour, ms as quantity from usage_hours
            where tenant_id = any($1) and hour >= $2 and hour < $3
            union all
            select tenant_id, sku_id, hour, quantity from meter_hours
            where tenant_id = any($1) and hour >= $2 and hour < $3
        ) used
        group by tenant_id, sku_id, hour
        having sum(quantity) > 0
        "#,
        &ids,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(&mut *conn)
    .await?;
    let names = billing_usage::sku_names(conn).await?;
    let mut used = Used::new();
    for row in rows {
        let sku = names.get(&row.sku_id).ok_or_else(|| StoreError::inconsistent("skus", "sku_id", row.sku_id))?;
        let of = used.entry(TenantId::from_uuid(row.tenant_id)).or_default();
        of.push((sku.clone(), hour_from_sql(row.hour), row.quantity));
    }
    Ok(used)
}

/// Which of these tenants used something before an hour.
pub async fn were_there_before(
    conn: &mut PgConnection,
    tenants: &BTreeSet<TenantId>,
    hour: Hour,
) -> Result<BTreeSet<TenantId>, StoreError> {
    let ids: Vec<Uuid> = tenants.iter().map(|tenant| tenant.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select asked.tenant_id as "tenant_id!"
        from unnest($1::uuid[]) as asked(tenant_id)
        where exists (select from usage_hours u where u.tenant_id = asked.tenant_id and u.hour < $2)
           or exists (select from meter_hours m where m.tenant_id = asked.tenant_id and m.hour < $2)
        "#,
        &ids,
        hour_to_sql(hour)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
}

/// Whether a month of an account has an issued document: what is left of its credits and orders knows of it already.
pub async fn is_billed(conn: &mut PgConnection, account: AccountId, start: Timestamp) -> Result<bool, StoreError> {
    let billed = sqlx::query_scalar!(
        r#"
        select exists (select from invoices where account_id = $1 and period_start = $2 and state = 'issued'
                       and credit_id is null) as "billed!"
        "#,
        account.uuid(),
        to_sql(start)
    )
    .fetch_one(conn)
    .await?;
    Ok(billed)
}
