//! What is an endpoint told of an event? The envelope of Standard Webhooks 1.0.0: type, timestamp, data. The words are made
//! of what can no longer change, so they are the same on every try.

use releve_store::{invoices, webhooks::deliveries::Event};
use releve_types::InvoiceId;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{JobError, alerts, payments};

pub(super) async fn of(conn: &mut PgConnection, event: &Event) -> Result<Value, JobError> {
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
    Ok(json!({ "type": event.topic, "timestamp": event.created_at.to_string(), "data": data }))
}

/// The same as a mail: a subject, and a line for each fact.
pub(super) fn as_text(told: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (topic, data) = (text(&told["type"]), &told["data"]);
    let number = text(&data["number"]);
    let subject = match topic.as_str() {
        alerts::invoices::ISSUED => format!("Invoice {number} was issued"),
        payments::OVERDUE => format!("Invoice {number} is overdue"),
        super::DISABLED => format!("Nothing more is sent to {}", text(&data["url"])),
        super::TEST => "A test: messages reach you".to_owned(),
        _ => topic.replace(['.', '_'], " "),
    };
    let mut lines = vec![format!("{subject}."), String::new()];
    facts("", data, &mut lines);
    lines.extend([String::new(), format!("{topic}, {}", text(&told["timestamp"])), String::new()]);
    (subject, lines.join("\n"))
}

fn facts(name: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name} {field}") };
                facts(&name, value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{}: {text}", name.replace('_', " "))),
        other => lines.push(format!("{}: {other}", name.replace('_', " "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_says_what_a_webhook_says() {
        let payable = json!({ "amount": "3.00", "currency": "EUR" });
        let data = json!({ "number": "R-2026-1", "due_at": "2026-06-30T00:00:00Z", "payable": payable });
        let told = json!({ "type": "invoice.issued", "timestamp": "2026-06-02T00:00:00Z", "data": data });
        let (subject, text) = as_text(&told);
        assert_eq!(subject, "Invoice R-2026-1 was issued");
        let body = "due at: 2026-06-30T00:00:00Z\nnumber: R-2026-1\npayable amount: 3.00\npayable currency: EUR";
        let foot = "invoice.issued, 2026-06-02T00:00:00Z";
        assert_eq!(text, format!("Invoice R-2026-1 was issued.\n\n{body}\n\n{foot}\n"));
    }
}
