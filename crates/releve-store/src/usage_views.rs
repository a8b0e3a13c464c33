//! What did a tenant use? Sums over the rollups for its own eyes: by time, project, SKU, allocation or label.
//!
//! Usage and allocation hours are summed over all books: what was taken back is already off.

use std::collections::BTreeMap;

use releve_types::{AllocationId, Hour, Sku, TenantId, Timestamp, Unit};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, hour_from_sql, hour_to_sql},
};

/// By what usage is broken down, beside time and SKU.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Breakdown {
    Nothing,
    Project,
    Allocation,
    /// The value that allocations carry under this label; empty for those without it.
    Label(String),
}

/// Buckets of time: each begins at its entry and ends at the next, the last at `end`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buckets {
    pub starts: Vec<Hour>,
    pub end: Hour,
}

/// A row's place in the order of rows, to go on after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct After {
    pub bucket: Hour,
    pub part: String,
    pub sku: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageSum {
    pub bucket: Hour,
    /// The project, allocation id (plain UUID) or label's value; empty where nothing is broken down.
    pub part: String,
    pub sku: Sku,
    pub unit: Unit,
    /// Base units of `unit`.
    pub quantity: i64,
    pub energy_mj: i64,
}

struct SumRow {
    bucket: time::OffsetDateTime,
    part: String,
    sku: String,
    unit: String,
    quantity: i64,
    energy_mj: i64,
}

impl TryFrom<SumRow> for UsageSum {
    type Error = StoreError;
    fn try_from(row: SumRow) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: hour_from_sql(row.bucket),
            part: row.part,
            sku: row.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?,
            unit: row.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?,
            quantity: row.quantity,
            energy_mj: row.energy_mj,
        })
    }
}

/// Sums in the order of bucket, part and SKU, after a row.
pub async fn usage(
    conn: &mut PgConnection,
    tenant: TenantId,
    buckets: &Buckets,
    breakdown: &Breakdown,
    after: Option<&After>,
    len_max: i64,
) -> Result<Vec<UsageSum>, StoreError> {
    // What lies before the bucket to go on in needs no reading.
    let first = after.map(|a| a.bucket);
    let starts: Vec<Hour> = buckets.starts.iter().copied().filter(|s| first.is_none_or(|f| f <= *s)).collect();
    let (mut rest, mut buckets_len, mut rows) = (starts.as_slice(), BUCKETS_READ_FIRST, Vec::new());
    while let Some(from) = rest.first().copied() {
        let left_len = len_max - i64::try_from(rows.len()).unwrap_or(len_max);
        if left_len <= 0 {
            break;
        }
        let (these, later) = rest.split_at(buckets_len.min(rest.len()));
        let page = Page {
            tenant,
            starts: these.iter().copied().map(hour_to_sql).collect(),
            from: hour_to_sql(from),
            to: hour_to_sql(later.first().copied().unwrap_or(buckets.end)),
            after,
            len_max: left_len,
        };
        rows.extend(match breakdown {
            Breakdown::Nothing => from_rollups(conn, &page, false).await?,
            Breakdown::Project => from_rollups(conn, &page, true).await?,
            Breakdown::Allocation => from_allocations(conn, &page, None).await?,
            Breakdown::Label(label) => from_allocations(conn, &page, Some(label)).await?,
        });
        (rest, buckets_len) = (later, buckets_len * BUCKETS_READ_FACTOR);
    }
    rows.into_iter().map(UsageSum::try_from).collect()
}

/// Rows come in the order of their buckets: a page reads this many buckets, and goes on with so many times as many only while it has
/// room, so that a month of many rows is not summed up for its first hundred.
const BUCKETS_READ_FIRST: usize = 2;
const BUCKETS_READ_FACTOR: usize = 4;

struct Page<'a> {
    tenant: TenantId,
    starts: Vec<time::OffsetDateTime>,
    from: time::OffsetDateTime,
    to: time::OffsetDateTime,
    after: Option<&'a After>,
    len_max: i64,
}

/// Served by the primary keys of usage_hours and meter_hours: (tenant_id, hour, …).
async fn from_rollups(conn: &mut PgConnection, page: &Page<'_>, by_project: bool) -> Result<Vec<SumRow>, StoreError> {
    let rows = sqlx::query_as!(
        SumRow,
        r#"
        select bucket as "bucket!", part as "part!", sku as "sku!", unit as "unit!",
               sum(quantity)::bigint as "quantity!", sum(energy_mj)::bigint as "energy_mj!"
        from (
            select ($2::timestamptz[])[width_bucket(u.hour, $2::timestamptz[])] as bucket,
                   case when $5 then u.project else '' end as part,
                   u.sku_id, u.ms as quantity, u.energy_mj
            from usage_hours u
            where u.tenant_id = $1 and u.hour >= $3 and u.hour < $4
            union all
            select ($2::timestamptz[])[width_bucket(m.hour, $2::timestamptz[])],
                   case when $5 then m.project else '' end,
                   m.sku_id, m.quantity, 0
            from meter_hours m
            where m.tenant_id = $1 and m.hour >= $3 and m.hour < $4
        ) hours
        join skus using (sku_id)
        group by bucket, part, sku, unit
        having $6::timestamptz is null or (bucket, part collate "C", sku collate "C") > ($6, $7::text, $8::text)
        order by bucket, part collate "C", sku collate "C"
        limit $9
        "#,
        page.tenant.uuid(),
        &page.starts,
        page.from,
        page.to,
        by_project,
        page.after.map(|a| hour_to_sql(a.bucket)),
        page.after.map(|a| a.part.as_str()),
        page.after.map(|a| a.sku.as_str()),
        page.len_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Served by the primary keys of allocation_hours (tenant_id, hour, …) and allocations (tenant_id, allocation_id).
async fn from_allocations(
    conn: &mut PgConnection,
    page: &Page<'_>,
    label: Option<&str>,
) -> Result<Vec<SumRow>, StoreError> {
    let rows = sqlx::query_as!(
        SumRow,
        r#"
        select bucket as "bucket!", part as "part!", sku as "sku!", unit as "unit!",
               sum(quantity)::bigint as "quantity!", sum(energy_mj)::bigint as "energy_mj!"
        from (
            select ($2::timestamptz[])[width_bucket(h.hour, $2::timestamptz[])] as bucket,
                   case when $5::text is null then h.allocation_id::text else coalesce(a.labels ->> $5, '') end as part,
                   h.sku_id, h.energy_mj,
                   (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(h.held) r)
                   - (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(h.taken_back) r) as quantity
            from allocation_hours h
            left join allocations a on a.tenant_id = h.tenant_id and a.allocation_id = h.allocation_id
            where h.tenant_id = $1 and h.hour >= $3 and h.hour < $4
        ) hours
        join skus using (sku_id)
        group by bucket, part, sku, unit
        having $6::timestamptz is null or (bucket, part collate "C", sku collate "C") > ($6, $7::text, $8::text)
        order by bucket, part collate "C", sku collate "C"
        limit $9
        "#,
        page.tenant.uuid(),
        &page.starts,
        page.from,
        page.to,
        label,
        page.after.map(|a| hour_to_sql(a.bucket)),
        page.after.map(|a| a.part.as_str()),
        page.after.map(|a| a.sku.as_str()),
        page.len_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What an allocation is called. Names and labels are personal and may have been erased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allocation {
    pub id: AllocationId,
    pub tenant_key: String,
    pub alloc: String,
    pub first_seen: Timestamp,
    pub name: Option<String>,
    pub user: Option<String>,
    pub labels: BTreeMap<String, String>,
}

/// A tenant's allocations by id, after one; of one label's value or of all.
pub async fn allocations(
    conn: &mut PgConnection,
    tenant: TenantId,
    label: Option<(&str, &str)>,
    after: Option<AllocationId>,
    len_max: i64,
) -> Result<Vec<Allocation>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select allocation_id, tenant_key, alloc, first_seen, name, username, labels
        from allocations
        where tenant_id = $1 and ($2::uuid is null or allocation_id > $2)
          and ($3::text is null or labels ->> $3 = $4::text)
        order by allocation_id
        limit $5
        "#,
        tenant.uuid(),
        after.map(AllocationId::uuid),
        label.map(|l| l.0),
        label.map(|l| l.1),
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Allocation {
                id: AllocationId::from_uuid(row.allocation_id),
                tenant_key: row.tenant_key,
                alloc: row.alloc,
                first_seen: from_sql(row.first_seen),
                name: row.name,
                user: row.username,
                labels: serde_json::from_value(row.labels)
                    .map_err(|e| StoreError::inconsistent("allocations", "labels", e))?,
            })
        })
        .collect()
}
