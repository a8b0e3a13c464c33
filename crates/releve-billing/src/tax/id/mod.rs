//! Can this id be one? Ids of taxpayers, companies and bank accounts carry check digits: a slip of the hand is told
//! before an invoice is sent.
//!
//! All is judged by the text alone. That an id was given to somebody, and to whom, only who gave it can say (for VAT ids
//! the Commission's VIES, Regulation (EU) 904/2010, Art. 31).

mod bic;
mod checksum;
mod country;
mod iban;
mod rules;
mod siren;
mod spelling;
mod territory;
mod vat;

pub use self::{
    bic::{Bic, BicError},
    iban::{IBAN_CHARS, Iban, IbanError},
    siren::{Siren, SirenError, Siret, SiretError},
    territory::is_eu,
    vat::{NORTHERN_IRELAND, VatId, VatIdError},
};
