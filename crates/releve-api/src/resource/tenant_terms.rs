//! What does a tenant pay for what? The prices of its account's contract, and what was agreed beside them.

use axum::{Json, extract::State};
use releve_billing::{AgreedTerms, Agreement, Contract, Price, Scope};
use releve_store::agreements;
use releve_types::{Hour, TenantId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{agreements::AgreementView, prices::TierView, spend};
use crate::{
    AppState,
    auth::TenantScope,
    cursor::{self, Paged},
    error::Problem,
    input::{Page, Params},
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(prices)).routes(routes!(agreed))
}

/// A price of the tenant's contract.
#[derive(Serialize, ToSchema)]
pub struct TenantPriceView {
    sku: String,
    unit: &'static str,
    /// What the price is for: as in `GPU-hour`, or `package of 10 × million tokens`.
    priced_per: String,
    currency: String,
    from: String,
    /// When another price, or another price book, takes its place; none as far as it is known.
    until: Option<String>,
    /// per_unit, graduated, volume or package.
    model: &'static str,
    /// Filled by the usage of the whole account.
    tiers: Vec<TierView>,
    rounding: &'static str,
}

fn price_view(price: &Price, contract: &Contract, (from, until): (Hour, Option<Hour>)) -> TenantPriceView {
    TenantPriceView {
        sku: price.sku().to_string(),
        unit: price.unit().name(),
        priced_per: price.priced_per().into_owned(),
        currency: contract.currency().to_string(),
        from: from.to_string(),
        until: until.map(|until| until.to_string()),
        model: price.model().name(),
        tiers: price.model().tiers().iter().map(TierView::from).collect(),
        rounding: price.rounding().name(),
    }
}

/// The prices that hold from an hour on, each as long as it does.
fn in_force(contract: &Contract, now: Hour) -> Vec<TenantPriceView> {
    let mut views = Vec::new();
    let terms = contract.terms();
    for (n, term) in terms.iter().enumerate() {
        let ends = terms.get(n + 1).map(|next| next.from);
        let prices = term.book.prices();
        for (m, price) in prices.iter().enumerate() {
            let replaced = prices.get(m + 1).filter(|next| next.sku() == price.sku()).map(Price::from);
            let until = replaced.into_iter().chain(ends).min();
            let from = price.from().max(term.from);
            if until.is_none_or(|until| until > now && until > from) {
                views.push(price_view(price, contract, (from, until)));
            }
        }
    }
    views
}

/// Lists the prices that hold for a tenant now and, as far as they are known, later, by SKU and start.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/prices", tag = "tenant", params(("tenant" = String, Path), Page),
    responses((status = 200, body = Paged<TenantPriceView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn prices(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<TenantPriceView>>, Problem> {
    let request = format!("prices of {}", scope.id());
    let after: Option<(String, String)> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = app.db().begin_app().await?;
    let contract = spend::contract(&mut tx, scope.account()).await?;
    tx.commit().await?;
    let place = |row: &TenantPriceView| (row.sku.clone(), row.from.clone());
    let rows = in_force(&contract, app.now().hour());
    Ok(Json(Paged::of_all(rows, (query.limit, after.as_ref()), &request, place, |row| row)?))
}

/// What another tenant of the account has for itself is none of this one's business.
fn concerns(agreement: &Agreement, tenant: TenantId) -> bool {
    match agreement.terms() {
        AgreedTerms::Discount { scope: Scope::Project { tenant: whose, .. }, .. } => *whose == tenant,
        _ => true,
    }
}

/// Lists what a tenant's account agreed to beside its price books and has not ended, by start: reservations, discounts, fees and
/// minimum spends. Discounts of other tenants' projects are left out.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/agreements", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = Paged<AgreementView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn agreed(scope: TenantScope, State(app): State<AppState>) -> Result<Json<Paged<AgreementView>>, Problem> {
    let now = app.now().hour();
    let mut tx = app.db().begin_app().await?;
    let records = agreements::of(&mut tx, &[scope.account()]).await?.remove(&scope.account()).unwrap_or_default();
    tx.commit().await?;
    let held = records.iter().filter(|record| record.agreement.until().is_none_or(|until| until > now));
    let own = held.filter(|record| concerns(&record.agreement, scope.id()));
    Ok(Json(Paged { items: own.map(|record| AgreementView::from(record).without_author()).collect(), next: None }))
}
