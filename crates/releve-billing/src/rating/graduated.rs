//! What does a quantity cost when the first units cost this much, and those above them that much?

use super::Part;
use crate::Tier;

/// Fills the tiers from `position` on. A tier's end belongs to it: of "up to 100", the 100th unit is the last.
pub(super) fn split(tiers: &[Tier], position: i64, quantity: i64) -> Vec<Part> {
    let (mut parts, mut position, mut left) = (Vec::with_capacity(1), position, quantity);
    for (tier, step) in (0..).zip(tiers) {
        let room = step.up_to.map_or(i64::MAX, |up_to| up_to.saturating_sub(position).max(0));
        let taken = left.min(room);
        if taken > 0 || (quantity == 0 && room > 0) {
            parts.push(Part { tier, quantity: taken, price: step.price });
            (position, left) = (position.saturating_add(taken), left - taken);
        }
        if left == 0 && !parts.is_empty() {
            break;
        }
    }
    parts
}
