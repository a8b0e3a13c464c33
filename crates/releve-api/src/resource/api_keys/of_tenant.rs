//! Which programs of a tenant may call? Its own keys, which its admins look after.

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiKeyView, MintedView, listed, make, not_kept, revoked,
    rotate::{Rotation, rotated},
};
use crate::{
    AppState,
    auth::{Role, Scope, TenantAdminReadScope, TenantAdminScope},
    cursor::Paged,
    error::Problem,
    input::{Command, Instant, Name, Page, Params, PathOf},
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(revoke)).routes(routes!(rotate))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenantApiKey {
    /// What it is for.
    name: Name,
    /// `viewer` (if absent), `billing` or `admin`: not above the role of who asks.
    #[schema(example = "viewer")]
    role: Option<String>,
    expires_at: Option<Instant>,
}

/// Makes a key of a tenant and shows it, once. A tenant has at most 100. Takes no idempotency key: the key is not kept.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/api-keys", tag = "access", params(("tenant" = String, Path)),
    request_body = NewTenantApiKey, responses((status = 201, body = MintedView)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn create(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewTenantApiKey>,
) -> Result<Response, Problem> {
    not_kept(&repeat)?;
    let role = input.role.as_deref().map_or(Some(Role::Viewer), Role::from_name);
    let role = role.ok_or_else(|| Problem::field("role", "expected viewer, billing or admin"))?;
    let scopes = role.of_tenant();
    // Nobody gives what they don't have.
    if !scope.caller().has(&Scope::OperatorWrite) && !scopes.iter().all(|one| scope.caller().has(one)) {
        return Err(Problem::field("role", "it is above your own"));
    }
    let (by, tenant) = (scope.caller().clone(), scope.id());
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move { make(conn, (&input.name.0, scopes, Some(tenant)), input.expires_at, &by, now).await })
    })
    .await
}

/// Lists a tenant's keys in the order they were made, without the keys themselves.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/api-keys", tag = "access", params(("tenant" = String, Path), Page),
    responses((status = 200, body = Paged<ApiKeyView>)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantAdminReadScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<ApiKeyView>>, Problem> {
    let mut tx = scope.begin(&app).await?;
    listed(&mut tx, Some(scope.id()), &query.limit, query.cursor.as_deref()).await
}

/// Revokes a key of a tenant at once, with the sessions that came from it. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/api-keys/{key}", tag = "access",
    params(("tenant" = String, Path), ("key" = String, Path)), responses((status = 204)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn revoke(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    revoked(&app, scope.caller(), Some(scope.id()), reference).await
}

/// Makes a key that takes the place of another of the tenant, and shows it, once; the old one ends after the grace time.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/api-keys/{key}/rotate", tag = "access",
    params(("tenant" = String, Path), ("key" = String, Path)), request_body = Rotation,
    responses((status = 201, body = MintedView)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn rotate(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
    command: Command<Rotation>,
) -> Result<Response, Problem> {
    rotated(&app, scope.caller(), Some(scope.id()), reference, command).await
}
