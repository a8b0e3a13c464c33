#![doc = include_str!("../README.md")]

pub mod camt;
pub mod einvoice;
mod html;
mod json;
mod mentions;
mod parties;
mod pdf;
mod text;
mod told;
mod words;

pub use html::invoice_html;
pub use json::invoice_json;
pub use parties::{Coverage, Parties, Party, Terms};
pub use pdf::{PdfError, invoice_pdf};
