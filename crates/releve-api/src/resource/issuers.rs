//! Who sells? The legal entities whose names stand on invoices.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    customers::{self, Issuer, Party},
};
use releve_types::{Zone, ids::IssuerId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::Paged,
    error::{Code, Problem},
    input::{Command, Line, Lines, Name, PathOf},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show, amend))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIssuer {
    name: Name,
    /// IANA zone with whole-hour offsets: months begin at its local midnight. It can't be changed.
    #[schema(example = "Europe/Paris")]
    zone: String,
    /// What invoice numbers start with: 1 to 12 of A-Z, 0-9 and '-'. It can't be changed.
    #[schema(example = "R")]
    series: String,
    #[schema(minimum = 0, maximum = 365, default = 30)]
    due_days: Option<i32>,
    address: Option<Lines>,
    vat_id: Option<Line>,
    /// ISO 3166 alpha-2.
    country: Option<String>,
}

/// Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerAmendment {
    #[schema(minimum = 0, maximum = 365)]
    due_days: Option<i32>,
    address: Option<Lines>,
    vat_id: Option<Line>,
    country: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct IssuerView {
    id: String,
    name: String,
    zone: String,
    series: String,
    due_days: i32,
    address: String,
    vat_id: String,
    country: String,
    created_at: String,
}

impl From<&Issuer> for IssuerView {
    fn from(issuer: &Issuer) -> Self {
        Self {
            id: issuer.id.to_string(),
            name: issuer.party.name.clone(),
            zone: issuer.zone.name().to_owned(),
            series: issuer.series.clone(),
            due_days: issuer.due_days,
            address: issuer.party.address.clone(),
            vat_id: issuer.party.vat_id.clone(),
            country: issuer.party.country.clone(),
            created_at: issuer.created_at.to_string(),
        }
    }
}

/// Adds an issuer.
#[utoipa::path(post, path = "/v1/issuers", tag = "customers", request_body = NewIssuer,
    responses((status = 201, body = IssuerView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewIssuer>,
) -> Result<Response, Problem> {
    let zone = seller_zone(&input.zone)?;
    let series = checked_series(input.series)?;
    let due_days = checked_due_days(input.due_days.unwrap_or(30))?;
    let country = checked_country(input.country)?.unwrap_or_default();
    let party = Party {
        name: input.name.0,
        address: input.address.map_or_else(String::new, |a| a.0),
        vat_id: input.vat_id.map_or_else(String::new, |v| v.0),
        country,
    };
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let issuer = Issuer { id: IssuerId::fresh(now), party, zone, series, due_days, created_at: now };
            if !customers::insert_issuer(conn, &issuer).await? {
                return Err(Problem::new(Code::NameTaken, "there is an issuer of this name").at("name"));
            }
            let view = IssuerView::from(&issuer);
            let change = Change {
                actor,
                action: "issuer.create",
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

/// Lists the issuers.
#[utoipa::path(get, path = "/v1/issuers", tag = "customers",
    responses((status = 200, body = Paged<IssuerView>)), security(("api_key" = ["operator:read"])))]
async fn list(_: OperatorScope, State(app): State<AppState>) -> Result<Json<Paged<IssuerView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let issuers = customers::issuers(&mut tx).await?;
    Ok(Json(Paged { items: issuers.iter().map(IssuerView::from).collect(), next: None }))
}

/// Shows an issuer, by id or name.
#[utoipa::path(get, path = "/v1/issuers/{issuer}", tag = "customers", params(("issuer" = String, Path)),
    responses((status = 200, body = IssuerView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(issuer): PathOf<String>,
) -> Result<Json<IssuerView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    Ok(Json(IssuerView::from(&lookup::issuer(&mut tx, &issuer).await?)))
}

/// Changes what the next documents print of an issuer.
#[utoipa::path(patch, path = "/v1/issuers/{issuer}", tag = "customers", params(("issuer" = String, Path)),
    request_body = IssuerAmendment,
    responses((status = 200, body = IssuerView)), security(("api_key" = ["operator:write"])))]
async fn amend(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<IssuerAmendment>,
) -> Result<Response, Problem> {
    let due_days = input.due_days.map(checked_due_days).transpose()?;
    let country = checked_country(input.country)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let mut issuer = lookup::issuer(conn, &reference).await?;
            let before = IssuerView::from(&issuer);
            issuer.due_days = due_days.unwrap_or(issuer.due_days);
            issuer.party.address = input.address.map_or(issuer.party.address, |a| a.0);
            issuer.party.vat_id = input.vat_id.map_or(issuer.party.vat_id, |v| v.0);
            issuer.party.country = country.unwrap_or(issuer.party.country);
            customers::update_issuer(conn, &issuer).await?;
            let view = IssuerView::from(&issuer);
            let change = Change {
                actor,
                action: "issuer.amend",
                subject: issuer.id.to_string(),
                before: Some(json!(before)),
                after: Some(json!(view)),
            };
            audit_log::add(conn, &change, now).await?;
            Answer::done(&view)
        })
    })
    .await
}

pub(super) fn checked_country(country: Option<String>) -> Result<Option<String>, Problem> {
    let two_letters = |c: &String| c.is_empty() || (c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase()));
    match country {
        Some(country) if !two_letters(&country) => {
            Err(Problem::field("country", "a country is two capital letters (ISO 3166 alpha-2), or empty"))
        }
        country => Ok(country),
    }
}

fn seller_zone(name: &str) -> Result<Zone, Problem> {
    Zone::new(name).map_err(|error| {
        let reason = match error {
            releve_types::period::PeriodError::BrokenHourOffset { .. } => "broken_hour_offset",
            _ => "unknown_zone",
        };
        Problem::new(Code::ZoneRefused, error).at("zone").because(reason)
    })
}

fn checked_series(series: String) -> Result<String, Problem> {
    let known = |c: char| matches!(c, 'A'..='Z' | '0'..='9' | '-');
    if series.is_empty() || series.len() > 12 || !series.chars().all(known) {
        return Err(Problem::field("series", "a series is 1 to 12 of A-Z, 0-9 and '-'"));
    }
    Ok(series)
}

fn checked_due_days(days: i32) -> Result<i32, Problem> {
    if (0..=365).contains(&days) { Ok(days) } else { Err(Problem::field("due_days", "0 to 365 days")) }
}
