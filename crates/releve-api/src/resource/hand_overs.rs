//! Where is a document on its way to its customer? What was handed over, and what its platform, or the customer, told since.

use axum::{Json, extract::State, response::Response};
use releve_billing::{Delivery, delivery::Status};
use releve_store::{
    audit_log::{self, Change},
    hand_overs::{self, Told, Way},
    invoices::InvoiceState,
};
use releve_types::{AccountId, InvoiceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Instant, Line, Page, Params, PathOf},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(tell))
}

/// A document's way to its customer.
#[derive(Serialize, ToSchema)]
pub struct WayView {
    invoice: String,
    /// `waiting`, `handed_over`, or the last that was told: `submitted`, `rejected`, `refused`, `cashed`.
    #[schema(example = "submitted")]
    state: &'static str,
    /// What a person has to do about it.
    to_do: Option<&'static str>,
    handed_over_at: Option<String>,
    /// Where to.
    destination: Option<String>,
    /// Why it could not be handed over yet.
    failure: Option<FailureView>,
    /// By when it happened.
    statuses: Vec<ToldView>,
}

#[derive(Serialize, ToSchema)]
pub struct FailureView {
    attempts: i32,
    detail: String,
    failed_at: String,
    next_at: String,
}

#[derive(Serialize, ToSchema)]
pub struct ToldView {
    status: &'static str,
    /// Its number in the life cycle of XP Z12-012.
    #[schema(example = 200)]
    code: u16,
    happened_at: String,
    reference: String,
    reason: String,
    recorded_at: String,
    recorded_by: String,
}

impl From<Told> for ToldView {
    fn from(told: Told) -> Self {
        Self {
            status: told.status.name(),
            code: told.status.code(),
            happened_at: told.happened_at.to_string(),
            reference: told.reference,
            reason: told.reason,
            recorded_at: told.recorded_at.to_string(),
            recorded_by: told.recorded_by,
        }
    }
}

impl WayView {
    fn new(invoice: InvoiceId, way: Way) -> Self {
        let delivery = way.delivery();
        let to_do = match delivery {
            Delivery::Told(Status::Rejected) => Some(
                "mend what the reason names, then take the invoice back whole (`releve invoice void`): a new one follows",
            ),
            Delivery::Told(Status::Refused) => Some(
                "settle it with the customer: a correction, a credit note of all of it, or another word of the platform",
            ),
            _ if way.failure.is_some() => Some("see that the destination takes documents: it is tried again by itself"),
            _ => None,
        };
        let failure = way.failure.map(|f| FailureView {
            attempts: f.attempts,
            detail: f.detail,
            failed_at: f.failed_at.to_string(),
            next_at: f.next_at.to_string(),
        });
        let (destination, handed_over_at) = way.handed_over.unzip();
        Self {
            invoice: invoice.to_string(),
            state: delivery.name(),
            to_do,
            handed_over_at: handed_over_at.map(|at| at.to_string()),
            destination,
            failure,
            statuses: way.told.into_iter().map(ToldView::from).collect(),
        }
    }
}

/// The ways of documents, as far as they are known, in the order asked.
async fn ways(conn: &mut PgConnection, of: &[(AccountId, InvoiceId)]) -> Result<Vec<WayView>, Problem> {
    let mut ways = hand_overs::ways(conn, of).await?;
    let way = |(_, invoice): &(AccountId, InvoiceId)| WayView::new(*invoice, ways.remove(invoice).unwrap_or_default());
    Ok(of.iter().map(way).collect())
}

/// Lists documents whose way needs a person: those that could not be handed over, that the platform rejected, or that the
/// customer refused. A page may hold fewer than it could, or none, and still have a next one.
#[utoipa::path(get, path = "/v1/hand-overs", tag = "billing", params(Page),
    responses((status = 200, body = Paged<WayView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<WayView>>, Problem> {
    let request = "hand-overs";
    let after: Option<String> = cursor::decode(request, query.cursor.as_deref())?;
    let after: Option<InvoiceId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let found = hand_overs::troubled(&mut tx, after, query.limit.and_one()).await?;
    let views = ways(&mut tx, &found).await?;
    let mut page = Paged::of(views, query.limit, request, |last| last.invoice.clone(), |view| view)?;
    // What was mended since is no trouble any more.
    page.items.retain(|view| view.to_do.is_some());
    Ok(Json(page))
}

/// Shows where an issued document is on its way to its customer.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/hand-over", tag = "billing", params(("invoice" = String, Path)),
    responses((status = 200, body = WayView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<WayView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let of = issued(&mut tx, &reference).await?;
    Ok(Json(WayView::new(of.1, hand_overs::ways(&mut tx, &[of]).await?.remove(&of.1).unwrap_or_default())))
}

async fn issued(conn: &mut PgConnection, reference: &str) -> Result<(AccountId, InvoiceId), Problem> {
    let head = lookup::invoice(conn, reference).await?;
    if head.state != InvoiceState::Issued {
        return Err(Problem::not_found("issued invoice", reference));
    }
    Ok((head.account, head.id))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatus {
    /// `submitted`, `rejected`, `refused` or `cashed`.
    #[schema(example = "submitted")]
    status: String,
    /// When it happened, as the message says. Messages may come in any order.
    happened_at: Instant,
    /// What the message is known by: told again, it changes nothing.
    reference: Line,
    /// Why, of one that was rejected or refused.
    reason: Option<Line>,
}

/// Records what a platform, or the customer, told of an issued document. The latest by when it happened is its state; of one
/// that was rejected or refused nobody is reminded. No money moves by it: that is a payment's part.
#[utoipa::path(post, path = "/v1/invoices/{invoice}/statuses", tag = "billing", params(("invoice" = String, Path)),
    request_body = NewStatus,
    responses((status = 201, body = WayView), (status = 200, body = WayView, description = "It was known")),
    security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn tell(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewStatus>,
) -> Result<Response, Problem> {
    let known = Status::ALL.into_iter().find(|status| status.name() == input.status);
    let status = known.ok_or_else(|| Problem::field("status", "expected submitted, rejected, refused or cashed"))?;
    let reason = input.reason.map(|reason| reason.0).unwrap_or_default();
    if matches!(status, Status::Rejected | Status::Refused) && reason.is_empty() {
        return Err(Problem::field("reason", "say why: it is what somebody has to mend"));
    }
    if input.reference.0.is_empty() {
        return Err(Problem::field("reference", "say what the message is known by"));
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            if input.happened_at.0 > now {
                return Err(Problem::field("happened_at", "what is told has happened"));
            }
            let of = issued(conn, &reference).await?;
            let told = Told {
                status,
                happened_at: input.happened_at.0,
                reference: input.reference.0,
                reason,
                recorded_at: now,
                recorded_by: actor.clone(),
            };
            let new = hand_overs::tell(conn, of, &told).await?;
            let way = hand_overs::ways(conn, &[of]).await?.remove(&of.1).unwrap_or_default();
            if !new {
                let same = |t: &Told| (t.status, t.happened_at) == (told.status, told.happened_at);
                if !way.told.iter().any(|t| t.reference == told.reference && same(t)) {
                    let why = "a message of this reference said something else before";
                    return Err(Problem::new(Code::InvalidField, why).at("reference"));
                }
                return Answer::done(&WayView::new(of.1, way));
            }
            let view = WayView::new(of.1, way);
            let after =
                Some(json!({ "status": told.status.name(), "reference": told.reference, "reason": told.reason }));
            let subject = view.invoice.clone();
            audit_log::add(conn, &Change { actor, action: "invoice.status", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}
