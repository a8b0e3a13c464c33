//! Do the stored figures agree with each other? Read in one snapshot, so that what is written meanwhile is in none.

use releve_types::{AllocationId, Hour, InvoiceId, NodeId, Period, Ranges, TenantId, TenantKey, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    moves::HourPlace,
    pool::StoreError,
    sql_time::{from_sql, hour_from_sql, hour_to_sql, to_sql},
};

/// Makes all that follows in this transaction read one state of the database. Call it first.
pub async fn one_snapshot(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(conn).await?;
    Ok(())
}

/// What an allocation held of a device in an hour, in one book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookRow {
    pub place: HourPlace,
    pub held: Ranges,
    pub taken_back: Ranges,
    pub energy_mj: i64,
}

/// Allocation hours of a span, by place, then by book.
pub async fn allocation_hours(conn: &mut PgConnection, from: Hour, to: Hour) -> Result<Vec<BookRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select tenant_id, hour, allocation_id, node_id, device_id, sku_id, project, held::text as "held!",
               taken_back::text as "taken_back!", energy_mj
        from allocation_hours
        where hour >= $1 and hour < $2
        order by tenant_id, hour, allocation_id, node_id, device_id, sku_id, project, book
        "#,
        hour_to_sql(from),
        hour_to_sql(to)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(BookRow {
                place: HourPlace {
                    tenant: TenantId::from_uuid(r.tenant_id),
                    hour: hour_from_sql(r.hour),
                    allocation: AllocationId::from_uuid(r.allocation_id),
                    node: NodeId::from_uuid(r.node_id),
                    device: r.device_id,
                    sku_id: r.sku_id,
                    project: r.project,
                },
                held: ranges(&r.held)?,
                taken_back: ranges(&r.taken_back)?,
                energy_mj: r.energy_mj,
            })
        })
        .collect()
}

/// The adjustments of allocation hours of a span, in the order in which they were made.
pub async fn adjustments(conn: &mut PgConnection, from: Hour, to: Hour) -> Result<Vec<BookRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select tenant_id, hour, allocation_id as "allocation_id!", node_id as "node_id!", device_id as "device_id!",
               sku_id, project, held::text as "held!", taken_back::text as "taken_back!", energy_mj
        from adjustments
        where hour >= $1 and hour < $2 and allocation_id is not null
        order by created_at, adjustment_id, line
        "#,
        hour_to_sql(from),
        hour_to_sql(to)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(BookRow {
                place: HourPlace {
                    tenant: TenantId::from_uuid(r.tenant_id),
                    hour: hour_from_sql(r.hour),
                    allocation: AllocationId::from_uuid(r.allocation_id),
                    node: NodeId::from_uuid(r.node_id),
                    device: r.device_id,
                    sku_id: r.sku_id,
                    project: r.project,
                },
                held: ranges(&r.held)?,
                taken_back: ranges(&r.taken_back)?,
                energy_mj: r.energy_mj,
            })
        })
        .collect()
}

fn ranges(text: &str) -> Result<Ranges, StoreError> {
    text.parse().map_err(|e| StoreError::inconsistent("allocation_hours", "held", e))
}

/// An hour whose two rollups disagree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HourDifference {
    pub tenant: TenantId,
    pub hour: Hour,
    pub book: i32,
    pub project: String,
    pub sku: String,
    pub allocation_ms: i64,
    pub usage_ms: i64,
    pub allocation_mj: i64,
    pub usage_mj: i64,
}

/// Where allocation hours do not sum to usage hours, book by book.
pub async fn hour_differences(conn: &mut PgConnection, period: Period) -> Result<Vec<HourDifference>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with held as (
            select tenant_id, hour, book, project, sku_id,
                   sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(held) r)
                     - (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(taken_back) r))::bigint as ms,
                   sum(energy_mj)::bigint as energy_mj
            from allocation_hours
            where hour >= $1 and hour < $2
            group by tenant_id, hour, book, project, sku_id
        ), used as (
            select tenant_id, hour, book, project, sku_id, ms, energy_mj
            from usage_hours
            where hour >= $1 and hour < $2
        )
        select tenant_id as "tenant_id!", hour as "hour!", book as "book!", project as "project!", s.sku as "sku!",
               coalesce(held.ms, 0) as "allocation_ms!", coalesce(used.ms, 0) as "usage_ms!",
               coalesce(held.energy_mj, 0) as "allocation_mj!", coalesce(used.energy_mj, 0) as "usage_mj!"
        from held
        full join used using (tenant_id, hour, book, project, sku_id)
        join skus s using (sku_id)
        where (coalesce(held.ms, 0), coalesce(held.energy_mj, 0))
              is distinct from (coalesce(used.ms, 0), coalesce(used.energy_mj, 0))
        order by tenant_id, hour, book, project, s.sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| HourDifference {
            tenant: TenantId::from_uuid(r.tenant_id),
            hour: hour_from_sql(r.hour),
            book: r.book,
            project: r.project,
            sku: r.sku,
            allocation_ms: r.allocation_ms,
            usage_ms: r.usage_ms,
            allocation_mj: r.allocation_mj,
            usage_mj: r.usage_mj,
        })
        .collect())
}

/// An issued invoice that says another quantity than was used in the books it closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvoiceDifference {
    pub number: String,
    pub tenant: TenantId,
    pub sku: String,
    pub lines: i64,
    pub used: i64,
}

/// Where metered quantities on lines are not the usage of the books that were closed. Of all issued invoices that
/// touch the period, each over its own.
pub async fn invoice_differences(
    conn: &mut PgConnection,
    period: Period,
) -> Result<Vec<InvoiceDifference>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with billed as (
            select * from invoices where state = 'issued' and credit_id is null and period_start < $2 and period_end > $1
        ), bound as (
            -- A credit note that takes a period back whole leaves no quantity on its lines, whatever was used.
            select * from billed b
            where not exists (select from voids v
                              where v.account_id = b.account_id and v.period_start = b.period_start and v.book = b.book)
        ), said as (
            select b.invoice_id, l.tenant_id, l.sku, sum(l.metered)::bigint as quantity
            from bound b
            join billed d on d.account_id = b.account_id and d.period_start = b.period_start and d.book <= b.book
            join invoice_lines l on l.account_id = d.account_id and l.invoice_id = d.invoice_id
            group by b.invoice_id, l.tenant_id, l.sku
        ), used as (
            select invoice_id, tenant_id, sku, sum(quantity)::bigint as quantity
            from (
                select b.invoice_id, t.tenant_id, s.sku, u.ms as quantity
                from bound b
                join tenants t on t.account_id = b.account_id
                join usage_hours u on u.tenant_id = t.tenant_id and u.hour >= b.period_start and u.hour < b.period_end
                join skus s on s.sku_id = u.sku_id
                where u.book <= b.book
                union all
                select b.invoice_id, t.tenant_id, s.sku, m.quantity
                from bound b
                join tenants t on t.account_id = b.account_id
                join meter_hours m on m.tenant_id = t.tenant_id and m.hour >= b.period_start and m.hour < b.period_end
                join skus s on s.sku_id = m.sku_id
                where m.book <= b.book
            ) hours
            group by invoice_id, tenant_id, sku
        )
        select i.number as "number!", tenant_id as "tenant_id!", sku as "sku!",
               coalesce(said.quantity, 0) as "lines!", coalesce(used.quantity, 0) as "used!"
        from said
        full join used using (invoice_id, tenant_id, sku)
        join invoices i using (invoice_id)
        where coalesce(said.quantity, 0) <> coalesce(used.quantity, 0)
        order by i.number, tenant_id, sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| InvoiceDifference {
            number: r.number,
            tenant: TenantId::from_uuid(r.tenant_id),
            sku: r.sku,
            lines: r.lines,
            used: r.used,
        })
        .collect())
}

/// A tenant's usage of a SKU, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageSum {
    pub tenant: TenantId,
    pub sku: String,
    pub used: i64,
    /// In a book that an issued invoice closed.
    pub billed: i64,
    pub suspense: bool,
}

/// Sums usage hours and meter hours of a period.
pub async fn usage_sums(conn: &mut PgConnection, period: Period) -> Result<Vec<UsageSum>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select t.tenant_id, t.kind = 'suspense' as "suspense!", s.sku, sum(used.quantity)::bigint as "used!",
               (coalesce(sum(used.quantity) filter (where exists (
                   select from invoices i
                   where i.account_id = t.account_id and i.state = 'issued' and i.credit_id is null and i.book >= used.book
                     and i.period_start = used.period_start
                     and not exists (select from voids v
                                     where v.account_id = i.account_id and v.period_start = i.period_start
                                       and v.book >= i.book))), 0))::bigint as "billed!"
        from (
            select u.tenant_id, u.sku_id, u.book, p.period_start, sum(u.ms) as quantity
            from usage_hours u
            join tenants t on t.tenant_id = u.tenant_id
            left join periods p on p.account_id = t.account_id and p.period_start <= u.hour and u.hour < p.period_end
            where u.hour >= $1 and u.hour < $2
            group by u.tenant_id, u.sku_id, u.book, p.period_start
            union all
            select m.tenant_id, m.sku_id, m.book, p.period_start, sum(m.quantity)
            from meter_hours m
            join tenants t on t.tenant_id = m.tenant_id
            left join periods p on p.account_id = t.account_id and p.period_start <= m.hour and m.hour < p.period_end
            where m.hour >= $1 and m.hour < $2
            group by m.tenant_id, m.sku_id, m.book, p.period_start
        ) used
        join tenants t on t.tenant_id = used.tenant_id
        join skus s on s.sku_id = used.sku_id
        group by t.tenant_id, t.kind, s.sku
        order by t.tenant_id, s.sku
        "#,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| UsageSum {
            tenant: TenantId::from_uuid(r.tenant_id),
            sku: r.sku,
            used: r.used,
            billed: r.billed,
            suspense: r.suspense,
        })
        .collect())
}

/// A series in which numbers and invoices don't match one to one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeriesDifference {
    pub series: String,
    pub year: i32,
    pub last_serial: i64,
    pub issued: i64,
}

/// Series with a number that no invoice carries. Serials are unique, so counting them is enough.
pub async fn series_differences(conn: &mut PgConnection) -> Result<Vec<SeriesDifference>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select n.series, n.year, n.last_serial, count(i.invoice_id) as "issued!"
        from number_series n
        left join invoices i on i.issuer_id = n.issuer_id and i.series = n.series and i.year = n.year
                            and i.state = 'issued' and i.serial between 1 and n.last_serial
        group by n.issuer_id, n.series, n.year, n.last_serial
        having count(i.invoice_id) <> n.last_serial
        order by n.series, n.year
        "#
    )
    .fetch_all(conn)
    .await?;
    let row = |series, year, last_serial, issued| SeriesDifference { series, year, last_serial, issued };
    Ok(rows.into_iter().map(|r| row(r.series, r.year, r.last_serial, r.issued)).collect())
}

/// Issued invoices that touch a period, after one.
pub async fn issued_ids(
    conn: &mut PgConnection,
    period: Period,
    after: Option<InvoiceId>,
    len_max: i64,
) -> Result<Vec<InvoiceId>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select invoice_id from invoices
        where state = 'issued' and period_start < $2 and period_end > $1 and ($3::uuid is null or invoice_id > $3)
        order by invoice_id
        limit $4
        "#,
        to_sql(period.start()),
        to_sql(period.end()),
        after.map(InvoiceId::uuid),
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| InvoiceId::from_uuid(r.invoice_id)).collect())
}

/// A dated fact with the version of the catalog that brought it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dated<K, T> {
    pub of: K,
    pub from: Timestamp,
    pub version: i64,
    pub value: T,
}

/// Whom each key stood for, in every version.
pub async fn rule_history(conn: &mut PgConnection) -> Result<Vec<Dated<TenantKey, Option<TenantId>>>, StoreError> {
    let rows =
        sqlx::query!("select tenant_key, from_at, version, tenant_id from tenant_key_rules").fetch_all(conn).await?;
    rows.into_iter()
        .map(|r| {
            Ok(Dated {
                of: TenantKey::new(&r.tenant_key)
                    .map_err(|e| StoreError::inconsistent("tenant_key_rules", "tenant_key", e))?,
                from: from_sql(r.from_at),
                version: r.version,
                value: r.tenant_id.map(TenantId::from_uuid),
            })
        })
        .collect()
}

/// In which region each node stood, in every version: what of its place is part of a SKU.
pub async fn region_history(conn: &mut PgConnection) -> Result<Vec<Dated<NodeId, String>>, StoreError> {
    let rows = sqlx::query!("select node_id, from_at, version, region from node_states").fetch_all(conn).await?;
    let row =
        |node: Uuid, from, version, value| Dated { of: NodeId::from_uuid(node), from: from_sql(from), version, value };
    Ok(rows.into_iter().map(|r| row(r.node_id, r.from_at, r.version, r.region)).collect())
}

/// The public keys that were valid, in every version; none where one was revoked.
pub async fn key_history(
    conn: &mut PgConnection,
) -> Result<Vec<Dated<(NodeId, String), Option<[u8; 32]>>>, StoreError> {
    let rows = sqlx::query!("select node_id, keyid, from_at, version, public_key, valid from node_keys")
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|r| {
            let wrong = |_| StoreError::inconsistent("node_keys", "public_key", "not 32 bytes");
            let key = <[u8; 32]>::try_from(r.public_key.as_slice()).map_err(wrong)?;
            Ok(Dated {
                of: (NodeId::from_uuid(r.node_id), r.keyid),
                from: from_sql(r.from_at),
                version: r.version,
                value: r.valid.then_some(key),
            })
        })
        .collect()
}
