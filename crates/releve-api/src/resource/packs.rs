//! On what does an invoice rest? Its evidence pack: all that it takes to make it again, without a neighbour's part in it.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use releve_jobs::pack::pack;
use releve_store::invoices::{InvoiceHead, InvoiceState};
use releve_types::AccountId;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, TenantScope},
    error::{Code, Problem},
    input::PathOf,
    lookup,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_invoice)).routes(routes!(of_tenant))
}

/// Gives an issued invoice's evidence pack, a tar archive: the invoice, what it rests on, and of the nodes' signed reports the account's
/// own part. `releve verify` makes the invoice again of it, offline.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/pack", tag = "billing", params(("invoice" = String, Path)),
    responses((status = 200, content_type = "application/x-tar", body = Vec<u8>)), security(("api_key" = ["operator:read"])))]
async fn of_invoice(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let mut tx = app.db().begin_app().await?;
    let head = lookup::invoice(&mut tx, &reference).await?;
    tx.commit().await?;
    made(&app, head, None).await
}

/// Gives the evidence pack of an issued invoice of a tenant's account.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/invoices/{invoice}/pack", tag = "tenant",
    params(("tenant" = String, Path), ("invoice" = String, Path)),
    responses((status = 200, content_type = "application/x-tar", body = Vec<u8>)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    // Looked up behind the wall: what is not the account's is not there.
    let mut tx = scope.begin(&app).await?;
    let head = lookup::invoice(&mut tx, &reference).await?;
    tx.commit().await?;
    made(&app, head, Some(scope.account())).await
}

async fn made(app: &AppState, head: InvoiceHead, account: Option<AccountId>) -> Result<Response, Problem> {
    if head.state != InvoiceState::Issued || account.is_some_and(|account| account != head.account) {
        return Err(Problem::not_found("issued invoice", &head.id.to_string()));
    }
    if head.credit.is_some() {
        let why = "it rests on a payment and on nothing that was used: there is nothing to recompute";
        return Err(Problem::new(Code::NotFound, why));
    }
    let made = pack(app.db(), head.id).await.map_err(|error| Problem::internal(&error))?;
    let bytes = made.ok_or_else(|| {
        let why = "its documents are not rendered yet, or it was issued before what invoices rest on was kept";
        Problem::new(Code::NotFound, why)
    })?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"))], bytes).into_response())
}
