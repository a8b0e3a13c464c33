//! Who stands on a document, and what beside the invoice it says?

use std::collections::BTreeMap;

use releve_billing::tax::Scheme;
use releve_types::{Language, TenantId, Zone};

use crate::{Brand, words::Words};

/// Seller and customer as they are named on the day of issue, and the names of the customer's tenants.
#[derive(Clone, Debug)]
pub struct Parties {
    pub issuer: Party,
    pub terms: Terms,
    /// The seller's: how its pages look.
    pub brand: Brand,
    pub account: Party,
    /// What the customer wants to read on its invoices; empty for nothing.
    pub buyer_reference: String,
    /// A tenant that is not here is printed by its id.
    pub tenants: BTreeMap<TenantId, String>,
    /// The seller's: whose calendar the dates are of.
    pub zone: Zone,
    /// Of the pages for people; the electronic invoice and the JSON are as they are.
    pub language: Language,
}

/// A legal entity. What is empty is not printed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    pub name: String,
    /// Lines separated by line feeds.
    pub address: String,
    pub postcode: String,
    pub city: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub vat_id: String,
    /// The number in the register of companies: in France, the SIREN.
    pub legal_id: String,
    pub email: String,
}

/// What stands on a seller's invoices beside its name. What is empty is not printed, or is as the law sets it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// How the seller stands to VAT; none before that was asked.
    pub vat_scheme: Option<Scheme>,
    /// Legal form, capital, register.
    pub legal_mentions: String,
    pub iban: String,
    pub bic: String,
    /// What is owed on late payment, in words.
    pub late_penalty: String,
    /// VAT is due when invoiced, not when paid.
    pub vat_on_debits: bool,
}

/// Whether time of the nodes that the account held is missing from what they reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// The GPU time that it may have held then: a person decided to bill around it.
    pub missing_gpu_ms: i64,
}

impl Parties {
    pub(crate) fn whose(&self, tenant: Option<TenantId>) -> String {
        tenant.map_or_else(|| Words::of(self.language).by_contract.to_owned(), |tenant| self.tenant(tenant))
    }

    pub(crate) fn tenant(&self, tenant: TenantId) -> String {
        self.tenants.get(&tenant).cloned().unwrap_or_else(|| tenant.to_string())
    }
}
