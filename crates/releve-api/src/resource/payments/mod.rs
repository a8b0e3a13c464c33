//! What was paid? Payments told by a caller or by a bank's file, what they settle, and what waits for a person.

mod decide;
mod import;
mod view;

use axum::{Json, extract::State, response::Response};
use releve_jobs::payments::{PaidFor, PaymentError, Received, record};
use releve_store::{
    audit_log::{self, Change},
    payments::{self, Payment, PaymentFilter, Source},
};
use releve_types::{Day, Money, ids::PaymentId};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::view::PaymentView;
use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope},
    cursor::{self, Paged},
    error::Problem,
    input::{Command, Line, Lines, PageLen, Params, PathOf},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show))
        .routes(routes!(import::import))
        .routes(routes!(decide::assign))
        .routes(routes!(decide::release))
        .routes(routes!(decide::write_off))
        .routes(routes!(decide::reinstate))
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Refused { field, detail } => Self::field(field, detail),
            PaymentError::Money { field, error } => Self::field(field, error),
            PaymentError::Store(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPayment {
    /// Who was paid, by id or name. Needed where there are several.
    issuer: Option<String>,
    /// Below zero: paid out, or taken back. At most the currency's decimals.
    #[schema(example = "1200.00")]
    amount: String,
    #[schema(example = "EUR")]
    currency: String,
    /// The value date.
    #[schema(example = "2026-03-31")]
    paid_on: String,
    /// What the payment is known by, as the bank's reference: told again, it is not recorded again.
    reference: Line,
    /// The document that it is for, by id or number. If absent, the numbers in `end_to_end_id` and `remittance` say it, and what they
    /// don't say waits for a person.
    invoice: Option<String>,
    /// The payment that this one gives back, by id: a return, or a direct debit refused afterwards.
    returns: Option<String>,
    end_to_end_id: Option<Line>,
    payer: Option<Line>,
    /// What the payer wrote.
    remittance: Option<Lines>,
}

/// Records a payment. It settles the document that it names, up to what is open; what is left waits for a person. Told again
/// under its reference, it changes nothing.
#[utoipa::path(post, path = "/v1/payments", tag = "billing", request_body = NewPayment,
    responses((status = 201, body = PaymentView), (status = 200, body = PaymentView, description = "It was known")),
    security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewPayment>,
) -> Result<Response, Problem> {
    let amount = money("amount", &input.amount, &input.currency)?;
    let paid_on: Day = lookup::parsed("paid_on", &input.paid_on)?;
    if input.reference.0.is_empty() {
        return Err(Problem::field("reference", "say what the payment is known by"));
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let issuer = lookup::issuer_or_default(conn, input.issuer.as_deref()).await?;
            let paid_for = match (input.invoice.as_deref(), input.returns.as_deref()) {
                (None, None) => PaidFor::Text,
                (Some(invoice), None) => {
                    let head = lookup::invoice(conn, invoice).await.map_err(|p| lookup::in_field(p, "invoice"))?;
                    if head.issuer != issuer.id {
                        return Err(Problem::field("invoice", "another seller issued it"));
                    }
                    PaidFor::Document(head.id)
                }
                (None, Some(payment)) => PaidFor::ReturnOf(lookup::parsed("returns", payment)?),
                (Some(_), Some(_)) => {
                    return Err(Problem::field("returns", "what it gives back says which document it is of"));
                }
            };
            let received = Received {
                amount,
                paid_on,
                source: Source::Api,
                reference: input.reference.0,
                end_to_end_id: input.end_to_end_id.map_or_else(String::new, |v| v.0),
                payer: input.payer.map_or_else(String::new, |v| v.0),
                remittance: input.remittance.map_or_else(String::new, |v| v.0),
                paid_for,
            };
            let (payment, new) = record(conn, &issuer, received, &actor, now).await?;
            let view = viewed(conn, payment).await?;
            if !new {
                return Answer::done(&view);
            }
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "payment.record", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// By id or name.
    issuer: Option<String>,
    /// Those that were set against this document, by id or number.
    invoice: Option<String>,
    /// `true`: only those of which something waits for a person.
    #[param(inline)]
    held: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists payments in the order in which they were recorded.
#[utoipa::path(get, path = "/v1/payments", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<PaymentView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<PaymentView>>, Problem> {
    let held = match query.held.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("held", "expected true or false")),
    };
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer_if_named(&mut tx, query.issuer.as_deref()).await?;
    let invoice = match query.invoice.as_deref() {
        Some(invoice) => Some(lookup::invoice(&mut tx, invoice).await.map_err(|p| lookup::in_field(p, "invoice"))?.id),
        None => None,
    };
    let filter = PaymentFilter { issuer, invoice, held };
    let request = format!("payments of {filter:?}");
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let after: Option<PaymentId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let rows = payments::page(&mut tx, filter, after, query.limit.and_one()).await?;
    let views = view::views(&mut tx, rows).await?;
    Ok(Json(Paged::of(views, query.limit, &request, |last| last.id.clone(), |view| view)?))
}

/// Shows a payment, with what it settles.
#[utoipa::path(get, path = "/v1/payments/{payment}", tag = "billing", params(("payment" = String, Path)),
    responses((status = 200, body = PaymentView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<PaymentView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let payment = found(&mut tx, &reference).await?;
    Ok(Json(viewed(&mut tx, payment).await?))
}

pub(super) async fn found(conn: &mut PgConnection, reference: &str) -> Result<Payment, Problem> {
    let missing = || Problem::not_found("payment", reference);
    let id: PaymentId = reference.parse().map_err(|_| missing())?;
    payments::payment(conn, id).await?.ok_or_else(missing)
}

async fn viewed(conn: &mut PgConnection, payment: Payment) -> Result<PaymentView, Problem> {
    let missing = || Problem::not_found("payment", &payment.id.to_string());
    view::views(conn, vec![payment.clone()]).await?.pop().ok_or_else(missing)
}

/// A decimal of a currency, exact in its minor units.
pub(super) fn money(field: &'static str, amount: &str, currency: &str) -> Result<Money, Problem> {
    let currency = lookup::parsed("currency", currency)?;
    Money::parse(amount, currency).map_err(|error| Problem::field(field, error))
}
