//! What does a finance department take home? The issued invoices of one period: their lines as one CSV, and each document.
//!
//! `RELEVE_URL=… RELEVE_KEY=… cargo run --example finance_export -- 2026-10-01T00:00:00Z DIR`, with a key of `operator:read`.
//! It may be run again: an issued invoice does not change, and a file that is there is written over with the same bytes.

use std::{env, fmt::Write as _, fs, path::Path};

use anyhow::Context as _;
use releve_client::{Client, InvoiceView, ListInvoicesQuery};
use serde::Deserialize;

/// Rows of a page: lists are read page after page, however long they are.
const PAGE_LEN: u64 = 2;
const COLUMNS: [&str; 11] = [
    "number",
    "kind",
    "issue_date",
    "line",
    "description",
    "tenant",
    "quantity",
    "quantity_unit",
    "unit_price",
    "amount",
    "currency",
];

/// What is needed of the format `releve-invoice/1`. New fields may come; amounts are text, with all their digits.
#[derive(Deserialize)]
struct Document {
    /// Of a `credit_note`, figures are what is given back, without a sign.
    kind: String,
    issue_date: String,
    currency: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    line: u32,
    description: String,
    #[serde(default)]
    tenant_name: String,
    quantity: String,
    quantity_unit: String,
    unit_price: String,
    amount: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let usage = "usage: finance_export PERIOD_START DIR";
    let (period_start, dir) = (env::args().nth(1).context(usage)?, env::args().nth(2).context(usage)?);
    let client = Client::new(&env::var("RELEVE_URL")?, &env::var("RELEVE_KEY")?)?;
    let dir = Path::new(&dir);
    fs::create_dir_all(dir)?;
    let mut csv = row(&COLUMNS.map(str::to_owned));
    let query = ListInvoicesQuery {
        state: Some("issued".to_owned()),
        period_start: Some(period_start),
        limit: Some(PAGE_LEN),
        ..Default::default()
    };
    let (mut pages, mut invoices) = (client.all_invoices(&query), 0);
    while let Some(page) = pages.next_page().await? {
        for invoice in page {
            csv += &export(&client, &invoice, dir).await?;
            invoices += 1;
        }
    }
    fs::write(dir.join("lines.csv"), csv)?;
    println!("{invoices} invoices");
    Ok(())
}

/// Writes an invoice's documents, and gives its rows.
async fn export(client: &Client, invoice: &InvoiceView, dir: &Path) -> anyhow::Result<String> {
    let number = invoice.number.as_deref().context("an issued invoice has a number")?;
    fs::write(dir.join(format!("{number}.pdf")), client.get_invoice_pdf(&invoice.id).await?)?;
    match client.get_invoice_electronic(&invoice.id, "ubl").await {
        Ok(xml) => fs::write(dir.join(format!("{number}.xml")), xml)?,
        // Not every document has an electronic form: a private customer's in another country, say.
        Err(error) if error.code() == Some("not_found") => {}
        Err(error) => return Err(error.into()),
    }
    let document: Document = serde_json::from_value(client.get_invoice_document(&invoice.id).await?)?;
    let rows = document.lines.iter().map(|line| {
        row(&[
            number.to_owned(),
            document.kind.clone(),
            document.issue_date.clone(),
            line.line.to_string(),
            line.description.clone(),
            line.tenant_name.clone(),
            line.quantity.clone(),
            line.quantity_unit.clone(),
            line.unit_price.clone(),
            line.amount.clone(),
            document.currency.clone(),
        ])
    });
    Ok(rows.collect())
}

/// A row of CSV (RFC 4180), each field in quotes.
fn row(fields: &[String]) -> String {
    let mut text = String::new();
    for (n, field) in fields.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\"{}\"", field.replace('"', "\"\""));
    }
    text + "\n"
}
