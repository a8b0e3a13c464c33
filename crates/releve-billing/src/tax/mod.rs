//! Which VAT does a line bear, why, and what does it come to? Council Directive 2006/112/EC, in EN 16931's categories.

pub mod id;

mod currency;
mod decide;
mod ground;
mod rate;
mod sum;

pub use self::{
    currency::in_national_currency,
    decide::{Buyer, BuyerKind, Missing, Scheme, Seller, TaxWordError, decide},
    ground::{Category, Ground, GroundError},
    rate::{DatedRate, RateClass, RateClassError, VatRate, VatRateError, check_new_rate},
    sum::{Subtotal, TaxError, Taxes, Vat, tax},
};
