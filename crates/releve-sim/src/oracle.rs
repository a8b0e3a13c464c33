//! How much should come out? Added up from the list of holds alone: no window, no report, no rollup.

use std::collections::BTreeMap;

use releve_types::{Sku, TenantKey, sku::SkuError};

use crate::cluster::{Plan, Stretch};

/// Milliseconds held by each tenant key of each SKU in a stretch.
pub type HeldMs = BTreeMap<(TenantKey, Sku), i64>;

/// What was held, whoever reported it.
pub fn held_ms(plan: &Plan, within: Stretch) -> Result<HeldMs, SkuError> {
    let mut sum = HeldMs::new();
    for hold in &plan.holds {
        if let Some(part) = hold.time.clip(within) {
            *sum.entry((plan.keys[hold.key].clone(), plan.sku(hold)?)).or_default() += part.millis();
        }
    }
    Ok(sum)
}

/// What is left of it once some reports never arrive: each is a node's index and the stretch it would have covered.
pub fn held_ms_without(plan: &Plan, within: Stretch, lost: &[(usize, Stretch)]) -> Result<HeldMs, SkuError> {
    let mut sum = held_ms(plan, within)?;
    for hold in &plan.holds {
        for (_, gone) in lost.iter().filter(|(node, _)| *node == hold.node) {
            if let Some(part) = hold.time.clip(within).and_then(|held| held.clip(*gone)) {
                *sum.entry((plan.keys[hold.key].clone(), plan.sku(hold)?)).or_default() -= part.millis();
            }
        }
    }
    sum.retain(|_, ms| *ms != 0);
    Ok(sum)
}

/// The same per tenant key.
pub fn by_key(held: &HeldMs) -> BTreeMap<TenantKey, i64> {
    let mut sum = BTreeMap::new();
    for ((key, _), ms) in held {
        *sum.entry(key.clone()).or_default() += ms;
    }
    sum
}
