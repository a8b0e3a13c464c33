//! What holds for any input: order, duplicates and batch splits don't change what is counted.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use releve_metering::{
    AllocationKey, Catalog, Held, NodeDay, NodeRecord, NodeState, Place, Rule, Screened, Steps, UsageKey, Used,
    arrange, catalog::Home, fit, roll_up, screen,
};
use releve_types::{
    AccountId, DeviceId, NodeId, Ranges, TenantId, TenantKey, Timestamp, Zone, sku::Share, time::MILLIS_PER_MINUTE,
};
use releve_wire::{
    Basis, Clock, Device, DeviceState, Digest, Evidence, Head, Report, Section, SectionDigests, Segment, Window, sha256,
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_600_000_000_000);
const START: i64 = 1_588_291_200_000;

fn node(n: u128) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(n))
}

fn gpu(n: u128, i: u128) -> DeviceId {
    DeviceId::Gpu(Uuid::from_u128(n * 100 + i))
}

fn tenant(n: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(7_000 + n))
}

fn key(n: u128) -> TenantKey {
    TenantKey::new(&format!("static:t{n}")).expect("a key")
}

/// Three nodes, two tenants with rules; keys of the third go to suspense.
fn catalog() -> Catalog {
    let place = Place { state: NodeState::InService, region: "west".into(), site: "a".into(), rack: "r1".into() };
    let record = || NodeRecord {
        places: Steps::from_rows(vec![(Timestamp::from_millis(0), 1, place.clone())]),
        keys: BTreeMap::new(),
    };
    let rule = |n| (key(n), Steps::from_rows(vec![(Timestamp::from_millis(0), 1, Rule { tenant: Some(tenant(n)) })]));
    let home = |n| (tenant(n), Home { account: AccountId::from_uuid(Uuid::from_u128(9_000 + n)), zone: Zone::utc() });
    Catalog {
        version: 1,
        nodes: (1..4).map(|n| (node(n), record())).collect(),
        rules: (0..2).map(rule).collect(),
        homes: (0..2).map(home).collect(),
        names: BTreeMap::new(),
    }
}

/// One report: a node, a minute, how much of it was covered, and who held which device for how long.
#[derive(Clone, Debug)]
struct Said {
    node: u128,
    minute: i64,
    covered: (i64, i64),
    holds: Vec<(u128, u128, i64)>,
    run: u128,
}

fn said() -> impl Strategy<Value = Said> {
    let covered = prop_oneof![Just((0, 60_000)), Just((0, 30_000)), Just((30_000, 60_000))];
    let holds = proptest::collection::vec((0u128..3, 0u128..4, 1i64..30_000), 0..4);
    (1u128..4, 0i64..90, covered, holds, 0u128..2).prop_map(|(node, minute, covered, holds, run)| {
        let mut devices = BTreeSet::new();
        let holds = holds.into_iter().filter(|(_, device, _)| devices.insert(*device)).collect();
        Said { node, minute, covered, holds, run }
    })
}

fn report(said: &Said) -> Report {
    let start = Timestamp::from_millis(START + said.minute * MILLIS_PER_MINUTE);
    let window = Window { start, end: start.plus_millis(MILLIS_PER_MINUTE) };
    let device = |i| Device {
        gpu: gpu(said.node, i),
        parent: None,
        model: "NVIDIA H100".into(),
        profile: None,
        state: DeviceState::Ok,
        energy_mj: None,
    };
    let mut sections: BTreeMap<TenantKey, Vec<Segment>> = BTreeMap::new();
    for (tenant, device, ms) in &said.holds {
        sections.entry(key(*tenant)).or_default().push(Segment {
            gpu: gpu(said.node, *device),
            alloc: format!("job-{device}"),
            project: None,
            spot: false,
            share: Share::WHOLE,
            start_ms: said.covered.0,
            end_ms: said.covered.0 + ms,
            basis: Basis::Observed,
            energy_mj: Some(5),
            end_reason: None,
        });
    }
    let sections: Vec<Section> = sections
        .into_iter()
        .map(|(tenant_key, segments)| Section { tenant_key, segments, allocs: Vec::new() })
        .collect();
    let head = Head {
        node: node(said.node),
        run: Uuid::from_u128(said.run),
        seq: u64::try_from(said.minute).expect("positive"),
        window,
        covered: Ranges::one(said.covered.0, said.covered.1),
        clock: Clock { synced: true, max_err_us: 10, step_ms: None },
        devices: (0..4).map(device).collect(),
        agent: "test/1".into(),
        prev: None,
        sections: vec![SectionDigests { segments: Digest([0; 32]), allocs: Digest([0; 32]) }; sections.len()],
    };
    let head_sha256 = sha256(format!("{said:?}").as_bytes());
    let evidence = Evidence { head: String::new(), keyid: String::new(), signature: [0; 64], segments: Vec::new() };
    Report { head, head_sha256, sections, evidence }
}

/// What the store's coverage, reports and rollups come to, in memory.
#[derive(Default, PartialEq, Eq, Debug)]
struct Counted {
    covered: BTreeMap<NodeDay, Ranges>,
    digests: BTreeSet<Digest>,
    duplicates: usize,
    quarantined: usize,
    allocation_hours: BTreeMap<AllocationKey, Held>,
    usage_hours: BTreeMap<UsageKey, Used>,
}

impl Counted {
    /// The aggregator's coverage steps, with maps for tables.
    fn take(&mut self, batch: &[Screened]) {
        let batch: Vec<&Screened> = batch.iter().collect();
        let plan = arrange(&batch);
        let (mut accepted, mut again) = (Vec::new(), BTreeMap::<NodeDay, Vec<usize>>::new());
        for (key, merged) in &plan.merged {
            let covered = self.covered.entry(*key).or_default();
            if covered.overlaps(&merged.covered) {
                again.entry(*key).or_default().extend(&merged.reports);
            } else {
                *covered = covered.union(&merged.covered);
                accepted.extend(&merged.reports);
            }
        }
        for &i in &plan.aside {
            again.entry(NodeDay { node: batch[i].node(), day: batch[i].day() }).or_default().push(i);
        }
        let mut refused = Vec::new();
        for (key, candidates) in again {
            let covered = self.covered.entry(key).or_default();
            let outcome = fit(covered, &candidates, &batch);
            *covered = covered.union(&outcome.covered);
            accepted.extend(outcome.accepted);
            refused.extend(outcome.refused);
        }
        self.digests.extend(accepted.iter().map(|i| batch[*i].report.head_sha256));
        for i in refused {
            if self.digests.contains(&batch[i].report.head_sha256) {
                self.duplicates += 1;
            } else {
                self.quarantined += 1;
            }
        }
        let deltas = roll_up(accepted.iter().map(|i| batch[*i]), |_, _| 1).expect("skus");
        for (key, held) in deltas.allocation_hours {
            let sum = self.allocation_hours.entry(AllocationKey { sku: 0, ..key }).or_default();
            assert!(!sum.ranges.overlaps(&held.ranges), "one device's time was counted twice");
            sum.ranges = sum.ranges.union(&held.ranges);
            sum.energy_mj += held.energy_mj;
        }
        for (key, used) in deltas.usage_hours {
            let sum = self.usage_hours.entry(UsageKey { sku: 0, ..key }).or_default();
            sum.ms += used.ms;
            sum.energy_mj += used.energy_mj;
        }
    }
}

fn screened(said: &[Said]) -> Vec<Screened> {
    let catalog = catalog();
    said.iter().map(|s| screen(report(s), &catalog, NOW).expect("believable")).collect()
}

fn count(said: &[Said], batch_len: usize) -> Counted {
    let mut counted = Counted::default();
    for batch in said.chunks(batch_len.max(1)) {
        counted.take(&screened(batch));
    }
    counted
}

proptest! {
    /// Conflict-free input: whatever the order, the duplicates and the batches, the rollups are the same.
    #[test]
    fn order_duplicates_and_batches_do_not_matter(
        said in proptest::collection::vec(said(), 1..30),
        shuffled in any::<proptest::sample::Index>(),
        batch_len in 1usize..12,
    ) {
        let mut once: Vec<Said> = Vec::new();
        let mut taken = BTreeMap::<(u128, i64), Ranges>::new();
        for s in said {
            let covered = taken.entry((s.node, s.minute)).or_default();
            let ranges = Ranges::one(s.covered.0, s.covered.1);
            if !covered.overlaps(&ranges) && !once.iter().any(|o| (o.node, o.minute, o.run) == (s.node, s.minute, s.run)) {
                *covered = covered.union(&ranges);
                once.push(s);
            }
        }
        let plain = count(&once, once.len());
        let mut mixed: Vec<Said> = once.iter().chain(&once).cloned().collect();
        let turn = shuffled.index(mixed.len());
        mixed.rotate_left(turn);
        let odd: Vec<Said> = mixed.iter().skip(1).step_by(2).cloned().collect();
        let even: Vec<Said> = mixed.iter().step_by(2).rev().cloned().collect();
        let mixed: Vec<Said> = odd.into_iter().chain(even).collect();
        let counted = count(&mixed, batch_len);
        prop_assert_eq!(&counted.allocation_hours, &plain.allocation_hours);
        prop_assert_eq!(&counted.usage_hours, &plain.usage_hours);
        prop_assert_eq!(&counted.covered, &plain.covered);
        prop_assert_eq!((counted.quarantined, counted.duplicates), (0, once.len()));
    }

    /// With conflicts: none is lost, none is counted twice, and the two rollups agree.
    #[test]
    fn every_report_has_one_fate(said in proptest::collection::vec(said(), 1..40), batch_len in 1usize..12) {
        let counted = count(&said, batch_len);
        prop_assert_eq!(counted.digests.len() + counted.duplicates + counted.quarantined, said.len());
        let held: i64 = counted.allocation_hours.values().map(|h| h.ranges.total()).sum();
        let used: i64 = counted.usage_hours.values().map(|u| u.ms).sum();
        prop_assert_eq!(held, used);
    }
}

#[test]
fn an_unmapped_key_goes_to_its_own_suspense() {
    let said = Said { node: 1, minute: 0, covered: (0, 60_000), holds: vec![(2, 0, 1_000)], run: 0 };
    let screened = screened(&[said]);
    assert_eq!(screened[0].tenants, [releve_wire::suspense_tenant_id(&key(2))]);
}

#[test]
fn verdicts_that_need_no_database() {
    let said = Said { node: 1, minute: 0, covered: (0, 60_000), holds: vec![(0, 0, 1_000)], run: 0 };
    let verdict = |report: Report, now| {
        screen(report, &catalog(), now).map_err(|(_, doubt)| doubt.reason.as_str()).map(|_| "good")
    };
    let end = Timestamp::from_millis(START + MILLIS_PER_MINUTE);
    let mut hot = report(&said);
    hot.head.devices[1].energy_mj = Some(1_000_000_000_000);
    let mut stranger = report(&said);
    stranger.head.node = node(77);
    let table = [
        ("a plain window", verdict(report(&said), NOW)),
        ("120 s ahead", verdict(report(&said), end.plus_millis(-120_000))),
        ("120.001 s ahead", verdict(report(&said), end.plus_millis(-120_001))),
        ("more energy than a board draws", verdict(hot, NOW)),
        ("a node in no service range", verdict(stranger, NOW)),
    ];
    let text: String = table.iter().map(|(what, v)| format!("{what}: {}\n", v.unwrap_or_else(|e| e))).collect();
    expect_test::expect![[r#"
        a plain window: good
        120 s ahead: good
        120.001 s ahead: future_window
        more energy than a board draws: implausible_energy
        a node in no service range: not_in_service
    "#]]
    .assert_eq(&text);
}

/// A report of three devices of these models that one tenant held.
fn modelled(models: [&str; 3], minute: i64) -> Report {
    let said = Said { node: 1, minute, covered: (0, 60_000), holds: (0..3).map(|i| (0, i, 1_000)).collect(), run: 0 };
    let mut report = report(&said);
    for (device, model) in report.head.devices.iter_mut().zip(models) {
        device.model = model.to_owned();
    }
    report
}

/// The same, of a node in this region.
fn of_models(models: [&str; 3], region: &str, minute: i64) -> Screened {
    let mut catalog = catalog();
    for record in catalog.nodes.values_mut() {
        let place = Place { state: NodeState::InService, region: region.into(), site: "a".into(), rack: "r1".into() };
        record.places = Steps::from_rows(vec![(Timestamp::from_millis(0), 1, place)]);
    }
    screen(modelled(models, minute), &catalog, NOW).expect("believable")
}

#[test]
fn each_segment_is_sold_under_its_own_name() {
    let counted = [
        of_models(["A100", "H100", "A100"], "west", 0),
        of_models(["A100", "A100", "A100"], "east", 1),
        of_models(["h100", "H100", "A100"], "west", 2),
    ];
    let deltas = roll_up(&counted, |_, _| 0).expect("names");
    let mut sold: Vec<String> =
        deltas.usage_hours.iter().map(|(key, used)| format!("{} {}", deltas.skus[key.sku], used.ms)).collect();
    sold.sort_unstable();
    let expected =
        ["a100/whole/1:1/standard/east 3000", "a100/whole/1:1/standard/west 3000", "h100/whole/1:1/standard/west 3000"];
    assert_eq!(sold, expected.map(|name| format!("gpu/{name}")));
}

#[test]
fn the_device_that_can_be_no_sku_is_named_whatever_its_neighbours_are() {
    for (models, field) in [
        (["\u{2026}", "A100", "A100"], "data.head.devices[0].model"),
        (["A100", "A100", "\u{2026}"], "data.head.devices[2].model"),
        (["A100", "\u{2026}", "\u{2026}"], "data.head.devices[1].model"),
    ] {
        let (_, doubt) = screen(modelled(models, 0), &catalog(), NOW).expect_err("no SKU");
        assert_eq!((doubt.reason.as_str(), doubt.field.as_str()), ("no_sku", field));
    }
}
