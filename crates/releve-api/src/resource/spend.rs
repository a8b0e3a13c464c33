//! What does a month cost so far? The same usage, read by the same function and rated by the same one, as an invoice.

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::{Json, extract::State};
use releve_billing::{
    Charge, Contract, Rated, UnitPrice, Unpriced,
    watch::{FORECAST_BASIS, Forecast, forecast_amount},
};
pub(crate) use releve_jobs::spend::Spend;
use releve_jobs::{rolling::Rolling, spend::Terms};
use releve_store::{Tx, contracts};
use releve_types::{AccountId, BillingMonth, Money, Period, TenantId, Timestamp, Unit};
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
    OpenApiRouter::new().routes(routes!(of_tenant)).routes(routes!(summary)).routes(routes!(of_account))
}

/// Charges of a month that is shown as it was up to a second ago.
pub const LARGE_LEN_MIN: usize = 1_000;
/// SKUs and projects that a summary names, of each the largest.
pub const PARTS_LEN_MAX: usize = 100;

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

/// A spend without its charges.
#[derive(Serialize, ToSchema)]
pub struct SpendSummaryView {
    tenant: String,
    account: String,
    #[schema(example = "2026-03")]
    month: String,
    period_start: String,
    /// Not included.
    period_end: String,
    /// Until when usage is in it, as far as it has arrived.
    as_of: String,
    /// The sum of the charges, each rounded as on an invoice, without taxes.
    total: MoneyView,
    /// What its account owes as a whole beside it. In no tenant's total.
    of_account: MoneyView,
    /// What the month comes to if it goes on like that. Absent while less than 24 hours of it have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<ForecastView>,
    /// How many charges make up the total.
    charges: usize,
    by_sku: SpendPartsView,
    by_project: SpendPartsView,
    /// Usage that has no price yet: in no amount, and never for free.
    unpriced: Vec<UnpricedView>,
}

/// What parts of a spend come to.
#[derive(Serialize, ToSchema)]
pub struct SpendPartsView {
    /// At most 100, the largest amount first.
    largest: Vec<SpendPartView>,
    /// How many there are in all.
    count: usize,
}

#[derive(Serialize, ToSchema)]
pub struct SpendPartView {
    /// Of the SKU or of the project, which may have none.
    name: String,
    amount: MoneyView,
    /// Held, whatever it is charged as.
    gpu_ms: i64,
    energy_mj: i64,
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

    fn is_large(&self) -> bool {
        self.spend.rated.charges.len() >= LARGE_LEN_MIN
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
    Ok(Counted(app.spends().exact(question, now, rate(app.clone(), terms, now)).await?))
}

/// The same for whoever looks and decides nothing: of a moment ago where rating takes long or comes to many charges, though by no other
/// prices or agreements.
pub(super) async fn lately(
    app: &AppState,
    account: AccountId,
    month: Option<&str>,
    now: Timestamp,
) -> Result<Counted, Problem> {
    let terms = terms(app, account, month, now).await?;
    let (question, asked) = ((account, terms.month), terms.clone());
    let holds = |kept: &KeptSpend| kept.rolling.is_by(&asked);
    Ok(Counted(app.spends().get(question, now, holds, rate(app.clone(), terms, now)).await?))
}

async fn rate(app: AppState, terms: Terms, now: Timestamp) -> Result<KeptSpend, Problem> {
    let last = app.spends().last(&(terms.account, terms.month));
    let mut tx = app.db().begin_app().await?;
    let (spend, rolling) = Rolling::rate(&mut tx, terms, last.as_ref().map(|last| &last.rolling), now).await?;
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
    contract: impl Into<Arc<Contract>>,
) -> Result<Rated, Problem> {
    Ok(releve_jobs::spend::rated(tx, account, period, contract).await?)
}

/// What an account agreed to.
pub(super) async fn contract(conn: &mut PgConnection, account: AccountId) -> Result<Arc<Contract>, Problem> {
    let contract = contracts::of_account(conn, account).await?;
    contract.ok_or_else(|| Problem::not_found("account", &account.to_string()))
}

/// What of a spend is a tenant's, or all of it.
struct Share<'a> {
    charges: Vec<&'a Charge>,
    total: Money,
    /// Of charges that are no tenant's.
    of_account: Money,
    forecast: Option<ForecastView>,
    unpriced: Vec<UnpricedView>,
}

impl<'a> Share<'a> {
    fn of(spend: &'a Spend, tenant: Option<TenantId>, now: Timestamp) -> Result<Self, Problem> {
        let of_this = |whose: Option<TenantId>| tenant.is_none() || tenant == whose;
        let wrong = |error| Problem::internal(&error);
        let Rated { charges, unpriced, currency, .. } = &spend.rated;
        let of_account = charges.iter().filter(|charge| charge.tenant.is_none());
        let of_account = Money::sum(of_account.map(|charge| charge.amount), *currency).map_err(wrong)?;
        let charges: Vec<&Charge> = charges.iter().filter(|c| of_this(c.tenant)).collect();
        let total = Money::sum(charges.iter().map(|charge| charge.amount), *currency).map_err(wrong)?;
        let forecast = forecast_amount(&spend.rated, tenant, spend.period, now).map_err(wrong)?;
        let unpriced = unpriced.iter().filter(|u| of_this(Some(u.tenant))).map(UnpricedView::from).collect();
        Ok(Self { charges, total, of_account, forecast: forecast.map(ForecastView::from), unpriced })
    }

    fn by(&self, name: impl Fn(&Charge) -> String) -> Result<SpendPartsView, Problem> {
        let mut parts: BTreeMap<String, Vec<&Charge>> = BTreeMap::new();
        for charge in &self.charges {
            parts.entry(name(charge)).or_default().push(charge);
        }
        let mut summed = Vec::with_capacity(parts.len());
        for (name, charges) in parts {
            let amount = Money::sum(charges.iter().map(|charge| charge.amount), self.total.currency());
            let held = charges.iter().filter(|charge| charge.unit == Unit::GpuMs && charge.kind.is_of_use());
            let (gpu_ms, energy_mj) = (held.map(|c| c.metered).sum(), charges.iter().map(|c| c.energy_mj).sum());
            summed.push((amount.map_err(|error| Problem::internal(&error))?, name, gpu_ms, energy_mj));
        }
        summed.sort_by(|a, b| b.0.amount().cmp(&a.0.amount()).then_with(|| a.1.cmp(&b.1)));
        let count = summed.len();
        let view = |(amount, name, gpu_ms, energy_mj): (Money, _, _, _)| SpendPartView {
            name,
            amount: amount.into(),
            gpu_ms,
            energy_mj,
        };
        Ok(SpendPartsView { largest: summed.into_iter().take(PARTS_LEN_MAX).map(view).collect(), count })
    }
}

pub(super) fn view(spend: &Spend, tenant: Option<TenantId>, now: Timestamp) -> Result<SpendView, Problem> {
    let share = Share::of(spend, tenant, now)?;
    Ok(SpendView {
        tenant: tenant.map(|tenant| tenant.to_string()),
        account: spend.account.to_string(),
        month: spend.month.to_string(),
        period_start: spend.period.start().to_string(),
        period_end: spend.period.end().to_string(),
        as_of: now.min(spend.period.end()).to_string(),
        total: share.total.into(),
        of_account: tenant.map(|_| share.of_account.into()),
        forecast: share.forecast,
        charges: share.charges.into_iter().map(ChargeView::from).collect(),
        unpriced: share.unpriced,
    })
}

fn summed(spend: &Spend, tenant: TenantId, now: Timestamp) -> Result<SpendSummaryView, Problem> {
    let share = Share::of(spend, Some(tenant), now)?;
    Ok(SpendSummaryView {
        tenant: tenant.to_string(),
        account: spend.account.to_string(),
        month: spend.month.to_string(),
        period_start: spend.period.start().to_string(),
        period_end: spend.period.end().to_string(),
        as_of: now.min(spend.period.end()).to_string(),
        total: share.total.into(),
        of_account: share.of_account.into(),
        charges: share.charges.len(),
        by_sku: share.by(|charge| charge.sku.to_string())?,
        by_project: share.by(|charge| charge.project.clone())?,
        forecast: share.forecast,
        unpriced: share.unpriced,
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

/// Shows what a tenant's month comes to so far, by SKU and by project, without its charges.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/spend/summary", tag = "tenant", params(("tenant" = String, Path), When),
    responses((status = 200, body = SpendSummaryView)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn summary(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(when): Params<When>,
) -> Result<Json<SpendSummaryView>, Problem> {
    let spend = lately(&app, scope.account(), when.month.as_deref(), app.now()).await?;
    Ok(Json(summed(spend.spend(), scope.id(), spend.as_of())?))
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
