//! Which amounts do we spoil? Too many decimals, and sums that are off.

use releve_documents::einvoice::{AdjustmentBase, EInvoice};

use super::{CENT, Planted, TENTH_OF_A_CENT, plant};
use crate::fixtures::{self, dec};

/// Amounts of three decimals; what they add up to is off as well, and not looked at.
pub(super) fn decimals() -> Vec<Planted> {
    use fixtures::{dollars, two_rates};
    let on = |rule, what, spoil: fn(&mut EInvoice)| plant(rule, what, two_rates, spoil);
    vec![
        on("BR-DEC-01", "an allowance", |i| i.allowances[0].amount += TENTH_OF_A_CENT),
        on("BR-DEC-02", "what an allowance is a part of", |i| {
            i.allowances[0].base.iter_mut().for_each(|b| b.amount += TENTH_OF_A_CENT);
        }),
        on("BR-DEC-05", "a charge", |i| i.charges[0].amount += TENTH_OF_A_CENT),
        on("BR-DEC-06", "what a charge is a part of", |i| {
            i.charges[0].base = Some(AdjustmentBase { amount: dec("33.333"), percentage: dec("10") });
        }),
        on("BR-DEC-09", "the sum of lines", |i| i.totals.lines += TENTH_OF_A_CENT),
        on("BR-DEC-10", "the sum of allowances", |i| i.totals.allowances += TENTH_OF_A_CENT),
        on("BR-DEC-11", "the sum of charges", |i| i.totals.charges += TENTH_OF_A_CENT),
        on("BR-DEC-12", "the total without VAT", |i| i.totals.net += TENTH_OF_A_CENT),
        on("BR-DEC-13", "the VAT", |i| i.totals.vat += TENTH_OF_A_CENT),
        on("BR-DEC-14", "the total with VAT", |i| i.totals.gross += TENTH_OF_A_CENT),
        plant("BR-DEC-15", "the VAT in euros", dollars, |i| {
            i.accounting_tax.iter_mut().for_each(|t| t.vat += TENTH_OF_A_CENT);
        }),
        on("BR-DEC-16", "what was paid", |i| i.totals.paid += TENTH_OF_A_CENT),
        on("BR-DEC-17", "the rounding", |i| i.totals.rounding += TENTH_OF_A_CENT),
        on("BR-DEC-18", "what is due", |i| i.totals.due += TENTH_OF_A_CENT),
        on("BR-DEC-19", "a taxable amount", |i| i.vat[0].base += TENTH_OF_A_CENT),
        on("BR-DEC-20", "a tax amount", |i| i.vat[0].tax += TENTH_OF_A_CENT),
        on("BR-DEC-23", "a line", |i| i.lines[0].net += TENTH_OF_A_CENT),
        on("BR-DEC-24", "a line's allowance", |i| i.lines[2].allowances[0].amount += TENTH_OF_A_CENT),
        on("BR-DEC-25", "what a line's allowance is a part of", |i| {
            i.lines[2].allowances[0].base.iter_mut().for_each(|b| b.amount += TENTH_OF_A_CENT);
        }),
        on("BR-DEC-27", "a line's charge", |i| i.lines[2].charges[0].amount += TENTH_OF_A_CENT),
        on("BR-DEC-28", "what a line's charge is a part of", |i| {
            i.lines[2].charges[0].base = Some(AdjustmentBase { amount: dec("0.001"), percentage: dec("10") });
        }),
    ]
}

pub(super) fn sums() -> Vec<Planted> {
    use fixtures::{domestic, two_rates};
    vec![
        plant("BR-CO-10", "a cent more than the lines", domestic, |i| i.totals.lines += CENT),
        plant("BR-CO-11", "a cent more than the allowances", two_rates, |i| i.totals.allowances += CENT),
        plant("BR-CO-12", "a cent more than the charges", two_rates, |i| i.totals.charges += CENT),
        plant("BR-CO-13", "a cent more than the net", two_rates, |i| i.totals.net += CENT),
        plant("BR-CO-14", "a cent more than the VAT", domestic, |i| i.totals.vat += CENT),
        plant("BR-CO-15", "a cent more than net and VAT", domestic, |i| i.totals.gross += CENT),
        plant("BR-CO-16", "a cent more than is due", two_rates, |i| i.totals.due += CENT),
        plant("BR-CO-17", "two euros more of VAT", domestic, |i| i.vat[0].tax += dec("2")),
    ]
}
