//! What do an account's full hours say? Once for each: is a tenant's spend an anomaly, do credits and orders last, are reservations
//! used.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_billing::{
    AgreedTerms, Agreement, Contract, RateError, estimate,
    watch::{self, Anomaly, BASELINE_HOURS_MAX, CreditsLow, Limits, OrderLow, Pace, UnderUsed, Wallet},
};
use releve_store::{Tx, agreements, billing_usage, credits, orders, watches};
use releve_types::{
    AccountId, Hour, Money, Period, Sku, TenantId, Timestamp,
    money::MoneyError,
    time::{HOURS_PER_DAY, MILLIS_PER_HOUR},
};
use serde_json::json;

use super::{
    COMMITMENT_UNDER_USED, CREDITS_LOW, Condition, PURCHASE_ORDER_LOW, SPEND_ANOMALY, Whose, full_hours_end, hold,
    money, purse,
};
use crate::{
    JobError,
    spend::{self, Spend, SpendError, Terms},
};

pub(super) async fn look(
    tx: &mut Tx,
    limits: &Limits,
    Terms { account, contract, .. }: &Terms,
    months: &[&Spend],
    now: Timestamp,
) -> Result<(), JobError> {
    let account = *account;
    let end = full_hours_end(now);
    let last_day = paces(tx, limits, (account, contract), end, now).await?;
    let mut unbilled = Vec::new();
    for &month in months {
        if !watches::is_billed(tx, account, month.period.start()).await? {
            unbilled.push(month);
        }
    }
    wallet(tx, limits, (account, &unbilled), last_day, now).await?;
    order(tx, limits, (account, &unbilled), now).await?;
    commitments(tx, limits, (account, contract), end, now).await
}

fn back(end: Hour, hours: i64) -> Hour {
    Hour::from_index(end.index() - hours)
}

fn too_large(error: MoneyError) -> JobError {
    SpendError::from(RateError::from(error)).into()
}

/// Looks at each tenant's pace; what the account's last day was worth.
async fn paces(
    tx: &mut Tx,
    limits: &Limits,
    (account, contract): (AccountId, &Contract),
    end: Hour,
    now: Timestamp,
) -> Result<Money, JobError> {
    let recent = back(end, i64::from(limits.anomaly_hours));
    let start = back(recent, i64::from(BASELINE_HOURS_MAX));
    let mut last_day = Money::zero(contract.currency());
    let Ok(period) = Period::of_hours(start, end) else { return Ok(last_day) };
    let tenants: BTreeSet<TenantId> = billing_usage::tenants_of(tx, &[account]).await?.into_keys().collect();
    let mut used = watches::used(tx, &tenants, period).await?;
    let old = watches::were_there_before(tx, &tenants, start).await?;
    for tenant in tenants {
        let used = used.remove(&tenant).unwrap_or_default();
        let day = worth(contract, used.iter().filter(|(_, hour, _)| *hour >= back(end, HOURS_PER_DAY)))?;
        last_day = last_day.checked_add(day).map_err(too_large)?;
        let from = if old.contains(&tenant) { Some(start) } else { used.iter().map(|(_, hour, _)| *hour).min() };
        let before_hours = from.map_or(0, |from| (recent.index() - from.index()).max(0));
        let pace = Pace {
            recent: worth(contract, used.iter().filter(|(_, hour, _)| *hour >= recent))?,
            before: worth(contract, used.iter().filter(|(_, hour, _)| *hour < recent))?,
            before_hours: u32::try_from(before_hours).unwrap_or(BASELINE_HOURS_MAX),
        };
        let whose = Whose::Tenant(tenant, account);
        let is_told = !releve_store::alerts::going_on(tx, whose.columns(), SPEND_ANOMALY).await?.is_empty();
        let found = watch::anomaly(limits, pace, is_told).map_err(too_large)?;
        let holds = found.map(|anomaly| (tenant.to_string(), jump(limits, anomaly, end)));
        hold(tx, whose, SPEND_ANOMALY, holds.into_iter().collect(), now).await?;
    }
    Ok(last_day)
}

/// At list price, first tiers.
fn worth<'a>(contract: &Contract, used: impl Iterator<Item = &'a (Sku, Hour, i64)>) -> Result<Money, JobError> {
    let found = estimate(contract, used.map(|(sku, hour, quantity)| (sku, *hour, *quantity)));
    Ok(found.map_err(SpendError::from)?.money)
}

fn jump(limits: &Limits, anomaly: Anomaly, end: Hour) -> Condition {
    let Anomaly { recent, hours, usual, baseline_hours, .. } = anomaly;
    Condition {
        subject: format!("{recent} in {hours} hours, where {usual} is usual"),
        count: 1,
        numbers: json!({
            "spent": money(recent),
            "hours": hours,
            "usual": money(usual),
            "baseline_hours": baseline_hours,
            "percent": limits.anomaly_percent,
            "excess_min": limits.anomaly_excess_min,
            "until": end.start().to_string(),
        }),
    }
}

async fn wallet(
    tx: &mut Tx,
    limits: &Limits,
    (account, unbilled): (AccountId, &[&Spend]),
    last_day: Money,
    now: Timestamp,
) -> Result<(), JobError> {
    let currency = last_day.currency();
    let in_force = |record: &credits::CreditRecord| {
        let credit = &record.credit;
        let holds = credit.from().start() <= now && credit.expires().is_none_or(|end| end.start() > now);
        holds && credit.currency() == currency && !record.remaining.is_zero()
    };
    let records: Vec<_> = credits::of(tx, account).await?.into_iter().filter(in_force).collect();
    let whole = Money::sum(records.iter().map(|record| record.credit.amount()), currency).map_err(too_large)?;
    let held = records.into_iter().map(|record| (record.credit, record.remaining)).collect();
    let left = purse::left(held, unbilled, currency).map_err(|error| JobError::Invoice { account, error })?;
    let low = watch::credits_low(limits, Wallet { whole, left, last_day });
    let holds = low.map(|low| (account.to_string(), few(limits, low, now)));
    hold(tx, Whose::Account(account), CREDITS_LOW, holds.into_iter().collect(), now).await
}

fn few(limits: &Limits, low: CreditsLow, now: Timestamp) -> Condition {
    let CreditsLow { wallet: Wallet { whole, left, last_day }, why, days_left } = low;
    let lasts = days_left.map(|days| format!(", which lasts {days} days")).unwrap_or_default();
    Condition {
        subject: format!("{left} is left of {whole} of credits{lasts}"),
        count: 1,
        numbers: json!({
            "left": money(left),
            "whole": money(whole),
            "last_day": money(last_day),
            "days_left": days_left,
            "reason": why.name(),
            "percent_min": limits.credits_percent_min,
            "days_min": limits.credits_days_min,
            "as_of": now.to_string(),
        }),
    }
}

async fn order(
    tx: &mut Tx,
    limits: &Limits,
    (account, unbilled): (AccountId, &[&Spend]),
    now: Timestamp,
) -> Result<(), JobError> {
    let mut records = orders::of(tx, &[account]).await?.remove(&account).unwrap_or_default();
    records.sort_by_key(|record| (record.open.order.from(), record.open.order.id()));
    let (mut holds, mut is_named) = (BTreeMap::new(), false);
    for record in records {
        let order = &record.open.order;
        let holds_now = order.from().start() <= now && order.until().is_none_or(|end| end.start() > now);
        let Some(amount) = order.amount().filter(|_| holds_now) else { continue };
        // What is not billed yet will name the first order that has something left, and no other.
        let mut expected = Money::zero(amount.currency());
        if !is_named && record.open.drawn.amount() < amount.amount() {
            is_named = true;
            let same = unbilled.iter().map(|month| month.rated.total).filter(|t| t.currency() == amount.currency());
            expected = Money::sum(same, amount.currency()).map_err(too_large)?;
        }
        let low = watch::order_low(limits, amount, record.open.drawn, expected).map_err(too_large)?;
        if let Some(low) = low {
            holds.insert(order.id().to_string(), little(limits, order.number(), low));
        }
    }
    hold(tx, Whose::Account(account), PURCHASE_ORDER_LOW, holds, now).await
}

fn little(limits: &Limits, number: &str, low: OrderLow) -> Condition {
    let OrderLow { amount, drawn, unbilled, left } = low;
    Condition {
        subject: format!("{left} is left of purchase order {number} over {amount}"),
        count: 1,
        numbers: json!({
            "purchase_order": number,
            "amount": money(amount),
            "drawn": money(drawn),
            "unbilled": money(unbilled),
            "left": money(left),
            "percent_min": limits.order_percent_min,
        }),
    }
}

async fn commitments(
    tx: &mut Tx,
    limits: &Limits,
    (account, contract): (AccountId, &Arc<Contract>),
    end: Hour,
    now: Timestamp,
) -> Result<(), JobError> {
    let records = agreements::of(tx, &[account]).await?.remove(&account).unwrap_or_default();
    let agreed: Vec<Agreement> = records.into_iter().map(|record| record.agreement).collect();
    let reserves = |agreement: &Agreement| matches!(agreement.terms(), AgreedTerms::Reservation { .. });
    let start = back(end, i64::from(limits.commitment_days) * HOURS_PER_DAY);
    let mut holds = BTreeMap::new();
    if let Some(period) = Period::of_hours(start, end).ok().filter(|_| agreed.iter().any(reserves)) {
        let rated = spend::rated(tx, account, period, contract.clone()).await?;
        for low in watch::under_used(limits, &agreed, &rated, period) {
            let called = agreed.iter().find(|a| a.id() == low.agreement).map_or("", |a| a.description());
            holds.insert(low.agreement.to_string(), idle(limits, called, low));
        }
    }
    hold(tx, Whose::Account(account), COMMITMENT_UNDER_USED, holds, now).await
}

fn idle(limits: &Limits, called: &str, low: UnderUsed) -> Condition {
    let UnderUsed { agreement, reserved_ms, used_ms, period } = low;
    let percent = i128::from(used_ms) * 100 / i128::from(reserved_ms.max(1));
    let days = limits.commitment_days;
    Condition {
        subject: format!("{percent} % of \"{called}\" was used in {days} days"),
        count: 1,
        numbers: json!({
            "agreement": agreement.to_string(),
            "reserved_gpu_hours": reserved_ms / MILLIS_PER_HOUR,
            "used_gpu_hours": used_ms / MILLIS_PER_HOUR,
            "used_percent": i64::try_from(percent).unwrap_or(0),
            "percent_min": limits.commitment_percent_min,
            "from": period.start().to_string(),
            "to": period.end().to_string(),
        }),
    }
}
