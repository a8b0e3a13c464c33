//! What does the wire promise to those outside of it? Only the public functions are used here.

mod round_trip;
mod sample;
