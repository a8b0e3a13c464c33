#![doc = include_str!("../README.md")]

pub mod api_keys;
pub mod archives;
pub mod audit;
pub mod audit_log;
pub mod billing_contracts;
pub mod billing_usage;
pub mod books;
pub mod catalog;
pub mod coverage;
pub mod customers;
pub mod documents;
pub mod floor;
pub mod gaps;
pub mod held_back;
pub mod idempotency;
pub mod invoices;
pub mod moves;
pub mod nodes;
pub mod numbers;
pub mod outbox;
pub mod partitions;
pub mod pool;
pub mod prices;
pub mod quarantine;
pub mod quarantine_views;
pub mod readings;
pub mod reports;
pub mod rollups;
pub mod rules;
pub mod runs;
pub mod sql_time;
pub mod tenure;
pub mod unbilled;
pub mod usage_views;

pub use pool::{Db, StoreError, TenantTx, Tx};
