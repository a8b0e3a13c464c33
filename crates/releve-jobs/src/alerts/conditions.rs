//! What is wrong in the house, and since when? Each condition is one alert for as long as it lasts.

use std::collections::BTreeMap;

use releve_store::{
    Tx,
    alerts::{self, Alert},
};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};
use serde_json::json;

use super::{Condition, INVOICE_PARKED, QUARANTINE_GROWING, SUSPENSE_GROWING, begin};
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
    hold(tx, QUARANTINE_GROWING, one("quarantine", quarantine), now).await?;
    let (keys, gpu_ms) = alerts::suspense(tx, since).await?;
    let suspense = (keys > 0).then(|| Condition {
        subject: format!("usage under {keys} keys is nobody's"),
        count: keys,
        numbers: json!({ "keys": keys, "gpu_ms": gpu_ms }),
    });
    hold(tx, SUSPENSE_GROWING, one("suspense", suspense), now).await?;
    let parked = alerts::parked(tx).await?.into_iter().map(|(seller, start, count)| {
        let (subject, start) = (format!("{count} invoices of {seller} are parked"), start.to_string());
        let numbers = json!({ "seller": seller, "period_start": start, "invoices": count });
        (format!("{seller} {start}"), Condition { subject, count, numbers })
    });
    hold(tx, INVOICE_PARKED, parked.collect(), now).await
}

fn one(fold: &str, condition: Option<Condition>) -> BTreeMap<String, Condition> {
    condition.map(|condition| (fold.to_owned(), condition)).into_iter().collect()
}

/// Makes the alerts of a kind say what holds now: new ones are told, those that changed are kept up, the rest are over.
async fn hold(
    tx: &mut Tx,
    kind: &'static str,
    mut holds: BTreeMap<String, Condition>,
    now: Timestamp,
) -> Result<(), JobError> {
    for known in alerts::going_on(tx, kind).await? {
        let new = match holds.remove(&known.fold) {
            Some(Condition { numbers, .. }) if numbers == known.numbers => continue,
            Some(Condition { subject, count, numbers }) => Alert { subject, count, numbers, last_at: now, ..known },
            None => Alert { resolved_at: Some(now), ..known },
        };
        alerts::update(tx, &new).await?;
    }
    for (fold, condition) in holds {
        begin(tx, kind, fold, condition, now).await?;
    }
    Ok(())
}
