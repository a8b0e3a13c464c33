//! How much of the nodes' in-service time was reported? Per node, and for the fleet.

use releve_types::{NodeId, Period};
use sqlx::PgConnection;

use crate::{
    pool::StoreError,
    sql_time::{day_to_sql, to_sql},
};

/// Of one node in one stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeCoverage {
    pub node: NodeId,
    pub name: String,
    /// Milliseconds in service.
    pub expected_ms: i64,
    /// Those of them that were reported.
    pub covered_ms: i64,
}

/// Nodes that were in service in a period, by name, after a name. Served by the primary keys of node_states and
/// node_coverage.
pub async fn nodes(
    conn: &mut PgConnection,
    period: Period,
    after: &str,
    len_max: i64,
) -> Result<Vec<NodeCoverage>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with service as (
            select n.node_id, n.name,
                   range_agg(tstzrange(greatest(s.from_at, $1), least(coalesce(s.to_at, $2), $2))) as expected
            from node_service s
            join nodes n on n.node_id = s.node_id
            where s.from_at < $2 and (s.to_at is null or s.to_at > $1) and n.name > $5
            group by n.node_id, n.name
            order by n.name
            limit $6
        )
        select s.node_id as "node_id!", s.name as "name!",
               (select coalesce(sum(extract(epoch from upper(e) - lower(e)) * 1000), 0)::bigint
                from unnest(s.expected) e) as "expected_ms!",
               (select coalesce(sum(extract(epoch from upper(c) - lower(c)) * 1000), 0)::bigint
                from unnest(s.expected * coalesce(said.covered, '{}')) c) as "covered_ms!"
        from service s
        left join lateral (
            select range_agg(tstzrange(m.midnight + lower(r) * interval '1 millisecond',
                                       m.midnight + upper(r) * interval '1 millisecond')) as covered
            from node_coverage c
            cross join lateral (select c.day::timestamp at time zone 'UTC' as midnight) m
            cross join lateral unnest(c.covered) r
            where c.node_id = s.node_id and c.day between $3 and $4
        ) said on true
        order by s.name
        "#,
        to_sql(period.start()),
        to_sql(period.end()),
        day_to_sql(period.start().day()),
        day_to_sql(period.end().plus_millis(-1).day()),
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| NodeCoverage {
            node: NodeId::from_uuid(row.node_id),
            name: row.name,
            expected_ms: row.expected_ms,
            covered_ms: row.covered_ms,
        })
        .collect())
}

/// Of all nodes together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FleetCoverage {
    pub nodes: i64,
    pub expected_ms: i64,
    pub covered_ms: i64,
}

pub async fn fleet(conn: &mut PgConnection, period: Period) -> Result<FleetCoverage, StoreError> {
    let mut fleet = FleetCoverage::default();
    for node in nodes(conn, period, "", i64::MAX).await? {
        fleet.nodes += 1;
        fleet.expected_ms += node.expected_ms;
        fleet.covered_ms += node.covered_ms;
    }
    Ok(fleet)
}
