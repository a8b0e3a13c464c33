//! What lies in suspense, under which keys, and who would have it if rules named somebody?

use releve_types::{Hour, Sku, TenantId, TenantKey};
use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    sql_time::{hour_from_sql, hour_to_sql},
};

/// Usage of one SKU in one hour that no rule gives to anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuspenseHour {
    pub sku: Sku,
    pub hour: Hour,
    /// Base units of the SKU's unit.
    pub quantity: i64,
}

/// A key with usage in suspense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuspenseKey {
    pub key: TenantKey,
    pub first: Hour,
    pub last: Hour,
    pub gpu_ms: i64,
    /// How many SKUs there is usage of, other meters' among them.
    pub skus: i64,
}

/// Keys that have usage in suspense, by key, after one, all books summed: what was re-attributed is gone.
pub async fn keys(
    conn: &mut PgConnection,
    prefix: &str,
    after: &str,
    len_max: i64,
) -> Result<Vec<SuspenseKey>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select key as "key!", min(hour) as "first!", max(hour) as "last!",
               coalesce(sum(quantity) filter (where unit = 'gpu_ms'), 0)::bigint as "gpu_ms!",
               count(distinct sku_id) as "skus!"
        from (
            select t.tenant_key as key, u.sku_id, u.hour, sum(u.ms) as quantity
            from tenants t
            join usage_hours u on u.tenant_id = t.tenant_id
            where t.kind = 'suspense' and starts_with(t.tenant_key, $1) and t.tenant_key > $2
            group by t.tenant_key, u.sku_id, u.hour
            having sum(u.ms) <> 0
            union all
            select t.tenant_key, m.sku_id, m.hour, sum(m.quantity)
            from tenants t
            join meter_hours m on m.tenant_id = t.tenant_id
            where t.kind = 'suspense' and starts_with(t.tenant_key, $1) and t.tenant_key > $2
            group by t.tenant_key, m.sku_id, m.hour
            having sum(m.quantity) <> 0
        ) hours
        join skus using (sku_id)
        group by key
        order by key
        limit $3
        "#,
        prefix,
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SuspenseKey {
                key: TenantKey::new(&row.key).map_err(|e| StoreError::inconsistent("tenants", "tenant_key", e))?,
                first: hour_from_sql(row.first),
                last: hour_from_sql(row.last),
                gpu_ms: row.gpu_ms,
                skus: row.skus,
            })
        })
        .collect()
}

/// A key's usage in suspense from an hour on.
pub async fn hours(conn: &mut PgConnection, key: &TenantKey, from: Hour) -> Result<Vec<SuspenseHour>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select sku as "sku!", hour as "hour!", sum(quantity)::bigint as "quantity!"
        from (
            select u.sku_id, u.hour, u.ms as quantity
            from usage_hours u
            where u.tenant_id = (select tenant_id from tenants where kind = 'suspense' and tenant_key = $1)
              and u.hour >= $2
            union all
            select m.sku_id, m.hour, m.quantity
            from meter_hours m
            where m.tenant_id = (select tenant_id from tenants where kind = 'suspense' and tenant_key = $1)
              and m.hour >= $2
        ) hours
        join skus using (sku_id)
        group by sku, hour
        having sum(quantity) <> 0
        order by hour, sku
        "#,
        key.as_str(),
        hour_to_sql(from)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SuspenseHour {
                sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
                hour: hour_from_sql(row.hour),
                quantity: row.quantity,
            })
        })
        .collect()
}

/// From when the rules give a key to whom, each until the next; of several from one hour, the last written.
pub async fn rules_of(conn: &mut PgConnection, key: &TenantKey) -> Result<Vec<(Hour, Option<TenantId>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct on (from_at) from_at, tenant_id
        from tenant_key_rules
        where tenant_key = $1
        order by from_at, version desc
        "#,
        key.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (hour_from_sql(row.from_at), row.tenant_id.map(TenantId::from_uuid))).collect())
}
