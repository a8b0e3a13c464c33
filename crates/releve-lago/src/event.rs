//! What does a usage event of Lago's say? Who used how much of what, and when: what a reading is made of.
//!
//! The quantity is the property that the metric's mapping names (Lago's `field_name`, unless the mapping says otherwise); of a
//! metric that counts events, one. The hour is that of `timestamp`, in UTC.

use releve_types::Timestamp;
use serde_json::Value;

use crate::{
    mapping::Metric,
    number::{Way, exact, rounded},
};

/// An event. Unknown fields are passed over, as Lago does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    pub transaction_id: String,
    pub code: String,
    /// The subscription, or where there is none the customer, by what they are called outside of Lago.
    pub external_subscription_id: String,
    pub external_customer_id: String,
    /// None: when it is received.
    pub timestamp: Option<Timestamp>,
    pub properties: Value,
}

/// What is wrong with an event, and in which field of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct EventError {
    pub field: String,
    pub reason: String,
}

fn wrong(field: impl Into<String>, reason: impl ToString) -> EventError {
    EventError { field: field.into(), reason: reason.to_string() }
}

impl Event {
    /// Reads an event. Refused: the field, and why.
    pub fn read(value: &Value) -> Result<Self, EventError> {
        let event = value.as_object().ok_or_else(|| wrong("", "an event is an object"))?;
        let text = |field: &str| match event.get(field) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(wrong(field, "it is no text")),
        };
        let needed = |field: &str| {
            Some(text(field)?).filter(|text| !text.is_empty()).ok_or_else(|| wrong(field, "it is missing"))
        };
        let timestamp = match event.get("timestamp") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                seconds(value).ok_or_else(|| wrong("timestamp", "seconds since 1970, with at most three decimals"))?,
            ),
        };
        if event.get("precise_total_amount_cents").is_some_and(|amount| !amount.is_null()) {
            return Err(wrong("precise_total_amount_cents", "an event says how much was used, a price what it costs"));
        }
        let (external_subscription_id, external_customer_id) =
            (text("external_subscription_id")?, text("external_customer_id")?);
        if external_subscription_id.is_empty() && external_customer_id.is_empty() {
            return Err(wrong("external_subscription_id", "whose usage is it?"));
        }
        let properties = event.get("properties").cloned().unwrap_or(Value::Null);
        if !matches!(properties, Value::Null | Value::Object(_)) {
            return Err(wrong("properties", "they are an object"));
        }
        let (transaction_id, code) = (needed("transaction_id")?, needed("code")?);
        Ok(Self { transaction_id, code, external_subscription_id, external_customer_id, timestamp, properties })
    }

    /// How much was used, in the metric's base units. Refused: the property, and why.
    pub fn quantity(&self, metric: &Metric) -> Result<i64, EventError> {
        let Some(property) = &metric.property else { return Ok(metric.per) };
        let field = format!("properties.{property}");
        let value = self.properties.get(property).filter(|value| !value.is_null());
        let value = value.ok_or_else(|| wrong(&field, format!("'{}' is added up from it", metric.code)))?;
        let quantity = exact(value).ok_or_else(|| wrong(&field, "it is no decimal number"))?;
        metric.base_units(quantity).map_err(|reason| wrong(&field, reason))
    }
}

/// Seconds since 1970, as a number or as text. More than milliseconds is cut.
fn seconds(value: &Value) -> Option<Timestamp> {
    let millis = exact(value)?.checked_mul(rust_decimal::Decimal::from(1_000))?;
    let millis: i64 = rounded(millis, 0, Way::Down)?.try_into().ok()?;
    // Years to 9999, as everywhere.
    (0..253_402_300_800_000).contains(&millis).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use releve_types::{Sku, Unit};
    use serde_json::json;

    use super::*;

    fn storage(rounds: bool) -> Metric {
        let sku = Sku::meter("storage", "default").expect("a SKU");
        let property = Some("gb_hours".to_owned());
        Metric { code: "storage".to_owned(), sku, unit: Unit::GibSecond, per: 3_600, property, rounds }
    }

    #[test]
    fn what_an_event_says_is_read_or_named() {
        let good = json!({ "transaction_id": "t1", "code": "storage", "external_subscription_id": "s1",
                           "timestamp": 1_772_323_200, "properties": { "gb_hours": "1.5" } });
        let mut table = String::new();
        for (what, change) in [
            ("as it should be", json!({})),
            ("text for a number", json!({ "timestamp": "1772323200.123" })),
            ("now", json!({ "timestamp": null })),
            ("a date", json!({ "timestamp": "2026-03-01T00:00:00Z" })),
            ("no id", json!({ "transaction_id": null })),
            ("nobody's", json!({ "external_subscription_id": "" })),
            ("a customer's", json!({ "external_subscription_id": null, "external_customer_id": "c1" })),
            ("a list", json!({ "properties": [] })),
            ("no quantity", json!({ "properties": {} })),
            ("half a unit", json!({ "properties": { "gb_hours": 0.0001 } })),
            ("below zero", json!({ "properties": { "gb_hours": -1 } })),
            ("no number", json!({ "properties": { "gb_hours": "many" } })),
            ("an amount", json!({ "precise_total_amount_cents": "12" })),
        ] {
            let mut event = good.clone();
            for (field, value) in change.as_object().expect("fields") {
                event[field] = value.clone();
            }
            let read = Event::read(&event).and_then(|event| Ok((event.timestamp, event.quantity(&storage(false))?)));
            let told = match read {
                Ok((at, quantity)) => format!("{quantity} at {}", at.map_or("now".to_owned(), |at| at.to_string())),
                Err(error) => error.to_string(),
            };
            table += &format!("{what:<18} {told}\n");
        }
        expect![[r#"
            as it should be    5400 at 2026-03-01T00:00:00Z
            text for a number  5400 at 2026-03-01T00:00:00.123Z
            now                5400 at now
            a date             timestamp: seconds since 1970, with at most three decimals
            no id              transaction_id: it is missing
            nobody's           external_subscription_id: whose usage is it?
            a customer's       5400 at 2026-03-01T00:00:00Z
            a list             properties: they are an object
            no quantity        properties.gb_hours: 'storage' is added up from it
            half a unit        properties.gb_hours: 0.0001 × 3600 is no whole number of gib_second; the mapping's fraction may say 'round'
            below zero         properties.gb_hours: -1 is below zero: what is metered here only adds up
            no number          properties.gb_hours: it is no decimal number
            an amount          precise_total_amount_cents: an event says how much was used, a price what it costs
        "#]].assert_eq(&table);
    }

    #[test]
    fn a_metric_that_rounds_rounds_half_up() {
        let event = json!({ "transaction_id": "t", "code": "storage", "external_subscription_id": "s",
                            "properties": { "gb_hours": 0.016_667 } });
        let quantity = Event::read(&event).and_then(|event| event.quantity(&storage(true)));
        assert_eq!(quantity, Ok(60));
    }
}
