//! What if a node's word was wrong? Its reports are looked at, withdrawn, or superseded by others that wait.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use releve_aggregator::{Change, WithdrawError};
use releve_store::{
    amendments::{self, NodeReport},
    floor,
    reports::ReportKey,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    gaps::Listing,
    quarantine::{Which, waiting_ids},
};
use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::Problem,
    input::{Command, FOR_THE_NEXT, Instant, Line, Params, PathOf},
    lookup,
    worth::{MoneyView, gpu_hours, worth},
    write::detached,
};

/// The longest stretch that one request withdraws, in hours: a month and a day.
pub const WITHDRAWN_HOURS_MAX: i64 = 32 * 24;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(withdraw)).routes(routes!(amend))
}

#[derive(Serialize, ToSchema)]
pub struct NodeReportView {
    window_start: String,
    window_end: String,
    seq: i64,
    run: String,
    /// SHA-256 of its signed head.
    head_sha256: String,
    received_at: String,
    agent: String,
    /// GPU time that it says was held, by anybody.
    gpu_ms: i64,
    /// `counted`, `superseded` or `withdrawn`.
    #[schema(example = "counted")]
    status: String,
    /// Since when it counts no more.
    taken_back_at: Option<String>,
    /// The head of the report that counts in its place.
    superseded_by: Option<String>,
}

impl From<NodeReport> for NodeReportView {
    fn from(report: NodeReport) -> Self {
        Self {
            window_start: report.key.window_start.to_string(),
            window_end: report.window_end.to_string(),
            seq: report.key.seq,
            run: report.key.run.to_string(),
            head_sha256: hex::encode(report.head_sha256),
            received_at: report.received_at.to_string(),
            agent: report.agent,
            gpu_ms: report.held_ms,
            status: report.status,
            taken_back_at: report.taken_back_at.map(|at| at.to_string()),
            superseded_by: report.superseded_by.map(hex::encode),
        }
    }
}

/// Lists a node's stored reports by window, those that count no more among them. Days that were archived have left the
/// database.
#[utoipa::path(get, path = "/v1/nodes/{node}/reports", tag = "quarantine", params(("node" = String, Path), Listing),
    responses((status = 200, body = Paged<NodeReportView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<NodeReportView>>, Problem> {
    let stretch = query.stretch(app.now())?;
    let mut tx = app.db().begin_app().await?;
    let node = lookup::node(&mut tx, &reference).await?.id;
    let request = format!("reports of {node} in {stretch}");
    let after: Option<(i64, i64, String)> = cursor::decode(&request, query.cursor.as_deref())?;
    let after = after.map(|(at, seq, run)| {
        let window_start = cursor::instant(at)?;
        let run = lookup::parsed("cursor", &run)?;
        Ok::<_, Problem>(ReportKey { day: window_start.day(), node, window_start, seq, run })
    });
    let limit = query.limit.and_one();
    let rows = amendments::of_node(&mut tx, node, (stretch.start(), stretch.end()), after.transpose()?, limit).await?;
    let place = |r: &NodeReport| (r.key.window_start.as_millis(), r.key.seq, r.key.run.to_string());
    Ok(Json(Paged::of(rows, query.limit, &request, place, NodeReportView::from)?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportWithdrawal {
    from: Instant,
    /// Not included.
    to: Instant,
    /// Why the node is not believed: what the next person, and the auditor, read.
    reason: Line,
    /// Shows what it is about, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportAmendment {
    /// Which waiting messages are to count.
    filter: Which,
    /// Why they are believed rather than what was counted.
    reason: Line,
    /// Shows what it is about, and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Goes on after this one: the `next` of an earlier answer.
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TakenBackView {
    dry_run: bool,
    /// Reports that count no more. They are kept.
    taken_back: usize,
    /// GPU time that tenants hold more of; below zero: less.
    gpu_ms: i64,
    /// The same, to read.
    #[schema(example = "-12.500")]
    gpu_hours: String,
    /// What that comes to at list price. One amount per currency.
    money: Vec<MoneyView>,
    /// GPU time of it that has no price, or nobody to pay it.
    unpriced_gpu_ms: i64,
    /// A node's time that nobody vouches for any more: a gap.
    uncovered_ms: i64,
    /// What became of the waiting messages, by fate.
    fates: BTreeMap<String, i64>,
    /// Where to go on, if there is more.
    next: Option<String>,
}

async fn told(app: &AppState, dry_run: bool, change: Change) -> Result<TakenBackView, Problem> {
    let gpu_ms = change.held_ms.values().sum();
    let mut tx = app.db().begin_app().await?;
    let worth = worth(&mut tx, &change.held_ms).await?;
    Ok(TakenBackView {
        dry_run,
        taken_back: change.taken_back.len(),
        gpu_ms,
        gpu_hours: gpu_hours(gpu_ms),
        money: worth.money,
        unpriced_gpu_ms: worth.unpriced_gpu_ms,
        uncovered_ms: change.uncovered_ms,
        fates: BTreeMap::new(),
        next: None,
    })
}

fn because(reason: &Line) -> Result<String, Problem> {
    reason.must_say_why(FOR_THE_NEXT)?;
    Ok(reason.0.clone())
}

/// Withdraws a node's counted reports whose windows lie in a stretch: what they counted is taken back from whoever it
/// stands with by now, and the time is a gap until another report of it comes. The reports are kept. What is on an invoice
/// comes back by a correction. A UTC day a transaction; doing it again takes back nothing more.
#[utoipa::path(post, path = "/v1/nodes/{node}/reports/withdraw", tag = "quarantine", request_body = ReportWithdrawal,
    params(("node" = String, Path)), responses((status = 200, body = TakenBackView)),
    security(("api_key" = ["operator:write"])))]
async fn withdraw(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<ReportWithdrawal>,
) -> Result<Json<TakenBackView>, Problem> {
    repeat.without_key()?;
    let reason = because(&input.reason)?;
    let (from, to) = (input.from.0, input.to.0);
    if to <= from {
        return Err(Problem::field("to", "a stretch ends after it starts"));
    }
    if to.since(from) > WITHDRAWN_HOURS_MAX * releve_types::time::MILLIS_PER_HOUR {
        return Err(Problem::field("to", format!("at most {WITHDRAWN_HOURS_MAX} hours are withdrawn at once")));
    }
    let actor = scope.caller().actor();
    detached(async move {
        let mut tx = app.db().begin_app().await?;
        let node = lookup::node(&mut tx, &reference).await?.id;
        // Said before anything is taken back: a day of it may be archived, and the others not.
        let archived = |day| Problem::field("from", WithdrawError::Archived(day));
        let floor = floor::read_shared(&mut tx).await?;
        if from.day() < floor {
            return Err(archived(floor));
        }
        tx.commit().await?;
        let done = app.aggregator().withdraw(node, (from, to), (&actor, &reason), input.dry_run, app.now()).await;
        let change = done.map_err(|error| match error {
            WithdrawError::Archived(day) => archived(day),
            WithdrawError::Take(error) => error.into(),
        })?;
        Ok(Json(told(&app, input.dry_run, change).await?))
    })
    .await
}

/// Counts waiting reports in place of the counted ones that they overlap, a page at a time, in the order they came: of
/// two that overlap, the later one stands. What is superseded is kept, and taken back from whoever it stands with by now.
/// A message that is not believed for another reason waits on. Doing it again changes nothing more.
#[utoipa::path(post, path = "/v1/quarantine/amend", tag = "quarantine", request_body = ReportAmendment,
    responses((status = 200, body = TakenBackView)), security(("api_key" = ["operator:write"])))]
async fn amend(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<ReportAmendment>,
) -> Result<Json<TakenBackView>, Problem> {
    repeat.without_key()?;
    let reason = because(&input.reason)?;
    let actor = scope.caller().actor();
    detached(async move {
        let mut tx = app.db().begin_app().await?;
        let page = waiting_ids(&mut tx, &input.filter, input.after.as_deref()).await?;
        tx.commit().await?;
        let amended = app.aggregator().amend(&page.ids, (&actor, &reason), input.dry_run, app.now()).await?;
        let mut fates: BTreeMap<String, i64> = BTreeMap::new();
        for (_, fate) in &amended.0 {
            *fates.entry(fate.name().to_owned()).or_default() += 1;
        }
        Ok(Json(TakenBackView { fates, next: page.next, ..told(&app, input.dry_run, amended.1).await? }))
    })
    .await
}
