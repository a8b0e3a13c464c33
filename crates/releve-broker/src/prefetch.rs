//! How many messages may one queue have under way? As many as there is room for if each is as large as allowed; more, while they
//! turn out to be small: the broker counts messages, and what has to be bounded is bytes.

use tokio::time::Instant;

use crate::limits::PREFETCH_NARROW_MIN;

/// What bounds a queue's messages under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefetch {
    /// Messages if each is as large as allowed.
    pub narrow: u16,
    /// Messages at most, however small they are.
    pub wide: u16,
    /// Bytes of bodies that the queue may have under way.
    pub bytes_max: usize,
}

impl Prefetch {
    /// Always so many.
    pub fn fixed(len: u16) -> Self {
        Self { narrow: len, wide: len, bytes_max: usize::MAX }
    }

    /// How many are right after a batch of so many messages with so many bytes, if what comes weighs the same. They change when they
    /// would not fit, or when twice as many would leave half of the room free; and not by a batch that says little.
    fn after(self, len_now: u16, batch_len: usize, batch_bytes: usize) -> u16 {
        let says_much = batch_len >= usize::from(self.narrow / 2) || batch_bytes >= self.bytes_max / 16;
        let mean = batch_bytes.checked_div(batch_len).unwrap_or(0).max(1);
        let fit = |room: usize| u16::try_from(room / mean).unwrap_or(u16::MAX).clamp(self.narrow, self.wide);
        let (wanted, most) = (fit(self.bytes_max / 2), fit(self.bytes_max));
        let has_more = batch_len >= usize::from(len_now / 2) && wanted >= len_now.saturating_mul(2);
        if says_much && (most < len_now || has_more) { wanted } else { len_now }
    }
}

/// How many a queue has now, and when they were too many.
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
        let rests = self.narrowed.is_some_and(|at| now.duration_since(at) < PREFETCH_NARROW_MIN);
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

    fn after(len_now: u16, batch_len: usize, each: usize) -> u16 {
        PREFETCH.after(len_now, batch_len, batch_len * each)
    }

    #[test]
    fn full_batches_of_small_bodies_make_it_wider() {
        assert_eq!(after(256, 128, 2 * KIB), 2_000);
        assert_eq!(after(256, 127, 2 * KIB), 256, "there is little to take");
        assert_eq!(after(256, 128, 8 * KIB), 1_024, "half of the room");
        assert_eq!(after(256, 128, 16 * KIB), 512);
        assert_eq!(after(256, 128, 16 * KIB + 64), 256, "not twice as many");
        assert_eq!(after(512, 256, 2 * KIB), 2_000);
        assert_eq!(after(1_024, 1_000, 2 * KIB), 1_024, "not twice as many");
        assert_eq!(after(256, 0, 0), 256);
        assert_eq!(after(256, 128, 0), 2_000);
    }

    #[test]
    fn large_bodies_make_it_narrower() {
        assert_eq!(after(2_000, 128, 8_388), 2_000, "all of the room");
        assert_eq!(after(2_000, 128, 8_390), 999, "and half of it, once they are more");
        assert_eq!(after(2_000, 16, 64 * KIB), 256);
        assert_eq!(after(2_000, 15, 64 * KIB), 2_000, "too few to go by");
        assert_eq!(after(2_000, 1, 2 * KIB), 2_000, "what is wide stays wide while little comes");
        assert_eq!(after(256, 16, 64 * KIB), 256, "as many as fit in any case");
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
        assert!(!width.change(1_000, 1_000 * KIB, now));
        assert!(width.change(128, 128 * 64 * KIB, now));
        assert_eq!(width.len(), 256);
        assert!(!width.change(128, 128 * KIB, now));
        assert!(width.change(128, 128 * KIB, now + PREFETCH_NARROW_MIN));
    }
}
