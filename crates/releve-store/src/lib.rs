#![doc = include_str!("../README.md")]

pub mod api_keys;
pub mod audit_log;
pub mod books;
pub mod catalog;
pub mod coverage;
pub mod customers;
pub mod floor;
pub mod idempotency;
pub mod moves;
pub mod nodes;
pub mod pool;
pub mod prices;
pub mod quarantine;
pub mod quarantine_views;
pub mod readings;
pub mod reports;
pub mod rollups;
pub mod rules;
pub mod sql_time;
pub mod tenure;
pub mod usage_views;

pub use pool::{Db, StoreError, TenantTx, Tx};
