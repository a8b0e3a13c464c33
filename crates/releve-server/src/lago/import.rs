//! How does an export come in? Metrics and price books in one transaction, then each customer in one of its own.
//!
//! What was made is noted beside Lago's id in the same transaction, so an import that was cut short goes on, and one that is run
//! again finds everything there. A dry run does all of it in one transaction and takes it back.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use releve_api::resource::{price_books::PriceBookView, prices::PriceView};
use releve_billing::{Price, Rounding, check_new_price};
use releve_lago::{
    File, Metric, Plan, Seller, plan,
    plan::{NewBook, NewPrice, Step},
    read,
};
use releve_store::{
    Tx,
    audit_log::{self, Change},
    customers::Issuer,
    lago::{self as store, Kind, MetricRecord, NewId},
    prices::{self, BookRecord, PriceRecord},
};
use releve_types::{
    Hour, Timestamp,
    ids::{PriceBookId, PriceId},
    time::wall_clock,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    ACTOR, customer,
    told::{Done, Outcome},
};
use crate::{
    cli::ImportLago,
    ground::{Ground, Use},
    invoice::issuer,
    settings::Settings,
};

/// The largest file of an export, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Takes over what a directory holds.
pub async fn run(settings: &Settings, asked: &ImportLago) -> anyhow::Result<()> {
    let export = read(&files(&asked.dir)?);
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let outcome = import(&ground, asked, export).await;
    ground.close().await?;
    let outcome = outcome?;
    if settings.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        println!("{outcome}");
    }
    Ok(())
}

fn files(dir: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        let (named, kind) = (path.file_name().map(|n| n.to_string_lossy().into_owned()), path.extension());
        let Some(name) = named.filter(|_| kind.is_some_and(|e| e == "json" || e == "csv")) else { continue };
        let bytes = std::fs::metadata(&path)?.len();
        if bytes > FILE_BYTES_MAX {
            bail!("{}: {bytes} bytes, more than {FILE_BYTES_MAX}: export it in pages", path.display());
        }
        files.push(File { name, bytes: std::fs::read(&path).with_context(|| path.display().to_string())? });
    }
    if files.is_empty() {
        bail!("{} holds no .json and no .csv", dir.display());
    }
    Ok(files)
}

/// What all steps of an import share.
pub struct Importing<'a> {
    pub issuer: &'a Issuer,
    pub books: BTreeMap<String, (PriceBookId, &'a NewBook)>,
    pub first: Hour,
    pub now: Timestamp,
}

async fn import(ground: &Ground, asked: &ImportLago, export: releve_lago::Export) -> anyhow::Result<Outcome> {
    let now = wall_clock();
    let mut tx = ground.db.begin_app().await?;
    let issuer = issuer(&mut tx, asked.issuer.as_deref()).await?;
    let month = asked.first.unwrap_or_else(|| issuer.zone.month_of(now));
    let first = issuer.zone.month(month).first_hour();
    let seller = Seller {
        zone: issuer.zone.name().to_owned(),
        due_days: i64::from(issuer.due_days),
        vat_on_prepayment: issuer.vat_on_prepayment,
        first,
        shadow: asked.shadow,
    };
    let plan: Plan = plan(export, &seller);
    let mut outcome = Outcome::of(&plan, &issuer.party.name, asked.dry_run);
    store::lock(&mut tx).await?;
    metrics(&mut tx, &plan.metrics, now, &mut outcome).await?;
    let mut importing = Importing { issuer: &issuer, books: BTreeMap::new(), first, now };
    for step in &plan.books {
        if let Some(id) = book(&mut tx, &importing, step, &mut outcome).await? {
            importing.books.insert(step.make.code.clone(), (id, &step.make));
        }
    }
    for theirs in &plan.customers {
        if !asked.dry_run {
            tx = next(tx, ground).await?;
        }
        customer::take(&mut tx, &importing, theirs, &mut outcome).await?;
    }
    if asked.dry_run {
        tx.rollback().await?
    } else {
        tx.commit().await?
    }
    Ok(outcome)
}

/// Commits one transaction and begins the next.
async fn next(tx: Tx, ground: &Ground) -> anyhow::Result<Tx> {
    tx.commit().await?;
    let mut tx = ground.db.begin_app().await?;
    store::lock(&mut tx).await?;
    Ok(tx)
}

async fn metrics(
    conn: &mut PgConnection,
    steps: &[Step<Metric>],
    now: Timestamp,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let known = store::metrics(conn).await?;
    for Step { place, make } in steps {
        let Metric { code, sku, unit, per, property, rounds } = make.clone();
        let record = MetricRecord { code, lago_id: place.id.clone(), sku, unit, per, property, rounds };
        match known.iter().find(|known| known.code == record.code) {
            Some(known) if *known == record => outcome.did("metric", place, Done::Known, &record.sku),
            Some(known) => {
                let reason = format!(
                    "it was imported as {} in {}, {} to a unit, and stays so",
                    known.sku, known.unit, known.per
                );
                outcome.did("metric", place, Done::Known, &known.sku);
                outcome.leave_out(place, "mapping", reason);
            }
            None if prices::ensure_sku(conn, &record.sku, record.unit, now).await?.is_none() => {
                outcome.reject(place, "mapping.unit", format!("{} is counted in another unit here", record.sku));
            }
            None => {
                store::insert_metric(conn, &record, ACTOR, now).await?;
                let after = json!({ "code": record.code, "sku": record.sku.to_string(), "unit": record.unit.name(),
                                    "per": record.per, "property": record.property, "rounds": record.rounds });
                log(conn, "lago_metric.create", &record.code, None, after, now).await?;
                outcome.did("metric", place, Done::Made, &record.sku);
            }
        }
    }
    Ok(())
}

/// A price book with its prices. A price that changed at Lago holds from the next whole hour: time that has begun keeps its own.
async fn book(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    step: &Step<NewBook>,
    outcome: &mut Outcome,
) -> anyhow::Result<Option<PriceBookId>> {
    let (Step { place, make }, now) = (step, importing.now);
    if let Some(known) = store::ours(conn, importing.issuer.id, Kind::Plan, &place.id).await? {
        let id = PriceBookId::from_uuid(known);
        let mut done = Done::Known;
        for new in &make.prices {
            if price(conn, importing, (place, id), new, outcome).await? {
                done = Done::Updated;
            }
        }
        gone(conn, id, make, place, outcome).await?;
        outcome.did("price_book", place, done, id);
        return Ok(Some(id));
    }
    let record =
        BookRecord { id: PriceBookId::fresh(now), name: make.name.clone(), currency: make.currency, created_at: now };
    if !prices::insert_book(conn, &record).await? {
        outcome.reject(place, "code", format!("there is a price book '{}' that is not of this import", make.name));
        return Ok(None);
    }
    log(conn, "price_book.create", &record.id.to_string(), None, json!(PriceBookView::from(&record)), now).await?;
    let id = NewId {
        issuer: importing.issuer.id,
        kind: Kind::Plan,
        lago_id: &place.id,
        external_id: &make.code,
        ours: record.id.uuid(),
        account: None,
        tenant: None,
    };
    store::note(conn, &id, now).await?;
    for new in &make.prices {
        price(conn, importing, (place, record.id), new, outcome).await?;
    }
    outcome.did("price_book", place, Done::Made, record.id);
    Ok(Some(record.id))
}

/// Adds a price, if the one that holds says otherwise.
async fn price(
    conn: &mut PgConnection,
    importing: &Importing<'_>,
    (place, id): (&releve_lago::rows::Place, PriceBookId),
    new: &NewPrice,
    outcome: &mut Outcome,
) -> anyhow::Result<bool> {
    let now = importing.now;
    prices::lock_book(conn, id).await?;
    let book = prices::load_book(conn, id).await?.context("a price book that was noted is gone")?;
    let (from, holds) = match book.prices_of(&new.sku).last() {
        Some(last) => (now.hour().next(), last.model() == &new.model),
        None => (importing.first, false),
    };
    if holds {
        return Ok(false);
    }
    let Some(number) = prices::ensure_sku(conn, &new.sku, new.unit, now).await? else {
        outcome.leave_out(place, "charges", format!("{} is counted in another unit here", new.sku));
        return Ok(false);
    };
    let made =
        Price::new(PriceId::fresh(now), new.sku.clone(), new.unit, from.start(), new.model.clone(), Rounding::Exact)
            .and_then(|price| check_new_price(&book, &price, now).map(|()| price));
    let price = match made {
        Ok(price) => price,
        Err(error) => {
            outcome.leave_out(place, &format!("charges {}", new.lago_id), format!("{}: {}", error.field, error.reason));
            return Ok(false);
        }
    };
    let record = PriceRecord { book: id, price, created_at: now, created_by: ACTOR.to_owned() };
    prices::insert_price(conn, &record, number).await?;
    let view = json!(PriceView::from(&record));
    log(conn, "price.create", &record.price.id().to_string(), None, view, now).await?;
    Ok(true)
}

/// A charge that a plan no longer has: its price stays, since usage without one would park invoices.
async fn gone(
    conn: &mut PgConnection,
    id: PriceBookId,
    make: &NewBook,
    place: &releve_lago::rows::Place,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let book = prices::load_book(conn, id).await?.context("a price book that was noted is gone")?;
    for price in book.prices() {
        if !make.prices.iter().any(|new| new.sku == *price.sku()) {
            outcome.leave_out(
                place,
                "charges",
                format!("the plan no longer charges {}: its price here holds on", price.sku()),
            );
        }
    }
    Ok(())
}

/// Writes down who changed what.
pub async fn log(
    conn: &mut PgConnection,
    action: &'static str,
    subject: &str,
    before: Option<serde_json::Value>,
    after: serde_json::Value,
    now: Timestamp,
) -> anyhow::Result<()> {
    let change = Change { actor: ACTOR.to_owned(), action, subject: subject.to_owned(), before, after: Some(after) };
    Ok(audit_log::add(conn, &change, now).await?)
}
