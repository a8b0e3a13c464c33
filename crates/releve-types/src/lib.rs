#![doc = include_str!("../README.md")]

pub mod ids;
pub mod key;
pub mod language;
pub mod money;
pub mod period;
pub mod ranges;
pub mod sku;
pub mod time;
pub mod unit;

pub use ids::{AccountId, AllocationId, DeviceId, InvoiceId, NodeId, TenantId};
pub use key::TenantKey;
pub use language::Language;
pub use money::{Currency, Money};
pub use period::{BillingMonth, Period, Zone};
pub use ranges::Ranges;
pub use sku::Sku;
pub use time::{Day, Hour, Timestamp};
pub use unit::Unit;
