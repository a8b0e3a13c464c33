#![doc = include_str!("../README.md")]

mod html;
mod json;
mod parties;
mod text;

pub use html::invoice_html;
pub use json::invoice_json;
pub use parties::{Coverage, Parties, Party};

/// What every document says of taxes, as long as none are computed.
pub const TAX_NOTE: &str = "Amounts exclude VAT and any other tax.";
