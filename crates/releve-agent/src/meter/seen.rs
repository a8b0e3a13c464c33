//! Which time was reported already? A node's time is reported once, also when its clock is set back.

use releve_types::{Ranges, Timestamp};

/// More stretches than this are not kept apart: the oldest hole is taken for seen. Under-reporting is the safe side.
const STRETCHES_LEN_MAX: usize = 256;

/// The covered time of all reports so far, as milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen(Ranges);

impl Seen {
    pub fn new(ranges: Ranges) -> Self {
        let mut seen = Self::default();
        seen.join(&ranges);
        seen
    }

    /// Of a stretch, what was not reported yet.
    pub fn unseen(&self, from: Timestamp, to: Timestamp) -> Ranges {
        Ranges::one(from.as_millis(), to.as_millis()).minus(&self.0)
    }

    pub fn add(&mut self, from: Timestamp, to: Timestamp) {
        self.join(&Ranges::one(from.as_millis(), to.as_millis()));
    }

    pub fn join(&mut self, ranges: &Ranges) {
        self.0 = self.0.union(ranges);
        while let [first, second, ..] = self.0.as_slice()
            && self.0.as_slice().len() > STRETCHES_LEN_MAX
        {
            self.0 = self.0.union(&Ranges::one(first.1, second.0));
        }
    }

    pub const fn ranges(&self) -> &Ranges {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_seen_once_and_the_list_stays_short() {
        let at = Timestamp::from_millis;
        let mut seen = Seen::default();
        seen.add(at(0), at(10));
        seen.add(at(100), at(110));
        assert_eq!(seen.unseen(at(5), at(105)), Ranges::one(10, 100));
        for n in 0..1000 {
            seen.add(at(1000 + n * 10), at(1005 + n * 10));
        }
        assert_eq!(seen.ranges().as_slice().len(), STRETCHES_LEN_MAX);
        assert!(seen.unseen(at(1005), at(1010)).is_empty(), "an old hole is taken for seen");
        assert!(!seen.unseen(at(10_985), at(10_990)).is_empty(), "a young one is not");
    }
}
