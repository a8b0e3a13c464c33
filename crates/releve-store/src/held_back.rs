//! Whose invoices do suspense and quarantine touch? And whose does anything touch that concerns a tenant?

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{AccountId, Period, TenantId, Timestamp, Unit};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{from_sql, to_sql},
};

/// The accounts that each of these tenants concerns in a period: a customer's own; of a suspense tenant, those that
/// the rules for its key name in the period, and the one they named last before it, since the usage may turn out to
/// be any of theirs. Who had the key long ago, or gets it later, is not held back.
pub async fn accounts_concerned(
    conn: &mut PgConnection,
    tenants: &BTreeSet<TenantId>,
    period: Period,
) -> Result<BTreeMap<TenantId, BTreeSet<AccountId>>, StoreError> {
    let ids: Vec<Uuid> = tenants.iter().map(|t| t.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        with rules as (
            select distinct on (s.tenant_id, r.from_at) s.tenant_id as suspense_id, r.from_at, r.tenant_id
            from tenants s
            join tenant_key_rules r on r.tenant_key = s.tenant_key
            where s.tenant_id = any($1) and s.kind = 'suspense' and r.from_at < $3
            order by s.tenant_id, r.from_at, r.version desc
        )
        select t.tenant_id as "tenant_id!", t.account_id as "account_id!"
        from tenants t
        where t.tenant_id = any($1) and t.kind = 'customer'
        union
        select r.suspense_id, t.account_id
        from rules r
        join tenants t on t.tenant_id = r.tenant_id and t.kind = 'customer'
        where r.from_at >= $2
           or r.from_at = (select max(b.from_at) from rules b
                           where b.suspense_id = r.suspense_id and b.from_at < $2 and b.tenant_id is not null)
        "#,
        &ids,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    let mut concerned: BTreeMap<TenantId, BTreeSet<AccountId>> = BTreeMap::new();
    for row in rows {
        let of = concerned.entry(TenantId::from_uuid(row.tenant_id)).or_default();
        of.insert(AccountId::from_uuid(row.account_id));
    }
    Ok(concerned)
}

/// What lies in suspense under one key, in one unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspense {
    pub tenant: TenantId,
    pub tenant_key: String,
    pub unit: Unit,
    pub quantity: i64,
}

/// A period's suspense, by key. Re-attributed usage has a minus beside its plus and is not among it.
pub async fn suspense(conn: &mut PgConnection, period: Period) -> Result<Vec<Suspense>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select t.tenant_id as "tenant_id!", t.tenant_key as "tenant_key!", s.unit as "unit!",
               sum(used.quantity)::bigint as "quantity!"
        from (
            select u.tenant_id, u.sku_id, u.ms as quantity
            from tenants t join usage_hours u on u.tenant_id = t.tenant_id
            where t.kind = 'suspense' and u.hour >= $1 and u.hour < $2
            union all
            select m.tenant_id, m.sku_id, m.quantity
            from tenants t join meter_hours m on m.tenant_id = t.tenant_id
            where t.kind = 'suspense' and m.hour >= $1 and m.hour < $2
        ) used
        join tenants t on t.tenant_id = used.tenant_id
        join skus s on s.sku_id = used.sku_id
        group by t.tenant_id, t.tenant_key, s.unit
        having sum(used.quantity) <> 0
        order by t.tenant_key, s.unit
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Suspense {
                tenant: TenantId::from_uuid(r.tenant_id),
                tenant_key: r.tenant_key,
                unit: r.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?,
                quantity: r.quantity,
            })
        })
        .collect()
}

/// What waits in quarantine of one tenant for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarantined {
    pub tenant: TenantId,
    pub reason: String,
    pub entries: i64,
    pub gpu_ms: i64,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// The quarantine that waits for a person and speaks of the period, by tenant and reason. An entry that names no
/// window or no tenant is the operator's alone.
pub async fn quarantined(conn: &mut PgConnection, period: Period) -> Result<Vec<Quarantined>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select held.tenant_id as "tenant_id!", q.reason, count(distinct q.quarantine_id) as "entries!",
               coalesce(sum(held.held_ms), 0)::bigint as "gpu_ms!",
               min(q.window_start) as "from_at!", max(q.window_end) as "to_at!"
        from quarantine q
        cross join lateral unnest(q.tenants, q.held_ms) as held(tenant_id, held_ms)
        where q.status = 'waiting' and q.window_start < $2 and q.window_end > $1 and held.tenant_id is not null
        group by held.tenant_id, q.reason
        order by held.tenant_id, q.reason
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Quarantined {
            tenant: TenantId::from_uuid(r.tenant_id),
            reason: r.reason,
            entries: r.entries,
            gpu_ms: r.gpu_ms,
            from: from_sql(r.from_at),
            to: from_sql(r.to_at),
        })
        .collect())
}
