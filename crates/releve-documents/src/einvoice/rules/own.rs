//! What do we refuse though EN 16931's Schematron takes it? Lines that don't multiply out, credit notes that take money.
//!
//! A rule that Peppol BIS Billing 3 states goes by Peppol's id, without its tolerance; the others are ours.

use std::collections::HashSet;

use releve_types::money::exact_product;
use rust_decimal::Decimal;

use super::{Findings, totals::sum};
use crate::einvoice::{BaseQuantity, DocumentType, EInvoice, Line, VatCategory};

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    credit_note(invoice, found);
    let mut seen = HashSet::new();
    for (n, line) in invoice.lines.iter().enumerate() {
        let field = format!("BT-126 lines[{n}].id");
        found.want(seen.insert(&line.id), "RELEVE-03", field, "number each line differently: a dispute names a line");
        let positive = !matches!(line.base_quantity, BaseQuantity::Of(base) if base <= Decimal::ZERO);
        let field = format!("BT-149 lines[{n}].base_quantity");
        found.want(positive, "PEPPOL-EN16931-R121", field, "a price is for a quantity above zero");
        let message = "state quantity × price ÷ base quantity − allowances + charges, rounded to the minor unit";
        let out = !positive || multiplies_out(line, invoice.currency.decimals()).unwrap_or(false);
        found.want(out, "PEPPOL-EN16931-R120", format!("BT-131 lines[{n}].net"), message);
    }
    for (n, part) in invoice.vat.iter().enumerate() {
        let fits = part.vat.category != VatCategory::OutOfScope || part.vat.rate.is_none();
        let field = format!("BT-119 vat[{n}].vat.rate");
        found.want(fits, "RELEVE-04", field, "what is outside the scope has no rate, not even zero");
    }
}

fn credit_note(invoice: &EInvoice, found: &mut Findings) {
    if invoice.document_type != DocumentType::CreditNote {
        return;
    }
    let t = &invoice.totals;
    for (field, value) in [
        ("BT-106 totals.lines", t.lines),
        ("BT-109 totals.net", t.net),
        ("BT-110 totals.vat", t.vat),
        ("BT-112 totals.gross", t.gross),
        ("BT-115 totals.due", t.due),
    ] {
        let message = "a credit note gives back positive amounts; a negative one would ask for money";
        found.want(value >= Decimal::ZERO, "RELEVE-01", field, message);
    }
    let kept = invoice.due_date.is_none() || invoice.payment.is_some();
    let message = "UBL states when a credit note is due with the payment instructions: add them, or leave the date out";
    found.want(kept, "RELEVE-02", "BT-9 due_date", message);
}

/// By multiplying back instead of dividing: net × base may differ from quantity × price by half a minor unit × base.
fn multiplies_out(line: &Line, decimals: u32) -> Option<bool> {
    let base = match line.base_quantity {
        BaseQuantity::One => Decimal::ONE,
        BaseQuantity::Of(base) => base,
    };
    let allowances = sum(line.allowances.iter().map(|a| a.amount))?;
    let charges = sum(line.charges.iter().map(|c| c.amount))?;
    let before = sum([line.net, allowances, -charges])?;
    let product = exact_product(line.quantity, line.price).ok()?;
    let printed = exact_product(before, base).ok()?;
    let half = exact_product(Decimal::new(5, decimals + 1), base).ok()?;
    Some(sum([printed, -product])?.abs() <= half)
}
