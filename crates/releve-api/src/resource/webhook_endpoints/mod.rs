//! Who is told what happens? Webhook endpoints: made, changed, their secrets, removed. Messages are
//! those of Standard Webhooks 1.0.0; a secret is shown once, when it is made. An operator looks after all of them here, a tenant after
//! those that it made for itself in `of_tenant`, with the same functions.

mod of_tenant;
mod view;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_jobs::webhooks as jobs;
use releve_store::{
    audit_log::{self, Change},
    webhooks::{self as endpoints, DisabledFor, Endpoint},
};
use releve_types::{AccountId, TenantId, Timestamp, ids::WebhookEndpointId, time::MILLIS_PER_HOUR};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{Caller, OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Line, PageLen, Params, PathOf, Repeat},
    lookup,
    write::Answer,
};

pub use view::{WebhookEndpointView, WebhookSecretView};

/// How long the secret before still signs after a rotation, in hours.
pub const OLD_SECRET_HOURS: i64 = 24;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate))
        .merge(of_tenant::router())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhookEndpoint {
    /// Where messages are posted: https, up to 2048 bytes. An address that is not public, and http, only where the
    /// operator's settings allow its network. Or whom they are mailed to, as plain text: mailto:billing@example.com. Or `amqp:`,
    /// for the broker's topic exchange.
    #[schema(example = "https://example.com/hooks/releve")]
    url: String,
    /// What it is for.
    description: Option<Line>,
    /// Of: invoice.issued, invoice.overdue, budget.reached, spend.anomaly, credits.low, commitment.under_used, purchase_order.low,
    /// node.silent, node.reporting, coverage.low, quarantine.growing, suspense.growing, invoice.parked, question.asked,
    /// question.answered, webhook_endpoint.disabled. If absent or empty: all.
    topics: Option<Vec<String>>,
    /// Whose events it is told, by id or name. If absent: everybody's.
    account: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpointChange {
    url: Option<String>,
    description: Option<Line>,
    /// Of: invoice.issued, invoice.overdue, budget.reached, spend.anomaly, credits.low, commitment.under_used, purchase_order.low,
    /// node.silent, node.reporting, coverage.low, quarantine.growing, suspense.growing, invoice.parked, question.asked,
    /// question.answered, webhook_endpoint.disabled. Empty: all.
    topics: Option<Vec<String>>,
    /// False: what it is told waits. True: what waits is sent, also after it was disabled for failing.
    enabled: Option<bool>,
}

/// Whose endpoints a request is about: of one tenant, or all of them.
pub(super) type Owner = Option<TenantId>;

/// An address that messages may go to. A tenant's are no mail addresses.
fn checked_url(owner: Owner, url: String) -> Result<String, Problem> {
    let check = if owner.is_some() { jobs::check_tenant_url } else { jobs::check_url };
    check(&url).map_err(|refused| Problem::field("url", refused.to_string()))?;
    Ok(url)
}

fn checked_topics(owner: Owner, mut topics: Vec<String>) -> Result<Vec<String>, Problem> {
    let known: &[&str] = if owner.is_some() { &jobs::TENANT_TOPICS } else { &jobs::TOPICS };
    if let Some(n) = topics.iter().position(|topic| !known.contains(&topic.as_str())) {
        let detail = format!("there is no such topic; there are {}", known.join(", "));
        return Err(Problem::field(format!("topics[{n}]"), detail));
    }
    topics.sort_unstable();
    topics.dedup();
    Ok(topics)
}

fn found(owner: Owner, reference: &str, endpoint: Option<Endpoint>) -> Result<Endpoint, Problem> {
    let own = endpoint.filter(|endpoint| owner.is_none() || endpoint.tenant == owner);
    own.ok_or_else(|| Problem::not_found("webhook endpoint", reference))
}

fn endpoint_id(reference: &str) -> Result<WebhookEndpointId, Problem> {
    reference.parse().map_err(|_| Problem::not_found("webhook endpoint", reference))
}

/// One that was not removed.
pub(super) async fn known(conn: &mut PgConnection, owner: Owner, reference: &str) -> Result<Endpoint, Problem> {
    found(owner, reference, endpoints::endpoint(conn, endpoint_id(reference)?).await?)
}

/// The same, locked until the commit.
pub(super) async fn locked(conn: &mut PgConnection, owner: Owner, reference: &str) -> Result<Endpoint, Problem> {
    found(owner, reference, endpoints::lock_endpoint(conn, endpoint_id(reference)?).await?)
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
    not_kept(&repeat)?;
    let NewWebhookEndpoint { url, description, topics, account } = input;
    let (url, topics) = (checked_url(None, url)?, checked_topics(None, topics.unwrap_or_default())?);
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = match &account {
                Some(name) => Some(lookup::account(conn, name).await.map_err(|p| lookup::in_field(p, "account"))?.id),
                None => None,
            };
            make(conn, (account, None), (url, description, topics), actor, now).await
        })
    })
    .await
}

fn not_kept(repeat: &Repeat) -> Result<(), Problem> {
    if repeat.key.is_none() {
        return Ok(());
    }
    Err(Problem::new(Code::IdempotencyNotOffered, "a secret is shown once").at("Idempotency-Key"))
}

/// Makes an endpoint, with what was checked.
async fn make(
    conn: &mut PgConnection,
    (account, tenant): (Option<AccountId>, Owner),
    (url, description, topics): (String, Option<Line>, Vec<String>),
    actor: String,
    now: Timestamp,
) -> Result<Answer, Problem> {
    let endpoint = Endpoint {
        id: WebhookEndpointId::fresh(now),
        account,
        tenant,
        url,
        description: description.map(|line| line.0).unwrap_or_default(),
        topics,
        created_at: now,
        created_by: actor.clone(),
        failing_since: None,
        disabled: None,
    };
    endpoints::insert(conn, &endpoint).await?;
    let secret = new_secret(conn, endpoint.id, now).await?;
    let view = WebhookEndpointView::from(&endpoint);
    let (subject, after) = (view.id.clone(), Some(json!(view)));
    let change = Change { actor, action: "webhook_endpoint.create", subject, before: None, after };
    audit_log::add(conn, &change, now).await?;
    Answer::created(&WebhookSecretView { secret, endpoint: view })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this account only, by id or name.
    account: Option<String>,
    /// Of this tenant only, by id or name: those that it made for itself.
    tenant: Option<String>,
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
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account_if_named(&mut tx, query.account.as_deref()).await?;
    let tenant = lookup::tenant_if_named(&mut tx, query.tenant.as_deref()).await?;
    listed(&mut tx, (account, tenant), &query.limit, query.cursor.as_deref()).await
}

/// A page of an account's endpoints, of a tenant's, or of all.
async fn listed(
    conn: &mut PgConnection,
    of: (Option<AccountId>, Owner),
    limit: &PageLen,
    cursor: Option<&str>,
) -> Result<Json<Paged<WebhookEndpointView>>, Problem> {
    let request = format!("webhook endpoints of {of:?}");
    let after: Option<String> = cursor::decode(&request, cursor)?;
    let after = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let rows = endpoints::endpoints(conn, of, after, limit.and_one()).await?;
    let view = |endpoint: Endpoint| WebhookEndpointView::from(&endpoint);
    Ok(Json(Paged::of(rows, *limit, &request, |last| last.id.to_string(), view)?))
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
    Ok(Json(WebhookEndpointView::from(&known(&mut tx, None, &reference).await?)))
}

/// Changes an endpoint. What is not given stays.
#[utoipa::path(patch, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", params(("endpoint" = String, Path)),
    request_body = WebhookEndpointChange, responses((status = 200, body = WebhookEndpointView)),
    security(("api_key" = ["operator:write"])))]
async fn change(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    command: Command<WebhookEndpointChange>,
) -> Result<Response, Problem> {
    changed(&app, scope.caller(), None, reference, command).await
}

async fn changed(
    app: &AppState,
    caller: &Caller,
    owner: Owner,
    reference: String,
    Command { input, repeat }: Command<WebhookEndpointChange>,
) -> Result<Response, Problem> {
    let url = input.url.map(|url| checked_url(owner, url)).transpose()?;
    let topics = input.topics.map(|topics| checked_topics(owner, topics)).transpose()?;
    let actor = caller.actor();
    app.write(caller, repeat, move |conn, now| {
        Box::pin(async move {
            let old = locked(conn, owner, &reference).await?;
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
            let change = Change { actor, action: "webhook_endpoint.change", subject, before, after };
            audit_log::add(conn, &change, now).await?;
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
    removed(&app, scope.caller(), None, reference).await
}

async fn removed(app: &AppState, caller: &Caller, owner: Owner, reference: String) -> Result<Response, Problem> {
    let actor = caller.actor();
    app.write(caller, Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let old = locked(conn, owner, &reference).await?;
            endpoints::remove(conn, old.id, now).await?;
            let (subject, before) = (old.id.to_string(), Some(json!(WebhookEndpointView::from(&old))));
            let change = Change { actor, action: "webhook_endpoint.remove", subject, before, after: None };
            audit_log::add(conn, &change, now).await?;
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
    rotated(&app, scope.caller(), None, reference).await
}

async fn rotated(app: &AppState, caller: &Caller, owner: Owner, reference: String) -> Result<Response, Problem> {
    let actor = caller.actor();
    app.write(caller, Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let endpoint = locked(conn, owner, &reference).await?;
            let secret = new_secret(conn, endpoint.id, now).await?;
            let subject = endpoint.id.to_string();
            let change = Change { actor, action: "webhook_endpoint.rotate_secret", subject, before: None, after: None };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&WebhookSecretView { secret, endpoint: WebhookEndpointView::from(&endpoint) })
        })
    })
    .await
}
