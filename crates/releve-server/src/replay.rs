//! What does a real cluster's month come to? Its trace, made into signed reports, sent all the way, and billed.
//!
//! Nodes, devices and allocations are made up, the same each time; how many GPUs each virtual cluster ran is the
//! trace's. So the invoices must say, per tenant, what the trace adds up to.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, ensure};
use releve_aggregator::Aggregator;
use releve_billing::{AgreedTerms, Model, Rounding, tax::Scheme};
use releve_sim::{Plan, Stretch, jitter, oracle, packing, trace::Trace};
use releve_store::customers::{IssuerTerms, Party};
use releve_types::{
    Currency, Language, Period, Sku, TenantId, TenantKey, Unit, Zone,
    sku::Share,
    time::{MILLIS_PER_DAY, MILLIS_PER_MINUTE},
};
use serde::Serialize;

use crate::{
    bill::{self, Billed, InvoiceRow},
    cast::{Agreed, Cast, Member, Player, Stage, install},
    cli,
    clock::SetClock,
    ground::{Ground, Use},
    play::play,
    road::{Road, Tally},
    settings::Settings,
};

/// What a GPU-hour of the replay costs. The trace has no prices.
const PRICE_PER_GPU_HOUR: &str = "1.80";
/// What a GPU-hour of it costs that is reserved, used or not.
const RESERVED_PER_GPU_HOUR: &str = "1.20";
const ACTOR: &str = "replay";

/// The result, as `--json` prints it.
#[derive(Serialize, Debug)]
pub struct Outcome {
    /// From the invoice lines. Whole minutes; exact without jitter.
    pub billed_gpu_minutes: BTreeMap<String, i64>,
    pub billed_gpu_ms: BTreeMap<String, i64>,
    /// Of that, what reservations cover; whole minutes. Of those alone that have some.
    pub reserved_gpu_minutes: BTreeMap<String, i64>,
    /// From the trace's holds, by an addition that knows no reports.
    pub expected_gpu_ms: BTreeMap<String, i64>,
    pub reports: u64,
    pub counted: u64,
    pub duplicates: u64,
    pub quarantined: u64,
    pub invoices: Vec<InvoiceRow>,
}

const TOTAL: &str = "total";

pub async fn run(settings: &Settings, asked: &cli::Replay) -> anyhow::Result<Outcome> {
    let trace = Trace::open(&asked.trace)?;
    let mut plan = packing::plan(&trace)?;
    if let Some(seed) = asked.jitter {
        plan = jitter::jitter(plan, seed);
    }
    let within = match asked.day {
        None => plan.range,
        Some(day) => {
            let wanted = Stretch::new(day, day.plus_millis(MILLIS_PER_DAY));
            ensure!(wanted.clip(trace.month) == Some(wanted), "{day} is not in the trace's month");
            wanted
        }
    };
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let outcome = replay(settings, asked, &ground, &trace, Arc::new(plan), within).await;
    ground.close().await?;
    outcome
}

async fn replay(
    settings: &Settings,
    asked: &cli::Replay,
    ground: &Ground,
    trace: &Trace,
    plan: Arc<Plan>,
    within: Stretch,
) -> anyhow::Result<Outcome> {
    let period = Zone::utc().period_of(trace.month.start);
    let clock = SetClock::new(within.start);
    let stage = install(&ground.db, &cast(trace, &asked.reserve)?, &plan, within, clock.now()).await?;
    let aggregator = Arc::new(Aggregator::new(ground.db.clone(), settings.aggregator()));
    let road = Road::open(settings, aggregator, clock.clone())?;
    let tally = play(ground, road, plan.clone(), asked.window.millis(), within).await?;
    clock.forward(period.end().plus_millis(releve_jobs::ISSUE_DELAY_MS));
    let billed = bill::bill(settings, &ground.db, stage.issuer.id, period, clock.now()).await?;
    let expected = expected(&plan, within, period)?;
    let outcome = outcome(&stage, &billed, expected, &tally)?;
    check(&outcome, &billed)?;
    Ok(outcome)
}

/// One tenant a virtual cluster, one SKU, one price, exact to the millisecond; and what is reserved for the month.
fn cast(trace: &Trace, reserve: &[cli::Reserve]) -> anyhow::Result<Cast> {
    for cli::Reserve { tenant, .. } in reserve {
        ensure!(trace.vcs.contains(tenant), "--reserve {tenant}: the trace has no such virtual cluster");
    }
    let player = |vc: &String| {
        let party = Party { name: vc.clone(), ..Party::default() };
        Ok(Player { key: packing::key_of(vc)?, party, kind: None, language: Language::English })
    };
    let sku = Sku::gpu(packing::MODEL, None, Share::WHOLE, false, packing::REGION)?;
    let price = Model::PerUnit { price: PRICE_PER_GPU_HOUR.parse()? };
    Ok(Cast {
        actor: ACTOR,
        issuer: Party { name: "Helios replay".to_owned(), ..Party::default() },
        // Who recharges its own cluster is no taxable person.
        terms: IssuerTerms { vat_scheme: Some(Scheme::NotTaxable), ..IssuerTerms::default() },
        vat_on_prepayment: false,
        vat_rates: Vec::new(),
        series: "HELIOS",
        currency: Currency::Eur,
        players: trace.vcs.iter().map(player).collect::<anyhow::Result<_>>()?,
        credits: Vec::new(),
        agreed: reserve.iter().map(|reserve| agreed(reserve, &sku, trace)).collect::<anyhow::Result<_>>()?,
        prices: vec![(sku, Unit::GpuMs, price, Rounding::Exact)],
    })
}

fn agreed(reserve: &cli::Reserve, sku: &Sku, trace: &Trace) -> anyhow::Result<Agreed> {
    let (sku, devices, matching) = (sku.clone(), reserve.devices, reserve.matching);
    let price = RESERVED_PER_GPU_HOUR.parse()?;
    Ok(Agreed {
        with: reserve.tenant.clone(),
        description: format!("{devices} GPUs"),
        from: trace.month.start,
        terms: AgreedTerms::Reservation { sku, devices, matching, price, overage: None },
    })
}

/// What the period's invoices must say of this replay: the holds' part within both, by virtual cluster.
fn expected(plan: &Plan, within: Stretch, period: Period) -> anyhow::Result<BTreeMap<String, i64>> {
    let billed = within.clip(Stretch::from(period)).context("the replay has no part in its month")?;
    let held = oracle::by_key(&oracle::held_ms(plan, billed)?);
    let name = |key: &TenantKey| key.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let mut sum: BTreeMap<String, i64> = held.iter().map(|(key, ms)| (name(key), *ms)).collect();
    sum.insert(TOTAL.to_owned(), held.values().sum());
    Ok(sum)
}

fn outcome(
    stage: &Stage,
    billed: &Billed,
    expected_gpu_ms: BTreeMap<String, i64>,
    tally: &Tally,
) -> anyhow::Result<Outcome> {
    let gpu_ms: BTreeMap<TenantId, i64> = billed.gpu_ms();
    let of = |tenant| gpu_ms.get(tenant).copied().unwrap_or(0);
    let mut billed_gpu_ms: BTreeMap<String, i64> =
        stage.members.iter().map(|m| (m.name.clone(), of(&m.tenant))).collect();
    billed_gpu_ms.insert(TOTAL.to_owned(), gpu_ms.values().sum());
    let reserved = billed.reserved_gpu_ms();
    let of_member = |m: &Member| Some((m.name.clone(), reserved.get(&m.tenant)? / MILLIS_PER_MINUTE));
    let reserved_gpu_minutes = stage.members.iter().filter_map(of_member).collect();
    let minutes = |(name, ms): (&String, &i64)| (name.clone(), ms / MILLIS_PER_MINUTE);
    Ok(Outcome {
        billed_gpu_minutes: billed_gpu_ms.iter().map(minutes).collect(),
        billed_gpu_ms,
        reserved_gpu_minutes,
        expected_gpu_ms,
        reports: tally.sent,
        counted: tally.of("counted"),
        duplicates: tally.of("duplicate") + tally.of("late_known"),
        quarantined: tally.of("quarantined"),
        invoices: bill::rows(&billed.issued, stage),
    })
}

/// Where every report was counted now or before, the invoices must say what the trace does. Where some were not,
/// since another replay had reported the same time, what is billed is that one's.
fn check(outcome: &Outcome, billed: &Billed) -> anyhow::Result<()> {
    ensure!(billed.parked.is_empty(), "invoices are held back:\n{}", billed.held_back().join("\n"));
    if outcome.quarantined > 0 {
        return Ok(());
    }
    for (name, expected) in &outcome.expected_gpu_ms {
        let found = outcome.billed_gpu_ms.get(name).copied().unwrap_or(0);
        ensure!(found == *expected, "{name}: {found} ms are billed, {expected} ms were held");
    }
    Ok(())
}

/// For people.
pub fn print(outcome: &Outcome) {
    println!("{:<12} {:>16} {:>20} {:>20}", "tenant", "billed GPU-min", "billed ms", "held ms in the trace");
    for (name, ms) in &outcome.billed_gpu_ms {
        let (minutes, held) = (outcome.billed_gpu_minutes[name], outcome.expected_gpu_ms.get(name).unwrap_or(&0));
        println!("{name:<12} {minutes:>16} {ms:>20} {held:>20}");
    }
    let Outcome { reports, counted, duplicates, quarantined, .. } = outcome;
    println!("{reports} reports: {counted} counted, {duplicates} duplicates, {quarantined} quarantined");
    for row in &outcome.invoices {
        println!("{:<16} {:<12} {:>16} {}", row.number, row.tenant, row.total, row.currency);
    }
    println!("Helios traces: Hu et al., SC'21, CC BY 4.0, by way of the HeliosArtifact repository;");
    println!("nodes, devices, allocations and prices are made up.");
}
