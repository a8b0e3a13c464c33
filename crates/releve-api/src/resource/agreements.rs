//! What did an account agree to beside its price books? Discounts, reservations, fees and minimum spends.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use releve_billing::{
    AgreedTerms, Agreement, Contract, PriceError, PriceReason, Scope, UnitPrice, check_new_agreement, tax::RateClass,
};
use releve_store::{
    agreements::{self, AgreementRecord},
    audit_log::{self, Change},
    prices,
};
use releve_types::{AccountId, Hour, Sku, Timestamp, ids::AgreementId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::spend;
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
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(end))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgreement {
    /// - discount: `percent` off the price book's prices: all of them, those of one `sku`, or what a `tenant`'s `project`
    ///   uses. Where several hold, the narrowest is given. Nothing is off what was agreed otherwise.
    /// - reservation: `devices` of a GPU `sku`, each at `price` an hour whether used or not, `matching` by hour or by
    ///   instant. What is used above it costs `overage_price` an hour, or what the price book says.
    /// - recurring: a fee of `price` a month; for a part of a month, its hours' part.
    /// - once: a fee of `price`, in the month in which `from` lies.
    /// - goodwill: `price` is given back, in the month in which `from` lies.
    /// - minimum: at least `price` a month; for a part of a month, its hours' part. Usage, reservations and recurring fees
    ///   count towards it, after discounts.
    #[schema(example = "reservation")]
    kind: String,
    /// What its line says, and why a discount or goodwill is given: up to 200 characters.
    pub(super) description: String,
    /// If absent: the next whole hour, and for what is charged once the current one. Not in a month that was invoiced.
    pub(super) from: Option<WholeHour>,
    /// Not included. If absent: until it is ended.
    pub(super) until: Option<WholeHour>,
    /// Of a discount: above 0, up to 100, with at most two decimals.
    #[schema(example = "12.5")]
    percent: Option<String>,
    /// The GPU that is reserved, the only one that a discount is on, or a fee's name as in `fee/premium-support`.
    sku: Option<String>,
    /// Of a discount for a project, with `project`: by id or name.
    tenant: Option<String>,
    project: Option<String>,
    /// Of a reservation.
    devices: Option<u32>,
    /// Of a reservation: `hour` (if absent) or `instant`. By hour, what one moment leaves unused another in the same hour
    /// takes; by instant, at each moment only as many devices as are reserved are covered.
    matching: Option<String>,
    /// In the account's currency.
    #[schema(example = "1.80")]
    price: Option<String>,
    /// Of a reservation: per device and hour used above it.
    overage_price: Option<String>,
    /// Of a fee: `standard` (if absent) or `reduced`.
    vat_class: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The first hour in which it no longer holds; the next whole hour if absent. Not in a month that was invoiced.
    until: Option<WholeHour>,
}

#[derive(Serialize, ToSchema)]
pub struct AgreementView {
    id: String,
    account: String,
    kind: &'static str,
    description: String,
    from: String,
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overage_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vat_class: Option<&'static str>,
    created_at: String,
    /// Told to operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
}

impl AgreementView {
    /// As its customer is shown it.
    pub(super) fn without_author(self) -> Self {
        Self { created_by: None, ..self }
    }
}

impl From<&AgreementRecord> for AgreementView {
    fn from(record: &AgreementRecord) -> Self {
        let agreement = &record.agreement;
        let none = Self {
            id: agreement.id().to_string(),
            account: record.account.to_string(),
            kind: agreement.terms().name(),
            description: agreement.description().to_owned(),
            from: agreement.from().to_string(),
            until: agreement.until().map(|until| until.to_string()),
            percent: None,
            sku: None,
            tenant: None,
            project: None,
            devices: None,
            matching: None,
            price: None,
            overage_price: None,
            vat_class: None,
            created_at: record.created_at.to_string(),
            created_by: Some(record.created_by.clone()),
        };
        match agreement.terms() {
            AgreedTerms::Discount { scope, percent } => {
                let (sku, tenant, project) = match scope {
                    Scope::All => (None, None, None),
                    Scope::Sku(sku) => (Some(sku.to_string()), None, None),
                    Scope::Project { tenant, project } => (None, Some(tenant.to_string()), Some(project.clone())),
                };
                Self { percent: Some(percent.to_string()), sku, tenant, project, ..none }
            }
            AgreedTerms::Reservation { sku, devices, matching, price, overage } => Self {
                sku: Some(sku.to_string()),
                devices: Some(*devices),
                matching: Some(matching.name()),
                price: Some(price.to_string()),
                overage_price: overage.map(|overage| overage.to_string()),
                ..none
            },
            AgreedTerms::Recurring { sku, price, class }
            | AgreedTerms::Once { sku, price, class }
            | AgreedTerms::Goodwill { sku, price, class } => Self {
                sku: Some(sku.to_string()),
                price: Some(price.to_string()),
                vat_class: Some(class.name()),
                ..none
            },
            AgreedTerms::Minimum { price } => Self { price: Some(price.to_string()), ..none },
        }
    }
}

/// Agrees to something beside the price books. It does not change; it can be ended.
#[utoipa::path(post, path = "/v1/accounts/{account}/agreements", tag = "prices", params(("account" = String, Path)),
    request_body = NewAgreement,
    responses((status = 201, body = AgreementView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { mut input, repeat }: Command<NewAgreement>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?.id;
            let terms = terms(conn, account, &mut input).await?;
            let from = input.from.map_or_else(|| first_hour(&terms, now), |from| from.0);
            let (id, description) = (AgreementId::fresh(now), input.description);
            let until = input.until.map(|until| until.0.start());
            let agreement = Agreement::new(id, description, from.start(), until, terms)?;
            let contract = locked_contract(conn, account).await?;
            not_invoiced(conn, account, agreement.from(), "from").await?;
            check_new_agreement(&contract, &agreement)?;
            let record = AgreementRecord { account, agreement, created_at: now, created_by: actor.clone() };
            agreements::insert(conn, &record).await?;
            let view = AgreementView::from(&record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "agreement.create", subject, before: None, after }, now)
                .await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Ends an agreement, sooner than it would have. What was invoiced under it stays.
#[utoipa::path(post, path = "/v1/accounts/{account}/agreements/{agreement}/end", tag = "prices",
    params(("account" = String, Path), ("agreement" = String, Path)), request_body = End,
    responses((status = 200, body = AgreementView)), security(("api_key" = ["operator:write"])))]
async fn end(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf((reference, agreement)): PathOf<(String, String)>,
    Command { input, repeat }: Command<End>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let account = lookup::account(conn, &reference).await?.id;
            let missing = || Problem::not_found("agreement", &agreement);
            let id: AgreementId = agreement.parse().map_err(|_| missing())?;
            prices::lock_contract(conn, account).await?;
            let all = agreements::of(conn, &[account]).await?.remove(&account).unwrap_or_default();
            let known = all.into_iter().find(|record| record.agreement.id() == id).ok_or_else(missing)?;
            let until = input.until.map_or_else(|| now.hour().next(), |until| until.0);
            let before = Some(json!(AgreementView::from(&known)));
            let record = AgreementRecord { agreement: known.agreement.ended(until.start())?, ..known };
            not_invoiced(conn, account, until, "until").await?;
            agreements::end(conn, id, until.start()).await?;
            let view = AgreementView::from(&record);
            let (subject, after) = (view.id.clone(), Some(json!(view)));
            audit_log::add(conn, &Change { actor, action: "agreement.end", subject, before, after }, now).await?;
            Answer::done(&view)
        })
    })
    .await
}

/// Lists what an account agreed to beside its price books, by start.
#[utoipa::path(get, path = "/v1/accounts/{account}/agreements", tag = "prices", params(("account" = String, Path)),
    responses((status = 200, body = Paged<AgreementView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<Paged<AgreementView>>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?.id;
    let agreed = agreements::of(&mut tx, &[account]).await?.remove(&account).unwrap_or_default();
    Ok(Json(Paged { items: agreed.iter().map(AgreementView::from).collect(), next: None }))
}

/// What is charged once may be so in the hour that is running; whatever else holds does so from the next.
fn first_hour(terms: &AgreedTerms, now: Timestamp) -> Hour {
    match terms {
        AgreedTerms::Once { .. } | AgreedTerms::Goodwill { .. } => now.hour(),
        _ => now.hour().next(),
    }
}

async fn locked_contract(conn: &mut PgConnection, account: AccountId) -> Result<Arc<Contract>, Problem> {
    prices::lock_contract(conn, account).await?;
    spend::contract(conn, account).await
}

/// What was invoiced is not agreed upon anew.
async fn not_invoiced(conn: &mut PgConnection, account: AccountId, at: Hour, field: &str) -> Result<(), Problem> {
    match agreements::invoiced_until(conn, account).await? {
        Some(until) if at.start() < until => {
            let reason = Box::new(PriceReason::InvoicedAlready { at: at.start(), until });
            Err(PriceError { field: field.to_owned(), reason }.into())
        }
        _ => Ok(()),
    }
}

/// The terms of the kind, made of the fields that it has; any other field is refused.
pub(super) async fn terms(
    conn: &mut PgConnection,
    account: AccountId,
    input: &mut NewAgreement,
) -> Result<AgreedTerms, Problem> {
    let kind = input.kind.clone();
    let terms = match kind.as_str() {
        "discount" => {
            let percent = wanted("percent", input.percent.take())?.parse()?;
            let on = (input.sku.take(), input.tenant.take(), input.project.take());
            AgreedTerms::Discount { scope: scope(conn, account, on).await?, percent }
        }
        "reservation" => AgreedTerms::Reservation {
            sku: sku(input)?,
            devices: input.devices.take().ok_or_else(|| missing("devices"))?,
            matching: input.matching.take().as_deref().unwrap_or("hour").parse()?,
            price: price("price", &wanted("price", input.price.take())?)?,
            overage: input.overage_price.take().map(|text| price("overage_price", &text)).transpose()?,
        },
        kind @ ("recurring" | "once" | "goodwill") => {
            let (sku, class) = (sku(input)?, class(input)?);
            let price = price("price", &wanted("price", input.price.take())?)?;
            match kind {
                "recurring" => AgreedTerms::Recurring { sku, price, class },
                "once" => AgreedTerms::Once { sku, price, class },
                _ => AgreedTerms::Goodwill { sku, price, class },
            }
        }
        "minimum" => AgreedTerms::Minimum { price: price("price", &wanted("price", input.price.take())?)? },
        other => {
            let shown: String = other.chars().take(40).collect();
            let kinds = "discount, reservation, recurring, once, goodwill or minimum";
            return Err(Problem::field("kind", format!("'{shown}' is no kind of agreement: expected {kinds}")));
        }
    };
    left_over(input)?;
    Ok(terms)
}

/// A field that the kind has no use for was meant otherwise than it would be read.
fn left_over(input: &NewAgreement) -> Result<(), Problem> {
    let NewAgreement {
        kind, percent, sku, tenant, project, devices, matching, price, overage_price, vat_class, ..
    } = input;
    let given = [
        ("percent", percent.is_some()),
        ("sku", sku.is_some()),
        ("tenant", tenant.is_some()),
        ("project", project.is_some()),
        ("devices", devices.is_some()),
        ("matching", matching.is_some()),
        ("price", price.is_some()),
        ("overage_price", overage_price.is_some()),
        ("vat_class", vat_class.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Problem::field(field, format!("an agreement of the kind {kind} has no such term"))),
        None => Ok(()),
    }
}

/// What a discount or a credit is on.
pub(super) async fn scope(
    conn: &mut PgConnection,
    account: AccountId,
    (sku, tenant, project): (Option<String>, Option<String>, Option<String>),
) -> Result<Scope, Problem> {
    match (sku, tenant, project) {
        (None, None, None) => Ok(Scope::All),
        (Some(sku), None, None) => Ok(Scope::Sku(lookup::parsed("sku", &sku)?)),
        (None, Some(tenant), Some(project)) => {
            let found = lookup::tenant(conn, &tenant).await.map_err(|problem| lookup::in_field(problem, "tenant"))?;
            if found.account != account {
                return Err(Problem::field("tenant", format!("{} is not a tenant of this account", found.name)));
            }
            Ok(Scope::Project { tenant: found.id, project })
        }
        (None, Some(_), None) => Err(missing("project")),
        (None, None, Some(_)) => Err(missing("tenant")),
        (Some(_), ..) => Err(Problem::field("sku", "it is on a SKU or for a project, not on both")),
    }
}

fn sku(input: &mut NewAgreement) -> Result<Sku, Problem> {
    lookup::parsed("sku", &wanted("sku", input.sku.take())?)
}

fn class(input: &mut NewAgreement) -> Result<RateClass, Problem> {
    input.vat_class.take().map_or(Ok(RateClass::Standard), |class| lookup::parsed("vat_class", &class))
}

fn price(field: &'static str, text: &str) -> Result<UnitPrice, Problem> {
    Ok(text.parse::<UnitPrice>().map_err(|error| PriceError { field: field.to_owned(), ..error })?)
}

fn wanted(field: &'static str, value: Option<String>) -> Result<String, Problem> {
    value.ok_or_else(|| missing(field))
}

fn missing(field: &'static str) -> Problem {
    Problem::field(field, format!("missing field `{field}`"))
}
