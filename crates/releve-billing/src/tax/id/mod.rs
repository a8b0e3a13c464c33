//! Can this id be one? VAT ids and bank accounts carry check digits, so that a slip of the hand is told before an invoice
//! is sent. That an id was given to somebody, only who gave it can say.

mod bank;
mod checksum;
mod vat;

pub use self::{
    bank::{Bic, BicError, Iban, IbanError},
    vat::{VatId, VatIdError, is_eu, is_siren},
};
