//! What needs a second person? Credits above what one may give: proposed by the first, approved or refused by another.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    customers::{self, Account},
    proposals::{self, Proposal, Verdict},
};
use releve_types::{
    Money, Timestamp,
    ids::{ApiKeyId, ProposalId},
    time::MILLIS_PER_DAY,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::credits;
use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Line, PageLen, Params, PathOf, Repeat},
    lookup,
    worth::MoneyView,
    write::Answer,
};

/// How long a proposal waits before it is void, in days.
pub const PROPOSAL_DAYS_MAX: i64 = 7;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(approve)).routes(routes!(refuse))
}

#[derive(Serialize, ToSchema)]
pub struct ProposalView {
    id: String,
    /// `credit`.
    kind: String,
    account: String,
    /// The request, as it came.
    #[schema(value_type = Object)]
    request: Value,
    /// What it came to when it was proposed.
    amount: MoneyView,
    /// `waiting`, `approved`, `refused` or `expired`.
    state: &'static str,
    proposed_at: String,
    proposed_by: String,
    expires_at: String,
    decided_at: Option<String>,
    decided_by: Option<String>,
    reason: Option<String>,
    /// What was made once it was approved, by id.
    result: Option<String>,
}

impl ProposalView {
    fn new(of: &Proposal, now: Timestamp) -> Self {
        let verdict = of.verdict.clone();
        let state = match &of.verdict {
            Some(verdict) if verdict.result.is_some() => "approved",
            Some(_) => "refused",
            None if of.expires_at <= now => "expired",
            None => "waiting",
        };
        Self {
            id: of.id.to_string(),
            kind: of.kind.clone(),
            account: of.account.to_string(),
            request: of.request.clone(),
            amount: of.amount.into(),
            state,
            proposed_at: of.proposed_at.to_string(),
            proposed_by: of.proposed_by.clone(),
            expires_at: of.expires_at.to_string(),
            decided_at: verdict.as_ref().map(|verdict| verdict.at.to_string()),
            decided_by: verdict.as_ref().map(|verdict| verdict.by.clone()),
            reason: verdict.as_ref().and_then(|verdict| verdict.reason.clone()),
            result: verdict.and_then(|verdict| verdict.result),
        }
    }
}

/// Keeps a request for a second person, instead of doing it.
pub(super) async fn propose(
    conn: &mut PgConnection,
    (account, request, amount): (&Account, Value, Money),
    (key, actor): (ApiKeyId, String),
    now: Timestamp,
) -> Result<Answer, Problem> {
    let proposal = Proposal {
        id: ProposalId::fresh(now),
        kind: "credit".to_owned(),
        account: account.id,
        request,
        amount,
        proposed_at: now,
        proposed_by: actor.clone(),
        proposer: proposals::standing(conn, key).await?,
        expires_at: now.plus_millis(PROPOSAL_DAYS_MAX * MILLIS_PER_DAY),
        verdict: None,
    };
    proposals::insert(conn, &proposal).await?;
    let view = ProposalView::new(&proposal, now);
    let (subject, after) = (view.id.clone(), Some(json!(view)));
    audit_log::add(conn, &Change { actor, action: "proposal.create", subject, before: None, after }, now).await?;
    Answer::accepted(&view)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// `true`: only those that wait for a word.
    waiting: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists what was proposed, the latest first.
#[utoipa::path(get, path = "/v1/proposals", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<ProposalView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<ProposalView>>, Problem> {
    let waiting = match query.waiting.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("waiting", "expected true or false")),
    };
    let request = format!("proposals, waiting: {waiting}");
    let before: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let before = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let now = app.now();
    let mut tx = app.db().begin_app().await?;
    let waiting_at = waiting.then_some(now);
    let rows = proposals::proposals(&mut tx, waiting_at, before, query.limit.and_one()).await?;
    let view = |proposal: Proposal| ProposalView::new(&proposal, now);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), view)?))
}

/// One that nobody has decided, and that has not expired; locked.
async fn open(conn: &mut PgConnection, reference: &str, now: Timestamp) -> Result<Proposal, Problem> {
    let missing = || Problem::not_found("proposal", reference);
    let id: ProposalId = reference.parse().map_err(|_| missing())?;
    let found = proposals::lock(conn, id).await?.ok_or_else(missing)?;
    if found.verdict.is_some() {
        return Err(Problem::new(Code::AlreadyDecided, "somebody has approved or refused it"));
    }
    if found.expires_at <= now {
        return Err(Problem::new(Code::AlreadyDecided, format!("it waited for {PROPOSAL_DAYS_MAX} days and is void")));
    }
    Ok(found)
}

/// Approves what another person proposed, and does it. Nobody approves what they proposed themselves: not with the same key, nor
/// with a session of it, nor with one that took its place, that it made, or that the same person made.
#[utoipa::path(post, path = "/v1/proposals/{proposal}/approve", tag = "billing", params(("proposal" = String, Path)),
    responses((status = 200, body = ProposalView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn approve(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let (key, actor) = (scope.caller().key(), scope.caller().actor());
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let proposal = open(conn, &reference, now).await?;
            if proposals::standing(conn, key).await?.touches(&proposal.proposer) {
                let detail = "whoever proposed it may not approve it: another person has to";
                return Err(Problem::new(Code::Forbidden, detail).because("same_hand"));
            }
            let missing = || Problem::not_found("account", &proposal.account.to_string());
            let account = customers::account(conn, proposal.account).await?.ok_or_else(missing)?;
            let request =
                serde_json::from_value(proposal.request.clone()).map_err(|error| Problem::internal(&error))?;
            let by = format!("{}, approved by {actor}", proposal.proposed_by);
            let record = credits::make(conn, &account, request, &by, now).await?;
            if record.credit.amount() != proposal.amount {
                let detail = "it would come to another amount now than was proposed: refuse it, and propose it anew";
                return Err(Problem::new(Code::AlreadyDecided, detail).because("amount_changed"));
            }
            credits::noted(conn, &record, actor.clone(), now).await?;
            let result = Some(record.credit.id().to_string());
            settled(conn, proposal, Verdict { at: now, by: actor, result, reason: None }).await
        })
    })
    .await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Why.
    reason: Line,
}

/// Refuses what was proposed. Whoever proposed it may, too: it takes it back.
#[utoipa::path(post, path = "/v1/proposals/{proposal}/refuse", tag = "billing", params(("proposal" = String, Path)),
    request_body = Refusal, responses((status = 200, body = ProposalView)),
    security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn refuse(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<Refusal>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let proposal = open(conn, &reference, now).await?;
            input.reason.must_say_why("say why")?;
            settled(conn, proposal, Verdict { at: now, by: actor, result: None, reason: Some(input.reason.0) }).await
        })
    })
    .await
}

async fn settled(conn: &mut PgConnection, proposal: Proposal, verdict: Verdict) -> Result<Answer, Problem> {
    proposals::decide(conn, proposal.id, &verdict).await?;
    let action = if verdict.result.is_some() { "proposal.approve" } else { "proposal.refuse" };
    let (actor, now) = (verdict.by.clone(), verdict.at);
    let view = ProposalView::new(&Proposal { verdict: Some(verdict), ..proposal }, now);
    let (subject, after) = (view.id.clone(), Some(json!(view)));
    audit_log::add(conn, &Change { actor, action, subject, before: None, after }, now).await?;
    Answer::done(&view)
}
