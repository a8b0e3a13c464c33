//! By which price book is an account's usage rated, from when?

use axum::{Json, extract::State, response::Response};
use releve_billing::{Term, check_new_term};
use releve_store::{
    audit_log::{self, Change},
    contracts,
    prices::{self, TermRecord},
};
use releve_types::ids::fresh_uuid;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::Paged,
    error::Problem,
    input::{Command, PathOf, WholeHour},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTerm {
    /// By id or name; in the account's currency.
    price_book: String,
    /// The next whole hour if absent.
    from: Option<WholeHour>,
}

#[derive(Serialize, ToSchema)]
pub struct TermView {
    account: String,
    price_book: String,
    from: String,
    created_at: String,
    created_by: String,
}

impl From<&TermRecord> for TermView {
    fn from(term: &TermRecord) -> Self {
        Self {
            account: term.account.to_string(),
            price_book: term.book.to_string(),
            from: term.from.to_string(),
            created_at: term.created_at.to_string(),
            created_by: term.created_by.clone(),
        }
    }
}

/// Moves an account to a price book from an hour on. Time that has begun keeps its price book.
#[utoipa::path(post, path = "/v1/accounts/{account}/contracts", tag = "prices", params(("account" = String, Path)),
    request_body = NewTerm,
    responses((status = 201, body = TermView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewTerm>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?;
            let book = lookup::book(conn, &input.price_book).await;
            let book = book.map_err(|problem| lookup::in_field(problem, "price_book"))?;
            prices::lock_contract(conn, account.id).await?;
            let contract = contracts::of_account(conn, account.id).await?;
            let contract = contract.ok_or_else(|| Problem::not_found("account", &reference))?;
            let from = input.from.map_or_else(|| now.hour().next(), |from| from.0);
            let whole = prices::load_book(conn, book.id).await?;
            let whole = whole.ok_or_else(|| Problem::not_found("price book", &input.price_book))?;
            check_new_term(&contract, &Term { from, book: whole.into() }, now)?;
            let (id, created_by) = (fresh_uuid(now), actor.clone());
            let term = TermRecord { id, account: account.id, book: book.id, from, created_at: now, created_by };
            prices::insert_term(conn, &term).await?;
            let view = TermView::from(&term);
            let (subject, after) = (view.account.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "contract.create", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Lists an account's contract: its price books in the order of their start.
#[utoipa::path(get, path = "/v1/accounts/{account}/contracts", tag = "prices", params(("account" = String, Path)),
    responses((status = 200, body = Paged<TermView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<Paged<TermView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?;
    let terms = prices::terms(&mut tx, account.id).await?;
    Ok(Json(Paged { items: terms.iter().map(TermView::from).collect(), next: None }))
}
