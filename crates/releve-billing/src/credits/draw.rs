//! How much of each credit goes to which charges? Walked in order, so that the same charges and offers draw the same.

use std::collections::BTreeMap;

use releve_types::{Money, Period, Sku, Unit, ids::CreditId, money::MoneyError};

use super::Offer;
use crate::{Charge, ChargeKind, Rated, UnitPrice, tax::RateClass};

/// What granted credits take off charges: one line per credit and VAT class, below zero. Beyond what was drawn before, an
/// offer gives only as far as what it covers costs more than was `charged` before.
pub(super) fn granted(
    rated: &Rated,
    charged: &[Charge],
    offers: &[Offer],
    period: Period,
) -> Result<Vec<Charge>, MoneyError> {
    let zero = Money::zero(rated.currency);
    let charges = &rated.charges;
    let mut all = rated.total;
    let mut of_class: BTreeMap<RateClass, Money> = BTreeMap::new();
    for charge in charges {
        let class = of_class.entry(charge.class).or_insert(zero);
        *class = class.checked_add(charge.amount)?;
    }
    // Of each charge: what nothing pays for yet, and what credits pay for that did not before.
    let mut left: Vec<Money> = charges.iter().map(|charge| charge.amount).collect();
    let mut fresh: Vec<Money> = vec![zero; charges.len()];
    let mut drawn: Vec<Charge> = Vec::new();
    for offer in offers.iter().filter(|offer| !offer.is_paid()) {
        let covered: Vec<usize> = (0..charges.len()).filter(|at| offer.covers(&charges[*at])).collect();
        let mut rest = offer.amount;
        if !offer.kept {
            let of = |charge: &&Charge| offer.covers(charge);
            let before = sum(zero, charged.iter().filter(of).map(|charge| charge.amount))?;
            let now = sum(zero, covered.iter().map(|at| charges[*at].amount))?;
            let given = sum(zero, covered.iter().map(|at| fresh[*at]))?;
            rest = rest.lesser(now.checked_sub(before)?.checked_sub(given)?);
        }
        let mut by_class: BTreeMap<RateClass, Money> = BTreeMap::new();
        for at in covered {
            let class = of_class.entry(charges[at].class).or_insert(zero);
            let taken = rest.lesser(left[at]).lesser(*class).lesser(all);
            if taken.is_zero() || taken.is_negative() {
                continue;
            }
            for of in [&mut rest, &mut left[at], class, &mut all] {
                *of = of.checked_sub(taken)?;
            }
            if !offer.kept {
                fresh[at] = fresh[at].checked_add(taken)?;
            }
            let sum = by_class.entry(charges[at].class).or_insert(zero);
            *sum = sum.checked_add(taken)?;
        }
        for (class, amount) in by_class {
            put(&mut drawn, line(offer, class, amount, period)?)?;
        }
    }
    Ok(drawn)
}

fn sum(zero: Money, amounts: impl Iterator<Item = Money>) -> Result<Money, MoneyError> {
    amounts.into_iter().try_fold(zero, Money::checked_add)
}

/// A credit that was drawn before and has more to give is one line.
fn put(drawn: &mut Vec<Charge>, line: Charge) -> Result<(), MoneyError> {
    match drawn.iter_mut().find(|known| (known.kind, known.class) == (line.kind, line.class)) {
        Some(known) => {
            known.amount = known.amount.checked_add(line.amount)?;
            known.unit_price = known.amount.negated().amount();
        }
        None => drawn.push(line),
    }
    Ok(())
}

fn line(offer: &Offer, class: RateClass, amount: Money, period: Period) -> Result<Charge, MoneyError> {
    Ok(Charge {
        tenant: None,
        project: String::new(),
        // One per class, since a line is of one.
        sku: Sku::Fee { name: format!("credit-{class}").into() },
        unit: Unit::Count,
        kind: ChargeKind::Credit(offer.credit.id()),
        class,
        tier: 0,
        stretch: period,
        metered: 0,
        billed: -1,
        energy_mj: 0,
        unit_price: UnitPrice::new(amount.amount()).map_err(|_| MoneyError::TooLarge)?.amount(),
        base_quantity: 1,
        discount: None,
        amount: amount.negated(),
    })
}

/// What credits paid in advance take off an amount, beyond what they took before: below zero, it goes back to them, the last
/// drawn first.
pub(super) fn paid(offers: &[Offer], payable: Money, fresh: Money) -> Result<Vec<(CreditId, Money)>, MoneyError> {
    let zero = Money::zero(payable.currency());
    let (mut left, mut fresh) = (payable, fresh);
    let mut drawn: Vec<(CreditId, Money)> = Vec::new();
    for offer in offers {
        let most = if offer.kept { offer.amount } else { offer.amount.lesser(fresh) };
        let most = most.lesser(left);
        let taken = if most.is_negative() { zero } else { most };
        left = left.checked_sub(taken)?;
        let more = if offer.kept { taken.checked_sub(offer.amount)? } else { taken };
        if !offer.kept {
            fresh = fresh.checked_sub(taken)?;
        }
        let id = offer.credit.id();
        match drawn.iter_mut().find(|(known, _)| *known == id) {
            Some((_, sum)) => *sum = sum.checked_add(more)?,
            None => drawn.push((id, more)),
        }
    }
    drawn.retain(|(_, amount)| !amount.is_zero());
    Ok(drawn)
}
