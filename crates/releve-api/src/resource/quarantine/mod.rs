//! What was understood but not believed? Looked at in groups, decided on by filter, dry first.

mod which;

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use releve_store::{
    audit_log::{self, Change},
    quarantine_views::{self, Filter, Group, Quarantined, Verdict},
};
use releve_types::{TenantId, Timestamp, ids::QuarantineId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::which::Listing;
pub use self::which::Which;
use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, FOR_THE_NEXT, Line, Params, PathOf},
    lookup,
    worth::{MoneyView, gpu_hours, worth},
    write::{Answer, detached},
};

/// Groups shown at most.
pub const GROUPS_LEN_MAX: i64 = 1_000;
/// Messages that one request weighs or judges again; `next` says where to go on.
pub const DECIDED_LEN_MAX: i64 = 1_000;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(groups))
        .routes(routes!(show))
        .routes(routes!(body))
        .routes(routes!(redrive))
        .routes(routes!(reject))
}

#[derive(Serialize, ToSchema)]
pub struct QuarantineView {
    id: String,
    /// `report` or `reading`.
    kind: String,
    reason: String,
    field: String,
    detail: String,
    /// `amqp`, `http` or `dead_letter`.
    source: String,
    node: Option<String>,
    agent: String,
    rack: String,
    window_start: Option<String>,
    window_end: Option<String>,
    /// Whom it concerns, as far as that is known.
    tenants: Vec<ConcernedView>,
    received_at: String,
    status: String,
    verdict: Option<VerdictView>,
    bytes: i64,
}

#[derive(Serialize, ToSchema)]
pub struct ConcernedView {
    tenant: String,
    gpu_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub struct VerdictView {
    by: String,
    at: String,
    reason: String,
}

impl From<Quarantined> for QuarantineView {
    fn from(entry: Quarantined) -> Self {
        let concerned =
            |(tenant, gpu_ms): (&TenantId, &i64)| ConcernedView { tenant: tenant.to_string(), gpu_ms: *gpu_ms };
        let verdict = |v: Verdict| VerdictView { by: v.by, at: v.at.to_string(), reason: v.reason };
        Self {
            id: entry.id.to_string(),
            kind: entry.kind,
            reason: entry.reason,
            field: entry.field,
            detail: entry.detail,
            source: entry.source,
            node: entry.node.map(|node| node.to_string()),
            agent: entry.agent,
            rack: entry.rack,
            window_start: entry.window.map(|(start, _)| start.to_string()),
            window_end: entry.window.map(|(_, end)| end.to_string()),
            tenants: entry.tenants.iter().zip(&entry.held_ms).map(concerned).collect(),
            received_at: entry.received_at.to_string(),
            status: entry.status,
            verdict: entry.verdict.map(verdict),
            bytes: entry.bytes,
        }
    }
}

/// Lists quarantined messages in the order they came.
#[utoipa::path(get, path = "/v1/quarantine", tag = "quarantine", params(Listing),
    responses((status = 200, body = Paged<QuarantineView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<QuarantineView>>, Problem> {
    let request = query.request();
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after: Option<QuarantineId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let filter = query.filter(&mut tx).await?;
    let rows = quarantine_views::messages(&mut tx, &filter, after, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), QuarantineView::from)?))
}

#[derive(Serialize, ToSchema)]
pub struct QuarantineGroupView {
    kind: String,
    reason: String,
    agent: String,
    rack: String,
    messages: i64,
    nodes: i64,
    gpu_ms: i64,
    /// The same, to read.
    #[schema(example = "12.500")]
    gpu_hours: String,
    first_received: String,
    last_received: String,
}

impl From<Group> for QuarantineGroupView {
    fn from(group: Group) -> Self {
        Self {
            kind: group.kind,
            reason: group.reason,
            agent: group.agent,
            rack: group.rack,
            messages: group.messages,
            nodes: group.nodes,
            gpu_ms: group.gpu_ms,
            gpu_hours: gpu_hours(group.gpu_ms),
            first_received: group.first_received.to_string(),
            last_received: group.last_received.to_string(),
        }
    }
}

/// Groups quarantined messages by reason, agent version and rack, the largest group first.
#[utoipa::path(get, path = "/v1/quarantine/groups", tag = "quarantine", params(Listing),
    responses((status = 200, body = Paged<QuarantineGroupView>)), security(("api_key" = ["operator:read"])))]
async fn groups(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<QuarantineGroupView>>, Problem> {
    if query.cursor.is_some() {
        return Err(Problem::new(Code::CursorRefused, "groups come on one page").at("cursor"));
    }
    let mut tx = app.db().begin_app().await?;
    let filter = query.filter(&mut tx).await?;
    let rows = quarantine_views::groups(&mut tx, &filter, GROUPS_LEN_MAX).await?;
    Ok(Json(Paged { items: rows.into_iter().map(QuarantineGroupView::from).collect(), next: None }))
}

/// Shows a quarantined message.
#[utoipa::path(get, path = "/v1/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, body = QuarantineView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<QuarantineView>, Problem> {
    let missing = || Problem::not_found("quarantine entry", &reference);
    let filter = Filter { id: Some(reference.parse().map_err(|_| missing())?), ..Filter::default() };
    let mut tx = app.db().begin_app().await?;
    let found = quarantine_views::messages(&mut tx, &filter, None, 1).await?.pop();
    Ok(Json(QuarantineView::from(found.ok_or_else(missing)?)))
}

/// Gives the bytes of a quarantined message as they came (unsigned ones up to a limit).
#[utoipa::path(get, path = "/v1/quarantine/{id}/body", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)),
    security(("api_key" = ["operator:read"])))]
async fn body(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("quarantine entry", &reference);
    let id: QuarantineId = reference.parse().map_err(|_| missing())?;
    let mut tx = app.db().begin_app().await?;
    let bytes = quarantine_views::body(&mut tx, id).await?.ok_or_else(missing)?;
    let octets = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, octets)], bytes).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redrive {
    filter: Which,
    /// Shows what it is about, and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Goes on after this one: the `next` of an earlier answer.
    after: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    filter: Which,
    /// Why it is not to be counted.
    reason: Line,
    /// Shows what it is about, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, ToSchema)]
pub struct DecisionView {
    dry_run: bool,
    /// How many messages it is about; of a re-drive, on this page.
    messages: i64,
    gpu_ms: i64,
    /// The same, to read.
    #[schema(example = "12.500")]
    gpu_hours: String,
    /// Of a dry run: what the messages that can be understood today come to, at list price. One per currency.
    money: Vec<MoneyView>,
    /// Of a dry run: GPU time that has no price, or nobody to pay it.
    unpriced_gpu_ms: i64,
    /// Of a dry run: messages that can't be understood today, and are not in `money`.
    unweighed_messages: i64,
    /// What became of them, by fate.
    fates: BTreeMap<String, i64>,
    /// Where to go on, if there is more.
    next: Option<String>,
}

/// The waiting messages of a filter, a page of them, and what they are about.
pub(super) struct Page {
    pub(super) ids: Vec<QuarantineId>,
    gpu_ms: i64,
    pub(super) next: Option<String>,
}

/// The page of a decision's filter after one message.
pub(super) async fn waiting_ids(conn: &mut PgConnection, which: &Which, after: Option<&str>) -> Result<Page, Problem> {
    let after: Option<QuarantineId> = after.map(|id| lookup::parsed("after", id)).transpose()?;
    let filter = which.waiting(conn, "filter.").await?;
    page(conn, &filter, after).await
}

async fn page(conn: &mut PgConnection, filter: &Filter, after: Option<QuarantineId>) -> Result<Page, Problem> {
    let rows = quarantine_views::messages(conn, filter, after, DECIDED_LEN_MAX).await?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == DECIDED_LEN_MAX;
    let next = rows.last().filter(|_| full).map(|row| row.id.to_string());
    let gpu_ms = rows.iter().flat_map(|row| &row.held_ms).sum();
    Ok(Page { ids: rows.into_iter().map(|row| row.id).collect(), gpu_ms, next })
}

async fn weighed(app: &AppState, page: Page, now: Timestamp) -> Result<DecisionView, Problem> {
    let weight = app.aggregator().weigh(&page.ids, now).await?;
    let mut tx = app.db().begin_app().await?;
    let worth = worth(&mut tx, &weight.held_ms).await?;
    Ok(DecisionView {
        dry_run: true,
        messages: len(&page.ids),
        gpu_ms: page.gpu_ms,
        gpu_hours: gpu_hours(page.gpu_ms),
        money: worth.money,
        unpriced_gpu_ms: worth.unpriced_gpu_ms,
        unweighed_messages: i64::try_from(weight.unweighed).unwrap_or(i64::MAX),
        fates: BTreeMap::new(),
        next: page.next,
    })
}

fn len<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// Judges waiting reports again, after what stood in their way was mended: a page at a time, in the order they came.
/// Doing it twice is harmless, so it takes no idempotency key.
#[utoipa::path(post, path = "/v1/quarantine/redrive", tag = "quarantine", request_body = Redrive,
    responses((status = 200, body = DecisionView)), security(("api_key" = ["operator:write"])))]
async fn redrive(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<Redrive>,
) -> Result<Json<DecisionView>, Problem> {
    repeat.without_key()?;
    let actor = scope.caller().actor();
    detached(async move {
        let now = app.now();
        let mut tx = app.db().begin_app().await?;
        let page = waiting_ids(&mut tx, &input.filter, input.after.as_deref()).await?;
        tx.commit().await?;
        if input.dry_run {
            return Ok(Json(weighed(&app, page, now).await?));
        }
        let done = app.aggregator().redrive(&page.ids, now).await?;
        let mut fates: BTreeMap<String, i64> = BTreeMap::new();
        for (_, fate) in &done {
            *fates.entry(fate.name().to_owned()).or_default() += 1;
        }
        let after = Some(json!({ "filter": input.filter, "fates": fates }));
        let change =
            Change { actor, action: "quarantine.redrive", subject: "quarantine".to_owned(), before: None, after };
        let mut tx = app.db().begin_app().await?;
        audit_log::add(&mut tx, &change, now).await?;
        tx.commit().await?;
        Ok(Json(DecisionView {
            dry_run: false,
            messages: len(&page.ids),
            gpu_ms: page.gpu_ms,
            gpu_hours: gpu_hours(page.gpu_ms),
            money: Vec::new(),
            unpriced_gpu_ms: 0,
            unweighed_messages: 0,
            fates,
            next: page.next,
        }))
    })
    .await
}

/// Decides that waiting messages are not to be counted. Their bytes stay, and the verdict stands on redelivery.
#[utoipa::path(post, path = "/v1/quarantine/reject", tag = "quarantine", request_body = Rejection,
    responses((status = 200, body = DecisionView)), security(("api_key" = ["operator:write"])))]
async fn reject(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<Rejection>,
) -> Result<Response, Problem> {
    input.reason.must_say_why(FOR_THE_NEXT)?;
    if input.dry_run {
        repeat.without_key()?;
        let mut tx = app.db().begin_app().await?;
        let filter = input.filter.waiting(&mut tx, "filter.").await?;
        let page = page(&mut tx, &filter, None).await?;
        let extent = quarantine_views::extent(&mut tx, &filter).await?;
        tx.commit().await?;
        let (messages, gpu_ms) = (extent.messages, extent.gpu_ms);
        let unweighed = messages - len(&page.ids);
        let mut view = weighed(&app, page, app.now()).await?;
        view.unweighed_messages += unweighed;
        view = DecisionView { messages, gpu_ms, gpu_hours: gpu_hours(gpu_ms), next: None, ..view };
        return Ok(Json(view).into_response());
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let filter = input.filter.waiting(conn, "filter.").await?;
            if let Some(id) = filter.id {
                still_waits(conn, id).await?;
            }
            let extent = quarantine_views::extent(conn, &filter).await?;
            let verdict = Verdict { by: actor.clone(), at: now, reason: input.reason.0.clone() };
            let rejected = quarantine_views::reject(conn, &filter, &verdict).await?;
            let rejected = i64::try_from(rejected).unwrap_or(i64::MAX);
            let after = json!({ "filter": input.filter, "reason": verdict.reason, "messages": rejected });
            let subject = filter.id.map_or_else(|| "quarantine".to_owned(), |id| id.to_string());
            let change = Change { actor, action: "quarantine.reject", subject, before: None, after: Some(after) };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&DecisionView {
                dry_run: false,
                messages: rejected,
                gpu_ms: extent.gpu_ms,
                gpu_hours: gpu_hours(extent.gpu_ms),
                money: Vec::new(),
                unpriced_gpu_ms: 0,
                unweighed_messages: 0,
                fates: BTreeMap::from([("rejected".to_owned(), rejected)]),
                next: None,
            })
        })
    })
    .await
}

/// One message, named by its id, has to be there and undecided: a filter may take in nothing, a name may not.
async fn still_waits(conn: &mut PgConnection, id: QuarantineId) -> Result<(), Problem> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    match quarantine_views::messages(conn, &filter, None, 1).await?.pop() {
        None => Err(Problem::field("filter.id", format!("there is no quarantine entry '{id}'"))),
        Some(entry) if entry.status != "waiting" => {
            Err(Problem::new(Code::AlreadyDecided, format!("its status is '{}'", entry.status)).at("filter.id"))
        }
        Some(_) => Ok(()),
    }
}
