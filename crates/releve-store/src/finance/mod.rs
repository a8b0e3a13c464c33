//! What finance takes away: facts of a month, its hours, how it was closed, and what was asked for.

pub mod closings;
pub mod exports;
pub mod facts;
pub mod hours;
