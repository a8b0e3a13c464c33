//! What does a page of Lago's API hold? One list of things of one kind, and `meta`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Export, File, at};
use crate::rows::{CreditNote, Place, Row};

/// What is not taken over, and why: nothing of it says what a customer owes or will owe.
const PASSED_OVER: [(&str, &str); 12] = [
    ("taxes", "VAT follows here from where seller and customer are, not from a rate that is attached"),
    ("events", "send events to /api/v1/events: what was counted is not imported"),
    ("fees", "what Lago billed stays Lago's; `releve compare` reads it"),
    ("coupons", "a coupon that was given to nobody gives nothing"),
    ("add_ons", "a one-off is agreed on with the customer who owes it"),
    ("payments", "payments of Lago's invoices stay with them"),
    ("payment_receipts", "payments of Lago's invoices stay with them"),
    ("payment_requests", "reminders of Lago's invoices stay with them"),
    ("billing_entities", "a seller is set up with its VAT and numbers, not copied"),
    ("webhook_endpoints", "endpoints are added by hand: their signatures differ"),
    ("features", "entitlements are enforced where the product runs"),
    ("alerts", "budgets are set anew"),
];

pub(super) fn read(export: &mut Export, file: &File) {
    let page: Value = match serde_json::from_slice(&file.bytes) {
        Ok(page) => page,
        Err(error) => {
            export.rows += 1;
            return export.reject(at(file, 0, ""), "", format!("no JSON: {error}"));
        }
    };
    let lists = page.as_object().into_iter().flatten().filter_map(|(kind, list)| Some((kind, list.as_array()?)));
    let lists: Vec<_> = lists.collect();
    if lists.is_empty() {
        export.rows += 1;
        return export.reject(at(file, 0, ""), "", "no page of Lago's API: it holds no list");
    }
    for (kind, list) in lists {
        for (n, value) in list.iter().enumerate() {
            export.rows += 1;
            let id = value["lago_id"].as_str().or_else(|| value["code"].as_str()).unwrap_or_default();
            let place = at(file, n + 1, id);
            if id.is_empty() || export.is_new(kind, &place, value) {
                row(export, kind, place, value);
            }
        }
    }
}

fn row(export: &mut Export, kind: &str, place: Place, value: &Value) {
    match kind {
        "customers" => typed(export, place, value, |e| &mut e.customers),
        "billable_metrics" => typed(export, place, value, |e| &mut e.metrics),
        "plans" => typed(export, place, value, |e| &mut e.plans),
        "subscriptions" => typed(export, place, value, |e| &mut e.subscriptions),
        "wallets" => typed(export, place, value, |e| &mut e.wallets),
        "wallet_transactions" => typed(export, place, value, |e| &mut e.transactions),
        "invoices" => typed(export, place, value, |e| &mut e.invoices),
        "applied_coupons" => {
            export.reject(place, "", "a coupon of a customer is a discount: agree on it, with its end");
        }
        "credit_notes" => credit_note(export, place, value),
        _ => match PASSED_OVER.iter().find(|(passed, _)| *passed == kind) {
            Some((_, reason)) => export.ignore(place, reason),
            None => export.reject(place, "", format!("'{kind}' is nothing that is known of Lago")),
        },
    }
}

fn typed<T: DeserializeOwned>(
    export: &mut Export,
    place: Place,
    value: &Value,
    list: impl Fn(&mut Export) -> &mut Vec<Row<T>>,
) {
    match serde_path_to_error::deserialize(value.clone()) {
        Ok(what) => list(export).push(Row { place, what }),
        Err(error) => {
            let field = error.path().to_string();
            let field = if field == "." { String::new() } else { field };
            export.reject(place, field, error.inner());
        }
    }
}

/// What a credit note leaves to be drawn is owed to the customer.
fn credit_note(export: &mut Export, place: Place, value: &Value) {
    match serde_json::from_value::<CreditNote>(value.clone()) {
        Ok(CreditNote { balance_amount_cents: Some(0) }) => export.ignore(place, "nothing is left of this credit note"),
        Ok(_) => {
            let reason =
                "what is left of a credit note is owed to the customer: pay it back, or have Lago draw it first";
            export.reject(place, "balance_amount_cents", reason);
        }
        Err(error) => export.reject(place, "", error),
    }
}
