//! Does a message that the broker has confirmed always arrive, in order, whatever happens to the broker?

#![cfg(test)]

#[path = "broker/everyday.rs"]
mod everyday;
#[path = "broker/faults.rs"]
mod faults;
#[path = "broker/kit.rs"]
mod kit;
#[path = "broker/refusals.rs"]
mod refusals;
#[path = "broker/tls.rs"]
mod tls;
