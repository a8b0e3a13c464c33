//! What was true, when? Loads the catalog that reports are judged by, and tells whether it moved.

use std::collections::BTreeMap;

use releve_metering::catalog::{Catalog, Home, KeyState, NodeRecord, NodeState, Place, Rule, Steps};
use releve_types::{AccountId, NodeId, TenantId, TenantKey, Timestamp, Zone};
use sqlx::PgConnection;

use crate::{pool::StoreError, sql_time::from_sql};

/// The current version, held in common until the transaction ends: a change waits, and judges are not overtaken.
pub async fn version_for_share(conn: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query!("select version from catalog_head for share").fetch_one(conn).await?.version)
}

/// Takes the next version, alone, for a change that is written in the same transaction.
pub async fn bump(conn: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query!("update catalog_head set version = version + 1 returning version").fetch_one(conn).await?.version)
}

/// Everything that a report is judged by, as of one version.
pub async fn load(conn: &mut PgConnection) -> Result<Catalog, StoreError> {
    let version = version_for_share(conn).await?;
    let mut nodes = load_places(conn).await?;
    load_keys(conn, &mut nodes).await?;
    let rules = load_rules(conn).await?;
    let (homes, names) = load_homes(conn).await?;
    Ok(Catalog { version, nodes, rules, homes, names })
}

async fn load_places(conn: &mut PgConnection) -> Result<BTreeMap<NodeId, NodeRecord>, StoreError> {
    let rows =
        sqlx::query!("select node_id, from_at, version, state, region, site, rack from node_states order by node_id")
            .fetch_all(conn)
            .await?;
    let mut places: BTreeMap<NodeId, Vec<(Timestamp, i64, Place)>> = BTreeMap::new();
    for row in rows {
        let state =
            NodeState::parse(&row.state).ok_or_else(|| StoreError::inconsistent("node_states", "state", &row.state))?;
        let place = Place { state, region: row.region, site: row.site, rack: row.rack };
        places.entry(NodeId::from_uuid(row.node_id)).or_default().push((from_sql(row.from_at), row.version, place));
    }
    let record = |rows| NodeRecord { places: Steps::from_rows(rows), keys: BTreeMap::new() };
    Ok(places.into_iter().map(|(node, rows)| (node, record(rows))).collect())
}

async fn load_keys(conn: &mut PgConnection, nodes: &mut BTreeMap<NodeId, NodeRecord>) -> Result<(), StoreError> {
    let rows = sqlx::query!("select node_id, keyid, from_at, version, public_key, valid from node_keys")
        .fetch_all(conn)
        .await?;
    let mut keys: BTreeMap<(NodeId, String), Vec<_>> = BTreeMap::new();
    for row in rows {
        let public_key = <[u8; 32]>::try_from(row.public_key.as_slice())
            .map_err(|_| StoreError::inconsistent("node_keys", "public_key", "not 32 bytes"))?;
        let state = KeyState { public_key, valid: row.valid };
        let key = (NodeId::from_uuid(row.node_id), row.keyid);
        keys.entry(key).or_default().push((from_sql(row.from_at), row.version, state));
    }
    for ((node, keyid), rows) in keys {
        nodes.entry(node).or_default().keys.insert(keyid, Steps::from_rows(rows));
    }
    Ok(())
}

async fn load_rules(conn: &mut PgConnection) -> Result<BTreeMap<TenantKey, Steps<Rule>>, StoreError> {
    let rows =
        sqlx::query!("select tenant_key, from_at, version, tenant_id from tenant_key_rules").fetch_all(conn).await?;
    let mut rules: BTreeMap<TenantKey, Vec<(Timestamp, i64, Rule)>> = BTreeMap::new();
    for row in rows {
        let key = TenantKey::new(&row.tenant_key)
            .map_err(|e| StoreError::inconsistent("tenant_key_rules", "tenant_key", e))?;
        let rule = Rule { tenant: row.tenant_id.map(TenantId::from_uuid) };
        rules.entry(key).or_default().push((from_sql(row.from_at), row.version, rule));
    }
    Ok(rules.into_iter().map(|(key, rows)| (key, Steps::from_rows(rows))).collect())
}

type Homes = (BTreeMap<TenantId, Home>, BTreeMap<String, TenantId>);

async fn load_homes(conn: &mut PgConnection) -> Result<Homes, StoreError> {
    let rows = sqlx::query!(
        r#"
        select t.tenant_id, t.name, a.account_id, i.zone
        from tenants t
        join accounts a on a.account_id = t.account_id
        join issuers i on i.issuer_id = a.issuer_id
        "#
    )
    .fetch_all(conn)
    .await?;
    let (mut homes, mut names, mut zones) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::<String, Zone>::new());
    for row in rows {
        let zone = match zones.get(&row.zone) {
            Some(zone) => zone.clone(),
            None => {
                let zone = Zone::new(&row.zone).map_err(|e| StoreError::inconsistent("issuers", "zone", e))?;
                zones.insert(row.zone, zone.clone());
                zone
            }
        };
        let tenant = TenantId::from_uuid(row.tenant_id);
        homes.insert(tenant, Home { account: AccountId::from_uuid(row.account_id), zone });
        names.insert(row.name, tenant);
    }
    Ok((homes, names))
}
