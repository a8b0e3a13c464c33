//! In which node does a GPU sit? First sight decides, for all time, until a person records a move.

use releve_types::{NodeId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{catalog, pool::StoreError, sql_time::to_sql};

/// One GPU's stay in one node, `[from, to)`; open ends are `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stay {
    pub gpu: Uuid,
    pub node: NodeId,
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
}

impl Stay {
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from_ms.is_none_or(|from| from <= at.as_millis()) && self.to_ms.is_none_or(|to| at.as_millis() < to)
    }
}

/// The stays of these GPUs. Whoever counts by them holds the catalog's version in common, and a move takes the next
/// one: no stay changes under a count, and what was read under a version is true for as long as it is the version.
pub async fn stays(conn: &mut PgConnection, gpus: &[Uuid]) -> Result<Vec<Stay>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select gpu, node_id,
               case when from_at = '-infinity' then null else (extract(epoch from from_at) * 1000)::bigint end as from_ms,
               case when to_at = 'infinity' then null else (extract(epoch from to_at) * 1000)::bigint end as to_ms
        from device_tenure
        where gpu = any($1)
        order by gpu, from_at
        "#,
        gpus
    )
    .fetch_all(conn)
    .await?;
    let stay = |gpu, node, from_ms, to_ms| Stay { gpu, node: NodeId::from_uuid(node), from_ms, to_ms };
    Ok(rows.into_iter().map(|r| stay(r.gpu, r.node_id, r.from_ms, r.to_ms)).collect())
}

/// Gives GPUs that nobody has seen to the node that shows them first. Of two writers at once one waits for
/// the other and then changes nothing: read [`stays`] again to see who won. `firsts` must be sorted by GPU.
pub async fn claim(conn: &mut PgConnection, firsts: &[(Uuid, NodeId)]) -> Result<(), StoreError> {
    let (gpus, nodes): (Vec<Uuid>, Vec<Uuid>) = firsts.iter().map(|(gpu, node)| (*gpu, node.uuid())).unzip();
    sqlx::query!(
        r#"
        insert into device_tenure (gpu, from_at, to_at, node_id)
        select gpu, '-infinity', 'infinity', node_id
        from unnest($1::uuid[], $2::uuid[]) as seen(gpu, node_id)
        order by gpu
        on conflict do nothing
        "#,
        &gpus,
        &nodes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers of which GPU each slice, `(gpu, slice)`, was cut. Must be sorted.
pub async fn remember_slices(conn: &mut PgConnection, slices: &[(Uuid, Uuid)]) -> Result<(), StoreError> {
    let (gpus, slices): (Vec<Uuid>, Vec<Uuid>) = slices.iter().copied().unzip();
    sqlx::query!(
        r#"
        insert into device_slices (gpu, slice)
        select gpu, slice from unnest($1::uuid[], $2::uuid[]) as seen(gpu, slice) order by gpu, slice
        on conflict do nothing
        "#,
        &gpus,
        &slices
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that a GPU moved to a node at a whole hour: splits the stay without end. Takes the next version of the
/// catalog first, so that whoever counts by its stays is done and what they counted is seen by the statements that
/// follow. Returns the stays as they were; None where its last stay begins at or after that hour, or where it has none.
pub async fn record_move(
    conn: &mut PgConnection,
    gpu: Uuid,
    to: NodeId,
    at: Timestamp,
) -> Result<Option<Vec<Stay>>, StoreError> {
    catalog::bump(conn).await?;
    let before = stays(conn, &[gpu]).await?;
    let at = to_sql(at);
    let cut = sqlx::query!(
        "update device_tenure set to_at = $2 where gpu = $1 and from_at < $2 and to_at = 'infinity'",
        gpu,
        at
    )
    .execute(&mut *conn)
    .await?;
    if cut.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query!(
        "insert into device_tenure (gpu, from_at, to_at, node_id) values ($1, $2, 'infinity', $3)",
        gpu,
        at,
        to.uuid()
    )
    .execute(conn)
    .await?;
    Ok(Some(before))
}
