//! What is an endpoint told of an event? The envelope of Standard Webhooks 1.0.0: type, timestamp, data. The words are made
//! of what can no longer change, so they are the same on every try.

use releve_store::{invoices, webhooks::deliveries::Event};
use releve_types::InvoiceId;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::JobError;

pub(super) async fn of(conn: &mut PgConnection, event: &Event) -> Result<String, JobError> {
    let mut data = event.body.clone();
    let invoice: Option<InvoiceId> = data["invoice"].as_str().and_then(|id| id.parse().ok());
    if let Some(id) = invoice
        && let Some(head) = invoices::head(conn, id).await?
        && let (Some(stamp), Some(payable)) = (&head.stamp, head.payable)
    {
        data["account"] = head.account.to_string().into();
        data["number"] = stamp.number.to_string().into();
        data["issued_at"] = stamp.issued_at.to_string().into();
        data["due_at"] = stamp.due_at.to_string().into();
        data["payable"] = json!({ "amount": payable.amount().to_string(), "currency": payable.currency().code() });
    }
    let told: Value = json!({ "type": event.topic, "timestamp": event.created_at.to_string(), "data": data });
    Ok(told.to_string())
}
