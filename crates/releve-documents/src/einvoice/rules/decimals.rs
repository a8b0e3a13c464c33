//! Has every amount at most two decimals? Rules BR-DEC-01 to BR-DEC-28.

use rust_decimal::Decimal;

use super::Findings;
use crate::einvoice::{AdjustmentBase, EInvoice, Line};

/// Decimals of an amount at most (EN 16931-1, semantic data type Amount).
const AMOUNT_DECIMALS_MAX: u32 = 2;

/// An amount of the document, and the rule on its decimals.
pub(super) struct Amount {
    rule: &'static str,
    pub(super) field: String,
    pub(super) value: Decimal,
}

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    for Amount { rule, field, value } in amounts(invoice) {
        let fine = value.normalize().scale() <= AMOUNT_DECIMALS_MAX;
        let message = format!("{value} has more than {AMOUNT_DECIMALS_MAX} decimals: round the line, then add");
        found.want(fine, rule, field, message);
    }
}

/// Every amount that is written; prices, quantities and rates are none.
pub(super) fn amounts(invoice: &EInvoice) -> Vec<Amount> {
    let t = &invoice.totals;
    let mut all: Vec<Amount> = [
        ("BR-DEC-09", "BT-106 totals.lines", t.lines),
        ("BR-DEC-10", "BT-107 totals.allowances", t.allowances),
        ("BR-DEC-11", "BT-108 totals.charges", t.charges),
        ("BR-DEC-12", "BT-109 totals.net", t.net),
        ("BR-DEC-13", "BT-110 totals.vat", t.vat),
        ("BR-DEC-14", "BT-112 totals.gross", t.gross),
        ("BR-DEC-16", "BT-113 totals.paid", t.paid),
        ("BR-DEC-17", "BT-114 totals.rounding", t.rounding),
        ("BR-DEC-18", "BT-115 totals.due", t.due),
    ]
    .map(|(rule, field, value)| Amount { rule, field: field.to_owned(), value })
    .into();
    let accounted = invoice.accounting_tax.map(|tax| tax.vat);
    all.extend(accounted.map(|value| Amount {
        rule: "BR-DEC-15",
        field: "BT-111 accounting_tax.vat".to_owned(),
        value,
    }));
    for (n, part) in invoice.vat.iter().enumerate() {
        all.push(Amount { rule: "BR-DEC-19", field: format!("BT-116 vat[{n}].base"), value: part.base });
        all.push(Amount { rule: "BR-DEC-20", field: format!("BT-117 vat[{n}].tax"), value: part.tax });
    }
    for (n, a) in invoice.allowances.iter().enumerate() {
        let at = format!("allowances[{n}]");
        adjustment(a.amount, a.base, &at, [("BR-DEC-01", "BT-92"), ("BR-DEC-02", "BT-93")], &mut all);
    }
    for (n, c) in invoice.charges.iter().enumerate() {
        let at = format!("charges[{n}]");
        adjustment(c.amount, c.base, &at, [("BR-DEC-05", "BT-99"), ("BR-DEC-06", "BT-100")], &mut all);
    }
    for (n, one) in invoice.lines.iter().enumerate() {
        line(n, one, &mut all);
    }
    all
}

fn line(n: usize, line: &Line, all: &mut Vec<Amount>) {
    all.push(Amount { rule: "BR-DEC-23", field: format!("BT-131 lines[{n}].net"), value: line.net });
    for (m, a) in line.allowances.iter().enumerate() {
        let at = format!("lines[{n}].allowances[{m}]");
        adjustment(a.amount, a.base, &at, [("BR-DEC-24", "BT-136"), ("BR-DEC-25", "BT-137")], all);
    }
    for (m, c) in line.charges.iter().enumerate() {
        let at = format!("lines[{n}].charges[{m}]");
        adjustment(c.amount, c.base, &at, [("BR-DEC-27", "BT-141"), ("BR-DEC-28", "BT-142")], all);
    }
}

/// The amount's rule and term, then its base's.
fn adjustment(
    value: Decimal,
    base: Option<AdjustmentBase>,
    at: &str,
    [(rule, term), (base_rule, base_term)]: [(&'static str, &str); 2],
    all: &mut Vec<Amount>,
) {
    all.push(Amount { rule, field: format!("{term} {at}.amount"), value });
    let field = format!("{base_term} {at}.base.amount");
    all.extend(base.map(|b| Amount { rule: base_rule, field, value: b.amount }));
}
