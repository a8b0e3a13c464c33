//! Whose budgets were reached? Marks of changed usage become accounts to judge, some in one transaction.

use std::collections::BTreeMap;

use releve_billing::watch::{self, Figure, Fired};
use releve_store::{
    Db, Tx,
    alerts::{self, Alert},
    budgets::{self, BudgetRecord},
    customers,
    outbox::{self, NewEntry},
    runs, watches,
};
use releve_types::{AccountId, Timestamp, ids::AlertId};
use serde_json::{Value, json};

use super::{BUDGET_REACHED, Limits, accounts, full_hours_end, money};
use crate::{
    ISSUE_DELAY_MS, JobError,
    reconcile::COLLECT_LOCK,
    rolling::Months,
    spend::{self, Spend, Terms},
};

/// Marks that one statement takes.
const MARKS_MAX: i64 = 1_000;
/// Accounts that one transaction judges: what each takes is little beside what asking takes.
const JUDGED_AT_ONCE: i64 = 16;
/// Of them, those that are judged by the hour while others wait: budgets go first, and don't keep the others out.
const HOURLY_AT_ONCE: i64 = 2;
/// How long an account rests that could not be judged, in ms.
const REST_MS: i64 = 60_000;

/// Judges some of what is due; whether there may be more.
pub(super) async fn round(db: &Db, limits: &Limits, months: &mut Months, now: Timestamp) -> Result<bool, JobError> {
    let (marks, due) = due(db, now).await?;
    // Nobody waits for a month that takes long.
    let (mut alone, together): (Vec<_>, Vec<_>) = due.into_iter().partition(|account| months.takes_long(*account));
    let mut any = false;
    match judge(db, limits, months, &together, now).await {
        Ok(judged) => any = judged,
        Err(error) => {
            tracing::warn!(%error, accounts = together.len(), "not judged together: each for itself");
            alone.extend(together);
        }
    }
    for account in alone {
        match judge(db, limits, months, &[account], now).await {
            Ok(judged) => any |= judged,
            Err(error) => {
                tracing::error!(%account, %error, "an account's budgets could not be judged; tried again later");
                let mut tx = db.begin_app().await?;
                budgets::put_off(&mut tx, account, now.plus_millis(REST_MS)).await?;
                tx.commit().await?;
                any = true;
            }
        }
    }
    Ok(any || marks >= MARKS_MAX)
}

/// Marks that became accounts to judge, and those that are judged next.
async fn due(db: &Db, now: Timestamp) -> Result<(i64, Vec<AccountId>), JobError> {
    let mut tx = db.begin_app().await?;
    // One program at a time: who makes an account due waits for whoever does so too, and holds marks meanwhile.
    let mut marks = 0;
    if runs::try_job_lock(&mut tx, COLLECT_LOCK).await? {
        marks = budgets::collect(&mut tx, MARKS_MAX, full_hours_end(now), now).await?;
    }
    let mut due = budgets::due(&mut tx, false, JUDGED_AT_ONCE - HOURLY_AT_ONCE, now).await?;
    let room = JUDGED_AT_ONCE - i64::try_from(due.len()).unwrap_or(JUDGED_AT_ONCE);
    due.extend(budgets::due(&mut tx, true, room, now).await?);
    tx.commit().await?;
    Ok((marks, due))
}

/// Judges these accounts in one transaction, as far as nobody else does: of the month that runs, and of the one before for as long as
/// its last reports may still come. Then, once an hour, what the full hours of each say. Whether any was judged.
async fn judge(
    db: &Db,
    limits: &Limits,
    rated: &mut Months,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<bool, JobError> {
    if accounts.is_empty() {
        return Ok(false);
    }
    let mut tx = db.begin_app().await?;
    let taken = budgets::take(&mut tx, accounts).await?;
    let all = spend::terms_of_all(&mut tx, &taken, now).await?;
    let mut months: BTreeMap<Timestamp, Vec<Spend>> = BTreeMap::new();
    for terms in all.values() {
        let is_settling = now.since(terms.period.start()) < ISSUE_DELAY_MS;
        let before = is_settling.then(|| terms.clone().of(terms.month.previous()));
        for terms in before.into_iter().chain([terms.clone()]) {
            let spend = rated.spend(&mut tx, terms, now).await?;
            months.entry(spend.period.start()).or_default().push(spend);
        }
    }
    let mut told = 0;
    for (start, spends) in &months {
        told += judge_months(&mut tx, *start, spends, now).await?;
    }
    let behind = watches::behind(&mut tx, &taken, full_hours_end(now)).await?;
    tx.commit().await?;
    super::told(BUDGET_REACHED, told);
    for terms in behind.iter().filter_map(|account| all.get(account)) {
        let of: Vec<&Spend> = months.values().flatten().filter(|spend| spend.account == terms.account).collect();
        look(db, limits, terms, &of, now).await.unwrap_or_else(|error| {
            tracing::error!(account = %terms.account, %error, "an account's full hours could not be looked at; tried again");
        });
    }
    Ok(!taken.is_empty())
}

/// What an account's full hours say, each once, whoever looks.
async fn look(db: &Db, limits: &Limits, terms: &Terms, months: &[&Spend], now: Timestamp) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    if watches::advance(&mut tx, terms.account, full_hours_end(now)).await? {
        accounts::look(&mut tx, limits, terms, months, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Months that start then; how many thresholds were told of.
async fn judge_months(tx: &mut Tx, start: Timestamp, spends: &[Spend], now: Timestamp) -> Result<u64, JobError> {
    let accounts: Vec<AccountId> = spends.iter().map(|spend| spend.account).collect();
    let mut records = budgets::of_accounts(tx, &accounts, start).await?;
    let mut told = 0;
    for spend in spends {
        let of = records.remove(&spend.account).unwrap_or_default();
        let (first, rearmed) = judge_month(tx, spend, &of, now).await?;
        told += first;
        if rearmed {
            // What is raised may be reached again at once, of a higher threshold's neighbour: the second look has what the first let go.
            let again = budgets::of_accounts(tx, &[spend.account], start).await?.remove(&spend.account);
            told += judge_month(tx, spend, &again.unwrap_or_default(), now).await?.0;
        }
    }
    Ok(told)
}

/// Tells of each threshold that was reached; how many, and whether some may be reached again.
async fn judge_month(
    tx: &mut Tx,
    spend: &Spend,
    records: &[BudgetRecord],
    now: Timestamp,
) -> Result<(u64, bool), JobError> {
    let judged: Vec<watch::Budget> = records.iter().map(|record| record.budget.clone()).collect();
    let as_of = now.min(spend.period.end());
    let watched = watch::watch(&judged, watch::Spend { period: spend.period, as_of, rated: &spend.rated })
        .map_err(releve_billing::RateError::from)
        .map_err(spend::SpendError::from)?;
    for rearmed in &watched.rearmed {
        budgets::rearm(tx, *rearmed, spend.period.start()).await?;
    }
    let mut told = 0;
    for fired in &watched.fired {
        if let Some(record) = records.iter().find(|record| record.budget.id == fired.budget) {
            told += u64::from(tell(tx, spend, record, fired, now).await?);
        }
    }
    Ok((told, !watched.rearmed.is_empty()))
}

/// Whether it was not told of before.
async fn tell(
    tx: &mut Tx,
    spend: &Spend,
    record: &BudgetRecord,
    fired: &Fired,
    now: Timestamp,
) -> Result<bool, JobError> {
    let tenant = record.budget.tenant;
    if !budgets::fire(tx, tenant, spend.period.start(), fired, now).await? {
        return Ok(false);
    }
    let name = customers::tenant(tx, tenant).await?.map(|tenant| tenant.name);
    let numbers = json!({
        "tenant": tenant.to_string(),
        "tenant_name": name,
        "budget": fired.budget.to_string(),
        "budget_name": record.name,
        "month": spend.month.to_string(),
        "threshold_percent": fired.threshold,
        "spent": figure(fired.spent),
        "limit": figure(fired.limit),
        "basis": fired.basis.name(),
        "hard": record.budget.hard,
        "as_of": fired.as_of.to_string(),
    });
    let alert = Alert {
        id: AlertId::fresh(now),
        tenant: Some(tenant),
        account: None,
        kind: BUDGET_REACHED.to_owned(),
        subject: format!("{} reached {} % of its {}", record.name, fired.threshold, limit_text(fired.limit)),
        fold: format!("{} {} {}", fired.budget, spend.month, fired.threshold),
        count: 1,
        numbers: numbers.clone(),
        first_at: now,
        last_at: now,
        resolved_at: None,
        acknowledged: None,
    };
    alerts::insert(tx, &[alert]).await?;
    let entry = NewEntry { topic: BUDGET_REACHED, account: Some(spend.account), tenant: Some(tenant), body: numbers };
    outbox::put(tx, &[entry], now).await?;
    Ok(true)
}

fn figure(figure: Figure) -> Value {
    match figure {
        Figure::Amount(amount) => money(amount),
        Figure::GpuMs(ms) => json!({ "gpu_ms": ms }),
    }
}

fn limit_text(limit: Figure) -> String {
    match limit {
        Figure::Amount(money) => money.to_string(),
        Figure::GpuMs(ms) => format!("{} GPU-hours", ms / releve_types::time::MILLIS_PER_HOUR),
    }
}
