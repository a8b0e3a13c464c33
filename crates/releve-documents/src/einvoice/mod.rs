//! What does an invoice say to a machine? The semantic model of EN 16931-1, and its two syntaxes.
//!
//! `EInvoice` holds the standard's business terms; `of` makes one of an issued invoice; `ubl` and `cii` write it. Both say
//! the same, and the same arguments give the same bytes.

mod cii;
mod map;
mod model;
mod ubl;
mod xml;

pub use self::{
    cii::cii,
    map::of,
    model::{EInvoice, ELine, EParty, Endpoint, Note, Payment, TypeCode, VatBreakdown, VatPoint},
    ubl::ubl,
};
