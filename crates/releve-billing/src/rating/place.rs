//! Where does a quantity stand among all that its account is charged for in the period?
//!
//! In the order in which rows are rated: by time, then by tenant and project. Counted are base units as rounding plans
//! left them, before packages are made of them; what has no price counts for nothing.

use std::collections::BTreeMap;

use releve_types::ids::PriceId;

/// What came before it, and how much there is in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// Of the SKU before it, at whatever price.
    pub before: i64,
    /// Of the SKU in all, at whatever price.
    pub total: i64,
    /// Under this very price, before it.
    pub before_at_price: i64,
}

/// The places of a SKU's rows, one after the other. Tiers are reached with all that the account used of the SKU, also
/// across a change of price: a new price takes nothing away of what the account has come to. Packages are counted
/// price by price: what was paid for in another way is in no package.
pub(crate) struct Places {
    before: i64,
    total: i64,
    before_at: BTreeMap<PriceId, i64>,
}

impl Places {
    /// For these quantities, none of them negative. `None` where 64 bits don't hold their sum.
    pub fn new(mut quantities: impl Iterator<Item = i64>) -> Option<Self> {
        let total = quantities.try_fold(0_i64, i64::checked_add)?;
        Some(Self { before: 0, total, before_at: BTreeMap::new() })
    }

    /// The place of the next of them. Nothing that is counted here passes the total.
    pub fn next(&mut self, price: PriceId, quantity: i64) -> Place {
        let before_at_price = self.before_at.entry(price).or_default();
        let place = Place { before: self.before, total: self.total, before_at_price: *before_at_price };
        *before_at_price += quantity;
        self.before += quantity;
        place
    }
}
