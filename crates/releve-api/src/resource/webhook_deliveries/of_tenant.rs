//! What became of what a tenant's own endpoint was told?

use axum::{Json, extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{LogListing, ResendSince, ResentView, SentView, WebhookDeliveryView, logged, resent, resent_since, tested};
use crate::{
    AppState,
    auth::{TenantAdminReadScope, TenantAdminScope},
    cursor::Paged,
    error::Problem,
    input::{Command, Params, PathOf},
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(log))
        .routes(routes!(resend))
        .routes(routes!(resend_since))
}

/// Sends a message of the topic `webhook_endpoint.test` to an endpoint of a tenant, whatever its topics are.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/test", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path)), responses((status = 201, body = SentView)),
    security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn test(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    tested(&app, scope.caller(), Some(scope.id()), reference).await
}

/// Lists what an endpoint of a tenant was told, is owed, or was given up, each with its tries; the latest event first. It is kept
/// for 90 days.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/deliveries", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path), LogListing),
    responses((status = 200, body = Paged<WebhookDeliveryView>)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:read"])))]
async fn log(
    scope: TenantAdminReadScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
    Params(query): Params<LogListing>,
) -> Result<Json<Paged<WebhookDeliveryView>>, Problem> {
    let mut tx = scope.begin(&app).await?;
    logged(&mut tx, Some(scope.id()), &reference, &query).await
}

/// Sends one message once more to an endpoint of a tenant, with the same id; its tries start anew.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/deliveries/{event}/resend", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path), ("event" = String, Path)),
    responses((status = 200, body = SentView)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn resend(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference, event)): PathOf<(String, String, String)>,
) -> Result<Response, Problem> {
    resent(&app, scope.caller(), Some(scope.id()), (reference, event)).await
}

/// Sends everything once more that an endpoint of a tenant was given up of what happened since an instant.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/resend", tag = "webhooks",
    params(("tenant" = String, Path), ("endpoint" = String, Path)), request_body = ResendSince,
    responses((status = 200, body = ResentView)), security(("api_key" = ["tenant:admin"]), ("api_key" = ["operator:write"])))]
async fn resend_since(
    scope: TenantAdminScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
    command: Command<ResendSince>,
) -> Result<Response, Problem> {
    resent_since(&app, scope.caller(), Some(scope.id()), reference, command).await
}
