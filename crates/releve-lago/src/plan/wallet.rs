//! What is left in a wallet, and whose money is it? What was paid is the customer's, what was granted the seller's.
//!
//! Lago keeps one balance. What of it was paid follows from its transactions: what was drawn is taken to have been granted
//! first, so that no money of the customer's becomes a gift of the seller's.

use std::collections::BTreeMap;

use releve_billing::Scope;
use releve_types::{Currency, Day, Money, Timestamp, money::MoneyError};

use super::{CreditSource, ForCustomer, NewCredit, Notes, Seller, Step, cents};
use crate::{
    mapping::Metric,
    number::instant,
    rows::{AppliesTo, Row, Wallet, WalletTransaction},
};

/// What a wallet's transactions come to.
struct Sums {
    paid: Money,
    granted: Money,
    /// When money last came in.
    paid_on: Option<Day>,
}

pub(super) fn credits(
    wallets: &[Row<Wallet>],
    transactions: &[Row<WalletTransaction>],
    metrics: &[Step<Metric>],
    seller: &Seller,
    of: &mut BTreeMap<&str, ForCustomer>,
    notes: &mut Notes,
) {
    let mut by_wallet: BTreeMap<&str, Vec<&Row<WalletTransaction>>> = BTreeMap::new();
    for row in transactions {
        by_wallet.entry(&row.what.lago_wallet_id).or_default().push(row);
        notes.ignore(&row.place, "it is in what its wallet comes to");
    }
    for row in wallets {
        let (wallet, place) = (&row.what, &row.place);
        if wallet.status != "active" {
            notes.ignore(place, "it has ended: nothing can be drawn from it");
            continue;
        }
        if seller.shadow {
            notes.ignore(place, "a shadow month draws nothing: import again on the day of the switch");
            continue;
        }
        let Some(theirs) = of.get_mut(wallet.external_customer_id.as_str()) else {
            notes.reject(place, "external_customer_id", "the customer is not in the export, or was rejected");
            continue;
        };
        if !wallet.recurring_transaction_rules.is_empty() {
            notes.leave_out(
                place,
                "recurring_transaction_rules",
                "a wallet is not filled up by itself: record what is paid",
            );
        }
        let theirs_by_id = by_wallet.get(wallet.lago_id.as_str()).map_or(&[][..], Vec::as_slice);
        match left(row, theirs_by_id, metrics, seller, theirs.account.make.currency) {
            Ok(made) if made.is_empty() => notes.ignore(place, "nothing is left in it"),
            Ok(made) => theirs.credits.extend(made.into_iter().map(|make| Step { place: place.clone(), make })),
            Err((field, reason)) => notes.reject(place, field, reason),
        }
    }
}

type Refusal = (&'static str, String);

fn left(
    row: &Row<Wallet>,
    transactions: &[&Row<WalletTransaction>],
    metrics: &[Step<Metric>],
    seller: &Seller,
    account: Currency,
) -> Result<Vec<NewCredit>, Refusal> {
    let wallet = &row.what;
    let currency: Currency = wallet.currency.parse().map_err(|e: MoneyError| ("currency", e.to_string()))?;
    if currency != account {
        return Err(("currency", format!("the wallet is in {currency}, its customer in {account}")));
    }
    let balance = cents(wallet.balance_cents, currency).map_err(|e| ("balance_cents", e))?;
    if balance.is_negative() {
        return Err(("balance_cents", "more was drawn than there was: settle it at Lago".to_owned()));
    }
    if balance.is_zero() {
        return Ok(Vec::new());
    }
    let Sums { paid, granted, paid_on } = sums(transactions, currency)?;
    let all = paid.checked_add(granted).map_err(|e| ("balance_cents", e.to_string()))?;
    if all.amount() < balance.amount() {
        let reason = format!("its transactions come to {all}, less than its balance of {balance}: export them all");
        return Err(("wallet_transactions", reason));
    }
    let paid = paid.lesser(balance);
    let granted = balance.checked_sub(paid).map_err(|e| ("balance_cents", e.to_string()))?;
    let scope = scope(wallet.applies_to.as_ref(), metrics, !paid.is_zero())?;
    if !paid.is_zero() && seller.vat_on_prepayment {
        let reason =
            "the seller owes VAT on what is paid in advance, and Lago's invoice of it is no deposit invoice of ours";
        return Err(("balance_cents", reason.to_owned()));
    }
    let from = instant(&wallet.created_at).map_or(seller.first, Timestamp::hour).max(seller.first).start();
    let expires = match wallet.expiration_at.as_str() {
        "" => None,
        text => Some(instant(text).ok_or_else(|| ("expiration_at", format!("'{text}' is no instant")))?),
    };
    // What decides money ends on a whole hour; the customer keeps the one that was begun.
    let expires = expires.map(|at| if at.is_whole_hour() { at } else { at.hour().end() });
    if expires.is_some_and(|at| at <= from) {
        return Err(("expiration_at", "it runs out before the first hour that is billed here".to_owned()));
    }
    let name: String =
        if wallet.name.is_empty() { "Wallet".to_owned() } else { wallet.name.chars().take(150).collect() };
    let credit = |amount: Money, what: &str, source| {
        let description = format!("{name} ({what}, from Lago)");
        (!amount.is_zero()).then_some(NewCredit { description, amount, from, expires, source })
    };
    let paid_on = paid_on.unwrap_or(Day::from_index(from.day()));
    let made =
        [credit(paid, "paid", CreditSource::Paid(paid_on)), credit(granted, "granted", CreditSource::Granted(scope))];
    Ok(made.into_iter().flatten().collect())
}

/// What came in, as what; what is pending did not.
fn sums(transactions: &[&Row<WalletTransaction>], currency: Currency) -> Result<Sums, Refusal> {
    let none = Money::zero(currency);
    let mut sums = Sums { paid: none, granted: none, paid_on: None };
    for row in transactions {
        let transaction = &row.what;
        if transaction.status != "settled" || transaction.transaction_type != "inbound" {
            continue;
        }
        let wrong = |error: MoneyError| ("wallet_transactions", error.to_string());
        let amount = Money::exact(transaction.amount.0, currency).map_err(wrong)?;
        if transaction.transaction_status == "purchased" {
            sums.paid = sums.paid.checked_add(amount).map_err(wrong)?;
            let on = instant(&transaction.settled_at).map(|at| Day::from_index(at.day()));
            sums.paid_on = sums.paid_on.max(on);
        } else {
            sums.granted = sums.granted.checked_add(amount).map_err(wrong)?;
        }
    }
    Ok(sums)
}

/// What a wallet pays for: all, or one metric's SKU if it was granted.
fn scope(applies: Option<&AppliesTo>, metrics: &[Step<Metric>], paid: bool) -> Result<Scope, Refusal> {
    let none = AppliesTo::default();
    let applies = applies.unwrap_or(&none);
    if !applies.fee_types.is_empty() {
        return Err(("applies_to.fee_types", "a credit is for all, for a SKU or for a project".to_owned()));
    }
    let code = match applies.billable_metric_codes.as_slice() {
        [] => return Ok(Scope::All),
        [code] if !paid => code,
        [_] => {
            return Err((
                "applies_to.billable_metric_codes",
                "what was paid takes off a whole invoice with its VAT".to_owned(),
            ));
        }
        _ => return Err(("applies_to.billable_metric_codes", "a credit is for one SKU, or for all".to_owned())),
    };
    let metric = metrics.iter().find(|metric| metric.make.code == *code);
    let metric = metric.ok_or_else(|| ("applies_to.billable_metric_codes", format!("'{code}' was not taken over")))?;
    Ok(Scope::Sku(metric.make.sku.clone()))
}
