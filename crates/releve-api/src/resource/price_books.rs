//! Which lists of prices are there? Price books, each in one currency.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    prices::{self, BookRecord},
};
use releve_types::ids::PriceBookId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::Paged,
    error::{Code, Problem},
    input::{Command, Name},
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPriceBook {
    name: Name,
    /// ISO 4217. It can't be changed.
    #[schema(example = "EUR")]
    currency: String,
}

#[derive(Serialize, ToSchema)]
pub struct PriceBookView {
    id: String,
    name: String,
    currency: String,
    created_at: String,
}

impl From<&BookRecord> for PriceBookView {
    fn from(book: &BookRecord) -> Self {
        Self {
            id: book.id.to_string(),
            name: book.name.clone(),
            currency: book.currency.to_string(),
            created_at: book.created_at.to_string(),
        }
    }
}

/// Adds a price book.
#[utoipa::path(post, path = "/v1/price-books", tag = "prices", request_body = NewPriceBook,
    responses((status = 201, body = PriceBookView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewPriceBook>,
) -> Result<Response, Problem> {
    let currency = releve_billing::refusal::currency(&input.currency)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let book = BookRecord { id: PriceBookId::fresh(now), name: input.name.0, currency, created_at: now };
            if !prices::insert_book(conn, &book).await? {
                return Err(Problem::new(Code::NameTaken, "there is a price book of this name").at("name"));
            }
            let view = PriceBookView::from(&book);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            let change = Change { actor, action: "price_book.create", subject, before: None, after };
            audit_log::add(conn, &change, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Lists the price books.
#[utoipa::path(get, path = "/v1/price-books", tag = "prices",
    responses((status = 200, body = Paged<PriceBookView>)), security(("api_key" = ["operator:read"])))]
async fn list(_: OperatorScope, State(app): State<AppState>) -> Result<Json<Paged<PriceBookView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let books = prices::books(&mut tx).await?;
    Ok(Json(Paged { items: books.iter().map(PriceBookView::from).collect(), next: None }))
}
