//! Which price models are there? One file each, and one arm each in the three questions below.

mod graduated;
mod per_unit;

use std::borrow::Cow;

use crate::{PriceError, PriceReason, Tier, UnitPrice};

/// The most tiers of one price.
pub const TIERS_MAX: usize = 32;

/// How a price grows with the quantity. A new model is a variant here and a file beside this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Model {
    /// Each unit costs the same.
    PerUnit { price: UnitPrice },
    /// Each unit costs what its tier says; the first units stay in the first tier.
    Graduated { tiers: Vec<Tier> },
}

/// A piece of a quantity that has one price: what becomes a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub tier: u32,
    pub quantity: i64,
    pub price: UnitPrice,
}

impl Model {
    /// The model's name in files, in the API and in the store.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PerUnit { .. } => "per_unit",
            Self::Graduated { .. } => "graduated",
        }
    }

    /// The inverse of `name` and `tiers`: how a stored or posted model is read back.
    pub fn from_parts(name: &str, tiers: Vec<Tier>) -> Result<Self, PriceError> {
        let model = match name {
            "per_unit" => per_unit::from_tiers(&tiers)?,
            "graduated" => Self::Graduated { tiers },
            _ => return Err(PriceReason::UnknownModel(name.chars().take(40).collect()).at("model")),
        };
        model.check()?;
        Ok(model)
    }

    /// Every model's prices as a list of tiers: how it is stored, printed and digested.
    pub fn tiers(&self) -> Cow<'_, [Tier]> {
        match self {
            Self::PerUnit { price } => Cow::Owned(vec![Tier { up_to: None, price: *price }]),
            Self::Graduated { tiers } => Cow::Borrowed(tiers),
        }
    }

    /// Cuts `quantity` base units, of which `position` came before in the period, where the price changes.
    /// At least one part, also for nothing: usage that was paid for earlier still needs its line.
    pub(crate) fn split(&self, position: i64, quantity: i64) -> Vec<Part> {
        match self {
            Self::PerUnit { price } => per_unit::split(*price, quantity),
            Self::Graduated { tiers } => graduated::split(tiers, position, quantity),
        }
    }

    pub(crate) fn check(&self) -> Result<(), PriceError> {
        let tiers = self.tiers();
        if tiers.is_empty() {
            return Err(PriceReason::NoTiers.at("tiers"));
        }
        if tiers.len() > TIERS_MAX {
            return Err(PriceReason::TooManyTiers { tiers: tiers.len(), max: TIERS_MAX }.at("tiers"));
        }
        let mut before = 0;
        for (n, tier) in tiers.iter().enumerate() {
            let (field, last) = (format!("tiers[{n}].up_to"), n + 1 == tiers.len());
            match tier.up_to {
                None if !last => return Err(PriceReason::OpenTierNotLast.at(field)),
                Some(_) if last => return Err(PriceReason::LastTierEnds.at(field)),
                Some(up_to) if up_to <= before => return Err(PriceReason::NotAscending { up_to, before }.at(field)),
                _ => before = tier.up_to.unwrap_or(before),
            }
        }
        Ok(())
    }
}
