#![doc = include_str!("../README.md")]

pub mod books;
pub mod catalog;
pub mod coverage;
pub mod floor;
pub mod moves;
pub mod pool;
pub mod quarantine;
pub mod readings;
pub mod reports;
pub mod rollups;
pub mod sql_time;
pub mod tenure;

pub use pool::{Db, StoreError, TenantTx, Tx};
