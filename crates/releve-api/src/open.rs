//! What can be read without a tenant's or an operator's key? Health, the API's own description, its errors; and
//! metrics, with a key of their own.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics::gauge;
use releve_metering::Reason;
use releve_store::{
    api_keys, coverage_views,
    quarantine_views::{self, Filter},
};
use releve_types::{Hour, Period};
use serde::Serialize;
use utoipa::{
    OpenApi as _, ToSchema,
    openapi::{
        OpenApi, RefOr,
        content::ContentBuilder,
        path::{Operation, PathItem},
        response::ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::MetricsScope,
    error::{Code, Problem, ProblemView},
    input::PathOf,
    operation,
    resource::quarantine::GROUPS_LEN_MAX,
};

/// Paths that take no key. Every other one does, and a test holds them to it.
pub const PUBLIC: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/v1/openapi.json",
    "/v1/errors/{code}",
    // Whoever signs in has no key yet.
    "/v1/login-methods",
    "/v1/logins",
    "/v1/logins/identify",
    "/v1/logins/choose",
];
/// How long the database may take to answer before we are not ready, in seconds.
pub const READY_SECONDS_MAX: u64 = 5;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
        .routes(routes!(document))
        .routes(routes!(error_page))
}

#[derive(Serialize, ToSchema)]
pub struct StatusView {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, body = StatusView)), security(()))]
async fn health() -> Json<StatusView> {
    Json(StatusView { status: "ok" })
}

/// Whether it can serve: the database answers, and an aggregator beside it takes what comes.
#[utoipa::path(get, path = "/readyz", tag = "service", responses((status = 200, body = StatusView)), security(()))]
async fn ready(State(app): State<AppState>) -> Result<Json<StatusView>, Problem> {
    let asked = async {
        let mut tx = app.db().begin_app().await?;
        api_keys::operator_exists(&mut tx, app.now()).await
    };
    let late = || Problem::new(Code::Unavailable, format!("the database did not answer within {READY_SECONDS_MAX} s"));
    tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), asked).await.map_err(|_| late())??;
    if !app.is_ready() {
        return Err(Problem::new(Code::Unavailable, "the aggregator has stopped taking; see its log"));
    }
    Ok(Json(StatusView { status: "ready" }))
}

/// What was measured, as Prometheus reads it. What waits in quarantine, and how much of the last full hour the nodes
/// in service reported, is asked of the database now.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, content_type = "text/plain", body = String)),
    security(("api_key" = ["metrics:read"])))]
async fn metrics(_: MetricsScope, State(app): State<AppState>) -> Result<Response, Problem> {
    let mut tx = app.db().begin_app().await?;
    let waiting = Filter { status: Some("waiting".to_owned()), ..Filter::default() };
    // Also the reasons that nothing waits for, or an emptied one would keep its last figure.
    let mut by_reason: BTreeMap<String, i64> = Reason::ALL.iter().map(|r| (r.as_str().to_owned(), 0)).collect();
    for group in quarantine_views::groups(&mut tx, &waiting, GROUPS_LEN_MAX).await? {
        *by_reason.entry(group.reason).or_default() += group.messages;
    }
    let this_hour = app.now().hour();
    let last_hour = Period::of_hours(Hour::from_index(this_hour.index() - 1), this_hour);
    let last_hour = last_hour.map_err(|error| Problem::internal(&error))?;
    let fleet = coverage_views::fleet(&mut tx, last_hour).await?;
    tx.commit().await?;
    for (reason, messages) in by_reason {
        gauge!("releve_quarantine_waiting", "reason" => reason).set(whole(messages));
    }
    gauge!("releve_nodes_in_service").set(whole(fleet.nodes));
    gauge!("releve_coverage_expected_seconds").set(whole(fleet.expected_ms / 1_000));
    gauge!("releve_coverage_reported_seconds").set(whole(fleet.covered_ms / 1_000));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, text)], app.metrics().render()).into_response())
}

/// Gauges are floats in Prometheus; a count beyond this is none that a person reads.
fn whole(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "service", responses((status = 200, body = Object)), security(()))]
async fn document() -> Json<OpenApi> {
    Json(openapi())
}

/// What an error's code means and what to do about it: where a problem's `type` points.
#[utoipa::path(get, path = "/v1/errors/{code}", tag = "service", params(("code" = String, Path)),
    responses((status = 200, content_type = "text/markdown", body = String)), security(()))]
async fn error_page(PathOf(code): PathOf<String>) -> Result<Response, Problem> {
    let known = Code::parse(&code).ok_or_else(|| Problem::not_found("error code", &code))?;
    let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, markdown)], known.page()).into_response())
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Relevé",
        description = "Metering and billing for GPU clouds. Tenants and operators are named by id or by name \
            wherever one is asked for. Lists come in pages: give `next` as `cursor` for the next one. A POST that \
            carries an `Idempotency-Key` may be sent again. Refusals are problem documents (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemView)),
    tags(
        (name = "access", description = "API keys and who changed what"),
        (name = "billing", description = "Spend, invoices, runs, and what is missing"),
        (name = "budgets", description = "What tenants mean to spend, and whether they may start more"),
        (name = "alerts", description = "What somebody has to know, and whether a person has looked at it"),
        (name = "catalog", description = "Nodes, tenant keys, SKUs"),
        (name = "customers", description = "Who sells, who pays, who uses"),
        (name = "finance", description = "What finance takes away of a month, and how a month is closed"),
        (name = "intake", description = "Reports of nodes and readings of other meters"),
        (name = "prices", description = "Price books, prices, contracts, agreements"),
        (name = "quarantine", description = "What was understood but not believed"),
        (name = "service", description = "Health, metrics, this document"),
        (name = "tenant", description = "What a tenant sees of itself"),
        (name = "webhooks", description = "Who is told what happens"),
    ),
)]
struct Document;

/// The OpenAPI 3.1 document of every route.
pub fn openapi() -> OpenApi {
    let (_, described) = crate::routes().split_for_parts();
    let mut document = Document::openapi().merge_from(described);
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("rlv_…")
        .description(Some("An API key. The roles of an operation are the scopes of which the key needs one."));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("api_key", SecurityScheme::Http(bearer.build()));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let paged = serde_json::to_string(&operation.responses).is_ok_and(|text| text.contains("/Paged_"));
            operation.operation_id = Some(operation::name(method, path, paged));
            describe(operation);
            add_problem(operation);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("put", &mut item.put),
        ("delete", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// A response has a description, or readers of OpenAPI 3.1 refuse the document.
fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let known = StatusCode::from_bytes(status.as_bytes()).ok().and_then(|known| known.canonical_reason());
            known.unwrap_or(status).clone_into(&mut response.description);
        }
    }
}

/// Whatever is refused is refused in one shape.
fn add_problem(operation: &mut Operation) {
    let content = ContentBuilder::new().schema(Some(utoipa::openapi::Ref::from_schema_name("Problem"))).build();
    let refused = ResponseBuilder::new()
        .description("A problem document; `code` says which")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(refused));
}
