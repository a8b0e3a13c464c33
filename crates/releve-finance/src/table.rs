//! In what shape does finance take figures away? Tables: named columns of one type each, and rows that keep to them. Which bytes they
//! become is the business of `releve-documents`.

use releve_types::{Day, Money, Timestamp};
use rust_decimal::Decimal;

/// Digits of the widest decimal: what Parquet's and DuckDB's `decimal(38, s)` hold.
pub const DECIMAL_DIGITS_MAX: u32 = 38;

/// What stands in a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    Text,
    Integer,
    /// With at most so many decimals.
    Decimal(u32),
    /// A UTC instant in milliseconds.
    Timestamp,
    Date,
    /// An object, in one line.
    Json,
    Boolean,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    pub name: &'static str,
    pub holds: ColumnType,
    pub nullable: bool,
}

impl Column {
    pub const fn new(name: &'static str, holds: ColumnType) -> Self {
        Self { name, holds, nullable: false }
    }

    #[must_use]
    pub const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// One value. Nothing at all is not an empty text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Decimal(Decimal),
    Timestamp(Timestamp),
    Date(Day),
    Json(String),
    Boolean(bool),
}

impl Cell {
    pub fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    /// Nothing, where there is no text.
    pub fn text_or_null(value: impl Into<String>) -> Self {
        let value = value.into();
        if value.is_empty() { Self::Null } else { Self::Text(value) }
    }

    pub fn or_null<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, cell)
    }

    const fn fits(&self, column: &Column) -> bool {
        match (self, column.holds) {
            (Self::Null, _) => column.nullable,
            (Self::Decimal(value), ColumnType::Decimal(scale)) => value.scale() <= scale,
            (Self::Text(_), ColumnType::Text)
            | (Self::Integer(_), ColumnType::Integer)
            | (Self::Timestamp(_), ColumnType::Timestamp)
            | (Self::Date(_), ColumnType::Date)
            | (Self::Json(_), ColumnType::Json)
            | (Self::Boolean(_), ColumnType::Boolean) => true,
            _ => false,
        }
    }
}

impl From<Money> for Cell {
    fn from(money: Money) -> Self {
        Self::Decimal(money.amount())
    }
}

/// A row that is not what its table promises: a fault of whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("{table}: a row has {found} values for {columns} columns")]
    Width { table: &'static str, found: usize, columns: usize },
    #[error("{table}.{column}: {found} does not fit")]
    Cell { table: &'static str, column: &'static str, found: String },
}

/// What a table is called and which columns it has. The name is that of its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schema {
    pub name: &'static str,
    pub columns: &'static [Column],
}

impl Schema {
    pub fn check(&self, row: &[Cell]) -> Result<(), TableError> {
        if row.len() != self.columns.len() {
            return Err(TableError::Width { table: self.name, found: row.len(), columns: self.columns.len() });
        }
        for (cell, column) in row.iter().zip(self.columns) {
            if !cell.fits(column) {
                return Err(TableError::Cell { table: self.name, column: column.name, found: format!("{cell:?}") });
            }
        }
        Ok(())
    }
}

pub type Row = Vec<Cell>;

/// A whole table, where it is small enough to be held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    pub schema: &'static Schema,
    pub rows: Vec<Row>,
}

impl Table {
    pub fn check(&self) -> Result<(), TableError> {
        self.rows.iter().try_for_each(|row| self.schema.check(row))
    }
}
