//! What of its invoices does an account find among its alerts? Each that was issued, over as it is told; and each that is overdue,
//! until it is not. Their events are put where they happen.

use std::collections::BTreeMap;

use releve_billing::Draft;
use releve_store::{Tx, alerts, payments as store, payments::Notice};
use releve_types::{AccountId, InvoiceId, Timestamp};
use serde_json::json;
use sqlx::PgConnection;

use super::{Condition, Whose, money, new, told};
use crate::{JobError, payments::OVERDUE};

/// A document was issued to an account.
pub const ISSUED: &str = "invoice.issued";

/// Notes what is issued in this transaction.
pub(crate) async fn issued(
    conn: &mut PgConnection,
    drafts: &[(InvoiceId, &Draft)],
    now: Timestamp,
) -> Result<(), JobError> {
    let alert = |(id, draft): &(InvoiceId, &Draft)| {
        let content = draft.content();
        let payable = draft.taxes().payable;
        let condition = Condition {
            subject: format!("a document over {payable} was issued"),
            count: 1,
            numbers: json!({ "invoice": id.to_string(), "payable": money(payable) }),
        };
        let alert = new(Whose::Account(content.account), ISSUED, id.to_string(), condition, now);
        alerts::Alert { resolved_at: Some(now), ..alert }
    };
    let new: Vec<alerts::Alert> = drafts.iter().map(alert).collect();
    alerts::insert(conn, &new).await?;
    told(ISSUED, u64::try_from(new.len()).unwrap_or(0));
    Ok(())
}

/// Keeps up what is overdue: a higher level is the same alert, and what is paid is over.
pub(crate) async fn overdue(tx: &mut Tx, notices: &[Notice], now: Timestamp) -> Result<(), JobError> {
    let going_on = alerts::of_accounts(tx, OVERDUE).await?;
    let mut known: BTreeMap<InvoiceId, alerts::Alert> =
        going_on.into_iter().filter_map(|alert| Some((alert.fold.parse().ok()?, alert))).collect();
    let mut begun = Vec::new();
    for notice in notices {
        let (id, level) = (notice.invoice.to_string(), notice.level);
        let condition = Condition {
            subject: format!("{} is overdue, level {level}", notice.open),
            count: i64::from(level),
            numbers: json!({ "invoice": id, "level": level, "open": money(notice.open) }),
        };
        match known.remove(&notice.invoice) {
            Some(alert) => {
                let Condition { subject, count, numbers } = condition;
                alerts::update(tx, &alerts::Alert { subject, count, numbers, last_at: now, ..alert }).await?;
            }
            None => {
                begun.push(new(Whose::Account(notice.account), OVERDUE, id, condition, now));
                told(OVERDUE, 1);
            }
        }
    }
    alerts::insert(tx, &begun).await?;
    let of: Vec<(AccountId, InvoiceId)> =
        known.iter().filter_map(|(invoice, alert)| Some((alert.account?, *invoice))).collect();
    let standings = store::standings(tx, &of, now).await?;
    for (invoice, alert) in known {
        if standings.get(&invoice).is_none_or(|standing| standing.overdue_since.is_none()) {
            alerts::update(tx, &alerts::Alert { resolved_at: Some(now), last_at: now, ..alert }).await?;
        }
    }
    Ok(())
}
