//! Where did a GPU sit, and what was counted of it where?

use releve_types::{Hour, NodeId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{hour_from_sql, to_sql},
};

/// Hours of a GPU that were counted at another node than a move would put it in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradicted {
    pub node: NodeId,
    pub first: Hour,
    pub last: Hour,
    pub hours: i64,
}

/// What a move to `to` from `at` on would contradict: hours of the GPU, whole or in slices, that were counted
/// elsewhere.
pub async fn contradicted(
    conn: &mut PgConnection,
    gpu: Uuid,
    to: NodeId,
    at: Timestamp,
) -> Result<Vec<Contradicted>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select node_id, min(hour) as "first!", max(hour) as "last!", count(distinct hour) as "hours!"
        from allocation_hours
        where (device_id = $1 or device_id in (select slice from device_slices where gpu = $1)) and node_id <> $2 and hour >= $3
        group by node_id
        order by node_id
        "#,
        gpu,
        to.uuid(),
        to_sql(at)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Contradicted {
            node: NodeId::from_uuid(row.node_id),
            first: hour_from_sql(row.first),
            last: hour_from_sql(row.last),
            hours: row.hours,
        })
        .collect())
}
