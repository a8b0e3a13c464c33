//! Which time of a tenant is not known? Gaps of nodes beside whose silence it held something.

use axum::{Json, extract::State};
use releve_store::gaps::{self, Gap};
use releve_types::{Period, TenantId, Timestamp};
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
    kept::{Keep, Kept},
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
    /// What was reported and decided until then is in it.
    as_of: String,
}

/// Everybody's gaps, by the stretch that was looked through.
pub(crate) type KeptGaps = Kept<Period, FleetGaps>;

#[derive(Debug)]
pub(crate) struct FleetGaps {
    open: Vec<Gap>,
    accepted: Vec<Gap>,
    /// Of the stretch, when it was looked through: whoever accepts another sees it at once.
    acceptances: i64,
}

impl Keep for FleetGaps {}

fn view(gap: &Gap, tenant: TenantId, accepted: bool, as_of: Timestamp) -> Option<TenantGapView> {
    let own = gap.concerned.iter().find(|concerned| concerned.tenant == tenant)?;
    Some(TenantGapView {
        node: gap.node.to_string(),
        from: gap.from.to_string(),
        to: gap.to.to_string(),
        gpu_ms: own.gpu_ms,
        gpu_hours: gpu_hours(own.gpu_ms),
        accepted,
        as_of: as_of.to_string(),
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
    let now = app.now();
    let stretch = query.stretch(now)?;
    let request = format!("gaps of {} in {stretch}", scope.id());
    let after: Option<(String, String)> = cursor::decode(&request, query.cursor.as_deref())?;
    let db = app.db().clone();
    let count = async move {
        // As the application: whose node it was and who held it then, no tenant may read of another. Of one moment: a gap that is
        // accepted meanwhile is either open or accepted.
        let mut tx = db.begin_reading().await?;
        let acceptances = gaps::acceptances(&mut tx, stretch).await?;
        let (open, accepted) = (gaps::gaps(&mut tx, stretch).await?, gaps::accepted(&mut tx, stretch).await?);
        tx.commit().await?;
        Ok(FleetGaps { open, accepted, acceptances })
    };
    let mut tx = app.db().begin_app().await?;
    let acceptances = gaps::acceptances(&mut tx, stretch).await?;
    tx.commit().await?;
    let made = app.gaps().get(stretch, now, |kept| kept.acceptances >= acceptances, count).await?;
    let FleetGaps { open, accepted, .. } = &*made.value;
    let gaps = open.iter().map(|gap| (gap, false)).chain(accepted.iter().map(|gap| (gap, true)));
    let rows: Vec<TenantGapView> =
        gaps.filter_map(|(gap, accepted)| view(gap, scope.id(), accepted, made.as_of)).collect();
    let place = |gap: &TenantGapView| (gap.from.clone(), gap.node.clone());
    Ok(Json(Paged::of_all(rows, (query.limit, after.as_ref()), &request, place, |gap| gap)?))
}
