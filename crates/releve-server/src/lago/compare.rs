//! Does a month here come to what Lago billed? Each customer and SKU, with the reason where it does not.

use std::{collections::BTreeMap, fmt};

use anyhow::Context;
use releve_billing::{Charge, ChargeKind, Contract, Price, Rated};
use releve_jobs::spend;
use releve_lago::{Facts, Finding, Known, Metric, Ours, compare, compare::Side, read::Reject, read_fees};
use releve_store::{
    Tx,
    billing_usage::{self, Pieces},
    contracts,
    customers::{self, Account, Issuer, Tenant},
    gaps,
    lago::{self as store, MetricRecord},
};
use releve_types::{BillingMonth, Period, Sku, TenantId, Unit, Zone};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    cli::Compare,
    ground::{Ground, Use},
    invoice::issuer,
    settings::Settings,
};

const PAGE_LEN: i64 = 500;
/// In which zones a month is looked at beside the seller's.
const ZONE_ALWAYS: &str = "UTC";

#[derive(Serialize, Debug)]
struct SideView {
    quantity: String,
    amount: String,
    currency: &'static str,
}

#[derive(Serialize, Debug)]
struct FindingView {
    customer: String,
    sku: String,
    /// In Lago's units.
    ours: Option<SideView>,
    lago: Option<SideView>,
    /// Lago's − ours; none across currencies.
    quantity_difference: Option<String>,
    amount_difference: Option<String>,
    reason: &'static str,
    words: String,
}

#[derive(Serialize, Debug, Default)]
struct Comparison {
    issuer: String,
    period: String,
    equal: usize,
    findings: Vec<FindingView>,
    /// How many pairs have each reason.
    reasons: BTreeMap<&'static str, usize>,
    /// Fees of other months, and those without a time.
    other_fees: usize,
    /// Rows that could not be read: file:row field: reason.
    unreadable: Vec<String>,
}

/// Compares a month with an export of Lago's fees.
pub async fn run(settings: &Settings, asked: &Compare) -> anyhow::Result<()> {
    let name = asked.with.display().to_string();
    let bytes = std::fs::read(&asked.with).with_context(|| name.clone())?;
    let (fees, rejects) = read_fees(&name, &bytes).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let compared = month(&ground, asked, fees, &rejects).await;
    ground.close().await?;
    let compared = compared?;
    if settings.json {
        println!("{}", serde_json::to_string(&compared)?);
    } else {
        println!("{compared}");
    }
    Ok(())
}

async fn month(
    ground: &Ground,
    asked: &Compare,
    fees: Vec<releve_lago::FeeRow>,
    rejects: &[Reject],
) -> anyhow::Result<Comparison> {
    let mut tx = ground.db.begin_app().await?;
    let issuer = issuer(&mut tx, asked.issuer.as_deref()).await?;
    let all = fees.len();
    let of_month = |fee: &releve_lago::FeeRow| fee.middle().is_some_and(|at| issuer.zone.month_of(at) == asked.period);
    let fees: Vec<_> = fees.into_iter().filter(of_month).collect();
    let known = known(&mut tx, &issuer).await?;
    let ours = ours(&mut tx, &issuer, asked.period, &asked.zone).await?;
    tx.commit().await?;
    let findings = compare(&ours, &fees, &known);
    let mut compared = Comparison {
        issuer: issuer.party.name.clone(),
        period: asked.period.to_string(),
        other_fees: all - fees.len(),
        ..Comparison::default()
    };
    let unreadable = |r: &Reject| format!("{}:{} {}: {}", r.place.file, r.place.row, r.field, r.reason);
    compared.unreadable = rejects.iter().map(unreadable).collect();
    for finding in findings {
        if finding.why.reason == releve_lago::Reason::Equal {
            compared.equal += 1;
        } else {
            *compared.reasons.entry(finding.why.reason.name()).or_default() += 1;
            compared.findings.push(FindingView::from(finding));
        }
    }
    Ok(compared)
}

/// Who is who at Lago, and what its metrics are.
async fn known(tx: &mut Tx, issuer: &Issuer) -> anyhow::Result<Known> {
    let mut known = Known::default();
    for MetricRecord { code, sku, unit, per, property, rounds, lago_id: _ } in store::metrics(tx).await? {
        known.metrics.insert(code.clone(), Metric { code, sku, unit, per, property, rounds });
    }
    let rows = store::tenants(tx, issuer.id).await?;
    let customers: BTreeMap<TenantId, String> = rows
        .iter()
        .filter(|(kind, ..)| *kind == store::Kind::Customer)
        .map(|(_, name, tenant, _)| (*tenant, name.clone()))
        .collect();
    for (kind, external_id, tenant, _) in rows {
        let Some(customer) = customers.get(&tenant) else { continue };
        if kind == store::Kind::Subscription {
            known.subscriptions.insert(external_id, customer.clone());
        }
        known.customers.insert(customer.clone());
    }
    Ok(known)
}

/// Facts of a month that are read once for all.
struct Month {
    period: Period,
    days: u32,
    late: BTreeMap<(TenantId, String), i64>,
    late_before: BTreeMap<(TenantId, String), i64>,
    missing: BTreeMap<TenantId, i64>,
    vat_rates: Vec<Decimal>,
    zones: Vec<(String, Period)>,
    skus: BTreeMap<billing_usage::SkuNumber, Sku>,
}

async fn ours(tx: &mut Tx, issuer: &Issuer, month: BillingMonth, zones: &[String]) -> anyhow::Result<Vec<Ours>> {
    let period = issuer.zone.month(month);
    let mut missing: BTreeMap<TenantId, i64> = BTreeMap::new();
    for gap in gaps::gaps(tx, period).await?.into_iter().chain(gaps::accepted(tx, period).await?) {
        for concerned in gap.concerned {
            *missing.entry(concerned.tenant).or_default() += concerned.gpu_ms;
        }
    }
    let mut in_zones = Vec::new();
    for name in std::iter::once(ZONE_ALWAYS).chain(zones.iter().map(String::as_str)) {
        let other = Zone::new(name)?.month(month);
        if other != period {
            in_zones.push((name.to_owned(), other));
        }
    }
    let rates = customers::vat_rates(tx, issuer.id).await?;
    let facts = Month {
        period,
        days: u32::try_from((period.hours() + 12) / 24)?,
        late: store::late(tx, period).await?,
        late_before: store::late(tx, issuer.zone.month(month.previous())).await?,
        missing,
        vat_rates: rates.iter().map(|rate| rate.rate.percent()).collect(),
        zones: in_zones,
        skus: billing_usage::sku_names(tx).await?,
    };
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = customers::accounts(tx, &after, PAGE_LEN).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after.clone_from(&last.party.name);
        for account in page.into_iter().filter(|account| account.issuer == issuer.id) {
            all.extend(of_account(tx, &account, &facts).await?);
        }
    }
}

async fn of_account(tx: &mut Tx, account: &Account, facts: &Month) -> anyhow::Result<Vec<Ours>> {
    let tenants = customers::tenants(tx, Some(account.id), "", PAGE_LEN).await?;
    let contract = contracts::of_account(tx, account.id).await?.context("an account is gone")?;
    let rated = spend::rated(tx, account.id, facts.period, contract.clone()).await?;
    let mut rows = rows(account, &tenants, &contract, &rated, facts);
    let ids: BTreeMap<TenantId, ()> = tenants.iter().map(|tenant| (tenant.id, ())).collect();
    for (zone, period) in &facts.zones {
        for item in billing_usage::items(tx, &ids, &Pieces::new(*period, &Default::default())).await? {
            let (Some(sku), Some(sums)) = (facts.skus.get(&item.sku), item.sums) else { continue };
            if let Some(row) = rows.get_mut(&(Some(item.tenant), sku.clone())) {
                *row.facts.in_zone.entry(zone.clone()).or_default() += sums.quantity;
            }
        }
    }
    Ok(rows.into_values().collect())
}

type Rows = BTreeMap<(Option<TenantId>, Sku), Ours>;

fn rows(account: &Account, tenants: &[Tenant], contract: &Contract, rated: &Rated, facts: &Month) -> Rows {
    // What the account owes as a whole is its only tenant's, or goes by the account's name.
    let whole = if let [tenant] = tenants { &tenant.name } else { &account.party.name };
    let name = |tenant: Option<TenantId>| {
        let known = tenant.and_then(|id| tenants.iter().find(|t| t.id == id));
        known.map_or_else(|| whole.clone(), |tenant| tenant.name.clone())
    };
    let empty = |tenant: Option<TenantId>, sku: &Sku, unit: Unit| Ours {
        customer: name(tenant),
        sku: sku.clone(),
        unit,
        billed: 0,
        unpriced: 0,
        currency: rated.currency,
        gross: Decimal::ZERO,
        net: Decimal::ZERO,
        model: None,
        discount: None,
        monthly: None,
        facts: of_pair(tenant, sku, facts),
    };
    let mut rows: Rows = BTreeMap::new();
    for charge in &rated.charges {
        let row = rows.entry((charge.tenant, charge.sku.clone()));
        let row = row.or_insert_with(|| empty(charge.tenant, &charge.sku, charge.unit));
        row.billed += charge.billed;
        row.net += charge.amount.amount();
        row.gross += charge.gross().map_or(charge.amount.amount(), |gross| gross.amount());
        if let ChargeKind::Recurring(_) = charge.kind {
            row.billed = 1;
            row.monthly = Some(row.monthly.unwrap_or_default() + charge.unit_price);
        }
    }
    for unpriced in &rated.unpriced {
        let row = rows.entry((Some(unpriced.tenant), unpriced.sku.clone()));
        let unit = if let Sku::Gpu { .. } = unpriced.sku { Unit::GpuMs } else { Unit::Count };
        row.or_insert_with(|| empty(Some(unpriced.tenant), &unpriced.sku, unit)).unpriced += unpriced.metered;
    }
    for ((tenant, sku), row) in &mut rows {
        let of_row: Vec<&Charge> = rated.charges.iter().filter(|c| (c.tenant, &c.sku) == (*tenant, sku)).collect();
        row.model = held_all_month(&of_row, contract, sku, facts.period).map(|price| price.model().clone());
        row.discount = of_row.first().and_then(|c| c.discount).map(|off| off.percent.value());
        if of_row.iter().any(|c| c.discount.map(|off| off.percent.value()) != row.discount) {
            (row.model, row.discount) = (None, None);
        }
    }
    rows
}

/// The one price that all of a SKU's usage was charged at, if nothing was reserved of it and it did not change.
fn held_all_month<'a>(charges: &[&Charge], contract: &'a Contract, sku: &Sku, period: Period) -> Option<&'a Price> {
    let first = charges.first()?;
    let ChargeKind::Usage(id) = first.kind else { return None };
    let one = charges.iter().all(|charge| charge.kind == ChargeKind::Usage(id));
    contract.price_at(sku, first.stretch.first_hour().max(period.first_hour())).filter(|_| one)
}

fn of_pair(tenant: Option<TenantId>, sku: &Sku, facts: &Month) -> Facts {
    let of = |sums: &BTreeMap<(TenantId, String), i64>| {
        tenant.and_then(|tenant| sums.get(&(tenant, sku.to_string()))).copied().unwrap_or_default()
    };
    let missing = tenant.filter(|_| matches!(sku, Sku::Gpu { .. })).and_then(|tenant| facts.missing.get(&tenant));
    Facts {
        late: of(&facts.late),
        late_before: of(&facts.late_before),
        missing: missing.copied().unwrap_or_default(),
        vat_rates: facts.vat_rates.clone(),
        days: facts.days,
        ..Facts::default()
    }
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let side = |side: &Side| SideView {
            quantity: side.quantity.to_string(),
            amount: side.amount.to_string(),
            currency: side.currency.code(),
        };
        let difference = finding.difference();
        Self {
            ours: finding.ours.as_ref().map(side),
            lago: finding.lago.as_ref().map(side),
            quantity_difference: difference.map(|d| d.0.to_string()),
            amount_difference: difference.map(|d| d.1.to_string()),
            reason: finding.why.reason.name(),
            words: finding.why.words,
            customer: finding.customer,
            sku: finding.sku,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, period, equal, findings, .. } = self;
        write!(f, "{period} of '{issuer}': {equal} pairs are equal, {} differ", findings.len())?;
        for (reason, pairs) in &self.reasons {
            write!(f, "\n{pairs:>6} {reason}")?;
        }
        let side = |side: &Option<SideView>| {
            side.as_ref().map_or("nothing".to_owned(), |s| format!("{} for {} {}", s.quantity, s.amount, s.currency))
        };
        for row in findings {
            let apart = row.amount_difference.as_deref().unwrap_or("?");
            write!(
                f,
                "\n{} {}: {} here, {} at Lago: {apart}",
                row.customer,
                row.sku,
                side(&row.ours),
                side(&row.lago)
            )?;
            write!(f, "\n       {}{}{}", row.reason, if row.words.is_empty() { "" } else { ": " }, row.words)?;
        }
        if self.other_fees > 0 {
            write!(f, "\n{} fees are of other months, or of no time", self.other_fees)?;
        }
        self.unreadable.iter().try_for_each(|row| write!(f, "\nunreadable: {row}"))
    }
}
