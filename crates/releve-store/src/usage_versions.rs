//! Which hours of whose usage changed?

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{AccountId, Hour, Period, TenantId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{hour_from_sql, hour_to_sql, to_sql},
};

/// Notes in which hours usage changed, and marks whose, for alerts. In the transaction that changes it, at its end.
pub async fn changed(
    conn: &mut PgConnection,
    hours: &BTreeSet<(TenantId, Hour)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if hours.is_empty() {
        return Ok(());
    }
    let (tenants, hours): (Vec<Uuid>, Vec<time::OffsetDateTime>) =
        hours.iter().map(|(tenant, hour)| (tenant.uuid(), hour_to_sql(*hour))).unzip();
    sqlx::query!(
        r#"
        with changed as (
            select tenant_id, hour from unnest($1::uuid[], $2::timestamptz[]) as changed(tenant_id, hour)
        ), versions as (
            insert into usage_versions as v (tenant_id, hour)
            select tenant_id, hour from changed order by tenant_id, hour
            on conflict (tenant_id, hour) do update set version = v.version + 1
        )
        insert into spend_marks as m (tenant_id, changed_at)
        select distinct tenant_id, $3::timestamptz from changed order by tenant_id
        on conflict (tenant_id) do update set changed_at = excluded.changed_at
            where m.changed_at < excluded.changed_at
        "#,
        &tenants,
        &hours,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often the usage of each of an account's tenants changed.
pub type Versions = BTreeMap<TenantId, i64>;

/// The versions of a period's hours. Hours in which nothing was counted since versions are kept are not there.
pub async fn versions(
    conn: &mut PgConnection,
    account: AccountId,
    period: Period,
) -> Result<BTreeMap<Hour, Versions>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select v.tenant_id, v.hour, v.version
        from tenants t
        join usage_versions v on v.tenant_id = t.tenant_id
        where t.account_id = $1 and v.hour >= $2 and v.hour < $3
        "#,
        account.uuid(),
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    let mut versions: BTreeMap<Hour, Versions> = BTreeMap::new();
    for row in rows {
        versions.entry(hour_from_sql(row.hour)).or_default().insert(TenantId::from_uuid(row.tenant_id), row.version);
    }
    Ok(versions)
}

/// The versions of a tenant's hours from one until another.
pub async fn of_tenant(
    conn: &mut PgConnection,
    tenant: TenantId,
    from: Hour,
    to: Hour,
) -> Result<BTreeMap<Hour, i64>, StoreError> {
    let rows = sqlx::query!(
        "select hour, version from usage_versions where tenant_id = $1 and hour >= $2 and hour < $3",
        tenant.uuid(),
        hour_to_sql(from),
        hour_to_sql(to)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (hour_from_sql(row.hour), row.version)).collect())
}
