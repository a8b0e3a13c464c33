//! What does the wire promise to those outside of it? Only the public functions are used here.

mod docs;
mod fates;
mod forge;
mod golden;
mod laws;
mod round_trip;
mod sample;
