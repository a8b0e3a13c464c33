#![doc = include_str!("../README.md")]

mod draws;
pub mod exact;
pub mod focus;
pub mod journal;
pub mod month;
pub mod pack;
pub mod sheets;
mod standing;
mod sums;
pub mod table;

pub use table::{Cell, Column, ColumnType, Row, Schema, Table, TableError};
