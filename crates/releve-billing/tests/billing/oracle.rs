//! Does an independent calculation agree? The same questions asked of exact fractions of big integers, hour by
//! hour, in the slowest and plainest way.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use proptest::prelude::*;
use releve_billing::{Charge, Model, Price, Rounding, Tier, UnitPrice, rate, rating::PACKAGE_MAX};
use releve_types::{Hour, Sku, ids::PriceId};
use rust_decimal::Decimal;

use crate::world::{HOURS, World, a_settled_world, a_world, hours, price_id};

/// A decimal's text as whole millionths.
fn millionths(decimal: &str) -> BigInt {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}{fraction:0<6}").parse().expect("a decimal with at most six places")
}

/// Minor units, half away from zero, of a GPU line: ms × price per so many ms.
fn cents(ms: i64, price: &str, base_ms: i64) -> BigInt {
    let (numerator, denominator) = (BigInt::from(ms) * millionths(price) * 100, BigInt::from(base_ms) * 1_000_000);
    (numerator * 2 + &denominator) / (denominator * 2)
}

/// What a GPU's price is for: a package, or an hour.
fn base_ms(price: &Price) -> i64 {
    if let Model::Package { size, .. } = price.model() { *size } else { 3_600_000 }
}

/// The price that a line was made with.
fn price_of<'a>(world: &'a World, charge: &Charge) -> &'a Price {
    world.contract.price_at(&charge.sku, charge.stretch.first_hour()).expect("a priced stretch")
}

/// What a SKU's units cost that come after the first `from`, of `total` in all, and after the first `at_price` that
/// this price was charged for: in millionths × ms of what the price is for.
fn cost(price: &Price, [from, at_price, quantity, total]: [i64; 4]) -> BigInt {
    let in_all = |tier: &Tier| BigInt::from(quantity) * millionths(&tier.price.amount().to_string());
    let tiers = price.model().tiers();
    match price.model() {
        Model::PerUnit { .. } => in_all(&tiers[0]),
        Model::Graduated { .. } => graduated(&tiers, from + quantity) - graduated(&tiers, from),
        Model::Volume { .. } => {
            let passed = tiers.iter().filter(|tier| tier.up_to.is_some_and(|end| end < total)).count();
            in_all(&tiers[passed])
        }
        Model::Package { size, price } => {
            // Opened one by one, each when the one before is used up.
            let (mut opened, mut held) = (0, 0);
            while held < at_price {
                held += size;
            }
            while held < at_price + quantity {
                held += size;
                opened += 1;
            }
            BigInt::from(opened) * *size * millionths(&price.amount().to_string())
        }
    }
}

/// What so many units cost when counted from the first, tier by tier.
fn graduated(tiers: &[Tier], ms: i64) -> BigInt {
    let (mut total, mut from) = (BigInt::ZERO, 0);
    for tier in tiers {
        let until = tier.up_to.unwrap_or(i64::MAX).min(ms);
        if until > from {
            total += BigInt::from(until - from) * millionths(&tier.price.amount().to_string());
            from = until;
        }
    }
    total
}

/// What each hour adds, plan by plan, walking every allocation through every hour; before packages are made of it.
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
            let base_ms = base_ms(price_of(&world, &c));
            prop_assert_eq!(c.base_quantity * 1_000, base_ms);
            prop_assert_eq!(printed.parse::<BigInt>(), Ok(cents(c.billed, &c.unit_price.to_string(), base_ms)));
        }
    }

    /// And of packages, the fewest that hold it: not one per tenant, per project or per stretch.
    #[test]
    fn billed_time_is_what_each_hour_adds(world in a_settled_world()) {
        let (mut billed, mut packages) = (BTreeMap::new(), BTreeMap::new());
        for c in charges(&world) {
            if let Model::Package { size, .. } = price_of(&world, &c).model() {
                packages.insert(price_id(&c), *size);
            }
            *billed.entry((c.sku.clone(), Some(price_id(&c)))).or_default() += c.billed;
        }
        billed.retain(|_, ms| *ms != 0);
        let mut expected = billed_by_hour(&world);
        for ((_, price), ms) in &mut expected {
            if let Some(size) = price.and_then(|price| packages.get(&price)) {
                *ms = (*ms + size - 1) / size * size;
            }
        }
        prop_assert_eq!(billed, expected);
    }

    /// Before rounding to cents, the lines of one price cost what the price says of its range of the period's
    /// quantity, however tenants, projects and tiers cut it.
    #[test]
    fn a_range_costs_what_its_model_says(world in a_world()) {
        let mut by_run: BTreeMap<_, (i64, BigInt)> = BTreeMap::new();
        let mut total: BTreeMap<Sku, i64> = BTreeMap::new();
        for c in charges(&world) {
            // A package rounds what it holds, so its quantity is what was metered.
            let packed = matches!(price_of(&world, &c).model(), Model::Package { .. });
            let quantity = if packed { c.metered } else { c.billed };
            *total.entry(c.sku.clone()).or_default() += quantity;
            let sum = by_run.entry((c.sku.clone(), c.stretch, price_id(&c))).or_default();
            sum.0 += quantity;
            sum.1 += BigInt::from(c.billed) * millionths(&c.unit_price.to_string());
        }
        let (mut before, mut before_at): (BTreeMap<Sku, i64>, BTreeMap<PriceId, i64>) = Default::default();
        for ((sku, stretch, id), (quantity, exact)) in by_run {
            let price = world.contract.price_at(&sku, stretch.first_hour()).expect("a priced stretch");
            let (total, from) = (total[&sku], before.entry(sku).or_default());
            let at_price = before_at.entry(id).or_default();
            prop_assert_eq!(exact, cost(price, [*from, *at_price, quantity, total]));
            (*from, *at_price) = (*from + quantity, *at_price + quantity);
        }
    }

    /// Quantities, prices and packages up to the largest: exact, or refused; never a rounded product.
    #[test]
    fn large_amounts_are_exact_or_refused(
        ms in 0..=i64::MAX,
        mantissa in 0i64..=999_999_999_999_999_999,
        scale in 0u32..=6,
        package in prop::option::of(1i64..=PACKAGE_MAX / 1_000),
    ) {
        let Ok(price) = UnitPrice::new(Decimal::new(mantissa, scale)) else { return Ok(()) };
        let model = match package {
            Some(seconds) => Model::Package { size: seconds * 1_000, price },
            None => Model::PerUnit { price },
        };
        let (contract, mut usage) = one_price(model);
        usage.items[0].metered = ms;
        if let Ok(rated) = rate(&contract, hours(0, HOURS), &usage) {
            for c in rated.charges {
                let printed = c.amount.amount().to_string().replace('.', "");
                let base_ms = package.map_or(3_600_000, |seconds| seconds * 1_000);
                prop_assert_eq!(printed.parse::<BigInt>(), Ok(cents(c.billed, &c.unit_price.to_string(), base_ms)));
                prop_assert!(c.billed >= ms);
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
    (contract, Usage { items: vec![item], ..Usage::default() })
}
