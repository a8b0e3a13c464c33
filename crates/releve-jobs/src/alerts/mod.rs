//! Who has to know what? Budgets are judged as soon as usage changed; nodes, quarantine, suspense and billing are looked at on a
//! timer of their own, so that a dead aggregator is told of too.
//!
//! What is decided, its alert and its event are one transaction: killed anywhere, the next look goes on from there.

mod budgets;
mod conditions;
mod silence;

use std::time::Duration;

use releve_store::{
    Db, Tx,
    alerts::{self, Alert},
    outbox::{self, NewEntry},
    runs,
};
use releve_types::{
    Timestamp,
    ids::AlertId,
    time::{MILLIS_PER_MINUTE, wall_clock},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{Job, JobError};

/// A tenant's budget reached one of its thresholds.
pub const BUDGET_REACHED: &str = "budget.reached";
/// Nodes in service say nothing.
pub const NODE_SILENT: &str = "node.silent";
/// All of them report again.
pub const NODE_REPORTING: &str = "node.reporting";
/// Messages come that are not believed.
pub const QUARANTINE_GROWING: &str = "quarantine.growing";
/// Usage comes that no rule gives to anybody.
pub const SUSPENSE_GROWING: &str = "suspense.growing";
/// Invoices of a month wait for a person.
pub const INVOICE_PARKED: &str = "invoice.parked";

/// How long a node in service may say nothing, in ms.
pub const SILENT_AFTER_MS: i64 = 10 * MILLIS_PER_MINUTE;
/// The longest rest between two looks at changed usage.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the house itself, in ms.
pub const HOUSE_EVERY_MS: i64 = 30_000;

/// Watches, again and again, until it is cancelled.
pub async fn run(db: Db, silent_after_ms: i64, cancel: CancellationToken) {
    let mut house_at = None;
    while !cancel.is_cancelled() {
        let now = wall_clock();
        if let Err(error) = budgets::round(&db, now).await {
            tracing::error!(%error, "budgets could not be looked at; tried again");
        }
        if house_at.is_none_or(|at: Timestamp| now.since(at) >= HOUSE_EVERY_MS) {
            house_at = Some(now);
            let outcome = match house(&db, silent_after_ms, now).await {
                Ok(()) => "done",
                Err(error) => {
                    tracing::error!(%error, "nodes and queues could not be looked at; tried again");
                    "failed"
                }
            };
            metrics::counter!("releve_jobs_total", "job" => Job::Watch.name(), "outcome" => outcome).increment(1);
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Looks once at everything.
pub async fn round(db: &Db, silent_after_ms: i64, now: Timestamp) -> Result<(), JobError> {
    budgets::round(db, now).await?;
    house(db, silent_after_ms, now).await
}

/// Nodes, quarantine, suspense, parked invoices. Where two programs look at once, one of them does.
async fn house(db: &Db, silent_after_ms: i64, now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    if runs::try_job_lock(&mut tx, Job::Watch.lock()).await? {
        silence::look(&mut tx, silent_after_ms, now).await?;
        conditions::look(&mut tx, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What goes on in the house.
struct Condition {
    /// For a reader.
    subject: String,
    count: i64,
    numbers: Value,
}

/// Makes an alert of the operator's, and tells of it.
async fn begin(
    tx: &mut Tx,
    kind: &'static str,
    fold: String,
    Condition { subject, count, numbers }: Condition,
    now: Timestamp,
) -> Result<AlertId, JobError> {
    let id = AlertId::fresh(now);
    let body = json!({ "alert": id.to_string(), "subject": subject, "numbers": numbers });
    let alert = Alert {
        id,
        tenant: None,
        kind: kind.to_owned(),
        subject,
        fold,
        count,
        numbers,
        first_at: now,
        last_at: now,
        resolved_at: None,
        acknowledged: None,
    };
    alerts::insert(tx, &alert).await?;
    outbox::put(tx, &[NewEntry { topic: kind, account: None, tenant: None, body }], now).await?;
    told(kind);
    Ok(id)
}

fn told(kind: &'static str) {
    metrics::counter!("releve_alerts_total", "kind" => kind).increment(1);
}
