//! Is a role without an API well? Its health, its readiness and what it measured, for whoever watches over it.
//!
//! There is no key on these: keep the address private. The API guards its own `/metrics` with one.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use releve_aggregator::Runner;
use releve_store::Db;

#[derive(Clone)]
struct Watched {
    db: Db,
    runner: Runner,
    metrics: PrometheusHandle,
}

pub fn router(db: Db, runner: Runner, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async |State(watched): State<Watched>| watched.metrics.render()))
        .with_state(Watched { db, runner, metrics })
}

async fn ready(State(watched): State<Watched>) -> (StatusCode, String) {
    if !watched.runner.is_taking() {
        return (StatusCode::SERVICE_UNAVAILABLE, "taking has stopped".to_owned());
    }
    match watched.db.ping().await {
        Ok(()) => (StatusCode::OK, "ready".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}
