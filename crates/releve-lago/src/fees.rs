//! What did Lago bill? Its CSV export of invoices' fees, a row each, as numbers.

use releve_types::{Currency, Timestamp};
use rust_decimal::Decimal;

use crate::{
    number::{decimal, instant},
    read::{Reject, csv_cells},
    rows::Place,
};

/// A fee on an invoice of Lago's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeeRow {
    pub place: Place,
    pub invoice_number: String,
    /// `charge`, `subscription`, `commitment`, `add_on` or `credit`.
    pub item_type: String,
    /// The metric's of a charge, the plan's of a subscription.
    pub item_code: String,
    pub external_subscription_id: String,
    /// Only where the export has such a column.
    pub external_customer_id: String,
    /// What it is billed for.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub currency: Currency,
    pub units: Decimal,
    /// Before rounding, in the currency.
    pub unit_amount: Option<Decimal>,
    /// Without tax.
    pub net: Decimal,
    pub tax: Decimal,
}

/// Columns without which nothing can be compared.
const NEEDED: [&str; 7] = [
    "fee_lago_id",
    "fee_item_type",
    "fee_item_code",
    "subscription_external_id",
    "fee_amount_currency",
    "fee_units",
    "fee_total_amount_cents",
];

/// Reads the export. Rows that can't be read are told with the field; an error means that it is no such export.
pub fn read_fees(name: &str, bytes: &[u8]) -> Result<(Vec<FeeRow>, Vec<Reject>), String> {
    let (header, rows) = csv_cells(bytes).map_err(|(row, why)| format!("row {row}: {why}"))?;
    let missing: Vec<&str> = NEEDED.into_iter().filter(|column| !header.iter().any(|h| h == column)).collect();
    if !missing.is_empty() {
        return Err(format!("no export of fees: it lacks the columns {}", missing.join(", ")));
    }
    let (mut fees, mut rejects) = (Vec::new(), Vec::new());
    for (n, cells) in rows.iter().enumerate() {
        let cell = |name: &str| cells.get(name).map_or("", String::as_str);
        let place = Place { file: name.to_owned(), row: n + 1, id: cell("fee_lago_id").to_owned() };
        match fee(&place, cell) {
            Ok(fee) => fees.push(fee),
            Err((field, reason)) => rejects.push(Reject { place, field: field.to_owned(), reason, whole: true }),
        }
    }
    Ok((fees, rejects))
}

fn fee<'a>(place: &Place, cell: impl Fn(&str) -> &'a str) -> Result<FeeRow, (&'static str, String)> {
    let number =
        |name: &'static str| decimal(cell(name)).ok_or_else(|| (name, format!("'{}' is no number", cell(name))));
    let currency: Currency = cell("fee_amount_currency")
        .parse()
        .map_err(|error: releve_types::money::MoneyError| ("fee_amount_currency", error.to_string()))?;
    let cents = |amount: Decimal| amount / Decimal::from(10_i64.pow(currency.decimals()));
    let tax = if cell("fee_taxes_amount_cents").is_empty() {
        Decimal::ZERO
    } else {
        cents(number("fee_taxes_amount_cents")?)
    };
    // Where the amount without tax stands beside the total, it is the one that counts.
    let net = match cell("fee_amount_cents") {
        "" => cents(number("fee_total_amount_cents")?) - tax,
        _ => cents(number("fee_amount_cents")?),
    };
    let at = |name: &str| instant(cell(name));
    Ok(FeeRow {
        place: place.clone(),
        invoice_number: cell("invoice_number").to_owned(),
        item_type: cell("fee_item_type").to_owned(),
        item_code: cell("fee_item_code").to_owned(),
        external_subscription_id: cell("subscription_external_id").to_owned(),
        external_customer_id: cell("customer_external_id").to_owned(),
        from: at("fee_from_date_utc"),
        to: at("fee_to_date_utc"),
        currency,
        units: number("fee_units")?,
        unit_amount: decimal(cell("fee_precise_unit_amount")),
        net: net.normalize(),
        tax: tax.normalize(),
    })
}

impl FeeRow {
    /// The middle of what it is billed for, which lies in its month in whatever zone; none of a fee without a time.
    pub fn middle(&self) -> Option<Timestamp> {
        let (from, to) = (self.from?, self.to?);
        Some(from.plus_millis(to.since(from) / 2))
    }
}
