//! What did the bank book? Its file, read whole: everything in it is recorded, or nothing.

use axum::{
    extract::{Request, State},
    response::Response,
};
use releve_documents::camt;
use releve_jobs::payments::{self, Outcome};
use releve_store::audit_log::{self, Change};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{PaymentView, view};
use crate::{
    AppState,
    auth::OperatorBillingScope,
    error::Problem,
    input::{Params, Repeat, check_content_type, read_body},
    lookup,
    write::Answer,
};

/// The largest file taken here, in bytes: what can be recorded while a caller waits. The command line takes larger ones.
pub const IMPORT_BYTES_MAX: usize = 2 * 1024 * 1024;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Who was paid, by id or name. Needed where there are several.
    issuer: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ImportView {
    recorded: usize,
    /// Recorded before: a file may be sent again.
    known: usize,
    passed_over: usize,
    /// Of what was recorded: how much waits for a person.
    held: usize,
    entries: Vec<EntryView>,
}

#[derive(Serialize, ToSchema)]
pub struct EntryView {
    reference: String,
    /// `recorded`, `known` or `passed_over`.
    outcome: &'static str,
    /// Why it was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentView>,
}

/// Records what a bank's file says was booked: a statement (camt.053) or a notification (camt.054) of ISO 20022, any version. Sent
/// again, it changes nothing. Import one kind for an account: what the bank books in bulk has one reference in the one and
/// many in the other.
#[utoipa::path(post, path = "/v1/payments/import", tag = "billing", params(Whose),
    request_body(content = String, content_type = "application/xml"),
    responses((status = 200, body = ImportView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
pub async fn import(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    Params(whose): Params<Whose>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers, &["application/xml", "text/xml"])?;
    let body = read_body(body, IMPORT_BYTES_MAX).await?;
    let camt = camt::read(&body).map_err(|refused| Problem::field(refused.element, refused.problem))?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), Repeat::harmless(), move |conn, now| {
        Box::pin(async move {
            let issuer = lookup::issuer_or_default(conn, whose.issuer.as_deref()).await?;
            let imported = payments::import(conn, &issuer, camt, &actor, now).await?;
            let mut view = ImportView { recorded: 0, known: 0, passed_over: 0, held: 0, entries: Vec::new() };
            for entry in imported {
                let (outcome, reason, payment) = match entry.outcome {
                    Outcome::Recorded(payment) => ("recorded", None, Some(payment)),
                    Outcome::Known(payment) => ("known", None, Some(payment)),
                    Outcome::PassedOver(reason) => ("passed_over", Some(reason), None),
                };
                let payment = match payment {
                    Some(payment) => view::views(conn, vec![*payment]).await?.pop(),
                    None => None,
                };
                match outcome {
                    "recorded" => view.recorded += 1,
                    "known" => view.known += 1,
                    _ => view.passed_over += 1,
                }
                view.held += usize::from(payment.as_ref().is_some_and(|p| p.is_held()));
                view.entries.push(EntryView { reference: entry.reference, outcome, reason, payment });
            }
            let after =
                Some(json!({ "recorded": view.recorded, "known": view.known, "passed_over": view.passed_over }));
            let subject = issuer.id.to_string();
            let change = Change { actor, action: "payment.import", subject, before: None, after };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&view)
        })
    })
    .await
}
