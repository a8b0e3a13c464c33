//! Was this node's time reported before? The statement by which it counts once, and the reads beside it.

use releve_metering::NodeDay;
use releve_types::{NodeId, Ranges};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_from_sql, day_to_sql},
};

/// Adds each node-day's ranges where they don't overlap what is there; returns the node-days that took them.
/// The others are untouched, and locked until the transaction ends. Served by the primary key; rows go in
/// ascending order, so that two writers never wait in a circle. No two rows may share a node-day.
pub async fn add(conn: &mut PgConnection, rows: &[(NodeDay, Ranges)]) -> Result<Vec<NodeDay>, StoreError> {
    let nodes: Vec<Uuid> = rows.iter().map(|(key, _)| key.node.uuid()).collect();
    let days: Vec<Date> = rows.iter().map(|(key, _)| day_to_sql(key.day)).collect();
    let ranges: Vec<String> = rows.iter().map(|(_, ranges)| ranges.to_string()).collect();
    let taken = sqlx::query!(
        r#"
        insert into node_coverage as c (node_id, day, covered)
        select node_id, day, covered::int4multirange
        from unnest($1::uuid[], $2::date[], $3::text[]) as said(node_id, day, covered)
        order by node_id, day
        on conflict (node_id, day) do update
            set covered = c.covered + excluded.covered
            where not c.covered && excluded.covered
        returning node_id, day
        "#,
        &nodes,
        &days,
        &ranges
    )
    .fetch_all(conn)
    .await?;
    Ok(taken.into_iter().map(|r| NodeDay { node: NodeId::from_uuid(r.node_id), day: day_from_sql(r.day) }).collect())
}

/// Holds a node's day until the transaction ends, and tells what is covered of it. None if nothing ever was.
pub async fn lock(conn: &mut PgConnection, key: NodeDay) -> Result<Option<Ranges>, StoreError> {
    let row = sqlx::query!(
        r#"select covered::text as "covered!" from node_coverage where node_id = $1 and day = $2 for update"#,
        key.node.uuid(),
        day_to_sql(key.day)
    )
    .fetch_optional(conn)
    .await?;
    row.map(|r| r.covered.parse().map_err(|e| StoreError::inconsistent("node_coverage", "covered", e))).transpose()
}

/// Takes back that a node's time was reported. Hold the day.
pub async fn remove(conn: &mut PgConnection, key: NodeDay, ranges: &Ranges) -> Result<(), StoreError> {
    sqlx::query!(
        "update node_coverage set covered = covered - $3::text::int4multirange where node_id = $1 and day = $2",
        key.node.uuid(),
        day_to_sql(key.day),
        ranges.to_string()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is covered of these node-days.
pub async fn read(conn: &mut PgConnection, keys: &[NodeDay]) -> Result<Vec<(NodeDay, Ranges)>, StoreError> {
    let nodes: Vec<Uuid> = keys.iter().map(|key| key.node.uuid()).collect();
    let days: Vec<Date> = keys.iter().map(|key| day_to_sql(key.day)).collect();
    let rows = sqlx::query!(
        r#"
        select c.node_id, c.day, c.covered::text as "covered!"
        from unnest($1::uuid[], $2::date[]) as asked(node_id, day)
        join node_coverage c on c.node_id = asked.node_id and c.day = asked.day
        "#,
        &nodes,
        &days
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            let covered = r.covered.parse().map_err(|e| StoreError::inconsistent("node_coverage", "covered", e))?;
            Ok((NodeDay { node: NodeId::from_uuid(r.node_id), day: day_from_sql(r.day) }, covered))
        })
        .collect()
}
