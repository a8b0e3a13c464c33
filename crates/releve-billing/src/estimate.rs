//! What might some usage come to? A figure for a decision, never for a document.
//!
//! Usage that is not counted yet has no place in its account's period: which tier it would fall into and what a
//! plan would round it to is not known. So each hour costs its first tier's price, unrounded by any plan, and of a
//! package as much as was used.

use std::collections::BTreeMap;

use releve_types::{Hour, Money, Sku};

use crate::{Contract, RateError, rate::amount, rating::Part};

/// What some usage would come to at list price, and what has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Estimate {
    pub money: Money,
    /// Base units without a price, by SKU.
    pub unpriced: BTreeMap<Sku, i64>,
}

/// Sums base units per price first, so that an estimate does not depend on how usage is cut into hours.
pub fn estimate<'a>(
    contract: &Contract,
    usage: impl IntoIterator<Item = (&'a Sku, Hour, i64)>,
) -> Result<Estimate, RateError> {
    let mut priced = BTreeMap::new();
    let mut unpriced: BTreeMap<Sku, i64> = BTreeMap::new();
    for (sku, hour, quantity) in usage {
        let too_large = || RateError::TooLarge { sku: Box::new(sku.clone()) };
        let sum = match contract.price_at(sku, hour) {
            Some(price) => &mut priced.entry(price.id()).or_insert((price, 0_i64)).1,
            None => unpriced.entry(sku.clone()).or_default(),
        };
        *sum = sum.checked_add(quantity).ok_or_else(too_large)?;
    }
    let mut money = Money::zero(contract.currency());
    for (price, quantity) in priced.into_values() {
        let Some(first) = price.model().tiers().first().map(|tier| tier.price) else { continue };
        let part = Part { tier: 0, quantity, price: first };
        money = money.checked_add(amount(&part, price, contract.currency())?)?;
    }
    Ok(Estimate { money, unpriced })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use releve_types::{
        Currency, Timestamp, Unit,
        ids::{PriceBookId, PriceId},
    };

    use super::*;
    use crate::{Model, Price, PriceBook, Rounding, Term, Tier};

    #[test]
    fn an_estimate_takes_the_first_tier_and_names_what_has_no_price() {
        let (gpu, other): (Sku, Sku) =
            ("gpu/h100/whole/1:1/standard/eu".parse().unwrap(), "meter/storage/eu".parse().unwrap());
        let tier = |up_to, price: &str| Tier { up_to, price: price.parse().unwrap() };
        let model = Model::Graduated { tiers: vec![tier(Some(3_600_000), "2.50"), tier(None, "1.00")] };
        let from = Timestamp::from_millis(0);
        let id = PriceId::fresh(from);
        let price = Price::new(id, gpu.clone(), Unit::GpuMs, from, model, Rounding::StartedHour).unwrap();
        let book = PriceBook::new(PriceBookId::fresh(from), "list".to_owned(), Currency::Eur, vec![price]).unwrap();
        let term = Term { from: from.hour(), book: Arc::new(book) };
        let contract = Contract::new(Currency::Eur, vec![term]).unwrap();
        let hour = Hour::from_index;
        let usage = [(&gpu, hour(1), 3_600_000), (&gpu, hour(2), 1_800_000), (&other, hour(1), 7)];
        let found = estimate(&contract, usage).unwrap();
        assert_eq!(found.money.to_string(), "3.75 EUR", "an hour and a half, all in the first tier, not rounded up");
        assert_eq!(found.unpriced, BTreeMap::from([(other.clone(), 7)]));
    }
}
