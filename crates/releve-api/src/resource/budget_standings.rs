//! How far is each budget of a tenant used up, and where will it end? By the functions that alerts are judged with.

use axum::{Json, extract::State};
use releve_billing::{
    Rated,
    watch::{self, Figure},
};
use releve_store::budgets::{self, BudgetRecord};
use releve_types::{Period, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::budgets::{BUDGETS_MAX, BudgetView, figures};
use crate::{AppState, auth::TenantScope, cursor::Paged, error::Problem};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
pub struct BudgetStandingView {
    budget: BudgetView,
    /// Of the current month, a decimal in `unit`.
    used: String,
    limit: String,
    /// A currency, or GPU-hours.
    unit: String,
    /// Of the limit, cut off.
    used_percent: u32,
    /// What the month comes to if it goes on like this; none in its first day.
    forecast: Option<String>,
    forecast_percent: Option<u32>,
    /// What was counted until then is in it.
    as_of: String,
}

fn standing(
    record: &BudgetRecord,
    (rated, period): (&Rated, Period),
    now: Timestamp,
) -> Result<BudgetStandingView, Problem> {
    let wrong = |error| Problem::internal(&error);
    let (budget, as_of) = (&record.budget, now.min(period.end()));
    let percent = |figure: Figure| figure.percent_of(budget.limit).unwrap_or(0);
    let used = watch::used(budget, rated).map_err(wrong)?;
    let forecast = watch::forecast(budget, watch::Spend { period, as_of, rated }).map_err(wrong)?;
    let (text, limit, unit) = figures(used, budget.limit);
    Ok(BudgetStandingView {
        budget: BudgetView::from(record),
        used: text,
        limit,
        unit,
        used_percent: percent(used),
        forecast: forecast.map(|forecast| figures(forecast, budget.limit).0),
        forecast_percent: forecast.map(percent),
        as_of: as_of.to_string(),
    })
}

/// Lists a tenant's budgets in the order they were made, with what is used of each in the current month.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/budget-standings", tag = "budgets", params(("tenant" = String, Path)),
    responses((status = 200, body = Paged<BudgetStandingView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(scope: TenantScope, State(app): State<AppState>) -> Result<Json<Paged<BudgetStandingView>>, Problem> {
    let now = app.now();
    let mut tx = scope.begin(&app).await?;
    let records = budgets::budgets(&mut tx, scope.id(), None, BUDGETS_MAX).await?;
    tx.commit().await?;
    if records.is_empty() {
        return Ok(Json(Paged { items: Vec::new(), next: None }));
    }
    let lately = super::spend::lately(&app, scope.account(), None, now).await?;
    let (spend, as_of) = (lately.spend(), lately.as_of());
    let items = records.iter().map(|record| standing(record, (&spend.rated, spend.period), as_of));
    Ok(Json(Paged { items: items.collect::<Result<_, _>>()?, next: None }))
}
