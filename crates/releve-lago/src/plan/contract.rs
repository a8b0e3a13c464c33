//! By what is a customer rated? Its active subscription's plan, from the first hour that is billed here.

use std::collections::BTreeMap;

use super::{ForCustomer, NewBook, NewTerm, Notes, Seller, Step};
use crate::{
    number::instant,
    rows::{Row, Subscription},
};

pub(super) fn contracts(
    rows: &[Row<Subscription>],
    books: &[Step<NewBook>],
    seller: &Seller,
    of: &mut BTreeMap<&str, ForCustomer>,
    notes: &mut Notes,
) {
    for row in rows {
        let (subscription, place) = (&row.what, &row.place);
        match subscription.status.as_str() {
            "active" => {}
            "pending" => {
                notes.ignore(place, "it has not begun: import again once it has");
                continue;
            }
            "terminated" | "canceled" => {
                notes.ignore(place, "it has ended: what it owes stands on Lago's invoices");
                continue;
            }
            other => {
                notes.reject(place, "status", format!("'{other}' is no status that is known"));
                continue;
            }
        }
        let Some(theirs) = of.get_mut(subscription.external_customer_id.as_str()) else {
            notes.reject(place, "external_customer_id", "the customer is not in the export, or was rejected");
            continue;
        };
        match term(row, books, seller, theirs) {
            Ok(make) => {
                if !subscription.ending_at.is_empty() {
                    let reason = "a price book holds until another does: end what was agreed beside it by hand";
                    notes.leave_out(place, "ending_at", reason);
                }
                theirs.terms.push(Step { place: place.clone(), make });
            }
            Err((field, reason)) => notes.reject(place, field, reason),
        }
    }
}

fn term(
    row: &Row<Subscription>,
    books: &[Step<NewBook>],
    seller: &Seller,
    theirs: &ForCustomer,
) -> Result<NewTerm, (&'static str, String)> {
    let subscription = &row.what;
    if subscription.external_id.trim().is_empty() {
        return Err(("external_id", "events name it by this".to_owned()));
    }
    if subscription.billing_time == "anniversary" {
        let reason =
            "months are the calendar's here: change it at Lago first, or its days would be billed twice or never";
        return Err(("billing_time", reason.to_owned()));
    }
    let book = books.iter().find(|book| book.make.code == subscription.plan_code);
    let book = &book.ok_or_else(|| ("plan_code", "the plan is not in the export, or was rejected".to_owned()))?.make;
    let account = &theirs.account.make;
    if book.currency != account.currency {
        let reason = format!("the plan is in {}, its customer in {}", book.currency, account.currency);
        return Err(("plan_code", reason));
    }
    let mut again = false;
    for known in &theirs.terms {
        if known.make.plan_code != subscription.plan_code {
            let reason = format!(
                "an account has one price book at a time: another subscription is to '{}'",
                known.make.plan_code
            );
            return Err(("plan_code", reason));
        }
        if !book.adds_up() {
            let reason = "tiers, packages, fees and minimums are an account's here: two subscriptions would not come to two of them";
            return Err(("plan_code", reason.to_owned()));
        }
        again = true;
    }
    let started = instant(&subscription.started_at);
    let started = started.ok_or_else(|| ("started_at", format!("'{}' is no instant", subscription.started_at)))?;
    let from = started.hour().max(seller.first);
    let (external_id, plan_code) = (subscription.external_id.clone(), subscription.plan_code.clone());
    Ok(NewTerm { external_id, plan_code, from, again })
}
