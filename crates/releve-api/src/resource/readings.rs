//! Intake of readings: storage, traffic, tokens, and whatever else is metered that is not a GPU.
//!
//! The key's meter scope stands in for a signature. A reading is known by its source and id: sending it again is
//! always safe, and needs no idempotency key.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use releve_aggregator::{IncomingReading, ReadingFate, Reject, decode_reading};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::reports::{BATCH_BYTES_MAX, FateView, ItemView, answer, items};
use crate::{
    AppState,
    auth::ReadingScope,
    error::{Code, Problem},
    input::{check_content_type, read_body},
    write::detached,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(take))
}

/// A metered quantity inside one UTC hour. For the document only: what is read is decided by the wire format.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the wire's reading, which the aggregator decodes")]
pub struct ReadingBody {
    /// Who measured.
    #[schema(example = "s3")]
    source: String,
    /// Unique for its source, for ever.
    #[schema(example = "2026-03-01T00-lab")]
    id: String,
    #[schema(example = "storage")]
    meter: String,
    /// Whose it is, by id or name. Either this or `key`.
    #[schema(example = "lab")]
    tenant: Option<String>,
    /// The tenant key that rules map. Either this or `tenant`.
    key: Option<String>,
    project: Option<String>,
    /// In base units, not negative.
    #[schema(example = 3600, minimum = 0)]
    quantity: i64,
    /// gib_second, byte, token or count.
    #[schema(example = "gib_second")]
    unit: String,
    #[schema(example = "2026-03-01T00:00:00Z")]
    from: String,
    #[schema(example = "2026-03-01T01:00:00Z")]
    to: String,
    /// Part of the SKU; `default` if absent.
    region: Option<String>,
    labels: Option<std::collections::BTreeMap<String, String>>,
}

/// One reading, or up to 1,000. For the document only.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `take` tells apart by its first character")]
enum ReadingsBody {
    One(Box<ReadingBody>),
    Many(Vec<ReadingBody>),
}

/// The fate of one reading, or of each of an array, in its order. For the document only.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `take` answers")]
enum FatesView {
    One(FateView),
    Many(Vec<ItemView>),
}

fn refused(reject: &Reject) -> Problem {
    let problem = Problem::new(Code::ReadingRefused, &reject.detail).because(reject.code.as_str());
    if reject.field.is_empty() { problem } else { problem.at(reject.field.clone()) }
}

fn told(fate: ReadingFate) -> Result<FateView, Problem> {
    match fate {
        ReadingFate::Counted | ReadingFate::Duplicate => Ok(FateView::plain(fate.name())),
        ReadingFate::Quarantined { reason } => Ok(FateView::quarantined(reason.as_str(), "", reason.to_do())),
        ReadingFate::Refused { field, detail } => {
            Err(Problem::new(Code::ReadingRefused, detail).at(field).because(format!("{field}_refused")))
        }
    }
}

fn decoded(scope: &ReadingScope, bytes: &[u8]) -> Result<IncomingReading, Problem> {
    let reading = decode_reading(bytes).map_err(|reject| refused(&reject))?;
    if !scope.covers(&reading.meter) {
        let detail = format!("this takes a key with the scope 'reading:{}'", reading.meter);
        return Err(Problem::new(Code::Forbidden, detail).at("meter"));
    }
    Ok(reading)
}

/// Takes a reading, or an array of up to 1,000: then each has its own fate, in the order of the array.
#[utoipa::path(post, path = "/v1/readings", tag = "intake", request_body = ReadingsBody,
    responses((status = 200, body = FatesView), (status = 202, body = FateView)),
    security(("api_key" = ["reading:*"])))]
async fn take(scope: ReadingScope, State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers, &["application/json"])?;
    let body = read_body(body, BATCH_BYTES_MAX).await?;
    if body.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'[') {
        let fates = hand_over(app, vec![decoded(&scope, &body)?]).await?;
        let fate = fates.into_iter().next().ok_or_else(|| Problem::new(Code::Internal, "no fate"))?;
        return told(fate).map(answer);
    }
    let decoded: Vec<Result<IncomingReading, Problem>> =
        items(&body)?.iter().map(|raw| decoded(&scope, raw.get().as_bytes())).collect();
    let good = decoded.iter().filter_map(|d| d.as_ref().ok()).cloned().collect();
    let mut fates = hand_over(app, good).await?.into_iter();
    let told = decoded.into_iter().map(|decoded| {
        decoded.and_then(|_| fates.next().map_or_else(|| Err(Problem::new(Code::Internal, "no fate")), told))
    });
    Ok(Json(told.map(ItemView::of).collect::<Vec<_>>()).into_response())
}

async fn hand_over(app: AppState, readings: Vec<IncomingReading>) -> Result<Vec<ReadingFate>, Problem> {
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    detached(async move { Ok(app.aggregator().take_readings(readings, app.now()).await?) }).await
}
