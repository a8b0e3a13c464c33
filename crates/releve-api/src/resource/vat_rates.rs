//! Which rates of VAT does a seller charge, from when?

use axum::{Json, extract::State, response::Response};
use releve_billing::tax::{DatedRate, RateClass, VatRate, check_new_rate};
use releve_store::{
    audit_log::{self, Change},
    customers::{self, NewVatRate},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::Paged,
    error::{Code, Problem},
    input::{Command, Country, PathOf, WholeHour},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRate {
    /// The seller's own, or one in whose register, or in the one-stop shop for which, the seller is registered.
    country: Country,
    /// `standard`, if absent, or `reduced`.
    class: Option<String>,
    /// In percent, with at most two decimals.
    #[schema(example = "20")]
    percent: String,
    /// The next whole hour if absent. A past in which no rate held may be filled.
    from: Option<WholeHour>,
}

#[derive(Serialize, ToSchema)]
pub struct RateView {
    country: String,
    class: &'static str,
    percent: String,
    from: String,
}

impl From<&DatedRate> for RateView {
    fn from(rate: &DatedRate) -> Self {
        Self {
            country: rate.country.clone(),
            class: rate.class.name(),
            percent: rate.rate.to_string(),
            from: rate.from.to_string(),
        }
    }
}

/// Adds a rate of VAT, from an hour on. A rate that has begun does not change.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/vat-rates", tag = "customers", params(("issuer" = String, Path)),
    request_body = NewRate,
    responses((status = 201, body = RateView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewRate>,
) -> Result<Response, Problem> {
    let country = input.country.0;
    if country.is_empty() {
        return Err(Problem::field("country", "a rate is a country's"));
    }
    let class = input.class.map_or(Ok(RateClass::Standard), |text| text.parse());
    let class = class.map_err(|error| Problem::field("class", error.to_string()))?;
    let rate: VatRate = input.percent.parse().map_err(|e| refused(&e, "percent"))?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let issuer = lookup::issuer(conn, &reference).await?;
            customers::lock_issuer(conn, issuer.id).await?;
            let from = input.from.map_or_else(|| now.hour().next(), |from| from.0);
            let new = DatedRate { country, class, from, rate };
            check_new_rate(&customers::vat_rates(conn, issuer.id).await?, &new, now)
                .map_err(|e| refused(&e, "from"))?;
            let view = RateView::from(&new);
            let row = NewVatRate { issuer: issuer.id, rate: new, created_at: now, created_by: actor.clone() };
            customers::insert_vat_rate(conn, &row).await?;
            let change = Change {
                actor,
                action: "vat_rate.create",
                subject: issuer.id.to_string(),
                before: None,
                after: Some(json!(view)),
            };
            audit_log::add(conn, &change, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Lists a seller's rates by country, class and start.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/vat-rates", tag = "customers", params(("issuer" = String, Path)),
    responses((status = 200, body = Paged<RateView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<Paged<RateView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer(&mut tx, &reference).await?;
    let rates = customers::vat_rates(&mut tx, issuer.id).await?;
    Ok(Json(Paged { items: rates.iter().map(RateView::from).collect(), next: None }))
}

fn refused(error: &releve_billing::tax::VatRateError, field: &str) -> Problem {
    Problem::new(Code::VatRateRefused, error).at(field).because(error.code())
}
