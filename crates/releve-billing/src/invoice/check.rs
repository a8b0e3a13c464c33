//! Does an invoice add up? Asked before it is stored and after it is loaded, in other arithmetic than the
//! rating's: by multiplying back instead of dividing.

use std::collections::HashSet;

use releve_types::{Money, money::exact_product};
use rust_decimal::Decimal;

use super::{AMOUNT_DIGITS_MAX, Content, InvoiceError, Line};
use crate::{
    Charge, UnitPrice,
    rating::PACKAGE_MAX,
    tax::{Subtotal, Taxes},
};

pub(super) fn content(content: &Content) -> Result<(), InvoiceError> {
    if content.book < 1 {
        return Err(InvoiceError::Book(content.book));
    }
    let mut sum = Money::zero(content.currency);
    let mut seen = HashSet::with_capacity(content.lines.len());
    for (n, line) in content.lines.iter().enumerate() {
        one_line(content, n, line)?;
        let c = &line.charge;
        if !seen.insert((c.tenant, &c.project, c.price_id, c.stretch, c.tier, line.taken_back)) {
            return Err(InvoiceError::Twice { line: n });
        }
        sum = sum.checked_add(c.amount).map_err(|_| InvoiceError::TooLarge { line: n })?;
    }
    let (found, currency) = (content.total.currency(), content.currency);
    if found != currency {
        return Err(InvoiceError::Currency { field: "total".to_owned(), found, currency });
    }
    if sum != content.total {
        return Err(InvoiceError::Total { sum, total: content.total });
    }
    // Where no line is negative, none passes what the total does not.
    let amounts = content.lines.iter().map(|line| line.charge.amount).filter(|a| a.amount().is_sign_negative());
    match amounts.chain([sum]).find(|a| a.amount().abs() >= Decimal::from(10_u64.pow(AMOUNT_DIGITS_MAX))) {
        Some(above) => Err(InvoiceError::AboveAll(above)),
        None => Ok(()),
    }
}

fn one_line(content: &Content, n: usize, line: &Line) -> Result<(), InvoiceError> {
    let c = &line.charge;
    if usize::try_from(line.line) != Ok(n + 1) {
        return Err(InvoiceError::Numbering { line: n, found: line.line });
    }
    let (found, currency) = (c.amount.currency(), content.currency);
    if found != currency {
        return Err(InvoiceError::Currency { field: format!("lines[{n}].amount"), found, currency });
    }
    if content.period.intersect(c.stretch) != Some(c.stretch) {
        return Err(InvoiceError::Stretch { line: n, stretch: c.stretch, period: content.period });
    }
    if line.taken_back && content.corrects.is_empty() {
        return Err(InvoiceError::NothingBefore { line: n });
    }
    for (field, value) in [("metered", c.metered), ("billed", c.billed), ("energy_mj", c.energy_mj)] {
        if value != 0 && line.taken_back != (value < 0) {
            return Err(InvoiceError::Sign { line: n, field, value: value.to_string() });
        }
    }
    UnitPrice::new(c.unit_price).map_err(|error| InvoiceError::UnitPrice { line: n, error })?;
    let expected = c.unit.base_quantity().1;
    if c.base_quantity != expected && !whole_packages(c) {
        return Err(InvoiceError::BaseQuantity { line: n, found: c.base_quantity, expected });
    }
    multiplies_out(n, line)
}

/// A price that is not per the unit's base quantity is per package: of those only whole ones are billed, and they
/// have no tiers.
fn whole_packages(charge: &Charge) -> bool {
    let package = charge.base_quantity.checked_mul(charge.unit.printed().1);
    package.is_some_and(|size| (1..=PACKAGE_MAX).contains(&size) && charge.billed % size == 0 && charge.tier == 0)
}

/// amount × base quantity may differ from quantity × price by at most half a minor unit × base quantity; at the
/// half itself, the amount is the one farther from zero.
fn multiplies_out(n: usize, line: &Line) -> Result<(), InvoiceError> {
    let c = &line.charge;
    let too_large = |_| InvoiceError::TooLarge { line: n };
    let base = Decimal::from(c.base_quantity);
    let product = exact_product(c.quantity(), c.unit_price).map_err(too_large)?;
    let printed = exact_product(c.amount.amount(), base).map_err(too_large)?;
    let half = exact_product(Decimal::new(5, c.amount.currency().decimals() + 1), base).map_err(too_large)?;
    let beyond = if line.taken_back { product.checked_sub(printed) } else { printed.checked_sub(product) };
    let beyond = beyond.ok_or(InvoiceError::TooLarge { line: n })?;
    if -half < beyond && beyond <= half {
        return Ok(());
    }
    Err(InvoiceError::Product {
        line: n,
        quantity: c.quantity().to_string(),
        unit_price: c.unit_price.to_string(),
        base_quantity: c.base_quantity,
        amount: c.amount,
    })
}

/// Each line is taxed once, each subtotal is the sum of its lines, and its tax multiplies back.
pub(super) fn taxes(content: &Content, taxes: &Taxes) -> Result<(), InvoiceError> {
    let zero = Money::zero(content.currency);
    if taxes.lines.len() != content.lines.len() {
        return Err(InvoiceError::TaxedLines { found: taxes.lines.len(), lines: content.lines.len() });
    }
    let (mut sum, mut of_lines) = (zero, 0);
    for (at, subtotal) in taxes.subtotals.iter().enumerate() {
        if taxes.subtotals[..at].iter().any(|s| s.vat == subtotal.vat) {
            return Err(InvoiceError::TaxTwice { at });
        }
        let too_large = |_| InvoiceError::TooLarge { line: at };
        let taxed = taxes.lines.iter().zip(&content.lines).filter(|(vat, _)| **vat == subtotal.vat);
        let mut base = zero;
        for (_, line) in taxed {
            base = base.checked_add(line.charge.amount).map_err(too_large)?;
            of_lines += 1;
        }
        if base != subtotal.base {
            return Err(InvoiceError::TaxBase { at, sum: base, base: subtotal.base });
        }
        tax_multiplies_out(at, subtotal)?;
        sum = sum.checked_add(subtotal.tax).map_err(too_large)?;
    }
    if of_lines != content.lines.len() {
        return Err(InvoiceError::TaxOfNothing { found: of_lines, subtotals: taxes.subtotals.len() });
    }
    let owed = content.total.checked_add(sum).map_err(|_| InvoiceError::AboveAll(content.total))?;
    if sum != taxes.tax || owed != taxes.payable {
        return Err(InvoiceError::Payable { total: content.total, tax: taxes.tax, payable: taxes.payable });
    }
    Ok(())
}

/// tax × 100 may differ from base × rate by at most half a minor unit × 100, and at the half itself is the farther
/// from zero.
fn tax_multiplies_out(at: usize, subtotal: &Subtotal) -> Result<(), InvoiceError> {
    let Subtotal { vat, base, tax } = *subtotal;
    let too_large = |_| InvoiceError::TooLarge { line: at };
    let product = exact_product(base.amount(), vat.rate.percent()).map_err(too_large)?;
    let printed = exact_product(tax.amount(), Decimal::ONE_HUNDRED).map_err(too_large)?;
    let half = Decimal::new(50, tax.currency().decimals());
    let beyond = if product.is_sign_negative() { product - printed } else { printed - product };
    if tax.currency() == base.currency() && -half < beyond && beyond <= half {
        return Ok(());
    }
    Err(InvoiceError::Tax { at, base, rate: vat.rate, tax })
}
