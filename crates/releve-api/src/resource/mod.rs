//! Which resources are there? One file each; a handler is scope → input → one call → view.

pub mod accounts;
pub mod allocations;
pub mod api_keys;
pub mod audit_log;
pub mod billing_runs;
pub mod contracts;
pub mod coverage;
pub mod devices;
pub mod flags;
pub mod gaps;
pub mod invoices;
pub mod issuers;
pub mod key_rules;
pub mod nodes;
mod party;
pub mod price_books;
pub mod prices;
pub mod projects;
pub mod quarantine;
pub mod readings;
pub mod reports;
pub mod skus;
pub mod spend;
pub mod suspense;
pub mod tenants;
pub mod usage;
pub mod vat_rates;
