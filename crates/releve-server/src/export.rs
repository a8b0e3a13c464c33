//! How does finance take a month away by hand? As files in a directory, each dataset with its manifest.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use releve_documents::table::Format;
use releve_jobs::exports::{self, Dataset, ExportOrder, Listener, Manifest, Progress};
use releve_outbound::{Storage, StorageConfig};
use releve_store::{
    Db,
    customers::{self, Issuer},
};
use releve_types::{AccountId, BillingMonth, Currency, Money, ids::IssuerId, time::wall_clock};

use crate::{
    cli::{Close, Export},
    ground::{Ground, Use},
    invoice,
    settings::Settings,
};

/// Who is at the command line, on what is closed.
const ACTOR: &str = "releve close";

pub async fn run(settings: &Settings, asked: &Export) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let made = export(settings, &ground, asked).await;
    ground.close().await?;
    let manifests = made?;
    if settings.json {
        println!("{}", serde_json::to_string(&manifests)?);
        return Ok(());
    }
    for manifest in &manifests {
        println!("{}", told(manifest, &asked.out));
    }
    Ok(())
}

async fn export(settings: &Settings, ground: &Ground, asked: &Export) -> anyhow::Result<Vec<Manifest>> {
    let mut tx = ground.db.begin_app().await?;
    let issuer = invoice::issuer(&mut tx, asked.issuer.as_deref()).await?;
    let account = match &asked.account {
        Some(name) => Some(account(&mut tx, name, &issuer).await?),
        None => None,
    };
    tx.commit().await?;
    let storage = Storage::open(&StorageConfig::Directory { path: asked.out.clone() })?;
    // Of one customer, what is a customer's.
    let every = || Dataset::ALL.into_iter().filter(|dataset| account.is_none() || dataset.is_of_accounts()).collect();
    let datasets: Vec<Dataset> = if asked.dataset.is_empty() { every() } else { asked.dataset.clone() };
    if let Some(dataset) = datasets.iter().find(|dataset| account.is_some() && !dataset.is_of_accounts()) {
        bail!("--account: {dataset} is of a seller, and of no customer alone");
    }
    let mut manifests = Vec::new();
    for dataset in datasets {
        let order = ExportOrder { dataset, format: asked.format, issuer: issuer.id, account, month: asked.period };
        let tell = |progress: Progress| {
            let Progress { files_done, files_total } = progress;
            if !settings.json && files_total > 1 {
                eprintln!("{dataset}: {files_done} of {files_total} files");
            }
        };
        manifests.push(exports::export(&ground.db, &storage, "", &order, wall_clock(), Listener::Here(&tell)).await?);
    }
    Ok(manifests)
}

/// Every dataset of a seller's month, as CSV.
pub async fn all(db: &Db, issuer: IssuerId, month: BillingMonth, out: &Path) -> anyhow::Result<()> {
    let storage = Storage::open(&StorageConfig::Directory { path: out.to_owned() })?;
    for dataset in Dataset::ALL {
        let order = ExportOrder { dataset, format: Format::Csv, issuer, account: None, month };
        exports::export(db, &storage, "", &order, wall_clock(), Listener::Here(&|_| ())).await?;
    }
    Ok(())
}

/// By its id or its name.
async fn account(tx: &mut releve_store::Tx, name: &str, issuer: &Issuer) -> anyhow::Result<AccountId> {
    let found = match name.parse::<AccountId>() {
        Ok(id) => customers::account(tx, id).await?,
        Err(_) => customers::account_named(tx, name).await?,
    };
    let found = found.filter(|account| account.issuer == issuer.id);
    Ok(found.with_context(|| format!("--account: {} has no customer '{name}'", issuer.party.name))?.id)
}

fn told(manifest: &Manifest, out: &Path) -> String {
    let rows: u64 = manifest.files.iter().map(|file| file.rows).sum();
    let whose = manifest.account.as_ref().map(|account| format!("/{account}")).unwrap_or_default();
    let Manifest { dataset, format, period, version, files, .. } = manifest;
    let place = out.join(format!("{period}/{dataset}{whose}/{format}"));
    format!("{dataset}: {rows} rows in {} files, version {version}: {}", files.len(), place.display())
}

/// Closes a month for the books.
pub async fn close(settings: &Settings, asked: &Close) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let closed = close_month(&ground, asked.period, asked.issuer.as_deref()).await;
    ground.close().await?;
    let (seller, first, kept) = closed?;
    if settings.json {
        println!(
            "{}",
            serde_json::json!({ "issuer": seller, "period": asked.period.to_string(), "closed_now": first, "unbilled": kept })
        );
    } else if first {
        println!("{seller}, {}: closed. What comes late is earned in the month in which it comes.", asked.period);
        kept.iter().for_each(|amount| println!("not invoiced at its end: {amount}"));
    } else {
        println!("{seller}, {}: was closed before, and stays as it was", asked.period);
    }
    Ok(())
}

async fn close_month(
    ground: &Ground,
    month: BillingMonth,
    name: Option<&str>,
) -> anyhow::Result<(String, bool, Vec<String>)> {
    let mut tx = ground.db.begin_app().await?;
    let issuer = invoice::issuer(&mut tx, name).await?;
    let unbilled = exports::unbilled_at_end(&mut tx, &issuer, month).await?;
    let first = exports::close(&mut tx, &issuer, month, &unbilled, wall_clock(), ACTOR).await?;
    tx.commit().await?;
    let mut sums: BTreeMap<Currency, Money> = BTreeMap::new();
    for (key, amount) in &unbilled {
        let sum = sums.entry(key.currency).or_insert(Money::zero(key.currency));
        *sum = sum.checked_add(*amount)?;
    }
    Ok((issuer.party.name, first, sums.values().map(ToString::to_string).collect()))
}
