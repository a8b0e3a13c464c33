//! The month of a real cluster, from its rows to signed reports and back, to the millisecond.
//!
//! Helios traces: Hu et al., SC'21, CC BY 4.0, by way of the HeliosArtifact repository.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use releve_sim::{Plan, Reports, Stretch, jitter, oracle, packing, trace::Trace};
use releve_types::{
    TenantKey,
    time::{MILLIS_PER_DAY, MILLIS_PER_HOUR, MILLIS_PER_MINUTE},
};
use releve_wire::{decode, limits::MESSAGE_BYTES_MAX};

/// The file stays beside the repository; it is not part of it.
fn month() -> Option<Trace> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/helios-earth-2020-05.csv.gz");
    if !path.exists() {
        println!("SKIPPED: {} is not there; put the Helios month there to run this test", path.display());
        return None;
    }
    Some(Trace::open(&path).expect("the trace is well formed"))
}

fn vc_of(key: &TenantKey) -> String {
    key.as_str().rsplit('/').next().unwrap_or_default().to_owned()
}

fn minutes(totals: &BTreeMap<String, i64>, vc: &str) -> i64 {
    let ms = totals[vc];
    assert_eq!(ms % MILLIS_PER_MINUTE, 0);
    ms / MILLIS_PER_MINUTE
}

/// Per virtual cluster, what the plan's list of holds adds up to.
fn expected(plan: &Plan, within: Stretch) -> BTreeMap<String, i64> {
    let held = oracle::by_key(&oracle::held_ms(plan, within).expect("SKUs can be named"));
    held.into_iter().map(|(key, ms)| (vc_of(&key), ms)).collect()
}

/// The same from the decoded messages.
fn reported(plan: &Plan, window_ms: i64, within: Stretch) -> (BTreeMap<String, i64>, usize) {
    let mut totals = BTreeMap::new();
    let mut messages = 0;
    for report in Reports::new(plan, window_ms, within) {
        let sealed = decode::open(&report.message.bytes, MESSAGE_BYTES_MAX).expect("a report is well formed");
        let node = &plan.nodes[report.index];
        let decoded = sealed.verify(node.key.verifying_key().as_bytes()).expect("a report verifies");
        for section in &decoded.sections {
            let vc = vc_of(&section.tenant_key);
            let held: i64 = section.segments.iter().map(|s| s.end_ms - s.start_ms).sum();
            *totals.entry(vc).or_default() += held;
        }
        messages += 1;
    }
    (totals, messages)
}

#[test]
fn the_month_adds_up_to_what_its_description_says() {
    let Some(trace) = month() else { return };
    let published = [
        ("vc6YE", 8_381_023),
        ("vcvlY", 2_887_858),
        ("vcLJZ", 2_491_116),
        ("vcpDC", 2_275_852),
        ("vc3sl", 1_792_147),
        ("vcTJs", 1_563_839),
        ("vcMod", 1_464_715),
        ("vchbv", 1_174_384),
        ("vc8Sj", 1_068_172),
        ("vcSoL", 680_000),
        ("vccaA", 639_049),
        ("vcJLV", 515_524),
        ("vcgkz", 324_928),
        ("vcdI0", 199_192),
        ("vcira", 22_490),
        ("vcJkd", 6_068),
    ];
    assert_eq!(trace.peak(), 764);
    assert_eq!(trace.vcs.len(), published.len());
    let plan = packing::plan(&trace).unwrap();
    assert_eq!(plan.nodes.len(), 96);
    assert!(plan.conflict().is_none(), "{:?}", plan.conflict());
    let from_holds = expected(&plan, plan.range);
    let from_rows = trace.gpu_ms(trace.month);
    for (vc, gpu_minutes) in published {
        assert_eq!(from_rows[vc], gpu_minutes * MILLIS_PER_MINUTE, "{vc}");
        assert_eq!(minutes(&from_holds, vc), gpu_minutes, "{vc}");
    }
    assert_eq!(from_holds.values().sum::<i64>(), 25_486_357 * MILLIS_PER_MINUTE);
}

#[test]
fn a_day_is_the_same_however_it_is_cut() {
    let Some(trace) = month() else { return };
    let plan = packing::plan(&trace).unwrap();
    let start = "2020-05-20T00:00:00Z".parse().unwrap();
    let day = Stretch::new(start, start.plus_millis(MILLIS_PER_DAY));
    let mut by_hour = expected(&plan, day);
    assert_eq!(by_hour.values().sum::<i64>(), 1_014_683 * MILLIS_PER_MINUTE);
    assert_eq!(minutes(&by_hour, "vc6YE"), 279_203);
    assert_eq!(minutes(&by_hour, "vcJkd"), 21);
    by_hour.retain(|_, ms| *ms > 0);
    for (window_ms, windows) in [(MILLIS_PER_HOUR, 24), (15 * MILLIS_PER_MINUTE, 96)] {
        let (totals, messages) = reported(&plan, window_ms, day);
        assert_eq!(totals, by_hour, "{window_ms} ms");
        assert!(messages >= 96 * windows, "each node reports each window");
    }
    // A minute's windows make 138,240 reports a day; three hours of them cross enough edges.
    let morning = Stretch::new(day.start, day.start.plus_millis(3 * MILLIS_PER_HOUR));
    assert_eq!(reported(&plan, MILLIS_PER_MINUTE, morning).0, {
        let mut totals = expected(&plan, morning);
        totals.retain(|_, ms| *ms > 0);
        totals
    });
}

#[test]
fn with_jitter_reports_and_oracle_agree_to_the_millisecond() {
    let Some(trace) = month() else { return };
    let exact = packing::plan(&trace).unwrap();
    let plan = jitter::jitter(exact.clone(), 42);
    assert!(plan.conflict().is_none(), "{:?}", plan.conflict());
    let open_over_the_end =
        plan.holds.iter().filter(|h| h.time.start < trace.month.end && trace.month.end < h.time.end).count();
    assert!(open_over_the_end >= jitter::OVER_THE_END_LEN);
    let short = plan.holds.iter().filter(|h| h.time.millis() < 1_000).count();
    assert!(short >= jitter::SHORT_LEN);
    assert!(plan.holds.iter().all(|h| h.time.start >= trace.month.start && h.time.end <= plan.range.end));
    let last = Stretch::new(trace.month.end.plus_millis(-6 * MILLIS_PER_HOUR), plan.range.end);
    assert_eq!(reported(&plan, MILLIS_PER_HOUR, last).0, expected(&plan, last));
    assert_eq!(reported(&plan, 15 * MILLIS_PER_MINUTE, last).0, expected(&plan, last));
    assert_ne!(expected(&plan, trace.month), expected(&exact, trace.month));
}

#[test]
fn the_same_replay_sends_the_same_bytes() {
    let Some(trace) = month() else { return };
    let plan = jitter::jitter(packing::plan(&trace).unwrap(), 7);
    let again = jitter::jitter(packing::plan(&Trace::clone(&trace)).unwrap(), 7);
    let hours = Stretch::new(plan.range.start, plan.range.start.plus_millis(2 * MILLIS_PER_HOUR));
    let bytes = |plan: &Plan, window_ms| -> Vec<Vec<u8>> {
        Reports::new(plan, window_ms, hours).map(|r| r.message.bytes).collect()
    };
    assert_eq!(bytes(&plan, MILLIS_PER_HOUR), bytes(&again, MILLIS_PER_HOUR));
    assert_ne!(bytes(&plan, MILLIS_PER_HOUR)[0], bytes(&plan, 15 * MILLIS_PER_MINUTE)[0]);
}
