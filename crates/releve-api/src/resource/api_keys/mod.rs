//! Who may call? API keys: made, listed, rotated, revoked. A key is shown once, when it is made. An operator looks after all of
//! them here, a tenant after its own in `of_tenant`, with the same functions.

mod of_tenant;
mod rotate;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_store::{
    api_keys::{self, ApiKey},
    audit_log::{self, Change},
};
use releve_types::{TenantId, Timestamp, ids::ApiKeyId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{Caller, OperatorScope, OperatorWriteScope, Role, Scope, mint},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Instant, Name, PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

/// The most scopes of one key.
pub const SCOPES_LEN_MAX: usize = 64;
/// The most keys of one tenant that are neither revoked nor expired.
pub const TENANT_KEYS_LEN_MAX: i64 = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(revoke))
        .merge(rotate::router())
        .merge(of_tenant::router())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    name: Name,
    /// Of: operator:read, operator:billing, operator:write, metrics:read, agent, reading:<meter>, reading:*. Or of a tenant:
    /// tenant:read, with it tenant:billing, with both tenant:admin.
    #[schema(example = json!(["tenant:read"]))]
    scopes: Vec<String>,
    /// With tenant:read, and only with it: which tenant, by id or name. It has at most 100 keys.
    tenant: Option<String>,
    expires_at: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct ApiKeyView {
    id: String,
    name: String,
    /// The first characters of the key.
    hint: String,
    scopes: Vec<String>,
    tenant: Option<String>,
    /// The key that it took the place of when that was rotated.
    replaces: Option<String>,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    /// To the minute.
    last_used_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct MintedView {
    /// The key itself. It is not kept: this is the only time it is shown.
    key: String,
    #[serde(flatten)]
    record: ApiKeyView,
}

impl From<&ApiKey> for ApiKeyView {
    fn from(key: &ApiKey) -> Self {
        let readings = key.meters.iter().map(|meter| format!("reading:{meter}"));
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            hint: key.hint.clone(),
            scopes: key.scopes.iter().cloned().chain(readings).collect(),
            tenant: key.tenant.map(|tenant: TenantId| tenant.to_string()),
            replaces: key.replaces.map(|old| old.to_string()),
            created_at: key.created_at.to_string(),
            created_by: key.created_by.clone(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// Makes a key and shows it, once. Takes no idempotency key: an answer that can be asked for again would have to
/// keep the key.
#[utoipa::path(post, path = "/v1/api-keys", tag = "access", request_body = NewApiKey,
    responses((status = 201, body = MintedView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewApiKey>,
) -> Result<Response, Problem> {
    not_kept(&repeat)?;
    let scopes = checked_scopes(&input)?;
    let by = scope.caller().clone();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let tenant = lookup::tenant_if_named(conn, input.tenant.as_deref()).await?;
            make(conn, (&input.name.0, &scopes, tenant), input.expires_at, &by, now).await
        })
    })
    .await
}

fn not_kept(repeat: &Repeat) -> Result<(), Problem> {
    if repeat.key.is_none() {
        return Ok(());
    }
    Err(Problem::new(Code::IdempotencyNotOffered, "a new key's text is never kept").at("Idempotency-Key"))
}

/// Makes a key, of a tenant or of none.
async fn make(
    conn: &mut PgConnection,
    (name, scopes, tenant): (&str, &[Scope], Option<TenantId>),
    expires_at: Option<Instant>,
    by: &Caller,
    now: Timestamp,
) -> Result<Answer, Problem> {
    if expires_at.as_ref().is_some_and(|at| at.0 <= now) {
        return Err(Problem::field("expires_at", "it lies in the past"));
    }
    room(conn, tenant, now).await?;
    let actor = by.actor();
    let mut minted = mint(name, scopes, tenant, &actor, now)?;
    minted.record.expires_at = expires_at.map(|at| at.0);
    api_keys::insert(conn, &minted.record).await?;
    api_keys::note_minter(conn, minted.record.id, by.minter()).await?;
    let view = ApiKeyView::from(&minted.record);
    let (subject, after) = (view.id.clone(), Some(json!(view)));
    audit_log::add(conn, &Change { actor, action: "api_key.create", subject, before: None, after }, now).await?;
    Answer::created(&MintedView { key: minted.secret, record: view })
}

/// Whether a tenant may have one more key.
async fn room(conn: &mut PgConnection, tenant: Option<TenantId>, now: Timestamp) -> Result<(), Problem> {
    let Some(tenant) = tenant else { return Ok(()) };
    if api_keys::count(conn, tenant, now).await? >= TENANT_KEYS_LEN_MAX {
        let detail = format!("a tenant has at most {TENANT_KEYS_LEN_MAX} keys: revoke one that is not used any more");
        return Err(Problem::field("tenant", detail));
    }
    Ok(())
}

fn checked_scopes(input: &NewApiKey) -> Result<Vec<Scope>, Problem> {
    if input.scopes.is_empty() || input.scopes.len() > SCOPES_LEN_MAX {
        return Err(Problem::field("scopes", format!("a key has 1 to {SCOPES_LEN_MAX} scopes")));
    }
    let scope = |(n, text): (usize, &String)| {
        let field = || Problem::field(format!("scopes[{n}]"), "there is no such scope");
        Scope::parse(text).ok_or_else(field)
    };
    let mut scopes = input.scopes.iter().enumerate().map(scope).collect::<Result<Vec<_>, _>>()?;
    scopes.sort();
    scopes.dedup();
    // A tenant's key names one tenant: whoever gets hold of it can do a role's part in it, and nothing else.
    if scopes.contains(&Scope::TenantRead) != input.tenant.is_some() {
        return Err(Problem::field("tenant", "a key with tenant:read names its tenant, and no other key does"));
    }
    let of_tenant = scopes.iter().any(|scope| Scope::OF_TENANT.contains(scope));
    if of_tenant && Role::of_scopes(&scopes).is_none() {
        let detail =
            "a tenant's key has tenant:read, with it tenant:billing, with both tenant:admin, and no other scope";
        return Err(Problem::field("scopes", detail));
    }
    Ok(scopes)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this tenant only, by id or name.
    tenant: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists keys in the order they were made, without the keys themselves.
#[utoipa::path(get, path = "/v1/api-keys", tag = "access", params(Listing),
    responses((status = 200, body = Paged<ApiKeyView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<ApiKeyView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let tenant = lookup::tenant_if_named(&mut tx, query.tenant.as_deref()).await?;
    listed(&mut tx, tenant, &query.limit, query.cursor.as_deref()).await
}

/// A page of a tenant's keys, or of all.
async fn listed(
    conn: &mut PgConnection,
    tenant: Option<TenantId>,
    limit: &PageLen,
    cursor: Option<&str>,
) -> Result<Json<Paged<ApiKeyView>>, Problem> {
    let request = format!("api keys of {}", tenant.map(|tenant| tenant.to_string()).unwrap_or_default());
    let after: Option<String> = cursor::decode(&request, cursor)?;
    let after: Option<ApiKeyId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let rows = api_keys::keys(conn, tenant, after, limit.and_one()).await?;
    let view = |key: ApiKey| ApiKeyView::from(&key);
    Ok(Json(Paged::of(rows, *limit, &request, |last| last.id.to_string(), view)?))
}

/// Revokes a key at once. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/v1/api-keys/{key}", tag = "access", params(("key" = String, Path)),
    responses((status = 204)), security(("api_key" = ["operator:write"])))]
async fn revoke(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    revoked(&app, scope.caller(), None, reference).await
}

/// The credential that is meant, locked; of one tenant, or whosoever.
async fn known(conn: &mut PgConnection, tenant: Option<TenantId>, reference: &str) -> Result<ApiKey, Problem> {
    let missing = || Problem::not_found("API key", reference);
    let id: ApiKeyId = reference.parse().map_err(|_| missing())?;
    let found = api_keys::lock(conn, id).await?;
    found.filter(|key| tenant.is_none() || key.tenant == tenant).ok_or_else(missing)
}

async fn revoked(
    app: &AppState,
    caller: &Caller,
    tenant: Option<TenantId>,
    reference: String,
) -> Result<Response, Problem> {
    let actor = caller.actor();
    app.write(caller, Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let id = known(conn, tenant, &reference).await?.id;
            api_keys::revoke(conn, id, now).await?;
            let change = Change { actor, action: "api_key.revoke", subject: id.to_string(), before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
