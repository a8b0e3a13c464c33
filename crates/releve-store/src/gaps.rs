//! Which in-service time of which node was never reported, and whom does that concern?

use releve_types::{NodeId, Period, TenantId, Timestamp, time::MILLIS_PER_DAY};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql, from_sql, to_sql},
};

/// A stretch in which a node was in service and said nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    pub node: NodeId,
    pub name: String,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Who held the node in the last window before or the first after; nobody: only the operator is concerned.
    pub concerned: Vec<Concerned>,
    /// The earliest day of the reports that say so: without it, the gap would concern nobody, or somebody else.
    pub told_on: Option<i64>,
}

/// What a gap may have cost a tenant: its held time in the neighbouring window, stretched over the gap; of the two
/// windows, the larger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Concerned {
    pub tenant: TenantId,
    pub gpu_ms: i64,
}

/// The gaps of a period, by node and time: in-service time − coverage − accepted.
pub async fn gaps(conn: &mut PgConnection, period: Period) -> Result<Vec<Gap>, StoreError> {
    missing(conn, period, false).await
}

/// What is missing of a period still, and was accepted: in-service time ∩ accepted − coverage.
pub async fn accepted(conn: &mut PgConnection, period: Period) -> Result<Vec<Gap>, StoreError> {
    if acceptances(conn, period).await? > 0 { missing(conn, period, true).await } else { Ok(Vec::new()) }
}

/// How many acceptances touch a period: it only grows.
pub async fn acceptances(conn: &mut PgConnection, period: Period) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from gap_acceptances where from_at < $2 and to_at > $1"#,
        to_sql(period.start()),
        to_sql(period.end())
    );
    Ok(count.fetch_one(conn).await?)
}

/// The nodes of which some of a period was not reported, whether in service or not: most of a fleet said all, and this is the quick way
/// to leave it alone. Served by `node_coverage_by_day`.
async fn lacking(conn: &mut PgConnection, period: Period) -> Result<Vec<Uuid>, StoreError> {
    let (first, last) = (period.start().day(), period.end().plus_millis(-1).day());
    let of_day = |at: Timestamp, day: i64| at.as_millis() - day * MILLIS_PER_DAY;
    let nodes = sqlx::query_scalar!(
        r#"
        select n.node_id from nodes n
        where not exists (
            select from (
                select node_id from node_coverage
                where day between $1 and $2
                  and covered @> int4range((case when day = $1 then $3::bigint else 0 end)::int,
                                           (case when day = $2 then $4::bigint else 86400000 end)::int)
                group by node_id
                having count(*) = $2 - $1 + 1
            ) whole
            where whole.node_id = n.node_id)
        "#,
        day_to_sql(first),
        day_to_sql(last),
        of_day(period.start(), first),
        of_day(period.end(), last)
    );
    Ok(nodes.fetch_all(conn).await?)
}

async fn missing(conn: &mut PgConnection, period: Period, accepted: bool) -> Result<Vec<Gap>, StoreError> {
    let lacking = lacking(conn, period).await?;
    if lacking.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"
        with service as (
            select node_id, range_agg(tstzrange(greatest(from_at, $1), least(coalesce(to_at, $2), $2))) as expected
            from node_service
            where node_id = any($6) and from_at < $2 and (to_at is null or to_at > $1)
            group by node_id
        ), said as (
            select c.node_id, range_agg(tstzrange(m.midnight + lower(r) * interval '1 millisecond',
                                                  m.midnight + upper(r) * interval '1 millisecond')) as covered
            from node_coverage c
            cross join lateral (select c.day::timestamp at time zone 'UTC' as midnight) m
            cross join lateral unnest(c.covered) r
            where c.node_id = any($6) and c.day between $3 and $4
            group by c.node_id
        ), settled as (
            select node_id, range_agg(tstzrange(from_at, to_at)) as accepted
            from gap_acceptances
            where from_at < $2 and to_at > $1
            group by node_id
        )
        select n.node_id as "node_id!", n.name as "name!", lower(missing) as "from_at!", upper(missing) as "to_at!"
        from service
        join nodes n on n.node_id = service.node_id
        left join said on said.node_id = service.node_id
        left join settled on settled.node_id = service.node_id
        cross join lateral unnest(case when $5
                                       then service.expected * coalesce(settled.accepted, '{}') - coalesce(said.covered, '{}')
                                       else service.expected - coalesce(said.covered, '{}') - coalesce(settled.accepted, '{}')
                                  end) as missing
        order by n.node_id, missing
        "#,
        to_sql(period.start()),
        to_sql(period.end()),
        day_to_sql(period.start().day()),
        day_to_sql(period.end().plus_millis(-1).day()),
        accepted,
        &lacking
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut gaps: Vec<Gap> = rows
        .into_iter()
        .map(|r| Gap {
            node: NodeId::from_uuid(r.node_id),
            name: r.name,
            from: from_sql(r.from_at),
            to: from_sql(r.to_at),
            concerned: Vec::new(),
            told_on: None,
        })
        .collect();
    concern(conn, &mut gaps).await?;
    Ok(gaps)
}

/// Fills in whom each gap concerns. The last window before is the one that began last before the gap did; the
/// first after is the first that ended after the gap did: so a hole in the middle of a window has that window on
/// both sides. Served by the reports' primary key, read backwards and forwards from the gap.
async fn concern(conn: &mut PgConnection, gaps: &mut [Gap]) -> Result<(), StoreError> {
    let nodes: Vec<Uuid> = gaps.iter().map(|g| g.node.uuid()).collect();
    let froms: Vec<_> = gaps.iter().map(|g| to_sql(g.from)).collect();
    let tos: Vec<_> = gaps.iter().map(|g| to_sql(g.to)).collect();
    let rows = sqlx::query!(
        r#"
        with gaps as (
            select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
                 with ordinality as asked(node_id, from_at, to_at, ord)
        ), edges as (
            select g.ord, g.node_id, g.to_at - g.from_at as len, edge.day, edge.window_start
            from gaps g
            cross join lateral (
                select r.day, r.window_start from reports r
                where r.node_id = g.node_id and r.day <= (g.from_at at time zone 'UTC')::date
                  and r.window_start < g.from_at and r.status in ('counted', 'late_known')
                order by r.day desc, r.window_start desc limit 1
            ) edge
            union
            select g.ord, g.node_id, g.to_at - g.from_at, edge.day, edge.window_start
            from gaps g
            cross join lateral (
                select r.day, r.window_start from reports r
                where r.node_id = g.node_id and r.day >= ((g.to_at - interval '1 hour') at time zone 'UTC')::date
                  and r.window_start > g.to_at - interval '1 hour' and r.window_end > g.to_at
                  and r.status in ('counted', 'late_known')
                order by r.day, r.window_start limit 1
            ) edge
        ), held as (
            select e.ord, e.day, e.window_start, h.tenant_id,
                   sum(h.held_ms) * (extract(epoch from e.len) * 1000)
                       / (extract(epoch from max(r.window_end) - e.window_start) * 1000) as gpu_ms
            from edges e
            join reports r on r.day = e.day and r.node_id = e.node_id and r.window_start = e.window_start
                          and r.status in ('counted', 'late_known')
            cross join lateral unnest(r.tenants, r.held_ms) as h(tenant_id, held_ms)
            group by e.ord, e.len, e.day, e.window_start, h.tenant_id
        )
        select ord as "ord!", tenant_id as "tenant_id!", ceil(max(gpu_ms))::bigint as "gpu_ms!", min(day) as "day!"
        from held
        group by ord, tenant_id
        having max(gpu_ms) > 0
        order by ord, tenant_id
        "#,
        &nodes,
        &froms,
        &tos
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let at = usize::try_from(row.ord - 1).map_err(|e| StoreError::inconsistent("unnest", "ord", e))?;
        if let Some(gap) = gaps.get_mut(at) {
            gap.concerned.push(Concerned { tenant: TenantId::from_uuid(row.tenant_id), gpu_ms: row.gpu_ms });
            let day = day_from_sql(row.day);
            gap.told_on = Some(gap.told_on.map_or(day, |known| known.min(day)));
        }
    }
    Ok(())
}

/// A person's decision to bill around a missing stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acceptance {
    pub node: NodeId,
    pub from: Timestamp,
    pub to: Timestamp,
    pub reason: String,
    pub accepted_by: String,
}

/// Accepts a stretch; false if the very same one was accepted before, which stands.
pub async fn accept(conn: &mut PgConnection, acceptance: &Acceptance, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into gap_acceptances (node_id, from_at, to_at, reason, accepted_by, accepted_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        "#,
        acceptance.node.uuid(),
        to_sql(acceptance.from),
        to_sql(acceptance.to),
        acceptance.reason,
        acceptance.accepted_by,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
