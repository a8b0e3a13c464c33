//! Which VAT does a line bear, why, and what does it come to? Council Directive 2006/112/EC, in EN 16931's categories.

pub mod id;

mod decide;
mod exchange;
mod ground;
mod rate;
mod sum;

pub use self::{
    decide::{Buyer, BuyerKind, Missing, Scheme, Seller, TaxWordError, decide},
    exchange::{ExchangeRate, ExchangeRateError, RATE_AGE_DAYS_MAX, Stated, in_national_currency, stated_in},
    ground::{Category, Ground, GroundError},
    rate::{DatedRate, RateClass, RateClassError, VatRate, VatRateError, check_new_rate},
    sum::{Subtotal, TaxError, Taxes, Vat, tax},
};
