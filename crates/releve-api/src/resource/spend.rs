//! What does a month cost so far? The same usage, read by the same function and rated by the same one, as an invoice.

use std::fmt;

use axum::{Json, extract::State};
use releve_billing::{
    Charge, Contract, Rated, UnitPrice, Unpriced,
    watch::{FORECAST_BASIS, Forecast, forecast_amount},
};
pub(crate) use releve_jobs::spend::Spend;
use releve_jobs::{rolling::Rolling, spend::Terms};
use releve_store::{Tx, prices};
use releve_types::{AccountId, BillingMonth, Money, Period, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, TenantScope},
    error::Problem,
    input::{Params, PathOf},
    kept::{Keep, Kept, Made},
    lookup,
    worth::MoneyView,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_tenant)).routes(routes!(of_account))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct When {
    /// A month of the seller's zone, `YYYY-MM`; the current one if absent.
    #[param(example = "2026-03")]
    month: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SpendView {
    /// Of a tenant's spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    pub(super) account: String,
    #[schema(example = "2026-03")]
    pub(super) month: String,
    period_start: String,
    /// Not included.
    period_end: String,
    /// Until when usage is in it, as far as it has arrived.
    as_of: String,
    /// The sum of the charges, each rounded as on an invoice, without taxes.
    pub(super) total: MoneyView,
    /// Of a tenant's spend: what its account owes as a whole beside it, as reservations that nobody used, fees and minimum spends. In
    /// no tenant's total.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_account: Option<MoneyView>,
    /// What the month comes to if it goes on like that, as a budget of basis `forecast` is judged by. Absent while less than
    /// 24 hours of it have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<ForecastView>,
    pub(super) charges: Vec<ChargeView>,
    /// Usage that has no price yet: in no amount, and never for free.
    pub(super) unpriced: Vec<UnpricedView>,
}

#[derive(Serialize, ToSchema)]
pub struct ForecastView {
    /// To the month's end, without taxes.
    amount: MoneyView,
    /// The first hour that it was extrapolated from.
    from: String,
    /// The end of the last one: the hour that has begun.
    to: String,
    /// How many hours that is.
    hours_begun: i64,
    /// Hours of the whole month.
    hours: i64,
    /// How it is made, in words.
    #[schema(example = "usage so far x hours of the month / hours of it that have begun; other charges as they stand")]
    basis: &'static str,
}

impl From<Forecast> for ForecastView {
    fn from(forecast: Forecast) -> Self {
        let (from, hours) = (forecast.from, forecast.hours);
        Self {
            amount: forecast.amount.into(),
            from: from.start().to_string(),
            to: from.end().to_string(),
            hours_begun: from.hours(),
            hours,
            basis: FORECAST_BASIS,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct ChargeView {
    /// usage, reserved, unused, overage, recurring, once, goodwill or minimum.
    kind: &'static str,
    /// Of usage the price book's price, else the agreement.
    price: String,
    /// Absent where the account owes it as a whole.
    tenant: Option<String>,
    project: String,
    sku: String,
    /// The part of the month in which the price holds.
    from: String,
    to: String,
    /// From 0.
    tier: u32,
    #[schema(example = "gpu_ms")]
    unit: &'static str,
    /// As measured, in base units.
    metered: i64,
    /// After the plan's rounding, in base units.
    billed: i64,
    #[schema(example = "2.50")]
    unit_price: String,
    #[schema(example = "GPU-hour")]
    /// How many printed units the price is for.
    base_quantity: i64,
    priced_per: String,
    /// In percent; the amount is what is left.
    discount: Option<String>,
    amount: String,
    energy_mj: i64,
}

#[derive(Serialize, ToSchema)]
pub struct UnpricedView {
    tenant: String,
    project: String,
    sku: String,
    from: String,
    to: String,
    /// In base units.
    metered: i64,
    /// `no price yet`.
    note: &'static str,
}

impl From<&Charge> for ChargeView {
    fn from(charge: &Charge) -> Self {
        Self {
            kind: charge.kind.name(),
            price: charge.kind.reference(),
            tenant: charge.tenant.map(|tenant| tenant.to_string()),
            project: charge.project.clone(),
            sku: charge.sku.to_string(),
            from: charge.stretch.start().to_string(),
            to: charge.stretch.end().to_string(),
            tier: charge.tier,
            unit: charge.unit.name(),
            metered: charge.metered,
            billed: charge.billed,
            unit_price: UnitPrice::new(charge.unit_price)
                .map_or_else(|_| charge.unit_price.to_string(), |p| p.to_string()),
            base_quantity: charge.base_quantity,
            priced_per: charge.priced_per().into_owned(),
            discount: charge.discount.map(|off| off.percent.to_string()),
            amount: charge.amount.amount().to_string(),
            energy_mj: charge.energy_mj,
        }
    }
}

impl fmt::Display for ChargeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, sku, project, amount, billed, unit, unit_price, priced_per, .. } = self;
        write!(f, "{amount:>14}  {kind:<9} {sku} {project}: {billed} {unit} at {unit_price} per {priced_per}")
    }
}

impl fmt::Display for UnpricedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.sku, self.project, self.metered)
    }
}

impl From<&Unpriced> for UnpricedView {
    fn from(unpriced: &Unpriced) -> Self {
        Self {
            tenant: unpriced.tenant.to_string(),
            project: unpriced.project.clone(),
            sku: unpriced.sku.to_string(),
            from: unpriced.stretch.start().to_string(),
            to: unpriced.stretch.end().to_string(),
            metered: unpriced.metered,
            note: "no price yet",
        }
    }
}

/// Spends by account and month.
pub(crate) type KeptSpends = Kept<(AccountId, BillingMonth), KeptSpend>;

/// A spend, and what is known for when it is rated again.
#[derive(Debug)]
pub(crate) struct KeptSpend {
    spend: Spend,
    rolling: Rolling,
}

impl Keep for KeptSpend {
    fn helps_the_next(&self) -> bool {
        self.rolling.is_worth_keeping()
    }
}

/// A spend, and until when what was used is in it.
pub(super) struct Counted(Made<KeptSpend>);

impl Counted {
    pub fn spend(&self) -> &Spend {
        &self.0.value.spend
    }

    pub fn as_of(&self) -> Timestamp {
        self.0.as_of
    }
}

/// Rates the account as its invoice would be if nothing more were used: a fee, a reservation or a minimum that holds for
/// the month is in it whole from its first day. Read as the application, also for a tenant: tiers fill up over the
/// account, so a tenant's amount depends on its siblings' usage, which it must not see. Only its own charges
/// leave this file.
pub(super) async fn spend(
    app: &AppState,
    account: AccountId,
    month: Option<&str>,
    now: Timestamp,
) -> Result<Counted, Problem> {
    let terms = terms(app, account, month, now).await?;
    let question = (account, terms.month);
    Ok(Counted(app.spends().exact(question, now, rate(app.clone(), terms)).await?))
}

/// The same for whoever looks and decides nothing: of a moment ago where rating takes long, though by no other prices or agreements.
pub(super) async fn lately(
    app: &AppState,
    account: AccountId,
    month: Option<&str>,
    now: Timestamp,
) -> Result<Counted, Problem> {
    let terms = terms(app, account, month, now).await?;
    let (question, contract) = ((account, terms.month), terms.contract.clone());
    let holds = |kept: &KeptSpend| kept.rolling.is_by(&contract);
    Ok(Counted(app.spends().get(question, now, holds, rate(app.clone(), terms)).await?))
}

async fn rate(app: AppState, terms: Terms) -> Result<KeptSpend, Problem> {
    let last = app.spends().last(&(terms.account, terms.month));
    let mut tx = app.db().begin_app().await?;
    let (spend, rolling) = Rolling::rate(&mut tx, terms, last.as_ref().map(|last| &last.rolling)).await?;
    tx.commit().await?;
    Ok(KeptSpend { spend, rolling })
}

async fn terms(app: &AppState, account: AccountId, month: Option<&str>, now: Timestamp) -> Result<Terms, Problem> {
    let month = month.map(|text| lookup::parsed("month", text)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let terms = releve_jobs::spend::terms(&mut tx, account, month, now).await?;
    tx.commit().await?;
    terms.ok_or_else(|| Problem::not_found("account", &account.to_string()))
}

/// What an account used in a period, rated by a contract.
pub(super) async fn rated(
    tx: &mut Tx,
    account: AccountId,
    period: Period,
    contract: Contract,
) -> Result<Rated, Problem> {
    Ok(releve_jobs::spend::rated(tx, account, period, contract).await?)
}

/// What an account agreed to.
pub(super) async fn contract(conn: &mut PgConnection, account: AccountId) -> Result<Contract, Problem> {
    let contract = prices::load_contract(conn, account, &mut prices::LoadedBooks::new()).await?;
    contract.ok_or_else(|| Problem::not_found("account", &account.to_string()))
}

pub(super) fn view(spend: &Spend, tenant: Option<TenantId>, now: Timestamp) -> Result<SpendView, Problem> {
    let of_this = |whose: Option<TenantId>| tenant.is_none() || tenant == whose;
    let charges: Vec<&Charge> = spend.rated.charges.iter().filter(|c| of_this(c.tenant)).collect();
    let wrong = |error| Problem::internal(&error);
    let currency = spend.rated.currency;
    let total = Money::sum(charges.iter().map(|charge| charge.amount), currency).map_err(wrong)?;
    let of_account = spend.rated.charges.iter().filter(|charge| charge.tenant.is_none());
    let whole = Money::sum(of_account.map(|charge| charge.amount), currency).map_err(wrong)?;
    let forecast = forecast_amount(&spend.rated, tenant, spend.period, now).map_err(wrong)?;
    let unpriced = spend.rated.unpriced.iter().filter(|u| of_this(Some(u.tenant)));
    Ok(SpendView {
        tenant: tenant.map(|tenant| tenant.to_string()),
        account: spend.account.to_string(),
        month: spend.month.to_string(),
        period_start: spend.period.start().to_string(),
        period_end: spend.period.end().to_string(),
        as_of: now.min(spend.period.end()).to_string(),
        total: total.into(),
        of_account: tenant.map(|_| whole.into()),
        forecast: forecast.map(ForecastView::from),
        charges: charges.into_iter().map(ChargeView::from).collect(),
        unpriced: unpriced.map(UnpricedView::from).collect(),
    })
}

/// Shows what a tenant's month costs so far.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/spend", tag = "tenant", params(("tenant" = String, Path), When),
    responses((status = 200, body = SpendView)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(when): Params<When>,
) -> Result<Json<SpendView>, Problem> {
    let now = app.now();
    let spend = lately(&app, scope.account(), when.month.as_deref(), now).await?;
    Ok(Json(view(spend.spend(), Some(scope.id()), spend.as_of())?))
}

/// Shows what an account's month costs so far, all its tenants together.
#[utoipa::path(get, path = "/v1/accounts/{account}/spend", tag = "billing", params(("account" = String, Path), When),
    responses((status = 200, body = SpendView)), security(("api_key" = ["operator:read"])))]
async fn of_account(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Params(when): Params<When>,
) -> Result<Json<SpendView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account(&mut tx, &reference).await?.id;
    tx.commit().await?;
    let now = app.now();
    let spend = lately(&app, account, when.month.as_deref(), now).await?;
    Ok(Json(view(spend.spend(), None, spend.as_of())?))
}
