//! What does a customer still owe on Lago's invoices? Each that is final and open, by its number; and the last number of
//! each series.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{Currency, Day, Money, money::MoneyError};

use super::{ForCustomer, Notes, OpeningBalance, Seller, Step, cents};
use crate::rows::{Invoice, Row};

/// Where a series of Lago's ended: what stands before the last digits of its numbers, and the highest of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastNumber {
    pub series: String,
    pub number: String,
}

pub(super) fn balances(
    rows: &[Row<Invoice>],
    seller: &Seller,
    of: &mut BTreeMap<&str, ForCustomer>,
    notes: &mut Notes,
) -> Vec<LastNumber> {
    let mut last: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    // Of an invoice that is there twice, the row that says what is open of it.
    let (told, untold): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.what.total_due_amount_cents.is_some());
    for row in told.into_iter().chain(untold) {
        let (invoice, place) = (&row.what, &row.place);
        if !seen.insert(&invoice.lago_id) {
            notes.ignore(place, "the invoice is there already, from another file");
            continue;
        }
        if invoice.status == "finalized"
            && let Some((series, at)) = counted(&invoice.number)
        {
            let highest = last.entry(series).or_insert((at, &invoice.number));
            *highest = (*highest).max((at, &invoice.number));
        }
        let external_id = invoice.customer.as_ref().map_or("", |c| c.external_id.as_str());
        if let Some(reason) = nothing_open(invoice, seller) {
            if let Some(theirs) = of.get_mut(external_id).filter(|_| !seller.shadow && invoice.status != "draft") {
                theirs.paid.push(place.clone());
            }
            notes.ignore(place, reason);
            continue;
        }
        let Some(theirs) = of.get_mut(external_id) else {
            notes.reject(place, "customer.external_id", "the customer is not in the export, or was rejected");
            continue;
        };
        match balance(invoice) {
            Ok(make) => theirs.balances.push(Step { place: place.clone(), make }),
            Err((field, reason)) => notes.reject(place, field, reason),
        }
    }
    let told = |(series, (_, number)): (&str, (u64, &str))| LastNumber {
        series: series.to_owned(),
        number: number.to_owned(),
    };
    last.into_iter().map(told).collect()
}

/// A number in what stands before its last digits, and these.
fn counted(number: &str) -> Option<(&str, u64)> {
    let digits = number.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (series, at) = number.split_at_checked(number.len() - digits)?;
    Some((series, at.parse().ok()?))
}

fn nothing_open(invoice: &Invoice, seller: &Seller) -> Option<&'static str> {
    match invoice.status.as_str() {
        "draft" => return Some("a draft is no invoice: have Lago finalize or delete it before the switch"),
        "voided" | "deleted" | "closed" => return Some("nothing is owed on it"),
        "finalized" if seller.shadow => {
            return Some("in a shadow month, debts stay at Lago: import again on the day of the switch");
        }
        _ => {}
    }
    let paid = invoice.total_due_amount_cents.map_or(invoice.payment_status == "succeeded", |due| due == 0);
    (invoice.status == "finalized" && (paid || invoice.total_amount_cents == 0)).then_some("it is paid")
}

fn balance(invoice: &Invoice) -> Result<OpeningBalance, (&'static str, String)> {
    if invoice.status != "finalized" {
        return Err(("status", format!("'{}': have Lago finish it before the switch", invoice.status)));
    }
    if invoice.number.is_empty() {
        return Err(("number", "an invoice without a number is none".to_owned()));
    }
    let currency: Currency = invoice.currency.parse().map_err(|e: MoneyError| ("currency", e.to_string()))?;
    let day = |field, text: &str| text.parse::<Day>().map_err(|error| (field, error.to_string()));
    let issued_on = day("issuing_date", &invoice.issuing_date)?;
    let due_on = if invoice.payment_due_date.is_empty() {
        issued_on
    } else {
        day("payment_due_date", &invoice.payment_due_date)?
    };
    let total = cents(invoice.total_amount_cents, currency).map_err(|e| ("total_amount_cents", e))?;
    let due = invoice.total_due_amount_cents.unwrap_or(invoice.total_amount_cents);
    let open: Money = cents(due, currency).map_err(|e| ("total_due_amount_cents", e))?;
    if open.is_negative() || open.amount() > total.amount() {
        return Err(("total_due_amount_cents", format!("{open} is not a part of {total}")));
    }
    Ok(OpeningBalance { number: invoice.number.clone(), issued_on, due_on, total, open })
}
