//! Where does a tenant want to be told? Endpoints that its admins look after.

use axum::{Json, extract::State, response::Response};
use releve_store::webhooks as endpoints;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    WebhookEndpointChange, WebhookEndpointView, WebhookSecretView, changed, checked_topics, checked_url, known, listed,
    make, not_kept, removed, rotated,
};
use crate::{
    AppState,
    auth::{TenantAdminReadScope, TenantAdminScope},
    cursor::Paged,
    error::Problem,
    input::{Command, Line, Page, Params, PathOf},
};

/// The most endpoints of one tenant.
pub const TENANT_ENDPOINTS_LEN_MAX: i64 = 20;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show, change, remove)).routes(routes!(rotate))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenantWebhookEndpoint {
    /// Where messages are posted: https, up to 2048 bytes, to a public address or where the operator lets tenants' messages go.
    #[schema(example = "https://example.com/hooks/releve")]
    url: String,
    /// What it is for.
    description: Option<Line>,
    /// Of: budget.reached, spend.anomaly, credits.low, commitment.under_used, purchase_order.low, invoice.issued, invoice.overdue,
    /// question.asked, question.answered, webhook_endpoint.disabled. If absent or empty: all. What concerns the account as a whole is
    /// told of while it has no other tenant: it holds what all of them used.
    topics: Option<Vec<String>>,
}

/// Makes an endpoint of a tenant and shows its secret, once. A tenant has at most 20. It is told what happens from then on. Takes
/// no idempotency key.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints", tag = "webhooks", params(("tenant" = String, Path)),
    request_body = NewTenantWebhookEndpoint, responses((status = 201, body = WebhookSecretView)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn create(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewTenantWebhookEndpoint>,
) -> Result<Response, Problem> {
    not_kept(&repeat)?;
    let (tenant, account) = (scope.id(), scope.account());
    let NewTenantWebhookEndpoint { url, description, topics } = input;
    let url = checked_url(Some(tenant), url)?;
    let topics = checked_topics(Some(tenant), topics.unwrap_or_default())?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            if endpoints::count(conn, tenant).await? >= TENANT_ENDPOINTS_LEN_MAX {
                let detail = format!("a tenant has at most {TENANT_ENDPOINTS_LEN_MAX} endpoints: remove one first");
                return Err(Problem::field("url", detail));
            }
            make(conn, (Some(account), Some(tenant)), (url, description, topics), actor, now).await
        })
    })
    .await
}

/// Lists a tenant's endpoints in the order they were made.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/webhook-endpoints", tag = "webhooks",
    params(("tenant" = String, Path), Page), responses((status = 200, body = Paged<WebhookEndpointView>)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantAdminReadScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<WebhookEndpointView>>, Problem> {
    let mut tx = scope.begin(&app).await?;
    listed(&mut tx, (None, Some(scope.id())), &query.limit, query.cursor.as_deref()).await
}

/// Shows an endpoint of a tenant.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path)), responses((status = 200, body = WebhookEndpointView)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:read"])))]
async fn show(
    scope: TenantAdminReadScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Json<WebhookEndpointView>, Problem> {
    let mut tx = scope.begin(&app).await?;
    Ok(Json(WebhookEndpointView::from(&known(&mut tx, Some(scope.id()), &reference).await?)))
}

/// Changes an endpoint of a tenant. What is not given stays.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path)), request_body = WebhookEndpointChange,
    responses((status = 200, body = WebhookEndpointView)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn change(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
    command: Command<WebhookEndpointChange>,
) -> Result<Response, Problem> {
    changed(&app, scope.caller(), Some(scope.id()), reference, command).await
}

/// Removes an endpoint of a tenant. What it was still owed is given up.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path)), responses((status = 204)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn remove(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    removed(&app, scope.caller(), Some(scope.id()), reference).await
}

/// Makes a new secret and shows it, once. For 24 hours messages carry two signatures, of the new one and of the one before.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/rotate-secret", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path)), responses((status = 200, body = WebhookSecretView)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn rotate(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    rotated(&app, scope.caller(), Some(scope.id()), reference).await
}
