//! What does a quantity cost when each unit costs the same?

use super::{Model, Part};
use crate::{PriceError, PriceReason, Tier, UnitPrice};

pub(super) fn from_tiers(tiers: &[Tier]) -> Result<Model, PriceError> {
    match tiers {
        [Tier { up_to: None, price }] => Ok(Model::PerUnit { price: *price }),
        [Tier { up_to: Some(_), .. }] => Err(PriceReason::LastTierEnds.at("tiers[0].up_to")),
        _ => Err(PriceReason::NotOneTier(tiers.len()).at("tiers")),
    }
}

pub(super) fn split(price: UnitPrice, quantity: i64) -> Vec<Part> {
    vec![Part { tier: 0, quantity, price }]
}
