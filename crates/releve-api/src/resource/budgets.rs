//! What does a tenant mean to spend, and may it start more?

use std::{collections::BTreeMap, num::NonZero};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_billing::watch::{self, Basis, Budget, Figure, THRESHOLD_MAX, THRESHOLDS_LEN_MAX, Wish};
use releve_store::{
    audit_log::{self, Change},
    budgets::{self, BudgetRecord},
    customers::{self, Tenant},
    rollups,
};
use releve_types::{Currency, Money, ids::BudgetId, time::MILLIS_PER_HOUR};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{TenantBillingScope, TenantScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Name, Page, Params, PathOf, Repeat},
    lookup,
    worth::{MoneyView, gpu_hours},
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change, remove))
        .routes(routes!(entitlement))
}

/// Budgets of one tenant: all are judged whenever its usage changes.
pub const BUDGETS_MAX: i64 = 100;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    name: Name,
    /// Usage of this project only.
    project: Option<Name>,
    /// Usage of this SKU only.
    sku: Option<String>,
    /// In the account's currency, without taxes. Either this or `gpu_hours`.
    #[schema(example = "5000.00")]
    amount: Option<String>,
    gpu_hours: Option<i64>,
    /// `actual` (if absent): what was used. `forecast`: what the month comes to if it goes on like that.
    basis: Option<String>,
    /// In percent, 1 to 1000, at most 10; 80 and 100 if absent.
    thresholds: Option<Vec<u32>>,
    /// A quota: nothing more may be started once it is used up.
    #[serde(default)]
    hard: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    name: Option<Name>,
    /// Of a budget in money.
    amount: Option<String>,
    /// Of a budget in GPU-hours.
    gpu_hours: Option<i64>,
    thresholds: Option<Vec<u32>>,
    hard: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct BudgetView {
    id: String,
    tenant: String,
    name: String,
    /// None: all.
    project: Option<String>,
    /// None: all.
    sku: Option<String>,
    amount: Option<MoneyView>,
    gpu_hours: Option<i64>,
    basis: &'static str,
    thresholds: Vec<u32>,
    hard: bool,
    created_at: String,
    created_by: String,
}

impl From<&BudgetRecord> for BudgetView {
    fn from(record: &BudgetRecord) -> Self {
        let budget = &record.budget;
        let (amount, gpu_hours) = match budget.limit {
            Figure::Amount(money) => (Some(money.into()), None),
            Figure::GpuMs(ms) => (None, Some(ms / MILLIS_PER_HOUR)),
        };
        Self {
            id: budget.id.to_string(),
            tenant: budget.tenant.to_string(),
            name: record.name.clone(),
            project: budget.project.clone(),
            sku: budget.sku.as_ref().map(ToString::to_string),
            amount,
            gpu_hours,
            basis: budget.basis.name(),
            thresholds: budget.thresholds.clone(),
            hard: budget.hard,
            created_at: record.created_at.to_string(),
            created_by: record.created_by.clone(),
        }
    }
}

fn checked_thresholds(mut thresholds: Vec<u32>) -> Result<Vec<u32>, Problem> {
    let refused = || Problem::field("thresholds", format!("1 to {THRESHOLDS_LEN_MAX} of 1 to {THRESHOLD_MAX} percent"));
    thresholds.sort_unstable();
    thresholds.dedup();
    let fit = thresholds.iter().all(|t| (1..=THRESHOLD_MAX).contains(t));
    if !fit || thresholds.is_empty() || thresholds.len() > THRESHOLDS_LEN_MAX { Err(refused()) } else { Ok(thresholds) }
}

fn checked_limit(amount: Option<&str>, hours: Option<i64>, currency: Currency) -> Result<Option<Figure>, Problem> {
    let limit = match (amount, hours) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(Problem::field("gpu_hours", "a budget is in money or in GPU-hours")),
        (Some(text), None) => {
            let money = Money::parse(text, currency).map_err(|error| Problem::field("amount", error))?;
            if money.is_zero() || money.is_negative() {
                return Err(Problem::field("amount", "it is above zero"));
            }
            Figure::Amount(money)
        }
        (None, Some(hours)) => {
            let figure = Figure::hours(hours).filter(|_| hours > 0);
            figure.ok_or_else(|| {
                Problem::field("gpu_hours", "it is above zero, and as many milliseconds fit in 64 bits")
            })?
        }
    };
    Ok(Some(limit))
}

async fn currency(conn: &mut PgConnection, tenant: &Tenant) -> Result<Currency, Problem> {
    let account = customers::account(conn, tenant.account).await?;
    account.map(|account| account.currency).ok_or_else(|| Problem::not_found("account", &tenant.account.to_string()))
}

async fn known(conn: &mut PgConnection, tenant: &Tenant, reference: &str) -> Result<BudgetRecord, Problem> {
    let missing = || Problem::not_found("budget", reference);
    let id: BudgetId = reference.parse().map_err(|_| missing())?;
    budgets::budget(conn, tenant.id, id).await?.ok_or_else(missing)
}

fn taken() -> Problem {
    Problem::new(Code::NameTaken, "the tenant has a budget of this name").at("name")
}

/// Makes a budget of a tenant. It is judged at once. A tenant has at most 100.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/budgets", tag = "budgets", params(("tenant" = String, Path)),
    request_body = NewBudget, responses((status = 201, body = BudgetView)), security(("api_key" = ["tenant:billing"]), ("api_key" = ["operator:write"])))]
async fn create(
    scope: TenantBillingScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewBudget>,
) -> Result<Response, Problem> {
    let thresholds = checked_thresholds(input.thresholds.unwrap_or_else(|| vec![80, 100]))?;
    let sku = input.sku.as_deref().map(|sku| lookup::parsed("sku", sku)).transpose()?;
    let named = input.basis.as_deref().unwrap_or(Basis::Actual.name());
    let basis = Basis::ALL.into_iter().find(|basis| basis.name() == named);
    let basis = basis.ok_or_else(|| Problem::field("basis", "expected actual or forecast"))?;
    let (actor, tenant) = (scope.caller().actor(), scope.tenant().clone());
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            if budgets::count(conn, tenant.id).await? >= BUDGETS_MAX {
                let detail = format!("a tenant has at most {BUDGETS_MAX} budgets: remove one first");
                return Err(Problem::field("name", detail));
            }
            let limit = checked_limit(input.amount.as_deref(), input.gpu_hours, currency(conn, &tenant).await?)?;
            let limit = limit.ok_or_else(|| Problem::field("amount", "give amount or gpu_hours"))?;
            let budget = Budget {
                id: BudgetId::fresh(now),
                tenant: tenant.id,
                project: input.project.map(|name| name.0),
                sku,
                limit,
                basis,
                thresholds,
                hard: input.hard,
                fired: Vec::new(),
            };
            let record = BudgetRecord { budget, name: input.name.0, created_at: now, created_by: actor.clone() };
            if !budgets::insert(conn, tenant.id, &record).await? {
                return Err(taken());
            }
            rollups::mark_spend(conn, &[tenant.id], now).await?;
            let view = BudgetView::from(&record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "budget.create", subject, before: None, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Lists a tenant's budgets in the order they were made.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/budgets", tag = "budgets", params(("tenant" = String, Path), Page),
    responses((status = 200, body = Paged<BudgetView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<BudgetView>>, Problem> {
    let request = format!("budgets of {}", scope.id());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = scope.begin(&app).await?;
    let rows = budgets::budgets(&mut tx, scope.id(), after, query.limit.and_one()).await?;
    let view = |record: BudgetRecord| BudgetView::from(&record);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.budget.id.to_string(), view)?))
}

/// Shows a budget.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/budgets/{budget}", tag = "budgets",
    params(("tenant" = String, Path), ("budget" = String, Path)), responses((status = 200, body = BudgetView)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn show(
    scope: TenantScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Json<BudgetView>, Problem> {
    let mut tx = scope.begin(&app).await?;
    Ok(Json(BudgetView::from(&known(&mut tx, scope.tenant(), &reference).await?)))
}

/// Changes a budget. What is not given stays. Thresholds that a higher limit leaves unreached may fire again.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}/budgets/{budget}", tag = "budgets",
    params(("tenant" = String, Path), ("budget" = String, Path)), request_body = BudgetChange,
    responses((status = 200, body = BudgetView)), security(("api_key" = ["tenant:billing"]), ("api_key" = ["operator:write"])))]
async fn change(
    scope: TenantBillingScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
    Command { input, repeat }: Command<BudgetChange>,
) -> Result<Response, Problem> {
    let thresholds = input.thresholds.map(checked_thresholds).transpose()?;
    let (actor, tenant) = (scope.caller().actor(), scope.tenant().clone());
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let old = known(conn, &tenant, &reference).await?;
            let limit = checked_limit(input.amount.as_deref(), input.gpu_hours, currency(conn, &tenant).await?)?;
            match (limit, old.budget.limit) {
                (Some(Figure::Amount(_)), Figure::GpuMs(_)) => {
                    return Err(Problem::field("amount", "this budget is in GPU-hours"));
                }
                (Some(Figure::GpuMs(_)), Figure::Amount(_)) => {
                    return Err(Problem::field("gpu_hours", "this budget is in money"));
                }
                _ => {}
            }
            let budget = Budget {
                limit: limit.unwrap_or(old.budget.limit),
                thresholds: thresholds.unwrap_or_else(|| old.budget.thresholds.clone()),
                hard: input.hard.unwrap_or(old.budget.hard),
                ..old.budget.clone()
            };
            let name = input.name.map_or_else(|| old.name.clone(), |name| name.0);
            let new = BudgetRecord { budget, name, ..old.clone() };
            if !budgets::update(conn, tenant.id, &new).await? {
                return Err(taken());
            }
            rollups::mark_spend(conn, &[tenant.id], now).await?;
            let (before, view) = (Some(json!(BudgetView::from(&old))), BudgetView::from(&new));
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "budget.change", subject, before, after }, now).await?;
            Answer::done(&view)
        })
    })
    .await
}

/// Removes a budget. What it told of stays among the alerts.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/budgets/{budget}", tag = "budgets",
    params(("tenant" = String, Path), ("budget" = String, Path)), responses((status = 204)),
    security(("api_key" = ["tenant:billing"]), ("api_key" = ["operator:write"])))]
async fn remove(
    scope: TenantBillingScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let (actor, tenant) = (scope.caller().actor(), scope.tenant().clone());
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let old = known(conn, &tenant, &reference).await?;
            budgets::remove(conn, tenant.id, old.budget.id).await?;
            let (subject, before) = (old.budget.id.to_string(), Some(json!(BudgetView::from(&old))));
            audit_log::add(conn, &Change { actor, action: "budget.remove", subject, before, after: None }, now).await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Budgets of another project do not count.
    project: Option<String>,
    /// Budgets of another SKU do not count.
    sku: Option<String>,
    /// How many GPUs are to be started: what is left of a budget in GPU-hours has to last them an hour.
    gpus: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct EntitlementReason {
    budget: String,
    name: String,
    used: String,
    limit: String,
    /// A currency, or GPU-hours.
    unit: String,
}

#[derive(Serialize, ToSchema)]
pub struct EntitlementView {
    allowed: bool,
    /// The hard budgets that are used up, or do not last an hour.
    reasons: Vec<EntitlementReason>,
    /// What was counted until then is in it.
    as_of: String,
}

pub(super) fn figures(used: Figure, limit: Figure) -> (String, String, String) {
    let text = |figure| match figure {
        Figure::Amount(money) => money.amount().to_string(),
        Figure::GpuMs(ms) => gpu_hours(ms),
    };
    let unit = match limit {
        Figure::Amount(money) => money.currency().to_string(),
        Figure::GpuMs(_) => "GPU-hours".to_owned(),
    };
    (text(used), text(limit), unit)
}

/// Says whether a tenant may start more, by its hard budgets and what was counted of this month until now. Whoever starts
/// workloads asks it; it keeps nobody from anything by itself.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/entitlement", tag = "budgets", params(("tenant" = String, Path), Wanted),
    responses((status = 200, body = EntitlementView)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn entitlement(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<EntitlementView>, Problem> {
    let sku = wanted.sku.as_deref().map(|sku| lookup::parsed("sku", sku)).transpose()?;
    let gpus: Option<NonZero<u32>> = wanted.gpus.as_deref().map(|gpus| lookup::parsed("gpus", gpus)).transpose()?;
    let wish = Wish { project: wanted.project, sku, gpus };
    let now = app.now();
    let mut tx = scope.begin(&app).await?;
    let records = budgets::budgets(&mut tx, scope.id(), None, BUDGETS_MAX).await?;
    tx.commit().await?;
    let names: BTreeMap<BudgetId, String> = records.iter().map(|r| (r.budget.id, r.name.clone())).collect();
    let judged: Vec<Budget> = records.into_iter().map(|record| record.budget).collect();
    let mut reasons = Vec::new();
    if judged.iter().any(|budget| budget.hard) {
        let spend = super::spend::spend(&app, scope.account(), None, now).await?;
        let quotas = watch::quotas(&judged, &spend.spend().rated, &wish).map_err(|error| Problem::internal(&error))?;
        for quota in quotas.into_iter().filter(|quota| quota.refuses) {
            let (used, limit, unit) = figures(quota.used, quota.limit);
            let name = names.get(&quota.budget).cloned().unwrap_or_default();
            reasons.push(EntitlementReason { budget: quota.budget.to_string(), name, used, limit, unit });
        }
    }
    Ok(Json(EntitlementView { allowed: reasons.is_empty(), reasons, as_of: now.to_string() }))
}
