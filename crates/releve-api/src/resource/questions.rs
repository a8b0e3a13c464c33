//! What does a customer ask about a line of its invoice, and what became of that? A credit note, or a reasoned no.

use axum::{Json, extract::State, response::Response};
use releve_jobs::{
    documents::JSON,
    webhooks::{QUESTION_ANSWERED, QUESTION_ASKED},
};
use releve_store::{
    audit_log::{self, Change},
    documents,
    invoices::{self, InvoiceHead, InvoiceState},
    outbox::{self, NewEntry},
    questions::{self, Answer as Given, Question, QuestionFilter},
};
use releve_types::{AccountId, InvoiceId, ids::QuestionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope, TenantBillingScope, TenantScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Line, Page, PageLen, Params, PathOf},
    lookup,
    write::Answer,
};

/// Questions of one tenant that wait for an answer at most.
pub const OPEN_QUESTIONS_MAX: i64 = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(ask)).routes(routes!(of_tenant)).routes(routes!(list)).routes(routes!(answer))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuestion {
    /// As printed: the first is 1.
    line: i32,
    /// What is wrong with it.
    question: Line,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// `credited`, with the credit note that gives it back, or `stands`.
    verdict: String,
    /// Why: what the customer reads.
    reason: Line,
    /// Of a credited one, by id or number: an issued credit note of the same account.
    credit_note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct QuestionView {
    id: String,
    tenant: String,
    account: String,
    invoice: String,
    line: i32,
    question: String,
    asked_at: String,
    asked_by: String,
    /// `open`, `credited` or `stands`.
    state: &'static str,
    answer: Option<String>,
    /// The credit note that gave it back.
    credit_note: Option<String>,
    answered_at: Option<String>,
}

impl From<&Question> for QuestionView {
    fn from(question: &Question) -> Self {
        let answer = question.answer.as_ref();
        Self {
            id: question.id.to_string(),
            tenant: question.tenant.to_string(),
            account: question.account.to_string(),
            invoice: question.invoice.to_string(),
            line: question.line,
            question: question.text.clone(),
            asked_at: question.asked_at.to_string(),
            asked_by: question.asked_by.clone(),
            state: answer.map_or("open", Given::verdict),
            answer: answer.map(|given| given.reason.clone()),
            credit_note: answer.and_then(|given| given.credit_note).map(|note| note.to_string()),
            answered_at: answer.map(|given| given.at.to_string()),
        }
    }
}

/// An issued invoice of an account, by id or number.
async fn own(conn: &mut PgConnection, account: AccountId, reference: &str) -> Result<Option<InvoiceHead>, Problem> {
    let found = match reference.parse() {
        Ok(id) => invoices::head(conn, id).await?.into_iter().collect(),
        Err(_) => invoices::numbered(conn, reference).await?,
    };
    Ok(found.into_iter().find(|head| head.state == InvoiceState::Issued && head.account == account))
}

/// How many lines are printed on an issued document.
async fn lines(conn: &mut PgConnection, head: &InvoiceHead) -> Result<i32, Problem> {
    let document = documents::find(conn, head.account, head.id, JSON).await?;
    let json: Value = document
        .map(|document| serde_json::from_slice(&document.body))
        .transpose()
        .map_err(|error| Problem::internal(&error))?
        .unwrap_or_default();
    let count = json["lines"].as_array().map_or(0, Vec::len);
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

fn event(topic: &'static str, question: &Question) -> NewEntry {
    let (account, tenant) = (Some(question.account), Some(question.tenant));
    NewEntry { topic, account, tenant, body: json!(QuestionView::from(question)) }
}

/// Questions a line of an issued invoice. An operator answers it, with a credit note or a reasoned no; both are told of by
/// `question.asked` and `question.answered`. At most 100 wait for an answer at a time.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/invoices/{invoice}/questions", tag = "billing",
    params(("tenant" = String, Path), ("invoice" = String, Path)), request_body = NewQuestion,
    responses((status = 201, body = QuestionView)), security(("api_key" = ["tenant:billing"]), ("api_key" = ["operator:write"])))]
async fn ask(
    scope: TenantBillingScope,
    State(app): State<AppState>,
    PathOf((_tenant, reference)): PathOf<(String, String)>,
    Command { input, repeat }: Command<NewQuestion>,
) -> Result<Response, Problem> {
    if input.question.0.is_empty() {
        return Err(Problem::field("question", "say what is wrong with the line"));
    }
    let (actor, tenant, account) = (scope.caller().actor(), scope.id(), scope.account());
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let missing = || Problem::not_found("issued invoice", &reference);
            let head = own(conn, account, &reference).await?.ok_or_else(missing)?;
            let printed = lines(conn, &head).await?;
            if !(1..=printed).contains(&input.line) {
                return Err(Problem::field("line", format!("the invoice has lines 1 to {printed}")));
            }
            if questions::open_of(conn, tenant).await? >= OPEN_QUESTIONS_MAX {
                let detail =
                    format!("{OPEN_QUESTIONS_MAX} of your questions wait for an answer: more can be asked then");
                return Err(Problem::field("question", detail));
            }
            let question = Question {
                id: QuestionId::fresh(now),
                tenant,
                account,
                invoice: head.id,
                line: input.line,
                text: input.question.0,
                asked_at: now,
                asked_by: actor.clone(),
                answer: None,
            };
            questions::insert(conn, &question).await?;
            outbox::put(conn, &[event(QUESTION_ASKED, &question)], now).await?;
            let view = QuestionView::from(&question);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "question.ask", subject, before: None, after }, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

async fn page(
    conn: &mut PgConnection,
    filter: QuestionFilter,
    (limit, cursor): (PageLen, Option<&str>),
) -> Result<Json<Paged<QuestionView>>, Problem> {
    let request = format!("questions {filter:?}");
    let before: Option<String> = cursor::decode(&request, cursor)?;
    let before: Option<QuestionId> = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let rows = questions::questions(conn, filter, before, limit.and_one()).await?;
    let view = |question: Question| QuestionView::from(&question);
    Ok(Json(Paged::of(rows, limit, &request, |last| last.id.to_string(), view)?))
}

/// Lists what a tenant questioned, the latest first.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/questions", tag = "billing", params(("tenant" = String, Path), Page),
    responses((status = 200, body = Paged<QuestionView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<QuestionView>>, Problem> {
    let mut tx = scope.begin(&app).await?;
    let filter = QuestionFilter { tenant: Some(scope.id()), ..QuestionFilter::default() };
    page(&mut tx, filter, (query.limit, query.cursor.as_deref())).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// `open`, `answered` or `any`; `open` if absent.
    state: Option<String>,
    /// About this invoice only, by id or number.
    invoice: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists what customers questioned, the latest first.
#[utoipa::path(get, path = "/v1/questions", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<QuestionView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<QuestionView>>, Problem> {
    let open = match query.state.as_deref().unwrap_or("open") {
        "open" => Some(true),
        "answered" => Some(false),
        "any" => None,
        _ => return Err(Problem::field("state", "expected open, answered or any")),
    };
    let mut tx = app.db().begin_app().await?;
    let invoice = lookup::invoice_if_named(&mut tx, query.invoice.as_deref()).await?;
    let filter = QuestionFilter { invoice, open, ..QuestionFilter::default() };
    page(&mut tx, filter, (query.limit, query.cursor.as_deref())).await
}

/// The credit note that an answer names.
async fn note(conn: &mut PgConnection, question: &Question, named: Option<&str>) -> Result<InvoiceId, Problem> {
    let reference = named.ok_or_else(|| Problem::field("credit_note", "missing field `credit_note`"))?;
    let head = lookup::invoice(conn, reference).await.map_err(|p| lookup::in_field(p, "credit_note"))?;
    let gives_back = head.total.amount().is_sign_negative() && !head.total.amount().is_zero();
    if head.account != question.account || head.state != InvoiceState::Issued || !gives_back {
        return Err(Problem::field("credit_note", "it is no issued credit note of the account that asked"));
    }
    Ok(head.id)
}

/// Answers a question, once: with the credit note that was issued for it, or with why the line stands.
#[utoipa::path(post, path = "/v1/questions/{question}/answer", tag = "billing", params(("question" = String, Path)),
    request_body = NewAnswer, responses((status = 200, body = QuestionView)),
    security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn answer(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewAnswer>,
) -> Result<Response, Problem> {
    input.reason.must_say_why("say why: it is what the customer reads")?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let missing = || Problem::not_found("question", &reference);
            let id: QuestionId = reference.parse().map_err(|_| missing())?;
            let filter = QuestionFilter { id: Some(id), ..QuestionFilter::default() };
            let old = questions::questions(conn, filter, None, 1).await?.pop().ok_or_else(missing)?;
            let credit_note = match input.verdict.as_str() {
                "credited" => Some(note(conn, &old, input.credit_note.as_deref()).await?),
                "stands" if input.credit_note.is_some() => {
                    return Err(Problem::field("credit_note", "a line that stands has none"));
                }
                "stands" => None,
                _ => return Err(Problem::field("verdict", "expected credited or stands")),
            };
            let given = Given { credit_note, reason: input.reason.0, at: now, by: actor.clone() };
            if !questions::answer(conn, &old, &given).await? {
                return Err(Problem::new(Code::AlreadyDecided, "the question was answered before"));
            }
            let before = Some(json!(QuestionView::from(&old)));
            let new = Question { answer: Some(given), ..old };
            outbox::put(conn, &[event(QUESTION_ANSWERED, &new)], now).await?;
            let view = QuestionView::from(&new);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "question.answer", subject, before, after }, now).await?;
            Answer::done(&view)
        })
    })
    .await
}
