//! How does an operator bill by hand? Run a month, or show an invoice by its number.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use releve_jobs::Order;
use releve_store::{
    Tx,
    customers::{self, Issuer},
    documents,
    invoices::{self, InvoiceFilter, InvoiceHead, InvoiceState},
};
use releve_types::{AccountId, Period, ids::IssuerId, time::wall_clock};
use serde::Serialize;

use crate::{
    bill,
    cli::Invoice,
    ground::{Ground, Use},
    serve::archive,
    settings::Settings,
};

/// Who is at the command line, in the audit log.
const ACTOR: &str = "releve invoice";

/// How a run stands, as `--json` prints it.
#[derive(Serialize, Debug)]
struct RunOutcome {
    issuer: String,
    period: String,
    issued: usize,
    held_back: Vec<String>,
    invoices: Vec<Row>,
    /// Usage of the period that is on no invoice: of who is held back, come too late, or in suspense.
    unbilled: Vec<Unbilled>,
}

#[derive(Serialize, Debug)]
struct Unbilled {
    /// None for suspense.
    account: Option<String>,
    tenant: String,
    sku: String,
    quantity: i128,
}

#[derive(Serialize, Debug)]
struct Row {
    number: String,
    account: String,
    total: String,
    currency: String,
}

pub async fn run(settings: &Settings, asked: &Invoice) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let text = match asked {
        Invoice::Run { period, issuer } => bill_month(settings, &ground, *period, issuer.as_deref()).await,
        Invoice::Correct { period, issuer } => correct(settings, &ground, *period, issuer.as_deref()).await,
        Invoice::Void { number, reason, only } => void(settings, &ground, number, reason, *only).await,
        Invoice::Show { number } => show(&ground, number).await,
        Invoice::Pack { number, out } => pack(settings, &ground, number, out.as_deref()).await,
    };
    ground.close().await?;
    println!("{}", text?);
    Ok(())
}

/// Writes a pack; says where, as `--json` an object.
async fn pack(settings: &Settings, ground: &Ground, number: &str, out: Option<&Path>) -> anyhow::Result<String> {
    let head = find(ground, number).await?;
    if head.credit.is_some() {
        bail!("{number} rests on a payment and on nothing that was used: there is nothing to recompute");
    }
    let bytes = releve_jobs::pack::pack(&ground.db, head.id).await?;
    let bytes = bytes.with_context(|| format!("{number} was issued before what invoices rest on was kept"))?;
    let path = out.map_or_else(|| PathBuf::from(format!("{number}.pack.tar")), Path::to_owned);
    std::fs::write(&path, &bytes).with_context(|| format!("{}", path.display()))?;
    if settings.json {
        return Ok(serde_json::json!({ "pack": path.display().to_string(), "bytes": bytes.len() }).to_string());
    }
    Ok(format!("{}: {} bytes; verify it with `releve verify`", path.display(), bytes.len()))
}

async fn bill_month(
    settings: &Settings,
    ground: &Ground,
    month: releve_types::BillingMonth,
    name: Option<&str>,
) -> anyhow::Result<String> {
    let mut tx = ground.db.begin_app().await?;
    let issuer = issuer(&mut tx, name).await?;
    tx.commit().await?;
    let period = issuer.zone.month(month);
    let billed = bill::bill(settings, &ground.db, issuer.id, period, wall_clock()).await?;
    let mut tx = ground.db.begin_app().await?;
    let unbilled = unbilled(&mut tx, issuer.id, period).await?;
    tx.commit().await?;
    let row = |i: &releve_billing::Issued| Row {
        number: i.stamp().number.to_string(),
        account: i.content().account.to_string(),
        total: i.content().total.amount().to_string(),
        currency: i.content().currency.code().to_owned(),
    };
    let outcome = RunOutcome {
        issuer: issuer.party.name,
        period: month.to_string(),
        issued: billed.issued.len(),
        held_back: billed.held_back(),
        invoices: billed.issued.iter().map(row).collect(),
        unbilled,
    };
    if settings.json {
        return Ok(serde_json::to_string(&outcome)?);
    }
    let mut text = format!("{}, {}: {} invoices", outcome.issuer, outcome.period, outcome.issued);
    for Row { number, account, total, currency } in &outcome.invoices {
        text += &format!("\n{number:<20} {account} {total:>14} {currency}");
    }
    for reason in &outcome.held_back {
        text += &format!("\nheld back: {reason}");
    }
    for Unbilled { account, tenant, sku, quantity } in &outcome.unbilled {
        let whose = account.as_deref().unwrap_or("in suspense");
        text += &format!("\nunbilled: {whose} {tenant} {sku}: {quantity}");
    }
    Ok(text)
}

/// What a correction came to, as `--json` prints it.
#[derive(Serialize, Debug)]
struct Corrections {
    issuer: String,
    /// Documents that this call issued.
    issued: usize,
    /// Why others wait, and what settles it.
    held_back: Vec<String>,
}

async fn correct(
    settings: &Settings,
    ground: &Ground,
    month: Option<releve_types::BillingMonth>,
    name: Option<&str>,
) -> anyhow::Result<String> {
    let mut tx = ground.db.begin_app().await?;
    let issuer = issuer(&mut tx, name).await?;
    tx.commit().await?;
    let (now, archive) = (wall_clock(), archive(settings, settings.data.as_deref())?);
    let period = issuer.zone.month(month.unwrap_or_else(|| issuer.zone.month_of(now).previous()));
    let order = Order { archive: archive.as_ref(), ..Order::new(issuer.id, period) };
    let issued = match month {
        Some(_) => releve_jobs::correct(&ground.db, order, now).await?,
        None => releve_jobs::correct_all(&ground.db, order, now, now).await?,
    };
    releve_jobs::documents::run(&ground.db, now).await?;
    let held_back = held_back(ground, issuer.id, month.map(|_| period), None).await?;
    let outcome = Corrections { issuer: issuer.party.name, issued, held_back };
    if settings.json {
        return Ok(serde_json::to_string(&outcome)?);
    }
    let mut text = format!("{}: {issued} corrections issued", outcome.issuer);
    for reason in &outcome.held_back {
        text += &format!("\nheld back: {reason}");
    }
    Ok(text)
}

/// What holds corrections and credit notes back: parked documents beside a first one.
async fn held_back(
    ground: &Ground,
    issuer: IssuerId,
    period: Option<Period>,
    account: Option<AccountId>,
) -> anyhow::Result<Vec<String>> {
    let mut tx = ground.db.begin_app().await?;
    let (state, period_start) = (Some(InvoiceState::Parked), period.map(Period::start));
    let filter = InvoiceFilter { account, issuer: Some(issuer), state, period_start };
    let (mut after, mut reasons) = (None, Vec::new());
    loop {
        let page = invoices::page(&mut tx, filter, after, 500).await?;
        after = page.last().map(|head| head.id);
        reasons.extend(page.iter().filter(|head| head.book > 1).flat_map(bill::reasons));
        if after.is_none() {
            break;
        }
    }
    tx.commit().await?;
    Ok(reasons)
}

/// What voiding came to, as `--json` prints it: the period's documents, the last first.
#[derive(Serialize, Debug)]
struct Voided {
    account: String,
    documents: Vec<String>,
}

async fn void(settings: &Settings, ground: &Ground, number: &str, reason: &str, only: bool) -> anyhow::Result<String> {
    anyhow::ensure!(!reason.trim().is_empty(), "--reason: say why");
    let head = find(ground, number).await?;
    if let Some(credit) = head.credit {
        bail!(
            "{number}: it is of money that was paid in advance, and of no month: withdraw the credit {credit} instead"
        );
    }
    let (now, archive) = (wall_clock(), archive(settings, settings.data.as_deref())?);
    let order = Order { archive: archive.as_ref(), ..Order::new(head.issuer, head.period) };
    let voided = releve_jobs::void(&ground.db, order, head.account, reason.to_owned(), ACTOR.to_owned(), now).await?;
    if !voided {
        let held = held_back(ground, head.issuer, Some(head.period), Some(head.account)).await?;
        anyhow::ensure!(held.is_empty(), "{number}: its credit note is held back:\n{}", held.join("\n"));
        bail!("{number}: what its account and month were billed was taken back before");
    }
    if !only {
        releve_jobs::correct_accounts(&ground.db, order, vec![head.account], now).await?;
    }
    releve_jobs::documents::run(&ground.db, now).await?;
    let mut documents = bill::read(&ground.db, head.issuer, head.period).await?.issued;
    documents.retain(|issued| issued.content().account == head.account);
    documents.sort_by_key(|issued| std::cmp::Reverse(issued.content().book));
    let shown = |i: &releve_billing::Issued| {
        format!("{} {} {}", i.stamp().number, i.content().kind().name(), i.taxes().payable)
    };
    let outcome = Voided { account: head.account.to_string(), documents: documents.iter().map(shown).collect() };
    if settings.json { Ok(serde_json::to_string(&outcome)?) } else { Ok(outcome.documents.join("\n")) }
}

/// What this issuer's accounts used in the period that no invoice holds, and what waits in suspense.
async fn unbilled(tx: &mut Tx, issuer: IssuerId, period: Period) -> anyhow::Result<Vec<Unbilled>> {
    let mut found = releve_store::unbilled::unbilled(tx, period).await?;
    found.retain(|row| row.issuer.is_none_or(|whose| whose == issuer));
    let row = |row: releve_store::unbilled::Unbilled| Unbilled {
        account: row.account.map(|a| a.to_string()),
        tenant: row.tenant.to_string(),
        sku: row.sku.to_string(),
        quantity: row.quantity,
    };
    Ok(found.into_iter().map(row).collect())
}

pub async fn issuer(tx: &mut Tx, name: Option<&str>) -> anyhow::Result<Issuer> {
    let mut all = customers::issuers(tx).await?;
    match name {
        Some(name) => {
            let found = all.into_iter().find(|i| i.party.name == name);
            found.with_context(|| format!("there is no issuer '{name}'"))
        }
        None if all.len() == 1 => Ok(all.remove(0)),
        None => {
            let names: Vec<String> = all.into_iter().map(|i| format!("'{}'", i.party.name)).collect();
            bail!("say which issuer, with --issuer: {}", names.join(", "))
        }
    }
}

/// The kept document of an invoice: the very bytes that its customer got.
async fn show(ground: &Ground, number: &str) -> anyhow::Result<String> {
    let head = find(ground, number).await?;
    let mut tx = ground.db.begin_app().await?;
    let kept = documents::find(&mut tx, head.account, head.id, releve_jobs::documents::JSON).await?;
    let kept = kept.with_context(|| format!("{number} has no document yet"))?;
    tx.commit().await?;
    Ok(String::from_utf8(kept.body)?)
}

async fn find(ground: &Ground, number: &str) -> anyhow::Result<InvoiceHead> {
    let mut tx = ground.db.begin_app().await?;
    let mut found = invoices::numbered(&mut tx, number).await?;
    tx.commit().await?;
    anyhow::ensure!(found.len() < 2, "several sellers issued a {number}: ask the API for it by its id");
    found.pop().with_context(|| format!("there is no invoice {number}"))
}
