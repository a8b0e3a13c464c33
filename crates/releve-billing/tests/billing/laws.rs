//! What holds whatever the prices and whoever used what?

use std::collections::BTreeMap;

use proptest::prelude::*;
use releve_billing::{
    AgreedTerms, Agreement, Basis, Charge, ChargeKind, Contract, Matching, Model, Outcome, Rated, Recorded, Reports,
    Rounding, Settled, Subject, Usage, digest, draft, rate, rate_on, settle,
    tax::{Ground, RateClass, Vat},
};
use releve_types::{
    AccountId, Hour, Money, Period, Sku,
    ids::{IssuerId, PriceId},
};
use uuid::Uuid;

use crate::world::{HOURS, World, a_world, an_agreed_world, hours, price_id};

fn rated(world: &World, period: Period) -> Rated {
    let stretches = world.contract.stretches(period);
    rate(&world.contract, period, &world.usage(period, &stretches)).expect("rated")
}

fn hourly(period: Period) -> Vec<Period> {
    (period.first_hour().index()..period.end_hour().index()).map(|h| hours(h, h + 1)).collect()
}

fn digest_of(contract: &Contract, period: Period, usage: &Usage) -> [u8; 32] {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    let issuer = IssuerId::from_uuid(Uuid::from_u128(2));
    let reports = Reports::default();
    let subject = Subject { account, issuer, period, book: 1 };
    digest(&Basis {
        subject,
        contract,
        usage,
        vat: vec![],
        exchange: None,
        corrects: vec![],
        void: false,
        credits: &[],
        reports,
    })
    .expect("a digest")
}

/// Metered and billed per SKU and price; what has no price counts as nothing billed.
fn sums(rated: &Rated) -> BTreeMap<(Sku, Option<PriceId>), (i64, i64)> {
    let charges = rated.charges.iter().map(|c| ((c.sku.clone(), Some(price_id(c))), (c.metered, c.billed)));
    let unpriced = rated.unpriced.iter().map(|u| ((u.sku.clone(), None), (u.metered, 0)));
    let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for (key, (metered, billed)) in charges.chain(unpriced) {
        let sum = sums.entry(key).or_default();
        (sum.0, sum.1) = (sum.0 + metered, sum.1 + billed);
    }
    sums
}

/// What a package holds, for each price that sells packages.
fn packages(world: &World) -> BTreeMap<PriceId, i64> {
    let prices = world.contract.terms().iter().flat_map(|term| term.book.prices());
    let sizes = prices.filter_map(|price| match price.model() {
        Model::Package { size, .. } => Some((price.id(), *size)),
        _ => None,
    });
    sizes.collect()
}

/// Takes out of usage by the hour what a part settles.
fn taken(usage: &mut Usage, part: Period) -> Usage {
    Usage {
        items: usage.items.extract_if(.., |item| part.intersect(item.stretch) == Some(item.stretch)).collect(),
        at_once: usage.at_once.extract_if(.., |item| part.contains_hour(item.hour)).collect(),
        allocations: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn splitting_stretches_changes_nothing(world in an_agreed_world()) {
        let period = hours(0, HOURS);
        let coarse = world.usage(period, &world.contract.stretches(period));
        let fine = world.usage(period, &hourly(period));
        prop_assert_eq!(rate(&world.contract, period, &coarse), rate(&world.contract, period, &fine));
        prop_assert_eq!(
            digest_of(&world.contract, period, &coarse),
            digest_of(&world.contract, period, &fine)
        );
    }

    /// Whatever lies before, in and after the part is rated as if it had been given whole.
    #[test]
    fn settling_a_part_changes_nothing(world in an_agreed_world(), at in 0..HOURS, len in 1..HOURS) {
        let period = hours(0, HOURS);
        let part = hours(at, HOURS.min(at + len));
        let whole = world.usage(period, &hourly(period));
        let mut rest = whole.clone();
        let settled = settle(&world.contract, period, part, &taken(&mut rest, part)).expect("settled");
        prop_assert_eq!(
            rate_on(&world.contract, period, &[&settled], &rest),
            rate(&world.contract, period, &whole)
        );
    }

    /// Whatever one part was before, the whole is what its parts are now.
    #[test]
    fn settling_a_part_anew_changes_the_whole(world in an_agreed_world(), before in an_agreed_world(), at in 1..HOURS) {
        let period = hours(0, HOURS);
        let mut rest = world.usage(period, &hourly(period));
        let settled = |part: Period, of: &mut Usage| {
            settle(&world.contract, period, part, &taken(of, part)).expect("settled")
        };
        let (first, second) = (settled(hours(0, at), &mut rest), settled(hours(at, HOURS), &mut rest));
        // The same contract, and what somebody else used under it.
        let other = World { contract: world.contract.clone(), ..before };
        let old = settled(hours(at, HOURS), &mut other.usage(period, &hourly(period)));
        let known = Settled::joined(period, &[&first, &old], &[]).expect("joined");
        let whole = Settled::joined(period, &[&known, &second], &[&old]).expect("joined");
        prop_assert_eq!(
            rate_on(&world.contract, period, &[&whole], &rest),
            rate_on(&world.contract, period, &[&first, &second], &rest)
        );
    }

    #[test]
    fn the_order_of_rows_changes_nothing(world in an_agreed_world(), by in any::<prop::sample::Index>()) {
        let period = hours(0, HOURS);
        let usage = world.usage(period, &hourly(period));
        let mut other = usage.clone();
        other.items.reverse();
        other.allocations.reverse();
        other.at_once.reverse();
        if !other.items.is_empty() {
            let n = by.index(other.items.len());
            other.items.rotate_left(n);
        }
        if !other.allocations.is_empty() {
            let n = by.index(other.allocations.len());
            other.allocations.rotate_left(n);
        }
        prop_assert_eq!(rate(&world.contract, period, &usage), rate(&world.contract, period, &other));
        prop_assert_eq!(
            digest_of(&world.contract, period, &usage),
            digest_of(&world.contract, period, &other)
        );
    }

    #[test]
    fn nothing_metered_is_lost(world in an_agreed_world()) {
        let rated = rated(&world, hours(0, HOURS));
        let charged: i64 = rated.charges.iter().map(|c| c.metered).sum();
        let metered = charged + rated.unpriced.iter().map(|u| u.metered).sum::<i64>();
        let held: i64 = world.atoms.iter().filter(|a| a.hour >= 0).map(|a| a.held).sum();
        prop_assert_eq!(metered, held);
    }

    #[test]
    fn energy_stays_with_the_time_that_used_it(world in an_agreed_world()) {
        let mut world = world;
        // Energy of nothing held has no line to stand on.
        world.atoms.retain(|a| a.held > 0);
        let rated = rated(&world, hours(0, HOURS));
        let charged: i64 = rated.charges.iter().map(|c| c.energy_mj).sum();
        let unpriced: i64 = rated.unpriced.iter().map(|u| u.energy_mj).sum();
        let used: i64 = world.atoms.iter().filter(|a| a.hour >= 0).map(|a| a.energy_mj).sum();
        prop_assert_eq!(charged + unpriced, used);
        prop_assert!(rated.charges.iter().all(|c| c.energy_mj >= 0 && c.metered >= 0 && (c.billed < 0) == c.kind.gives()));
    }

    /// Two short periods meter and bill what one long one does, price by price: nothing is begun twice. But a new
    /// period begins with a new package, so of those there may be one more.
    #[test]
    fn splitting_a_period_bills_the_same_time(world in a_world(), at in 1..HOURS) {
        let whole = sums(&rated(&world, hours(0, HOURS)));
        let mut halves = sums(&rated(&world, hours(0, at)));
        for (key, (metered, billed)) in sums(&rated(&world, hours(at, HOURS))) {
            let sum = halves.entry(key).or_default();
            (sum.0, sum.1) = (sum.0 + metered, sum.1 + billed);
        }
        let packages = packages(&world);
        prop_assert!(whole.keys().eq(halves.keys()));
        for (key, (metered, billed)) in whole {
            let of_halves = halves[&key];
            prop_assert_eq!(metered, of_halves.0);
            match key.1.and_then(|price| packages.get(&price)) {
                None => prop_assert_eq!(billed, of_halves.1),
                Some(size) => prop_assert!([0, *size].contains(&(of_halves.1 - billed))),
            }
        }
    }

    /// Packages hold what was metered and not one more than that takes, whoever shares them: so who sees all lines of
    /// a price can count them.
    #[test]
    fn packages_are_shared_by_all_who_use_their_price(world in a_world()) {
        let packages = packages(&world);
        let rated = rated(&world, hours(0, HOURS));
        for ((_, price), (metered, billed)) in sums(&rated) {
            if let Some(size) = price.and_then(|price| packages.get(&price)) {
                prop_assert!((0..*size).contains(&(billed - metered)), "{billed} for {metered}");
            }
        }
        for charge in rated.charges {
            if let Some(size) = packages.get(&price_id(&charge)) {
                prop_assert_eq!((charge.billed % size, charge.base_quantity * 1_000), (0, *size));
            }
        }
    }

    /// Of a volume price all units of a stretch cost the same, whoever used them first.
    #[test]
    fn a_volume_price_is_one_price(world in a_world()) {
        let mut seen = BTreeMap::new();
        for charge in rated(&world, hours(0, HOURS)).charges {
            let price = world.contract.price_at(&charge.sku, charge.stretch.first_hour()).expect("priced");
            if matches!(price.model(), Model::Volume { .. }) {
                let one = seen.entry(price_id(&charge)).or_insert((charge.tier, charge.unit_price));
                prop_assert_eq!(*one, (charge.tier, charge.unit_price));
            }
        }
    }

    #[test]
    fn lines_sum_to_the_total_and_check(world in an_agreed_world()) {
        let period = hours(0, HOURS);
        let rated = rated(&world, period);
        let sum = rated.charges.iter().try_fold(Money::zero(rated.currency), |sum, c| sum.checked_add(c.amount));
        prop_assert_eq!(sum, Ok(rated.total));
        let (account, issuer) = (AccountId::from_uuid(Uuid::nil()), IssuerId::from_uuid(Uuid::nil()));
        let nothing = rated.charges.is_empty() && rated.unpriced.is_empty();
        let held = !rated.unpriced.is_empty() || rated.total.is_negative();
        let vat = |class| {
            let rate = if class == RateClass::Standard { "20" } else { "5.5" };
            Ok(Vat { ground: Ground::Domestic, rate: rate.parse().expect("a rate") })
        };
        match draft(Subject { account, issuer, period, book: 1 }, rated, &vat, vec![]).expect("adds up") {
            Outcome::Nothing => prop_assert!(nothing),
            Outcome::Draft(draft) => {
                prop_assert!(!held);
                prop_assert_eq!(draft.check(), Ok(()));
            }
            Outcome::Parked(parked) => {
                prop_assert!(held);
                prop_assert_eq!(parked.check(), Ok(()));
            }
        }
    }

    /// What is reserved is owed to the millisecond, used or not; and what is used of it, is used once.
    #[test]
    fn what_is_reserved_is_used_or_unused(world in an_agreed_world()) {
        let period = hours(0, HOURS);
        let charges = rated(&world, period).charges;
        for agreement in world.contract.agreements() {
            let AgreedTerms::Reservation { devices, .. } = agreement.terms() else { continue };
            let held = hourly(period).iter().filter(|hour| agreement.holds_at(hour.first_hour())).count();
            let owed = i64::try_from(held).expect("few") * i64::from(*devices) * 3_600_000;
            let of_it = |c: &&Charge| {
                let id = agreement.id();
                c.kind == ChargeKind::Reserved(id) || c.kind == ChargeKind::Unused(id)
            };
            prop_assert_eq!(charges.iter().filter(of_it).map(|c| c.billed).sum::<i64>(), owed);
        }
    }

    /// What bursts is covered by the hour before it is by the instant.
    #[test]
    fn matching_by_hour_covers_no_less(world in an_agreed_world()) {
        let by = |to: Matching| {
            let other = |a: &Agreement| {
                let terms = match a.terms().clone() {
                    AgreedTerms::Reservation { sku, devices, price, overage, .. } => {
                        AgreedTerms::Reservation { sku, devices, price, overage, matching: to }
                    }
                    terms => terms,
                };
                let until = a.until().map(Hour::start);
                Agreement::new(a.id(), "agreed".to_owned(), a.from().start(), until, terms).expect("as before")
            };
            let terms = world.contract.terms().to_vec();
            let agreements = world.contract.agreements().iter().map(other).collect();
            let contract = Contract::new(world.contract.currency(), terms).expect("as before").with(agreements);
            let world = World { contract: contract.expect("as before"), atoms: world.atoms.clone() };
            let charges = rated(&world, hours(0, HOURS)).charges;
            charges.iter().filter(|c| matches!(c.kind, ChargeKind::Reserved(_))).map(|c| c.billed).sum::<i64>()
        };
        prop_assert!(by(Matching::Hour) >= by(Matching::Instant));
    }

    /// Each line's time has exactly one price, and that price is the line's.
    #[test]
    fn a_line_lies_within_its_price(world in a_world()) {
        for charge in rated(&world, hours(0, HOURS)).charges {
            for hour in hourly(charge.stretch) {
                let price = world.contract.price_at(&charge.sku, hour.first_hour());
                prop_assert_eq!(price.map(|p| p.id()), Some(price_id(&charge)));
            }
        }
    }

    #[test]
    fn plans_round_up_and_never_back(held in 0i64..40_000_000, more in 0i64..10_000_000) {
        for plan in Rounding::ALL {
            let (before, after) = (plan.billed(held).expect("small"), plan.billed(held + more).expect("small"));
            prop_assert!(before >= held);
            prop_assert!(after >= before);
            prop_assert_eq!(plan.billed(0), Some(0));
        }
    }

    /// A cut is a cut: stretches are in order, without a gap, and no price changes within one.
    #[test]
    fn stretches_cover_the_period(world in a_world()) {
        let period = hours(0, HOURS);
        let stretches = world.contract.stretches(period);
        prop_assert_eq!(stretches[0].first_hour(), period.first_hour());
        prop_assert_eq!(stretches[stretches.len() - 1].end_hour(), period.end_hour());
        prop_assert!(stretches.windows(2).all(|pair| pair[0].end_hour() == pair[1].first_hour()));
        for n in 0..3 {
            let sku = crate::world::sku(n);
            let runs = world.contract.runs(&sku, period);
            prop_assert!(runs.windows(2).all(|pair| pair[0].price != pair[1].price), "a run is as long as can be");
            for stretch in &stretches {
                let price = |hour: Hour| world.contract.price_at(&sku, hour).map(|p| p.id());
                let first = price(stretch.first_hour());
                prop_assert!(hourly(*stretch).iter().all(|h| price(h.first_hour()) == first));
            }
        }
    }

    /// The text of a basis is enough: read back, it is written the same and costs the same, whatever was used and agreed.
    #[test]
    fn a_basis_is_read_as_it_was_written(world in an_agreed_world()) {
        let period = hours(0, HOURS);
        let usage = world.usage(period, &world.contract.stretches(period));
        let subject = Subject {
            account: AccountId::from_uuid(Uuid::from_u128(1)),
            issuer: IssuerId::from_uuid(Uuid::from_u128(2)),
            period,
            book: 1,
        };
        let vat = vec![Vat::free(Ground::ReverseCharge)];
        let (contract, usage, reports) = (&world.contract, &usage, Reports::of([[1; 32]]));
        let basis = Basis { subject, contract, usage, vat, exchange: None, corrects: vec!["R-2020-000001".to_owned()], void: false, credits: &[], reports };
        let text = basis.text().expect("a text");
        let read = Recorded::read(&text).expect("it is read");
        prop_assert_eq!(read.basis().text().expect("a text"), text);
        let (was, is) = (rate(contract, period, usage).expect("rated"), rate(&read.contract, period, &read.usage).expect("rated"));
        prop_assert_eq!(was.charges, is.charges);
        prop_assert_eq!(was.unpriced, is.unpriced);
    }
}
