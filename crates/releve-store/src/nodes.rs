//! Which machines are there, since when, where, and what do they sign with? Append-only and dated.

use releve_types::{Hour, NodeId, Timestamp};
use sqlx::PgConnection;

use crate::{
    StoreError,
    sql_time::{from_sql, hour_from_sql, hour_to_sql, to_sql},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    pub id: NodeId,
    pub name: String,
    pub created_at: Timestamp,
}

/// Where a node stands and whether it serves, from an hour on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeState {
    pub from: Hour,
    pub state: ServiceState,
    pub region: String,
    pub site: String,
    pub rack: String,
}

/// Only a node in service is expected to report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServiceState {
    InService,
    Maintenance,
    Retired,
}

impl ServiceState {
    pub const ALL: [Self; 3] = [Self::InService, Self::Maintenance, Self::Retired];

    pub const fn name(self) -> &'static str {
        match self {
            Self::InService => "in_service",
            Self::Maintenance => "maintenance",
            Self::Retired => "retired",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// An Ed25519 key, valid or revoked from an instant on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeKey {
    pub keyid: String,
    pub from: Timestamp,
    pub public_key: [u8; 32],
    pub valid: bool,
}

/// False if the id or the name is taken.
pub async fn insert(conn: &mut PgConnection, node: &Node, version: i64) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into nodes (node_id, name, version, created_at) values ($1, $2, $3, $4) on conflict do nothing",
        node.id.uuid(),
        node.name,
        version,
        to_sql(node.created_at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn append_state(
    conn: &mut PgConnection,
    node: NodeId,
    state: &NodeState,
    version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into node_states (node_id, from_at, version, state, region, site, rack, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        node.uuid(),
        hour_to_sql(state.from),
        version,
        state.state.name(),
        state.region,
        state.site,
        state.rack,
        to_sql(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn append_key(
    conn: &mut PgConnection,
    node: NodeId,
    key: &NodeKey,
    version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into node_keys (node_id, keyid, from_at, version, public_key, valid, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        node.uuid(),
        key.keyid,
        to_sql(key.from),
        version,
        key.public_key.as_slice(),
        key.valid,
        to_sql(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct NodeRow {
    node_id: uuid::Uuid,
    name: String,
    created_at: time::OffsetDateTime,
}

impl From<NodeRow> for Node {
    fn from(row: NodeRow) -> Self {
        Self { id: NodeId::from_uuid(row.node_id), name: row.name, created_at: from_sql(row.created_at) }
    }
}

pub async fn node(conn: &mut PgConnection, id: NodeId) -> Result<Option<Node>, StoreError> {
    let row = sqlx::query_as!(NodeRow, "select node_id, name, created_at from nodes where node_id = $1", id.uuid())
        .fetch_optional(conn)
        .await?;
    Ok(row.map(Node::from))
}

pub async fn node_named(conn: &mut PgConnection, name: &str) -> Result<Option<Node>, StoreError> {
    let row = sqlx::query_as!(NodeRow, "select node_id, name, created_at from nodes where name = $1", name)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(Node::from))
}

/// A node with the state it is in at an instant; none before its first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeNow {
    pub node: Node,
    pub state: Option<NodeState>,
}

/// Nodes by name, after a name, with their state at an instant.
pub async fn nodes(
    conn: &mut PgConnection,
    at: Timestamp,
    after: &str,
    len_max: i64,
) -> Result<Vec<NodeNow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select n.node_id, n.name, n.created_at,
               s.from_at as "from_at?", s.state as "state?", s.region as "region?", s.site as "site?", s.rack as "rack?"
        from nodes n
        left join lateral (
            select s.from_at, s.state, s.region, s.site, s.rack
            from node_states s
            where s.node_id = n.node_id and s.from_at <= $1
            order by s.from_at desc, s.version desc
            limit 1
        ) s on true
        where n.name > $2
        order by n.name
        limit $3
        "#,
        to_sql(at),
        after,
        len_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = match (row.from_at, row.state, row.region, row.site, row.rack) {
                (Some(from_at), Some(state), Some(region), Some(site), Some(rack)) => {
                    Some(node_state(from_at, &state, region, site, rack)?)
                }
                _ => None,
            };
            let node =
                Node { id: NodeId::from_uuid(row.node_id), name: row.name, created_at: from_sql(row.created_at) };
            Ok(NodeNow { node, state })
        })
        .collect()
}

/// A node's states in the order of their start; of several from one hour, the last written holds.
pub async fn states(conn: &mut PgConnection, node: NodeId) -> Result<Vec<NodeState>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select distinct on (from_at) from_at, state, region, site, rack
        from node_states
        where node_id = $1
        order by from_at, version desc
        "#,
        node.uuid()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| node_state(row.from_at, &row.state, row.region, row.site, row.rack)).collect()
}

fn node_state(
    from_at: time::OffsetDateTime,
    state: &str,
    region: String,
    site: String,
    rack: String,
) -> Result<NodeState, StoreError> {
    let known =
        ServiceState::from_name(state).ok_or_else(|| StoreError::inconsistent("node_states", "state", state))?;
    Ok(NodeState { from: hour_from_sql(from_at), state: known, region, site, rack })
}

/// A node's keys in the order they were written.
pub async fn keys(conn: &mut PgConnection, node: NodeId) -> Result<Vec<NodeKey>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select keyid, from_at, public_key, valid
        from node_keys
        where node_id = $1
        order by keyid, from_at, version
        "#,
        node.uuid()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let public_key = <[u8; 32]>::try_from(row.public_key.as_slice())
                .map_err(|e| StoreError::inconsistent("node_keys", "public_key", e))?;
            Ok(NodeKey { keyid: row.keyid, from: from_sql(row.from_at), public_key, valid: row.valid })
        })
        .collect()
}
