//! Does an agreement contradict another of the same account? Then it is refused, and both are named.

use releve_types::{Hour, Period};

use super::{AgreedTerms, Agreement};
use crate::{Contract, PriceError, PriceReason};

/// A period in which a SKU is both rounded and reserved can't be rated, so the two keep a longest month's distance.
const MONTH_HOURS: i64 = 31 * 24 + 1;
/// Hours of an agreement without an end that are looked at for what contradicts it: a hundred years.
const AHEAD_HOURS: i64 = 100 * 366 * 24;

/// May this be agreed to? Not beside another that says otherwise of the same, nor a reservation of what a plan rounds.
pub fn check_new_agreement(contract: &Contract, new: &Agreement) -> Result<(), PriceError> {
    apart(contract.agreements(), new)?;
    if let AgreedTerms::Reservation { sku, .. } = new.terms() {
        let end = new.until().map_or(new.from().index().saturating_add(AHEAD_HOURS), Hour::index);
        let around = Period::of_hours(
            Hour::from_index(new.from().index().saturating_sub(MONTH_HOURS)),
            Hour::from_index(end.saturating_add(MONTH_HOURS)),
        );
        if around.is_ok_and(|around| contract.rounded_skus(around).contains(sku)) {
            return Err(PriceReason::ReservedRounded(sku.clone()).at("sku"));
        }
    }
    Ok(())
}

/// Checks an agreement against others of the account.
pub(crate) fn apart(others: &[Agreement], new: &Agreement) -> Result<(), PriceError> {
    let at_once = |known: &&Agreement| known.id() != new.id() && known.overlaps(new);
    others.iter().filter(at_once).try_for_each(|known| pair(known, new))
}

fn pair(known: &Agreement, new: &Agreement) -> Result<(), PriceError> {
    let both = (known.id(), new.from().start());
    match (known.terms(), new.terms()) {
        (AgreedTerms::Discount { scope: a, .. }, AgreedTerms::Discount { scope: b, .. }) if a == b => {
            Err(PriceReason::TwoDiscounts { known: both.0, from: both.1 }.at("scope"))
        }
        (AgreedTerms::Minimum { .. }, AgreedTerms::Minimum { .. }) => {
            Err(PriceReason::TwoMinimums { known: both.0, from: both.1 }.at("from"))
        }
        (
            AgreedTerms::Reservation { sku, matching, overage, .. },
            AgreedTerms::Reservation { sku: other, matching: matched, overage: above, .. },
        ) if sku == other => {
            if matching != matched {
                return Err(PriceReason::MatchedTwoWays { known: both.0 }.at("matching"));
            }
            if overage != above {
                return Err(PriceReason::TwoOverages { known: both.0 }.at("overage"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
