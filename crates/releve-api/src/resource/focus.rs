//! What does a customer's own FOCUS file say? The month's rows of its account, as of now.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use releve_documents::table::Format;
use releve_jobs::exports;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, auth::TenantScope, error::Problem, input::Params, lookup};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_tenant))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asking {
    /// A month of the seller's zone, `YYYY-MM`; the current one if absent.
    #[param(example = "2026-10")]
    period: Option<String>,
    /// `csv` (the default) or `parquet`.
    format: Option<String>,
}

/// Gives a month of a tenant's account in FOCUS 1.2 (Cost and Usage): its documents by allocation and day with tax, commitments, credits
/// and rounding, so that each invoice's BilledCost sums up to what is due on it, and what is not invoiced yet. Of other tenants of the
/// account, what stands on its invoice, without their allocations.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/focus", tag = "tenant", params(("tenant" = String, Path), Asking),
    responses((status = 200, content_type = "text/csv", body = Vec<u8>)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(asking): Params<Asking>,
) -> Result<Response, Problem> {
    let format: Format = lookup::parsed("format", asking.format.as_deref().unwrap_or("csv"))?;
    let month = asking.period.map(|text| lookup::parsed("period", &text)).transpose()?;
    let made = exports::focus_file(app.db(), (scope.account(), scope.id()), month, format, app.now()).await;
    let (bytes, name) = made.map_err(|error| Problem::internal(&error))?;
    let told = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(|e| Problem::internal(&e))?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())), (header::CONTENT_DISPOSITION, told)];
    Ok((headers, bytes).into_response())
}
