//! Who stands on a document, and what beside the invoice it says?

use std::collections::BTreeMap;

use releve_types::{TenantId, Zone};

/// Seller and customer as they are named on the day of issue, and the names of the customer's tenants.
#[derive(Clone, Debug)]
pub struct Parties {
    pub issuer: Party,
    pub account: Party,
    /// A tenant that is not here is printed by its id.
    pub tenants: BTreeMap<TenantId, String>,
    /// The seller's: whose calendar the dates are of.
    pub zone: Zone,
}

/// A legal entity. What is empty is not printed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    pub name: String,
    /// Lines separated by line feeds.
    pub address: String,
    pub country: String,
    pub vat_id: String,
}

/// How much of the time in service of the nodes that the account used was reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coverage {
    pub expected_ms: i64,
    pub reported_ms: i64,
    /// What is missing and was accepted by a person; the rest of what is missing concerned nobody.
    pub accepted_ms: i64,
}

impl Parties {
    pub(crate) fn tenant(&self, tenant: TenantId) -> String {
        self.tenants.get(&tenant).cloned().unwrap_or_else(|| tenant.to_string())
    }
}
