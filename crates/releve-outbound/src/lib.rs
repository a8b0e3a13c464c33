#![doc = include_str!("../README.md")]

pub mod guard;
pub mod mail;
pub mod oidc;
pub mod storage;
pub mod webhook;

pub use ipnet::IpNet;
pub use mail::{Mail, MailSender};
pub use storage::{ObjectReader, ObjectWriter, Storage, StorageConfig, StorageError};
pub use webhook::WebhookSender;
