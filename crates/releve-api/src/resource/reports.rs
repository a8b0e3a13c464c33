//! Intake of reports: the door for nodes that don't speak to the broker. The same `take` is behind both.
//!
//! A key with the scope `agent` opens the door; what is counted is decided by the report's signature alone. The
//! signature would be enough to count, but checking one costs more than sending one, so strangers stay outside.
//! Sending a report again is always safe: it is known by what it says, and needs no idempotency key.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use releve_aggregator::{Fate, Message, Source};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::AgentScope,
    error::{Code, Problem, ProblemView},
    input::{check_content_type, from_json, read_body},
    write::detached,
};

/// The most reports of one batch.
pub const BATCH_LEN_MAX: usize = 1_000;
/// The largest batch, in bytes.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(take)).routes(routes!(take_batch))
}

/// What became of a report: it is safe here, and need not be sent again.
#[derive(Serialize, ToSchema)]
// Else a refusal would fit it too, in the document.
#[serde(deny_unknown_fields)]
pub struct FateView {
    /// `counted`, `duplicate` (counted before), `late_known` (archived and counted before) or `quarantined`.
    #[schema(example = "counted")]
    fate: &'static str,
    /// Why it was understood but not believed; it waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The answer for one message of a batch: a fate, or the problem for which it was refused.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ItemView {
    Fate(FateView),
    Refused(RefusedView),
}

/// A message of a batch that was refused.
#[derive(Serialize, ToSchema)]
pub struct RefusedView {
    /// `refused`.
    fate: &'static str,
    problem: ProblemView,
}

impl FateView {
    pub(super) fn plain(fate: &'static str) -> Self {
        Self { fate, reason: None, field: None, detail: None }
    }

    pub(super) fn quarantined(reason: &str, field: &str, detail: &str) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { fate: "quarantined", reason: some(reason), field: some(field), detail: some(detail) }
    }
}

impl ItemView {
    pub(super) fn of(answer: Result<FateView, Problem>) -> Self {
        match answer {
            Ok(fate) => Self::Fate(fate),
            Err(problem) => Self::Refused(RefusedView { fate: "refused", problem: problem.view() }),
        }
    }
}

/// Quarantined is 202: taken in, and not counted yet.
pub(super) fn answer(fate: FateView) -> Response {
    let status = if fate.fate == "quarantined" { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(fate)).into_response()
}

fn told(fate: Fate) -> Result<FateView, Problem> {
    match fate {
        Fate::Counted | Fate::Duplicate | Fate::LateKnown => Ok(FateView::plain(fate.name())),
        Fate::Quarantined { reason, field, detail } => Ok(FateView::quarantined(reason.as_str(), &field, &detail)),
        Fate::Refused(reject) => {
            let problem = Problem::new(Code::ReportRefused, reject.detail).because(reject.code.as_str());
            Err(if reject.field.is_empty() { problem } else { problem.at(reject.field) })
        }
    }
}

/// Takes one report, as its node signed it. Counted, known or quarantined: it is safe here. Refused: keep it.
#[utoipa::path(post, path = "/v1/reports", tag = "intake",
    request_body(content = Object, content_type = "application/cloudevents+json"),
    responses((status = 200, body = FateView), (status = 202, body = FateView)),
    security(("api_key" = ["agent"])))]
async fn take(_: AgentScope, State(app): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers, &["application/cloudevents+json"])?;
    let body = read_body(body, app.aggregator().settings().message_bytes_max).await?;
    let fate = detached(async move {
        let (message, now) = (Message { body, source: Source::Http }, app.now());
        app.gathering().take(app.aggregator(), message, now).await
    });
    told(fate.await?).map(answer)
}

/// Takes up to 1,000 reports. Each has its own fate; the answer lists them in the order of the batch.
#[utoipa::path(post, path = "/v1/reports/batch", tag = "intake",
    request_body(content = Vec<Object>, content_type = "application/cloudevents-batch+json"),
    responses((status = 200, body = Vec<ItemView>)),
    security(("api_key" = ["agent"])))]
async fn take_batch(
    _: AgentScope,
    State(app): State<AppState>,
    request: Request,
) -> Result<Json<Vec<ItemView>>, Problem> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers, &["application/cloudevents-batch+json", "application/json"])?;
    let body = read_body(body, BATCH_BYTES_MAX).await?;
    let messages: Vec<Vec<u8>> = items(&body)?.into_iter().map(|raw| raw.get().as_bytes().to_vec()).collect();
    let fates = hand_over(app, messages).await?;
    Ok(Json(fates.into_iter().map(|fate| ItemView::of(told(fate))).collect()))
}

/// The items of a JSON array, each as the exact bytes it came in: signatures cover bytes.
pub(super) fn items(body: &[u8]) -> Result<Vec<Box<RawValue>>, Problem> {
    let items: Vec<Box<RawValue>> = from_json(body)?;
    if items.is_empty() || items.len() > BATCH_LEN_MAX {
        return Err(Problem::new(
            Code::InvalidField,
            format!("a batch has 1 to {BATCH_LEN_MAX} items, not {}", items.len()),
        ));
    }
    Ok(items)
}

async fn hand_over(app: AppState, bodies: Vec<Vec<u8>>) -> Result<Vec<Fate>, Problem> {
    detached(async move {
        let messages = bodies.into_iter().map(|body| Message { body, source: Source::Http }).collect();
        Ok(app.aggregator().take(messages, app.now()).await?)
    })
    .await
}
