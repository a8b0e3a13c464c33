#![doc = include_str!("../README.md")]

mod api;
mod assets;
mod chart;
mod csv;
mod doors;
mod forms;
mod layout;
mod oidc;
mod operator;
mod show;
mod tenant;
mod visitor;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::api::{Api, Failure};

/// The largest form, in bytes.
pub const FORM_BYTES_MAX: usize = 16 * 1024;
/// How long a page may take, in seconds: some requests to the API, each with a limit of its own.
pub const PAGE_SECONDS_MAX: u64 = 60;
/// What a page may load: from here, and nothing else. No style and no script stands in a page.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// Shared by all pages: the way to the API, in this process.
#[derive(Clone)]
pub(crate) struct Portal {
    pub api: Arc<Api>,
}

/// Every page and form, by its path: what is not here is not served, and tests walk through it.
fn routes() -> Vec<(&'static str, MethodRouter<Portal>)> {
    vec![
        ("/portal", get(doors::home)),
        ("/portal/login", get(doors::login).post(doors::sign_in)),
        ("/portal/enter/{link}", get(doors::link).post(doors::enter)),
        ("/portal/logout", post(doors::sign_out)),
        ("/portal/oidc", get(oidc::leave)),
        ("/portal/oidc/callback", get(oidc::back)),
        ("/portal/oidc/choose", post(oidc::choose)),
        ("/portal/tenants/{tenant}", get(tenant::overview::page)),
        ("/portal/tenants/{tenant}/usage", get(tenant::usage::page)),
        ("/portal/tenants/{tenant}/usage.csv", get(tenant::usage::download)),
        ("/portal/tenants/{tenant}/invoices", get(tenant::invoices::list)),
        ("/portal/tenants/{tenant}/invoices/{invoice}", get(tenant::invoices::one).post(tenant::invoices::ask)),
        ("/portal/tenants/{tenant}/invoices/{invoice}/{file}", get(tenant::invoices::file)),
        ("/portal/tenants/{tenant}/credits", get(tenant::credits::page)),
        ("/portal/tenants/{tenant}/budgets", get(tenant::budgets::page).post(tenant::budgets::make)),
        ("/portal/tenants/{tenant}/budgets/{budget}/remove", post(tenant::budgets::remove)),
        ("/portal/tenants/{tenant}/alerts/{alert}", post(tenant::budgets::acknowledge)),
        ("/portal/tenants/{tenant}/api-keys", get(tenant::keys::page).post(tenant::keys::make)),
        ("/portal/tenants/{tenant}/api-keys/{key}/rotate", post(tenant::keys::rotate)),
        ("/portal/tenants/{tenant}/api-keys/{key}/revoke", post(tenant::keys::revoke)),
        ("/portal/tenants/{tenant}/webhooks", get(tenant::webhooks::page).post(tenant::webhooks::make)),
        ("/portal/tenants/{tenant}/webhooks/{endpoint}", get(tenant::webhooks::one)),
        ("/portal/tenants/{tenant}/webhooks/{endpoint}/{what}", post(tenant::webhooks::act)),
        ("/portal/tenants/{tenant}/prices", get(tenant::prices::page)),
        ("/portal/tenants/{tenant}/evidence", get(tenant::evidence::page)),
        ("/portal/operator", get(operator::fleet)),
        ("/portal/operator/alerts", get(operator::alerts::page)),
        ("/portal/operator/gaps", get(operator::gaps::page).post(operator::gaps::accept)),
        ("/portal/operator/quarantine", get(operator::quarantine::page).post(operator::quarantine::decide)),
        ("/portal/operator/suspense", get(operator::suspense::page).post(operator::suspense::map)),
        ("/portal/operator/proposals", get(operator::proposals::page)),
        ("/portal/operator/proposals/{proposal}", post(operator::proposals::decide)),
        ("/portal/operator/alerts/{alert}", post(operator::alerts::acknowledge)),
        ("/portal/operator/questions", get(operator::questions::page)),
        ("/portal/operator/questions/{question}", post(operator::questions::answer)),
        ("/portal/operator/billing-runs", get(operator::runs::list)),
        ("/portal/operator/billing-runs/{run}", get(operator::runs::one)),
        ("/portal/operator/exports", get(operator::exports::page).post(operator::exports::ask)),
        ("/portal/operator/exports/{export}", get(operator::exports::one)),
        ("/portal/operator/exports/{export}/{file}", get(operator::exports::file)),
        ("/portal/operator/tenants", get(operator::lists::tenants)),
        ("/portal/operator/prices", get(operator::lists::prices)),
        ("/portal/operator/audit-log", get(operator::lists::audit_log)),
        (assets::STYLE_ROUTE, get(assets::style)),
        (assets::SCRIPT_ROUTE, get(assets::script)),
        ("/portal/{*rest}", get(nowhere)),
    ]
}

/// The paths that are served.
pub fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

/// The pages, to be merged beside the API that they ask. `api` is that API's router.
pub fn router(api: Router) -> Router {
    let pages = routes().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    let start = Router::new().route("/", get(async || Redirect::to("/portal")));
    let late = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(PAGE_SECONDS_MAX));
    pages
        .merge(start)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(late)
        .layer(middleware::from_fn(hardened))
        .with_state(Portal { api: Arc::new(Api::new(api)) })
}

/// Headers of every page. What the API wrote for a document of its own stays.
async fn hardened(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not 'no-referrer': with it, browsers hide a form's origin from us too.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn nowhere() -> Failure {
    Failure::not_found()
}

/// The cause is in the log, and none of the visitor's business.
fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.as_deref().unwrap_or("no text"), "a page panicked");
    Failure::internal().into_response()
}
