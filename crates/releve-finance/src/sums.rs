//! How are amounts summed up by something? In one place, so that no sum forgets what its currency is.

use std::collections::BTreeMap;

use releve_types::{Currency, Money, money::MoneyError};

pub type ByCurrency = BTreeMap<Currency, Money>;

/// Adds to the sum of a key, which begins at nothing.
pub fn add_to<K: Ord>(sums: &mut BTreeMap<K, Money>, key: K, amount: Money) -> Result<(), MoneyError> {
    let sum = sums.entry(key).or_insert(Money::zero(amount.currency()));
    *sum = sum.checked_add(amount)?;
    Ok(())
}

/// The same by the amount's own currency.
pub fn add(sums: &mut ByCurrency, amount: Money) -> Result<(), MoneyError> {
    add_to(sums, amount.currency(), amount)
}
