//! How much is off a price? A percentage of a line, taken off before VAT (EN 16931 BG-27).
//!
//! Of several discounts that hold for a charge, the narrowest is given: a project's before a SKU's before that on
//! everything. One line shows one discount, which multiplies out.

use std::{fmt, str::FromStr};

use releve_types::{
    Money, Sku, TenantId,
    ids::AgreementId,
    money::{MoneyError, exact_product},
};
use rust_decimal::Decimal;

use super::{AgreedTerms, Agreement};
use crate::{PriceError, PriceReason};

/// A percentage above 0 and up to 100 with at most two decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Percent(Decimal);

impl Percent {
    pub fn new(percent: Decimal) -> Result<Self, PriceError> {
        let percent = percent.normalize();
        if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED || percent.scale() > 2 {
            return Err(PriceReason::Percent(percent.to_string()).at("percent"));
        }
        Ok(Self(percent))
    }

    pub const fn value(self) -> Decimal {
        self.0
    }

    /// Of an amount, rounded once.
    pub(crate) fn of(self, gross: Money) -> Result<Money, MoneyError> {
        let part = exact_product(self.0, Decimal::new(1, 2))?;
        Money::round_line(exact_product(gross.amount(), part)?, gross.currency())
    }
}

impl FromStr for Percent {
    type Err = PriceError;
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let refused = || PriceReason::Percent(text.chars().take(40).collect()).at("percent");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(refused());
        }
        Self::new(Decimal::from_str_exact(text).map_err(|_| refused())?)
    }
}

impl fmt::Display for Percent {
    /// `10`, `12.5`: without the percent sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a discount is on. From wide to narrow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    All,
    Sku(Sku),
    Project { tenant: TenantId, project: String },
}

impl Scope {
    /// What no tenant in particular owes is of no project.
    pub(crate) fn covers(&self, tenant: Option<TenantId>, project: &str, sku: &Sku) -> bool {
        match self {
            Self::All => true,
            Self::Sku(of) => of == sku,
            Self::Project { tenant: of, project: named } => Some(*of) == tenant && named == project,
        }
    }

    /// Whether a SKU's price may differ where such a discount starts or ends.
    pub(crate) fn concerns(&self, sku: &Sku) -> bool {
        !matches!(self, Self::Sku(of) if of != sku)
    }
}

/// What was taken off a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    pub agreement: AgreementId,
    pub percent: Percent,
    pub amount: Money,
}

/// The narrowest discount among agreements that hold.
pub(crate) fn narrowest<'a>(
    holding: impl Iterator<Item = &'a Agreement>,
    tenant: TenantId,
    project: &str,
    sku: &Sku,
) -> Option<(AgreementId, Percent)> {
    let discounts = holding.filter_map(|agreement| match agreement.terms() {
        AgreedTerms::Discount { scope, percent } if scope.covers(Some(tenant), project, sku) => {
            Some((scope, agreement.id(), *percent))
        }
        _ => None,
    });
    discounts.max_by_key(|(scope, ..)| *scope).map(|(_, id, percent)| (id, percent))
}
