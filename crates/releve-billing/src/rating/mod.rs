//! Which price models are there? One file each, and one arm each in the questions below.

mod graduated;
mod package;
mod per_unit;
mod place;
mod volume;

use std::borrow::Cow;

use releve_types::Unit;

pub(crate) use self::place::{Place, Places};
use crate::{PriceError, PriceReason, Tier, UnitPrice};

/// The most tiers of one price.
pub const TIERS_MAX: usize = 32;
/// The largest package, in base units: a petabyte, or 31,000 years of a GPU. What a line of it comes to can still be
/// checked in exact decimals.
pub const PACKAGE_MAX: i64 = 1_000_000_000_000_000;

/// How a price grows with the quantity. A new model is a variant here and a file beside this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Model {
    /// Each unit costs the same.
    PerUnit { price: UnitPrice },
    /// Each unit costs what its tier says; the first units stay in the first tier.
    Graduated { tiers: Vec<Tier> },
    /// Each unit costs what the tier says that the period's total comes to.
    Volume { tiers: Vec<Tier> },
    /// Each package that is begun costs the same: `size` base units, a whole number of printed ones.
    Package { size: i64, price: UnitPrice },
}

/// A piece of a quantity that has one price: what becomes a line. In base units, as billed.
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
            Self::Volume { .. } => "volume",
            Self::Package { .. } => "package",
        }
    }

    /// The inverse of `name` and `tiers`: how a stored or posted model is read back.
    pub fn from_parts(name: &str, tiers: Vec<Tier>) -> Result<Self, PriceError> {
        let model = match name {
            "per_unit" => per_unit::from_tiers(&tiers)?,
            "graduated" => Self::Graduated { tiers },
            "volume" => Self::Volume { tiers },
            "package" => package::from_tiers(&tiers)?,
            _ => return Err(PriceReason::UnknownModel(name.chars().take(40).collect()).at("model")),
        };
        model.check()?;
        Ok(model)
    }

    /// Every model's prices as a list of tiers: how it is stored, printed and digested. A package is one tier that ends
    /// where the package does.
    pub fn tiers(&self) -> Cow<'_, [Tier]> {
        match self {
            Self::PerUnit { price } => Cow::Owned(vec![Tier { up_to: None, price: *price }]),
            Self::Graduated { tiers } | Self::Volume { tiers } => Cow::Borrowed(tiers),
            Self::Package { size, price } => Cow::Owned(vec![Tier { up_to: Some(*size), price: *price }]),
        }
    }

    /// How many printed units a price is for (EN 16931 BT-149): the unit's base quantity, or a package.
    pub(crate) const fn base_quantity(&self, unit: Unit) -> i64 {
        match self {
            Self::PerUnit { .. } | Self::Graduated { .. } | Self::Volume { .. } => unit.base_quantity().1,
            Self::Package { size, .. } => *size / unit.printed().1,
        }
    }

    /// Cuts `quantity` base units where the price changes, and makes packages of them where those are what is sold.
    /// At least one part, also for nothing: usage that was paid for earlier still needs its line. `None` if packages
    /// hold more than 64 bits can count.
    pub(crate) fn split(&self, place: Place, quantity: i64) -> Option<Vec<Part>> {
        match self {
            Self::PerUnit { price } => Some(per_unit::split(*price, quantity)),
            Self::Graduated { tiers } => Some(graduated::split(tiers, place.before, quantity)),
            Self::Volume { tiers } => Some(volume::split(tiers, place.total, quantity)),
            Self::Package { size, price } => package::split(*size, *price, place.before_at_price, quantity),
        }
    }

    pub(crate) fn check(&self) -> Result<(), PriceError> {
        match self {
            Self::PerUnit { .. } => Ok(()),
            Self::Graduated { tiers } | Self::Volume { tiers } => check_tiers(tiers),
            Self::Package { size, .. } => package::check(*size),
        }
    }
}

fn check_tiers(tiers: &[Tier]) -> Result<(), PriceError> {
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
