//! Which reasons for a difference are there?

use rust_decimal::Decimal;

use super::Finding;

/// Why two totals differ, by a stable name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    Equal,
    CustomerMissingHere,
    CustomerMissingThere,
    /// The customer is known, and used nothing here.
    NothingHere,
    SkuMissingHere,
    SkuMissingThere,
    UnknownMetric,
    NoPriceHere,
    Currency,
    SignFlipped,
    UnitConversion,
    QuantityRounded,
    PriceRounded,
    AmountRounded,
    UnitPrice,
    TierBoundary,
    TaxIncluded,
    Late,
    Duplicates,
    Missing,
    Credit,
    Discount,
    Minimum,
    FreeUnits,
    Proration,
    Zone,
    Unexplained,
}

impl Reason {
    /// The name in JSON and in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::CustomerMissingHere => "customer_missing_here",
            Self::CustomerMissingThere => "customer_missing_at_lago",
            Self::NothingHere => "no_usage_here",
            Self::SkuMissingHere => "sku_missing_here",
            Self::SkuMissingThere => "sku_missing_at_lago",
            Self::UnknownMetric => "unknown_metric",
            Self::NoPriceHere => "no_price_here",
            Self::Currency => "currency",
            Self::SignFlipped => "sign_flipped",
            Self::UnitConversion => "unit_conversion",
            Self::QuantityRounded => "quantity_rounded",
            Self::PriceRounded => "price_rounded",
            Self::AmountRounded => "amount_rounded",
            Self::UnitPrice => "unit_price",
            Self::TierBoundary => "tier_boundary",
            Self::TaxIncluded => "tax_included",
            Self::Late => "late_usage",
            Self::Duplicates => "duplicates",
            Self::Missing => "missing_usage",
            Self::Credit => "credit",
            Self::Discount => "discount",
            Self::Minimum => "minimum",
            Self::FreeUnits => "free_units",
            Self::Proration => "proration",
            Self::Zone => "zone",
            Self::Unexplained => "unexplained",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::CustomerMissingHere => "no customer here has this subscription",
            Self::CustomerMissingThere => "Lago billed this customer nothing in the month",
            Self::NothingHere => "the customer used nothing here in the month",
            Self::SkuMissingHere => "nothing of it was counted here",
            Self::SkuMissingThere => "Lago billed nothing of it",
            Self::UnknownMetric => "no metric of this code was imported",
            Self::NoPriceHere => "it has no price here: an invoice would wait for one",
            Self::Currency => "the two are in different currencies",
            Self::SignFlipped => "one is the other with its sign turned",
            Self::Unexplained => "nothing that is looked for comes out to the cent",
            _ => "",
        }
    }
}

/// A reason, with what of it is particular to the pair.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    pub reason: Reason,
    pub words: String,
}

impl Why {
    pub(super) fn of(reason: Reason) -> Self {
        Self { reason, words: reason.words().to_owned() }
    }

    pub(super) fn equal() -> Self {
        Self::of(Reason::Equal)
    }

    pub(super) fn said(reason: Reason, words: impl Into<String>) -> Self {
        Self { reason, words: words.into() }
    }
}

/// What makes up for a minimum differs by as much as what counts towards it, the other way round.
pub(super) fn minimums(findings: &mut [Finding], minimum: &str) {
    let sku = format!("fee/{minimum}");
    let mut explained = Vec::new();
    for (n, finding) in findings.iter().enumerate().filter(|(_, f)| f.sku == sku && f.why.reason != Reason::Equal) {
        let others = findings.iter().filter(|f| f.customer == finding.customer && f.sku != sku);
        let others: Option<Vec<Decimal>> = others.map(|f| f.difference().map(|d| d.1)).collect();
        let sum: Option<Decimal> = others.map(|all| all.into_iter().sum());
        let own = finding.difference().map(|d| d.1);
        if own.zip(sum).is_some_and(|(own, sum)| own == -sum) {
            explained.push(n);
        }
    }
    for n in explained {
        let words = "it makes up for a minimum: what counts towards it differs by as much, the other way round";
        findings[n].why = Why::said(Reason::Minimum, words);
    }
}
