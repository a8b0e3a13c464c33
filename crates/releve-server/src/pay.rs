//! What did the bank book, and what of it waits? A file of any size from the command line, in transactions of bounded length.

use std::path::Path;

use anyhow::Context;
use releve_billing::payment::HeldFor;
use releve_documents::camt::{self, Camt, Statement};
use releve_jobs::payments::{self, Outcome};
use releve_store::payments::{self as store, Payment, PaymentFilter};
use releve_types::{Money, ids::PaymentId, time::wall_clock};
use serde::Serialize;

use crate::{
    cli::Payments,
    ground::{Ground, Use},
    invoice::issuer,
    settings::Settings,
};

/// Who is at the command line, where it is told who did something.
const ACTOR: &str = "releve payments";
/// Movements recorded in one transaction: for so many, others that record payments of this seller wait.
const IMPORT_MOVEMENTS_MAX: usize = 500;

/// A payment, as `--json` prints it.
#[derive(Serialize, Debug)]
struct Row {
    id: String,
    reference: String,
    amount: String,
    currency: String,
    paid_on: String,
    payer: String,
    remittance: String,
    /// What is set against no document.
    left: String,
    held_for: Option<&'static str>,
}

/// What a file brought, as `--json` prints it.
#[derive(Serialize, Debug, Default)]
struct Brought {
    recorded: usize,
    known: usize,
    passed_over: Vec<PassedOver>,
    held: Vec<Row>,
}

#[derive(Serialize, Debug)]
struct PassedOver {
    reference: String,
    reason: String,
}

pub async fn run(settings: &Settings, asked: &Payments) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let text = match asked {
        Payments::Import { file, issuer } => import(settings, &ground, file, issuer.as_deref()).await,
        Payments::List { held } => list(settings, &ground, *held).await,
    };
    ground.close().await?;
    println!("{}", text?);
    Ok(())
}

async fn import(settings: &Settings, ground: &Ground, file: &Path, name: Option<&str>) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let camt = camt::read(&bytes).with_context(|| file.display().to_string())?;
    let mut brought = Brought::default();
    for part in parts(camt) {
        let mut tx = ground.db.begin_app().await?;
        let issuer = issuer(&mut tx, name).await?;
        let imported = payments::import(&mut tx, &issuer, part, ACTOR, wall_clock()).await?;
        let mut recorded = Vec::new();
        for entry in imported {
            match entry.outcome {
                Outcome::Recorded(payment) => recorded.push(*payment),
                Outcome::Known(_) => brought.known += 1,
                Outcome::PassedOver(reason) => {
                    brought.passed_over.push(PassedOver { reference: entry.reference, reason })
                }
            }
        }
        brought.recorded += recorded.len();
        brought.held.extend(rows(&mut tx, recorded).await?.into_iter().filter(|row| row.held_for.is_some()));
        tx.commit().await?;
    }
    if settings.json {
        return Ok(serde_json::to_string(&brought)?);
    }
    let Brought { recorded, known, passed_over, held } = &brought;
    let mut text =
        format!("{recorded} payments recorded, {known} known before, {} entries passed over", passed_over.len());
    for PassedOver { reference, reason } in passed_over {
        text += &format!("\npassed over: {reference}: {reason}");
    }
    text += &shown(held);
    Ok(text)
}

/// A file in parts that one transaction records. Read again, what is known stays as it is, so a file that was cut short is
/// simply read again.
fn parts(camt: Camt) -> Vec<Camt> {
    let mut parts = Vec::new();
    for Statement { id, iban, mut movements, mut passed_over } in camt.statements {
        loop {
            let rest = movements.split_off(movements.len().min(IMPORT_MOVEMENTS_MAX));
            let passed_over = std::mem::take(&mut passed_over);
            let part = Statement { id: id.clone(), iban: iban.clone(), movements, passed_over };
            parts.push(Camt { statements: vec![part] });
            if rest.is_empty() {
                break;
            }
            movements = rest;
        }
    }
    parts
}

async fn list(settings: &Settings, ground: &Ground, held: bool) -> anyhow::Result<String> {
    let (mut after, mut all): (Option<PaymentId>, Vec<Row>) = (None, Vec::new());
    let mut tx = ground.db.begin_app().await?;
    loop {
        let page = store::page(&mut tx, PaymentFilter { held, ..PaymentFilter::default() }, after, 500).await?;
        after = page.last().map(|payment| payment.id);
        all.extend(rows(&mut tx, page).await?);
        if after.is_none() {
            break;
        }
    }
    tx.commit().await?;
    if settings.json {
        return Ok(serde_json::to_string(&all)?);
    }
    Ok(format!("{} payments{}{}", all.len(), if held { " wait" } else { "" }, shown(&all)))
}

async fn rows(tx: &mut releve_store::Tx, payments: Vec<Payment>) -> anyhow::Result<Vec<Row>> {
    let left = store::left(tx, &payments.iter().collect::<Vec<_>>()).await?;
    let row = |payment: Payment| {
        let left = left.get(&payment.id).copied().unwrap_or_else(|| Money::zero(payment.amount.currency()));
        let held_for = payment.waits_for(left).map(HeldFor::name);
        Row {
            id: payment.id.to_string(),
            reference: payment.reference,
            amount: payment.amount.amount().to_string(),
            currency: payment.amount.currency().code().to_owned(),
            paid_on: payment.paid_on.to_string(),
            payer: payment.payer,
            remittance: payment.remittance,
            left: left.amount().to_string(),
            held_for,
        }
    };
    Ok(payments.into_iter().map(row).collect())
}

fn shown(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let Row { id, reference, amount, currency, paid_on, payer, remittance, left, held_for } = row;
        let waits = held_for.map_or_else(String::new, |why| format!(", {left} waits: {why}"));
        format!("\n{id} {paid_on} {amount:>14} {currency} {reference} [{payer}] {remittance:?}{waits}")
    };
    rows.iter().map(line).collect()
}
