//! Does the document add up? Rules BR-CO-10 to BR-CO-17, to the cent.

use releve_types::{Money, money::exact_product};
use rust_decimal::Decimal;

use super::Findings;
use crate::einvoice::EInvoice;

/// A hundredth: a rate is in percent.
const PERCENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    let t = &invoice.totals;
    let sums = [
        ("BR-CO-10", "BT-106 totals.lines", t.lines, sum(invoice.lines.iter().map(|l| l.net)), "the lines"),
        (
            "BR-CO-11",
            "BT-107 totals.allowances",
            t.allowances,
            sum(invoice.allowances.iter().map(|a| a.amount)),
            "the allowances",
        ),
        ("BR-CO-12", "BT-108 totals.charges", t.charges, sum(invoice.charges.iter().map(|c| c.amount)), "the charges"),
        ("BR-CO-13", "BT-109 totals.net", t.net, sum([t.lines, -t.allowances, t.charges]), "BT-106 − BT-107 + BT-108"),
        ("BR-CO-14", "BT-110 totals.vat", t.vat, sum(invoice.vat.iter().map(|v| v.tax)), "the VAT of all categories"),
        ("BR-CO-15", "BT-112 totals.gross", t.gross, sum([t.net, t.vat]), "BT-109 + BT-110"),
        ("BR-CO-16", "BT-115 totals.due", t.due, sum([t.gross, -t.paid, t.rounding]), "BT-112 − BT-113 + BT-114"),
    ];
    for (rule, field, stated, computed, of) in sums {
        equal(stated, computed, rule, field, of, found);
    }
    for (n, part) in invoice.vat.iter().enumerate() {
        let tax = tax(part.base, part.vat.rate.unwrap_or_default(), invoice);
        equal(part.tax, tax, "BR-CO-17", format!("BT-117 vat[{n}].tax"), "BT-116 × BT-119 ÷ 100, rounded", found);
    }
}

/// Nothing where the sum passes what a decimal holds exactly.
pub(super) fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add)
}

/// VAT on a taxable amount: rounded once, to the currency's minor unit, half away from zero.
pub(super) fn tax(base: Decimal, rate: Decimal, invoice: &EInvoice) -> Option<Decimal> {
    let exact = exact_product(base, rate).and_then(|product| exact_product(product, PERCENT)).ok()?;
    Money::round_line(exact, invoice.currency).ok().map(Money::amount)
}

pub(super) fn equal(
    stated: Decimal,
    computed: Option<Decimal>,
    rule: &'static str,
    field: impl Into<String>,
    of: &str,
    found: &mut Findings,
) {
    let message = match computed {
        Some(computed) if computed == stated => return,
        Some(computed) => format!("{stated} is stated, and {of} come to {computed}: compute it again"),
        None => format!("{of} pass the 28 digits that amounts are exact in: split the document"),
    };
    found.want(false, rule, field, message);
}
