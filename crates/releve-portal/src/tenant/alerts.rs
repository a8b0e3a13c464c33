//! What was somebody told? Alerts with the numbers that made them, of a tenant and of the house alike.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::{Failure, Paged, path, with_query},
    layout, show,
    visitor::{Named, Visitor},
};

#[derive(Deserialize)]
pub(crate) struct Alert {
    pub id: String,
    /// None: its account's, or the operator's.
    pub tenant: Option<String>,
    pub account: Option<String>,
    pub kind: String,
    pub subject: String,
    pub count: i64,
    pub numbers: Value,
    pub first_at: String,
    pub last_at: String,
    pub resolved_at: Option<String>,
    pub acknowledged_at: Option<String>,
    pub acknowledged_by: Option<String>,
}

/// A tenant's latest.
pub(super) async fn latest(visitor: &Visitor, tenant: &Named) -> Result<Vec<Alert>, Failure> {
    let list = with_query(path(&["v1", "tenants", &tenant.id, "alerts"]), &[("limit", Some("20"))]);
    let found: Paged<Alert> = visitor.get(&list).await?;
    Ok(found.items)
}

/// Alerts, each with whose it is, where that is not plain, and with what can be done about it.
pub(crate) fn table(
    caption: &str,
    alerts: &[Alert],
    whose: impl Fn(&Alert) -> Markup,
    act: impl Fn(&Alert) -> Markup,
) -> Markup {
    let shown = html! {
        @for alert in alerts {
            tr {
                th.what scope="row" { (alert.subject) (whose(alert)) small { code { (alert.kind) } @if alert.count > 1 { " · " (alert.count) " alike" } } }
                td.what { (numbers(&alert.numbers)) }
                td { (show::instant(&alert.first_at)) @if alert.last_at != alert.first_at { br; "to " (show::instant(&alert.last_at)) } }
                td.what { (state(alert)) }
                td { @if alert.acknowledged_at.is_none() { (act(alert)) } }
            }
        }
    };
    layout::table(
        caption,
        &[("What", false), ("Numbers", false), ("When", false), ("State", false), ("Change", false)],
        &shown,
        alerts.len(),
    )
}

fn state(alert: &Alert) -> Markup {
    html! {
        @match &alert.resolved_at {
            Some(at) => { span.badge.good { "over" } " " (show::instant(at)) }
            None => { span.badge.open { "told" } }
        }
        @if let Some(by) = &alert.acknowledged_by { small { "seen by " (by) @if let Some(at) = &alert.acknowledged_at { ", " (show::date(at)) } } }
    }
}

/// Names of a list that are shown.
const NAMES_LEN: usize = 5;

/// Ids are for programs, and a name stands in what the alert says.
fn is_told(name: &str, value: &Value) -> bool {
    let is_id = value
        .as_str()
        .and_then(|text| text.split_once('_'))
        .is_some_and(|(kind, rest)| kind.len() == 3 && rest.len() == 32);
    !is_id && !name.ends_with("_name")
}

/// Numbers by their name, as they came: amounts with their currency.
pub(crate) fn numbers(numbers: &Value) -> Markup {
    let text = |value: &Value| match value {
        Value::Object(parts) => match (parts.get("amount"), parts.get("currency")) {
            (Some(Value::String(amount)), Some(Value::String(currency))) => {
                Some(format!("{} {currency}", show::grouped(amount)))
            }
            _ => None,
        },
        Value::String(text) if show::millis(text).is_some() => {
            Some(format!("{}, {}", show::day(text), show::clock(text)))
        }
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(show::grouped(&number.to_string())),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Array(items) => {
            let names: Vec<&str> = items.iter().filter_map(Value::as_str).take(NAMES_LEN).collect();
            let more = items.len() - names.len();
            Some(if more == 0 { names.join(", ") } else { format!("{}, and {more} more", names.join(", ")) })
        }
        Value::Null => None,
    };
    html! {
        @if let Value::Object(all) = numbers {
            ul.plain {
                @for (name, value) in all.iter().filter(|(name, value)| is_told(name, value)) {
                    @if let Some(text) = text(value) { li { span.soft { (name.replace('_', " ")) ": " } (text) } }
                }
            }
        }
    }
}
