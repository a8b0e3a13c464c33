//! In which node does a GPU sit, since when? First sight decides; a move is recorded here.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    device_views,
    tenure::{self, Stay},
};
use releve_types::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    error::{Code, Problem},
    input::{Command, PathOf, WholeHour},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(record))
}

#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    #[schema(example = "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52")]
    gpu: String,
    /// In the order of time; the last is where it sits now.
    stays: Vec<StayView>,
}

#[derive(Serialize, ToSchema)]
pub struct StayView {
    node: String,
    /// Since ever, if absent.
    from: Option<String>,
    /// Until further notice, if absent.
    to: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMove {
    /// Where it sits from then on, by id or name.
    node: String,
    from: WholeHour,
}

/// A physical GPU: a slice sits where its GPU does.
fn gpu(reference: &str) -> Result<DeviceId, Problem> {
    let known: Option<DeviceId> = reference.parse().ok();
    known.filter(|device| !device.is_slice()).ok_or_else(|| Problem::not_found("GPU", reference))
}

fn shown(gpu: DeviceId, stays: &[Stay]) -> Result<DeviceView, Problem> {
    if stays.is_empty() {
        return Err(Problem::not_found("GPU", &gpu.to_string()));
    }
    let instant = |ms: Option<i64>| ms.map(|ms| Timestamp::from_millis(ms).to_string());
    let stay =
        |stay: &Stay| StayView { node: stay.node.to_string(), from: instant(stay.from_ms), to: instant(stay.to_ms) };
    Ok(DeviceView { gpu: gpu.to_string(), stays: stays.iter().map(stay).collect() })
}

/// Shows in which nodes a GPU sat.
#[utoipa::path(get, path = "/v1/devices/{gpu}", tag = "catalog", params(("gpu" = String, Path)),
    responses((status = 200, body = DeviceView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<DeviceView>, Problem> {
    let gpu = gpu(&reference)?;
    let mut tx = app.db().begin_app().await?;
    Ok(Json(shown(gpu, &tenure::stays(&mut tx, &[gpu.uuid()]).await?)?))
}

/// Records that a GPU moved to another node at a whole hour. Refused where time since then was counted elsewhere:
/// then either the move was later, or those reports are wrong.
#[utoipa::path(post, path = "/v1/devices/{gpu}/moves", tag = "catalog", params(("gpu" = String, Path)),
    request_body = NewMove,
    responses((status = 201, body = DeviceView)), security(("api_key" = ["operator:write"])))]
async fn record(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewMove>,
) -> Result<Response, Problem> {
    let gpu = gpu(&reference)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let node = lookup::node(conn, &input.node).await.map_err(|p| lookup::in_field(p, "node"))?;
            let at = input.from.0.start();
            let Some(before) = tenure::record_move(conn, gpu.uuid(), node.id, at).await? else {
                shown(gpu, &tenure::stays(conn, &[gpu.uuid()]).await?)?;
                return Err(Problem::field("from", "a later stay of this GPU begins at or after that hour"));
            };
            let before = shown(gpu, &before)?;
            let contradicted = device_views::contradicted(conn, gpu.uuid(), node.id, at).await?;
            if let Some(first) = contradicted.first() {
                let detail = format!(
                    "{} hours of it from {} to {} were counted at {}",
                    first.hours,
                    first.first,
                    first.last.end(),
                    first.node
                );
                return Err(Problem::new(Code::MoveContradicted, detail).at("from"));
            }
            let view = shown(gpu, &tenure::stays(conn, &[gpu.uuid()]).await?)?;
            let (subject, before, after) = (gpu.to_string(), Some(json!(before)), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "device.move", subject, before, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}
