//! Who is told what happens? Webhook endpoints: made, changed, tested, their log, and what is sent once more. Messages are
//! those of Standard Webhooks 1.0.0; a secret is shown once, when it is made.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_jobs::webhooks as jobs;
use releve_store::{
    audit_log::{self, Change},
    outbox::{self, NewEntry},
    webhooks::{
        self as endpoints, DisabledFor, Endpoint,
        deliveries::{self, Delivery, Try},
    },
};
use releve_types::{
    Timestamp,
    ids::{EventId, WebhookEndpointId},
    time::MILLIS_PER_HOUR,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Instant, Line, PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

/// How long the secret before still signs after a rotation, in hours.
pub const OLD_SECRET_HOURS: i64 = 24;
/// The states of a delivery.
const STATES: [&str; 3] = ["waiting", "delivered", "given_up"];

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(log))
        .routes(routes!(resend))
        .routes(routes!(resend_since))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhookEndpoint {
    /// Where messages are posted: https, up to 2048 bytes. An address that is not public, and http, only where the
    /// operator's settings allow its network. Or whom they are mailed to, as plain text: mailto:billing@example.com.
    #[schema(example = "https://example.com/hooks/releve")]
    url: String,
    /// What it is for.
    description: Option<Line>,
    /// Of: invoice.issued, invoice.overdue, budget.reached, node.silent, node.reporting, quarantine.growing, suspense.growing,
    /// invoice.parked, webhook_endpoint.disabled. If absent or empty: all.
    topics: Option<Vec<String>>,
    /// Whose events it is told, by id or name. If absent: everybody's.
    account: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpointChange {
    url: Option<String>,
    description: Option<Line>,
    /// Of: invoice.issued, invoice.overdue, budget.reached, node.silent, node.reporting, quarantine.growing, suspense.growing,
    /// invoice.parked, webhook_endpoint.disabled. Empty: all.
    topics: Option<Vec<String>>,
    /// False: what it is told waits. True: what waits is sent, also after it was disabled for failing.
    enabled: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookEndpointView {
    id: String,
    url: String,
    description: String,
    /// None: every topic.
    topics: Vec<String>,
    account: Option<String>,
    enabled: bool,
    disabled_at: Option<String>,
    /// `asked`, `gone` (it answered 410), or `failing` (for five days).
    disabled_for: Option<&'static str>,
    /// Its first failure since its last success.
    failing_since: Option<String>,
    created_at: String,
    created_by: String,
}

impl From<&Endpoint> for WebhookEndpointView {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            topics: endpoint.topics.clone(),
            account: endpoint.account.map(|account| account.to_string()),
            enabled: endpoint.disabled.is_none(),
            disabled_at: endpoint.disabled.map(|(at, _)| at.to_string()),
            disabled_for: endpoint.disabled.map(|(_, why)| why.name()),
            failing_since: endpoint.failing_since.map(|at| at.to_string()),
            created_at: endpoint.created_at.to_string(),
            created_by: endpoint.created_by.clone(),
        }
    }
}

/// An endpoint with a new secret.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecretView {
    /// What its messages are signed with. This is the only time it is shown.
    #[schema(example = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    secret: String,
    #[serde(flatten)]
    endpoint: WebhookEndpointView,
}

fn checked_url(url: String) -> Result<String, Problem> {
    jobs::check_url(&url).map_err(|refused| Problem::field("url", refused.to_string()))?;
    Ok(url)
}

fn checked_topics(mut topics: Vec<String>) -> Result<Vec<String>, Problem> {
    if let Some(n) = topics.iter().position(|topic| !jobs::TOPICS.contains(&topic.as_str())) {
        let detail = format!("there is no such topic; there are {}", jobs::TOPICS.join(", "));
        return Err(Problem::field(format!("topics[{n}]"), detail));
    }
    topics.sort_unstable();
    topics.dedup();
    Ok(topics)
}

fn endpoint_id(reference: &str) -> Result<WebhookEndpointId, Problem> {
    reference.parse().map_err(|_| Problem::not_found("webhook endpoint", reference))
}

/// One that was not removed; locked until the commit.
async fn known(conn: &mut PgConnection, reference: &str) -> Result<Endpoint, Problem> {
    let found = endpoints::endpoint(conn, endpoint_id(reference)?).await?;
    found.ok_or_else(|| Problem::not_found("webhook endpoint", reference))
}

/// Puts a new secret in force and returns it as its owner is shown it.
async fn new_secret(conn: &mut PgConnection, id: WebhookEndpointId, now: Timestamp) -> Result<String, Problem> {
    let mut secret = [0_u8; jobs::SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| Problem::internal(&error))?;
    endpoints::rotate(conn, id, &secret, now.plus_millis(OLD_SECRET_HOURS * MILLIS_PER_HOUR), now).await?;
    Ok(jobs::secret_text(&secret))
}

/// Makes an endpoint and shows its secret, once. It is told what happens from then on. Takes no idempotency key: an answer that
/// can be asked for again would have to keep the secret.
#[utoipa::path(post, path = "/v1/webhook-endpoints", tag = "webhooks", request_body = NewWebhookEndpoint,
    responses((status = 201, body = WebhookSecretView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewWebhookEndpoint>,
) -> Result<Response, Problem> {
    if repeat.key.is_some() {
        return Err(Problem::new(Code::IdempotencyNotOffered, "a secret is shown once").at("Idempotency-Key"));
    }
    let NewWebhookEndpoint { url, description, topics, account } = input;
    let (url, topics) = (checked_url(url)?, checked_topics(topics.unwrap_or_default())?);
    let description = description.map(|line| line.0).unwrap_or_default();
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = match &account {
                Some(name) => Some(lookup::account(conn, name).await.map_err(|p| lookup::in_field(p, "account"))?.id),
                None => None,
            };
            let id = WebhookEndpointId::fresh(now);
            let created_by = actor.clone();
            let (failing_since, disabled) = (None, None);
            let endpoint = Endpoint {
                id,
                account,
                url,
                description,
                topics,
                created_at: now,
                created_by,
                failing_since,
                disabled,
            };
            endpoints::insert(conn, &endpoint).await?;
            let secret = new_secret(conn, id, now).await?;
            let view = WebhookEndpointView::from(&endpoint);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(
                conn,
                &Change { actor, action: "webhook_endpoint.create", subject, before: None, after },
                now,
            )
            .await?;
            Answer::created(&WebhookSecretView { secret, endpoint: view })
        })
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this account only, by id or name.
    account: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists endpoints in the order they were made.
#[utoipa::path(get, path = "/v1/webhook-endpoints", tag = "webhooks", params(Listing),
    responses((status = 200, body = Paged<WebhookEndpointView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<WebhookEndpointView>>, Problem> {
    let request = format!("webhook endpoints of {}", query.account.as_deref().unwrap_or_default());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let account = match &query.account {
        Some(name) => Some(lookup::account(&mut tx, name).await.map_err(|p| lookup::in_field(p, "account"))?.id),
        None => None,
    };
    let rows = endpoints::endpoints(&mut tx, account, after, query.limit.and_one()).await?;
    let view = |endpoint: Endpoint| WebhookEndpointView::from(&endpoint);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), view)?))
}

/// Shows an endpoint.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", params(("endpoint" = String, Path)),
    responses((status = 200, body = WebhookEndpointView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<WebhookEndpointView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    Ok(Json(WebhookEndpointView::from(&known(&mut tx, &reference).await?)))
}

/// Changes an endpoint. What is not given stays.
#[utoipa::path(patch, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", params(("endpoint" = String, Path)),
    request_body = WebhookEndpointChange, responses((status = 200, body = WebhookEndpointView)),
    security(("api_key" = ["operator:write"])))]
async fn change(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<WebhookEndpointChange>,
) -> Result<Response, Problem> {
    let url = input.url.map(checked_url).transpose()?;
    let topics = input.topics.map(checked_topics).transpose()?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let old = known(conn, &reference).await?;
            let (failing_since, disabled) = match input.enabled {
                // What failed before says nothing of it any more.
                Some(true) if old.disabled.is_some() => (None, None),
                Some(false) if old.disabled.is_none() => (old.failing_since, Some((now, DisabledFor::Asked))),
                _ => (old.failing_since, old.disabled),
            };
            let new = Endpoint {
                url: url.unwrap_or_else(|| old.url.clone()),
                description: input.description.map_or_else(|| old.description.clone(), |line| line.0),
                topics: topics.unwrap_or_else(|| old.topics.clone()),
                failing_since,
                disabled,
                ..old.clone()
            };
            endpoints::update(conn, &new).await?;
            let (before, view) = (Some(json!(WebhookEndpointView::from(&old))), WebhookEndpointView::from(&new));
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "webhook_endpoint.change", subject, before, after }, now)
                .await?;
            Answer::done(&view)
        })
    })
    .await
}

/// Removes an endpoint. What it was still owed is given up.
#[utoipa::path(delete, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", params(("endpoint" = String, Path)),
    responses((status = 204)), security(("api_key" = ["operator:write"])))]
async fn remove(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let old = known(conn, &reference).await?;
            endpoints::remove(conn, old.id, now).await?;
            let (subject, before) = (old.id.to_string(), Some(json!(WebhookEndpointView::from(&old))));
            audit_log::add(
                conn,
                &Change { actor, action: "webhook_endpoint.remove", subject, before, after: None },
                now,
            )
            .await?;
            Answer::done(&())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a new secret and shows it, once. For 24 hours messages carry two signatures, of the new one and of the one before.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/rotate-secret", tag = "webhooks",
    params(("endpoint" = String, Path)), responses((status = 200, body = WebhookSecretView)),
    security(("api_key" = ["operator:write"])))]
async fn rotate(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let endpoint = known(conn, &reference).await?;
            let secret = new_secret(conn, endpoint.id, now).await?;
            let subject = endpoint.id.to_string();
            let change = Change { actor, action: "webhook_endpoint.rotate_secret", subject, before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&WebhookSecretView { secret, endpoint: WebhookEndpointView::from(&endpoint) })
        })
    })
    .await
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
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let endpoint = known(conn, &reference).await?;
            let body = json!({ "webhook_endpoint": endpoint.id.to_string() });
            let entry = NewEntry { topic: jobs::TEST, account: endpoint.account, body };
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
    let state = query.state.as_deref();
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(Problem::field("state", format!("expected {}", STATES.join(", "))));
    }
    let request = format!("deliveries to {reference}, {}", state.unwrap_or_default());
    let before: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let before = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let endpoint = known(&mut tx, &reference).await?;
    let rows = deliveries::deliveries(&mut tx, endpoint.id, state, before, query.limit.and_one()).await?;
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
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let endpoint = known(conn, &reference).await?;
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
    Command { input, repeat }: Command<ResendSince>,
) -> Result<Response, Problem> {
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let endpoint = known(conn, &reference).await?;
            let messages = deliveries::resend_since(conn, endpoint.id, input.since.0, now).await?;
            Answer::done(&ResentView { messages })
        })
    })
    .await
}
