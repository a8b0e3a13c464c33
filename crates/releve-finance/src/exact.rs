//! How are quantities and costs computed for whoever adds them up later? To so many decimals that the sum of parts is the whole for all
//! purposes, and never in cents: what rounding to cents makes of an invoice is a row of its own.

use releve_billing::Charge;
use rust_decimal::Decimal;

/// Decimals of a quantity: a millisecond is 0.000000277778 hours.
pub const QUANTITY_DECIMALS: u32 = 12;
/// Decimals of a cost: of a millisecond at 0.01 an hour still nine digits that count.
pub const COST_DECIMALS: u32 = 18;
/// Decimals of a price, after a discount.
pub const PRICE_DECIMALS: u32 = 12;

/// A figure that passes the 28 digits in which decimals are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} passes the 28 digits that a figure is exact in")]
pub struct TooLarge(pub &'static str);

/// So much of what a charge is priced in: GPU time in hours, packages in packages.
pub fn quantity(charge: &Charge, base_units: i64) -> Result<Decimal, TooLarge> {
    let each = i128::from(charge.unit.printed().1) * i128::from(charge.base_quantity);
    let scaled = i128::from(base_units) * 10_i128.pow(QUANTITY_DECIMALS);
    decimal(divided(scaled, each), QUANTITY_DECIMALS, "quantity")
}

/// quantity × price.
pub fn cost(quantity: Decimal, price: Decimal) -> Result<Decimal, TooLarge> {
    let too_large = TooLarge("cost");
    let product = quantity.mantissa().checked_mul(price.mantissa()).ok_or(too_large)?;
    let scale = quantity.scale() + price.scale();
    let mantissa = if scale > COST_DECIMALS {
        divided(product, 10_i128.pow(scale - COST_DECIMALS))
    } else {
        product.checked_mul(10_i128.pow(COST_DECIMALS - scale)).ok_or(too_large)?
    };
    decimal(mantissa, COST_DECIMALS, "cost")
}

/// What is left of a price under the charge's discount.
pub fn contracted(charge: &Charge) -> Result<Decimal, TooLarge> {
    let Some(discount) = charge.discount else { return Ok(charge.unit_price.normalize()) };
    let left = Decimal::ONE_HUNDRED - discount.percent.value();
    let mut price = charge.unit_price.normalize().checked_mul(left.normalize()).ok_or(TooLarge("price"))?;
    price.set_scale(price.scale() + 2).map_err(|_| TooLarge("price"))?;
    Ok(price.normalize())
}

pub fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Result<Decimal, TooLarge> {
    amounts.into_iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount)).ok_or(TooLarge("sum"))
}

/// `part` of `whole`, of so many, downwards: what is left goes to whoever comes last.
pub fn share(whole: i64, part: i64, of: i64) -> i64 {
    if of == 0 {
        return 0;
    }
    i64::try_from(i128::from(whole) * i128::from(part) / i128::from(of)).unwrap_or(whole)
}

/// Half away from zero.
fn divided(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let away = rest.unsigned_abs() >= denominator.unsigned_abs() - rest.unsigned_abs();
    whole + if away { numerator.signum() * denominator.signum() } else { 0 }
}

fn decimal(mantissa: i128, scale: u32, what: &'static str) -> Result<Decimal, TooLarge> {
    Decimal::try_from_i128_with_scale(mantissa, scale).map(|d| d.normalize()).map_err(|_| TooLarge(what))
}
