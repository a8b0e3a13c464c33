//! The agent as a whole: against a real receiver over HTTP, in its own time, killed, and from the command line.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod command_line;
mod common;
mod killed;
mod own_time;
