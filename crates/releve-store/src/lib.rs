#![doc = include_str!("../README.md")]

pub mod pool;
pub mod sql_time;

pub use pool::{Db, StoreError, TenantTx, Tx};
