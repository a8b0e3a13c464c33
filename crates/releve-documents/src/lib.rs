#![doc = include_str!("../README.md")]

mod brand;
pub mod camt;
pub mod einvoice;
mod html;
mod json;
mod mentions;
mod parties;
mod pdf;
pub mod table;
mod text;
mod told;
mod words;

pub use brand::{Accent, Brand, BrandError, LOGO_BYTES_MAX, LOGO_SIDE_MAX, Logo};
pub use html::invoice_html;
pub use json::invoice_json;
pub use parties::{Coverage, Parties, Party, Terms};
pub use pdf::{PdfError, invoice_pdf};
