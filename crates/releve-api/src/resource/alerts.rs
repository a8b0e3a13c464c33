//! What does somebody have to know, and has a person looked at it?

use axum::{Json, extract::State, response::Response};
use releve_jobs::alerts::KINDS;
use releve_store::{
    alerts::{self, Alert, AlertFilter},
    audit_log::{self, Change},
};
use releve_types::{Timestamp, ids::AlertId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope, TenantBillingScope, TenantScope},
    cursor::{self, Paged},
    error::Problem,
    input::{PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_tenant))
        .routes(routes!(of_operator))
        .routes(routes!(acknowledge))
        .routes(routes!(acknowledge_of_tenant))
}

/// What a list may be narrowed to.
const STATES: [&str; 3] = ["open", "acknowledged", "resolved"];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// open: it goes on, and nobody has looked at it. acknowledged: a person has. resolved: it is over.
    state: Option<String>,
    /// Of this kind only.
    #[param(example = "node.silent")]
    kind: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AlertView {
    id: String,
    /// None: an account's or the operator's.
    tenant: Option<String>,
    /// Of an account as a whole; each of its tenants is told.
    account: Option<String>,
    /// A tenant's: budget.reached, spend.anomaly. An account's: credits.low, commitment.under_used, purchase_order.low,
    /// invoice.issued, invoice.overdue. The operator's: node.silent, coverage.low, quarantine.growing, suspense.growing,
    /// invoice.parked.
    kind: String,
    subject: String,
    /// What is alike folds into one alert: how many it is.
    count: i64,
    /// What made it so.
    #[schema(value_type = Object)]
    numbers: serde_json::Value,
    first_at: String,
    last_at: String,
    /// Of what goes on: when it was over.
    resolved_at: Option<String>,
    /// When a person said that they have looked at it.
    acknowledged_at: Option<String>,
    acknowledged_by: Option<String>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        let (acknowledged_at, acknowledged_by) = alert.acknowledged.unzip();
        Self {
            id: alert.id.to_string(),
            tenant: alert.tenant.map(|tenant| tenant.to_string()),
            account: alert.account.map(|account| account.to_string()),
            kind: alert.kind,
            subject: alert.subject,
            count: alert.count,
            numbers: alert.numbers,
            first_at: alert.first_at.to_string(),
            last_at: alert.last_at.to_string(),
            resolved_at: alert.resolved_at.map(|at| at.to_string()),
            acknowledged_at: acknowledged_at.map(|at: Timestamp| at.to_string()),
            acknowledged_by,
        }
    }
}

impl Wanted {
    /// What is listed, and from where.
    fn place(&self, whose: &str) -> Result<(String, Option<AlertId>), Problem> {
        for (field, text, known) in [("state", &self.state, &STATES[..]), ("kind", &self.kind, &KINDS)] {
            if text.as_deref().is_some_and(|text| !known.contains(&text)) {
                return Err(Problem::field(field, format!("expected one of {}", known.join(", "))));
            }
        }
        let request = format!("alerts of {whose} {:?} {:?}", self.state, self.kind);
        let before: Option<String> = cursor::decode(&request, self.cursor.as_deref())?;
        let before = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
        Ok((request, before))
    }
}

/// Lists what a tenant and its account were told, the latest first.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/alerts", tag = "alerts", params(("tenant" = String, Path), Wanted),
    responses((status = 200, body = Paged<AlertView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Paged<AlertView>>, Problem> {
    let (request, before) = wanted.place(&scope.id().to_string())?;
    let of = Some((scope.id(), scope.account()));
    let filter = AlertFilter { of, kind: wanted.kind.as_deref(), state: wanted.state.as_deref() };
    let mut tx = scope.begin(&app).await?;
    let rows = alerts::alerts(&mut tx, filter, before, wanted.limit.and_one()).await?;
    // Who of the operator or of a sibling looked at what is told to the account is none of a tenant's business.
    let view = |alert: Alert| {
        let own = alert.tenant.is_some();
        let view = AlertView::from(alert);
        AlertView { acknowledged_by: view.acknowledged_by.filter(|_| own), ..view }
    };
    Ok(Json(Paged::of(rows, wanted.limit, &request, |last| last.id.to_string(), view)?))
}

/// Lists what an operator has to know of the house and of its accounts, the latest first.
#[utoipa::path(get, path = "/v1/alerts", tag = "alerts", params(Wanted),
    responses((status = 200, body = Paged<AlertView>)), security(("api_key" = ["operator:read"])))]
async fn of_operator(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Paged<AlertView>>, Problem> {
    let (request, before) = wanted.place("the operator")?;
    let filter = AlertFilter { of: None, kind: wanted.kind.as_deref(), state: wanted.state.as_deref() };
    let mut tx = app.db().begin_app().await?;
    let rows = alerts::alerts(&mut tx, filter, before, wanted.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, wanted.limit, &request, |last| last.id.to_string(), AlertView::from)?))
}

async fn known(conn: &mut PgConnection, reference: &str) -> Result<Alert, Problem> {
    let missing = || Problem::not_found("alert", reference);
    let id: AlertId = reference.parse().map_err(|_| missing())?;
    alerts::alert(conn, id).await?.ok_or_else(missing)
}

/// Notes that a person has looked at it, once: done again, it stays as it is.
async fn looked_at(conn: &mut PgConnection, alert: Alert, actor: String, now: Timestamp) -> Result<Answer, Problem> {
    if alert.acknowledged.is_some() {
        return Answer::done(&AlertView::from(alert));
    }
    alerts::acknowledge(conn, alert.id, &actor, now).await?;
    let subject = alert.id.to_string();
    let view = AlertView::from(Alert { acknowledged: Some((now, actor.clone())), ..alert });
    let after = Some(json!(view));
    audit_log::add(conn, &Change { actor, action: "alert.acknowledge", subject, before: None, after }, now).await?;
    Answer::done(&view)
}

/// Says that a person has looked at an alert. It goes on as long as what it tells of.
#[utoipa::path(post, path = "/v1/alerts/{alert}/acknowledge", tag = "alerts", params(("alert" = String, Path)),
    responses((status = 200, body = AlertView)), security(("api_key" = ["operator:write"])))]
async fn acknowledge(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let alert = known(conn, &reference).await?;
            looked_at(conn, alert, actor, now).await
        })
    })
    .await
}

/// The same of an alert of a tenant's own. What is told to an account as a whole, operators acknowledge.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/alerts/{alert}/acknowledge", tag = "alerts",
    params(("tenant" = String, Path), ("alert" = String, Path)), responses((status = 200, body = AlertView)),
    security(("api_key" = ["tenant:billing"]), ("api_key" = ["operator:write"])))]
async fn acknowledge_of_tenant(
    scope: TenantBillingScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let (actor, tenant) = (scope.caller().actor(), scope.id());
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let alert = known(conn, &reference).await?;
            if alert.tenant != Some(tenant) {
                return Err(Problem::not_found("alert", &reference));
            }
            looked_at(conn, alert, actor, now).await
        })
    })
    .await
}
