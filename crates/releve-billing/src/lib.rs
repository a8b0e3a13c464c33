#![doc = include_str!("../README.md")]

pub mod agreed;
pub mod book;
pub mod contract;
pub mod credits;
pub mod delivery;
pub mod digest;
pub mod estimate;
mod gather;
pub mod invoice;
pub mod orders;
pub mod payment;
pub mod price;
pub mod rate;
pub mod rating;
pub mod refusal;
pub mod rounding;
pub mod settle;
pub mod tax;
pub mod usage;
pub mod watch;

pub use agreed::{AgreedTerms, Agreement, Allowance, Matching, Percent, Scope, check_new_agreement};
pub use book::{PriceBook, check_new_price};
pub use contract::{Contract, Run, Term, check_new_term};
pub use credits::{Credit, CreditKind, Drawn, NewCredit, Offer, Purse};
pub use delivery::Delivery;
pub use digest::{BASIS_VERSION, Basis, BasisError, Recorded, Reports, digest};
pub use estimate::{Estimate, estimate};
pub use invoice::{
    Advances, BackBilling, Content, Corrected, DEPOSIT_BASIS_VERSION, Demands, Deposit, DepositRef, Draft, Hold,
    HoldKind, InvoiceError, Issued, Kind, Line, Number, Outcome, Parked, Stamp, Subject, VatOf, correct, draft, due_at,
    park,
};
pub use price::{Price, Tier, UnitPrice};
pub use rate::{Charge, ChargeKind, RateError, Rated, Unpriced, rate, rate_on};
pub use rating::Model;
pub use refusal::{PriceError, PriceReason};
pub use rounding::Rounding;
pub use settle::{Settled, settle};
pub use usage::{AllocationItem, AtOnceItem, Usage, UsageItem};
