//! What is wrong in the house, and since when? Each condition is one alert for as long as it lasts.

use std::collections::BTreeMap;

use metrics::gauge;
use releve_store::{
    Tx,
    alerts::{self, ParkedMonth},
    outbox,
};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};
use serde_json::json;

use super::{Condition, INVOICE_PARKED, QUARANTINE_GROWING, SUSPENSE_GROWING, Whose, hold, money};
use crate::JobError;

/// Growing means: in the last hour.
const FRESH_MS: i64 = MILLIS_PER_HOUR;

pub(super) async fn look(tx: &mut Tx, now: Timestamp) -> Result<(), JobError> {
    let since = now.plus_millis(-FRESH_MS);
    let (waiting, fresh) = alerts::quarantine(tx, since).await?;
    let quarantine = (fresh > 0).then(|| Condition {
        subject: format!("{waiting} messages wait in quarantine"),
        count: waiting,
        numbers: json!({ "waiting": waiting }),
    });
    hold(tx, Whose::House, QUARANTINE_GROWING, one("quarantine", quarantine), now).await?;
    let (keys, gpu_ms) = alerts::suspense(tx, since).await?;
    let suspense = (keys > 0).then(|| Condition {
        subject: format!("usage under {keys} keys is nobody's"),
        count: keys,
        numbers: json!({ "keys": keys, "gpu_ms": gpu_ms }),
    });
    hold(tx, Whose::House, SUSPENSE_GROWING, one("suspense", suspense), now).await?;
    let parked = alerts::parked(tx).await?.into_iter().map(|month| {
        let ParkedMonth { seller, period_start, invoices: count, total } = month;
        let (subject, start) = (format!("{count} invoices of {seller} are parked"), period_start.to_string());
        let numbers = json!({ "seller": seller, "period_start": start, "invoices": count, "total": money(total) });
        (format!("{seller} {start} {}", total.currency().code()), Condition { subject, count, numbers })
    });
    measure(tx, (keys, gpu_ms), now).await?;
    hold(tx, Whose::House, INVOICE_PARKED, parked.collect(), now).await
}

/// What others' alarms are set on.
async fn measure(tx: &mut Tx, (keys, gpu_ms): (i64, i64), now: Timestamp) -> Result<(), JobError> {
    let waiting = outbox::waiting(tx, now).await?;
    let age_ms = waiting.oldest.map_or(0, |oldest| now.since(oldest).max(0));
    gauge!("releve_suspense_keys").set(whole(keys));
    gauge!("releve_suspense_gpu_seconds").set(whole(gpu_ms / 1_000));
    gauge!("releve_outbox_waiting").set(whole(waiting.entries));
    gauge!("releve_outbox_age_seconds").set(whole(age_ms / 1_000));
    Ok(())
}

/// A gauge's value: whole, and never below zero.
pub(super) fn whole(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

fn one(fold: &str, condition: Option<Condition>) -> BTreeMap<String, Condition> {
    condition.map(|condition| (fold.to_owned(), condition)).into_iter().collect()
}
