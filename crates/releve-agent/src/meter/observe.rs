//! Who held what in a stretch? A sight becomes pieces of held time that don't contradict each other.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{DeviceId, Ranges, TenantKey, Timestamp, sku::Share};
use releve_wire::EndReason;

use crate::sight::{Contradiction, Hold, SeenDevice, Sight};

/// What must be equal for two pieces that touch to be one segment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PieceKey {
    pub tenant_key: TenantKey,
    pub gpu: DeviceId,
    pub alloc: String,
    pub project: Option<String>,
    pub spot: bool,
    pub share: Share,
}

/// A stretch of one device held by one allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    pub key: PieceKey,
    pub start: Timestamp,
    pub end: Timestamp,
    pub end_reason: Option<EndReason>,
}

/// A hold, clipped to the stretch and to its device's presence.
struct Clipped<'a> {
    hold: &'a Hold,
    start: Timestamp,
    end: Timestamp,
    end_reason: Option<EndReason>,
}

/// The pieces of `[from, to)`, or why the sight can't be true there.
pub fn pieces(sight: &Sight, from: Timestamp, to: Timestamp) -> Result<Vec<Piece>, Contradiction> {
    sight.check()?;
    let devices: BTreeMap<DeviceId, &SeenDevice> = sight.devices.iter().map(|d| (d.gpu, d)).collect();
    let mut by_device: BTreeMap<DeviceId, Vec<Clipped>> = BTreeMap::new();
    for hold in &sight.holds {
        let Some(device) = devices.get(&hold.gpu) else {
            return Err(Contradiction::UnknownDevice { gpu: hold.gpu, alloc: hold.alloc.clone() });
        };
        if let Some(clipped) = clip(hold, device, from, to) {
            by_device.entry(hold.gpu).or_default().push(clipped);
        }
    }
    let mut all = Vec::new();
    for (gpu, clipped) in &mut by_device {
        clipped.sort_by_key(|c| (c.start, c.end));
        all.append(&mut of_device(*gpu, clipped)?);
    }
    no_parent_beside_its_slice(&devices, &all)?;
    Ok(all)
}

fn clip<'a>(hold: &'a Hold, device: &SeenDevice, from: Timestamp, to: Timestamp) -> Option<Clipped<'a>> {
    let start = [hold.from, device.from].into_iter().flatten().fold(from, Timestamp::max);
    let gone = device.until.filter(|until| hold.until.is_none_or(|end| *until < end));
    let (known_end, end_reason) = match (gone, hold.until) {
        (Some(gone), _) => (gone, Some(EndReason::DeviceLost)),
        (None, Some(until)) => (until, hold.end_reason),
        (None, None) => (to, None),
    };
    let end = known_end.min(to);
    let end_reason = end_reason.filter(|_| known_end <= to);
    (start < end).then_some(Clipped { hold, start, end, end_reason })
}

/// Of one device's holds, sorted by start. Nearly always they follow one another.
fn of_device(gpu: DeviceId, clipped: &[Clipped]) -> Result<Vec<Piece>, Contradiction> {
    if clipped.windows(2).all(|pair| pair[0].end <= pair[1].start) {
        return Ok(coalesce(clipped.iter().map(|c| piece(c, c.hold.share, c.start, c.end, c.end_reason))));
    }
    let edges: BTreeSet<Timestamp> = clipped.iter().flat_map(|c| [c.start, c.end]).collect();
    let edges: Vec<Timestamp> = edges.into_iter().collect();
    let mut found = Vec::new();
    for pair in edges.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let held: Vec<&Clipped> = clipped.iter().filter(|c| c.start <= start && end <= c.end).collect();
        let whole = held.iter().try_fold((0, 1), |sum, c| add_share(sum, c.hold.share));
        if whole.is_none_or(|(num, den)| num > den) {
            return Err(Contradiction::Oversold { gpu, at: start });
        }
        let mut groups: BTreeMap<(&TenantKey, &str), Vec<&Clipped>> = BTreeMap::new();
        for c in held {
            groups.entry((&c.hold.tenant_key, &c.hold.alloc)).or_default().push(c);
        }
        for group in groups.values() {
            let share = replicas(gpu, group, start)?;
            let reason = group.iter().filter(|c| c.end == end).find_map(|c| c.end_reason);
            found.push(piece(group[0], share, start, end, reason));
        }
    }
    found.sort_by(|a, b| (&a.key, a.start).cmp(&(&b.key, b.start)));
    Ok(coalesce(found.into_iter()))
}

fn piece(c: &Clipped, share: Share, start: Timestamp, end: Timestamp, end_reason: Option<EndReason>) -> Piece {
    let Hold { tenant_key, gpu, alloc, project, spot, .. } = c.hold;
    let (tenant_key, alloc, project) = (tenant_key.clone(), alloc.clone(), project.clone());
    let key = PieceKey { tenant_key, gpu: *gpu, alloc, project, spot: *spot, share };
    Piece { key, start, end, end_reason }
}

/// Several replicas of one allocation on one device are one piece with a larger share.
fn replicas(gpu: DeviceId, group: &[&Clipped], at: Timestamp) -> Result<Share, Contradiction> {
    let first = group[0].hold;
    let mut num = 0u32;
    for Clipped { hold, .. } in group {
        let field = if hold.share.den != first.share.den {
            Some("share")
        } else if hold.project != first.project {
            Some("project")
        } else if hold.spot != first.spot {
            Some("spot")
        } else {
            None
        };
        if let Some(field) = field {
            return Err(Contradiction::UnlikeReplicas { gpu, alloc: hold.alloc.clone(), field, at });
        }
        num = num.checked_add(hold.share.num).ok_or(Contradiction::Oversold { gpu, at })?;
    }
    Ok(Share { num, den: first.share.den })
}

/// A sum of fractions, in lowest terms; none where it can't be held.
fn add_share((num, den): (u128, u128), share: Share) -> Option<(u128, u128)> {
    let (n, d) = (u128::from(share.num), u128::from(share.den));
    let (num, den) = (num.checked_mul(d)?.checked_add(n.checked_mul(den)?)?, den.checked_mul(d)?);
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Some((num / a, den / a))
}

/// Joins pieces that touch and are alike. Where an allocation goes on, nothing has ended.
fn coalesce(sorted: impl Iterator<Item = Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for next in sorted {
        match joined.last_mut() {
            Some(last) if last.key == next.key && last.end == next.start => {
                (last.end, last.end_reason) = (next.end, next.end_reason);
            }
            _ => joined.push(next),
        }
    }
    joined
}

fn no_parent_beside_its_slice(devices: &BTreeMap<DeviceId, &SeenDevice>, all: &[Piece]) -> Result<(), Contradiction> {
    let mut slices: BTreeMap<DeviceId, Vec<(i64, i64)>> = BTreeMap::new();
    for piece in all {
        if let Some(parent) = devices.get(&piece.key.gpu).and_then(|d| d.parent) {
            slices.entry(parent).or_default().push((piece.start.as_millis(), piece.end.as_millis()));
        }
    }
    for (gpu, held) in slices {
        let whole = all.iter().filter(|p| p.key.gpu == gpu).map(|p| (p.start.as_millis(), p.end.as_millis()));
        let both = Ranges::from_unsorted(held).intersect(&Ranges::from_unsorted(whole));
        if let Some((at, _)) = both.as_slice().first() {
            return Err(Contradiction::ParentBesideSlice { gpu, at: Timestamp::from_millis(*at) });
        }
    }
    Ok(())
}
