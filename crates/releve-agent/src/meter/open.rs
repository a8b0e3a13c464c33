//! What does a window hold so far? Stretches are added until it is closed, at its end or before it grows too big.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{DeviceId, Ranges, TenantKey, Timestamp, sku::Share};
use releve_wire::{Basis, Device, DeviceState, EndReason, Section, Segment, Window, limits};

use super::{Energy, PieceKey, bytes_bound, pieces};
use crate::sight::{Contradiction, SeenDevice, Sight};

/// A window that is being observed. Milliseconds count from its start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenWindow {
    pub window: Window,
    pub covered: Ranges,
    /// By how much the wall clock ran ahead of the monotonic one in this window.
    pub drift_ms: i64,
    pub devices: BTreeMap<DeviceId, Device>,
    /// Devices of which some stretch's energy is not known, so that the window's is not.
    pub energy_unknown: BTreeSet<DeviceId>,
    pub spans: BTreeMap<PieceKey, Vec<Span>>,
}

/// A stretch of held time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    pub start_ms: i64,
    pub end_ms: i64,
    pub energy_mj: Option<u64>,
    pub end_reason: Option<EndReason>,
}

/// A closed window, or the part of one: what goes into a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observed {
    pub window: Window,
    pub covered: Ranges,
    pub drift_ms: i64,
    pub devices: Vec<Device>,
    pub sections: Vec<Section>,
}

/// What a window holds, from sights with exact edges: one report, or several where one would grow too big.
/// `covered` are milliseconds of the window.
pub fn observe(
    window: Window,
    covered: &Ranges,
    sight: &Sight,
    energy: &Energy,
    message_bytes_split: usize,
) -> Result<Vec<Observed>, Contradiction> {
    let (mut open, mut closed) = (OpenWindow::new(window), Vec::new());
    for &(start, end) in covered.as_slice() {
        let (from, to) = (window.start.plus_millis(start), window.start.plus_millis(end));
        extend(&mut open, &mut closed, (from, to), sight, energy, message_bytes_split)?;
    }
    open.list(&sight.devices);
    closed.push(open);
    Ok(closed.into_iter().map(OpenWindow::close).collect())
}

/// Adds a covered stretch to the open window. Where it would grow too big, what there is goes to `closed` and the
/// window goes on in a new part; a stretch that is too big by itself is cut in halves.
pub fn extend(
    open: &mut OpenWindow,
    closed: &mut Vec<OpenWindow>,
    (from, to): (Timestamp, Timestamp),
    sight: &Sight,
    energy: &Energy,
    message_bytes_split: usize,
) -> Result<(), Contradiction> {
    let mut grown = open.clone();
    grown.add((from, to), sight, energy)?;
    if bytes_bound(&grown) <= message_bytes_split && grown.covered.as_slice().len() <= limits::COVERED_LEN_MAX {
        *open = grown;
        return Ok(());
    }
    if !open.covered.is_empty() {
        closed.push(std::mem::replace(open, OpenWindow::new(open.window)));
        return extend(open, closed, (from, to), sight, energy, message_bytes_split);
    }
    let half = to.since(from) / 2;
    if half == 0 {
        return Err(Contradiction::TooMuchAtOnce { at: from, bytes_max: message_bytes_split });
    }
    let middle = from.plus_millis(half);
    extend(open, closed, (from, middle), sight, energy, message_bytes_split)?;
    extend(open, closed, (middle, to), sight, energy, message_bytes_split)
}

impl OpenWindow {
    pub const fn new(window: Window) -> Self {
        Self {
            window,
            covered: Ranges::empty(),
            drift_ms: 0,
            devices: BTreeMap::new(),
            energy_unknown: BTreeSet::new(),
            spans: BTreeMap::new(),
        }
    }

    /// Adds what `[from, to)` of this window held, or nothing at all.
    pub fn add(
        &mut self,
        (from, to): (Timestamp, Timestamp),
        sight: &Sight,
        energy: &Energy,
    ) -> Result<(), Contradiction> {
        let found = pieces(sight, from, to)?;
        self.list(&sight.devices);
        for device in &sight.devices {
            let (start, end) = (device.from.map_or(from, |f| f.max(from)), device.until.map_or(to, |u| u.min(to)));
            if start < end {
                self.add_energy(device.gpu, energy.part(device.gpu, start, end));
            }
        }
        let window_start = self.window.start;
        let ms = |instant: Timestamp| instant.since(window_start);
        for piece in found {
            // Nothing measures the energy of a slice or of one among several: an apportioned figure is not a reading.
            let measured = piece.key.share == Share::WHOLE && !piece.key.gpu.is_slice();
            let energy_mj = energy.part(piece.key.gpu, piece.start, piece.end).filter(|_| measured);
            let (start_ms, end_ms) = (ms(piece.start), ms(piece.end));
            let span = Span { start_ms, end_ms, energy_mj, end_reason: piece.end_reason };
            let spans = self.spans.entry(piece.key).or_default();
            match spans.last_mut() {
                Some(last) if last.end_ms == span.start_ms => {
                    let energy_mj = last.energy_mj.zip(span.energy_mj).map(|(a, b)| a + b);
                    *last = Span { start_ms: last.start_ms, energy_mj, ..span };
                }
                _ => spans.push(span),
            }
        }
        self.name_ends(sight);
        self.covered = self.covered.union(&Ranges::one(ms(from), ms(to)));
        Ok(())
    }

    /// The devices that the report names: all that were seen in the window.
    pub(crate) fn list(&mut self, seen: &[SeenDevice]) {
        for SeenDevice { gpu, parent, model, profile, state, until, .. } in seen {
            let (model, profile) = (model.clone(), profile.clone());
            let lost = until.is_some() || *state == DeviceState::Lost;
            let state = if lost { DeviceState::Lost } else { *state };
            let energy_mj = self.devices.get(gpu).and_then(|d| d.energy_mj);
            self.devices.insert(*gpu, Device { gpu: *gpu, parent: *parent, model, profile, state, energy_mj });
        }
    }

    fn add_energy(&mut self, gpu: DeviceId, used: Option<u64>) {
        let Some(device) = self.devices.get_mut(&gpu) else { return };
        match used {
            Some(mj) if !self.energy_unknown.contains(&gpu) => {
                device.energy_mj = Some(device.energy_mj.unwrap_or(0) + mj);
            }
            _ => {
                device.energy_mj = None;
                self.energy_unknown.insert(gpu);
            }
        }
    }

    /// An end that lies on the edge of an earlier stretch is known only now.
    fn name_ends(&mut self, sight: &Sight) {
        let start = self.window.start;
        for (key, spans) in &mut self.spans {
            let Some(last) = spans.last_mut().filter(|last| last.end_reason.is_none()) else { continue };
            let end = start.plus_millis(last.end_ms);
            let lost = sight.devices.iter().any(|d| d.gpu == key.gpu && d.until == Some(end));
            let ended = sight.holds.iter().find(|h| {
                h.gpu == key.gpu && h.alloc == key.alloc && h.tenant_key == key.tenant_key && h.until == Some(end)
            });
            last.end_reason = match ended {
                Some(hold) => hold.end_reason,
                None => lost.then_some(EndReason::DeviceLost),
            };
        }
    }

    /// Everything that was held when the node was last heard of ended with it.
    pub fn end_all(&mut self, reason: EndReason) {
        let Some(&(_, end)) = self.covered.as_slice().last() else { return };
        for span in self.spans.values_mut().flatten() {
            if span.end_ms == end && span.end_reason.is_none() {
                span.end_reason = Some(reason);
            }
        }
    }

    pub fn close(self) -> Observed {
        let mut sections: BTreeMap<TenantKey, Vec<Segment>> = BTreeMap::new();
        for (key, spans) in self.spans {
            let PieceKey { tenant_key, gpu, alloc, project, spot, share } = key;
            let segment = |span: Span| {
                let Span { start_ms, end_ms, energy_mj, end_reason } = span;
                let (alloc, project, basis) = (alloc.clone(), project.clone(), Basis::Observed);
                Segment { gpu, alloc, project, spot, share, start_ms, end_ms, basis, energy_mj, end_reason }
            };
            sections.entry(tenant_key).or_default().extend(spans.into_iter().map(segment));
        }
        let section = |(tenant_key, mut segments): (TenantKey, Vec<Segment>)| {
            segments.sort_by(|a, b| (a.gpu, &a.alloc, a.start_ms).cmp(&(b.gpu, &b.alloc, b.start_ms)));
            only_true_ends(&mut segments);
            Section { tenant_key, segments, allocs: Vec::new() }
        };
        Observed {
            window: self.window,
            covered: self.covered,
            drift_ms: self.drift_ms,
            devices: self.devices.into_values().collect(),
            sections: sections.into_iter().map(section).collect(),
        }
    }
}

/// Where an allocation goes on, with another share say, it has not ended.
fn only_true_ends(sorted: &mut [Segment]) {
    for at in 1..sorted.len() {
        let (before, next) = sorted.split_at_mut(at);
        if let (Some(last), Some(next)) = (before.last_mut(), next.first())
            && (last.gpu, &last.alloc, last.end_ms) == (next.gpu, &next.alloc, next.start_ms)
        {
            last.end_reason = None;
        }
    }
}
