//! What can be sold? Every SKU that was used or priced so far.

use axum::{Json, extract::State};
use releve_store::prices::{self, SkuRecord};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::OperatorScope,
    cursor::{self, Paged},
    error::Problem,
    input::{Page, Params},
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
pub struct SkuView {
    sku: String,
    /// What its usage is counted in.
    unit: &'static str,
    /// What a price of it is for.
    priced_per: &'static str,
    created_at: String,
}

impl From<SkuRecord> for SkuView {
    fn from(record: SkuRecord) -> Self {
        Self {
            sku: record.sku.to_string(),
            unit: record.unit.name(),
            priced_per: record.unit.base_quantity().0,
            created_at: record.created_at.to_string(),
        }
    }
}

/// Lists SKUs by name. They come to be by being used or priced.
#[utoipa::path(get, path = "/v1/skus", tag = "catalog", params(Page),
    responses((status = 200, body = Paged<SkuView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<SkuView>>, Problem> {
    let after: Option<String> = cursor::decode("skus", query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let rows = prices::skus(&mut tx, after.as_deref().unwrap_or_default(), query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, "skus", |last| last.sku.to_string(), SkuView::from)?))
}
