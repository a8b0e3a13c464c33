//! What does a person decide about payments? Where one belongs, that it does not belong there, and what nobody will pay.

use axum::{extract::State, response::Response};
use releve_jobs::payments::{self, Decision};
use releve_store::audit_log::{self, Change};
use releve_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{PaymentView, found, money, viewed};
use crate::{
    AppState,
    auth::OperatorBillingScope,
    error::Problem,
    input::{Command, PathOf},
    lookup,
    worth::MoneyView,
    write::Answer,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// By id or number.
    invoice: String,
    /// In the payment's currency. If absent: what is left of the payment, up to what is open.
    #[schema(example = "200.00")]
    amount: Option<String>,
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// By id or number.
    invoice: String,
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOffReason {
    /// In the invoice's currency. If absent: all that there is.
    #[schema(example = "200.00")]
    amount: Option<String>,
    reason: String,
}

#[derive(Serialize, ToSchema)]
pub struct WriteOffView {
    invoice: String,
    /// What was given up, or taken back of that.
    amount: MoneyView,
    reason: String,
}

/// Sets what is left of a payment against a document. A person's act, on record.
#[utoipa::path(post, path = "/v1/payments/{payment}/assign", tag = "billing", params(("payment" = String, Path)),
    request_body = Assignment, responses((status = 200, body = PaymentView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
pub async fn assign(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<Assignment>,
) -> Result<Response, Problem> {
    let Assignment { invoice, amount, reason } = input;
    let act = Placing { payment: reference, invoice, reason, actor: scope.caller().actor() };
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move { act.done(conn, Some(amount.as_deref()), now).await })
    })
    .await
}

/// Takes what a payment settles of a document off it again. A person's act, on record.
#[utoipa::path(post, path = "/v1/payments/{payment}/release", tag = "billing", params(("payment" = String, Path)),
    request_body = Release, responses((status = 200, body = PaymentView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
pub async fn release(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<Release>,
) -> Result<Response, Problem> {
    let Release { invoice, reason } = input;
    let act = Placing { payment: reference, invoice, reason, actor: scope.caller().actor() };
    app.write(scope.caller(), repeat, move |conn, now| Box::pin(async move { act.done(conn, None, now).await })).await
}

/// A person's word on whether a payment belongs to a document.
struct Placing {
    payment: String,
    invoice: String,
    reason: String,
    actor: String,
}

impl Placing {
    /// Assigned: so much of it, or what fits. Without: released.
    async fn done(
        self,
        conn: &mut PgConnection,
        assigned: Option<Option<&str>>,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let Self { payment, invoice, reason, actor } = self;
        let payment = found(conn, &payment).await?;
        let amount = assigned.flatten();
        let amount = amount.map(|text| money("amount", text, payment.amount.currency().code())).transpose()?;
        let head = lookup::invoice(conn, &invoice).await.map_err(|p| lookup::in_field(p, "invoice"))?;
        let before = Some(json!(viewed(conn, payment.clone()).await?));
        let decision = Decision { reason: &reason, by: &actor, now };
        let action = if assigned.is_some() {
            payments::assign(conn, &payment, head.id, amount, decision).await?;
            "payment.assign"
        } else {
            payments::release(conn, &payment, head.id, decision).await?;
            "payment.release"
        };
        let view = viewed(conn, payment).await?;
        let (subject, after) = (view.id.clone(), Some(json!(view)));
        audit_log::add(conn, &Change { actor, action, subject, before, after }, now).await?;
        Answer::done(&view)
    }
}

/// Gives up what is open of an invoice, or so much of it. What is paid later all the same takes its place.
#[utoipa::path(post, path = "/v1/invoices/{invoice}/write-off", tag = "billing", params(("invoice" = String, Path)),
    request_body = WriteOffReason, responses((status = 200, body = WriteOffView)),
    security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
pub async fn write_off(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<WriteOffReason>,
) -> Result<Response, Problem> {
    let act = GivingUp { invoice: reference, input, actor: scope.caller().actor() };
    app.write(scope.caller(), repeat, move |conn, now| Box::pin(async move { act.done(conn, false, now).await })).await
}

/// Takes back what was given up of an invoice, or so much of it: the customer owes it, and is reminded, again.
#[utoipa::path(post, path = "/v1/invoices/{invoice}/reinstate", tag = "billing",
    params(("invoice" = String, Path)), request_body = WriteOffReason,
    responses((status = 200, body = WriteOffView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
pub async fn reinstate(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<WriteOffReason>,
) -> Result<Response, Problem> {
    let act = GivingUp { invoice: reference, input, actor: scope.caller().actor() };
    app.write(scope.caller(), repeat, move |conn, now| Box::pin(async move { act.done(conn, true, now).await })).await
}

/// A person's word on whether a customer will still be asked for what it owes.
struct GivingUp {
    invoice: String,
    input: WriteOffReason,
    actor: String,
}

impl GivingUp {
    async fn done(self, conn: &mut PgConnection, back: bool, now: Timestamp) -> Result<Answer, Problem> {
        let Self { invoice, input: WriteOffReason { amount, reason }, actor } = self;
        let head = lookup::invoice(conn, &invoice).await?;
        let amount = amount.map(|text| money("amount", &text, head.total.currency().code())).transpose()?;
        let decision = Decision { reason: &reason, by: &actor, now };
        let (amount, action) = if back {
            (payments::reinstate(conn, head.issuer, head.id, amount, decision).await?, "invoice.reinstate")
        } else {
            (payments::write_off(conn, head.issuer, head.id, amount, decision).await?, "invoice.write_off")
        };
        let view = WriteOffView { invoice: head.id.to_string(), amount: amount.into(), reason };
        let (subject, after) = (view.invoice.clone(), Some(json!(view)));
        audit_log::add(conn, &Change { actor, action, subject, before: None, after }, now).await?;
        Answer::done(&view)
    }
}
