//! How is a table written as CSV (RFC 4180)? In UTF-8, with a header; what is not there is empty.

use ::csv::{QuoteStyle, Terminator, WriterBuilder};
use releve_finance::{Row, Schema, table::Cell};

use super::{WriteError, text};

pub struct CsvWriter {
    schema: &'static Schema,
    inner: ::csv::Writer<Vec<u8>>,
}

impl CsvWriter {
    pub fn new(schema: &'static Schema) -> Result<Self, WriteError> {
        let mut builder = WriterBuilder::new();
        builder.terminator(Terminator::CRLF).quote_style(QuoteStyle::Necessary);
        let mut inner = builder.from_writer(Vec::new());
        inner.write_record(schema.columns.iter().map(|column| column.name))?;
        Ok(Self { schema, inner })
    }

    pub fn push(&mut self, row: &Row) -> Result<(), WriteError> {
        self.schema.check(row)?;
        self.inner.write_record(row.iter().map(|cell| {
            let text = text(cell);
            if matches!(cell, Cell::Text(_)) { harmless(text) } else { text }
        }))?;
        Ok(())
    }

    pub fn finish(self) -> Result<Vec<u8>, WriteError> {
        self.inner.into_inner().map_err(|error| WriteError::Csv(error.into_error().into()))
    }
}

/// What a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text }
}
