//! What does a quantity cost when it is sold in whole packages, and one that is begun is paid for?
//!
//! Packages are counted over all that the account was charged for under the price in the period, and each share is
//! billed those that it begins: shares add up to the packages of the whole, and one that lies within a package that
//! was begun before is billed nothing. A new price, as a new period, begins with a new package.

use super::{Model, PACKAGE_MAX, Part};
use crate::{PriceError, PriceReason, Tier, UnitPrice};

/// As stored and posted: one tier, which ends where the package does; then the next package begins.
pub(super) fn from_tiers(tiers: &[Tier]) -> Result<Model, PriceError> {
    match tiers {
        [Tier { up_to: Some(size), price }] => Ok(Model::Package { size: *size, price: *price }),
        [Tier { up_to: None, .. }] => Err(PriceReason::NoPackageSize.at("tiers[0].up_to")),
        _ => Err(PriceReason::NotOnePackage(tiers.len()).at("tiers")),
    }
}

pub(super) fn check(size: i64) -> Result<(), PriceError> {
    if (1..=PACKAGE_MAX).contains(&size) {
        return Ok(());
    }
    Err(PriceReason::PackageSize { size, max: PACKAGE_MAX }.at("tiers[0].up_to"))
}

/// What the packages hold that are begun by the units after the first `position`; `None` past 64 bits.
pub(super) fn split(size: i64, price: UnitPrice, position: i64, quantity: i64) -> Option<Vec<Part>> {
    let begun = |units: i64| units / size + i64::from(units % size != 0);
    let packages = begun(position.checked_add(quantity)?) - begun(position);
    Some(vec![Part { tier: 0, quantity: packages.checked_mul(size)?, price }])
}
