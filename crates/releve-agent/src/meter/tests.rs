//! Text tables of looks and what comes of them.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use releve_types::{DeviceId, TenantKey, Timestamp, sku::Share};
use releve_wire::{DeviceState, EndReason};
use uuid::Uuid;

use super::*;
use crate::{
    clock::Moment,
    sight::{Contradiction, Hold, SeenDevice, Sight},
};

pub(super) const WINDOW_MS: i64 = 60_000;
const SETTINGS: MeterSettings =
    MeterSettings { window_ms: WINDOW_MS, look_gap_ms_max: 30_000, message_bytes_split: 60 * 1024 };

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(super) fn gpu(n: u128) -> DeviceId {
    DeviceId::Gpu(Uuid::from_u128(n))
}

pub(super) fn device(gpu: DeviceId) -> SeenDevice {
    let model = "NVIDIA H100 80GB HBM3".to_owned();
    let (state, energy_counter_mj) = (DeviceState::Ok, None);
    SeenDevice { gpu, parent: None, model, profile: None, state, from: None, until: None, energy_counter_mj }
}

pub(super) fn hold(gpu: DeviceId, alloc: &str, from: Option<i64>, until: Option<i64>) -> Hold {
    Hold {
        gpu,
        tenant_key: TenantKey::new("static:lab").unwrap(),
        alloc: alloc.to_owned(),
        project: None,
        spot: false,
        share: Share::WHOLE,
        from: from.map(at),
        until: until.map(at),
        end_reason: until.map(|_| EndReason::Completed),
        details: None,
    }
}

fn shared(gpu: DeviceId, alloc: &str, from: i64, until: i64, num: u32, den: u32) -> Hold {
    Hold { share: Share { num, den }, ..hold(gpu, alloc, Some(from), Some(until)) }
}

pub(super) fn sight(known_until: i64, devices: &[SeenDevice], holds: &[Hold]) -> Sight {
    Sight { known_until: at(known_until), devices: devices.to_vec(), holds: holds.to_vec() }
}

const fn moment(wall_ms: i64, mono_ms: u64) -> Moment {
    Moment { wall: Timestamp::from_millis(wall_ms), mono_ms }
}

/// `gpu1 alloc 1000..2000 share energy reason`, one line each.
pub(super) fn table(observed: &Observed) -> String {
    let mut out = String::new();
    let Observed { window, covered, drift_ms, devices, sections } = observed;
    writeln!(out, "window {} covered {covered} drift {drift_ms}", window.start).unwrap();
    for d in devices {
        let n = d.gpu.uuid().as_u128();
        writeln!(out, "  device {n} {} {}", d.state.as_str(), d.energy_mj.map_or("-".to_owned(), |e| e.to_string()))
            .unwrap();
    }
    for section in sections {
        writeln!(out, "  {}", section.tenant_key).unwrap();
        for s in &section.segments {
            let (n, Share { num, den }) = (s.gpu.uuid().as_u128(), s.share);
            let energy = s.energy_mj.map_or(String::new(), |e| format!(" {e} mJ"));
            let reason = s.end_reason.map_or(String::new(), |r| format!(" {}", r.as_str()));
            writeln!(out, "    {n} {} {}..{} {num}/{den}{energy}{reason}", s.alloc, s.start_ms, s.end_ms).unwrap();
        }
        for details in &section.allocs {
            writeln!(out, "    {} is {:?}", details.alloc, details.name).unwrap();
        }
    }
    out
}

fn played(meter: &mut Meter, looks: &[(Moment, Sight)]) -> String {
    let mut out = String::new();
    for (moment, sight) in looks {
        let ticked = meter.tick(*moment, sight);
        for closed in ticked.closed {
            out += &table(&meter.report(closed));
        }
        if let Some(why) = ticked.contradiction {
            writeln!(out, "contradiction: {why}").unwrap();
        }
        if let Some(ms) = ticked.missed_ms {
            writeln!(out, "missed {ms} ms").unwrap();
        }
        if let Some(ms) = ticked.stepped_ms {
            writeln!(out, "stepped {ms} ms").unwrap();
        }
    }
    if let Some(open) = meter.finish() {
        out += "open ";
        out += &table(&meter.report(open));
    }
    out
}

fn check(looks: &[(Moment, Sight)], expected: &Expect) {
    let mut meter = Meter::new(SETTINGS, Seen::default(), None);
    expected.assert_eq(&played(&mut meter, looks));
}

#[test]
fn an_allocation_is_cut_at_the_windows_edge_and_ends_to_the_millisecond() {
    let g = device(gpu(1));
    let job = |until| hold(gpu(1), "job", Some(5_250), until);
    check(
        &[
            (moment(0, 0), sight(0, std::slice::from_ref(&g), &[])),
            (moment(10_000, 10_000), sight(10_000, std::slice::from_ref(&g), &[job(None)])),
            (moment(40_000, 40_000), sight(40_000, std::slice::from_ref(&g), &[job(None)])),
            (moment(65_000, 65_000), sight(65_000, std::slice::from_ref(&g), &[job(Some(63_001))])),
            (moment(70_000, 70_000), sight(70_000, &[g], &[])),
        ],
        &expect![[r#"
            window 1970-01-01T00:00:00Z covered {[0,60000)} drift 0
              device 1 ok -
              static:lab
                1 job 5250..60000 1/1
            open window 1970-01-01T00:01:00Z covered {[0,10000)} drift 0
              device 1 ok -
              static:lab
                1 job 0..3001 1/1 completed
        "#]],
    );
}

#[test]
fn an_allocation_shorter_than_a_look_is_there() {
    let g = device(gpu(1));
    check(
        &[
            (moment(0, 0), sight(0, std::slice::from_ref(&g), &[])),
            (moment(1_000, 1_000), sight(1_000, &[g], &[hold(gpu(1), "blink", Some(200), Some(203))])),
        ],
        &expect![[r#"
            open window 1970-01-01T00:00:00Z covered {[0,1000)} drift 0
              device 1 ok -
              static:lab
                1 blink 200..203 1/1 completed
        "#]],
    );
}

#[test]
fn an_idle_node_reports_too_and_silence_is_a_gap() {
    let g = device(gpu(1));
    let idle = |s: i64| {
        (moment(s * 1_000, u64::try_from(s).unwrap() * 1_000), sight(s * 1_000, std::slice::from_ref(&g), &[]))
    };
    check(
        &[idle(0), idle(20), idle(55), idle(60), idle(90)],
        &expect![[r#"
        missed 35000 ms
        window 1970-01-01T00:00:00Z covered {[0,20000),[55000,60000)} drift 0
          device 1 ok -
        open window 1970-01-01T00:01:00Z covered {[0,30000)} drift 0
          device 1 ok -
    "#]],
    );
}

#[test]
fn knowledge_may_lag_behind_the_look() {
    let g = device(gpu(1));
    check(
        &[
            (moment(5_000, 5_000), sight(0, std::slice::from_ref(&g), &[])),
            (moment(15_000, 15_000), sight(10_000, std::slice::from_ref(&g), &[hold(gpu(1), "a", Some(8_000), None)])),
            (moment(25_000, 25_000), sight(20_000, &[g], &[hold(gpu(1), "a", Some(8_000), Some(12_000))])),
        ],
        &expect![[r#"
            open window 1970-01-01T00:00:00Z covered {[0,20000)} drift 0
              device 1 ok -
              static:lab
                1 a 8000..12000 1/1 completed
        "#]],
    );
}

#[test]
fn a_clock_set_forward_makes_no_time_pass() {
    let g = device(gpu(1));
    let held = [hold(gpu(1), "a", None, None)];
    check(
        &[
            (moment(0, 0), sight(0, std::slice::from_ref(&g), &held)),
            (moment(10_000, 10_000), sight(10_000, std::slice::from_ref(&g), &held)),
            (moment(50_000, 11_000), sight(50_000, std::slice::from_ref(&g), &held)),
            (moment(51_000, 12_000), sight(51_000, &[g], &held)),
        ],
        &expect![[r#"
            stepped 39000 ms
            open window 1970-01-01T00:00:00Z covered {[0,11000),[50000,51000)} drift 39000
              device 1 ok -
              static:lab
                1 a 0..11000 1/1
                1 a 50000..51000 1/1
        "#]],
    );
}

#[test]
fn a_clock_set_back_reports_no_time_twice() {
    let g = device(gpu(1));
    let held = [hold(gpu(1), "a", None, None)];
    let s = |wall: i64, mono: u64| (moment(wall, mono), sight(wall, std::slice::from_ref(&g), &held));
    check(
        &[s(110_000, 0), s(130_000, 20_000), s(115_000, 21_000), s(125_000, 31_000), s(140_000, 46_000)],
        &expect![[r#"
            window 1970-01-01T00:01:00Z covered {[50000,60000)} drift 0
              device 1 ok -
              static:lab
                1 a 50000..60000 1/1
            window 1970-01-01T00:02:00Z covered {[0,10000)} drift -16000
              device 1 ok -
              static:lab
                1 a 0..10000 1/1
            stepped -16000 ms
            open window 1970-01-01T00:02:00Z covered {[10000,20000)} drift 0
              device 1 ok -
              static:lab
                1 a 10000..20000 1/1
        "#]],
    );
}

#[test]
fn a_lost_device_ends_its_allocations() {
    let (a, b) = (device(gpu(1)), device(gpu(2)));
    let gone = SeenDevice { until: Some(at(10_000)), state: DeviceState::Lost, ..b.clone() };
    let held = [hold(gpu(1), "job", None, None), hold(gpu(2), "job", None, None)];
    check(
        &[
            (moment(0, 0), sight(0, &[a.clone(), b.clone()], &held)),
            (moment(10_000, 10_000), sight(10_000, &[a.clone(), b], &held)),
            (moment(20_000, 20_000), sight(20_000, &[a.clone(), gone.clone()], &held)),
            (moment(45_000, 45_000), sight(45_000, &[a.clone(), gone], &held)),
            (moment(61_000, 61_000), sight(61_000, &[a], &[hold(gpu(1), "job", None, None)])),
        ],
        &expect![[r#"
            window 1970-01-01T00:00:00Z covered {[0,60000)} drift 0
              device 1 ok -
              device 2 lost -
              static:lab
                1 job 0..60000 1/1
                2 job 0..10000 1/1 device_lost
            open window 1970-01-01T00:01:00Z covered {[0,1000)} drift 0
              device 1 ok -
              static:lab
                1 job 0..1000 1/1
        "#]],
    );
}

#[test]
fn energy_is_a_difference_and_a_reset_makes_it_unknown() {
    let g = |mj| SeenDevice { energy_counter_mj: Some(mj), ..device(gpu(1)) };
    let held = [hold(gpu(1), "a", Some(5_000), None)];
    check(
        &[
            (moment(0, 0), sight(0, &[g(1_000)], &held)),
            (moment(10_000, 10_000), sight(10_000, &[g(2_000)], &held)),
            (moment(35_000, 35_000), sight(35_000, &[g(4_000)], &held)),
            (moment(61_000, 61_000), sight(61_000, &[g(6_600)], &held)),
            (moment(70_000, 70_000), sight(70_000, &[g(300)], &held)),
            (moment(80_000, 80_000), sight(80_000, &[g(900)], &held)),
            (moment(100_000, 100_000), sight(100_000, &[g(1_000)], &held)),
            (moment(120_000, 120_000), sight(120_000, &[g(1_000)], &held)),
            (moment(121_000, 121_000), sight(121_000, &[g(9_223_372_036_854_775_794)], &held)),
        ],
        &expect![[r#"
            window 1970-01-01T00:00:00Z covered {[0,60000)} drift 0
              device 1 ok 5500
              static:lab
                1 a 5000..60000 1/1 5000 mJ
            window 1970-01-01T00:01:00Z covered {[0,60000)} drift 0
              device 1 ok -
              static:lab
                1 a 0..60000 1/1
            open window 1970-01-01T00:02:00Z covered {[0,1000)} drift 0
              device 1 ok -
              static:lab
                1 a 0..1000 1/1
        "#]],
    );
}

#[test]
fn replicas_of_an_allocation_are_one_segment_with_a_larger_share() {
    let g = device(gpu(1));
    let held = [
        shared(gpu(1), "a", 0, 30_000, 1, 4),
        shared(gpu(1), "a", 10_000, 20_000, 1, 4),
        shared(gpu(1), "b", 15_000, 40_000, 2, 4),
    ];
    check(
        &[
            (moment(0, 0), sight(0, std::slice::from_ref(&g), &held)),
            (moment(30_000, 30_000), sight(30_000, &[g], &held)),
        ],
        &expect![[r#"
            open window 1970-01-01T00:00:00Z covered {[0,30000)} drift 0
              device 1 ok -
              static:lab
                1 a 0..10000 1/4
                1 a 10000..20000 2/4
                1 a 20000..30000 1/4 completed
                1 b 15000..30000 2/4
        "#]],
    );
}

#[test]
fn what_cannot_be_true_is_a_gap_with_a_reason() {
    let slice = |n: u128| SeenDevice {
        gpu: DeviceId::Mig(Uuid::from_u128(n)),
        parent: Some(gpu(1)),
        profile: Some("1g.10gb".to_owned()),
        ..device(gpu(n))
    };
    let on_slice = Hold { gpu: slice(9).gpu, ..hold(gpu(9), "s", Some(5), Some(30)) };
    let whole = |alloc| hold(gpu(1), alloc, Some(10), Some(20));
    let there = [device(gpu(1)), slice(9)];
    let cases: [(&str, Vec<SeenDevice>, Vec<Hold>); 9] = [
        ("parent beside slice", there.to_vec(), vec![whole("a"), on_slice]),
        ("twice whole", there.to_vec(), vec![whole("a"), whole("b")]),
        ("same twice", there.to_vec(), vec![whole("a"), whole("a")]),
        ("shares", there.to_vec(), vec![shared(gpu(1), "a", 0, 9, 2, 3), shared(gpu(1), "b", 4, 12, 1, 2)]),
        ("unlike", there.to_vec(), vec![shared(gpu(1), "a", 0, 9, 1, 3), shared(gpu(1), "a", 4, 12, 1, 2)]),
        ("stranger", there.to_vec(), vec![hold(gpu(3), "a", None, None)]),
        ("twice there", vec![device(gpu(1)), device(gpu(1))], vec![]),
        ("no profile", vec![SeenDevice { profile: None, ..slice(9) }], vec![]),
        ("bad name", there.to_vec(), vec![hold(gpu(1), "a\u{7}", None, None)]),
    ];
    let mut out = String::new();
    for (name, devices, holds) in cases {
        let mut meter = Meter::new(SETTINGS, Seen::default(), None);
        meter.tick(moment(0, 0), &sight(0, &devices, &holds));
        let ticked = meter.tick(moment(100, 100), &sight(100, &devices, &holds));
        let why = ticked.contradiction.map_or("believed".to_owned(), |why| why.to_string());
        let covered = meter.finish().map(|open| open.covered.total());
        writeln!(out, "{name}: {why}; covered {covered:?}").unwrap();
    }
    expect![[r#"
        parent beside slice: GPU-00000000-0000-0000-0000-000000000001 and a slice cut from it are held at the same time, at 1970-01-01T00:00:00.01Z; covered Some(0)
        twice whole: GPU-00000000-0000-0000-0000-000000000001 is held for more than the whole of it at 1970-01-01T00:00:00.01Z; covered Some(0)
        same twice: GPU-00000000-0000-0000-0000-000000000001 is held for more than the whole of it at 1970-01-01T00:00:00.01Z; covered Some(0)
        shares: GPU-00000000-0000-0000-0000-000000000001 is held for more than the whole of it at 1970-01-01T00:00:00.004Z; covered Some(0)
        unlike: allocation a holds GPU-00000000-0000-0000-0000-000000000001 twice at 1970-01-01T00:00:00.004Z, with different share; covered Some(0)
        stranger: allocation a holds GPU-00000000-0000-0000-0000-000000000003, which is not among the node's devices; covered Some(0)
        twice there: GPU-00000000-0000-0000-0000-000000000001 is named twice among the node's devices; covered Some(0)
        no profile: MIG-00000000-0000-0000-0000-000000000009 is described wrongly: a slice has a profile; covered Some(0)
        bad name: the allocation of a hold on GPU-00000000-0000-0000-0000-000000000001 holds a control character; covered Some(0)
    "#]].assert_eq(&out);
}

#[test]
fn a_window_too_big_for_a_message_goes_on_in_a_new_part() {
    let settings = MeterSettings { message_bytes_split: 8_000, ..SETTINGS };
    let mut meter = Meter::new(settings, Seen::default(), None);
    let jobs: Vec<Hold> =
        (0..40).map(|n| hold(gpu(1), &format!("job-{n}"), Some(n * 100), Some(n * 100 + 90))).collect();
    meter.tick(moment(0, 0), &sight(0, &[device(gpu(1))], &[]));
    let mut parts = meter.tick(moment(6_000, 6_000), &sight(6_000, &[device(gpu(1))], &jobs)).closed;
    parts.extend(meter.finish());
    let covered: Vec<String> = parts.iter().map(|p| p.covered.to_string()).collect();
    expect!["{[0,750)} {[750,1500)} {[1500,2250)} {[2250,3000)} {[3000,6000)}"].assert_eq(&covered.join(" "));
    assert!(parts.iter().all(|p| bytes_bound(p) <= 8_000));
    let held: i64 = parts.iter().flat_map(|p| p.spans.values().flatten()).map(|s| s.end_ms - s.start_ms).sum();
    assert_eq!(held, 40 * 90, "nothing is lost at the seams");

    let crowd: Vec<Hold> = (0..40).map(|n| shared(gpu(1), &format!("job-{n}"), 6_000, 9_000, 1, 40)).collect();
    meter.tick(moment(6_000, 6_000), &sight(6_000, &[device(gpu(1))], &[]));
    let ticked = meter.tick(moment(7_000, 7_000), &sight(7_000, &[device(gpu(1))], &crowd));
    assert_eq!(ticked.contradiction, Some(Contradiction::TooMuchAtOnce { at: at(6_000), bytes_max: 8_000 }));
}

#[test]
fn names_are_told_once_and_again_when_they_change() {
    let g = device(gpu(1));
    let named = |name: &str| {
        let (alloc, name) = ("a".to_owned(), Some(name.to_owned()));
        let labels = vec![("team".to_owned(), "x".to_owned()), ("bad".to_owned(), "\n".to_owned())];
        let details = Some(releve_wire::AllocDetails { alloc, name, user: None, labels });
        Hold { details, ..hold(gpu(1), "a", None, None) }
    };
    let s = |t: i64, name| (moment(t, u64::try_from(t).unwrap()), sight(t, std::slice::from_ref(&g), &[named(name)]));
    let looks = [s(0, "x"), s(30_000, "x"), s(60_000, "x"), s(90_000, "x"), s(120_000, "x"), s(130_000, "y")];
    check(
        &looks,
        &expect![[r#"
        window 1970-01-01T00:00:00Z covered {[0,60000)} drift 0
          device 1 ok -
          static:lab
            1 a 0..60000 1/1
            a is Some("x")
        window 1970-01-01T00:01:00Z covered {[0,60000)} drift 0
          device 1 ok -
          static:lab
            1 a 0..60000 1/1
        open window 1970-01-01T00:02:00Z covered {[0,10000)} drift 0
          device 1 ok -
          static:lab
            1 a 0..10000 1/1
            a is Some("y")
    "#]],
    );
}
