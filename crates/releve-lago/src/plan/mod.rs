//! What does an export become? An ordered list of what to make, each with its id at Lago, and what could not be taken over.
//!
//! Metrics and price books first, since contracts name them; then customer by customer, each with all that is theirs, so
//! that one transaction takes one customer over. Every row of the export is in the plan, rejected, or ignored with a reason.

mod account;
mod balance;
mod book;
mod contract;
mod wallet;

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::{AgreedTerms, Model, Scope, tax::BuyerKind};
use releve_types::{Currency, Day, Hour, Language, Money, Sku, Timestamp, Unit};

pub use self::balance::LastNumber;
use crate::{
    mapping::Metric,
    read::{Export, Ignored, Reject},
    rows::Place,
};

/// What has to be known of who sells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seller {
    /// Its zone's name: months begin at its midnight.
    pub zone: String,
    /// Days from issue to due date, of all its invoices.
    pub due_days: i64,
    /// It owes VAT when it is paid in advance.
    pub vat_on_prepayment: bool,
    /// The first hour that is billed here: what a customer agreed to holds from there, not from when Lago began to bill it.
    pub first: Hour,
    /// What customers draw on and what they owe waits for the day of the switch: in a month that is only compared, both still
    /// move at Lago.
    pub shadow: bool,
}

/// One thing to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step<T> {
    pub place: Place,
    pub make: T,
}

/// A list of prices: one of Lago's plans.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewBook {
    pub code: String,
    pub name: String,
    pub currency: Currency,
    pub prices: Vec<NewPrice>,
    /// What each of its customers owes a month, whatever is used.
    pub fee: Option<AgreedTerms>,
    /// What each of its customers spends a month at least.
    pub minimum: Option<AgreedTerms>,
}

impl NewBook {
    /// Whether two subscriptions of one customer come to what one of both would: nothing fills up, nothing is owed by each.
    pub(crate) fn adds_up(&self) -> bool {
        let flat = self.prices.iter().all(|price| matches!(price.model, Model::PerUnit { .. }));
        flat && self.fee.is_none() && self.minimum.is_none()
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewPrice {
    /// Of the charge.
    pub lago_id: String,
    pub sku: Sku,
    pub unit: Unit,
    pub model: Model,
}

/// An account, and its tenant, which is called as the customer is outside of Lago.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAccount {
    pub external_id: String,
    pub name: String,
    pub address: String,
    pub postcode: String,
    pub city: String,
    pub country: String,
    pub vat_id: String,
    pub legal_id: String,
    pub email: String,
    pub kind: Option<BuyerKind>,
    pub currency: Currency,
    pub language: Language,
}

/// A subscription: by which price book its customer is rated, and what is owed beside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTerm {
    /// What events name it by.
    pub external_id: String,
    pub plan_code: String,
    pub from: Hour,
    /// A second subscription to the same prices: only its name is new.
    pub again: bool,
}

/// What is left of one kind in a wallet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCredit {
    pub description: String,
    pub amount: Money,
    pub from: Timestamp,
    pub expires: Option<Timestamp>,
    pub source: CreditSource,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CreditSource {
    Granted(Scope),
    /// When the last of it was paid.
    Paid(Day),
}

/// An invoice of Lago's that is not paid. It is no document of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpeningBalance {
    pub number: String,
    pub issued_on: Day,
    pub due_on: Day,
    pub total: Money,
    pub open: Money,
}

/// All that is one customer's, in the order in which it is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForCustomer {
    pub account: Step<NewAccount>,
    pub terms: Vec<Step<NewTerm>>,
    pub credits: Vec<Step<NewCredit>>,
    pub balances: Vec<Step<OpeningBalance>>,
    /// Invoices on which nothing is owed any more: what came over of them is settled.
    pub paid: Vec<Place>,
}

/// What an export becomes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// How many rows the export holds.
    pub rows: usize,
    pub metrics: Vec<Step<Metric>>,
    pub books: Vec<Step<NewBook>>,
    pub customers: Vec<ForCustomer>,
    /// The highest number that Lago gave in each of its series.
    pub last_numbers: Vec<LastNumber>,
    pub rejects: Vec<Reject>,
    pub ignored: Vec<Ignored>,
}

impl Plan {
    /// How many things it makes.
    pub fn steps(&self) -> usize {
        let of = |c: &ForCustomer| 1 + c.terms.len() + c.credits.len() + c.balances.len();
        self.metrics.len() + self.books.len() + self.customers.iter().map(of).sum::<usize>()
    }

    /// Every row that is in the plan, rejected, or ignored: by where it stands.
    pub fn accounted_for(&self) -> BTreeSet<&Place> {
        let customers = self.customers.iter().flat_map(|c| {
            let own = std::iter::once(&c.account.place).chain(c.terms.iter().map(|s| &s.place));
            own.chain(c.credits.iter().map(|s| &s.place)).chain(c.balances.iter().map(|s| &s.place))
        });
        let made = self.metrics.iter().map(|s| &s.place).chain(self.books.iter().map(|s| &s.place)).chain(customers);
        let named = self.rejects.iter().map(|r| &r.place).chain(self.ignored.iter().map(|i| &i.place));
        made.chain(named).collect()
    }
}

/// Decides what each row of an export becomes.
pub fn plan(export: Export, seller: &Seller) -> Plan {
    let Export { rows, customers, metrics, plans, subscriptions, wallets, transactions, invoices, .. } = &export;
    let mut notes = Notes { rejects: export.rejects.clone(), ignored: export.ignored.clone() };
    let metrics = book::metrics(&export.mapping, metrics, &mut notes);
    let books = book::books(plans, &metrics, &mut notes);
    let mut of: BTreeMap<&str, ForCustomer> = BTreeMap::new();
    let mut names = BTreeSet::new();
    let active: BTreeMap<&str, &str> = subscriptions
        .iter()
        .filter(|s| s.what.status == "active")
        .map(|s| (s.what.external_customer_id.as_str(), s.what.plan_code.as_str()))
        .collect();
    for row in customers {
        if of.contains_key(row.what.external_id.as_str()) {
            notes.reject(&row.place, "external_id", "another customer has it");
            continue;
        }
        let plan = active.get(row.what.external_id.as_str());
        let book = plan.and_then(|code| books.iter().find(|b| b.make.code == *code)).map(|b| &b.make);
        if let Some(account) = account::account(row, book, seller, &mut names, &mut notes) {
            let place = row.place.clone();
            let account = Step { place, make: account };
            let theirs =
                ForCustomer { account, terms: Vec::new(), credits: Vec::new(), balances: Vec::new(), paid: Vec::new() };
            of.insert(&row.what.external_id, theirs);
        }
    }
    contract::contracts(subscriptions, &books, seller, &mut of, &mut notes);
    wallet::credits(wallets, transactions, &metrics, seller, &mut of, &mut notes);
    let last_numbers = balance::balances(invoices, seller, &mut of, &mut notes);
    let Notes { mut rejects, mut ignored } = notes;
    rejects.sort();
    ignored.sort();
    let customers = of.into_values().collect();
    Plan { rows: *rows, metrics, books, customers, last_numbers, rejects, ignored }
}

/// What is told beside the plan, as it is found out.
#[derive(Default)]
pub(crate) struct Notes {
    pub rejects: Vec<Reject>,
    pub ignored: Vec<Ignored>,
}

impl Notes {
    /// The row is not in the plan.
    pub fn reject(&mut self, place: &Place, field: &str, reason: impl ToString) {
        self.add(place, field, reason, true);
    }

    /// The row is in the plan, without this.
    pub fn leave_out(&mut self, place: &Place, field: &str, reason: impl ToString) {
        self.add(place, field, reason, false);
    }

    fn add(&mut self, place: &Place, field: &str, reason: impl ToString, whole: bool) {
        self.rejects.push(Reject { place: place.clone(), field: field.to_owned(), reason: reason.to_string(), whole });
    }

    /// The row need not be in the plan.
    pub fn ignore(&mut self, place: &Place, reason: impl ToString) {
        self.ignored.push(Ignored { place: place.clone(), field: String::new(), reason: reason.to_string() });
    }

    /// A field that the plan does not need.
    pub fn ignore_field(&mut self, place: &Place, field: &str, reason: impl ToString) {
        self.ignored.push(Ignored { place: place.clone(), field: field.to_owned(), reason: reason.to_string() });
    }
}

/// Cents of Lago's as money.
pub(crate) fn cents(amount: i64, currency: Currency) -> Result<Money, String> {
    let amount = rust_decimal::Decimal::new(amount, currency.decimals());
    Money::exact(amount, currency).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
