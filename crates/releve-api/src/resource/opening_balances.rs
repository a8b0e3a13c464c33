//! What did an account owe on another system's invoices when it came over?

use axum::{Json, extract::State};
use releve_store::lago::{self, OpeningBalance};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, auth::OperatorScope, cursor::Paged, error::Problem, input::PathOf, lookup};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An invoice that was not issued here: no payment is set against it, and nobody is reminded of it.
#[derive(Serialize, ToSchema)]
pub struct OpeningBalanceView {
    /// The other system's.
    number: String,
    issued_on: String,
    due_on: String,
    total: String,
    /// What is still owed there, as of the last import.
    open: String,
    currency: &'static str,
}

impl From<&OpeningBalance> for OpeningBalanceView {
    fn from(balance: &OpeningBalance) -> Self {
        Self {
            number: balance.number.clone(),
            issued_on: balance.issued_on.to_string(),
            due_on: balance.due_on.to_string(),
            total: balance.total.amount().to_string(),
            open: balance.open.amount().to_string(),
            currency: balance.total.currency().code(),
        }
    }
}

/// Lists what an account owes on invoices of the system it came from, by when it was due.
#[utoipa::path(get, path = "/v1/accounts/{account}/opening-balances", tag = "billing", params(("account" = String, Path)),
    responses((status = 200, body = Paged<OpeningBalanceView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<Paged<OpeningBalanceView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?.id;
    let balances = lago::balances(&mut tx, account).await?;
    Ok(Json(Paged { items: balances.iter().map(OpeningBalanceView::from).collect(), next: None }))
}
