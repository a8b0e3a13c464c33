//! What does a CSV export of Lago hold? Invoices; and fees and credit notes, which are told apart by their columns.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Export, File, at};
use crate::{
    number::decimal,
    rows::{Invoice, InvoiceCustomer, Row},
};

/// A row by its columns' names.
pub(crate) type Cells = BTreeMap<String, String>;

/// The rows of a CSV with a header; refused: the row, from 1, and what is wrong with it.
pub(crate) fn cells(bytes: &[u8]) -> Result<(Vec<String>, Vec<Cells>), (usize, String)> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => return Err((0, error.to_string())),
    };
    let mut rows = Vec::new();
    for (n, record) in reader.records().enumerate() {
        let record = record.map_err(|error| (n + 1, error.to_string()))?;
        rows.push(header.iter().cloned().zip(record.iter().map(|cell| cell.trim().to_owned())).collect());
    }
    Ok((header, rows))
}

pub(super) fn read(export: &mut Export, file: &File) {
    let (header, rows) = match cells(&file.bytes) {
        Ok(read) => read,
        Err((row, why)) => {
            export.rows += 1;
            return export.reject(at(file, row, ""), "", format!("no CSV: {why}"));
        }
    };
    let has = |name: &str| header.iter().any(|column| column == name);
    for (n, cells) in rows.iter().enumerate() {
        export.rows += 1;
        let cell = |name: &str| cells.get(name).map_or("", String::as_str);
        if has("fee_lago_id") {
            export.ignore(
                at(file, n + 1, cell("fee_lago_id")),
                "what Lago billed stays Lago's; `releve compare` reads it",
            );
        } else if has("customer_external_id") && has("invoice_number") && has("payment_status") {
            invoice(export, file, n + 1, cells);
        } else if header.iter().any(|column| column.starts_with("credit_note")) {
            export.reject(at(file, n + 1, ""), "", "a credit note: its page of the API says what is left of it");
        } else {
            export.reject(at(file, n + 1, ""), "", "a CSV that is no export of Lago: invoices, fees or credit notes");
        }
    }
}

fn invoice(export: &mut Export, file: &File, n: usize, cells: &Cells) {
    let cell = |name: &str| cells.get(name).cloned().unwrap_or_default();
    let place = at(file, n, &cell("lago_id"));
    let as_json: Value = json!(cells);
    if !export.is_new("invoices of a CSV", &place, &as_json) {
        return;
    }
    let cents = |name: &str| decimal(&cell(name)).and_then(|cents| i64::try_from(cents).ok());
    let Some(total_amount_cents) = cents("total_amount_cents") else {
        return export.reject(
            place,
            "total_amount_cents",
            format!("'{}' is no whole number", cell("total_amount_cents")),
        );
    };
    let what = Invoice {
        lago_id: cell("lago_id"),
        number: cell("invoice_number"),
        issuing_date: cell("issuing_date"),
        payment_due_date: cell("payment_due_date"),
        invoice_type: cell("invoice_type"),
        status: cell("status"),
        payment_status: cell("payment_status"),
        currency: cell("currency"),
        total_amount_cents,
        total_due_amount_cents: cents("total_due_amount_cents"),
        customer: Some(InvoiceCustomer { external_id: cell("customer_external_id") }),
    };
    export.invoices.push(Row { place, what });
}
