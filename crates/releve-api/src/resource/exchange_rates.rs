//! What did a currency cost in another? For VAT that is owed in another currency than the invoice's.

use axum::{Json, extract::State, response::Response};
use releve_billing::tax::ExchangeRate;
use releve_store::{
    audit_log::{self, Change},
    exchange_rates,
};
use releve_types::{Currency, Day, ids::ExchangeRateId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::Problem,
    input::{Command, Line, Page, Params},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

/// 1 `base` = `rate` `quote`, as who published it wrote it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExchangeRate {
    #[schema(example = "EUR")]
    base: String,
    #[schema(example = "USD")]
    quote: String,
    /// Above zero, with at most 8 decimals.
    #[schema(example = "1.0842")]
    rate: String,
    #[schema(example = "2026-03-31")]
    day: String,
    /// Who published it.
    #[schema(example = "ECB")]
    source: Line,
}

#[derive(Serialize, ToSchema)]
pub struct ExchangeRateView {
    id: String,
    base: &'static str,
    quote: &'static str,
    rate: String,
    day: String,
    source: String,
}

impl From<ExchangeRate> for ExchangeRateView {
    fn from(rate: ExchangeRate) -> Self {
        Self {
            id: rate.id().to_string(),
            base: rate.base().code(),
            quote: rate.quote().code(),
            rate: rate.rate().to_string(),
            day: rate.day().to_string(),
            source: rate.source().to_owned(),
        }
    }
}

/// Adds what a currency cost in another on a day. VAT that is owed in one of them, on an invoice in the other, is stated by the rate of the
/// period's last day, or the latest of at most 7 days before it. Told again for a day, the later counts; no document changes.
#[utoipa::path(post, path = "/v1/exchange-rates", tag = "customers", request_body = NewExchangeRate,
    responses((status = 201, body = ExchangeRateView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewExchangeRate>,
) -> Result<Response, Problem> {
    let base: Currency = lookup::parsed("base", &input.base)?;
    let quote: Currency = lookup::parsed("quote", &input.quote)?;
    let day: Day = lookup::parsed("day", &input.day)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let id = ExchangeRateId::fresh(now);
            let rate = ExchangeRate::parse(id, (base, quote), &input.rate, day, &input.source.0);
            let rate = rate.map_err(|error| Problem::field(error.field(), error))?;
            exchange_rates::insert(conn, &rate, &actor, now).await?;
            let view = ExchangeRateView::from(rate);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "exchange_rate.create", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Lists exchange rates, the latest made first.
#[utoipa::path(get, path = "/v1/exchange-rates", tag = "customers", params(Page),
    responses((status = 200, body = Paged<ExchangeRateView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<ExchangeRateView>>, Problem> {
    let request = "exchange rates";
    let before: Option<String> = cursor::decode(request, query.cursor.as_deref())?;
    let before: Option<ExchangeRateId> = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let rows = exchange_rates::page(&mut tx, before, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, request, |last| last.id().to_string(), ExchangeRateView::from)?))
}
