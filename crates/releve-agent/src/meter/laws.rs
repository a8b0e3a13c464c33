//! What holds for any looks: cutting changes no sum, and no report is bigger than was reckoned.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use releve_types::{DeviceId, NodeId, Ranges, Timestamp, sku::Share};
use releve_wire::{AllocDetails, Clock, Digest, Unsealed, limits, seal};
use uuid::Uuid;

use super::{
    tests::{at, device, gpu, hold, sight},
    *,
};
use crate::{
    clock::Moment,
    sight::{Hold, SeenDevice},
};

const HOUR_MS: i64 = 3_600_000;
const WINDOWS_MS: [i64; 6] = [10_000, 30_000, 60_000, 450_000, 900_000, HOUR_MS];

/// Allocations that follow one another on a few devices, with holes between.
fn holds() -> impl Strategy<Value = Vec<Hold>> {
    let per_device = proptest::collection::vec((1i64..900_000, 1i64..900_000, 0u8..4), 0..12);
    proptest::collection::vec(per_device, 1..4).prop_map(|devices| {
        let mut holds = Vec::new();
        for (n, list) in (1u128..).zip(devices) {
            let mut from = 0;
            for (idle, held, name) in list {
                from += idle;
                holds.push(hold(gpu(n), &format!("job-{name}"), Some(from), Some(from + held)));
                from += held;
            }
        }
        holds
    })
}

type Sums = BTreeMap<(String, DeviceId), i64>;

fn sums<'a>(observed: impl Iterator<Item = &'a Observed>) -> Sums {
    let mut sums = Sums::new();
    for segment in observed.flat_map(|o| &o.sections).flat_map(|s| &s.segments) {
        *sums.entry((segment.alloc.clone(), segment.gpu)).or_default() += segment.end_ms - segment.start_ms;
    }
    sums
}

fn oracle(holds: &[Hold], end: i64) -> Sums {
    let mut sums = Sums::new();
    for hold in holds {
        let ms = |instant: Option<Timestamp>| instant.map_or(0, Timestamp::as_millis).min(end);
        let held = ms(hold.until) - ms(hold.from);
        if held > 0 {
            *sums.entry((hold.alloc.clone(), hold.gpu)).or_default() += held;
        }
    }
    sums
}

fn devices() -> Vec<SeenDevice> {
    (1..4).map(|n| device(gpu(n))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cutting_at_any_window_length_preserves_the_summed_time(holds in holds(), which in 0usize..6, split in 5_000usize..60_000) {
        let window_ms = WINDOWS_MS[which];
        let sight = sight(3 * HOUR_MS, &devices(), &holds);
        let mut all = Vec::new();
        for (window, a, b) in cut(at(0), at(3 * HOUR_MS), window_ms) {
            let covered = Ranges::one(a.since(window.start), b.since(window.start));
            let parts = observe(window, &covered, &sight, &Energy::unknown(), split).unwrap();
            let together = parts.iter().fold(Ranges::empty(), |all, p| all.union(&p.covered));
            prop_assert_eq!(parts.iter().map(|p| p.covered.total()).sum::<i64>(), together.total());
            prop_assert_eq!(together, covered);
            all.extend(parts);
        }
        prop_assert_eq!(sums(all.iter()), oracle(&holds, 3 * HOUR_MS));
    }

    #[test]
    fn looks_at_any_moments_see_the_same(holds in holds(), steps in proptest::collection::vec(1i64..29_000, 60..200)) {
        let settings = MeterSettings { window_ms: 60_000, look_gap_ms_max: 30_000, message_bytes_split: 20_000 };
        let mut meter = Meter::new(settings, Seen::default(), None);
        let (mut now, mut all) = (0, Vec::new());
        for step in [0].into_iter().chain(steps) {
            now += step;
            let known: Vec<Hold> = holds
                .iter()
                .filter(|h| h.from < Some(at(now)))
                .map(|h| Hold { until: h.until.filter(|u| *u <= at(now)), ..h.clone() })
                .collect();
            let moment = Moment { wall: at(now), mono_ms: u64::try_from(now).unwrap() };
            let ticked = meter.tick(moment, &sight(now, &devices(), &known));
            prop_assert_eq!(ticked.contradiction, None);
            all.extend(ticked.closed);
        }
        all.extend(meter.finish());
        let all: Vec<Observed> = all.into_iter().map(|closed| meter.report(closed)).collect();
        prop_assert_eq!(sums(all.iter()), oracle(&holds, now));
        prop_assert_eq!(all.iter().map(|o| o.covered.total()).sum::<i64>(), now);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_report_is_bigger_than_was_reckoned(
        texts in proptest::collection::vec("[a-z\"\\\\é☃]{1,60}", 1..30),
        energy in 0u64..=9_007_199_254_740_991,
        rows in 1usize..30,
    ) {
        let model = "\"".repeat(40);
        let seen = SeenDevice { model, ..device(gpu(u128::MAX)) };
        let slice = SeenDevice {
            gpu: DeviceId::Mig(Uuid::from_u128(u128::MAX - 1)),
            parent: Some(gpu(u128::MAX - 2)),
            profile: Some("1c.7g.80gb+me".to_owned()),
            ..device(gpu(1))
        };
        let count = u32::try_from(texts.len() * rows).unwrap();
        let share = Share { num: u32::MAX / count, den: u32::MAX };
        let holds: Vec<Hold> = texts.iter().cycle().take(texts.len() * rows).enumerate().map(|(n, text)| {
            let details = AllocDetails {
                alloc: format!("{text}{n}"),
                name: Some(text.clone()),
                user: Some(text.clone()),
                labels: (0..8).map(|l| (format!("{text}{l}"), text.clone())).collect(),
            };
            let key = releve_types::TenantKey::new(&format!("static:{text}")).unwrap();
            let hold = hold(gpu(u128::MAX), &details.alloc, Some(0), Some(HOUR_MS));
            Hold { tenant_key: key, project: Some(text.clone()), share, details: Some(details), ..hold }
        }).collect();
        let sight = sight(HOUR_MS, &[seen, slice], &holds);
        let used = Energy::over(at(0), at(HOUR_MS), BTreeMap::from([(gpu(u128::MAX), energy)]));
        let window = window_at(at(0), HOUR_MS);
        let mut open = OpenWindow::new(window);
        open.add((at(0), at(HOUR_MS)), &sight, &used).unwrap();
        let mut bytes = bytes_bound(&open);
        let mut observed = open.close();
        let details: usize = holds.iter().filter_map(|h| h.details.as_ref()).map(super::bound::details_bytes).sum();
        let mut book = DetailsBook::default();
        book.see(&holds);
        book.fill(&mut observed, bytes, usize::MAX);
        bytes += details;
        let sealed = sealed(observed);
        prop_assert!(sealed <= bytes, "{sealed} bytes, reckoned {bytes}");
        prop_assert!(bytes <= 4 * sealed + 4_000, "{sealed} bytes, reckoned {bytes}: far too cautious");
    }
}

fn sealed(observed: Observed) -> usize {
    let Observed { window, covered, devices, sections, .. } = observed;
    let unsealed = Unsealed {
        node: NodeId::from_uuid(Uuid::from_u128(u128::MAX)),
        run: Uuid::from_u128(u128::MAX),
        seq: u64::MAX,
        window,
        covered,
        clock: Clock { synced: false, max_err_us: u64::MAX, step_ms: Some(i64::MIN) },
        devices,
        agent: "releve-agent 99.99.99".to_owned(),
        prev: Some(Digest([0xff; 32])),
        sections,
    };
    let key = SigningKey::from_bytes(&[7; 32]);
    seal(&unsealed, &"k".repeat(64), &key, &mut || [0xff; 16]).bytes.len()
}

#[test]
fn a_full_list_of_covered_ranges_closes_a_window_early() {
    let covered = Ranges::from_unsorted((0..600).map(|n| (n * 4, n * 4 + 2)));
    let sight = sight(HOUR_MS, &devices(), &[hold(gpu(1), "a", None, None)]);
    let parts = observe(window_at(at(0), 60_000), &covered, &sight, &Energy::unknown(), 60_000).unwrap();
    assert!(parts.iter().all(|p| p.covered.as_slice().len() <= limits::COVERED_LEN_MAX));
    assert_eq!(parts.iter().map(|p| p.covered.total()).sum::<i64>(), 1_200);
}
