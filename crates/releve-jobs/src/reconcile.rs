//! What is to be done now? A loop over jobs that take no input: each looks at the database, does what is missing,
//! and does nothing if nothing is.

use std::{future::Future, iter};

use releve_store::{Db, agreements, api_keys, audit_log, corrections, customers, idempotency, logins, outbox, runs};
use releve_types::{
    Period, Timestamp,
    ids::IssuerId,
    time::{MILLIS_PER_DAY, wall_clock},
};
use tokio_util::sync::CancellationToken;

use crate::{
    JobError, Order, Settings, alerts, archive, credits, documents, exports, hand_over,
    issue::{correct_accounts, correct_all, issue},
    partitions, payments, webhooks,
};

/// The jobs, each with the number of the lock that keeps two programs from doing it at once. Issuing needs none:
/// its books' locks and the invoices under them say who was billed; nor does handing over, which puts the same bytes in the same place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    Partitions,
    Issue,
    Documents,
    Archive,
    Forget,
    Correct,
    Remind,
    Expire,
    HandOver,
    Seal,
    Watch,
    Export,
}

impl Job {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            Self::Issue => "issue",
            Self::Documents => "documents",
            Self::Archive => "archive",
            Self::Forget => "forget",
            Self::Correct => "correct",
            Self::Remind => "remind",
            Self::Expire => "expire",
            Self::HandOver => "hand_over",
            Self::Seal => "seal",
            Self::Watch => "watch",
            Self::Export => "export",
        }
    }

    pub(crate) const fn lock(self) -> i32 {
        match self {
            Self::Partitions => 1,
            Self::Issue => 2,
            Self::Documents => 3,
            Self::Archive => 4,
            Self::Forget => 5,
            Self::Correct => 6,
            Self::Remind => 7,
            Self::Expire => 8,
            Self::HandOver => 9,
            Self::Seal => 10,
            Self::Watch => 11,
            Self::Export => 12,
        }
    }
}

/// Of whoever turns marks of changed usage into accounts to judge, beside the jobs' locks.
pub(crate) const COLLECT_LOCK: i32 = 13;

/// Runs all jobs, again and again, until it is cancelled. A job that fails is logged, counted and tried again in
/// the next round; the others go on.
pub async fn run(db: Db, settings: Settings, cancel: CancellationToken) {
    // Beside the rounds: nobody waits for a month to be billed.
    let watching = alerts::run(db.clone(), settings.alerts, cancel.clone());
    match settings.webhooks.clone() {
        Some(sender) => {
            let telling = webhooks::run(db.clone(), sender, cancel.clone());
            tokio::join!(rounds(&db, &settings, &cancel), watching, telling);
        }
        None => {
            tokio::join!(rounds(&db, &settings, &cancel), watching);
        }
    }
}

async fn rounds(db: &Db, settings: &Settings, cancel: &CancellationToken) {
    loop {
        round(db, settings, wall_clock(), cancel).await;
        tokio::select! {
            () = cancel.cancelled() => return,
            () = settings.nudge.nudged() => {}
            () = tokio::time::sleep(settings.round_interval) => {}
        }
    }
}

/// One round. It is cancelled between two jobs, never within a transaction.
pub async fn round(db: &Db, settings: &Settings, now: Timestamp, cancel: &CancellationToken) {
    attempt(cancel, Job::Partitions, async { partitions::run(db, settings.reports_keep_days, now).await.map(drop) })
        .await;
    if settings.issue_automatically {
        attempt(cancel, Job::Issue, issue_due(db, settings, now)).await;
        attempt(cancel, Job::Correct, correct_due(db, settings, now)).await;
    }
    attempt(cancel, Job::Documents, async { documents::run(db, now).await.map(drop) }).await;
    if let Some(to) = &settings.hand_over {
        attempt(cancel, Job::HandOver, async { hand_over::run(db, to, now).await.map(drop) }).await;
    }
    if let Some((storage, schedule)) = &settings.exports {
        attempt(cancel, Job::Export, async { exports::run(db, storage, schedule, now).await.map(drop) }).await;
    }
    attempt(cancel, Job::Remind, async { payments::remind(db, now).await.map(drop) }).await;
    attempt(cancel, Job::Expire, async { credits::expire(db, now).await.map(drop) }).await;
    attempt(cancel, Job::Forget, forget(db, now)).await;
    attempt(cancel, Job::Seal, seal(db)).await;
    if let Some(storage) = &settings.archive {
        let keep_days = settings.reports_keep_days;
        attempt(cancel, Job::Archive, async { archive::run(db, storage, keep_days, now).await.map(drop) }).await;
    }
}

/// Entries of the audit log sealed in one transaction.
const ENTRIES_SEALED_MAX: i32 = 10_000;

/// Seals what was committed to the audit log since.
async fn seal(db: &Db) -> Result<(), JobError> {
    loop {
        let mut tx = db.begin_app().await?;
        let mine = runs::try_job_lock(&mut tx, Job::Seal.lock()).await?;
        let sealed = if mine { audit_log::seal(&mut tx, ENTRIES_SEALED_MAX).await? } else { 0 };
        tx.commit().await?;
        if sealed < u64::from(ENTRIES_SEALED_MAX.unsigned_abs()) {
            return Ok(());
        }
    }
}

/// How long it is known what happened and who was told of it.
pub const EVENTS_KEPT_DAYS: i64 = 90;
/// Events that one round forgets.
const EVENTS_FORGOTTEN_MAX: i64 = 10_000;

/// How long a link or a session is known after it ended.
pub const SESSIONS_KEPT_DAYS: i64 = 30;
/// Links and sessions that one round forgets.
const SESSIONS_FORGOTTEN_MAX: i64 = 10_000;

/// Forgets answers to repeated requests that nobody may ask for again: those older than `idempotency::ANSWERS_KEPT_HOURS`;
/// events that nobody is owed any more; links and sessions that ended, and logins that nobody came back for.
async fn forget(db: &Db, now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    if runs::try_job_lock(&mut tx, Job::Forget.lock()).await? {
        idempotency::forget(&mut tx, now).await?;
        let before = now.plus_millis(-EVENTS_KEPT_DAYS * MILLIS_PER_DAY);
        outbox::forget(&mut tx, before, EVENTS_FORGOTTEN_MAX).await?;
        let before = now.plus_millis(-SESSIONS_KEPT_DAYS * MILLIS_PER_DAY);
        api_keys::forget(&mut tx, before, SESSIONS_FORGOTTEN_MAX).await?;
        logins::forget(&mut tx, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn attempt(cancel: &CancellationToken, job: Job, work: impl Future<Output = Result<(), JobError>>) {
    if cancel.is_cancelled() {
        return;
    }
    ended(job, work.await);
}

/// Notes how a job ended, and when it last ended well: what somebody else's alarm can be set on.
pub(crate) fn ended(job: Job, outcome: Result<(), JobError>) {
    let outcome = match outcome {
        Ok(()) => {
            let at = u32::try_from(wall_clock().as_millis() / 1_000).unwrap_or(u32::MAX);
            metrics::gauge!("releve_job_last_success_timestamp_seconds", "task" => job.name()).set(at);
            "done"
        }
        Err(error) => {
            tracing::error!(job = job.name(), %error, "job failed; the next round tries again");
            "failed"
        }
    };
    metrics::counter!("releve_jobs_total", "task" => job.name(), "outcome" => outcome).increment(1);
}

/// Bills every period that is over by the delay and has somebody unbilled. One that fails keeps none of the others
/// waiting; it is reported at the end.
async fn issue_due(db: &Db, settings: &Settings, now: Timestamp) -> Result<(), JobError> {
    let ended_by = now.plus_millis(-settings.issue_delay_ms);
    let mut tx = db.begin_app().await?;
    let mut due = runs::unbilled_periods(&mut tx, ended_by).await?;
    // Who owes something whatever is used may have used nothing.
    for (issuer, from) in agreements::owed_from(&mut tx).await? {
        let Some(issuer) = customers::issuer(&mut tx, issuer).await? else { continue };
        let months = iter::successors(Some(issuer.zone.month_of(from)), |month| Some(month.next()));
        let over = months.map(|month| issuer.zone.month(month)).take_while(|period| period.end() <= ended_by);
        due.extend(over.map(|period| (issuer.id, period)));
    }
    tx.commit().await?;
    due.sort_unstable_by_key(|(issuer, period)| (*period, *issuer));
    due.dedup();
    let (all, mut failed) = (due.len(), Vec::new());
    for (id, period) in due {
        let billed = issue(db, order(settings, id, period), now).await.map(|summary| summary.issued_now);
        tell(billed, "releve_invoices_issued_total", id, period, &mut failed);
    }
    first_of(failed, all)
}

/// Corrects the earlier months of every issuer that has billed another since it last did: once a month, so that what
/// came late in many pieces is one document. What is held back is tried again each time. As `issue_due`, one that fails
/// keeps none of the others waiting.
async fn correct_due(db: &Db, settings: &Settings, now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    let due = corrections::due(&mut tx, now.plus_millis(-settings.issue_delay_ms)).await?;
    let held = corrections::held(&mut tx).await?;
    tx.commit().await?;
    let (all, mut failed) = (due.len() + held.len(), Vec::new());
    for ((issuer, period), accounts) in held {
        let corrected = correct_accounts(db, order(settings, issuer, period), accounts, now).await;
        tell(corrected, CORRECTIONS, issuer, period, &mut failed);
    }
    for (issuer, period) in due {
        let corrected = async {
            let issued = correct_all(db, order(settings, issuer, period), period.start(), now).await?;
            let mut tx = db.begin_app().await?;
            corrections::passed(&mut tx, issuer, period, now).await?;
            tx.commit().await?;
            Ok(issued)
        };
        tell(corrected.await, CORRECTIONS, issuer, period, &mut failed);
    }
    first_of(failed, all)
}

const CORRECTIONS: &str = "releve_corrections_issued_total";

fn order(settings: &Settings, issuer: IssuerId, period: Period) -> Order<'_> {
    Order {
        issue_accounts_max: settings.issue_accounts_max,
        archive: settings.archive.as_ref(),
        ..Order::new(issuer, period)
    }
}

/// Counts what was issued, or notes that it came to no end.
fn tell(
    issued: Result<usize, JobError>,
    counter: &'static str,
    issuer: IssuerId,
    period: Period,
    failed: &mut Vec<JobError>,
) {
    match issued {
        Ok(issued) => metrics::counter!(counter).increment(u64::try_from(issued).unwrap_or(0)),
        Err(error) => {
            tracing::error!(%issuer, %period, %error, "a billing run came to no end; the others go on");
            metrics::counter!("releve_billing_runs_failed_total").increment(1);
            failed.push(error);
        }
    }
}

fn first_of(failed: Vec<JobError>, due: usize) -> Result<(), JobError> {
    let count = failed.len();
    match failed.into_iter().next() {
        Some(first) => Err(JobError::RunsFailed { failed: count, due, first: Box::new(first) }),
        None => Ok(()),
    }
}
