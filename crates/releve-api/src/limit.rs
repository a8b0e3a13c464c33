//! How often may one key call? A bucket of tokens per API key and kind of door, per process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use releve_types::ids::ApiKeyId;

use crate::error::{Code, Problem};

/// Requests per second that one key may go on with, on everything but intake.
pub const API_REQUESTS_PER_SECOND: u64 = 50;
/// Requests that one key may send at once, on everything but intake.
pub const API_REQUESTS_BURST: u64 = 200;
/// Requests per second that one key may go on with on intake: a fleet of 9,000 nodes may share a key.
pub const INTAKE_REQUESTS_PER_SECOND: u64 = 2_000;
/// Requests that one key may send at once on intake: every node of a fleet in the same second.
pub const INTAKE_REQUESTS_BURST: u64 = 10_000;
/// Refused credentials per second, of all callers together, before they are told to slow down.
pub const REFUSED_PER_SECOND: u64 = 20;
pub const REFUSED_BURST: u64 = 100;
/// Steps of logins with an identity provider per second, of all browsers together.
pub const LOGINS_PER_SECOND: u64 = 20;
pub const LOGINS_BURST: u64 = 500;
/// Buckets kept; above it, those that are full again are forgotten, which changes nothing for their keys.
pub const BUCKETS_LEN_MAX: usize = 10_000;

/// Which bucket a request takes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Door {
    Api,
    Intake,
    Refused,
    Login,
}

impl Door {
    const fn rate_and_burst(self) -> (u64, u64) {
        match self {
            Self::Api => (API_REQUESTS_PER_SECOND, API_REQUESTS_BURST),
            Self::Intake => (INTAKE_REQUESTS_PER_SECOND, INTAKE_REQUESTS_BURST),
            Self::Refused => (REFUSED_PER_SECOND, REFUSED_BURST),
            Self::Login => (LOGINS_PER_SECOND, LOGINS_BURST),
        }
    }
}

/// Tokens in thousandths, so that a refill of a millisecond is not lost to rounding.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    millitokens: u64,
    at_ms: u64,
}

#[derive(Debug)]
pub struct Limits {
    started: Instant,
    buckets: Mutex<HashMap<(Door, Option<ApiKeyId>), Bucket>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { started: Instant::now(), buckets: Mutex::default() }
    }
}

impl Limits {
    /// Takes a token, or says how long to wait for one.
    pub fn take(&self, door: Door, key: Option<ApiKeyId>) -> Result<(), Problem> {
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.take_at(door, key, at_ms)
    }

    fn take_at(&self, door: Door, key: Option<ApiKeyId>, at_ms: u64) -> Result<(), Problem> {
        let (rate, burst) = door.rate_and_burst();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_LEN_MAX {
            buckets.retain(|(door, _), bucket| {
                let (rate, burst) = door.rate_and_burst();
                refilled(*bucket, rate, burst, at_ms).millitokens < burst * 1_000
            });
        }
        let bucket = buckets.entry((door, key)).or_insert(Bucket { millitokens: burst * 1_000, at_ms });
        *bucket = refilled(*bucket, rate, burst, at_ms);
        if bucket.millitokens >= 1_000 {
            bucket.millitokens -= 1_000;
            return Ok(());
        }
        let wait_s = (1_000 - bucket.millitokens).div_ceil(rate).div_ceil(1_000).max(1);
        let detail = format!("at most {rate} requests per second, {burst} at once: wait {wait_s} s");
        Err(Problem { retry_after_s: Some(wait_s), ..Problem::new(Code::RateLimited, detail) })
    }
}

/// A token per second is a thousandth of one per millisecond, so `rate` millitokens come each millisecond.
fn refilled(bucket: Bucket, rate: u64, burst: u64, at_ms: u64) -> Bucket {
    let grown = at_ms.saturating_sub(bucket.at_ms).saturating_mul(rate);
    Bucket { millitokens: bucket.millitokens.saturating_add(grown).min(burst * 1_000), at_ms: at_ms.max(bucket.at_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use releve_types::Timestamp;

    #[test]
    fn a_burst_then_the_rate() {
        let (limits, key) = (Limits::default(), Some(ApiKeyId::fresh(Timestamp::from_millis(1))));
        let passed = (0..300).filter(|_| limits.take_at(Door::Api, key, 0).is_ok()).count();
        assert_eq!(passed, 200);
        let refused = limits.take_at(Door::Api, key, 0).expect_err("an empty bucket");
        assert_eq!((refused.code, refused.retry_after_s), (Code::RateLimited, Some(1)));
        let passed = (0..300).filter(|_| limits.take_at(Door::Api, key, 1_000).is_ok()).count();
        assert_eq!(passed, 50, "a second brings the rate");
        assert!(limits.take_at(Door::Intake, key, 1_000).is_ok(), "doors don't share");
        assert!(limits.take_at(Door::Api, None, 1_000).is_ok(), "keys don't share");
    }

    #[test]
    fn small_steps_lose_nothing() {
        let (limits, key) = (Limits::default(), None);
        for _ in 0..200 {
            limits.take_at(Door::Api, key, 0).expect("the burst");
        }
        let passed = (1..=1_000).filter(|ms| limits.take_at(Door::Api, key, *ms).is_ok()).count();
        assert_eq!(passed, 50);
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let limits = Limits::default();
        for n in 0..2 * BUCKETS_LEN_MAX {
            let at = u64::try_from(n).unwrap() * 1_000;
            limits.take_at(Door::Api, Some(ApiKeyId::fresh(Timestamp::from_millis(1))), at).expect("a fresh key");
        }
        assert!(limits.buckets.lock().unwrap().len() <= BUCKETS_LEN_MAX);
    }
}
