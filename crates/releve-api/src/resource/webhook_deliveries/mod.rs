//! What became of what an endpoint was told? The log of its deliveries with each try, what is sent once more, and a message that
//! only tries it. Of all endpoints here, of a tenant's own in `of_tenant`.

mod of_tenant;

use axum::{Json, extract::State, response::Response};
use releve_jobs::webhooks as jobs;
use releve_store::{
    outbox::{self, NewEntry},
    webhooks::deliveries::{self, Delivery, Try},
};
use releve_types::ids::EventId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::webhook_endpoints::{Owner, known, locked};
use crate::{
    AppState,
    auth::{Caller, OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::Problem,
    input::{Command, Instant, PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

/// The states of a delivery.
const STATES: [&str; 3] = ["waiting", "delivered", "given_up"];

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(log))
        .routes(routes!(resend))
        .routes(routes!(resend_since))
        .merge(of_tenant::router())
}

/// Which event was set against the endpoint.
#[derive(Serialize, ToSchema)]
pub struct SentView {
    /// As its messages have it in `webhook-id`.
    event: String,
}

/// Sends a message of the topic `webhook_endpoint.test`, whatever the endpoint's topics are.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/test", tag = "webhooks", params(("endpoint" = String, Path)),
    responses((status = 201, body = SentView)), security(("api_key" = ["operator:write"])))]
async fn test(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    tested(&app, scope.caller(), None, reference).await
}

async fn tested(app: &AppState, caller: &Caller, owner: Owner, reference: String) -> Result<Response, Problem> {
    app.write(caller, Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let endpoint = locked(conn, owner, &reference).await?;
            let body = json!({ "webhook_endpoint": endpoint.id.to_string() });
            let entry = NewEntry { topic: jobs::TEST, account: endpoint.account, tenant: endpoint.tenant, body };
            let events = outbox::put(conn, &[entry], now).await?;
            for event in &events {
                deliveries::owe(conn, (endpoint.id, *event), now).await?;
            }
            let event = events.first().map(EventId::to_string).unwrap_or_default();
            Answer::created(&SentView { event })
        })
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LogListing {
    /// Only those that are `waiting`, `delivered` or `given_up`.
    state: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookTryView {
    at: String,
    took_ms: i64,
    /// The status of the answer, if there was one.
    status: Option<u16>,
    /// Why it does not count as delivered; none if it does.
    failure: Option<String>,
    /// How the answer's body begins.
    answer: String,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookDeliveryView {
    /// As its messages have it in `webhook-id`.
    event: String,
    topic: String,
    happened_at: String,
    /// `waiting`, `delivered` or `given_up`.
    state: String,
    /// Of a waiting one: when it is tried next.
    due_at: Option<String>,
    done_at: Option<String>,
    /// Oldest first.
    tries: Vec<WebhookTryView>,
}

impl From<Try> for WebhookTryView {
    fn from(tried: Try) -> Self {
        let Try { at, took_ms, status, failure, answer } = tried;
        Self { at: at.to_string(), took_ms, status, failure, answer }
    }
}

impl From<Delivery> for WebhookDeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            event: delivery.event.id.to_string(),
            topic: delivery.event.topic,
            happened_at: delivery.event.created_at.to_string(),
            state: delivery.state,
            due_at: delivery.due_at.map(|at| at.to_string()),
            done_at: delivery.done_at.map(|at| at.to_string()),
            tries: delivery.tries.into_iter().map(WebhookTryView::from).collect(),
        }
    }
}

/// Lists what an endpoint was told, is owed, or was given up, each with its tries; the latest event first. It is kept for 90
/// days.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{endpoint}/deliveries", tag = "webhooks",
    params(("endpoint" = String, Path), LogListing), responses((status = 200, body = Paged<WebhookDeliveryView>)),
    security(("api_key" = ["operator:read"])))]
async fn log(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Params(query): Params<LogListing>,
) -> Result<Json<Paged<WebhookDeliveryView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    logged(&mut tx, None, &reference, &query).await
}

async fn logged(
    conn: &mut PgConnection,
    owner: Owner,
    reference: &str,
    query: &LogListing,
) -> Result<Json<Paged<WebhookDeliveryView>>, Problem> {
    let state = query.state.as_deref();
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(Problem::field("state", format!("expected {}", STATES.join(", "))));
    }
    let request = format!("deliveries to {reference}, {}", state.unwrap_or_default());
    let before: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let before = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let endpoint = known(conn, owner, reference).await?;
    let rows = deliveries::deliveries(conn, endpoint.id, state, before, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.event.id.to_string(), WebhookDeliveryView::from)?))
}

/// Sends one message once more, with the same id, whatever became of it; its tries start anew.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/deliveries/{event}/resend", tag = "webhooks",
    params(("endpoint" = String, Path), ("event" = String, Path)), responses((status = 200, body = SentView)),
    security(("api_key" = ["operator:write"])))]
async fn resend(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf((reference, event)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    resent(&app, scope.caller(), None, (reference, event)).await
}

async fn resent(
    app: &AppState,
    caller: &Caller,
    owner: Owner,
    (reference, event): (String, String),
) -> Result<Response, Problem> {
    app.write(caller, Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let endpoint = locked(conn, owner, &reference).await?;
            let missing = || Problem::not_found("delivery", &event);
            let id: EventId = event.parse().map_err(|_| missing())?;
            if !deliveries::resend(conn, (endpoint.id, id), now).await? {
                return Err(missing());
            }
            Answer::done(&SentView { event: id.to_string() })
        })
    })
    .await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendSince {
    /// What happened from then on.
    since: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct ResentView {
    /// How many messages are due again.
    messages: u64,
}

/// Sends everything once more that was given up of what happened since an instant: after a receiver was down for long.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/resend", tag = "webhooks",
    params(("endpoint" = String, Path)), request_body = ResendSince, responses((status = 200, body = ResentView)),
    security(("api_key" = ["operator:write"])))]
async fn resend_since(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    command: Command<ResendSince>,
) -> Result<Response, Problem> {
    resent_since(&app, scope.caller(), None, reference, command).await
}

async fn resent_since(
    app: &AppState,
    caller: &Caller,
    owner: Owner,
    reference: String,
    Command { input, repeat }: Command<ResendSince>,
) -> Result<Response, Problem> {
    app.write(caller, repeat, move |conn, now| {
        Box::pin(async move {
            let endpoint = locked(conn, owner, &reference).await?;
            let messages = deliveries::resend_since(conn, endpoint.id, input.since.0, now).await?;
            Answer::done(&ResentView { messages })
        })
    })
    .await
}
