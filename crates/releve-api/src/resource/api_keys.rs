//! Who may call? API keys: made, listed, revoked. A key is shown once, when it is made.

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
use releve_types::{TenantId, ids::ApiKeyId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope, Scope, mint},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Instant, Name, PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

/// The most scopes of one key.
pub const SCOPES_LEN_MAX: usize = 64;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(revoke))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    name: Name,
    /// Of: operator:read, operator:write, metrics:read, agent, reading:<meter>, reading:*, tenant:read.
    #[schema(example = json!(["tenant:read"]))]
    scopes: Vec<String>,
    /// With tenant:read, and only with it: which tenant, by id or name.
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
    if repeat.key.is_some() {
        return Err(Problem::new(Code::IdempotencyNotOffered, "a new key's text is never kept").at("Idempotency-Key"));
    }
    let scopes = checked_scopes(&input)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let tenant = match &input.tenant {
                Some(reference) => {
                    Some(lookup::tenant(conn, reference).await.map_err(|p| lookup::in_field(p, "tenant"))?.id)
                }
                None => None,
            };
            if input.expires_at.as_ref().is_some_and(|at| at.0 <= now) {
                return Err(Problem::field("expires_at", "it lies in the past"));
            }
            let mut minted = mint(&input.name.0, &scopes, tenant, &actor, now)?;
            minted.record.expires_at = input.expires_at.map(|at| at.0);
            api_keys::insert(conn, &minted.record).await?;
            let view = ApiKeyView::from(&minted.record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "api_key.create", subject, before: None, after }, now)
                .await?;
            Answer::created(&MintedView { key: minted.secret, record: view })
        })
    })
    .await
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
    // A tenant's key does one thing: whoever gets hold of it can read one tenant, and nothing else.
    if scopes.contains(&Scope::TenantRead) != input.tenant.is_some() {
        return Err(Problem::field("tenant", "a key with tenant:read names its tenant, and no other key does"));
    }
    if input.tenant.is_some() && scopes.len() > 1 {
        return Err(Problem::field("scopes", "a tenant's key has tenant:read and no other scope"));
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
    let request = format!("api keys of {}", query.tenant.as_deref().unwrap_or_default());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after: Option<ApiKeyId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let tenant = match &query.tenant {
        Some(reference) => {
            Some(lookup::tenant(&mut tx, reference).await.map_err(|p| lookup::in_field(p, "tenant"))?.id)
        }
        None => None,
    };
    let rows = api_keys::keys(&mut tx, tenant, after, query.limit.and_one()).await?;
    let view = |key: ApiKey| ApiKeyView::from(&key);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), view)?))
}

/// Revokes a key at once. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/v1/api-keys/{key}", tag = "access", params(("key" = String, Path)),
    responses((status = 204)), security(("api_key" = ["operator:write"])))]
async fn revoke(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let id: ApiKeyId = reference.parse().map_err(|_| Problem::not_found("API key", &reference))?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            if !api_keys::revoke(conn, id, now).await? {
                return Err(Problem::not_found("API key", &id.to_string()));
            }
            let change = Change { actor, action: "api_key.revoke", subject: id.to_string(), before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
