//! Does an invoice add up? Asked before it is stored and after it is loaded, in other arithmetic than the
//! rating's: by multiplying back instead of dividing.

use std::collections::HashSet;

use releve_types::{
    Money,
    money::{MoneyError, exact_product},
};
use rust_decimal::Decimal;

use super::{Advances, Content, InvoiceError, Line};
use crate::{
    Allowance, Charge, ChargeKind, UnitPrice,
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
        if !seen.insert((c.whose(), &c.sku, c.kind, c.stretch, c.tier, line.taken_back)) {
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
    Ok(())
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
        if value != 0 && is_negative(line) != (value < 0) {
            return Err(InvoiceError::Sign { line: n, field, value: value.to_string() });
        }
    }
    UnitPrice::new(c.unit_price).map_err(|error| InvoiceError::UnitPrice { line: n, error })?;
    let expected = match c.kind {
        ChargeKind::Recurring(_) => content.period.hours(),
        _ => c.unit.base_quantity().1,
    };
    if c.base_quantity != expected && !whole_packages(c) {
        return Err(InvoiceError::BaseQuantity { line: n, found: c.base_quantity, expected });
    }
    multiplies_out(n, c)
}

/// What is taken back was billed, and what is given back takes off: the one of the other is positive again.
fn is_negative(line: &Line) -> bool {
    line.taken_back != line.charge.kind.gives()
}

/// A price that is not per the unit's base quantity is per package: of those only whole ones are billed, and they
/// have no tiers.
fn whole_packages(charge: &Charge) -> bool {
    let package = charge.base_quantity.checked_mul(charge.unit.printed().1);
    package.is_some_and(|size| (1..=PACKAGE_MAX).contains(&size) && charge.billed % size == 0 && charge.tier == 0)
}

/// Before the discount, amount × base quantity may differ from quantity × price by at most half a minor unit × base
/// quantity; the discount × 100 from that amount × the percentage by half a minor unit × 100.
fn multiplies_out(n: usize, c: &Charge) -> Result<(), InvoiceError> {
    let too_large = |_| InvoiceError::TooLarge { line: n };
    let gross = c.gross().map_err(too_large)?;
    let half = Decimal::new(5, c.amount.currency().decimals() + 1);
    let base = Decimal::from(c.base_quantity);
    let product = exact_product(c.quantity(), c.unit_price).map_err(too_large)?;
    if !rounds_to(product, gross.amount(), base, half).map_err(too_large)? {
        return Err(InvoiceError::Product {
            line: n,
            quantity: c.quantity().to_string(),
            unit_price: c.unit_price.to_string(),
            base_quantity: c.base_quantity,
            amount: gross,
        });
    }
    let Some(Allowance { percent, amount: discount, .. }) = c.discount else { return Ok(()) };
    let product = exact_product(gross.amount(), percent.value()).map_err(too_large)?;
    if rounds_to(product, discount.amount(), Decimal::ONE_HUNDRED, half).map_err(too_large)? {
        return Ok(());
    }
    Err(InvoiceError::Discount { line: n, percent, gross, discount })
}

/// Whether an amount is `product ÷ of`, rounded: it differs by at most a half, and at the half itself it is the one
/// farther from zero.
fn rounds_to(product: Decimal, amount: Decimal, of: Decimal, half: Decimal) -> Result<bool, MoneyError> {
    let (printed, half) = (exact_product(amount, of)?, exact_product(half, of)?);
    let beyond = if product.is_sign_negative() { product.checked_sub(printed) } else { printed.checked_sub(product) };
    let beyond = beyond.ok_or(MoneyError::TooLarge)?;
    Ok(-half < beyond && beyond <= half)
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
        let (mut base, before) = (zero, of_lines);
        for (_, line) in taxed {
            base = base.checked_add(line.charge.amount).map_err(too_large)?;
            of_lines += 1;
        }
        if of_lines == before {
            return Err(InvoiceError::TaxOfNothing { at });
        }
        if base != subtotal.base {
            return Err(InvoiceError::TaxBase { at, sum: base, base: subtotal.base });
        }
        tax_multiplies_out(at, subtotal)?;
        sum = sum.checked_add(subtotal.tax).map_err(too_large)?;
    }
    if of_lines != content.lines.len() {
        return Err(InvoiceError::LinesUntaxed { found: of_lines, lines: content.lines.len() });
    }
    let owed = content.total.checked_add(sum).map_err(|_| InvoiceError::AboveAll(content.total))?;
    if sum != taxes.tax || owed != taxes.payable {
        return Err(InvoiceError::Payable { total: content.total, tax: taxes.tax, payable: taxes.payable });
    }
    match &taxes.stated {
        Some(stated) if stated.rate.convert(taxes.tax) != Ok(stated.tax) => {
            Err(InvoiceError::Stated { tax: taxes.tax, stated: stated.tax })
        }
        _ => Ok(()),
    }
}

/// What was paid in advance is a part of what is payable, credit by credit.
pub(super) fn advances(taxes: &Taxes, advances: &Advances) -> Result<(), InvoiceError> {
    let (payable, &Advances { ref drawn, paid, due }) = (taxes.payable, advances);
    let mut sum = Money::zero(payable.currency());
    for (at, one) in drawn.iter().enumerate() {
        let amount = one.amount;
        let twice = drawn[..at].iter().any(|other| other.credit == one.credit);
        if twice || amount.is_zero() || amount.is_negative() != payable.is_negative() {
            return Err(InvoiceError::Advance { at, amount });
        }
        sum = sum.checked_add(amount).map_err(|_| InvoiceError::Advance { at, amount })?;
    }
    let adds_up = sum == paid && due.checked_add(paid) == Ok(payable) && paid.amount().abs() <= payable.amount().abs();
    if adds_up { Ok(()) } else { Err(InvoiceError::Advances { paid, payable, due }) }
}

/// tax × 100 is base × rate, rounded.
fn tax_multiplies_out(at: usize, subtotal: &Subtotal) -> Result<(), InvoiceError> {
    let Subtotal { vat, base, tax } = *subtotal;
    let too_large = |_| InvoiceError::TooLarge { line: at };
    let product = exact_product(base.amount(), vat.rate.percent()).map_err(too_large)?;
    let half = Decimal::new(5, tax.currency().decimals() + 1);
    let rounded = rounds_to(product, tax.amount(), Decimal::ONE_HUNDRED, half).map_err(too_large)?;
    if tax.currency() == base.currency() && rounded {
        return Ok(());
    }
    Err(InvoiceError::Tax { at, base, rate: vat.rate, tax })
}
