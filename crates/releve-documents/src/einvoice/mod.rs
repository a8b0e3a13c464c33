//! What does an invoice look like to another company's software? The semantic model of EN 16931-1, written as UBL or CII.
//!
//! [`of`] makes one of an issued invoice. `EInvoice` holds what the standard calls business terms (BT) and groups of
//! them (BG); [`ubl`] and [`cii`] write its two syntaxes; [`check`] says before issue which rules of the standard and of
//! the country it breaks.

mod cii;
mod code;
mod date;
mod issued;
mod line;
mod model;
mod party;
mod rules;
mod ubl;
mod xml;

pub use cii::cii;
pub use code::{DocumentType, MeansCode, NoteSubject, Profile, UnitCode, VatCategory, VatPoint};
pub use date::{Date, DateError};
pub use issued::of;
pub use line::{BaseQuantity, ItemAttribute, Line, LineAdjustment};
pub use model::{
    AccountingTax, Adjustment, AdjustmentBase, Delivery, EInvoice, Note, PaymentAccount, PaymentMeans, Preceding, Span,
    Totals, VatBreakdown, VatRate,
};
pub use party::{Address, Contact, Identifier, Party, Seller};
pub use rules::{Violation, check};
pub use ubl::ubl;
