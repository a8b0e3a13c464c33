//! What did accounts use in a period, as rating takes it? Sums over the rollups, for many accounts at once.
//!
//! All books are read: whoever bills a period for the first time does so under the lock of its only book.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{AccountId, AllocationId, Hour, Period, Sku, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{hour_from_sql, hour_to_sql, to_sql},
};

/// A SKU's number in the rollups.
pub type SkuNumber = i32;

/// Every SKU by its number.
pub async fn sku_names(conn: &mut PgConnection) -> Result<BTreeMap<SkuNumber, Sku>, StoreError> {
    let rows = sqlx::query!("select sku_id, sku from skus").fetch_all(conn).await?;
    rows.into_iter()
        .map(|r| Ok((r.sku_id, r.sku.parse().map_err(|e| StoreError::inconsistent("skus", "sku", e))?)))
        .collect()
}

/// Which account each of the accounts' tenants belongs to.
pub async fn tenants_of(
    conn: &mut PgConnection,
    accounts: &[AccountId],
) -> Result<BTreeMap<TenantId, AccountId>, StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.uuid()).collect();
    let rows =
        sqlx::query!(r#"select tenant_id, account_id as "account_id!" from tenants where account_id = any($1)"#, &ids)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|r| (TenantId::from_uuid(r.tenant_id), AccountId::from_uuid(r.account_id))).collect())
}

/// A period in pieces, each ending where the next begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pieces {
    period: Period,
    /// Where the pieces after the first begin.
    cuts: Vec<Hour>,
}

impl Pieces {
    pub fn new(period: Period, cuts: &BTreeSet<Hour>) -> Self {
        let inside = |hour: &&Hour| **hour > period.first_hour() && period.contains_hour(**hour);
        Self { period, cuts: cuts.iter().filter(inside).copied().collect() }
    }

    /// The piece of that number, from 0.
    fn stretch(&self, number: i32) -> Option<Period> {
        let number = usize::try_from(number).ok()?;
        let start = if number == 0 { self.period.first_hour() } else { *self.cuts.get(number - 1)? };
        let end = self.cuts.get(number).copied().unwrap_or(self.period.end_hour());
        Period::of_hours(start, end).ok()
    }

    fn cuts_to_sql(&self) -> Vec<OffsetDateTime> {
        self.cuts.iter().map(|hour| hour_to_sql(*hour)).collect()
    }

    fn of_row(&self, number: i32) -> Result<Period, StoreError> {
        self.stretch(number).ok_or_else(|| StoreError::inconsistent("usage_hours", "hour", number))
    }
}

/// What a tenant's project used of a SKU within one piece of the period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemRow {
    pub tenant: TenantId,
    pub project: String,
    pub sku: SkuNumber,
    pub stretch: Period,
    /// None where the sums pass 64 bits: a fault of this row's account alone.
    pub sums: Option<Sums>,
}

/// How much, and with what energy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sums {
    pub quantity: i64,
    pub energy_mj: i64,
}

/// Sums as the database gave them, which gives none where one passes 64 bits.
fn sums(quantity: Option<i64>, energy_mj: Option<i64>) -> Option<Sums> {
    Some(Sums { quantity: quantity?, energy_mj: energy_mj? })
}

/// For more tenants than this, a pass over everybody's hours costs less than asking of each hour whether it is theirs.
const ASKED_FOR_MAX: usize = 500;

/// Sums usage hours and meter hours of the tenants, by whose ids the map goes. For few the primary keys serve; for
/// thousands, one pass over the month's partition.
pub async fn items<T>(
    conn: &mut PgConnection,
    tenants: &BTreeMap<TenantId, T>,
    pieces: &Pieces,
) -> Result<Vec<ItemRow>, StoreError> {
    let everybody = tenants.len() > ASKED_FOR_MAX;
    let ids: Vec<Uuid> = tenants.keys().take(ASKED_FOR_MAX).map(|t| t.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select tenant_id as "tenant_id!", project as "project!", sku_id as "sku_id!", piece as "piece!",
               case when quantity between -9223372036854775808 and 9223372036854775807 then quantity::bigint end as quantity,
               case when energy_mj between -9223372036854775808 and 9223372036854775807 then energy_mj::bigint end
                   as energy_mj
        from (
            select tenant_id, project, sku_id,
                   case when cardinality($2::timestamptz[]) = 0 then 0 else width_bucket(hour, $2) end as piece,
                   sum(ms) as quantity, sum(energy_mj) as energy_mj
            from usage_hours
            where hour >= $3 and hour < $4 and ($5 or tenant_id = any($1))
            group by tenant_id, project, sku_id, piece
            union all
            select tenant_id, project, sku_id,
                   case when cardinality($2::timestamptz[]) = 0 then 0 else width_bucket(hour, $2) end as piece,
                   sum(quantity), 0
            from meter_hours
            where hour >= $3 and hour < $4 and ($5 or tenant_id = any($1))
            group by tenant_id, project, sku_id, piece
        ) sums
        where quantity <> 0 or energy_mj <> 0
        "#,
        &ids,
        &pieces.cuts_to_sql(),
        to_sql(pieces.period.start()),
        to_sql(pieces.period.end()),
        everybody
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .filter(|r| tenants.contains_key(&TenantId::from_uuid(r.tenant_id)))
        .map(|r| {
            Ok(ItemRow {
                tenant: TenantId::from_uuid(r.tenant_id),
                project: r.project,
                sku: r.sku_id,
                stretch: pieces.of_row(r.piece)?,
                sums: sums(r.quantity, r.energy_mj),
            })
        })
        .collect()
}

/// Whether an account's tenants have more than so many rows of GPU usage in an hour. Served by the primary key, tenant by tenant.
pub async fn has_more_in(
    conn: &mut PgConnection,
    account: AccountId,
    hour: Hour,
    len_max: i64,
) -> Result<bool, StoreError> {
    let len = sqlx::query_scalar!(
        r#"
        select count(*) as "len!"
        from (
            select from tenants t
            cross join lateral (
                select from usage_hours u where u.tenant_id = t.tenant_id and u.hour = $2 limit $3::bigint + 1
            ) row
            where t.account_id = $1
            limit $3::bigint + 1
        ) as found
        "#,
        account.uuid(),
        hour_to_sql(hour),
        len_max
    );
    Ok(len.fetch_one(conn).await? > len_max)
}

/// Memory that a statement over one large account may sum and sort in, for each step of it: hundreds of thousands of sums take a tenth of
/// the time there that they take on disk.
const WORK_MEM: &str = "64MB";

/// Gives the transaction's statements that memory.
pub(crate) async fn roomy(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("select set_config('work_mem', $1, true)").bind(WORK_MEM).execute(conn).await?;
    Ok(())
}

/// Tenants and their SKUs as two columns.
fn asked(of: &BTreeSet<(TenantId, SkuNumber)>) -> (Vec<Uuid>, Vec<SkuNumber>) {
    of.iter().map(|(tenant, sku)| (tenant.uuid(), *sku)).unzip()
}

/// The same of these tenants' SKUs alone, hour by hour.
pub async fn hours(
    conn: &mut PgConnection,
    of: &BTreeSet<(TenantId, SkuNumber)>,
    period: Period,
) -> Result<Vec<ItemRow>, StoreError> {
    roomy(conn).await?;
    let (tenants, skus) = asked(of);
    let rows = sqlx::query!(
        r#"
        select u.tenant_id as "tenant_id!", u.project as "project!", u.sku_id as "sku_id!", u.hour as "hour!",
               case when sum(u.ms) between -9223372036854775808 and 9223372036854775807 then sum(u.ms)::bigint end
                   as quantity,
               case when sum(u.energy_mj) between -9223372036854775808 and 9223372036854775807
                   then sum(u.energy_mj)::bigint end as energy_mj
        from unnest($1::uuid[], $2::int4[]) as asked(tenant_id, sku_id)
        join usage_hours u on u.tenant_id = asked.tenant_id and u.sku_id = asked.sku_id
        where u.hour >= $3 and u.hour < $4
        group by u.tenant_id, u.project, u.sku_id, u.hour
        having sum(u.ms) <> 0 or sum(u.energy_mj) <> 0
        "#,
        &tenants,
        &skus,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let hour = hour_from_sql(r.hour);
            let stretch = Period::of_hours(hour, hour.next());
            Ok(ItemRow {
                tenant: TenantId::from_uuid(r.tenant_id),
                project: r.project,
                sku: r.sku_id,
                stretch: stretch.map_err(|e| StoreError::inconsistent("usage_hours", "hour", e))?,
                sums: sums(r.quantity, r.energy_mj),
            })
        })
        .collect()
}

/// For how long, within an hour, an account held exactly so many devices of a SKU at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtOnceRow {
    pub account: AccountId,
    pub sku: SkuNumber,
    pub hour: Hour,
    pub devices: u32,
    pub ms: i64,
}

/// Sweeps over the allocation hours of these tenants' SKUs, all tenants of an account together: one more where a device
/// begins to be held, one less where it ends, and the other way round for what a later book took back.
pub async fn at_once(
    conn: &mut PgConnection,
    of: &BTreeSet<(TenantId, SkuNumber)>,
    period: Period,
) -> Result<Vec<AtOnceRow>, StoreError> {
    roomy(conn).await?;
    let (tenants, skus) = asked(of);
    let rows = sqlx::query!(
        r#"
        with held as (
            select t.account_id, a.sku_id, a.hour, a.held, a.taken_back
            from unnest($1::uuid[], $2::int4[]) as asked(tenant_id, sku_id)
            join tenants t on t.tenant_id = asked.tenant_id
            join allocation_hours a on a.tenant_id = asked.tenant_id and a.sku_id = asked.sku_id
            where a.hour >= $3 and a.hour < $4
        ), edges as (
            select account_id, sku_id, hour, at, sum(step) as step
            from (
                select account_id, sku_id, hour, lower(r) as at, 1 as step from held, unnest(held.held) r
                union all
                select account_id, sku_id, hour, upper(r), -1 from held, unnest(held.held) r
                union all
                select account_id, sku_id, hour, lower(r), -1 from held, unnest(held.taken_back) r
                union all
                select account_id, sku_id, hour, upper(r), 1 from held, unnest(held.taken_back) r
            ) step
            group by account_id, sku_id, hour, at
        ), runs as (
            select account_id, sku_id, hour, sum(step) over so_far as devices, lead(at) over so_far - at as ms
            from edges
            window so_far as (partition by account_id, sku_id, hour order by at)
        )
        select account_id as "account_id!", sku_id as "sku_id!", hour as "hour!", devices::bigint as "devices!",
               sum(ms)::bigint as "ms!"
        from runs
        where devices <> 0 and ms > 0
        group by account_id, sku_id, hour, devices
        "#,
        &tenants,
        &skus,
        to_sql(period.start()),
        to_sql(period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let wrong = |e| StoreError::inconsistent("allocation_hours", "held", format!("{} at once: {e}", r.devices));
            Ok(AtOnceRow {
                account: AccountId::from_uuid(r.account_id),
                sku: r.sku_id,
                hour: hour_from_sql(r.hour),
                devices: u32::try_from(r.devices).map_err(wrong)?,
                ms: r.ms,
            })
        })
        .collect()
}

/// What an allocation held of a device within one piece of the period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldRow {
    pub tenant: TenantId,
    pub project: String,
    pub sku: SkuNumber,
    pub allocation: AllocationId,
    pub device: Uuid,
    pub stretch: Period,
    /// None where the sums pass 64 bits.
    pub sums: Option<Sums>,
}

/// Sums allocation hours of these tenants' SKUs. What a later book took back is off: taken back is only what was
/// held, so lengths subtract.
pub async fn held(
    conn: &mut PgConnection,
    of: &BTreeSet<(TenantId, SkuNumber)>,
    pieces: &Pieces,
) -> Result<Vec<HeldRow>, StoreError> {
    roomy(conn).await?;
    let (tenants, skus) = asked(of);
    let rows = sqlx::query!(
        r#"
        select tenant_id as "tenant_id!", project as "project!", sku_id as "sku_id!", allocation_id as "allocation_id!",
               device_id as "device_id!", piece as "piece!",
               case when held between -9223372036854775808 and 9223372036854775807 then held::bigint end as held,
               case when energy_mj between -9223372036854775808 and 9223372036854775807 then energy_mj::bigint end
                   as energy_mj
        from (
            select a.tenant_id, a.project, a.sku_id, a.allocation_id, a.device_id,
                   case when cardinality($3::timestamptz[]) = 0 then 0 else width_bucket(a.hour, $3) end as piece,
                   sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(a.held) r)
                     - (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(a.taken_back) r)) as held,
                   sum(a.energy_mj) as energy_mj
            from unnest($1::uuid[], $2::int4[]) as asked(tenant_id, sku_id)
            join allocation_hours a on a.tenant_id = asked.tenant_id and a.sku_id = asked.sku_id
            where a.hour >= $4 and a.hour < $5
            group by a.tenant_id, a.project, a.sku_id, a.allocation_id, a.device_id, piece
        ) sums
        where held <> 0 or energy_mj <> 0
        "#,
        &tenants,
        &skus,
        &pieces.cuts_to_sql(),
        to_sql(pieces.period.start()),
        to_sql(pieces.period.end())
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(HeldRow {
                tenant: TenantId::from_uuid(r.tenant_id),
                project: r.project,
                sku: r.sku_id,
                allocation: AllocationId::from_uuid(r.allocation_id),
                device: r.device_id,
                stretch: pieces.of_row(r.piece)?,
                sums: sums(r.held, r.energy_mj),
            })
        })
        .collect()
}

/// A question about another time: what did these allocations of a tenant hold of a SKU in a stretch?
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherStretch {
    pub tenant: TenantId,
    pub sku: SkuNumber,
    pub stretch: Period,
}

/// What one allocation held of one device, by the number of the question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtherRow {
    pub question: usize,
    pub allocation: AllocationId,
    pub device: Uuid,
    pub held: i64,
}

/// Answers questions about what allocations that were held in a period held at another time.
pub async fn held_elsewhere(
    conn: &mut PgConnection,
    questions: &[OtherStretch],
    allocations: &BTreeSet<AllocationId>,
) -> Result<Vec<OtherRow>, StoreError> {
    let tenants: Vec<Uuid> = questions.iter().map(|q| q.tenant.uuid()).collect();
    let skus: Vec<i32> = questions.iter().map(|q| q.sku).collect();
    let starts: Vec<_> = questions.iter().map(|q| to_sql(q.stretch.start())).collect();
    let ends: Vec<_> = questions.iter().map(|q| to_sql(q.stretch.end())).collect();
    let allocations: Vec<Uuid> = allocations.iter().map(|a| a.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select asked.ord as "ord!", a.allocation_id as "allocation_id!", a.device_id as "device_id!",
               sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(a.held) r)
                 - (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(a.taken_back) r))::bigint as "held!"
        from unnest($1::uuid[], $2::int4[], $3::timestamptz[], $4::timestamptz[])
             with ordinality as asked(tenant_id, sku_id, from_at, to_at, ord)
        join allocation_hours a on a.tenant_id = asked.tenant_id and a.sku_id = asked.sku_id
             and a.hour >= asked.from_at and a.hour < asked.to_at
        where a.allocation_id = any($5)
        group by asked.ord, a.allocation_id, a.device_id
        "#,
        &tenants,
        &skus,
        &starts,
        &ends,
        &allocations
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let question = usize::try_from(r.ord - 1).map_err(|e| StoreError::inconsistent("unnest", "ord", e))?;
            let (allocation, device) = (AllocationId::from_uuid(r.allocation_id), r.device_id);
            Ok(OtherRow { question, allocation, device, held: r.held })
        })
        .collect()
}
