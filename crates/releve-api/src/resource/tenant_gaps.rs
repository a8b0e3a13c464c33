//! Which time of a tenant is not known? Gaps of nodes beside whose silence it held something.

use axum::{Json, extract::State};
use releve_store::gaps::{self, Gap};
use releve_types::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::gaps::Listing;
use crate::{
    AppState,
    auth::TenantScope,
    cursor::{self, Paged},
    error::Problem,
    input::Params,
    worth::gpu_hours,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A stretch in which a node that the tenant held before or after was in service and said nothing.
#[derive(Serialize, ToSchema)]
pub struct TenantGapView {
    node: String,
    from: String,
    to: String,
    /// What the tenant may have held in it: its held time of the neighbouring window, stretched over the gap.
    gpu_ms: i64,
    #[schema(example = "12.500")]
    gpu_hours: String,
    /// Whether it was decided to bill around it. If not, it holds the invoice back.
    accepted: bool,
}

fn view(gap: &Gap, tenant: TenantId, accepted: bool) -> Option<TenantGapView> {
    let own = gap.concerned.iter().find(|concerned| concerned.tenant == tenant)?;
    Some(TenantGapView {
        node: gap.node.to_string(),
        from: gap.from.to_string(),
        to: gap.to.to_string(),
        gpu_ms: own.gpu_ms,
        gpu_hours: gpu_hours(own.gpu_ms),
        accepted,
    })
}

/// Lists gaps that concern a tenant, by time, accepted ones among them.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/gaps", tag = "tenant", params(("tenant" = String, Path), Listing),
    responses((status = 200, body = Paged<TenantGapView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<TenantGapView>>, Problem> {
    let stretch = query.stretch(app.now())?;
    let request = format!("gaps of {} in {stretch}", scope.id());
    let after: Option<(String, String)> = cursor::decode(&request, query.cursor.as_deref())?;
    // As the application: whose node it was and who held it then, no tenant may read of another.
    let mut tx = app.db().begin_app().await?;
    let (open, accepted) = (gaps::gaps(&mut tx, stretch).await?, gaps::accepted(&mut tx, stretch).await?);
    tx.commit().await?;
    let open = open.iter().filter_map(|gap| view(gap, scope.id(), false));
    let rows: Vec<TenantGapView> = open.chain(accepted.iter().filter_map(|gap| view(gap, scope.id(), true))).collect();
    let place = |gap: &TenantGapView| (gap.from.clone(), gap.node.clone());
    Ok(Json(Paged::of_all(rows, (query.limit, after.as_ref()), &request, place, |gap| gap)?))
}
