//! Can it all be true at once? No device is sold twice in the same millisecond. A break is well-formed and
//! signed, so it is kept for a person instead of being refused.

use std::collections::BTreeMap;

use releve_types::{DeviceId, Ranges};

use crate::{
    limits::SHARE_MULTIPLE_MAX,
    reject::{Reject, RejectCode},
    report::{Head, Section, Segment},
};

/// A segment and its place in the message.
#[derive(Clone, Copy)]
struct Held<'a> {
    segment: &'a Segment,
    section: usize,
    index: usize,
}

impl Held<'_> {
    fn reject(&self, code: RejectCode, field: &str, detail: String) -> Reject {
        let (section, index) = (self.section, self.index);
        Reject::new(code, format!("data.sections[{section}].segments.segments[{index}].{field}"), detail)
    }
}

/// `index_of` gives a section's place in the message, since of a disclosed report only one is at hand.
pub(crate) fn check(head: &Head, sections: &[Section], index_of: impl Fn(usize) -> usize) -> Result<(), Reject> {
    let mut by_device: BTreeMap<DeviceId, Vec<Held>> = BTreeMap::new();
    for (i, section) in sections.iter().enumerate() {
        for (index, segment) in section.segments.iter().enumerate() {
            by_device.entry(segment.gpu).or_default().push(Held { segment, section: index_of(i), index });
        }
    }
    for (device, held) in by_device.iter_mut().filter(|(_, held)| held.len() > 1) {
        held.sort_by_key(|held| held.segment.start_ms);
        check_once_per_allocation(held)?;
        check_shares(*device, held)?;
    }
    check_slices(head, &by_device)
}

/// Several replicas of one device in one allocation are one segment with a larger share.
fn check_once_per_allocation(held: &[Held]) -> Result<(), Reject> {
    let mut ends: BTreeMap<(usize, &str), i64> = BTreeMap::new();
    for held in held {
        let end = ends.entry((held.section, &held.segment.alloc)).or_insert(i64::MIN);
        if held.segment.start_ms < *end {
            let detail = format!("holds {} already until {end} ms", held.segment.gpu);
            return Err(held.reject(RejectCode::AllocationOverlapsItself, "start_ms", detail));
        }
        *end = held.segment.end_ms;
    }
    Ok(())
}

/// Σ shares ≤ 1 at each instant, in units of one over the denominators' least common multiple: no rounding.
/// `held` is sorted by start.
fn check_shares(device: DeviceId, held: &[Held]) -> Result<(), Reject> {
    let mut whole: u64 = 1;
    for held in held {
        let multiple = least_common_multiple(whole, u64::from(held.segment.share.den));
        whole = multiple.filter(|multiple| *multiple <= SHARE_MULTIPLE_MAX).ok_or_else(|| {
            let detail = format!("the denominators of {device} have no common multiple up to {SHARE_MULTIPLE_MAX}");
            held.reject(RejectCode::ShareDenominators, "share_den", detail)
        })?;
    }
    let part = |segment: &Segment| {
        let units = u128::from(whole / u64::from(segment.share.den));
        units * u128::from(segment.share.num)
    };
    let mut ends: Vec<(i64, u128)> = held.iter().map(|held| (held.segment.end_ms, part(held.segment))).collect();
    ends.sort_unstable();
    let (mut sum, mut ends) = (0, ends.into_iter().peekable());
    for held in held {
        while let Some((_, ended)) = ends.next_if(|(end, _)| *end <= held.segment.start_ms) {
            sum -= ended;
        }
        sum += part(held.segment);
        if sum > u128::from(whole) {
            let detail = format!("{sum}/{whole} of {device} are held at {} ms", held.segment.start_ms);
            return Err(held.reject(RejectCode::DeviceOversold, "gpu", detail));
        }
    }
    Ok(())
}

fn least_common_multiple(a: u64, b: u64) -> Option<u64> {
    let (mut gcd, mut rest) = (a, b);
    while rest != 0 {
        (gcd, rest) = (rest, gcd % rest);
    }
    (a / gcd).checked_mul(b)
}

fn check_slices(head: &Head, by_device: &BTreeMap<DeviceId, Vec<Held>>) -> Result<(), Reject> {
    let slices = head.devices.iter().filter_map(|device| device.parent.map(|parent| (device.gpu, parent)));
    for (slice, parent) in slices {
        let (Some(of_slice), Some(of_parent)) = (by_device.get(&slice), by_device.get(&parent)) else { continue };
        let whole = Ranges::from_unsorted(of_parent.iter().map(|held| (held.segment.start_ms, held.segment.end_ms)));
        let beside = |held: &&Held| whole.overlaps(&Ranges::one(held.segment.start_ms, held.segment.end_ms));
        if let Some(held) = of_slice.iter().find(beside) {
            let detail = format!("{slice} is held while {parent}, which it is cut from, is held too");
            return Err(held.reject(RejectCode::ParentBesideSlice, "gpu", detail));
        }
    }
    Ok(())
}
