//! Does an independent calculation agree? The same questions asked of exact fractions of big integers, hour by
//! hour, in the slowest and plainest way.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use proptest::prelude::*;
use releve_billing::{Charge, Model, Price, Rounding, rate};
use releve_types::{Hour, Sku, ids::PriceId};

use crate::world::{HOURS, World, a_settled_world, a_world, hours};

/// A decimal's text as whole millionths.
fn millionths(decimal: &str) -> BigInt {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}{fraction:0<6}").parse().expect("a decimal with at most six places")
}

/// Minor units, half away from zero, of a GPU line: ms × price per hour.
fn cents(ms: i64, price: &str) -> BigInt {
    let (numerator, denominator) = (BigInt::from(ms) * millionths(price) * 100, BigInt::from(3_600_000_000_000_i64));
    (numerator * 2 + &denominator) / (denominator * 2)
}

/// What so many ms cost when counted from the first, in millionths × ms: tier by tier.
fn cost(price: &Price, ms: i64) -> BigInt {
    let (mut total, mut from) = (BigInt::ZERO, 0);
    for tier in price.model().tiers().iter() {
        let until = tier.up_to.unwrap_or(i64::MAX).min(ms);
        if until > from {
            total += BigInt::from(until - from) * millionths(&tier.price.amount().to_string());
            from = until;
        }
    }
    total
}

/// What each hour bills, plan by plan, walking every allocation through every hour.
fn billed_by_hour(world: &World) -> BTreeMap<(Sku, Option<PriceId>), i64> {
    let mut atoms = world.atoms.clone();
    atoms.sort_by_key(|a| a.hour);
    let mut so_far: BTreeMap<_, i64> = BTreeMap::new();
    let mut billed: BTreeMap<_, i64> = BTreeMap::new();
    for atom in &atoms {
        let sku = crate::world::sku(atom.sku);
        let Some(price) = world.contract.price_at(&sku, Hour::from_index(atom.hour)) else { continue };
        let plan = |held: i64| match price.rounding() {
            Rounding::Exact => held,
            Rounding::Second => (held + 999) / 1000 * 1000,
            Rounding::SecondMin60 if held == 0 => 0,
            Rounding::SecondMin60 => ((held + 999) / 1000 * 1000).max(60_000),
            Rounding::StartedMinute => (held + 59_999) / 60_000 * 60_000,
            Rounding::StartedHour => (held + 3_599_999) / 3_600_000 * 3_600_000,
        };
        let held = so_far.entry((atom.allocation, atom.device, atom.sku, price.rounding())).or_default();
        let (before, after) = (*held, *held + atom.held);
        *held = after;
        if atom.hour >= 0 {
            *billed.entry((sku, Some(price.id()))).or_default() += plan(after) - plan(before);
        }
    }
    billed.retain(|_, ms| *ms != 0);
    billed
}

fn charges(world: &World) -> Vec<Charge> {
    let period = hours(0, HOURS);
    let usage = world.usage(period, &world.contract.stretches(period));
    rate(&world.contract, period, &usage).expect("rated").charges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_amount_is_the_exact_fraction_rounded_once(world in a_world()) {
        for c in charges(&world) {
            let printed = c.amount.amount().to_string().replace('.', "");
            prop_assert_eq!(printed.parse::<BigInt>(), Ok(cents(c.billed, &c.unit_price.to_string())));
        }
    }

    #[test]
    fn billed_time_is_what_each_hour_adds(world in a_settled_world()) {
        let mut billed: BTreeMap<_, i64> = BTreeMap::new();
        for c in charges(&world) {
            *billed.entry((c.sku, Some(c.price_id))).or_default() += c.billed;
        }
        billed.retain(|_, ms| *ms != 0);
        prop_assert_eq!(billed, billed_by_hour(&world));
    }

    /// Before rounding to cents, the lines of one price cost what the price says of its range of the period's
    /// quantity, however tenants, projects and tiers cut it.
    #[test]
    fn tiers_cost_what_their_range_costs(world in a_world()) {
        let mut by_run: BTreeMap<_, (i64, BigInt)> = BTreeMap::new();
        for c in charges(&world) {
            let sum = by_run.entry((c.sku, c.stretch, c.price_id)).or_default();
            sum.0 += c.billed;
            sum.1 += BigInt::from(c.billed) * millionths(&c.unit_price.to_string());
        }
        let mut position: BTreeMap<Sku, i64> = BTreeMap::new();
        for ((sku, stretch, _), (billed, exact)) in by_run {
            let price = world.contract.price_at(&sku, stretch.first_hour()).expect("a priced stretch");
            let from = position.entry(sku).or_default();
            prop_assert_eq!(exact, cost(price, *from + billed) - cost(price, *from));
            *from += billed;
        }
    }

    /// Quantities and prices up to the largest: exact, or refused; never a rounded product.
    #[test]
    fn large_amounts_are_exact_or_refused(ms in any::<i64>(), mantissa in 0i64..=999_999_999_999_999_999, scale in 0u32..=6) {
        let price = rust_decimal::Decimal::new(mantissa, scale);
        let Ok(price) = releve_billing::UnitPrice::new(price) else { return Ok(()) };
        let ms = ms.unsigned_abs().min(i64::MAX.unsigned_abs());
        let world = crate::oracle::one_price(Model::PerUnit { price });
        let mut usage = world.1;
        usage.items[0].metered = i64::try_from(ms).expect("within i64");
        if let Ok(rated) = rate(&world.0, hours(0, HOURS), &usage) {
            for c in rated.charges {
                let printed = c.amount.amount().to_string().replace('.', "");
                prop_assert_eq!(printed.parse::<BigInt>(), Ok(cents(c.billed, &c.unit_price.to_string())));
            }
        }
    }
}

fn one_price(model: Model) -> (releve_billing::Contract, releve_billing::Usage) {
    use std::sync::Arc;

    use releve_billing::{Contract, PriceBook, Term, Usage, UsageItem};
    use releve_types::{Currency, Unit, ids::PriceBookId};
    use uuid::Uuid;

    let (sku, from) = (crate::world::sku(0), Hour::from_index(0));
    let price =
        Price::new(PriceId::from_uuid(Uuid::nil()), sku.clone(), Unit::GpuMs, from.start(), model, Rounding::Exact);
    let id = PriceBookId::from_uuid(Uuid::nil());
    let book = PriceBook::new(id, "one".to_owned(), Currency::Eur, vec![price.expect("a price")]).expect("a book");
    let contract = Contract::new(Currency::Eur, vec![Term { from, book: Arc::new(book) }]).expect("a contract");
    let item = UsageItem {
        tenant: crate::world::tenant_id(1),
        project: crate::world::project_name(1),
        sku,
        stretch: hours(0, HOURS),
        metered: 0,
        energy_mj: 0,
    };
    (contract, Usage { items: vec![item], allocations: vec![] })
}
