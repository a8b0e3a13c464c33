//! What does one look at the node change? The window it falls into grows, and a window that is over is closed.

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{DeviceId, Timestamp};
use releve_wire::Window;

use super::{
    DetailsBook, Energy, Observed, OpenWindow, PieceKey, Seen, Span, bytes_bound, cut, energy::reading, extend,
    window_at,
};
use crate::{
    clock::Moment,
    sight::{Contradiction, Sight},
};

/// Wall clock and monotonic clock may move apart by this much in a window before the window says so.
pub const CLOCK_STEP_MS_TOLERATED: i64 = 500;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeterSettings {
    pub window_ms: i64,
    /// A longer silence between two looks was not observed: it is a gap.
    pub look_gap_ms_max: u64,
    /// Where a window is closed early.
    pub message_bytes_split: usize,
}

/// The state between two looks. Pure: the same looks at the same moments give the same windows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meter {
    settings: MeterSettings,
    seen: Seen,
    open: Option<OpenWindow>,
    last: Option<LastLook>,
    details: DetailsBook,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct LastLook {
    moment: Moment,
    known_until: Timestamp,
    counters: BTreeMap<DeviceId, u64>,
}

/// What a look brought about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ticked {
    /// To be sealed, in this order.
    pub closed: Vec<OpenWindow>,
    /// Why a stretch is not covered: what the probe said of it can't be true.
    pub contradiction: Option<Contradiction>,
    /// The stretch since the last look, where it was too long to be believed.
    pub missed_ms: Option<u64>,
    /// The jump of the wall clock against the monotonic one since the last look, where it is one.
    pub stepped_ms: Option<i64>,
}

impl Meter {
    /// A meter that has reported `seen` and was in the middle of `open`.
    pub const fn new(settings: MeterSettings, seen: Seen, open: Option<OpenWindow>) -> Self {
        let details = DetailsBook { told: BTreeMap::new(), waiting: BTreeMap::new() };
        Self { settings, seen, open, last: None, details }
    }

    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    pub const fn open(&self) -> Option<&OpenWindow> {
        self.open.as_ref()
    }

    /// Takes in one look. What lies between it and the one before is now covered, unless the looks were too far
    /// apart, or tell a contradiction, or the time was reported before.
    pub fn tick(&mut self, now: Moment, sight: &Sight) -> Ticked {
        let mut ticked = Ticked::default();
        let until = sight.known_until.min(now.wall);
        self.details.see(&sight.holds);
        if let Some(last) = self.last.take() {
            self.since(&last, now, until, sight, &mut ticked);
        }
        self.turn_to(window_at(until, self.settings.window_ms), &mut ticked.closed);
        if let Some(open) = &mut self.open {
            open.list(&sight.devices);
        }
        let counters = sight.devices.iter().filter_map(|d| Some((d.gpu, reading(d)?))).collect();
        self.last = Some(LastLook { moment: now, known_until: until, counters });
        ticked
    }

    fn since(&mut self, last: &LastLook, now: Moment, until: Timestamp, sight: &Sight, ticked: &mut Ticked) {
        let elapsed_ms = now.mono_ms.saturating_sub(last.moment.mono_ms);
        let mono_ms = i64::try_from(elapsed_ms).unwrap_or(i64::MAX);
        let drift_ms = now.wall.since(last.moment.wall).saturating_sub(mono_ms);
        if let Some(open) = &mut self.open {
            open.drift_ms = open.drift_ms.saturating_add(drift_ms);
        }
        ticked.stepped_ms = Some(drift_ms).filter(|ms| ms.unsigned_abs() > CLOCK_STEP_MS_TOLERATED.unsigned_abs());
        if elapsed_ms > self.settings.look_gap_ms_max {
            ticked.missed_ms = Some(elapsed_ms);
            return;
        }
        // A clock that was set forward did not make time pass: only what the other clock counted was observed.
        let from = last.known_until;
        let to = if drift_ms > CLOCK_STEP_MS_TOLERATED { until.min(from.plus_millis(mono_ms)) } else { until };
        let energy = Energy::between(from, &last.counters, to, sight);
        for (window, start, end) in cut(from, to, self.settings.window_ms) {
            self.turn_to(window, &mut ticked.closed);
            self.cover(start, end, sight, &energy, ticked);
        }
    }

    fn cover(&mut self, start: Timestamp, end: Timestamp, sight: &Sight, energy: &Energy, ticked: &mut Ticked) {
        let Some(open) = &mut self.open else { return };
        let bytes_max = self.settings.message_bytes_split;
        let (parts, window_start) = (ticked.closed.len(), open.window.start.as_millis());
        for &(a, b) in self.seen.unseen(start, end).as_slice() {
            let stretch = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            if let Err(why) = extend(open, &mut ticked.closed, stretch, sight, energy, bytes_max) {
                ticked.contradiction = Some(why);
            }
        }
        for part in ticked.closed[parts..].iter().chain([&*open]) {
            self.seen.join(&part.covered.shift(window_start));
        }
    }

    /// Makes this window the open one; the one before is over.
    fn turn_to(&mut self, window: Window, closed: &mut Vec<OpenWindow>) {
        if self.open.as_ref().is_some_and(|open| open.window == window) {
            return;
        }
        if let Some(over) = self.open.replace(OpenWindow::new(window)) {
            self.let_go(over, closed);
        }
    }

    /// Takes no account of the time since the last look: nobody observed it.
    pub fn interrupt(&mut self) {
        self.last = None;
    }

    /// Who holds something now, as far as is known.
    pub fn held_now(&self) -> BTreeSet<PieceKey> {
        let Some(open) = &self.open else { return BTreeSet::new() };
        let end = open.covered.as_slice().last().map(|(_, end)| *end);
        let goes_on = |spans: &Vec<Span>| spans.last().is_some_and(|s| Some(s.end_ms) == end && s.end_reason.is_none());
        open.spans.iter().filter(|(_, spans)| goes_on(spans)).map(|(key, _)| key.clone()).collect()
    }

    /// Closes the open window before its end: the program stops for good, or a replay is over.
    pub fn finish(&mut self) -> Option<OpenWindow> {
        let mut closed = Vec::new();
        if let Some(over) = self.open.take() {
            self.let_go(over, &mut closed);
        }
        closed.pop()
    }

    /// A window without any covered time is reported too, unless there is a report of it already: then this one
    /// would say nothing new.
    fn let_go(&self, over: OpenWindow, closed: &mut Vec<OpenWindow>) {
        let Window { start, end } = over.window;
        let repeated = self.seen.unseen(start, end).total() < end.since(start);
        if !(over.covered.is_empty() && repeated) {
            closed.push(over);
        }
    }

    /// The report of a closed window, with as many names and labels as it has room for.
    pub fn report(&mut self, closed: OpenWindow) -> Observed {
        let bytes = bytes_bound(&closed);
        let mut observed = closed.close();
        self.details.fill(&mut observed, bytes, self.settings.message_bytes_split);
        observed
    }
}
