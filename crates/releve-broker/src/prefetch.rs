//! How many messages may one queue have under way? As many as there is room for if each is as large as allowed; more, while they
//! turn out to be small: the broker counts messages, and what has to be bounded is bytes.

use std::time::Instant;

use crate::limits::PREFETCH_WIDEN_EVERY;

/// The two numbers that a queue goes between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefetch {
    /// Messages if each is as large as allowed.
    pub narrow: u16,
    /// Messages if they are small.
    pub wide: u16,
    /// Bytes of bodies that the queue may have under way.
    pub bytes_max: usize,
}

impl Prefetch {
    /// Never more than that.
    pub fn fixed(len: u16) -> Self {
        Self { narrow: len, wide: len, bytes_max: usize::MAX }
    }

    /// How many are right after a batch of so many messages with so many bytes. Too many if what is under way may weigh as they do; more
    /// only if that would take half of the room, and if there is so much to take that it helps.
    fn after(self, len_now: u16, batch_len: usize, batch_bytes: usize) -> u16 {
        let of_wide = batch_bytes.saturating_mul(usize::from(self.wide)) / batch_len.max(1);
        if of_wide > self.bytes_max {
            self.narrow
        } else if of_wide <= self.bytes_max / 2 && batch_len >= usize::from(len_now / 2) {
            self.wide.max(len_now)
        } else {
            len_now
        }
    }
}

/// How many a queue has now, and when that was changed.
#[derive(Debug)]
pub(crate) struct Width {
    prefetch: Prefetch,
    len: u16,
    narrowed: Option<Instant>,
}

impl Width {
    pub fn new(prefetch: Prefetch) -> Self {
        Self { prefetch, len: prefetch.narrow, narrowed: None }
    }

    pub fn len(&self) -> u16 {
        self.len
    }

    /// Whether the queue has to be consumed anew after such a batch. What was too wide stays narrow for a while: whatever grew is about.
    pub fn change(&mut self, batch_len: usize, batch_bytes: usize, now: Instant) -> bool {
        let len = self.prefetch.after(self.len, batch_len, batch_bytes);
        let rests = self.narrowed.is_some_and(|at| now.duration_since(at) < PREFETCH_WIDEN_EVERY);
        if len == self.len || (len > self.len && rests) {
            return false;
        }
        self.narrowed = (len < self.len).then_some(now);
        self.len = len;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1_024;
    /// 16 MiB in 256 messages of 64 KiB, or in up to 2,000.
    const PREFETCH: Prefetch = Prefetch { narrow: 256, wide: 2_000, bytes_max: 256 * 64 * KIB };

    #[test]
    fn it_widens_for_full_batches_of_small_bodies_alone() {
        let after = |len_now, batch_len: usize, each: usize| PREFETCH.after(len_now, batch_len, batch_len * each);
        assert_eq!(after(256, 128, 2 * KIB), 2_000);
        assert_eq!(after(256, 127, 2 * KIB), 256, "there is little to take");
        assert_eq!(after(256, 128, 4_194), 2_000, "half of the room");
        assert_eq!(after(256, 128, 4_195), 256);
        assert_eq!(after(2_000, 1, 8_388), 2_000, "all of the room");
        assert_eq!(after(2_000, 1, 8_389), 256);
        assert_eq!(after(2_000, 1, 2 * KIB), 2_000, "what is wide stays wide while little comes");
        assert_eq!(PREFETCH.after(256, 0, 0), 256);
    }

    #[test]
    fn what_is_fixed_stays() {
        let fixed = Prefetch::fixed(8);
        assert_eq!((fixed.after(8, 4, 4), fixed.after(8, 4, usize::MAX)), (8, 8));
    }

    #[test]
    fn what_was_too_wide_stays_narrow_for_a_while() {
        let (mut width, now) = (Width::new(PREFETCH), Instant::now());
        assert_eq!(width.len(), 256);
        assert!(width.change(128, 128 * KIB, now));
        assert_eq!(width.len(), 2_000);
        assert!(!width.change(128, 128 * KIB, now));
        assert!(width.change(128, 128 * 64 * KIB, now));
        assert_eq!(width.len(), 256);
        assert!(!width.change(128, 128 * KIB, now));
        assert!(width.change(128, 128 * KIB, now + PREFETCH_WIDEN_EVERY));
    }
}
