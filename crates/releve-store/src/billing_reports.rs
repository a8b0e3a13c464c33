//! From which reports did accounts' usage of a period come? As the issuing digest names them, and as an evidence pack shows them.

use std::collections::BTreeMap;

use releve_billing::Reports;
use releve_types::{
    AccountId, NodeId, Period, TenantId, Timestamp,
    time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE},
};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_to_sql, from_sql, to_sql},
};

/// Which stored reports each account's usage of a period came from, as the issuing digest names them: how many,
/// and the SHA-256 over the SHA-256 of their heads, ascending. Reads each report of the period once.
pub async fn reports(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<BTreeMap<AccountId, Reports>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select account_id as "account_id!", count(*) as "count!",
               sha256(string_agg(head_sha256, ''::bytea order by head_sha256)) as "digest!"
        from (
            select distinct t.account_id, r.head_sha256
            from reports r
            cross join lateral unnest(r.tenants) as held(tenant_id)
            join tenants t on t.tenant_id = held.tenant_id
            where r.day between $2 and $3 and r.window_start >= $4 and r.window_start < $5
              and r.status = 'counted' and t.account_id = any($1)
        ) said
        group by account_id
        "#,
        &ids,
        day_to_sql(period.start().day()),
        day_to_sql(period.end().plus_millis(-1).day()),
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let wrong = |detail| StoreError::inconsistent("reports", "head_sha256", detail);
            let digest = <[u8; 32]>::try_from(r.digest.as_slice()).map_err(|_| wrong("no SHA-256"))?;
            let count = u64::try_from(r.count).map_err(|_| wrong("a negative count"))?;
            Ok((AccountId::from_uuid(r.account_id), Reports { count, digest }))
        })
        .collect()
}

/// The same heads one by one, for a period of which some days lie in the archive.
pub async fn report_heads(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    period: Period,
) -> Result<Vec<(AccountId, [u8; 32])>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select distinct t.account_id as "account_id!", r.head_sha256
        from reports r
        cross join lateral unnest(r.tenants) as held(tenant_id)
        join tenants t on t.tenant_id = held.tenant_id
        where r.day between $2 and $3 and r.window_start >= $4 and r.window_start < $5
          and r.status = 'counted' and t.account_id = any($1)
        "#,
        &ids,
        day_to_sql(period.start().day()),
        day_to_sql(period.end().plus_millis(-1).day()),
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let wrong = || StoreError::inconsistent("reports", "head_sha256", "no SHA-256");
            Ok((
                AccountId::from_uuid(r.account_id),
                <[u8; 32]>::try_from(r.head_sha256.as_slice()).map_err(|_| wrong())?,
            ))
        })
        .collect()
}

/// A stored report that an account's usage came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsedReport {
    pub node: NodeId,
    pub head_sha256: [u8; 32],
    pub received_at: Timestamp,
    /// Since when it counts no more.
    pub taken_back_at: Option<Timestamp>,
    /// Packed, as `reports::unpack` reads it.
    pub body: Vec<u8>,
}

/// A counted report that holds something of a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantReport {
    pub node: NodeId,
    pub window_start: Timestamp,
    /// Packed, as `reports::unpack` reads it.
    pub body: Vec<u8>,
}

/// The reports of `reports` themselves, and those that were taken back since, by window and node: those of days that are
/// in the database. At most so many.
pub async fn used_reports(
    conn: &mut PgConnection,
    account: AccountId,
    period: Period,
    len_max: i64,
) -> Result<Vec<UsedReport>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select r.node_id, r.head_sha256, r.received_at, r.taken_back_at, r.body
        from reports r
        where r.day between $2 and $3 and r.window_start >= $4 and r.window_start < $5 and r.status <> 'late_known'
          and r.tenants && (select array_agg(t.tenant_id) from tenants t where t.account_id = $1)
        order by r.window_start, r.node_id, r.head_sha256
        limit $6
        "#,
        account.uuid(),
        day_to_sql(period.start().day()),
        day_to_sql(period.end().plus_millis(-1).day()),
        to_sql(period.start()),
        to_sql(period.end()),
        len_max
    )
    .fetch_all(conn)
    .await?;
    let wrong = || StoreError::inconsistent("reports", "head_sha256", "no SHA-256");
    rows.into_iter()
        .map(|r| {
            Ok(UsedReport {
                node: NodeId::from_uuid(r.node_id),
                head_sha256: <[u8; 32]>::try_from(r.head_sha256.as_slice()).map_err(|_| wrong())?,
                received_at: from_sql(r.received_at),
                taken_back_at: r.taken_back_at.map(from_sql),
                body: r.body,
            })
        })
        .collect()
}

/// After a look for a page of reports that found nothing, the next is so many times as long.
const LOOK_FACTOR: i64 = 60;
/// The longest look: it reads what all nodes said meanwhile, however little of it has room.
const LOOK_MS_MAX: i64 = MILLIS_PER_HOUR;

/// The counted reports of a stretch that hold something of a tenant, by window and node, after one of them: those of days that
/// are in the database. Served by the primary key, node by node of those that it used anything of: days are named one by one.
pub async fn of_tenant(
    conn: &mut PgConnection,
    tenant: TenantId,
    stretch: Period,
    after: Option<(Timestamp, NodeId)>,
    len_max: i64,
) -> Result<Vec<TenantReport>, StoreError> {
    let (start, node) = after.unwrap_or((stretch.start().plus_millis(-1), NodeId::from_uuid(Uuid::nil())));
    let mut from = start.max(stretch.start());
    let nodes = sqlx::query_scalar!(
        "select distinct node_id from allocation_hours where tenant_id = $1 and hour >= $2 and hour < $3",
        tenant.uuid(),
        to_sql(from.hour().start()),
        to_sql(stretch.end())
    );
    let nodes: Vec<Uuid> = nodes.fetch_all(&mut *conn).await?;
    let node_len = i64::try_from(nodes.len()).unwrap_or(i64::MAX).max(1);
    let (mut widened, mut found) = (1, Vec::new());
    while from < stretch.end() && !nodes.is_empty() {
        let left_len = len_max - i64::try_from(found.len()).unwrap_or(len_max);
        if left_len <= 0 {
            break;
        }
        // As long as has enough if each node says something every minute.
        let look_ms = (left_len / node_len + 1).saturating_mul(widened).saturating_mul(MILLIS_PER_MINUTE);
        let to = from.plus_millis(look_ms.min(LOOK_MS_MAX)).min(stretch.end());
        let days: Vec<Date> = (from.day()..=to.plus_millis(-1).day()).map(day_to_sql).collect();
        let rows = sqlx::query!(
            r#"
            select r.node_id, r.window_start, r.body
            from reports r
            where r.day = any($2) and r.node_id = any($3) and r.window_start >= $4 and r.window_start < $5
              and r.status = 'counted' and r.tenants @> array[$1]::uuid[] and (r.window_start, r.node_id) > ($6, $7)
            order by r.window_start, r.node_id
            limit $8
            "#,
            tenant.uuid(),
            &days,
            &nodes,
            to_sql(from),
            to_sql(to),
            to_sql(start),
            node.uuid(),
            left_len
        );
        let rows = rows.fetch_all(&mut *conn).await?;
        widened = if rows.is_empty() { LOOK_FACTOR } else { 1 };
        found.extend(rows.into_iter().map(|r| TenantReport {
            node: NodeId::from_uuid(r.node_id),
            window_start: from_sql(r.window_start),
            body: r.body,
        }));
        from = to;
    }
    Ok(found)
}
