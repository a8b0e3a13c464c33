//! How much of each node's in-service time was reported?

use axum::{Json, extract::State};
use releve_store::coverage_views::{self, NodeCoverage};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::gaps::Listing;
use crate::{
    AppState,
    auth::OperatorScope,
    cursor::{self, Paged},
    error::Problem,
    input::Params,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
pub struct CoverageView {
    node: String,
    name: String,
    /// Milliseconds in service.
    expected_ms: i64,
    /// Those of them that were reported.
    covered_ms: i64,
    missing_ms: i64,
}

impl From<NodeCoverage> for CoverageView {
    fn from(row: NodeCoverage) -> Self {
        Self {
            node: row.node.to_string(),
            name: row.name,
            expected_ms: row.expected_ms,
            covered_ms: row.covered_ms,
            missing_ms: row.expected_ms - row.covered_ms,
        }
    }
}

/// Lists nodes that were in service in a stretch, by name, with how much of that time they reported.
#[utoipa::path(get, path = "/v1/coverage", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<CoverageView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<CoverageView>>, Problem> {
    let period = query.stretch(app.now())?;
    let request = format!("coverage of {period}");
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let after = after.as_deref().unwrap_or_default();
    let rows = coverage_views::nodes(&mut tx, period, after, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.name.clone(), CoverageView::from)?))
}
