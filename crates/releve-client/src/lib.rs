#![doc = include_str!("../README.md")]
//!
//! | module | question |
//! | --- | --- |
//! | [`client`] | how is the API asked, and how long is waited for it? |
//! | [`error`] | what can come back instead of an answer? |
//! | [`pages`] | how is a long list read? |
//! | `generated` | what can be asked, and what is answered? A method of [`Client`] per operation, a type per schema |

pub mod client;
mod decimal;
pub mod error;
mod generated;
pub mod pages;
mod request;

pub use client::Client;
pub use error::Error;
pub use generated::*;
pub use pages::{Page, Pages, Paging};
