//! Which VAT ids can a country have given out? One file for each country whose ids are of several kinds.
//!
//! Each rule is asked only for what has one of the country's forms, and without the prefix.

pub(super) mod britain;
pub(super) mod bulgaria;
pub(super) mod cyprus;
pub(super) mod czechia;
pub(super) mod france;
pub(super) mod ireland;
pub(super) mod latvia;
pub(super) mod lithuania;
pub(super) mod netherlands;
pub(super) mod single;
pub(super) mod spain;
