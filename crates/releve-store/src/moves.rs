//! How is counted usage moved from one tenant to another? By rows that take back and give, never by deleting.

use releve_types::{AllocationId, Hour, NodeId, Ranges, TenantId, TenantKey, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{hour_from_sql, hour_to_sql, to_sql},
};

/// What an allocation held of a device in an hour, one row a book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HourRow {
    pub place: HourPlace,
    pub book: i32,
    pub held: Ranges,
    pub taken_back: Ranges,
    pub energy_mj: i64,
}

/// The key of an allocation hour, but for its book.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct HourPlace {
    pub tenant: TenantId,
    pub hour: Hour,
    pub allocation: AllocationId,
    pub node: NodeId,
    pub device: Uuid,
    pub sku_id: i32,
    pub project: String,
}

/// Class of the advisory locks on tenant keys.
const KEY_LOCK: i32 = 7_204;

/// Held alone by whoever moves usage under keys, until its transaction ends: two that read the same rows would both
/// move them. Taken in one order, so that two never wait in a circle.
pub async fn lock_keys(conn: &mut PgConnection, keys: impl Iterator<Item = &TenantKey>) -> Result<(), StoreError> {
    let keys: Vec<&str> = keys.map(TenantKey::as_str).collect();
    sqlx::query!(
        r#"
        select pg_advisory_xact_lock($1, hash)
        from (select distinct hashtext(key) as hash from unnest($2::text[]) as key order by hash) asked
        "#,
        KEY_LOCK,
        &keys as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The UTC days in which tenants other than the one a rule names might hold usage under a key.
pub async fn days_of_key(conn: &mut PgConnection, key: &TenantKey) -> Result<Vec<i64>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct (h.hour at time zone 'UTC')::date as "day!"
        from allocations a
        join allocation_hours h on h.tenant_id = a.tenant_id and h.allocation_id = a.allocation_id
        where a.tenant_key = $1
        union
        select distinct (m.hour at time zone 'UTC')::date
        from tenants t
        join meter_hours m on m.tenant_id = t.tenant_id
        where t.kind = 'suspense' and t.tenant_key = $1
        order by 1
        "#,
        key.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| crate::sql_time::day_from_sql(r.day)).collect())
}

/// All rows of a key's allocations in a span of hours, by place and book.
pub async fn rows_of_key(
    conn: &mut PgConnection,
    key: &TenantKey,
    from: Hour,
    to: Hour,
) -> Result<Vec<HourRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select h.tenant_id, h.hour, h.book, h.allocation_id, h.node_id, h.device_id, h.sku_id, h.project,
               h.held::text as "held!", h.taken_back::text as "taken_back!", h.energy_mj
        from allocations a
        join allocation_hours h on h.tenant_id = a.tenant_id and h.allocation_id = a.allocation_id
        where a.tenant_key = $1 and h.hour >= $2 and h.hour < $3
        order by h.tenant_id, h.hour, h.allocation_id, h.node_id, h.device_id, h.sku_id, h.project, h.book
        "#,
        key.as_str(),
        hour_to_sql(from),
        hour_to_sql(to)
    )
    .fetch_all(conn)
    .await?;
    let ranges = |text: &str, column| text.parse().map_err(|e| StoreError::inconsistent("allocation_hours", column, e));
    rows.into_iter()
        .map(|r| {
            Ok(HourRow {
                held: ranges(&r.held, "held")?,
                taken_back: ranges(&r.taken_back, "taken_back")?,
                book: r.book,
                energy_mj: r.energy_mj,
                place: HourPlace {
                    tenant: TenantId::from_uuid(r.tenant_id),
                    hour: hour_from_sql(r.hour),
                    allocation: AllocationId::from_uuid(r.allocation_id),
                    node: NodeId::from_uuid(r.node_id),
                    device: r.device_id,
                    sku_id: r.sku_id,
                    project: r.project,
                },
            })
        })
        .collect()
}

/// A suspense tenant's other meters in a span of hours, summed over books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MeterRow {
    pub tenant: TenantId,
    pub hour: Hour,
    pub project: String,
    pub sku_id: i32,
    pub quantity: i64,
}

pub async fn suspense_meters(
    conn: &mut PgConnection,
    key: &TenantKey,
    from: Hour,
    to: Hour,
) -> Result<Vec<MeterRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select m.tenant_id, m.hour, m.project, m.sku_id, sum(m.quantity)::bigint as "quantity!"
        from tenants t
        join meter_hours m on m.tenant_id = t.tenant_id
        where t.kind = 'suspense' and t.tenant_key = $1 and m.hour >= $2 and m.hour < $3
        group by m.tenant_id, m.hour, m.project, m.sku_id
        having sum(m.quantity) <> 0
        order by m.tenant_id, m.hour, m.project, m.sku_id
        "#,
        key.as_str(),
        hour_to_sql(from),
        hour_to_sql(to)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| MeterRow {
            tenant: TenantId::from_uuid(r.tenant_id),
            hour: hour_from_sql(r.hour),
            project: r.project,
            sku_id: r.sku_id,
            quantity: r.quantity,
        })
        .collect())
}

/// One line of an adjustment: what it adds to and takes from one row, in an open book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    Give { place: HourPlace, book: i32, ranges: Ranges, energy_mj: i64 },
    Take { place: HourPlace, book: i32, ranges: Ranges, energy_mj: i64 },
    Meter { row: MeterRow, book: i32 },
}

/// Why usage is adjusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A rule gives it to another tenant.
    Reattribution,
    /// Its report was superseded by another one.
    Amendment,
    /// Its report is not believed any more.
    Withdrawal,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reattribution => "reattribution",
            Self::Amendment => "amendment",
            Self::Withdrawal => "withdrawal",
        }
    }
}

/// Who adjusts what, when and why: what each line of an adjustment is recorded with.
#[derive(Clone, Copy, Debug)]
pub struct Adjustment<'a> {
    pub id: Uuid,
    pub kind: Kind,
    pub by: &'a str,
    pub now: Timestamp,
}

/// Writes an adjustment: its lines, append-only, and what they do to the rollups.
pub async fn adjust(conn: &mut PgConnection, of: Adjustment<'_>, lines: &[Line]) -> Result<(), StoreError> {
    for (number, line) in (1_i32..).zip(lines) {
        match line {
            Line::Give { place, book, ranges, energy_mj } => {
                move_ranges(conn, place, *book, ranges, &Ranges::empty(), *energy_mj).await?;
                move_sum(conn, place, *book, ranges.total(), *energy_mj).await?;
                let none = Ranges::empty();
                record_hours(conn, (of, number), place, *book, (ranges, &none), *energy_mj).await?;
            }
            Line::Take { place, book, ranges, energy_mj } => {
                move_ranges(conn, place, *book, &Ranges::empty(), ranges, -energy_mj).await?;
                move_sum(conn, place, *book, -ranges.total(), -energy_mj).await?;
                let none = Ranges::empty();
                record_hours(conn, (of, number), place, *book, (&none, ranges), -energy_mj).await?;
            }
            Line::Meter { row, book } => {
                move_meter(conn, row, *book).await?;
                record_meter(conn, (of, number), row, *book).await?;
            }
        }
    }
    Ok(())
}

/// A give undoes an earlier take of the same book; a take is kept beside what was held.
async fn move_ranges(
    conn: &mut PgConnection,
    place: &HourPlace,
    book: i32,
    give: &Ranges,
    take: &Ranges,
    energy_mj: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into allocation_hours as a (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project,
                                           held, taken_back, energy_mj)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::int4multirange, $10::text::int4multirange, $11)
        on conflict (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project) do update
            set held = a.held + (excluded.held - a.taken_back),
                taken_back = (a.taken_back - excluded.held) + excluded.taken_back,
                energy_mj = a.energy_mj + excluded.energy_mj
        "#,
        place.tenant.uuid(),
        hour_to_sql(place.hour),
        book,
        place.allocation.uuid(),
        place.node.uuid(),
        place.device,
        place.sku_id,
        place.project,
        give.to_string(),
        take.to_string(),
        energy_mj
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn move_sum(
    conn: &mut PgConnection,
    place: &HourPlace,
    book: i32,
    ms: i64,
    energy_mj: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into usage_hours as u (tenant_id, hour, book, project, sku_id, ms, energy_mj)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (tenant_id, hour, book, project, sku_id) do update
            set ms = u.ms + excluded.ms, energy_mj = u.energy_mj + excluded.energy_mj
        "#,
        place.tenant.uuid(),
        hour_to_sql(place.hour),
        book,
        place.project,
        place.sku_id,
        ms,
        energy_mj
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn move_meter(conn: &mut PgConnection, row: &MeterRow, book: i32) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into meter_hours as m (tenant_id, hour, book, project, sku_id, quantity)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (tenant_id, hour, book, project, sku_id) do update set quantity = m.quantity + excluded.quantity
        "#,
        row.tenant.uuid(),
        hour_to_sql(row.hour),
        book,
        row.project,
        row.sku_id,
        row.quantity
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn record_hours(
    conn: &mut PgConnection,
    (of, line): (Adjustment<'_>, i32),
    place: &HourPlace,
    book: i32,
    (held, taken_back): (&Ranges, &Ranges),
    energy_mj: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into adjustments (adjustment_id, line, kind, tenant_id, hour, book, project, sku_id, allocation_id,
                                 node_id, device_id, held, taken_back, energy_mj, created_at, created_by)
        values ($1, $2, $16, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::int4multirange,
                $12::text::int4multirange, $13, $14, $15)
        "#,
        of.id,
        line,
        place.tenant.uuid(),
        hour_to_sql(place.hour),
        book,
        place.project,
        place.sku_id,
        place.allocation.uuid(),
        place.node.uuid(),
        place.device,
        held.to_string(),
        taken_back.to_string(),
        energy_mj,
        to_sql(of.now),
        of.by,
        of.kind.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn record_meter(
    conn: &mut PgConnection,
    (of, line): (Adjustment<'_>, i32),
    row: &MeterRow,
    book: i32,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into adjustments (adjustment_id, line, kind, tenant_id, hour, book, project, sku_id, quantity,
                                 created_at, created_by)
        values ($1, $2, $11, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        of.id,
        line,
        row.tenant.uuid(),
        hour_to_sql(row.hour),
        book,
        row.project,
        row.sku_id,
        row.quantity,
        to_sql(of.now),
        of.by,
        of.kind.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a tenant the names of allocations that it takes over.
pub async fn copy_names(
    conn: &mut PgConnection,
    from: TenantId,
    to: TenantId,
    allocations: &[AllocationId],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = allocations.iter().map(|a| a.uuid()).collect();
    sqlx::query!(
        r#"
        insert into allocations (tenant_id, allocation_id, tenant_key, alloc, first_seen, name, username, labels)
        select $2, allocation_id, tenant_key, alloc, first_seen, name, username, labels
        from allocations where tenant_id = $1 and allocation_id = any($3)
        order by allocation_id
        on conflict do nothing
        "#,
        from.uuid(),
        to.uuid(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}
