#![doc = include_str!("../README.md")]

pub mod storage;

pub use storage::{ObjectReader, ObjectWriter, Storage, StorageConfig, StorageError};
