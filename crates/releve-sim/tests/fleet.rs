//! The demo's fleet: the same every time, without conflicts, and every tenant has a month of its kind.

use std::collections::BTreeMap;

use releve_sim::{
    Reports, Stretch,
    fleet::{TENANTS, UNMAPPED_KEY, fleet, readings},
    oracle,
};
use releve_types::{
    Period, Zone,
    time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE},
};
use releve_wire::decode;

fn october() -> Period {
    Zone::utc().month("2026-10".parse().expect("a month"))
}

#[test]
fn every_habit_leaves_its_mark() {
    let plan = fleet(october(), 1).unwrap();
    assert!(plan.conflict().is_none(), "{:?}", plan.conflict());
    let held = oracle::by_key(&oracle::held_ms(&plan, plan.range).unwrap());
    let hours: BTreeMap<&str, i64> = held.iter().map(|(key, ms)| (key.as_str(), ms / MILLIS_PER_HOUR)).collect();
    for tenant in TENANTS.iter().filter(|t| !t.key.starts_with("static:")) {
        assert!(hours[tenant.key] > 100, "{} {hours:?}", tenant.name);
    }
    assert!((1..=3).contains(&hours[UNMAPPED_KEY]), "{hours:?}");
    assert!(hours["k8s:paris/aurora"] > 16_000, "three nodes nearly all the time: {hours:?}");
    assert_eq!(readings(october()).count(), 744 * TENANTS.len());
}

#[test]
fn what_is_reported_is_what_was_held() {
    let plan = fleet(october(), 1).unwrap();
    let two_days = Stretch::new(plan.range.start, plan.range.start.plus_millis(48 * MILLIS_PER_HOUR));
    let mut reported = BTreeMap::new();
    let mut bytes = 0;
    for report in Reports::new(&plan, 15 * MILLIS_PER_MINUTE, two_days) {
        bytes = bytes.max(report.message.bytes.len());
        let node = &plan.nodes[report.index];
        let sealed = decode::open(&report.message.bytes, 64 * 1024).unwrap();
        for section in sealed.verify(node.key.verifying_key().as_bytes()).unwrap().sections {
            let held: i64 = section.segments.iter().map(|s| s.end_ms - s.start_ms).sum();
            *reported.entry(section.tenant_key).or_default() += held;
        }
    }
    assert_eq!(reported, oracle::by_key(&oracle::held_ms(&plan, two_days).unwrap()));
}
