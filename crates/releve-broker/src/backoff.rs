//! How long until the next attempt? Doubling, capped, and jittered so that a thousand agents don't come back as one.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.min;
    }

    /// A refusal will not turn into a yes soon: wait the longest.
    pub(crate) fn exhaust(&mut self) {
        self.next = self.max;
    }

    /// Between half of the current step and all of it.
    pub(crate) fn step(&mut self) -> Duration {
        let step = self.next.min(self.max);
        self.next = step.saturating_mul(2).min(self.max);
        let half = step / 2;
        half + half * jitter_per_mille() / 1_000
    }
}

/// 0 to 999, from the seed that the standard library draws for each hasher: good enough to spread.
fn jitter_per_mille() -> u32 {
    let drawn = RandomState::new().hash_one(0_u8) % 1_000;
    u32::try_from(drawn).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_double_up_to_the_cap_and_start_again() {
        let (min, max) = (Duration::from_millis(100), Duration::from_millis(350));
        let mut backoff = Backoff::new(min, max);
        for full in [100, 200, 350, 350] {
            let (step, full) = (backoff.step(), Duration::from_millis(full));
            assert!(step >= full / 2 && step <= full, "{step:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.step() <= min);
        backoff.exhaust();
        assert!(backoff.step() >= max / 2);
    }
}
