//! What was used, hour by hour, and by whom it was held, piece by piece?

use std::collections::BTreeMap;

use releve_finance::{
    focus::{Piece, Workload},
    sheets::{AllocationHour, UsageHour},
};
use releve_types::{AccountId, AllocationId, DeviceId, Hour, Sku, TenantId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{hour_to_sql, to_sql},
};

/// Whose hours are asked for.
pub type Whose = BTreeMap<TenantId, (AccountId, String)>;

fn ids(of: &Whose) -> Vec<Uuid> {
    of.keys().map(|tenant| tenant.uuid()).collect()
}

fn account(of: &Whose, tenant: TenantId) -> Result<AccountId, StoreError> {
    let found = of.get(&tenant).map(|(account, _)| *account);
    found.ok_or_else(|| StoreError::inconsistent("tenants", "tenant_id", tenant))
}

/// The usage and meter hours of one hour. Served by their primary keys: (tenant_id, hour, …).
pub async fn usage_hour(conn: &mut PgConnection, of: &Whose, hour: Hour) -> Result<Vec<UsageHour>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select used.tenant_id as "tenant_id!", used.project as "project!", s.sku as "sku!", s.unit as "unit!",
               used.book as "book!", used.quantity as "quantity!", used.energy_mj as "energy_mj!"
        from (
            select tenant_id, project, sku_id, book, ms as quantity, energy_mj
            from usage_hours where tenant_id = any($1) and hour = $2
            union all
            select tenant_id, project, sku_id, book, quantity, 0
            from meter_hours where tenant_id = any($1) and hour = $2
        ) used
        join skus s on s.sku_id = used.sku_id
        order by used.tenant_id, used.project, s.sku, used.book
        "#,
        &ids(of),
        hour_to_sql(hour)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let tenant = TenantId::from_uuid(row.tenant_id);
            Ok(UsageHour {
                hour,
                account: account(of, tenant)?,
                tenant,
                project: row.project,
                sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
                unit: row.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?,
                book: row.book,
                quantity: row.quantity,
                energy_mj: row.energy_mj,
            })
        })
        .collect()
}

/// The allocation hours of one hour. Served by the primary key: (tenant_id, hour, …).
pub async fn allocation_hour(
    conn: &mut PgConnection,
    of: &Whose,
    hour: Hour,
) -> Result<Vec<AllocationHour>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select h.tenant_id, h.project, h.allocation_id, h.device_id, s.sku, h.book, h.energy_mj,
               (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(h.held) r) as "held!",
               (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(h.taken_back) r) as "taken_back!"
        from allocation_hours h
        join skus s on s.sku_id = h.sku_id
        where h.tenant_id = any($1) and h.hour = $2
        order by h.tenant_id, h.allocation_id, h.device_id, s.sku, h.project, h.node_id, h.book
        "#,
        &ids(of),
        hour_to_sql(hour)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let tenant = TenantId::from_uuid(row.tenant_id);
            let sku: Sku = row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?;
            let device = match &sku {
                Sku::Gpu { profile: Some(_), .. } => DeviceId::Mig(row.device_id),
                _ => DeviceId::Gpu(row.device_id),
            };
            Ok(AllocationHour {
                hour,
                account: account(of, tenant)?,
                tenant,
                project: row.project,
                allocation: AllocationId::from_uuid(row.allocation_id),
                device: device.to_string(),
                sku,
                book: row.book,
                held_ms: row.held,
                taken_back_ms: row.taken_back,
                energy_mj: row.energy_mj,
            })
        })
        .collect()
}

/// What each allocation held, and each meter counted, of a book, between each two of these instants. Sorted by tenant, project, SKU
/// and time, as `Piece`s are asked for.
pub async fn pieces(
    conn: &mut PgConnection,
    of: &Whose,
    book: i32,
    cuts: &[Timestamp],
) -> Result<Vec<Piece>, StoreError> {
    let starts: Vec<time::OffsetDateTime> = cuts.iter().copied().map(to_sql).collect();
    let rows = sqlx::query!(
        r#"
        select tenant_id as "tenant_id!", project as "project!", s.sku as "sku!", piece as "piece!", allocation_id,
               sum(quantity)::bigint as "metered!"
        from (
            select h.tenant_id, h.project, h.sku_id, width_bucket(h.hour, $3::timestamptz[]) as piece, h.allocation_id,
                   (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(h.held) r)
                   - (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(h.taken_back) r) as quantity
            from allocation_hours h
            where h.tenant_id = any($1) and h.book = $2 and h.hour >= ($3::timestamptz[])[1]
              and h.hour < ($3::timestamptz[])[cardinality($3::timestamptz[])]
            union all
            select m.tenant_id, m.project, m.sku_id, width_bucket(m.hour, $3::timestamptz[]), null, m.quantity
            from meter_hours m
            where m.tenant_id = any($1) and m.book = $2 and m.hour >= ($3::timestamptz[])[1]
              and m.hour < ($3::timestamptz[])[cardinality($3::timestamptz[])]
        ) used
        join skus s on s.sku_id = used.sku_id
        group by tenant_id, project, s.sku, piece, allocation_id
        having sum(quantity) <> 0
        "#,
        &ids(of),
        book,
        &starts
    )
    .fetch_all(conn)
    .await?;
    let mut pieces = Vec::with_capacity(rows.len());
    for row in rows {
        let at = usize::try_from(row.piece).unwrap_or(0);
        let span = at.checked_sub(1).and_then(|before| Some((*cuts.get(before)?, *cuts.get(at)?)));
        let (from, to) = span.ok_or_else(|| StoreError::inconsistent("allocation_hours", "hour", row.piece))?;
        pieces.push(Piece {
            tenant: TenantId::from_uuid(row.tenant_id),
            project: row.project,
            sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
            from,
            to,
            allocation: row.allocation_id.map(AllocationId::from_uuid),
            metered: row.metered,
        });
    }
    pieces.sort_by(|a, b| {
        (a.tenant, &a.project, &a.sku, a.from, a.allocation).cmp(&(b.tenant, &b.project, &b.sku, b.from, b.allocation))
    });
    Ok(pieces)
}

/// What allocations are called, and their labels: those that have any, and were not erased.
pub async fn workloads(
    conn: &mut PgConnection,
    pieces: &[Piece],
) -> Result<BTreeMap<AllocationId, Workload>, StoreError> {
    let mut of: Vec<(Uuid, Uuid)> =
        pieces.iter().filter_map(|piece| Some((piece.tenant.uuid(), piece.allocation?.uuid()))).collect();
    of.sort_unstable();
    of.dedup();
    let (tenants, allocations): (Vec<Uuid>, Vec<Uuid>) = of.into_iter().unzip();
    let rows = sqlx::query!(
        r#"
        select a.allocation_id, a.name, a.labels
        from unnest($1::uuid[], $2::uuid[]) as asked(tenant_id, allocation_id)
        join allocations a on a.tenant_id = asked.tenant_id and a.allocation_id = asked.allocation_id
        where a.name is not null or a.labels <> '{}'
        "#,
        &tenants,
        &allocations
    )
    .fetch_all(conn)
    .await?;
    let workload = |row: (Uuid, Option<String>, serde_json::Value)| {
        let labels = row.2.as_object().into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let name = row.1.filter(|name| !name.is_empty());
        (AllocationId::from_uuid(row.0), Workload { name, labels })
    };
    Ok(rows.into_iter().map(|row| workload((row.allocation_id, row.name, row.labels))).collect())
}
