//! Why does a person have to look at an invoice before it goes out?

use std::{fmt, str::FromStr};

use releve_types::{Money, Sku};

use crate::{Unpriced, tax::Missing};

/// One reason to hold an invoice back, and what settles it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    pub kind: HoldKind,
    /// What is wrong, with names and times.
    pub detail: String,
    /// What a person can do about it.
    pub to_do: String,
    /// How much GPU time it is about, where that is known.
    pub gpu_ms: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HoldKind {
    /// A node that the account used has not reported all of its time.
    Gap,
    /// Usage under a tenant key that no rule maps.
    Suspense,
    /// A message that was understood but not believed.
    Quarantine,
    /// Usage without a price.
    Unpriced,
    /// Usage that is more, or other, than can be rated or printed.
    Unratable,
    /// A fact is not known without which nobody can say which VAT the invoice bears, or without which it may not be sent.
    Tax,
    /// A plan rounds over the boundary to another period, which has to be billed in its turn.
    Rounding,
    /// More is given back than is owed, and there is no earlier invoice that a credit note could be of.
    BelowZero,
    /// The customer takes no invoice without its reference, and none is known.
    Reference,
    /// The document comes to more than was said to be possible without a person's look.
    Ceiling,
    /// The customer takes no invoice without a purchase order, and none has room for it.
    PurchaseOrder,
    /// More would be billed for a period than may be so long after it.
    BackBilling,
    /// A correction comes to so little that it is carried until it comes to more.
    Carried,
}

/// Text that names no kind of hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no kind of hold: expected gap, suspense, quarantine, unpriced, unratable, tax, rounding, below_zero, \
     reference, ceiling, purchase_order, back_billing or carried"
)]
pub struct HoldKindError(pub String);

impl HoldKind {
    pub const ALL: [Self; 13] = [
        Self::Gap,
        Self::Suspense,
        Self::Quarantine,
        Self::Unpriced,
        Self::Unratable,
        Self::Tax,
        Self::Rounding,
        Self::BelowZero,
        Self::Reference,
        Self::Ceiling,
        Self::PurchaseOrder,
        Self::BackBilling,
        Self::Carried,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Suspense => "suspense",
            Self::Quarantine => "quarantine",
            Self::Unpriced => "unpriced",
            Self::Unratable => "unratable",
            Self::Tax => "tax",
            Self::Rounding => "rounding",
            Self::BelowZero => "below_zero",
            Self::Reference => "reference",
            Self::Ceiling => "ceiling",
            Self::PurchaseOrder => "purchase_order",
            Self::BackBilling => "back_billing",
            Self::Carried => "carried",
        }
    }
}

impl fmt::Display for HoldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HoldKind {
    type Err = HoldKindError;
    fn from_str(text: &str) -> Result<Self, HoldKindError> {
        let found = Self::ALL.into_iter().find(|k| k.name() == text);
        found.ok_or_else(|| HoldKindError(text.chars().take(40).collect()))
    }
}

/// One hold per SKU and stretch without a price.
pub(super) fn unpriced(unpriced: &[Unpriced]) -> Vec<Hold> {
    let mut rows: Vec<&Unpriced> = unpriced.iter().collect();
    rows.sort_by_key(|row| (&row.sku, row.stretch));
    let same = |a: &&Unpriced, b: &&Unpriced| (&a.sku, a.stretch) == (&b.sku, b.stretch);
    let holds = rows.chunk_by(same).filter_map(|rows| {
        let first = rows.first()?;
        let quantity = rows.iter().fold(0_i64, |sum, row| sum.saturating_add(row.metered));
        let gpu = matches!(first.sku, Sku::Gpu { .. });
        let counted = if gpu { format!("{quantity} GPU-ms") } else { quantity.to_string() };
        Some(Hold {
            kind: HoldKind::Unpriced,
            detail: format!("{} has no price in {}: {counted} used", first.sku, first.stretch),
            to_do: format!("add a price of {} from {}, then run again", first.sku, first.stretch.start()),
            gpu_ms: gpu.then_some(quantity),
        })
    });
    holds.collect()
}

/// One hold per fact that is missing.
pub(super) fn untaxed(missing: &Missing) -> Hold {
    Hold {
        kind: HoldKind::Tax,
        detail: missing.to_string(),
        to_do: format!("set {}, then run again", missing.field),
        gpu_ms: None,
    }
}

pub(super) fn below_zero(total: Money) -> Hold {
    Hold {
        kind: HoldKind::BelowZero,
        detail: format!("what is given back out of goodwill passes all that the period costs: the total is {total}"),
        to_do: "end that agreement and make one of at most what is owed, then run again".to_owned(),
        gpu_ms: None,
    }
}
