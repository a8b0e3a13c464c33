//! What does a billable metric become? A SKU, its unit, how much one of Lago's units is, and which property holds the quantity.
//!
//! Said in `releve-mapping.json`, beside the export:
//!
//! ```json
//! { "metrics": {
//!     "gpu_hours": { "sku": "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west", "unit": "gpu_ms", "per": 3600000 },
//!     "storage":   { "sku": "meter/storage/default", "unit": "gib_second", "per": 3600, "property": "gb_hours", "fraction": "round" } } }
//! ```
//!
//! What is not named there becomes `meter/<code>/default`, counted one by one.

use std::collections::BTreeMap;

use releve_billing::UnitPrice;
use releve_types::{Sku, Unit, sku::slug};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{
    number::{Way, rounded},
    rows::BillableMetric,
};

/// The most base units that one of Lago's units can be: a petabyte, or 31,000 GPU-years.
pub const PER_MAX: i64 = 1_000_000_000_000_000;

/// What is said of metrics, by their codes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mapping {
    of: BTreeMap<String, Said>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct Said {
    sku: Option<String>,
    unit: Option<String>,
    per: Option<i64>,
    property: Option<String>,
    fraction: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    metrics: BTreeMap<String, Said>,
}

/// A mapping, or a metric, that can't be used: which field of which metric, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct MappingError {
    pub field: String,
    pub reason: String,
}

fn refused(field: impl Into<String>, reason: impl ToString) -> MappingError {
    MappingError { field: field.into(), reason: reason.to_string() }
}

/// What a billable metric is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metric {
    pub code: String,
    pub sku: Sku,
    pub unit: Unit,
    /// How many base units one of Lago's units is: 3,600,000 ms of a GPU-hour.
    pub per: i64,
    /// The property of an event that holds its quantity; none: each event is one.
    pub property: Option<String>,
    /// What is no whole number of base units is rounded to one, half up. Otherwise it is refused.
    pub rounds: bool,
}

impl Mapping {
    /// Reads the mapping file. Refused: the field, and why.
    pub fn parse(bytes: &[u8]) -> Result<Self, MappingError> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let document: Document = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| refused(error.path().to_string(), error.inner()))?;
        Ok(Self { of: document.metrics })
    }

    /// The codes that something is said of.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(String::as_str)
    }

    /// What a metric becomes. Refused: what is added up otherwise than a meter adds up.
    pub fn metric(&self, row: &BillableMetric) -> Result<Metric, MappingError> {
        let property = match row.aggregation_type.as_str() {
            "count_agg" | "count" => None,
            "sum_agg" | "sum" => Some(row.field_name.clone()),
            other => return Err(refused("aggregation_type", format!("'{other}': what is metered here is added up"))),
        };
        if row.recurring {
            return Err(refused(
                "recurring",
                "a quantity that is carried from month to month: report what is held, hour by hour",
            ));
        }
        if !row.expression.is_empty() {
            return Err(refused("expression", "an expression is computed where events are made, not here"));
        }
        let none = Said { sku: None, unit: None, per: None, property: None, fraction: None };
        let said = self.of.get(&row.code).unwrap_or(&none);
        let sku: Sku = match &said.sku {
            Some(text) => text.parse().map_err(|error| refused("mapping.sku", error))?,
            None => Sku::meter(&slug(&row.code), "default").map_err(|error| refused("code", error))?,
        };
        let unit: Unit = match (&said.unit, &sku) {
            (Some(text), _) => text.parse().map_err(|error| refused("mapping.unit", error))?,
            (None, Sku::Gpu { .. }) => Unit::GpuMs,
            (None, _) => Unit::Count,
        };
        if matches!(sku, Sku::Fee { .. }) || matches!(sku, Sku::Gpu { .. }) != (unit == Unit::GpuMs) {
            return Err(refused("mapping.unit", format!("{sku} is not counted in {unit}")));
        }
        let per = said.per.unwrap_or(1);
        if !(1..=PER_MAX).contains(&per) {
            return Err(refused("mapping.per", format!("1 to {PER_MAX} base units")));
        }
        let rounds = match said.fraction.as_deref() {
            None | Some("refuse") => false,
            Some("round") => true,
            Some(other) => return Err(refused("mapping.fraction", format!("'{other}': expected refuse or round"))),
        };
        let property = said.property.clone().or(property).filter(|name| !name.is_empty());
        Ok(Metric { code: row.code.clone(), sku, unit, per, property, rounds })
    }
}

impl Metric {
    /// A quantity of Lago's in base units. Refused: less than nothing, or no whole number of them.
    pub fn base_units(&self, quantity: Decimal) -> Result<i64, String> {
        if quantity.is_sign_negative() && !quantity.is_zero() {
            return Err(format!("{quantity} is below zero: what is metered here only adds up"));
        }
        let exact = quantity.checked_mul(Decimal::from(self.per)).filter(|_| quantity.scale() <= 12);
        let exact = exact.ok_or_else(|| format!("{quantity} has more digits than can be counted exactly"))?.normalize();
        let whole = if self.rounds { rounded(exact, 0, Way::HalfUp).unwrap_or(exact) } else { exact };
        if whole.scale() > 0 {
            let Self { per, unit, .. } = self;
            return Err(format!(
                "{quantity} × {per} is no whole number of {unit}; the mapping's fraction may say 'round'"
            ));
        }
        i64::try_from(whole).map_err(|_| format!("{quantity} is more than can be counted"))
    }

    /// Base units in Lago's unit.
    pub fn units(&self, base_units: i64) -> Decimal {
        (Decimal::from(base_units) / Decimal::from(self.per)).normalize()
    }

    /// A price of one of Lago's units as the price of our base quantity. Refused: what has more than six decimals so.
    pub fn price(&self, amount: Decimal) -> Result<UnitPrice, String> {
        let (printed, each) = (self.unit.base_quantity().1, self.unit.printed().1);
        let whole = amount.checked_mul(Decimal::from(printed)).and_then(|a| a.checked_mul(Decimal::from(each)));
        let price = whole.ok_or_else(|| format!("{amount} is too large"))? / Decimal::from(self.per);
        if price * Decimal::from(self.per) != amount * Decimal::from(printed) * Decimal::from(each) {
            return Err(format!("{amount} per unit has no end as a price per {}", self.unit.base_quantity().0));
        }
        UnitPrice::new(price).map_err(|error| error.reason.to_string())
    }
}
