//! Why do two totals differ? Each reason predicts what Lago would have billed; the first that comes out to the cent is given.
//!
//! The order is from what leaves the least to chance to what leaves the most: a reason that rests on a fact that is on record
//! comes before one that only fits.

use releve_billing::{Model, Tier};
use rust_decimal::Decimal;

use super::{
    predict::Pair,
    reason::{Reason, Why},
};
use crate::number::{Way, rounded};

/// A question that one reason asks of a pair.
type Check = fn(&Pair<'_>) -> Option<Why>;

/// What is asked where both count the same.
const SAME_QUANTITY: [Check; 12] = [
    tax_included,
    discount,
    coupon,
    credit,
    known_free_units,
    price_rounded,
    tier_boundary,
    proration,
    unit_price,
    amount_rounded,
    free_units,
    fee_of_another_amount,
];

/// What is asked where both charge the same for what each counts.
const SAME_PRICE: [Check; 7] = [zone, late, duplicates, quantity_rounded, known_free_units, missing, duplicated_whole];

pub(super) fn explain(pair: &Pair<'_>) -> Why {
    let (ours, lago) = (pair.ours, pair.lago);
    if ours.currency != lago.currency {
        return Why::of(Reason::Currency);
    }
    if pair.same_quantity() && ours.unpriced == 0 && ours.net.normalize() == lago.net.normalize() {
        return Why::equal();
    }
    if ours.unpriced != 0 {
        return Why::of(Reason::NoPriceHere);
    }
    if !ours.net.is_zero() && lago.net == -ours.net {
        return Why::of(Reason::SignFlipped);
    }
    let asked: &[Check] = if pair.same_quantity() { &SAME_QUANTITY } else { &SAME_PRICE };
    let found = unit_conversion(pair).or_else(|| asked.iter().find_map(|check| check(pair)));
    found.or_else(|| proration(pair)).unwrap_or_else(|| Why::of(Reason::Unexplained))
}

/// Lago's quantity, if it is billed at our price.
fn at_our_price(pair: &Pair<'_>) -> Option<Decimal> {
    let theirs = pair.theirs()?;
    pair.is_billed(pair.cost(theirs)).then_some(theirs)
}

/// Between what two units are a fixed number of times apart, as a fraction.
const RATIOS: [(i64, i64, &str); 7] = [
    (3_600, 1, "hours for seconds"),
    (60, 1, "minutes for seconds, or hours for minutes"),
    (1_000, 1, "seconds for milliseconds"),
    (3_600_000, 1, "hours for milliseconds"),
    (1_000_000, 1, "millions for units"),
    (1_073_741_824, 1_000_000_000, "GiB for GB"),
    (24, 1, "days for hours"),
];

fn unit_conversion(pair: &Pair<'_>) -> Option<Why> {
    let (mine, theirs) = (pair.mine(), pair.theirs()?);
    if mine.is_zero() || theirs.is_zero() || mine == theirs {
        return None;
    }
    // The same money under another unit, or the same price of what was meant in another.
    if pair.lago.net != pair.ours.net && at_our_price(pair).is_none() {
        return None;
    }
    RATIOS.iter().find_map(|(more, less, words)| {
        let (more, less) = (Decimal::from(*more), Decimal::from(*less));
        let larger = theirs.checked_mul(less)? == mine.checked_mul(more)?;
        let smaller = theirs.checked_mul(more)? == mine.checked_mul(less)?;
        let times = (more / less).normalize();
        (larger || smaller).then(|| Why::said(Reason::UnitConversion, format!("{words}: {times} times")))
    })
}

fn tax_included(pair: &Pair<'_>) -> Option<Why> {
    let net = pair.ours.net;
    if !pair.lago.tax.is_zero() && pair.is_billed(Some(net + pair.lago.tax)) {
        return Some(Why::said(Reason::TaxIncluded, format!("Lago's amount holds its tax of {}", pair.lago.tax)));
    }
    pair.ours.facts.vat_rates.iter().filter(|rate| !rate.is_zero()).find_map(|rate| {
        let with = pair.at_price(net, Decimal::ONE + *rate / Decimal::ONE_HUNDRED);
        pair.is_billed(with).then(|| Why::said(Reason::TaxIncluded, format!("Lago's amount holds {rate} % of VAT")))
    })
}

fn discount(pair: &Pair<'_>) -> Option<Why> {
    let ours = pair.ours;
    let off = ours.gross - ours.net;
    (!off.is_zero() && pair.is_billed(Some(ours.gross)))
        .then(|| Why::said(Reason::Discount, format!("{off} is off it here, and nothing at Lago")))
}

fn coupon(pair: &Pair<'_>) -> Option<Why> {
    let off = pair.ours.facts.coupon;
    (!off.is_zero() && pair.is_billed(Some(pair.ours.net - off)))
        .then(|| Why::said(Reason::Discount, format!("a coupon of {off} is off it at Lago")))
}

fn credit(pair: &Pair<'_>) -> Option<Why> {
    let credit = pair.ours.facts.credit;
    let drawn = !credit.is_zero()
        && (pair.is_billed(Some(pair.ours.net - credit)) || pair.is_billed(Some(pair.ours.net + credit)));
    drawn.then(|| Why::said(Reason::Credit, format!("a credit of {credit} is taken off on one side only")))
}

/// Free units that are on record: Lago counts them and does not charge them, or does not count them.
fn known_free_units(pair: &Pair<'_>) -> Option<Why> {
    let free = Decimal::from(pair.ours.facts.free);
    if free.is_zero() {
        return None;
    }
    let charged = (pair.mine() - free).max(Decimal::ZERO);
    let counted = pair.same_quantity() || pair.theirs() == Some(charged.normalize());
    let units = (free / pair.per()).normalize();
    (counted && pair.is_billed(pair.cost(charged)))
        .then(|| Why::said(Reason::FreeUnits, format!("{units} units are free at Lago")))
}

fn price_rounded(pair: &Pair<'_>) -> Option<Why> {
    let price = pair.price_per_unit()?;
    (0..price.scale().min(6)).rev().find_map(|decimals| {
        Way::ALL.into_iter().find_map(|way| {
            let other = rounded(price, decimals, way).filter(|other| *other != price)?;
            let said = pair.lago.unit_amount.is_none_or(|said| said.normalize() == other);
            let words = format!("the price {price} is {other} at Lago: {decimals} decimals, {}", way.name());
            (said && pair.is_billed(pair.at_price(pair.lago.units, other)))
                .then(|| Why::said(Reason::PriceRounded, words))
        })
    })
}

/// The last unit of a tier belongs to the next one, or the other way round; or all units cost what the last one does.
fn tier_boundary(pair: &Pair<'_>) -> Option<Why> {
    let model = pair.ours.model.as_ref()?;
    let (Model::Graduated { tiers } | Model::Volume { tiers }) = model else { return None };
    let per = i64::try_from(pair.per()).ok()?;
    for (by, words) in [(-per, "a tier ends one unit earlier at Lago"), (per, "a tier ends one unit later at Lago")] {
        let moved = |tier: &Tier| Tier { up_to: tier.up_to.map(|up_to| up_to + by), price: tier.price };
        let tiers: Vec<Tier> = tiers.iter().map(moved).collect();
        let moved = Model::from_parts(model.name(), tiers).ok()?;
        if pair.is_billed(pair.cost_by(&moved, pair.mine())) {
            return Some(Why::said(Reason::TierBoundary, words));
        }
    }
    let other = match model {
        Model::Graduated { .. } => Model::Volume { tiers: tiers.clone() },
        _ => Model::Graduated { tiers: tiers.clone() },
    };
    let words = format!("Lago's tiers are {}, ours {}", other.name(), model.name());
    pair.is_billed(pair.cost_by(&other, pair.mine())).then(|| Why::said(Reason::TierBoundary, words))
}

/// A fee by the month: so many of its days at Lago, so many of its hours here.
fn proration(pair: &Pair<'_>) -> Option<Why> {
    let (whole, days) = (pair.ours.monthly?, pair.ours.facts.days);
    (1..=days).find_map(|day| {
        let (part, of) = (Decimal::from(day), Decimal::from(days));
        let (numerator, denominator) = crate::number::fraction(&[whole, part], i64::from(days)).ok()?;
        let amount = releve_types::Money::round_ratio(numerator, denominator, pair.ours.currency).ok()?.amount();
        let words = format!("{part} of {of} days at Lago; here, the hours in which it holds");
        pair.is_billed(Some(amount)).then(|| Why::said(Reason::Proration, words))
    })
}

fn unit_price(pair: &Pair<'_>) -> Option<Why> {
    let (mine, theirs) = (pair.price_per_unit()?, pair.lago.unit_amount?.normalize());
    (mine != theirs && pair.is_billed(pair.at_price(pair.lago.units, theirs)))
        .then(|| Why::said(Reason::UnitPrice, format!("a unit costs {theirs} at Lago and {mine} here")))
}

/// Lago rounds each fee: as many of them, as many half minor units.
fn amount_rounded(pair: &Pair<'_>) -> Option<Why> {
    let minor = Decimal::new(1, pair.ours.currency.decimals());
    let apart = (pair.lago.net - pair.ours.net).abs();
    (apart <= minor * Decimal::from(pair.lago.fees))
        .then(|| Why::said(Reason::AmountRounded, format!("{} fees at Lago, each rounded", pair.lago.fees)))
}

/// A whole number of units is not charged, on no record.
fn free_units(pair: &Pair<'_>) -> Option<Why> {
    let price = pair.price_per_unit().filter(|price| !price.is_zero())?;
    let free = ((pair.ours.net - pair.lago.net) / price).normalize();
    let charged = pair.lago.units - free;
    (free > Decimal::ZERO
        && free.scale() == 0
        && charged >= Decimal::ZERO
        && pair.is_billed(pair.at_price(charged, price)))
    .then(|| Why::said(Reason::FreeUnits, format!("{free} units are not charged at Lago")))
}

fn fee_of_another_amount(pair: &Pair<'_>) -> Option<Why> {
    pair.ours.monthly?;
    (pair.ours.monthly == Some(pair.ours.net)).then(|| {
        Why::said(Reason::UnitPrice, format!("the fee is {} at Lago and {} here", pair.lago.net, pair.ours.net))
    })
}

fn zone(pair: &Pair<'_>) -> Option<Why> {
    let theirs = at_our_price(pair)?;
    let found = pair.ours.facts.in_zone.iter().find(|(_, quantity)| Decimal::from(**quantity) == theirs);
    found.map(|(zone, _)| Why::said(Reason::Zone, format!("Lago's month begins at midnight in {zone}")))
}

fn late(pair: &Pair<'_>) -> Option<Why> {
    let (theirs, facts) = (at_our_price(pair)?, &pair.ours.facts);
    let (late, before) = (Decimal::from(facts.late), Decimal::from(facts.late_before));
    if late.is_zero() && before.is_zero() {
        return None;
    }
    let counted = [pair.mine() - late, pair.mine() + before, pair.mine() - late + before].contains(&theirs);
    counted.then(|| {
        Why::said(Reason::Late, "what came late is in its own month here, in the month in which it came at Lago")
    })
}

fn duplicates(pair: &Pair<'_>) -> Option<Why> {
    let (theirs, again) = (at_our_price(pair)?, Decimal::from(pair.ours.facts.duplicates));
    (!again.is_zero() && theirs == pair.mine() + again)
        .then(|| Why::said(Reason::Duplicates, "what was sent twice is counted twice at Lago"))
}

/// All of it, several times.
fn duplicated_whole(pair: &Pair<'_>) -> Option<Why> {
    let (theirs, mine) = (at_our_price(pair)?, pair.mine());
    let times = (2..=5).find(|times| mine > Decimal::ZERO && theirs == mine * Decimal::from(*times))?;
    Some(Why::said(Reason::Duplicates, format!("everything is counted {times} times at Lago")))
}

fn quantity_rounded(pair: &Pair<'_>) -> Option<Why> {
    at_our_price(pair)?;
    let units = pair.mine() / pair.per();
    (0..=6).rev().find_map(|decimals| {
        Way::ALL.into_iter().find_map(|way| {
            let words = format!("Lago's quantity has {decimals} decimals, rounded {}", way.name());
            (rounded(units, decimals, way)? == pair.lago.units.normalize())
                .then(|| Why::said(Reason::QuantityRounded, words))
        })
    })
}

fn missing(pair: &Pair<'_>) -> Option<Why> {
    let (theirs, gap) = (at_our_price(pair)?, Decimal::from(pair.ours.facts.missing));
    let apart = theirs - pair.mine();
    let words = "nodes in service reported nothing for that long: a gap here, counted at Lago";
    (apart > Decimal::ZERO && apart <= gap).then(|| Why::said(Reason::Missing, words))
}
