//! Which days of whose usage changed?

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{AccountId, Hour, Period, TenantId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql, to_sql},
};

/// Notes in which hours usage changed, and marks whose, for alerts. In the transaction that changes it, at its end.
pub async fn changed(
    conn: &mut PgConnection,
    hours: &BTreeSet<(TenantId, Hour)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let days: BTreeSet<(TenantId, i64)> = hours.iter().map(|(tenant, hour)| (*tenant, hour.start().day())).collect();
    let (tenants, days): (Vec<Uuid>, Vec<time::Date>) =
        days.into_iter().map(|(tenant, day)| (tenant.uuid(), day_to_sql(day))).unzip();
    sqlx::query!(
        r#"
        with changed as (
            select tenant_id, day from unnest($1::uuid[], $2::date[]) as changed(tenant_id, day)
        ), days as (
            insert into usage_days as d (tenant_id, day)
            select tenant_id, day from changed order by tenant_id, day
            on conflict (tenant_id, day) do update set version = d.version + 1
        )
        insert into spend_marks as m (tenant_id, changed_at)
        select distinct tenant_id, $3::timestamptz from changed order by tenant_id
        on conflict (tenant_id) do update set changed_at = excluded.changed_at
            where m.changed_at < excluded.changed_at
        "#,
        &tenants,
        &days,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often each of an account's tenants changed on a day. Days on which nothing was used are not there.
pub type Versions = Vec<(TenantId, i64)>;

/// The versions of a period's days, by day.
pub async fn versions(
    conn: &mut PgConnection,
    account: AccountId,
    period: Period,
) -> Result<BTreeMap<i64, Versions>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select d.tenant_id, d.day, d.version
        from tenants t
        join usage_days d on d.tenant_id = t.tenant_id
        where t.account_id = $1 and d.day between $2 and $3
        order by d.day, d.tenant_id
        "#,
        account.uuid(),
        day_to_sql(period.start().day()),
        day_to_sql(period.end().plus_millis(-1).day())
    )
    .fetch_all(conn)
    .await?;
    let mut versions: BTreeMap<i64, Versions> = BTreeMap::new();
    for row in rows {
        versions.entry(day_from_sql(row.day)).or_default().push((TenantId::from_uuid(row.tenant_id), row.version));
    }
    Ok(versions)
}
