//! Which oddities of a node's reports are told, and which are none?

use releve_metering::{Flag, FlagKind, flags};
use releve_types::{DeviceId, NodeId, Ranges, TenantKey, Timestamp, sku::Share};
use releve_wire::{
    Basis, Clock, Device, DeviceState, Digest, Evidence, Head, Report, Section, SectionDigests, Segment, Window, sha256,
};
use uuid::Uuid;

const MINUTE: i64 = 60_000;

fn gpu() -> DeviceId {
    "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52".parse().expect("a device")
}

fn digest(run: u128, seq: u64) -> Digest {
    sha256(format!("{run} {seq}").as_bytes())
}

/// A minute of one run, chained to the number before it, that held one GPU.
fn report(run: u128, seq: u64, minute: i64) -> Report {
    let start = Timestamp::from_millis(minute * MINUTE);
    let segment = Segment {
        gpu: gpu(),
        alloc: "job".to_owned(),
        project: None,
        spot: false,
        share: Share::WHOLE,
        start_ms: 0,
        end_ms: MINUTE,
        basis: Basis::Observed,
        energy_mj: None,
        end_reason: None,
    };
    let device = Device {
        gpu: gpu(),
        parent: None,
        model: "NVIDIA H100 80GB HBM3".to_owned(),
        profile: None,
        state: DeviceState::Ok,
        energy_mj: None,
    };
    let head = Head {
        node: NodeId::from_uuid(Uuid::from_u128(1)),
        run: Uuid::from_u128(run),
        seq,
        window: Window { start, end: start.plus_millis(MINUTE) },
        covered: Ranges::one(0, MINUTE),
        clock: Clock { synced: true, max_err_us: 10, step_ms: None },
        devices: vec![device],
        agent: "test/1".to_owned(),
        prev: (seq > 1).then(|| digest(run, seq - 1)),
        sections: vec![SectionDigests { segments: Digest([0; 32]), allocs: Digest([0; 32]) }],
    };
    let tenant_key = TenantKey::new("k8s:c/a").expect("a tenant key");
    let sections = vec![Section { tenant_key, segments: vec![segment], allocs: Vec::new() }];
    let evidence = Evidence { head: String::new(), keyid: String::new(), signature: [0; 64], segments: Vec::new() };
    Report { head, head_sha256: digest(run, seq), sections, evidence }
}

/// Flags as `kind minutes reports`.
fn told(reports: &[Report]) -> Vec<String> {
    let minute = |at: Timestamp| at.as_millis() / MINUTE;
    let line = |Flag { from, to, kind, reports, .. }: &Flag| {
        format!("{} {}..{} {reports}", kind.as_str(), minute(*from), minute(*to))
    };
    flags(reports).iter().map(line).collect()
}

#[test]
fn an_unbroken_run_shows_nothing_in_whatever_order_it_came() {
    let mut reports: Vec<Report> = (0..5).map(|n| report(1, n + 1, i64::try_from(n).expect("small"))).collect();
    assert_eq!(told(&reports), [""; 0]);
    reports.reverse();
    assert_eq!(told(&reports), [""; 0]);
    // What came before the earliest is not known.
    reports.pop();
    assert_eq!(told(&reports), [""; 0]);
}

#[test]
fn a_new_run_begins_its_own_sequence() {
    assert_eq!(told(&[report(1, 8, 0), report(2, 1, 1), report(2, 2, 2)]), [""; 0]);
    let mut stranger = report(2, 1, 1);
    stranger.head.prev = Some(digest(1, 8));
    assert_eq!(told(&[report(1, 8, 0), stranger]), ["broken_chain 1..2 1"]);
}

#[test]
fn missing_numbers_are_a_gap_where_they_are_missing() {
    assert_eq!(told(&[report(1, 1, 0), report(1, 4, 3), report(1, 5, 4)]), ["sequence_gap 1..3 2"]);
}

#[test]
fn a_later_window_with_a_lower_number_went_backwards() {
    assert_eq!(told(&[report(1, 2, 0), report(1, 1, 1)]), ["sequence_backwards 0..2 2"]);
    assert_eq!(told(&[report(1, 2, 0), report(1, 2, 1)]), ["sequence_backwards 0..2 2"]);
}

#[test]
fn a_head_that_names_another_breaks_the_chain() {
    let mut forged = report(1, 2, 1);
    forged.head.prev = Some(digest(9, 9));
    assert_eq!(told(&[report(1, 1, 0), forged.clone(), report(1, 3, 2)]), ["broken_chain 1..2 1"]);
    forged.head.prev = None;
    assert_eq!(told(&[report(1, 1, 0), forged]), ["broken_chain 1..2 1"]);
}

#[test]
fn a_clock_that_was_not_believed_is_one_flag_as_long_as_it_lasted() {
    let unsynced = |seq, minute| {
        let mut report = report(1, seq, minute);
        report.head.clock.synced = false;
        report
    };
    let reports = [unsynced(1, 0), unsynced(2, 1), report(1, 3, 2), unsynced(4, 3)];
    assert_eq!(told(&reports), ["clock_unsynced 0..2 2", "clock_unsynced 3..4 1"]);
    // An agent that says much closes a window in parts.
    assert_eq!(told(&[unsynced(1, 0), unsynced(2, 0), unsynced(3, 1), unsynced(4, 1)]), ["clock_unsynced 0..2 4"]);
    let mut stepped = report(1, 1, 0);
    stepped.head.clock.step_ms = Some(-750);
    let found = flags(&[stepped.clone()]);
    assert_eq!((found[0].kind, found[0].detail.contains("-750 ms")), (FlagKind::ClockStep, true));
    stepped.head.clock.step_ms = Some(0);
    assert_eq!(told(&[stepped]), [""; 0]);
}

#[test]
fn a_sick_device_is_told_only_while_it_is_held() {
    for state in [DeviceState::Degraded, DeviceState::Lost] {
        let mut sick = report(1, 1, 0);
        sick.head.devices[0].state = state;
        assert_eq!(told(&[sick.clone()]), ["device_not_ok 0..1 1"]);
        sick.sections[0].segments.clear();
        assert_eq!(told(&[sick]), [""; 0]);
    }
}

#[test]
fn every_kind_has_its_own_name() {
    let names: std::collections::BTreeSet<&str> = FlagKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), FlagKind::ALL.len());
}
