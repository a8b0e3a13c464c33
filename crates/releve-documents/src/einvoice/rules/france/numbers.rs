//! Are currency, rates and digits what France's platforms take? BR-FR-16, BR-FR-CO-12 and BR-FR-DEC.

use releve_types::Currency;
use rust_decimal::Decimal;

use super::Findings;
use crate::einvoice::{
    BaseQuantity, EInvoice,
    rules::decimals::{Amount, amounts},
    xml::{amount, number},
};

/// Digits at most, the sign counted among them and the point not (BR-FR-DEC-01 to 03), and of a rate (04).
const NUMBER_LEN_MAX: usize = 19;
const RATE_LEN_MAX: usize = 4;
/// Decimals at most.
const AMOUNT_DECIMALS_MAX: u32 = 2;
const QUANTITY_DECIMALS_MAX: u32 = 4;
const PRICE_DECIMALS_MAX: u32 = 6;
const RATE_DECIMALS_MAX: u32 = 2;
/// The rates in percent that are, or once were, in force in some part of France (BR-FR-16).
const RATES: &str = "0 0.9 1.05 1.75 2.1 5.5 7 8.5 9.2 9.6 10 13 19.6 20 20.6";

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    let foreign = invoice.currency != Currency::Eur;
    let accounted = invoice.accounting_tax.is_some_and(|t| t.currency == Currency::Eur);
    let message = "state the total VAT in euros too, as the accounting currency";
    found.want(!foreign || accounted, "BR-FR-CO-12", "BT-6 accounting_tax", message);
    for Amount { field, value, .. } in amounts(invoice) {
        let fits = short(&amount(value), NUMBER_LEN_MAX) && scale(value) <= AMOUNT_DECIMALS_MAX;
        let message = format!("{value} is too long: an amount has 2 decimals and {NUMBER_LEN_MAX} digits at most");
        found.want(fits, "BR-FR-DEC-01", field, message);
    }
    for (n, line) in invoice.lines.iter().enumerate() {
        quantity(line.quantity, format!("BT-129 lines[{n}].quantity"), found);
        if let BaseQuantity::Of(base) = line.base_quantity {
            quantity(base, format!("BT-149 lines[{n}].base_quantity"), found);
        }
        let fits = line.price >= Decimal::ZERO
            && short(&number(line.price), NUMBER_LEN_MAX)
            && scale(line.price) <= PRICE_DECIMALS_MAX;
        let message = format!("a price has {PRICE_DECIMALS_MAX} decimals at most: raise the base quantity instead");
        found.want(fits, "BR-FR-DEC-03", format!("BT-146 lines[{n}].price"), message);
    }
    rates(invoice, found);
}

fn scale(value: Decimal) -> u32 {
    value.normalize().scale()
}

/// A decimal point is not counted.
fn short(text: &str, len_max: usize) -> bool {
    text.chars().filter(|c| *c != '.').count() <= len_max
}

fn quantity(value: Decimal, field: String, found: &mut Findings) {
    let fits = short(&number(value), NUMBER_LEN_MAX) && scale(value) <= QUANTITY_DECIMALS_MAX;
    let message = format!("a quantity has {QUANTITY_DECIMALS_MAX} decimals at most: count in a smaller unit");
    found.want(fits, "BR-FR-DEC-02", field, message);
}

fn rates(invoice: &EInvoice, found: &mut Findings) {
    let lines = invoice.lines.iter().enumerate().map(|(n, l)| (format!("BT-152 lines[{n}].vat.rate"), l.vat));
    let allowances =
        invoice.allowances.iter().enumerate().map(|(n, a)| (format!("BT-96 allowances[{n}].vat.rate"), a.vat));
    let charges = invoice.charges.iter().enumerate().map(|(n, c)| (format!("BT-103 charges[{n}].vat.rate"), c.vat));
    let parts = invoice.vat.iter().enumerate().map(|(n, p)| (format!("BT-119 vat[{n}].vat.rate"), p.vat));
    for (field, vat) in lines.chain(allowances).chain(charges).chain(parts) {
        let Some(rate) = vat.rate else { continue };
        let text = number(rate);
        let known = RATES.split(' ').any(|r| r == text);
        found.want(known, "BR-FR-16", field.as_str(), format!("{text} % is no rate in France: one of {RATES}"));
        let fits = rate >= Decimal::ZERO && short(&text, RATE_LEN_MAX) && scale(rate) <= RATE_DECIMALS_MAX;
        let message = format!("a rate has {RATE_LEN_MAX} digits, {RATE_DECIMALS_MAX} of them decimals, at most");
        found.want(fits, "BR-FR-DEC-04", field, message);
    }
}
