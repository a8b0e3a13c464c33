//! Does an invoice add up? Asked before it is stored and after it is loaded, in other arithmetic than the
//! rating's: by multiplying back instead of dividing.

use std::collections::HashSet;

use releve_types::{Money, money::exact_product};
use rust_decimal::Decimal;

use super::{AMOUNT_DIGITS_MAX, Content, InvoiceError, Line};
use crate::{Charge, UnitPrice, rating::PACKAGE_MAX};

pub(super) fn content(content: &Content) -> Result<(), InvoiceError> {
    if content.book < 1 {
        return Err(InvoiceError::Book(content.book));
    }
    let mut sum = Money::zero(content.currency);
    let mut seen = HashSet::with_capacity(content.lines.len());
    for (n, line) in content.lines.iter().enumerate() {
        one_line(content, n, line)?;
        let c = &line.charge;
        if !seen.insert((c.tenant, &c.project, c.price_id, c.stretch, c.tier)) {
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
    // No line is negative, so none passes what the total does not.
    if sum.amount() >= Decimal::from(10_u64.pow(AMOUNT_DIGITS_MAX)) {
        return Err(InvoiceError::AboveAll(sum));
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
    for (field, value) in [("metered", c.metered), ("billed", c.billed), ("energy_mj", c.energy_mj)] {
        if value < 0 {
            return Err(InvoiceError::Negative { line: n, field, value: value.to_string() });
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
/// half itself, the amount is the larger one.
fn multiplies_out(n: usize, line: &Line) -> Result<(), InvoiceError> {
    let c = &line.charge;
    let too_large = |_| InvoiceError::TooLarge { line: n };
    let base = Decimal::from(c.base_quantity);
    let product = exact_product(c.quantity(), c.unit_price).map_err(too_large)?;
    let printed = exact_product(c.amount.amount(), base).map_err(too_large)?;
    let half = exact_product(Decimal::new(5, c.amount.currency().decimals() + 1), base).map_err(too_large)?;
    let above = printed.checked_sub(product).ok_or(InvoiceError::TooLarge { line: n })?;
    if -half < above && above <= half {
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
