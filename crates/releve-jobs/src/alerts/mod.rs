//! Who has to know what? Budgets, and the spend of full hours, are judged as soon as usage changed; nodes, coverage, quarantine,
//! suspense and billing are looked at on a timer of their own, so that a dead aggregator is told of too.
//!
//! What is decided, its alert and its event are one transaction: killed anywhere, the next look goes on from there.

mod accounts;
mod budgets;
mod conditions;
mod coverage;
pub(crate) mod invoices;
mod purse;
mod silence;

use std::{collections::BTreeMap, time::Duration};

pub use releve_billing::watch::Limits;
use releve_store::{
    Db, Tx,
    alerts::{self, Alert},
    outbox::{self, NewEntry},
    runs, watches,
};
use releve_types::{
    AccountId, Hour, Money, TenantId, Timestamp,
    ids::AlertId,
    time::{MILLIS_PER_MINUTE, wall_clock},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{Job, JobError, payments::OVERDUE, reconcile, rolling::Months};

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

/// Time of nodes in service is missing from what was reported.
pub const COVERAGE_LOW: &str = "coverage.low";
/// A tenant's last hours cost more than its own usual ones.
pub const SPEND_ANOMALY: &str = "spend.anomaly";
/// An account's credits do not last.
pub const CREDITS_LOW: &str = "credits.low";
/// A reservation is paid for and not used.
pub const COMMITMENT_UNDER_USED: &str = "commitment.under_used";
/// Little is left of a purchase order.
pub const PURCHASE_ORDER_LOW: &str = "purchase_order.low";
/// What alerts can be of.
pub const KINDS: [&str; 12] = [
    BUDGET_REACHED,
    SPEND_ANOMALY,
    CREDITS_LOW,
    COMMITMENT_UNDER_USED,
    PURCHASE_ORDER_LOW,
    invoices::ISSUED,
    OVERDUE,
    NODE_SILENT,
    COVERAGE_LOW,
    QUARANTINE_GROWING,
    SUSPENSE_GROWING,
    INVOICE_PARKED,
];

/// The longest rest between two looks at changed usage.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the house itself.
pub const HOUSE_EVERY: Duration = Duration::from_secs(30);
/// Between two looks at coverage, which reads every node's hours, in ms.
pub const COVERAGE_EVERY_MS: i64 = 5 * MILLIS_PER_MINUTE;
/// How long after its end an hour counts as full, in ms: its last windows come some minutes later.
pub const HOUR_SETTLES_MS: i64 = 5 * MILLIS_PER_MINUTE;

/// The hour that the full ones end at.
fn full_hours_end(now: Timestamp) -> Hour {
    now.plus_millis(-HOUR_SETTLES_MS).hour()
}

/// Watches, again and again, until it is cancelled: usage, and beside it the house.
pub async fn run(db: Db, limits: Limits, cancel: CancellationToken) {
    let (for_house, its_cancel) = (db.clone(), cancel.clone());
    let house = tokio::spawn(async move { watch_house(&for_house, &limits, &its_cancel).await });
    watch_usage(&db, &limits, &cancel).await;
    if let Err(error) = house.await {
        tracing::error!(%error, "nobody looks at the house any more");
    }
}

async fn watch_usage(db: &Db, limits: &Limits, cancel: &CancellationToken) {
    let mut months = Months::default();
    while !cancel.is_cancelled() {
        let more = budgets::round(db, limits, &mut months, wall_clock()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "budgets could not be looked at; tried again");
            false
        });
        if !more {
            rest(LOOK_EVERY, cancel).await;
        }
    }
}

async fn watch_house(db: &Db, limits: &Limits, cancel: &CancellationToken) {
    let mut coverage_at: Option<Timestamp> = None;
    while !cancel.is_cancelled() {
        let now = wall_clock();
        let with_coverage = coverage_at.is_none_or(|at| now.since(at) >= COVERAGE_EVERY_MS);
        coverage_at = if with_coverage { Some(now) } else { coverage_at };
        reconcile::ended(Job::Watch, house(db, limits, with_coverage, now).await);
        rest(HOUSE_EVERY, cancel).await;
    }
}

async fn rest(pause: Duration, cancel: &CancellationToken) {
    // Cancelled, it ends at once.
    let _ended = tokio::time::timeout(pause, cancel.cancelled()).await;
}

/// Looks once at everything.
pub async fn round(db: &Db, limits: &Limits, now: Timestamp) -> Result<(), JobError> {
    let mut months = Months::default();
    while budgets::round(db, limits, &mut months, now).await? {}
    house(db, limits, true, now).await
}

/// Nodes, coverage, quarantine, suspense, parked invoices. Where two programs look at once, one of them does.
async fn house(db: &Db, limits: &Limits, with_coverage: bool, now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    if runs::try_job_lock(&mut tx, Job::Watch.lock()).await? {
        silence::look(&mut tx, limits.silent_after_ms, now).await?;
        if with_coverage {
            coverage::look(&mut tx, limits, now).await?;
        }
        conditions::look(&mut tx, now).await?;
        watches::due(&mut tx, full_hours_end(now), ACCOUNTS_MAX).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Accounts that one look makes due, of those that nothing need be used of.
const ACCOUNTS_MAX: i64 = 1_000;

/// Whose alert it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    House,
    Account(AccountId),
    Tenant(TenantId, AccountId),
}

impl Whose {
    /// As alerts have it: a tenant's or an account's, or neither.
    const fn columns(self) -> alerts::Whose {
        match self {
            Self::House => (None, None),
            Self::Account(account) => (None, Some(account)),
            Self::Tenant(tenant, _) => (Some(tenant), None),
        }
    }

    /// Whose endpoints are told.
    const fn told(self) -> Option<AccountId> {
        match self {
            Self::House => None,
            Self::Account(account) | Self::Tenant(_, account) => Some(account),
        }
    }
}

/// What goes on.
struct Condition {
    /// For a reader.
    subject: String,
    count: i64,
    numbers: Value,
}

/// An alert of what begins.
fn new(whose: Whose, kind: &'static str, fold: String, condition: Condition, now: Timestamp) -> Alert {
    let Condition { subject, count, numbers } = condition;
    let (tenant, account) = whose.columns();
    Alert {
        id: AlertId::fresh(now),
        tenant,
        account,
        kind: kind.to_owned(),
        subject,
        fold,
        count,
        numbers,
        first_at: now,
        last_at: now,
        resolved_at: None,
        acknowledged: None,
    }
}

/// Makes an alert, and tells of it.
async fn begin(
    tx: &mut Tx,
    whose: Whose,
    kind: &'static str,
    fold: String,
    condition: Condition,
    now: Timestamp,
) -> Result<AlertId, JobError> {
    let alert = new(whose, kind, fold, condition, now);
    let mut body = json!({ "alert": alert.id.to_string(), "subject": alert.subject, "numbers": alert.numbers });
    if let Some(account) = whose.told() {
        body["account"] = account.to_string().into();
    }
    if let Some(tenant) = alert.tenant {
        body["tenant"] = tenant.to_string().into();
    }
    let (id, tenant) = (alert.id, alert.tenant);
    alerts::insert(tx, &[alert]).await?;
    outbox::put(tx, &[NewEntry { topic: kind, account: whose.told(), tenant, body }], now).await?;
    told(kind, 1);
    Ok(id)
}

/// Makes somebody's alerts of a kind say what holds now: new ones are told, those that changed are kept up, the rest are over.
async fn hold(
    tx: &mut Tx,
    whose: Whose,
    kind: &'static str,
    mut holds: BTreeMap<String, Condition>,
    now: Timestamp,
) -> Result<(), JobError> {
    for known in alerts::going_on(tx, whose.columns(), kind).await? {
        let new = match holds.remove(&known.fold) {
            Some(Condition { numbers, .. }) if numbers == known.numbers => continue,
            Some(Condition { subject, count, numbers }) => Alert { subject, count, numbers, last_at: now, ..known },
            None => Alert { resolved_at: Some(now), ..known },
        };
        alerts::update(tx, &new).await?;
    }
    for (fold, condition) in holds {
        begin(tx, whose, kind, fold, condition, now).await?;
    }
    Ok(())
}

fn money(money: Money) -> Value {
    json!({ "amount": money.amount().to_string(), "currency": money.currency().code() })
}

fn told(kind: &'static str, count: u64) {
    metrics::counter!("releve_alerts_total", "kind" => kind).increment(count);
}
