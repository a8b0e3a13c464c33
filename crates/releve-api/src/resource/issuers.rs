//! Who sells? The legal entities whose names stand on invoices.

use axum::{Json, extract::State, response::Response};
use releve_billing::{payment::Dunning, tax::Scheme};
use releve_store::{
    audit_log::{self, Change},
    customers::{self, Issuer, IssuerTerms},
};
use releve_types::{Zone, ids::IssuerId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::party::{PartyView, party_fields};
use crate::{
    AppState,
    auth::{OperatorScope, OperatorWriteScope},
    cursor::Paged,
    error::{Code, Problem},
    input::{BicText, Command, Country, IbanText, Line, Lines, Name, PathOf, VatIdText},
    lookup,
    write::Answer,
};

/// The fields of an input that has them beside others.
macro_rules! terms_fields {
    ($input:ident) => {
        TermsFields {
            vat_scheme: $input.vat_scheme,
            vat_on_debits: $input.vat_on_debits,
            legal_mentions: $input.legal_mentions,
            iban: $input.iban,
            bic: $input.bic,
            late_penalty: $input.late_penalty,
        }
    };
}

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
    /// Days past due at which a customer is reminded, level by level: up to 5 rising numbers, 1 to 365. If empty: never.
    #[schema(example = json!([7, 14, 30]))]
    dunning_days: Option<Vec<u16>>,
    /// VAT is due when money is paid in advance (in France for services: CGI art. 269, 2 c): what becomes a paid credit gets a deposit
    /// invoice (type 386) at once. False if absent: VAT stands on the invoices that draw on it.
    vat_on_prepayment: Option<bool>,
    address: Option<Lines>,
    postcode: Option<Line>,
    city: Option<Line>,
    country: Option<Country>,
    vat_id: Option<VatIdText>,
    /// The number in the register of companies: in France, the SIREN.
    legal_id: Option<Line>,
    email: Option<Line>,
    /// `registered`, `small_enterprise` (exempt) or `not_taxable` (a body that recharges its own cost). Until it is said,
    /// invoices are parked.
    #[schema(example = "registered")]
    vat_scheme: Option<String>,
    /// VAT is due when invoiced, not when paid.
    vat_on_debits: Option<bool>,
    /// Legal form, capital, register: printed as it stands.
    #[schema(example = "SAS au capital de 10 000 €, RCS Paris 303 265 045")]
    legal_mentions: Option<Line>,
    iban: Option<IbanText>,
    bic: Option<BicText>,
    /// What is owed on late payment, in words; what the law sets, if empty.
    late_penalty: Option<Line>,
}

/// Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerAmendment {
    #[schema(minimum = 0, maximum = 365)]
    due_days: Option<i32>,
    /// Days past due at which a customer is reminded, level by level: up to 5 rising numbers, 1 to 365. If empty: never.
    #[schema(example = json!([7, 14, 30]))]
    dunning_days: Option<Vec<u16>>,
    /// VAT is due when money is paid in advance: of what becomes a paid credit from now on.
    vat_on_prepayment: Option<bool>,
    address: Option<Lines>,
    postcode: Option<Line>,
    city: Option<Line>,
    country: Option<Country>,
    vat_id: Option<VatIdText>,
    /// The number in the register of companies: in France, the SIREN.
    legal_id: Option<Line>,
    email: Option<Line>,
    /// `registered`, `small_enterprise` (exempt) or `not_taxable` (a body that recharges its own cost). Until it is said,
    /// invoices are parked.
    #[schema(example = "registered")]
    vat_scheme: Option<String>,
    /// VAT is due when invoiced, not when paid.
    vat_on_debits: Option<bool>,
    /// Legal form, capital, register: printed as it stands.
    #[schema(example = "SAS au capital de 10 000 €, RCS Paris 303 265 045")]
    legal_mentions: Option<Line>,
    iban: Option<IbanText>,
    bic: Option<BicText>,
    /// What is owed on late payment, in words; what the law sets, if empty.
    late_penalty: Option<Line>,
}

#[derive(Serialize, ToSchema)]
pub struct IssuerView {
    id: String,
    name: String,
    zone: String,
    series: String,
    due_days: i32,
    dunning_days: Vec<u16>,
    vat_on_prepayment: bool,
    #[serde(flatten)]
    party: PartyView,
    /// Empty: not known yet, so invoices are parked.
    vat_scheme: &'static str,
    vat_on_debits: bool,
    legal_mentions: String,
    iban: String,
    bic: String,
    late_penalty: String,
    created_at: String,
}

impl From<&Issuer> for IssuerView {
    fn from(issuer: &Issuer) -> Self {
        let terms = issuer.terms.clone();
        Self {
            id: issuer.id.to_string(),
            name: issuer.party.name.clone(),
            zone: issuer.zone.name().to_owned(),
            series: issuer.series.clone(),
            due_days: issuer.due_days,
            dunning_days: issuer.dunning.days().to_vec(),
            vat_on_prepayment: issuer.vat_on_prepayment,
            party: PartyView::from(&issuer.party),
            vat_scheme: terms.vat_scheme.map_or("", Scheme::name),
            vat_on_debits: terms.vat_on_debits,
            legal_mentions: terms.legal_mentions,
            iban: terms.iban,
            bic: terms.bic,
            late_penalty: terms.late_penalty,
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
    let dunning = checked_dunning(input.dunning_days.unwrap_or_default())?;
    let vat_on_prepayment = input.vat_on_prepayment.unwrap_or_default();
    let terms = terms_fields!(input).onto(IssuerTerms::default())?;
    let party = party_fields!(input).named(input.name.0)?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let id = IssuerId::fresh(now);
            let issuer =
                Issuer { id, party, zone, series, due_days, dunning, vat_on_prepayment, terms, created_at: now };
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
    let dunning = input.dunning_days.map(checked_dunning).transpose()?;
    let vat_on_prepayment = input.vat_on_prepayment;
    let terms = terms_fields!(input);
    let party = party_fields!(input);
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let mut issuer = lookup::issuer(conn, &reference).await?;
            let before = IssuerView::from(&issuer);
            issuer.due_days = due_days.unwrap_or(issuer.due_days);
            issuer.dunning = dunning.unwrap_or(issuer.dunning);
            issuer.vat_on_prepayment = vat_on_prepayment.unwrap_or(issuer.vat_on_prepayment);
            issuer.party = party.onto(issuer.party)?;
            issuer.terms = terms.onto(issuer.terms)?;
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

/// What stands on a seller's invoices beside its name. Absent fields stay as they are.
struct TermsFields {
    vat_scheme: Option<String>,
    vat_on_debits: Option<bool>,
    legal_mentions: Option<Line>,
    iban: Option<IbanText>,
    bic: Option<BicText>,
    late_penalty: Option<Line>,
}

impl TermsFields {
    fn onto(self, terms: IssuerTerms) -> Result<IssuerTerms, Problem> {
        let scheme = self.vat_scheme.map(|text| text.parse::<Scheme>()).transpose();
        let scheme = scheme.map_err(|error| Problem::field("vat_scheme", error.to_string()))?;
        Ok(IssuerTerms {
            vat_scheme: scheme.or(terms.vat_scheme),
            vat_on_debits: self.vat_on_debits.unwrap_or(terms.vat_on_debits),
            legal_mentions: self.legal_mentions.map_or(terms.legal_mentions, |v| v.0),
            iban: self.iban.map_or(terms.iban, |v| v.0),
            bic: self.bic.map_or(terms.bic, |v| v.0),
            late_penalty: self.late_penalty.map_or(terms.late_penalty, |v| v.0),
        })
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

fn checked_dunning(days: Vec<u16>) -> Result<Dunning, Problem> {
    Dunning::new(days).map_err(|error| Problem::field("dunning_days", error))
}
