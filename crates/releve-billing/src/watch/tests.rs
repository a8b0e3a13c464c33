//! Fires what is reached, once, to the cent?

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;
use releve_types::{Currency, ids::PriceId};

use super::*;
use crate::{Charge, tax::RateClass};

const T0: i64 = 1_588_291_200_000; // 2020-05-01T00:00:00Z

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(T0 + hours * MILLIS_PER_HOUR)
}

fn may() -> Period {
    Period::new(at(0), at(31 * 24)).expect("a month")
}

fn tenant() -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(1))
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

fn charge(project: &str, amount: Money, metered: i64) -> Charge {
    Charge {
        tenant: Some(tenant()),
        project: project.to_owned(),
        sku: "gpu/h100/whole/1:1/standard/eu".parse().expect("a SKU"),
        unit: Unit::GpuMs,
        kind: ChargeKind::Usage(PriceId::from_uuid(uuid::Uuid::from_u128(9))),
        class: RateClass::Standard,
        tier: 0,
        stretch: may(),
        metered,
        billed: metered,
        energy_mj: 0,
        unit_price: amount.amount(),
        base_quantity: 3_600,
        discount: None,
        amount,
    }
}

fn rated(charges: Vec<Charge>) -> Rated {
    let total = charges.iter().fold(Money::zero(Currency::Eur), |sum, c| sum.checked_add(c.amount).expect("a sum"));
    Rated { currency: Currency::Eur, charges, called: BTreeMap::new(), unpriced: Vec::new(), total }
}

fn budget(limit: Figure, basis: Basis, thresholds: &[u32]) -> Budget {
    Budget {
        id: BudgetId::from_uuid(uuid::Uuid::from_u128(2)),
        tenant: tenant(),
        project: None,
        sku: None,
        limit,
        basis,
        thresholds: thresholds.to_vec(),
        hard: false,
        fired: Vec::new(),
    }
}

fn told(budget: &Budget, rated: &Rated, as_of: Timestamp) -> String {
    let watched = watch(std::slice::from_ref(budget), Spend { period: may(), as_of, rated }).expect("judged");
    let line = |f: &Fired| format!("{}%: {:?} of {:?} ({})", f.threshold, f.spent, f.limit, f.basis.name());
    let mut lines: Vec<String> = watched.fired.iter().map(line).collect();
    lines.extend(watched.rearmed.iter().map(|(_, threshold)| format!("{threshold}% may fire again")));
    lines.join("\n")
}

#[test]
fn a_threshold_fires_at_its_cent_and_not_one_below() {
    let limit = Figure::Amount(eur("1000"));
    let budget = budget(limit, Basis::Actual, &[50, 80, 100]);
    let spent = |text| told(&budget, &rated(vec![charge("a", eur(text), 1)]), at(30));
    assert_eq!(spent("499.99"), "");
    expect!["50%: Amount(500.00 EUR) of Amount(1000.00 EUR) (actual)"].assert_eq(&spent("500.00"));
    expect![[r"
        50%: Amount(1000.00 EUR) of Amount(1000.00 EUR) (actual)
        80%: Amount(1000.00 EUR) of Amount(1000.00 EUR) (actual)
        100%: Amount(1000.00 EUR) of Amount(1000.00 EUR) (actual)"]]
    .assert_eq(&spent("1000.00"));
}

#[test]
fn a_raise_lets_it_fire_again_and_a_fall_of_the_spend_does_not() {
    let mut budget = budget(Figure::Amount(eur("1000")), Basis::Actual, &[80]);
    budget.fired = vec![(80, budget.limit)];
    let spent = |budget: &Budget, text| told(budget, &rated(vec![charge("a", eur(text), 1)]), at(30));
    assert_eq!((spent(&budget, "900"), spent(&budget, "1")), (String::new(), String::new()));
    budget.limit = Figure::Amount(eur("1100"));
    assert_eq!(spent(&budget, "900"), "", "raised, and reached all the same");
    budget.limit = Figure::Amount(eur("2000"));
    expect!["80% may fire again"].assert_eq(&spent(&budget, "900"));
    budget.fired = vec![];
    expect!["80%: Amount(1600.00 EUR) of Amount(2000.00 EUR) (actual)"].assert_eq(&spent(&budget, "1600"));
}

#[test]
fn hours_count_what_was_measured_of_a_project() {
    let of_a = |project: Option<&str>| Budget {
        project: project.map(str::to_owned),
        ..budget(Figure::hours(10).expect("hours"), Basis::Actual, &[100])
    };
    let rated = rated(vec![charge("a", eur("0"), 9 * MILLIS_PER_HOUR), charge("b", eur("0"), MILLIS_PER_HOUR)]);
    assert_eq!(told(&of_a(Some("a")), &rated, at(30)), "");
    expect!["100%: GpuMs(36000000) of GpuMs(36000000) (actual)"].assert_eq(&told(&of_a(None), &rated, at(30)));
}

#[test]
fn a_forecast_stretches_usage_and_nothing_else() {
    let usage = charge("a", eur("100"), MILLIS_PER_HOUR);
    let fee = Charge {
        kind: ChargeKind::Recurring(releve_types::ids::AgreementId::from_uuid(uuid::Uuid::nil())),
        ..usage.clone()
    };
    let rated = rated(vec![usage, fee]);
    let show = |hours: i64, ms: i64| {
        let spend = Spend { period: may(), as_of: at(hours).plus_millis(ms), rated: &rated };
        format!("{:?}", forecast(&budget(Figure::Amount(eur("1")), Basis::Forecast, &[100]), spend).expect("fits"))
    };
    expect!["None"].assert_eq(&show(23, 0));
    expect!["Some(Amount(3200.00 EUR))"].assert_eq(&show(23, 1));
    expect!["Some(Amount(3200.00 EUR))"].assert_eq(&show(24, 0));
    expect!["Some(Amount(300.00 EUR))"].assert_eq(&show(31 * 12, 0));
    expect!["Some(Amount(200.00 EUR))"].assert_eq(&show(31 * 24 + 5, 0));
    let whole = |tenant, hours| forecast_amount(&rated, tenant, may(), at(hours)).expect("fits");
    let day = Period::new(at(0), at(24)).expect("a day");
    assert_eq!(whole(Some(tenant()), 24), Some(Forecast { amount: eur("3200"), from: day, hours: 744 }));
    assert_eq!(whole(None, 24), whole(Some(tenant()), 24), "the account has no other tenant");
    assert_eq!(whole(Some(tenant()), 23), None);
    let over = Forecast { amount: eur("200"), from: may(), hours: 744 };
    assert_eq!(whole(None, 31 * 24 + 5), Some(over), "what is over is what it is");
}

#[test]
fn a_quota_refuses_once_it_is_used_up() {
    let hours = |n| Budget { hard: true, ..budget(Figure::hours(n).expect("hours"), Basis::Forecast, &[100]) };
    let rated = rated(vec![charge("a", eur("5"), 9 * MILLIS_PER_HOUR)]);
    let refuses = |limit, gpus| {
        let wish = Wish { gpus: NonZero::new(gpus), ..Wish::default() };
        quotas(&[hours(limit)], &rated, &wish).expect("judged")[0].refuses
    };
    assert_eq!(
        [refuses(9, 0), refuses(10, 0), refuses(10, 1), refuses(10, 2), refuses(11, 2)],
        [true, false, false, true, false]
    );
    let soft = budget(Figure::hours(1).expect("hours"), Basis::Actual, &[100]);
    assert_eq!(quotas(&[soft], &rated, &Wish::default()), Ok(vec![]));
    let of_b = Budget { project: Some("b".to_owned()), ..hours(1) };
    assert_eq!(quotas(&[of_b], &rated, &Wish::default()), Ok(vec![]), "of another project");
}

proptest! {
    /// Whatever is seen, in whatever order: each threshold fires once, if the most that was seen reaches it.
    #[test]
    fn each_threshold_fires_once_in_any_order(
        seen in prop::collection::vec(0_i64..200_000, 1..12),
        thresholds in prop::collection::btree_set(1_u32..=1_000, 1..10),
    ) {
        let thresholds: Vec<u32> = thresholds.into_iter().collect();
        let limit = Figure::Amount(eur("100.00"));
        let mut budget = budget(limit, Basis::Actual, &thresholds);
        let mut times: BTreeMap<u32, u32> = BTreeMap::new();
        for cents in &seen {
            let amount = Money::exact(rust_decimal::Decimal::new(*cents, 2), Currency::Eur).expect("an amount");
            let rated = rated(vec![charge("a", amount, 1)]);
            let watched = watch(std::slice::from_ref(&budget), Spend { period: may(), as_of: at(1), rated: &rated }).expect("judged");
            prop_assert!(watched.rearmed.is_empty());
            for fired in watched.fired {
                *times.entry(fired.threshold).or_default() += 1;
                budget.fired.push((fired.threshold, limit));
            }
        }
        let most = seen.iter().copied().max().unwrap_or(0);
        for threshold in thresholds {
            let reached = most * 100 >= 10_000 * i64::from(threshold);
            prop_assert_eq!(times.get(&threshold).copied(), reached.then_some(1));
        }
    }
}
