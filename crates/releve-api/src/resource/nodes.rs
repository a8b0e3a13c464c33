//! Which machines report, where do they stand, and what do they sign with?

use axum::{Json, extract::State, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use releve_store::{
    audit_log::{self, Change},
    catalog,
    nodes::{self, Node, NodeKey, NodeNow, NodeState, ServiceState},
};
use releve_types::{Hour, NodeId, Sku, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Instant, Line, Name, Page, Params, PathOf, WholeHour},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show))
        .routes(routes!(add_state))
        .routes(routes!(add_key))
        .routes(routes!(revoke_key))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNode {
    name: Name,
    /// Made if absent. An agent that made its own id brings it.
    #[schema(example = "nod_01900000000070008000000000000000")]
    id: Option<String>,
    #[serde(default = "in_service")]
    state: String,
    #[schema(example = "eu-west")]
    region: Line,
    site: Option<Line>,
    rack: Option<Line>,
    /// Since when it serves; the current whole hour if absent.
    from: Option<WholeHour>,
    /// What the node signs with; more can be added later.
    key: Option<NewKey>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// `in_service` (expected to report), `maintenance` (may report) or `retired` (may not).
    #[serde(default = "in_service")]
    state: String,
    /// Part of the SKU.
    #[schema(example = "eu-west")]
    region: Line,
    site: Option<Line>,
    rack: Option<Line>,
    /// The current whole hour if absent.
    from: Option<WholeHour>,
}

fn in_service() -> String {
    ServiceState::InService.name().to_owned()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// As the node writes it beside its signatures.
    keyid: Name,
    /// Ed25519: 32 bytes, as 64 hexadecimal digits or as base64.
    public_key: String,
    /// Judged at a window's end. From the start of the node's first state if absent, or now for a later key.
    from: Option<Instant>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Reports of windows that end later are not believed. Now if absent.
    from: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct NodeView {
    id: String,
    name: String,
    created_at: String,
    /// Where it stands now; none before its first state.
    state: Option<StateView>,
}

#[derive(Serialize, ToSchema)]
pub struct NodeDetailView {
    id: String,
    name: String,
    created_at: String,
    states: Vec<StateView>,
    keys: Vec<KeyView>,
}

#[derive(Serialize, ToSchema)]
pub struct StateView {
    from: String,
    state: &'static str,
    region: String,
    site: String,
    rack: String,
}

#[derive(Serialize, ToSchema)]
pub struct KeyView {
    keyid: String,
    from: String,
    public_key: String,
    /// False from where it is revoked.
    valid: bool,
}

impl From<&NodeState> for StateView {
    fn from(state: &NodeState) -> Self {
        Self {
            from: state.from.to_string(),
            state: state.state.name(),
            region: state.region.clone(),
            site: state.site.clone(),
            rack: state.rack.clone(),
        }
    }
}

impl From<&NodeKey> for KeyView {
    fn from(key: &NodeKey) -> Self {
        Self {
            keyid: key.keyid.clone(),
            from: key.from.to_string(),
            public_key: hex::encode(key.public_key),
            valid: key.valid,
        }
    }
}

fn checked_state(change: StateChange, now: Timestamp) -> Result<NodeState, Problem> {
    let state = ServiceState::from_name(&change.state)
        .ok_or_else(|| Problem::field("state", "expected in_service, maintenance or retired"))?;
    // The region becomes part of a SKU, so what could not is refused now and not in each report.
    Sku::meter("region", &change.region.0).map_err(|error| Problem::field("region", error))?;
    let text = |line: Option<Line>| line.map_or_else(String::new, |l| l.0);
    Ok(NodeState {
        from: change.from.map_or_else(|| now.hour(), |from| from.0),
        state,
        region: change.region.0,
        site: text(change.site),
        rack: text(change.rack),
    })
}

fn checked_key(key: NewKey, default_from: Timestamp, field: &str) -> Result<NodeKey, Problem> {
    let text = key.public_key.trim();
    let bytes = if text.len() == 64 { hex::decode(text).ok() } else { STANDARD.decode(text).ok() };
    let public_key = bytes
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| Problem::field(field, "an Ed25519 key has 32 bytes, as 64 hexadecimal digits or as base64"))?;
    Ok(NodeKey { keyid: key.keyid.0, from: key.from.map_or(default_from, |f| f.0), public_key, valid: true })
}

/// Registers a node with its first state, and its key if it is known.
#[utoipa::path(post, path = "/v1/nodes", tag = "catalog", request_body = NewNode,
    responses((status = 201, body = NodeDetailView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewNode>,
) -> Result<Response, Problem> {
    let given: Option<NodeId> = input.id.as_deref().map(|id| lookup::parsed("id", id)).transpose()?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let NewNode { name, state, region, site, rack, from, key, .. } = input;
            let state = checked_state(StateChange { state, region, site, rack, from }, now)?;
            let start = state.from.start();
            let key = key.map(|key| checked_key(key, start, "key.public_key")).transpose()?;
            let id = given.unwrap_or_else(|| NodeId::fresh(now));
            let node = Node { id, name: name.0, created_at: now };
            let version = catalog::bump(conn).await?;
            if !nodes::insert(conn, &node, version).await? {
                return Err(Problem::new(Code::NameTaken, "there is a node of this name or id").at("name"));
            }
            nodes::append_state(conn, id, &state, version, now).await?;
            if let Some(key) = &key {
                nodes::append_key(conn, id, key, version, now).await?;
            }
            let view = detail(&node, &[state], key.as_slice());
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "node.create", subject, before: None, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

fn detail(node: &Node, states: &[NodeState], keys: &[NodeKey]) -> NodeDetailView {
    NodeDetailView {
        id: node.id.to_string(),
        name: node.name.clone(),
        created_at: node.created_at.to_string(),
        states: states.iter().map(StateView::from).collect(),
        keys: keys.iter().map(KeyView::from).collect(),
    }
}

/// Lists nodes by name, with their state now.
#[utoipa::path(get, path = "/v1/nodes", tag = "catalog", params(Page),
    responses((status = 200, body = Paged<NodeView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<NodeView>>, Problem> {
    let after: Option<String> = cursor::decode("nodes", query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let after = after.as_deref().unwrap_or_default();
    let rows = nodes::nodes(&mut tx, app.now(), after, query.limit.and_one()).await?;
    let view = |row: NodeNow| NodeView {
        id: row.node.id.to_string(),
        name: row.node.name,
        created_at: row.node.created_at.to_string(),
        state: row.state.as_ref().map(StateView::from),
    };
    Ok(Json(Paged::of(rows, query.limit, "nodes", |last| last.node.name.clone(), view)?))
}

/// Shows a node with all its states and keys, by id or name.
#[utoipa::path(get, path = "/v1/nodes/{node}", tag = "catalog", params(("node" = String, Path)),
    responses((status = 200, body = NodeDetailView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<NodeDetailView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let node = lookup::node(&mut tx, &reference).await?;
    let states = nodes::states(&mut tx, node.id).await?;
    let keys = nodes::keys(&mut tx, node.id).await?;
    Ok(Json(detail(&node, &states, &keys)))
}

/// Says where a node stands and whether it serves, from an hour on.
#[utoipa::path(post, path = "/v1/nodes/{node}/states", tag = "catalog", params(("node" = String, Path)),
    request_body = StateChange,
    responses((status = 201, body = StateView)), security(("api_key" = ["operator:write"])))]
async fn add_state(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<StateChange>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let node = lookup::node(conn, &reference).await?;
            let state = checked_state(input, now)?;
            let before = state_at(&nodes::states(conn, node.id).await?, state.from).map(|s| json!(StateView::from(s)));
            let version = catalog::bump(conn).await?;
            nodes::append_state(conn, node.id, &state, version, now).await?;
            let view = StateView::from(&state);
            let (subject, after) = (node.id.to_string(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "node.state", subject, before, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

fn state_at(states: &[NodeState], at: Hour) -> Option<&NodeState> {
    states.iter().rev().find(|state| state.from <= at)
}

/// Adds a key that a node signs with.
#[utoipa::path(post, path = "/v1/nodes/{node}/keys", tag = "catalog", params(("node" = String, Path)),
    request_body = NewKey,
    responses((status = 201, body = KeyView)), security(("api_key" = ["operator:write"])))]
async fn add_key(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewKey>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let node = lookup::node(conn, &reference).await?;
            let key = checked_key(input, now, "public_key")?;
            let version = catalog::bump(conn).await?;
            if nodes::keys(conn, node.id).await?.iter().any(|known| known.keyid == key.keyid) {
                return Err(Problem::new(Code::NameTaken, "the node has a key of this id").at("keyid"));
            }
            nodes::append_key(conn, node.id, &key, version, now).await?;
            let view = KeyView::from(&key);
            let (subject, after) = (node.id.to_string(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "node.key", subject, before: None, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Revokes a node's key from an instant on.
#[utoipa::path(post, path = "/v1/nodes/{node}/keys/{keyid}/revoke", tag = "catalog",
    params(("node" = String, Path), ("keyid" = String, Path)), request_body = Revocation,
    responses((status = 201, body = KeyView)), security(("api_key" = ["operator:write"])))]
async fn revoke_key(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf((reference, keyid)): PathOf<(String, String)>,
    Command { input, repeat }: Command<Revocation>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let node = lookup::node(conn, &reference).await?;
            let version = catalog::bump(conn).await?;
            let mut known = nodes::keys(conn, node.id).await?;
            known.retain(|key| key.keyid == keyid);
            // The rows of one key come in the order of their start: it is valid from the first valid one on.
            let start = known.iter().filter(|key| key.valid).map(|key| key.from).min();
            let known = known.pop().ok_or_else(|| Problem::not_found("key", &keyid))?;
            let from = input.from.map_or(now, |f| f.0);
            if let Some(start) = start.filter(|start| from < *start) {
                let detail = format!("the key is valid from {start} on: what ends before that revokes nothing of it");
                return Err(Problem::field("from", detail));
            }
            let revoked = NodeKey { from, valid: false, ..known };
            nodes::append_key(conn, node.id, &revoked, version, now).await?;
            let view = KeyView::from(&revoked);
            let (subject, after) = (node.id.to_string(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "node.key.revoke", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}
