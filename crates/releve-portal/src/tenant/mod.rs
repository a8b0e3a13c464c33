//! What does a tenant see of itself? What it spends, uses, owes and has left.

pub(crate) mod alerts;
pub(crate) mod budgets;
pub(crate) mod credits;
pub(crate) mod evidence;
pub(crate) mod invoices;
pub(crate) mod keys;
pub(crate) mod overview;
pub(crate) mod prices;
pub(crate) mod questions;
pub(crate) mod usage;
pub(crate) mod webhooks;

use serde::Deserialize;

use crate::{
    api::{Failure, path, with_query},
    show::Amount,
    visitor::{Named, Visitor},
};

/// A month's spend, as the API tells it.
#[derive(Deserialize)]
pub(crate) struct Spend {
    pub month: String,
    pub period_start: String,
    pub period_end: String,
    pub as_of: String,
    pub total: Amount,
    pub of_account: Amount,
    pub forecast: Option<Forecast>,
    /// How many.
    pub charges: usize,
    pub by_sku: Parts,
    pub by_project: Parts,
    pub unpriced: Vec<Unpriced>,
}

/// What the month will come to, and of which hours that is known.
#[derive(Deserialize)]
pub(crate) struct Forecast {
    pub amount: Amount,
    pub from: String,
    pub hours_begun: i64,
    pub hours: i64,
}

/// What the largest parts of a spend come to.
#[derive(Deserialize)]
pub(crate) struct Parts {
    pub largest: Vec<Part>,
    /// Of all.
    pub count: usize,
}

#[derive(Deserialize)]
pub(crate) struct Part {
    pub name: String,
    pub amount: Amount,
    pub gpu_ms: i64,
    pub energy_mj: i64,
}

#[derive(Deserialize)]
pub(crate) struct Unpriced {
    pub project: String,
    pub sku: String,
    pub metered: i64,
}

#[derive(Deserialize)]
pub(crate) struct Usage {
    pub from: String,
    pub to: String,
    pub project: Option<String>,
    pub allocation: Option<String>,
    pub sku: String,
    pub unit: String,
    pub quantity: i64,
    pub energy_mj: i64,
    /// What had been counted until then is in it.
    pub as_of: String,
}

/// The most rows that one request to the API brings.
const ROWS_MAX: &str = "1000";

/// The tenant that a path names, if the visitor may see it: the API says so of every other request too.
async fn named(visitor: &Visitor, reference: &str) -> Result<Named, Failure> {
    if let Some(own) = visitor.about.tenant.clone() {
        return if own.id == reference || own.name == reference { Ok(own) } else { Err(Failure::not_found()) };
    }
    visitor.get(&path(&["v1", "tenants", reference])).await
}

async fn spend(visitor: &Visitor, tenant: &Named, month: Option<&str>) -> Result<Spend, Failure> {
    let month = month.filter(|month| !month.is_empty());
    visitor.get(&with_query(path(&["v1", "tenants", &tenant.id, "spend", "summary"]), &[("month", month)])).await
}
