//! How do looks become reports? Pure: time, sights and energy go in, closed windows come out.

mod bound;
mod details;
mod energy;
mod observe;
mod open;
mod seen;
mod tick;
mod window;

pub use bound::bytes_bound;
pub use details::DetailsBook;
pub use energy::Energy;
pub use observe::{Piece, PieceKey, pieces};
pub use open::{Observed, OpenWindow, Span, extend, observe};
pub use seen::Seen;
pub use tick::{CLOCK_STEP_MS_TOLERATED, Meter, MeterSettings, Ticked};
pub use window::{cut, spread_delay_ms, window_at};

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
