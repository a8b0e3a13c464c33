//! What is answered, and sent, in more than one place? Made from docs/openapi.json.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AgreementView {
    pub account: String,
    pub created_at: String,
    /// Told to operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<u32>,
    pub from: String,
    pub id: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overage_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_class: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChargeView {
    pub amount: String,
    /// How many printed units the price is for.
    pub base_quantity: i64,
    /// After the plan's rounding, in base units.
    pub billed: i64,
    /// In percent; the amount is what is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<String>,
    pub energy_mj: i64,
    /// The part of the month in which the price holds.
    pub from: String,
    /// usage, reserved, unused, overage, recurring, once, goodwill or minimum.
    pub kind: String,
    /// As measured, in base units.
    pub metered: i64,
    /// Of usage the price book's price, else the agreement.
    pub price: String,
    pub priced_per: String,
    pub project: String,
    pub sku: String,
    /// Absent where the account owes it as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// From 0.
    pub tier: u32,
    pub to: String,
    pub unit: String,
    pub unit_price: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreditView {
    pub account: String,
    pub amount: MoneyView,
    pub created_at: String,
    /// The number of the deposit invoice that it got, where VAT is due when money is paid in advance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_invoice: Option<String>,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    pub from: String,
    pub id: String,
    /// `granted` or `paid`.
    pub kind: String,
    /// Of a paid one: when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_on: Option<String>,
    pub priority: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What is left of it.
    pub remaining: MoneyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// `open`, `drawn` (nothing is left), or `expired` (what is left pays for no later period).
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ForecastView {
    /// To the month's end, without taxes.
    pub amount: MoneyView,
    /// How it is made, in words.
    pub basis: String,
    /// The first hour that it was extrapolated from.
    pub from: String,
    /// Hours of the whole month.
    pub hours: i64,
    /// How many hours that is.
    pub hours_begun: i64,
    /// The end of the last one: the hour that has begun.
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HoldView {
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_ms: Option<i64>,
    /// `gap`, `suspense`, `quarantine`, `unpriced`, `tax`, `rounding`, `unratable`, `below_zero`, `reference`,
    /// `ceiling` or `purchase_order`.
    pub kind: String,
    pub to_do: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InvoiceView {
    pub account: String,
    /// The numbers of the documents that this one corrects, the first first.
    pub corrects: Vec<String>,
    pub created_at: String,
    /// Of a deposit invoice, and of a credit note that takes one back: the credit that was paid in advance. Its
    /// period is none that is billed, but the hour in which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<String>,
    /// Of an issued one, where it is on its way to the customer: `waiting`, `handed_over`, `submitted`, `rejected`,
    /// `refused` or `cashed`. What is known of it is under `/v1/invoices/{invoice}/hand-over`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// SHA-256 over everything that it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// What holds a parked one back, and what settles it.
    pub held_by: Vec<HoldView>,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<String>,
    pub issuer: String,
    /// Of an issued one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// With VAT. None while nobody can say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payable: Option<MoneyView>,
    /// Of an issued one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<StandingView>,
    /// Not included.
    pub period_end: String,
    pub period_start: String,
    /// What of that was paid in advance; of a credit note, what is an advance again.
    pub prepaid: MoneyView,
    /// The customer's, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order: Option<String>,
    /// `draft`, `parked` or `issued`.
    pub state: String,
    /// Without taxes. Of a parked one: what it came to when it was last tried. Below zero: a credit note.
    pub total: MoneyView,
}

/// An amount of one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MoneyView {
    #[serde(with = "crate::decimal")]
    pub amount: Decimal,
    pub currency: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectView {
    pub created_at: String,
    pub id: String,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SpendView {
    pub account: String,
    /// Until when usage is in it, as far as it has arrived.
    pub as_of: String,
    pub charges: Vec<ChargeView>,
    /// What the month comes to if it goes on like that, as a budget of basis `forecast` is judged by. Absent while
    /// less than 24 hours of it have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastView>,
    pub month: String,
    /// Of a tenant's spend: what its account owes as a whole beside it, as reservations that nobody used, fees and
    /// minimum spends. In no tenant's total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_account: Option<MoneyView>,
    /// Not included.
    pub period_end: String,
    pub period_start: String,
    /// Of a tenant's spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The sum of the charges, each rounded as on an invoice, without taxes.
    pub total: MoneyView,
    /// Usage that has no price yet: in no amount, and never for free.
    pub unpriced: Vec<UnpricedView>,
}

/// How an issued document stands with its payment, as of now. Of a credit note, amounts are below zero.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StandingView {
    /// Set against the period's credit notes; of one, against its invoices.
    pub credited: MoneyView,
    /// The last reminder that was due, from 1 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dunning_level: Option<i32>,
    /// Still owed; of a credit note, to the customer.
    pub open: MoneyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<String>,
    /// Returns taken off.
    pub paid: MoneyView,
    /// `open`, `partly_paid`, `overdue`, `paid`, `credited` (set against the period's other documents) or
    /// `written_off`.
    pub state: String,
    pub written_off: MoneyView,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TenantView {
    pub account: String,
    pub created_at: String,
    pub id: String,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TierView {
    pub price: String,
    /// In base units; absent in the last tier. Of a package: how much one holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnpricedView {
    pub from: String,
    /// In base units.
    pub metered: i64,
    /// `no price yet`.
    pub note: String,
    pub project: String,
    pub sku: String,
    pub tenant: String,
    pub to: String,
}
