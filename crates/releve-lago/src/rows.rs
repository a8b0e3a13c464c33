//! What does Lago say of a customer, a plan, a subscription, a wallet, an invoice? The fields that decide something here.
//!
//! Shapes are those of its API (v1, as of 2026): a field that is not named here is not read. Amounts in cents are in the
//! currency's smallest unit, whatever it is called.

use serde::Deserialize;

use crate::number::Exact;

/// Where a row stands, and what Lago calls it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    pub file: String,
    /// From 1; of a CSV, without its header.
    pub row: usize,
    /// Lago's id, or what there is of one.
    pub id: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row<T> {
    pub place: Place,
    pub what: T,
}

/// Text that may be null: null is empty.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default().trim().to_owned())
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    pub lago_id: String,
    pub external_id: String,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    #[serde(default, deserialize_with = "text")]
    pub legal_name: String,
    #[serde(default, deserialize_with = "text")]
    pub legal_number: String,
    #[serde(default, deserialize_with = "text")]
    pub tax_identification_number: String,
    #[serde(default, deserialize_with = "text")]
    pub address_line1: String,
    #[serde(default, deserialize_with = "text")]
    pub address_line2: String,
    #[serde(default, deserialize_with = "text")]
    pub city: String,
    #[serde(default, deserialize_with = "text")]
    pub zipcode: String,
    #[serde(default, deserialize_with = "text")]
    pub state: String,
    #[serde(default, deserialize_with = "text")]
    pub country: String,
    #[serde(default, deserialize_with = "text")]
    pub email: String,
    #[serde(default, deserialize_with = "text")]
    pub currency: String,
    #[serde(default, deserialize_with = "text")]
    pub timezone: String,
    /// `company` or `individual`.
    #[serde(default, deserialize_with = "text")]
    pub customer_type: String,
    /// In days.
    #[serde(default)]
    pub net_payment_term: Option<i64>,
    #[serde(default)]
    pub billing_configuration: Option<BillingConfiguration>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct BillingConfiguration {
    #[serde(default, deserialize_with = "text")]
    pub document_locale: String,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct BillableMetric {
    pub lago_id: String,
    pub code: String,
    pub aggregation_type: String,
    /// The property of an event that is added up.
    #[serde(default, deserialize_with = "text")]
    pub field_name: String,
    #[serde(default)]
    pub recurring: bool,
    #[serde(default, deserialize_with = "text")]
    pub expression: String,
    #[serde(default, deserialize_with = "text")]
    pub rounding_function: String,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    pub lago_id: String,
    pub code: String,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    pub interval: String,
    pub amount_cents: i64,
    pub amount_currency: String,
    /// In days.
    #[serde(default)]
    pub trial_period: Option<Exact>,
    #[serde(default)]
    pub pay_in_advance: bool,
    #[serde(default)]
    pub bill_charges_monthly: Option<bool>,
    #[serde(default)]
    pub charges: Vec<Charge>,
    #[serde(default)]
    pub minimum_commitment: Option<Commitment>,
    #[serde(default)]
    pub usage_thresholds: Vec<serde_json::Value>,
    #[serde(default)]
    pub fixed_charges: Vec<serde_json::Value>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Commitment {
    pub amount_cents: i64,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    pub lago_id: String,
    pub billable_metric_code: String,
    pub charge_model: String,
    #[serde(default)]
    pub pay_in_advance: bool,
    #[serde(default)]
    pub prorated: bool,
    #[serde(default)]
    pub min_amount_cents: i64,
    #[serde(default)]
    pub properties: Properties,
    #[serde(default)]
    pub filters: Vec<serde_json::Value>,
    #[serde(default)]
    pub applied_pricing_unit: Option<serde_json::Value>,
}

/// Of a charge: what its model needs.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Properties {
    #[serde(default)]
    pub amount: Option<Exact>,
    #[serde(default)]
    pub graduated_ranges: Vec<Range>,
    #[serde(default)]
    pub volume_ranges: Vec<Range>,
    #[serde(default)]
    pub free_units: Option<Exact>,
    #[serde(default)]
    pub package_size: Option<i64>,
    #[serde(default)]
    pub pricing_group_keys: Option<Vec<String>>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Range {
    pub to_value: Option<Exact>,
    pub per_unit_amount: Exact,
    #[serde(default)]
    pub flat_amount: Option<Exact>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    pub lago_id: String,
    pub external_id: String,
    pub external_customer_id: String,
    pub plan_code: String,
    pub status: String,
    #[serde(default, deserialize_with = "text")]
    pub billing_time: String,
    #[serde(default, deserialize_with = "text")]
    pub started_at: String,
    #[serde(default, deserialize_with = "text")]
    pub ending_at: String,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Wallet {
    pub lago_id: String,
    pub external_customer_id: String,
    pub status: String,
    pub currency: String,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    pub balance_cents: i64,
    #[serde(default, deserialize_with = "text")]
    pub created_at: String,
    #[serde(default, deserialize_with = "text")]
    pub expiration_at: String,
    #[serde(default)]
    pub applies_to: Option<AppliesTo>,
    #[serde(default)]
    pub recurring_transaction_rules: Vec<serde_json::Value>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct AppliesTo {
    #[serde(default)]
    pub fee_types: Vec<String>,
    #[serde(default)]
    pub billable_metric_codes: Vec<String>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct WalletTransaction {
    pub lago_id: String,
    pub lago_wallet_id: String,
    /// `pending` or `settled`.
    pub status: String,
    /// `purchased`, `granted`, `voided` or `invoiced`.
    pub transaction_status: String,
    /// `inbound` or `outbound`.
    pub transaction_type: String,
    /// In the wallet's currency, not in cents.
    pub amount: Exact,
    #[serde(default, deserialize_with = "text")]
    pub settled_at: String,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Invoice {
    pub lago_id: String,
    #[serde(default, deserialize_with = "text")]
    pub number: String,
    #[serde(default, deserialize_with = "text")]
    pub issuing_date: String,
    #[serde(default, deserialize_with = "text")]
    pub payment_due_date: String,
    #[serde(default, deserialize_with = "text")]
    pub invoice_type: String,
    pub status: String,
    pub payment_status: String,
    pub currency: String,
    pub total_amount_cents: i64,
    /// What is open of it; older versions don't say.
    #[serde(default)]
    pub total_due_amount_cents: Option<i64>,
    #[serde(default)]
    pub customer: Option<InvoiceCustomer>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct InvoiceCustomer {
    pub external_id: String,
}

/// Of a credit note, what decides whether it can be left behind.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct CreditNote {
    #[serde(default)]
    pub balance_amount_cents: Option<i64>,
}
