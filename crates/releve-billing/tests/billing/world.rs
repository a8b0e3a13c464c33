//! What could an account look like? Made-up contracts with changing prices, plans and books, and what was held,
//! hour by hour: two days that are billed, and a day before them.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use releve_billing::{
    AgreedTerms, Agreement, AllocationItem, AtOnceItem, Charge, ChargeKind, Contract, Matching, Model, Percent, Price,
    PriceBook, Rounding, Scope, Term, Tier, UnitPrice, Usage, UsageItem, check_new_agreement, tax::RateClass,
};
use releve_types::{
    AllocationId, Currency, Hour, Period, Sku, TenantId, Unit,
    ids::{AgreementId, PriceBookId, PriceId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The billed hours are 0 to 48.
pub const HOURS: i64 = 48;
const HOURS_BEFORE: i64 = 24;
const SKUS: u128 = 3;

/// What one allocation held of one device in one hour.
#[derive(Clone, Debug)]
pub struct Atom {
    pub tenant: u128,
    pub project: u8,
    pub sku: u128,
    pub allocation: u128,
    pub device: u128,
    pub hour: i64,
    pub held: i64,
    pub energy_mj: i64,
}

#[derive(Clone, Debug)]
pub struct World {
    pub contract: Contract,
    pub atoms: Vec<Atom>,
}

pub fn sku(n: u128) -> Sku {
    format!("gpu/model-{n}/whole/1:1/standard/eu").parse().expect("a SKU")
}

pub fn hours(from: i64, until: i64) -> Period {
    Period::of_hours(Hour::from_index(from), Hour::from_index(until)).expect("hours")
}

impl World {
    /// The usage of a period, summed over each of the given stretches; of what is reserved, over each hour.
    pub fn usage(&self, period: Period, stretches: &[Period]) -> Usage {
        let rounded = self.contract.rounded_skus(period);
        let reserved = self.contract.reserved_skus(period);
        let mut items: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        let mut allocations: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        for atom in self.atoms.iter().filter(|a| period.contains_hour(Hour::from_index(a.hour))) {
            let of_hour = |s: &&Period| s.contains_hour(Hour::from_index(atom.hour));
            let whole = *stretches.iter().find(of_hour).expect("stretches cover the period");
            let stretch = if reserved.contains_key(&sku(atom.sku)) { hours(atom.hour, atom.hour + 1) } else { whole };
            let key = (atom.tenant, atom.project, atom.sku, stretch);
            let sum = if rounded.contains(&sku(atom.sku)) {
                allocations.entry((key, atom.allocation, atom.device)).or_default()
            } else {
                items.entry(key).or_default()
            };
            (sum.0, sum.1) = (sum.0 + atom.held, sum.1 + atom.energy_mj);
        }
        let items = items.into_iter().map(|((tenant, project, n, stretch), (metered, energy_mj))| UsageItem {
            tenant: tenant_id(tenant),
            project: project_name(project),
            sku: sku(n),
            stretch,
            metered,
            energy_mj,
        });
        let allocations = allocations.into_iter().map(|((key, allocation, device), (held, energy_mj))| {
            let (tenant, project, n, stretch) = key;
            AllocationItem {
                tenant: tenant_id(tenant),
                project: project_name(project),
                sku: sku(n),
                allocation: AllocationId::from_uuid(Uuid::from_u128(allocation)),
                device: Uuid::from_u128(device),
                stretch,
                held_before: self.held_before(n, allocation, device, stretch, period),
                held,
                energy_mj,
            }
        });
        Usage { items: items.collect(), allocations: allocations.collect(), at_once: self.at_once(period) }
    }

    /// How many atoms were held at once, if each was held from the start of its hour.
    fn at_once(&self, period: Period) -> Vec<AtOnceItem> {
        let mut held: BTreeMap<(u128, i64), Vec<i64>> = BTreeMap::new();
        for atom in self.atoms.iter().filter(|a| period.contains_hour(Hour::from_index(a.hour))) {
            held.entry((atom.sku, atom.hour)).or_default().push(atom.held);
        }
        let mut items = Vec::new();
        for ((n, hour), mut lengths) in held {
            lengths.sort_unstable_by(|a, b| b.cmp(a));
            let shorter = lengths.iter().skip(1).chain([&0]);
            for (devices, (long, short)) in (1..).zip(lengths.iter().zip(shorter)) {
                items.push(AtOnceItem { sku: sku(n), hour: Hour::from_index(hour), devices, ms: long - short });
            }
        }
        items
    }

    fn held_before(&self, n: u128, allocation: u128, device: u128, stretch: Period, period: Period) -> i64 {
        let Some(price) = self.contract.price_at(&sku(n), stretch.first_hour()) else { return 0 };
        let ruled = self.contract.stretches_under(&sku(n), price.rounding(), period.first_hour());
        let of_device = |a: &&Atom| (a.sku, a.allocation, a.device) == (n, allocation, device);
        let counts = |a: &&Atom| ruled.iter().any(|s| s.contains_hour(Hour::from_index(a.hour)));
        self.atoms.iter().filter(of_device).filter(counts).map(|a| a.held).sum()
    }
}

pub fn tenant_id(n: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(n))
}

pub fn project_name(n: u8) -> String {
    format!("project-{n}")
}

pub fn a_price() -> impl Strategy<Value = UnitPrice> {
    let any = (0i64..20_000_000, 0u32..=6);
    // Three decimals that end in five: whole hours of these fall on half a cent.
    let halves = (0i64..3000).prop_map(|n| (n * 10 + 5, 3));
    prop_oneof![any, halves].prop_map(|(m, scale)| UnitPrice::new(Decimal::new(m, scale)).expect("a price"))
}

fn a_model() -> impl Strategy<Value = Model> {
    let tiered = (prop::collection::btree_set(1i64..40 * 3_600_000, 1..4), prop::collection::vec(a_price(), 4));
    let tiered = (tiered, any::<bool>()).prop_map(|((ends, prices), volume)| {
        let ends = ends.into_iter().map(Some).chain([None]);
        let tiers = ends.zip(prices).map(|(up_to, price)| Tier { up_to, price }).collect();
        if volume { Model::Volume { tiers } } else { Model::Graduated { tiers } }
    });
    // Whole seconds: some packages hold less than an hour's use, some more than the two days'.
    let package = prop_oneof![1i64..3_600, 3_600i64..200 * 3_600, Just(3_600)];
    let package = (package, a_price()).prop_map(|(seconds, price)| Model::Package { size: seconds * 1_000, price });
    prop_oneof![2 => a_price().prop_map(|price| Model::PerUnit { price }), 4 => tiered, 2 => package]
}

fn a_plan() -> impl Strategy<Value = Rounding> {
    prop_oneof![3 => Just(Rounding::Exact), 4 => prop::sample::select(Rounding::ALL.to_vec())]
}

/// Up to three prices of each SKU, at different hours.
fn a_book(number: u128) -> impl Strategy<Value = PriceBook> {
    let prices = prop::collection::btree_map((0..SKUS, -30i64..HOURS), (a_model(), a_plan()), 3..9);
    prices.prop_map(move |prices| {
        let prices = prices.into_iter().enumerate().map(|(n, ((of, from), (model, plan)))| {
            let id = Uuid::from_u128(number * 1000 + u128::try_from(n).expect("few"));
            let from = Hour::from_index(from).start();
            // A package is the one rounding of what it prices.
            let plan = if matches!(model, Model::Package { .. }) { Rounding::Exact } else { plan };
            Price::new(PriceId::from_uuid(id), sku(of), Unit::GpuMs, from, model, plan).expect("a price")
        });
        let id = PriceBookId::from_uuid(Uuid::from_u128(number));
        PriceBook::new(id, format!("book {number}"), Currency::Eur, prices.collect()).expect("a book")
    })
}

fn a_contract() -> impl Strategy<Value = Contract> {
    (a_book(1), a_book(2), -40i64..4, 4i64..HOURS, 0..4).prop_map(|(one, two, first, second, kind)| {
        let (one, two) = (Arc::new(one), Arc::new(two));
        let terms = match kind {
            0 => vec![(first, one)],
            1 => vec![(first, one), (second, two)],
            // There and back: a price of the first book holds twice.
            2 => vec![(first, one.clone()), (second, two), (second + 5, one)],
            // Renewed: a new term that changes nothing.
            _ => vec![(first, one.clone()), (second, one)],
        };
        let terms = terms.into_iter().map(|(from, book)| Term { from: Hour::from_index(from), book });
        Contract::new(Currency::Eur, terms.collect()).expect("a contract")
    })
}

fn a_scope() -> impl Strategy<Value = Scope> {
    let project = (0..2_u128, 0..2_u8)
        .prop_map(|(tenant, n)| Scope::Project { tenant: tenant_id(tenant), project: project_name(n) });
    prop_oneof![Just(Scope::All), (0..SKUS).prop_map(|n| Scope::Sku(sku(n))), project]
}

fn what_is_agreed() -> impl Strategy<Value = AgreedTerms> {
    let percent = (1i64..=10_000).prop_map(|n| Percent::new(Decimal::new(n, 2)).expect("a percentage"));
    let matching = prop::sample::select(Matching::ALL.to_vec());
    let class = prop::sample::select(RateClass::ALL.to_vec());
    let owed = (1i64..50_000).prop_map(|cents| UnitPrice::new(Decimal::new(cents, 2)).expect("a price"));
    let fee = || Sku::fee("support").expect("a name");
    let reservation = (0..SKUS, 1..4_u32, matching, a_price(), prop::option::of(a_price()));
    prop_oneof![
        4 => (a_scope(), percent).prop_map(|(scope, percent)| AgreedTerms::Discount { scope, percent }),
        4 => reservation.prop_map(|(n, devices, matching, price, overage)| {
            AgreedTerms::Reservation { sku: sku(n), devices, matching, price, overage }
        }),
        1 => (owed.clone(), class.clone())
            .prop_map(move |(price, class)| AgreedTerms::Recurring { sku: fee(), price, class }),
        1 => (owed.clone(), class.clone()).prop_map(move |(price, class)| AgreedTerms::Once { sku: fee(), price, class }),
        1 => (owed.clone(), class).prop_map(move |(price, class)| AgreedTerms::Goodwill { sku: fee(), price, class }),
        1 => owed.prop_map(|price| AgreedTerms::Minimum { price }),
    ]
}

/// A contract with as much of a list of agreements as goes together.
fn an_agreed_contract() -> impl Strategy<Value = Contract> {
    let when = (-30i64..HOURS, prop::option::of(1i64..HOURS));
    (a_contract(), prop::collection::vec((what_is_agreed(), when), 0..5)).prop_map(|(contract, agreed)| {
        (0..).zip(agreed).fold(contract, |contract, (n, (terms, (from, hours)))| {
            let at = |hour| Hour::from_index(hour).start();
            let id = AgreementId::from_uuid(Uuid::from_u128(n));
            let until = hours.map(|hours| at(from + hours));
            let agreement = Agreement::new(id, "agreed".to_owned(), at(from), until, terms).expect("an agreement");
            match check_new_agreement(&contract, &agreement) {
                Ok(()) => contract.with(vec![agreement]).expect("checked"),
                Err(_) => contract,
            }
        })
    })
}

fn an_atom() -> impl Strategy<Value = Atom> {
    let held = prop_oneof![0i64..2_000, 0i64..100_000, 0i64..=3_600_000, Just(3_600_000)];
    let what = (0..2_u128, 0..2_u8, 0..SKUS, 0..4_u128, 0..2_u128);
    (what, -HOURS_BEFORE..HOURS, held, 0i64..10_000_000).prop_map(|(what, hour, held, energy_mj)| {
        let (tenant, project, sku, allocation, device) = what;
        Atom { tenant, project, sku, allocation, device, hour, held, energy_mj }
    })
}

/// What a charge at a price book's price was made with.
pub fn price_id(charge: &Charge) -> PriceId {
    match charge.kind {
        ChargeKind::Usage(price) => price,
        other => panic!("{other:?} is no price book's"),
    }
}

/// A world in which more was agreed than price books.
pub fn an_agreed_world() -> impl Strategy<Value = World> {
    let atoms = prop::collection::vec(an_atom(), 0..60);
    (an_agreed_contract(), atoms).prop_map(|(contract, atoms)| World { contract, atoms })
}

pub fn a_world() -> impl Strategy<Value = World> {
    let atoms = prop::collection::vec(an_atom(), 0..60);
    (a_contract(), atoms).prop_map(|(contract, atoms)| World { contract, atoms })
}

/// A world in which each allocation has one tenant and one project, as nodes report it.
pub fn a_settled_world() -> impl Strategy<Value = World> {
    a_world().prop_map(|mut world| {
        for atom in &mut world.atoms {
            atom.tenant = atom.allocation % 2;
            atom.project = u8::from(atom.allocation > 1);
        }
        world
    })
}
