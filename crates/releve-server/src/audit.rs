//! Is everything that was reported billed, waiting or in suspense, and nothing else? Says so, or where not.

use anyhow::{Context, ensure};
use releve_jobs::audit::{Difference, audit, rebuild};
use releve_store::{Tx, audit_log::Chain, periods};
use releve_types::Period;
use serde::Serialize;

use crate::{
    cli,
    ground::{Ground, Use},
    serve::archive,
    settings::Settings,
};

/// The result, as `--json` prints it.
#[derive(Serialize, Debug)]
struct Outcome {
    ok: bool,
    periods: Vec<String>,
    reports: u64,
    invoices: u64,
    differences: Vec<Row>,
    differences_in_all: usize,
    /// Per period, tenant and SKU, in base units; not of a rebuild.
    sums: Vec<SumRow>,
    /// Not of a rebuild.
    audit_log: Option<LogRow>,
}

/// How far the audit log is sealed. Its head, noted elsewhere, proves later that nothing up to it was touched.
#[derive(Serialize, Debug)]
struct LogRow {
    sealed: i64,
    unsealed: i64,
    head: Option<String>,
}

impl From<Chain> for LogRow {
    fn from(chain: Chain) -> Self {
        Self { sealed: chain.sealed, unsealed: chain.unsealed, head: chain.head }
    }
}

/// What a tenant used of a SKU, as each side of the equation says it.
#[derive(Serialize, Debug)]
struct SumRow {
    period: String,
    tenant: String,
    sku: String,
    /// From the reports and adjustments; none for other meters.
    reports: Option<i64>,
    allocation_hours: Option<i64>,
    usage: i64,
    billed: i64,
    unbilled: i64,
    suspense: i64,
}

/// One figure that is two: what it should be, and what it is.
#[derive(Serialize, Debug)]
struct Row {
    check: &'static str,
    tenant: Option<String>,
    sku: Option<String>,
    at: String,
    expected: i64,
    found: i64,
}

impl From<Difference> for Row {
    fn from(d: Difference) -> Self {
        let tenant = d.tenant.map(|t| t.to_string());
        Self { check: d.check.name(), tenant, sku: d.sku, at: d.at, expected: d.expected, found: d.found }
    }
}

/// Audits; fails where a difference was found.
pub async fn run(settings: &Settings, asked: &cli::Audit) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let outcome = outcome(settings, asked, &ground).await;
    ground.close().await?;
    let outcome = outcome?;
    if settings.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print(&outcome);
    }
    ensure!(outcome.ok, "the audit found {} differences", outcome.differences_in_all);
    Ok(())
}

async fn outcome(settings: &Settings, asked: &cli::Audit, ground: &Ground) -> anyhow::Result<Outcome> {
    let mut tx = ground.db.begin_app().await?;
    let periods = asked_periods(&mut tx, asked).await?;
    tx.rollback().await?;
    let storage = archive(settings, settings.data.as_deref())?;
    let mut outcome = Outcome {
        ok: true,
        periods: Vec::new(),
        reports: 0,
        invoices: 0,
        differences: Vec::new(),
        differences_in_all: 0,
        sums: Vec::new(),
        audit_log: None,
    };
    for period in periods {
        outcome.periods.push(period.to_string());
        let (differences, in_all) = if asked.rebuild {
            let found = rebuild(&ground.db, period, storage.as_ref()).await?;
            let in_all = found.len();
            (found, in_all)
        } else {
            let found = audit(&ground.db, period, storage.as_ref()).await?;
            outcome.reports += found.reports;
            outcome.invoices += found.invoices;
            outcome.sums.extend(found.sums.into_iter().map(|s| SumRow {
                period: period.to_string(),
                tenant: s.tenant.to_string(),
                sku: s.sku,
                reports: s.reports,
                allocation_hours: s.allocation_hours,
                usage: s.usage,
                billed: s.billed,
                unbilled: s.unbilled,
                suspense: s.suspense,
            }));
            outcome.audit_log = Some(LogRow::from(found.log));
            (found.differences, found.differences_in_all)
        };
        outcome.ok &= in_all == 0;
        outcome.differences_in_all += in_all;
        outcome.differences.extend(differences.into_iter().map(Row::from));
    }
    Ok(outcome)
}

/// The month that was named, in the one zone that months begin in; or every period that accounts have.
async fn asked_periods(tx: &mut Tx, asked: &cli::Audit) -> anyhow::Result<Vec<Period>> {
    let known = periods::all(tx).await?;
    let Some(month) = asked.period else { return Ok(known) };
    let issuers = releve_store::customers::issuers(tx).await?;
    let zone = &issuers.first().context("there is no issuer, so no month to audit")?.zone;
    ensure!(issuers.iter().all(|i| i.zone == *zone), "issuers differ in their zone: audit without --period");
    Ok(vec![zone.month(month)])
}

fn print(outcome: &Outcome) {
    for row in &outcome.differences {
        let (tenant, sku) = (row.tenant.as_deref().unwrap_or("-"), row.sku.as_deref().unwrap_or("-"));
        println!("{}: {tenant} {sku} {}: {} should be {}", row.check, row.at, row.found, row.expected);
    }
    let total = |of: fn(&SumRow) -> i64| outcome.sums.iter().map(|s| i128::from(of(s))).sum::<i128>();
    if !outcome.sums.is_empty() {
        println!(
            "used {} = billed {} + unbilled {} + in suspense {} (base units; --json lists them by tenant and SKU)",
            total(|s| s.usage),
            total(|s| s.billed),
            total(|s| s.unbilled),
            total(|s| s.suspense)
        );
    }
    if let Some(LogRow { sealed, unsealed, head: Some(head) }) = &outcome.audit_log {
        println!("audit log: {sealed} entries sealed, {unsealed} not yet; the last seal is {head}");
    }
    let verdict = if outcome.ok { "everything agrees" } else { "differences were found" };
    println!(
        "{verdict}: {} reports and {} invoices in {}",
        outcome.reports,
        outcome.invoices,
        outcome.periods.join(", ")
    );
}
