//! What does a SKU cost at an hour? A list of dated prices in one currency, looked up by SKU.

use releve_types::{Currency, Hour, Sku, Timestamp, ids::PriceBookId};

use crate::{Price, PriceError, PriceReason};

/// Prices of one currency; each holds from its hour until the next of the same SKU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceBook {
    id: PriceBookId,
    name: String,
    currency: Currency,
    /// By SKU, then by start: a SKU's prices are one slice, found by bisection.
    prices: Vec<Price>,
    /// Every hour at which any price starts, ascending.
    starts: Vec<Hour>,
}

impl PriceBook {
    pub fn new(id: PriceBookId, name: String, currency: Currency, mut prices: Vec<Price>) -> Result<Self, PriceError> {
        prices.sort_by(|a, b| (a.sku(), a.from()).cmp(&(b.sku(), b.from())));
        for pair in prices.windows(2) {
            let [a, b] = pair else { continue };
            if a.sku() != b.sku() {
                continue;
            }
            if a.from() == b.from() {
                return Err(PriceReason::TwoAtOnce { sku: b.sku().clone(), from: b.from().start() }.at("from"));
            }
            if a.unit() != b.unit() {
                return Err(unit_of_book(a, b));
            }
        }
        let mut starts: Vec<Hour> = prices.iter().map(Price::from).collect();
        starts.sort_unstable();
        starts.dedup();
        Ok(Self { id, name, currency, prices, starts })
    }

    pub const fn id(&self) -> PriceBookId {
        self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// All prices, by SKU, then by start.
    pub fn prices(&self) -> &[Price] {
        &self.prices
    }

    /// The prices of one SKU, by start.
    pub fn prices_of(&self, sku: &Sku) -> &[Price] {
        let first = self.prices.partition_point(|p| p.sku() < sku);
        let rest = &self.prices[first..];
        &rest[..rest.partition_point(|p| p.sku() == sku)]
    }

    /// The price that holds in an hour: the one that started last.
    pub fn price_at(&self, sku: &Sku, hour: Hour) -> Option<&Price> {
        let prices = self.prices_of(sku);
        prices[..prices.partition_point(|p| p.from() <= hour)].last()
    }

    /// The hours within `after < hour < before` at which any price starts.
    pub(crate) fn starts_between(&self, after: Hour, before: Hour) -> &[Hour] {
        let first = self.starts.partition_point(|h| *h <= after);
        let rest = &self.starts[first..];
        &rest[..rest.partition_point(|h| *h < before)]
    }
}

/// May this price be added at `now`? Not if it would change what an hour that has begun costs. A past that
/// had no price may be filled: nothing in it was billed.
pub fn check_new_price(book: &PriceBook, price: &Price, now: Timestamp) -> Result<(), PriceError> {
    let (sku, from) = (price.sku(), price.from());
    let known = book.prices_of(sku);
    if known.iter().any(|p| p.from() == from) {
        return Err(PriceReason::TwoAtOnce { sku: sku.clone(), from: from.start() }.at("from"));
    }
    if let Some(other) = known.iter().find(|p| p.unit() != price.unit()) {
        return Err(unit_of_book(other, price));
    }
    // A price ends only where the next of its SKU starts, so the new one takes time from another exactly if
    // another holds at its start.
    if from.start() < now && book.price_at(sku, from).is_some() {
        return Err(PriceReason::PriceInThePast { sku: sku.clone(), from: from.start(), now }.at("from"));
    }
    Ok(())
}

fn unit_of_book(known: &Price, new: &Price) -> PriceError {
    PriceReason::UnitOfBook { sku: new.sku().clone(), known: known.unit(), unit: new.unit() }.at("unit")
}
