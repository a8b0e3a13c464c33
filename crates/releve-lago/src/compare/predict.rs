//! What would Lago have billed if …? Our price of another quantity, another price of our quantity: to the cent.

use releve_billing::{Model, Tier};
use releve_types::{Money, Unit};
use rust_decimal::Decimal;

use super::{Billed, Ours};
use crate::{mapping::Metric, number::fraction};

/// Both sides of one SKU of one customer.
pub(super) struct Pair<'a> {
    pub ours: &'a Ours,
    pub lago: &'a Billed,
    pub metric: Option<&'a Metric>,
}

impl Pair<'_> {
    /// How many base units one of Lago's units is.
    pub fn per(&self) -> Decimal {
        Decimal::from(self.metric.map_or(1, |metric| metric.per))
    }

    /// Lago's quantity in base units.
    pub fn theirs(&self) -> Option<Decimal> {
        self.lago.units.checked_mul(self.per()).map(|q| q.normalize())
    }

    pub fn mine(&self) -> Decimal {
        Decimal::from(self.ours.billed)
    }

    pub fn same_quantity(&self) -> bool {
        self.theirs() == Some(self.mine().normalize())
    }

    /// Whether Lago billed this: each of its fees was rounded on its own.
    pub fn is_billed(&self, amount: Option<Decimal>) -> bool {
        let slack = Decimal::new(i64::from(self.lago.fees.saturating_sub(1)), self.ours.currency.decimals());
        amount.is_some_and(|amount| (amount - self.lago.net).abs() <= slack)
    }

    /// What a quantity of base units costs here, discounts taken off.
    pub fn cost(&self, quantity: Decimal) -> Option<Decimal> {
        self.cost_by(self.ours.model.as_ref()?, quantity)
    }

    pub fn cost_by(&self, model: &Model, quantity: Decimal) -> Option<Decimal> {
        let gross = self.gross_by(model, quantity)?;
        let Some(percent) = self.ours.discount else { return Some(gross) };
        let (numerator, denominator) = fraction(&[gross, percent], 100).ok()?;
        let off = Money::round_ratio(numerator, denominator, self.ours.currency).ok()?;
        Some((gross - off.amount()).normalize())
    }

    fn gross_by(&self, model: &Model, quantity: Decimal) -> Option<Decimal> {
        let mut sum = Decimal::ZERO;
        let base = one_price(model, self.ours.unit)?;
        for (part, price) in parts(model, quantity) {
            let (numerator, denominator) = fraction(&[part, price], base).ok()?;
            sum += Money::round_ratio(numerator, denominator, self.ours.currency).ok()?.amount();
        }
        Some(sum.normalize())
    }

    /// Our price of one of Lago's units, where each unit costs the same.
    pub fn price_per_unit(&self) -> Option<Decimal> {
        let model = self.ours.model.as_ref()?;
        let Model::PerUnit { price } = model else { return None };
        Some((price.amount() * self.per() / Decimal::from(one_price(model, self.ours.unit)?)).normalize())
    }

    /// A quantity at a price per one of Lago's units.
    pub fn at_price(&self, units: Decimal, price: Decimal) -> Option<Decimal> {
        let (numerator, denominator) = fraction(&[units, price], 1).ok()?;
        Money::round_ratio(numerator, denominator, self.ours.currency).ok().map(|m| m.amount().normalize())
    }
}

/// For how many base units a price is.
fn one_price(model: &Model, unit: Unit) -> Option<i64> {
    match model {
        Model::Package { size, .. } => Some(*size),
        _ => unit.base_quantity().1.checked_mul(unit.printed().1),
    }
}

/// A quantity, which need not be whole, cut where its price changes.
fn parts(model: &Model, quantity: Decimal) -> Vec<(Decimal, Decimal)> {
    match model {
        Model::PerUnit { price } => vec![(quantity, price.amount())],
        Model::Graduated { tiers } => graduated(tiers, quantity),
        Model::Volume { tiers } => {
            let reached = tiers.iter().find(|t| t.up_to.is_none_or(|up_to| quantity <= Decimal::from(up_to)));
            reached.map(|tier| (quantity, tier.price.amount())).into_iter().collect()
        }
        Model::Package { size, price } => {
            let begun = (quantity / Decimal::from(*size)).ceil();
            vec![(begun * Decimal::from(*size), price.amount())]
        }
    }
}

fn graduated(tiers: &[Tier], quantity: Decimal) -> Vec<(Decimal, Decimal)> {
    let (mut parts, mut before) = (Vec::new(), Decimal::ZERO);
    for tier in tiers {
        let end = tier.up_to.map_or(quantity, |up_to| Decimal::from(up_to).min(quantity));
        if end > before {
            parts.push((end - before, tier.price.amount()));
            before = end;
        }
    }
    parts
}
