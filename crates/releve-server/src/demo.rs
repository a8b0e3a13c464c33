//! What does Relevé look like after a month? A made-up cluster plays one, is billed, and then goes on live.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use releve_aggregator::{Aggregator, ReadingFate};
use releve_billing::Issued;
use releve_jobs::Order;
use releve_sim::fleet;
use releve_store::{
    catalog, held_back,
    rules::{self, KeyRule},
};
use releve_types::{
    BillingMonth, Currency, Period, Timestamp, Unit, Zone,
    ids::KeyRuleId,
    time::{MILLIS_PER_DAY, MILLIS_PER_HOUR, MILLIS_PER_MINUTE, MILLIS_PER_SECOND, wall_clock},
};
use serde::Serialize;

use crate::{
    bill::{self, Billed, InvoiceRow},
    cast::{Stage, install},
    cli,
    clock::SetClock,
    demo_cast::{ACTOR, cast},
    demo_terms::HANDED_OVER,
    export,
    ground::{Ground, Use},
    live,
    play::play,
    progress::Progress,
    road::{Road, Tally},
    settings::Settings,
};

/// The windows that the month is reported in.
const WINDOW_MS: i64 = 15 * MILLIS_PER_MINUTE;
/// Readings counted together.
const READINGS_LEN: usize = 500;

/// The result, as `--json` prints it.
#[derive(Serialize, Debug)]
pub struct Outcome {
    pub month: String,
    pub tenants: Vec<TenantRow>,
    /// First invoices, and what corrects them.
    pub invoices: Vec<InvoiceRow>,
    /// What was invoiced as it was paid in advance.
    pub deposits: Vec<InvoiceRow>,
    /// Whose invoice waits for a person, and for what.
    pub parked: Vec<String>,
    pub reports: u64,
    pub duplicates: u64,
    pub readings: u64,
    /// Held under a key that nobody mapped: counted, visible, on no invoice.
    pub suspense_gpu_ms: i64,
}

#[derive(Serialize, Debug)]
pub struct TenantRow {
    pub tenant: String,
    pub gpu_ms: i64,
    pub amount: String,
    pub currency: String,
}

/// Plays the month; then shows the table and, unless told to exit, stays up until it is stopped.
pub async fn run(settings: &Settings, asked: &cli::Demo) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let done = tell(settings, asked, &ground).await;
    ground.close().await?;
    done
}

async fn tell(settings: &Settings, asked: &cli::Demo, ground: &Ground) -> anyhow::Result<()> {
    let now = wall_clock();
    let month = asked.month.unwrap_or_else(|| Zone::utc().month_of(now).previous());
    let (outcome, stage) = month_of(settings, asked, ground, month, now).await?;
    if settings.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print(&outcome);
    }
    if asked.exit {
        return Ok(());
    }
    live::stay(settings, ground, &stage, asked.seed).await
}

async fn month_of(
    settings: &Settings,
    asked: &cli::Demo,
    ground: &Ground,
    month: BillingMonth,
    now: Timestamp,
) -> anyhow::Result<(Outcome, Stage)> {
    let period = Zone::utc().month(month);
    anyhow::ensure!(period.end() <= now, "{month} is not over yet");
    let plan = Arc::new(fleet::fleet(period, asked.seed)?);
    let clock = SetClock::new(period.start());
    let stage = install(&ground.db, &cast(period)?, &plan, plan.range, clock.now()).await?;
    let aggregator = Arc::new(Aggregator::new(ground.db.clone(), settings.aggregator()));
    let road = Road::open(settings, aggregator.clone(), clock.clone())?;
    let tally = play(ground, road, plan.clone(), WINDOW_MS, plan.range).await?;
    let readings = send_readings(&aggregator, period, &clock).await?;
    clock.forward(now);
    let billed = bill::bill(settings, &ground.db, stage.issuer.id, period, clock.now()).await?;
    anyhow::ensure!(billed.parked.len() == 1, "invoices are held back:\n{}", billed.held_back().join("\n"));
    // After it: what is told then changes no document that was issued before.
    clock.forward(clock.now().plus_millis(MILLIS_PER_SECOND));
    let billed = hand_over(ground, &aggregator, &stage, period, clock.now()).await?;
    let deposits = bill::of_advances(&ground.db, stage.issuer.id).await?;
    if let Some(dir) = &asked.out {
        write_documents(ground, (&billed, &deposits), dir).await?;
        export::all(&ground.db, stage.issuer.id, month, &dir.join("finance")).await?;
    }
    ground.keep_house().await?;
    let suspense = suspense_gpu_ms(ground, period).await?;
    Ok((outcome(month, &stage, (&billed, &deposits), &tally, readings, suspense)?, stage))
}

/// What is told after the month was billed changes it: a namespace had another tenant in its last days. One is given back
/// what the other owes.
async fn hand_over(
    ground: &Ground,
    aggregator: &Aggregator,
    stage: &Stage,
    period: Period,
    now: Timestamp,
) -> anyhow::Result<Billed> {
    let (from, to, days) = HANDED_OVER;
    let member =
        |name| stage.members.iter().find(|m| m.name == name).with_context(|| format!("{name} is not on stage"));
    let (key, tenant) = (&member(from)?.key, member(to)?.tenant);
    let at = period.end().plus_millis(-days * MILLIS_PER_DAY).hour();
    let mut tx = ground.db.begin_app().await?;
    if rules::rule_at(&mut tx, key, at.start()).await?.is_none_or(|rule| rule.tenant != Some(tenant)) {
        let version = catalog::bump(&mut tx).await?;
        for (from, tenant) in [(at, tenant), (period.end_hour(), member(from)?.tenant)] {
            let (id, created_by) = (KeyRuleId::fresh(now), ACTOR.to_owned());
            let rule = KeyRule { id, key: key.clone(), from, tenant: Some(tenant), created_at: now, created_by };
            rules::append(&mut tx, &rule, version).await?;
        }
    }
    tx.commit().await?;
    aggregator.reattribute(key, ACTOR, false, now).await?;
    releve_jobs::correct(&ground.db, Order::new(stage.issuer.id, period), now).await?;
    releve_jobs::documents::run(&ground.db, now).await?;
    bill::read(&ground.db, stage.issuer.id, period).await
}

async fn send_readings(aggregator: &Aggregator, period: Period, clock: &SetClock) -> anyhow::Result<u64> {
    let all: Vec<_> = fleet::readings(period).collect();
    let mut progress = Progress::new("readings", all.len());
    for batch in all.chunks(READINGS_LEN) {
        batch.iter().for_each(|reading| clock.forward(reading.to));
        for fate in aggregator.take_readings(batch.to_vec(), clock.now()).await? {
            let taken = matches!(fate, ReadingFate::Counted | ReadingFate::Duplicate);
            anyhow::ensure!(taken, "a made-up reading was not taken: {fate:?}");
        }
        progress.add(batch.len());
    }
    progress.finish();
    Ok(u64::try_from(all.len())?)
}

async fn suspense_gpu_ms(ground: &Ground, period: Period) -> anyhow::Result<i64> {
    let mut tx = ground.db.begin_app().await?;
    let rows = held_back::suspense(&mut tx, period).await?;
    tx.commit().await?;
    Ok(rows.iter().filter(|row| row.unit == Unit::GpuMs).map(|row| row.quantity).sum())
}

fn outcome(
    month: BillingMonth,
    stage: &Stage,
    (billed, deposits): (&Billed, &[Issued]),
    tally: &Tally,
    readings: u64,
    suspense_gpu_ms: i64,
) -> anyhow::Result<Outcome> {
    let (gpu_ms, amounts) = (billed.gpu_ms(), billed.amounts()?);
    let row = |member: &crate::cast::Member| TenantRow {
        tenant: member.name.clone(),
        gpu_ms: gpu_ms.get(&member.tenant).copied().unwrap_or(0),
        amount: amounts.get(&member.tenant).map_or_else(|| "0.00".to_owned(), |m| m.amount().to_string()),
        currency: Currency::Eur.code().to_owned(),
    };
    Ok(Outcome {
        month: month.to_string(),
        tenants: stage.members.iter().map(row).collect(),
        invoices: bill::rows(&billed.issued, stage),
        deposits: bill::rows(deposits, stage),
        parked: billed.held_back(),
        reports: tally.sent,
        duplicates: tally.of("duplicate"),
        readings,
        suspense_gpu_ms,
    })
}

/// The invoices' kept bytes, as <number>.json, .html, .pdf, and where it can be an electronic one .ubl.xml and .cii.xml; and, but of
/// what rests on a payment alone, their evidence packs as .pack.tar.
async fn write_documents(ground: &Ground, (billed, deposits): (&Billed, &[Issued]), dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
    let mut tx = ground.db.begin_app().await?;
    for issued in billed.issued.iter().chain(deposits) {
        let (account, stamp) = (issued.content().account, issued.stamp());
        for file in releve_jobs::documents::files(&mut tx, (account, stamp.id)).await? {
            let path = dir.join(format!("{}.{}", stamp.number, file.extension));
            std::fs::write(&path, file.document.body).with_context(|| format!("{}", path.display()))?;
        }
    }
    tx.commit().await?;
    for issued in &billed.issued {
        let stamp = issued.stamp();
        let pack = releve_jobs::pack::pack(&ground.db, stamp.id).await?;
        let pack = pack.with_context(|| format!("{} has no pack", stamp.number))?;
        let path = dir.join(format!("{}.pack.tar", stamp.number));
        std::fs::write(&path, pack).with_context(|| format!("{}", path.display()))?;
    }
    Ok(())
}

/// GPU-hours with two decimals, cut off: for the eye, not for the invoice.
pub fn hours(ms: i64) -> String {
    let hundredths = ms / (MILLIS_PER_HOUR / 100);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn print(outcome: &Outcome) {
    println!("\n{} of a made-up cluster, {} reports, {} readings", outcome.month, outcome.reports, outcome.readings);
    println!("\n{:<16} {:>12} {:>14} {:>14}  {:<12}", "tenant", "GPU-hours", "its usage", "to pay", "invoice");
    for row in &outcome.tenants {
        let (tenant, hours, currency) = (&row.tenant, hours(row.gpu_ms), &row.currency);
        // Of a correction, the account is named first.
        let mut of_it = outcome.invoices.iter().filter(|i| i.account == *tenant);
        let (payable, number) = of_it.next().map_or(("0.00", "none"), |i| (i.payable.as_str(), i.number.as_str()));
        println!("{tenant:<16} {hours:>12} {:>10} {currency} {payable:>10} {currency}  {number}", row.amount);
        for more in of_it {
            let kind = more.kind.replace('_', " ");
            println!("{:<16} {:>12} {:>14} {:>10} {currency}  {} ({kind})", "", "", "", more.payable, more.number);
        }
    }
    for deposit in &outcome.deposits {
        let (account, payable, currency) = (&deposit.account, &deposit.payable, &deposit.currency);
        println!("{account:<16} {:>12} {:>14} {payable:>10} {currency}  {} (paid in advance)", "", "", deposit.number);
    }
    let suspense = hours(outcome.suspense_gpu_ms);
    println!(
        "{:<16} {suspense:>12}                                nobody mapped {} to a tenant",
        "in suspense",
        fleet::UNMAPPED_KEY
    );
    for held in &outcome.parked {
        println!("held back: {held}");
    }
}
