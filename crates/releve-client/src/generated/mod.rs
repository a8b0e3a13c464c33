//! What can be asked, and what is answered? Made from docs/openapi.json by tests/clients/generate: change neither by hand.

mod access;
mod alerts;
mod billing;
mod budgets;
mod catalog;
mod customers;
mod finance;
mod intake;
mod prices;
mod quarantine;
mod service;
mod shared;
mod tenant;
mod webhooks;

pub use access::*;
pub use alerts::*;
pub use billing::*;
pub use budgets::*;
pub use catalog::*;
pub use customers::*;
pub use finance::*;
pub use intake::*;
pub use prices::*;
pub use quarantine::*;
pub use service::*;
pub use shared::*;
pub use tenant::*;
pub use webhooks::*;
