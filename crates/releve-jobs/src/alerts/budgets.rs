//! Whose budgets were reached? Marks of changed usage become accounts to judge, some in one transaction.

use std::collections::BTreeMap;

use releve_billing::watch::{self, Figure, Fired};
use releve_store::{
    Db, Tx,
    alerts::{self, Alert},
    budgets::{self, BudgetRecord},
    customers,
    outbox::{self, NewEntry},
    watches,
};
use releve_types::{AccountId, Timestamp, ids::AlertId};
use serde_json::{Value, json};

use super::{BUDGET_REACHED, Limits, accounts, full_hours_end, money};
use crate::{
    ISSUE_DELAY_MS, JobError,
    rolling::Months,
    spend::{self, Spend},
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
    let mut tx = db.begin_app().await?;
    let marks = budgets::collect(&mut tx, MARKS_MAX, full_hours_end(now), now).await?;
    tx.commit().await?;
    let mut tx = db.begin_app().await?;
    let mut due = budgets::take_due(&mut tx, false, JUDGED_AT_ONCE - HOURLY_AT_ONCE, now).await?;
    let room = JUDGED_AT_ONCE - i64::try_from(due.len()).unwrap_or(JUDGED_AT_ONCE);
    due.extend(budgets::take_due(&mut tx, true, room, now).await?);
    match judge(&mut tx, limits, months, &due, now).await {
        Ok(()) => tx.commit().await?,
        Err(_) => {
            tx.rollback().await?;
            for account in &due {
                judge_alone(db, limits, months, *account, now).await?;
            }
        }
    }
    Ok(!due.is_empty() || marks >= MARKS_MAX)
}

/// Judges an account, one of which and others could not be: the others need not wait for it.
async fn judge_alone(
    db: &Db,
    limits: &Limits,
    months: &mut Months,
    account: AccountId,
    now: Timestamp,
) -> Result<(), JobError> {
    let mut tx = db.begin_app().await?;
    if !budgets::take(&mut tx, account).await? {
        return Ok(());
    }
    if let Err(error) = judge(&mut tx, limits, months, &[account], now).await {
        tracing::error!(%account, %error, "an account's budgets could not be judged; tried again later");
        tx.rollback().await?;
        tx = db.begin_app().await?;
        budgets::put_off(&mut tx, account, now.plus_millis(REST_MS)).await?;
    }
    Ok(tx.commit().await?)
}

/// Of the month that runs, and of the one before for as long as its last reports may still come. Once an hour, what their full hours
/// say beside.
async fn judge(
    tx: &mut Tx,
    limits: &Limits,
    rated: &mut Months,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<(), JobError> {
    if accounts.is_empty() {
        return Ok(());
    }
    let all = spend::terms_of_all(tx, accounts, now).await?;
    let mut months: BTreeMap<Timestamp, Vec<Spend>> = BTreeMap::new();
    for terms in all.values() {
        let is_settling = now.since(terms.period.start()) < ISSUE_DELAY_MS;
        let before = is_settling.then(|| terms.clone().of(terms.month.previous()));
        for terms in before.into_iter().chain([terms.clone()]) {
            let spend = rated.spend(tx, terms).await?;
            months.entry(spend.period.start()).or_default().push(spend);
        }
    }
    for (start, spends) in &months {
        judge_months(tx, *start, spends, now).await?;
    }
    for account in watches::advance(tx, accounts, full_hours_end(now)).await? {
        let Some(terms) = all.get(&account) else { continue };
        let of: Vec<&Spend> = months.values().flatten().filter(|spend| spend.account == account).collect();
        accounts::look(tx, limits, (account, &terms.contract), &of, now).await?;
    }
    Ok(())
}

/// Months that start then.
async fn judge_months(tx: &mut Tx, start: Timestamp, spends: &[Spend], now: Timestamp) -> Result<(), JobError> {
    let accounts: Vec<AccountId> = spends.iter().map(|spend| spend.account).collect();
    let mut records = budgets::of_accounts(tx, &accounts, start).await?;
    for spend in spends {
        let of = records.remove(&spend.account).unwrap_or_default();
        if judge_month(tx, spend, &of, now).await? {
            // What is raised may be reached again at once, of a higher threshold's neighbour: the second look has what the first let go.
            let again = budgets::of_accounts(tx, &[spend.account], start).await?.remove(&spend.account);
            judge_month(tx, spend, &again.unwrap_or_default(), now).await?;
        }
    }
    Ok(())
}

/// Tells of each threshold that was reached; whether some may be reached again.
async fn judge_month(tx: &mut Tx, spend: &Spend, records: &[BudgetRecord], now: Timestamp) -> Result<bool, JobError> {
    let judged: Vec<watch::Budget> = records.iter().map(|record| record.budget.clone()).collect();
    let as_of = now.min(spend.period.end());
    let watched = watch::watch(&judged, watch::Spend { period: spend.period, as_of, rated: &spend.rated })
        .map_err(releve_billing::RateError::from)
        .map_err(spend::SpendError::from)?;
    for rearmed in &watched.rearmed {
        budgets::rearm(tx, *rearmed, spend.period.start()).await?;
    }
    for fired in &watched.fired {
        if let Some(record) = records.iter().find(|record| record.budget.id == fired.budget) {
            tell(tx, spend, record, fired, now).await?;
        }
    }
    Ok(!watched.rearmed.is_empty())
}

async fn tell(
    tx: &mut Tx,
    spend: &Spend,
    record: &BudgetRecord,
    fired: &Fired,
    now: Timestamp,
) -> Result<(), JobError> {
    let tenant = record.budget.tenant;
    if !budgets::fire(tx, tenant, spend.period.start(), fired, now).await? {
        return Ok(());
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
    super::told(BUDGET_REACHED);
    Ok(())
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
