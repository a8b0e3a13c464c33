//! Who has to be reminded? A level that an overdue invoice has reached is noted once, and told to whoever delivers.

use releve_store::{
    Db, Tx, customers,
    customers::Issuer,
    hand_overs,
    outbox::{self, NewEntry},
    payments::{self as store, Notice},
    runs,
};
use releve_types::{Timestamp, time::MILLIS_PER_DAY};
use serde_json::json;

use crate::{Job, JobError, alerts};

/// The outbox topic of a reminder.
pub const OVERDUE: &str = "invoice.overdue";
/// How late a level is still noted, in days after its own: what nobody looked at for longer is no news, and each round would read it.
pub const REMIND_LATE_DAYS_MAX: u16 = 90;

/// Notes the levels that were reached. Of several that were reached since it last looked, the highest.
pub async fn remind(db: &Db, now: Timestamp) -> Result<usize, JobError> {
    let mut tx = db.begin_app().await?;
    let mut noted = Vec::new();
    if runs::try_job_lock(&mut tx, Job::Remind.lock()).await? {
        for issuer in customers::issuers(&mut tx).await? {
            noted.extend(remind_of(&mut tx, &issuer, now).await?);
        }
        alerts::invoices::overdue(&mut tx, &noted, now).await?;
    }
    tx.commit().await?;
    Ok(noted.len())
}

async fn remind_of(tx: &mut Tx, issuer: &Issuer, now: Timestamp) -> Result<Vec<Notice>, JobError> {
    let days = issuer.dunning.days();
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
    let ago = |days: u16| now.plus_millis(-i64::from(days) * MILLIS_PER_DAY);
    // A day more: days in the seller's zone are up to an hour shorter or longer.
    let due = ago(last + REMIND_LATE_DAYS_MAX + 1)..ago(first.saturating_sub(1));
    let last_level = i32::try_from(days.len()).unwrap_or(i32::MAX);
    let found = store::may_be_overdue(tx, issuer.id, due, last_level).await?;
    let of: Vec<_> = found.iter().map(|(account, invoice, ..)| (*account, *invoice)).collect();
    let standings = store::standings(tx, &of, now).await?;
    let ways = hand_overs::ways(tx, &of).await?;
    let mut notices = Vec::new();
    for (account, invoice, due_at, noted) in found {
        let reached = issuer.dunning.level(&issuer.zone, due_at, now).and_then(|level| i32::try_from(level).ok());
        // What was rejected or refused is not owed as it stands.
        let is_disputed = ways.get(&invoice).is_some_and(|way| way.delivery().is_disputed());
        let open = standings.get(&invoice).filter(|s| s.overdue_since.is_some() && !is_disputed).map(|s| s.open);
        if let (Some(level), Some(open)) = (reached.filter(|level| *level > noted), open) {
            notices.push(Notice { account, invoice, level, open });
        }
    }
    let new = store::notice(tx, &notices, now).await?;
    let entry = |n: &Notice| NewEntry {
        topic: OVERDUE,
        account: Some(n.account),
        tenant: None,
        body: json!({ "invoice": n.invoice.to_string(), "level": n.level, "open": n.open.amount().to_string(),
                      "currency": n.open.currency().code() }),
    };
    outbox::put(tx, &new.iter().map(entry).collect::<Vec<_>>(), now).await?;
    Ok(new)
}
