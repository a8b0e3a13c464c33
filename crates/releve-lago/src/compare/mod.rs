//! Where does what we rated differ from what Lago billed, by how much, and why? Per customer and SKU of a month.
//!
//! A difference gets a reason only if the reason explains it to the cent; else it is unexplained, whatever seems likely.

mod explain;
mod predict;
mod reason;

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::Model;
use releve_types::{Currency, Sku, Unit, sku::slug};
use rust_decimal::Decimal;

pub use self::reason::{Reason, Why};
use crate::{fees::FeeRow, mapping::Metric};

/// What making up for a minimum is called on our invoices.
const MINIMUM: &str = "minimum-spend";

/// What we rated of one SKU for one customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ours {
    /// The tenant's name: what the customer is called outside of Lago.
    pub customer: String,
    pub sku: Sku,
    pub unit: Unit,
    /// In base units, as billed.
    pub billed: i64,
    /// Usage that has no price.
    pub unpriced: i64,
    pub currency: Currency,
    /// Before what is off it.
    pub gross: Decimal,
    pub net: Decimal,
    /// The price that held for all of the month; none where it changed, and of fees.
    pub model: Option<Model>,
    /// In percent, of a discount on all of it.
    pub discount: Option<Decimal>,
    /// Of a fee by the month: what a whole month costs.
    pub monthly: Option<Decimal>,
    pub facts: Facts,
}

/// What is known beside the totals, and may explain a difference. Quantities are in base units.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// What came in after the month was closed, and is counted in it all the same.
    pub late: i64,
    /// What came in late for earlier months, which Lago counts when it comes.
    pub late_before: i64,
    /// What is missing from nodes that were in service, at most: gaps, accepted or not.
    pub missing: i64,
    /// What was sent again, and counted once.
    pub duplicates: i64,
    /// What of the quantity Lago gives free.
    pub free: i64,
    /// What the month would hold if it began at another zone's midnight.
    pub in_zone: BTreeMap<String, i64>,
    /// What credits take off.
    pub credit: Decimal,
    /// What a coupon of Lago's takes off.
    pub coupon: Decimal,
    /// VAT rates that the customer is charged, in percent.
    pub vat_rates: Vec<Decimal>,
    /// How many days the month has.
    pub days: u32,
}

/// Who is who, and what is what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Metrics by their codes.
    pub metrics: BTreeMap<String, Metric>,
    /// Customers' external ids by their subscriptions'.
    pub subscriptions: BTreeMap<String, String>,
    pub customers: BTreeSet<String>,
}

/// What Lago billed of one SKU to one customer: its fees, added up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Billed {
    pub currency: Currency,
    /// In Lago's units.
    pub units: Decimal,
    pub net: Decimal,
    pub tax: Decimal,
    /// Where all its fees have one.
    pub unit_amount: Option<Decimal>,
    pub fees: u32,
}

/// A pair that was compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub customer: String,
    pub sku: String,
    pub ours: Option<Side>,
    pub lago: Option<Side>,
    pub why: Why,
}

/// One side, in Lago's units.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    pub quantity: Decimal,
    pub amount: Decimal,
    pub currency: Currency,
}

impl Finding {
    /// Lago's − ours; none across currencies.
    pub fn difference(&self) -> Option<(Decimal, Decimal)> {
        let of = |side: &Option<Side>| side.as_ref().map_or((Decimal::ZERO, Decimal::ZERO), |s| (s.quantity, s.amount));
        if let (Some(ours), Some(lago)) = (&self.ours, &self.lago)
            && ours.currency != lago.currency
        {
            return None;
        }
        let (ours, lago) = (of(&self.ours), of(&self.lago));
        Some(((lago.0 - ours.0).normalize(), (lago.1 - ours.1).normalize()))
    }
}

type Key = (String, String);

/// Compares a month, pair by pair, in the order of customers and SKUs.
pub fn compare(ours: &[Ours], fees: &[FeeRow], known: &Known) -> Vec<Finding> {
    let by_code: BTreeMap<String, &Metric> = known.metrics.values().map(|m| (m.sku.to_string(), m)).collect();
    let billed = billed(fees, known);
    let mut of: BTreeMap<Key, &Ours> = BTreeMap::new();
    for row in ours {
        of.insert((row.customer.clone(), row.sku.to_string()), row);
    }
    let keys: BTreeSet<&Key> = of.keys().chain(billed.keys()).collect();
    let ours_have: BTreeSet<&str> = ours.iter().map(|row| row.customer.as_str()).collect();
    let lago_has: BTreeSet<&str> = billed.keys().map(|(customer, _)| customer.as_str()).collect();
    let mut findings = Vec::new();
    for key in keys {
        let (mine, theirs) = (of.get(key).copied(), billed.get(key));
        let metric = by_code.get(&key.1).copied();
        let why = match (mine, theirs) {
            (Some(mine), Some(theirs)) => explain::explain(&predict::Pair { ours: mine, lago: theirs, metric }),
            (None, Some(theirs)) if theirs.net.is_zero() && theirs.units.is_zero() => Why::equal(),
            (None, Some(_)) if key.1.starts_with("code/") => Why::of(Reason::UnknownMetric),
            (None, Some(_)) if !known.customers.contains(&key.0) => Why::of(Reason::CustomerMissingHere),
            (None, Some(_)) if !ours_have.contains(key.0.as_str()) => Why::of(Reason::NothingHere),
            (None, Some(_)) => Why::of(Reason::SkuMissingHere),
            (Some(_), None) if !lago_has.contains(key.0.as_str()) => Why::of(Reason::CustomerMissingThere),
            _ => Why::of(Reason::SkuMissingThere),
        };
        let per = metric.map_or(1, |m| m.per);
        findings.push(Finding {
            customer: key.0.clone(),
            sku: key.1.clone(),
            ours: mine.map(|o| side_of(o, per)),
            lago: theirs.map(|b| Side { quantity: b.units, amount: b.net, currency: b.currency }),
            why,
        });
    }
    reason::minimums(&mut findings, MINIMUM);
    findings
}

fn side_of(ours: &Ours, per: i64) -> Side {
    let quantity = (Decimal::from(ours.billed + ours.unpriced) / Decimal::from(per)).normalize();
    Side { quantity, amount: ours.net, currency: ours.currency }
}

/// Lago's fees by customer and SKU. A metric without a SKU goes by `code/<its code>`.
fn billed(fees: &[FeeRow], known: &Known) -> BTreeMap<Key, Billed> {
    let mut billed: BTreeMap<Key, Billed> = BTreeMap::new();
    for fee in fees {
        let customer = match known.subscriptions.get(&fee.external_subscription_id) {
            Some(customer) => customer.clone(),
            None if fee.external_customer_id.is_empty() => format!("subscription {}", fee.external_subscription_id),
            None => fee.external_customer_id.clone(),
        };
        let sku = match fee.item_type.as_str() {
            "charge" => known
                .metrics
                .get(&fee.item_code)
                .map_or_else(|| format!("code/{}", fee.item_code), |m| m.sku.to_string()),
            "commitment" => format!("fee/{MINIMUM}"),
            _ => format!("fee/{}", slug(&fee.item_code)),
        };
        match billed.entry((customer, sku)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                let FeeRow { currency, units, net, tax, unit_amount, .. } = *fee;
                entry.insert(Billed { currency, units, net, tax, unit_amount, fees: 1 });
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let sum = entry.get_mut();
                sum.units += fee.units;
                sum.net += fee.net;
                sum.tax += fee.tax;
                sum.unit_amount = sum.unit_amount.filter(|amount| Some(*amount) == fee.unit_amount);
                sum.fees += 1;
            }
        }
    }
    billed
}

#[cfg(test)]
mod tests;
