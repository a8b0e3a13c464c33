//! What is wrong in the house, and since when? Each condition is one alert for as long as it lasts.

use std::collections::BTreeMap;

use releve_store::{
    Tx,
    alerts::{self, Alert},
    outbox::{self, NewEntry},
};
use releve_types::{Timestamp, ids::AlertId, time::MILLIS_PER_HOUR};
use serde_json::{Value, json};

use super::{INVOICE_PARKED, QUARANTINE_GROWING, SUSPENSE_GROWING};
use crate::JobError;

/// Growing means: in the last hour.
const FRESH_MS: i64 = MILLIS_PER_HOUR;

struct Condition {
    subject: String,
    count: i64,
    numbers: Value,
}

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
    for (fold, Condition { subject, count, numbers }) in holds {
        let id = AlertId::fresh(now);
        let mut body = json!({ "alert": id.to_string(), "subject": subject });
        body["numbers"] = numbers.clone();
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
        outbox::put(tx, &[NewEntry { topic: kind, account: None, body }], now).await?;
        super::told(kind);
    }
    Ok(())
}
