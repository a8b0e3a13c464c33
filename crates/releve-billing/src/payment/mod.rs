//! What has been paid, what is open, and whom to remind?
//!
//! Nothing of it is stored as a state: `standings` derives it from dated facts, which are documents, what payments were
//! set against them, and what was written off.

mod dunning;
mod matching;
mod split;
mod standing;

pub use self::{
    dunning::{DUNNING_DAYS_MAX, DUNNING_LEVELS_MAX, Dunning, DunningError},
    matching::{Candidate, HeldFor, Part, allot, numbers_in, take_back},
    split::{Share, split},
    standing::{Item, PaymentState, Standing, standings},
};
