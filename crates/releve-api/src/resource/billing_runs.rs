//! How far has billing come? Runs, and what became of each account in one.

use axum::{Json, extract::State};
use releve_store::{
    run_views::{self, RunCounts},
    runs::{AccountOutcome, AccountRow},
};
use releve_types::{AccountId, ids::RunId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::OperatorScope,
    cursor::{self, Paged},
    error::Problem,
    input::{Page, PageLen, Params, PathOf},
    lookup,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(accounts))
}

#[derive(Serialize, ToSchema)]
pub struct BillingRunView {
    id: String,
    issuer: String,
    period_start: String,
    /// Not included.
    period_end: String,
    started_at: String,
    /// Once every account has an outcome.
    finished_at: Option<String>,
    issued: i64,
    parked: i64,
    nothing: i64,
}

impl From<RunCounts> for BillingRunView {
    fn from(row: RunCounts) -> Self {
        let count = |outcome| row.counts.get(&outcome).copied().unwrap_or(0);
        Self {
            id: row.run.id.to_string(),
            issuer: row.run.issuer.to_string(),
            period_start: row.run.period.start().to_string(),
            period_end: row.run.period.end().to_string(),
            started_at: row.run.started_at.to_string(),
            finished_at: row.run.finished_at.map(|at| at.to_string()),
            issued: count(AccountOutcome::Issued),
            parked: count(AccountOutcome::Parked),
            nothing: count(AccountOutcome::Nothing),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct RunAccountView {
    account: String,
    /// `issued`, `parked` or `nothing` (to bill).
    outcome: &'static str,
    invoice: Option<String>,
}

impl From<AccountRow> for RunAccountView {
    fn from(row: AccountRow) -> Self {
        Self {
            account: row.account.to_string(),
            outcome: row.outcome.name(),
            invoice: row.invoice.map(|invoice| invoice.to_string()),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// By id or name.
    issuer: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists billing runs, the newest first.
#[utoipa::path(get, path = "/v1/billing-runs", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<BillingRunView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<BillingRunView>>, Problem> {
    let request = format!("billing runs of {}", query.issuer.as_deref().unwrap_or_default());
    let before: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let before: Option<RunId> = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer_if_named(&mut tx, query.issuer.as_deref()).await?;
    let rows = run_views::runs(&mut tx, issuer, before, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.run.id.to_string(), BillingRunView::from)?))
}

/// Lists what became of each account in a run; of an unknown run, nothing.
#[utoipa::path(get, path = "/v1/billing-runs/{run}/accounts", tag = "billing", params(("run" = String, Path), Page),
    responses((status = 200, body = Paged<RunAccountView>)), security(("api_key" = ["operator:read"])))]
async fn accounts(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<RunAccountView>>, Problem> {
    let run: RunId = reference.parse().map_err(|_| Problem::not_found("billing run", &reference))?;
    let request = format!("accounts of {run}");
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after: Option<AccountId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let rows = run_views::accounts(&mut tx, run, after, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.account.to_string(), RunAccountView::from)?))
}
