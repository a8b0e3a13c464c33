//! What does a quantity cost when the period's total decides what each unit of it costs?
//!
//! The first unit beyond a tier makes all units before it cost what the next tier says. So where the next tier is
//! cheaper, what is owed falls as that unit is used, and what a month shows so far may be more than it ends at.

use super::Part;
use crate::Tier;

/// All of it at one price. A tier's end belongs to it: of "up to 100", a total of 100 is still in it.
pub(super) fn split(tiers: &[Tier], total: i64, quantity: i64) -> Vec<Part> {
    let reached = (0..).zip(tiers).find(|(_, step)| step.up_to.is_none_or(|up_to| total <= up_to));
    reached.map(|(tier, step)| Part { tier, quantity, price: step.price }).into_iter().collect()
}
