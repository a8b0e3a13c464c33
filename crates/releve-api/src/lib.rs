#![doc = include_str!("../README.md")]

pub mod approval;
pub mod auth;
pub mod bootstrap;
pub mod cursor;
pub mod error;
mod gather;
pub mod input;
mod kept;
pub mod layers;
pub mod limit;
mod lookup;
mod open;
mod operation;
mod pieces;
pub mod resource;
pub mod sign_in;
mod state;
mod worth;
mod write;

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

pub use bootstrap::{bootstrap_operator_key, mint_key};
pub use error::{Code, Problem};
pub use open::{PUBLIC, openapi};
pub use state::{AppState, Clock, install_metrics, quiet_metrics};

/// Every route that the OpenAPI document describes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(open::router())
        .merge(resource::accounts::router())
        .merge(resource::allocations::router())
        .merge(resource::agreements::router())
        .merge(resource::api_keys::router())
        .merge(resource::audit_log::router())
        .merge(resource::billing_runs::router())
        .merge(resource::brands::router())
        .merge(resource::alerts::router())
        .merge(resource::budget_standings::router())
        .merge(resource::budgets::router())
        .merge(resource::contracts::router())
        .merge(resource::coverage::router())
        .merge(resource::credits::router())
        .merge(resource::devices::router())
        .merge(resource::exports::router())
        .merge(resource::flags::router())
        .merge(resource::focus::router())
        .merge(resource::gaps::router())
        .merge(resource::amendments::router())
        .merge(resource::evidence::router())
        .merge(resource::exchange_rates::router())
        .merge(resource::hand_overs::router())
        .merge(resource::invoices::router())
        .merge(resource::issuers::router())
        .merge(resource::vat_rates::router())
        .merge(resource::key_rules::router())
        .merge(resource::lago_events::router())
        .merge(resource::logins::router())
        .merge(resource::memberships::router())
        .merge(resource::nodes::router())
        .merge(resource::opening_balances::router())
        .merge(resource::packs::router())
        .merge(resource::payments::router())
        .merge(resource::price_books::router())
        .merge(resource::prices::router())
        .merge(resource::projects::router())
        .merge(resource::proposals::router())
        .merge(resource::purchase_orders::router())
        .merge(resource::quarantine::router())
        .merge(resource::questions::router())
        .merge(resource::quotes::router())
        .merge(resource::readings::router())
        .merge(resource::reports::router())
        .merge(resource::sessions::router())
        .merge(resource::skus::router())
        .merge(resource::spend::router())
        .merge(resource::suspense::router())
        .merge(resource::tenant_gaps::router())
        .merge(resource::tenant_terms::router())
        .merge(resource::tenants::router())
        .merge(resource::usage::router())
        .merge(resource::users::router())
        .merge(resource::webhook_deliveries::router())
        .merge(resource::webhook_endpoints::router())
}

/// The API, ready to serve.
pub fn router(state: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(layers::no_such_route)
        .method_not_allowed_fallback(layers::no_such_method)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(middleware::from_fn(layers::in_time))
        .layer(middleware::from_fn(layers::observed))
        .layer(middleware::from_fn(layers::hardened))
        .with_state(state)
}
