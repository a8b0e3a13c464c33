//! Which bytes does a table become? CSV for people and spreadsheets, Parquet for data tools, and for a journal the layout of the FEC.

mod csv;
mod fec;
mod page;
mod parquet;

use std::{fmt, str::FromStr};

use releve_finance::{Row, Schema, TableError, table::Cell};
use rust_decimal::Decimal;

pub use self::{fec::journal_fec, page::month_end_page, parquet::ROW_GROUP_ROWS};

/// A file's format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    Csv,
    Parquet,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Csv, Self::Parquet];

    /// Its name, and the extension of its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no format: expected csv or parquet")]
pub struct FormatError(pub String);

impl FromStr for Format {
    type Err = FormatError;
    fn from_str(text: &str) -> Result<Self, FormatError> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| FormatError(text.chars().take(40).collect()))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("{table}.{column}: {value} has no place in a decimal of 38 digits")]
    Digits { table: &'static str, column: &'static str, value: Decimal },
    #[error("the file could not be written: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    #[error("the file could not be written: {0}")]
    Csv(#[from] ::csv::Error),
}

/// A file that is being written, in memory: as many rows as its maker puts into one file.
pub struct TableWriter(Kind);

enum Kind {
    Csv(Box<csv::CsvWriter>),
    Parquet(Box<parquet::ParquetWriter>),
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableWriter").finish_non_exhaustive()
    }
}

impl TableWriter {
    pub fn new(format: Format, schema: &'static Schema) -> Result<Self, WriteError> {
        Ok(Self(match format {
            Format::Csv => Kind::Csv(Box::new(csv::CsvWriter::new(schema)?)),
            Format::Parquet => Kind::Parquet(Box::new(parquet::ParquetWriter::new(schema)?)),
        }))
    }

    pub fn push(&mut self, row: Row) -> Result<(), WriteError> {
        match &mut self.0 {
            Kind::Csv(writer) => writer.push(&row),
            Kind::Parquet(writer) => writer.push(row),
        }
    }

    /// The same rows give the same bytes.
    pub fn finish(self) -> Result<Vec<u8>, WriteError> {
        match self.0 {
            Kind::Csv(writer) => writer.finish(),
            Kind::Parquet(writer) => writer.finish(),
        }
    }
}

/// A whole table as a file.
pub fn table_file(
    format: Format,
    schema: &'static Schema,
    rows: impl IntoIterator<Item = Row>,
) -> Result<Vec<u8>, WriteError> {
    let mut writer = TableWriter::new(format, schema)?;
    for row in rows {
        writer.push(row)?;
    }
    writer.finish()
}

/// A decimal as text, with two decimals at least: no reader takes its column for integers.
fn decimal_text(value: Decimal) -> String {
    let mut value = value.normalize();
    value.rescale(value.scale().max(2));
    value.to_string()
}

/// A cell as text; nothing is empty.
fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) | Cell::Json(text) => text.clone(),
        Cell::Integer(value) => value.to_string(),
        Cell::Decimal(value) => decimal_text(*value),
        Cell::Timestamp(at) => at.to_string(),
        Cell::Date(day) => day.to_string(),
        Cell::Boolean(value) => value.to_string(),
    }
}
