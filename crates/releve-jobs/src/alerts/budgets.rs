//! Whose budgets were reached? Marks of changed usage become accounts to judge, one transaction each.

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
/// Accounts that are judged between two looks at what changed, and at the clock.
const JUDGED_AT_ONCE: usize = 16;
/// Every so many of them is one that is judged by the hour, if one is due: budgets go first, and don't keep the others out.
const HOURLY_EVERY: usize = 8;
/// How long an account rests that could not be judged, in ms.
const REST_MS: i64 = 60_000;

/// Judges some of what is due; whether more is.
pub(super) async fn round(db: &Db, limits: &Limits, months: &mut Months, now: Timestamp) -> Result<bool, JobError> {
    let mut tx = db.begin_app().await?;
    let marks = budgets::collect(&mut tx, MARKS_MAX, full_hours_end(now), now).await?;
    tx.commit().await?;
    for n in 1..=JUDGED_AT_ONCE {
        let mut tx = db.begin_app().await?;
        let hourly = n % HOURLY_EVERY == 0;
        let due = match budgets::take_due(&mut tx, hourly, now).await? {
            None => budgets::take_due(&mut tx, !hourly, now).await?,
            first => first,
        };
        let Some(account) = due else { return Ok(marks >= MARKS_MAX) };
        match judge(&mut tx, limits, months, account, now).await {
            Ok(()) => tx.commit().await?,
            Err(error) => {
                tracing::error!(%account, %error, "an account's budgets could not be judged; tried again later");
                tx.rollback().await?;
                let mut tx = db.begin_app().await?;
                budgets::put_off(&mut tx, account, now.plus_millis(REST_MS)).await?;
                tx.commit().await?;
            }
        }
    }
    Ok(true)
}

/// Of the month that runs, and of the one before for as long as its last reports may still come. Once an hour, what its full hours
/// say beside.
async fn judge(
    tx: &mut Tx,
    limits: &Limits,
    rated: &mut Months,
    account: AccountId,
    now: Timestamp,
) -> Result<(), JobError> {
    let Some(current) = rated.spend(tx, account, None, now).await? else {
        watches::advance(tx, account, full_hours_end(now)).await?;
        return Ok(());
    };
    let mut months = Vec::new();
    if now.since(current.period.start()) < ISSUE_DELAY_MS {
        months.extend(rated.spend(tx, account, Some(current.month.previous()), now).await?);
    }
    months.push(current);
    for month in &months {
        judge_month(tx, month, now).await?;
    }
    if watches::advance(tx, account, full_hours_end(now)).await? {
        accounts::look(tx, limits, (account, &months), now).await?;
    }
    Ok(())
}

async fn judge_month(tx: &mut Tx, spend: &Spend, now: Timestamp) -> Result<(), JobError> {
    let start = spend.period.start();
    let mut records = budgets::of_account(tx, spend.account, start).await?;
    // What is raised may be reached again at once, of a higher threshold's neighbour: the second look has what the first let go.
    for _ in 0..2 {
        let judged: Vec<watch::Budget> = records.iter().map(|record| record.budget.clone()).collect();
        let as_of = now.min(spend.period.end());
        let watched = watch::watch(&judged, watch::Spend { period: spend.period, as_of, rated: &spend.rated })
            .map_err(releve_billing::RateError::from)
            .map_err(spend::SpendError::from)?;
        for rearmed in &watched.rearmed {
            budgets::rearm(tx, *rearmed, start).await?;
        }
        for fired in &watched.fired {
            if let Some(record) = records.iter().find(|record| record.budget.id == fired.budget) {
                tell(tx, spend, record, fired, now).await?;
            }
        }
        if watched.rearmed.is_empty() {
            break;
        }
        records = budgets::of_account(tx, spend.account, start).await?;
    }
    Ok(())
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
