//! When is a message tried again, and when has an endpoint failed for too long?

use releve_types::{
    Timestamp,
    ids::{EventId, WebhookEndpointId},
    time::{MILLIS_PER_DAY, MILLIS_PER_HOUR, MILLIS_PER_MINUTE},
};
use sha2::{Digest as _, Sha256};

const SECOND: i64 = 1_000;
/// How long after a try the next one is made, in ms: the steps that Standard Webhooks recommends, a little over three days
/// in all.
pub const STEPS_MS: [i64; 9] = [
    5 * SECOND,
    5 * MILLIS_PER_MINUTE,
    30 * MILLIS_PER_MINUTE,
    2 * MILLIS_PER_HOUR,
    5 * MILLIS_PER_HOUR,
    10 * MILLIS_PER_HOUR,
    14 * MILLIS_PER_HOUR,
    20 * MILLIS_PER_HOUR,
    24 * MILLIS_PER_HOUR,
];
/// Each step is longer by up to this part of it, so that what failed together does not come back together.
pub const JITTER_PERCENT: i64 = 20;
/// The longest that a receiver may ask us to wait, in ms.
pub const WAIT_ASKED_MS_MAX: i64 = MILLIS_PER_DAY;
/// How long an endpoint may fail, without one success, before it is told nothing more, in ms.
pub const FAILING_MS_MAX: i64 = 5 * MILLIS_PER_DAY;

/// When the try after the `tries`-th is made; none: it was the last.
pub fn next(of: (WebhookEndpointId, EventId), tries: u32, asked_ms: Option<i64>, now: Timestamp) -> Option<Timestamp> {
    let step = *STEPS_MS.get(usize::try_from(tries.checked_sub(1)?).ok()?)?;
    let wait = step + jitter(of, tries, step);
    Some(now.plus_millis(wait.max(asked_ms.unwrap_or(0).min(WAIT_ASKED_MS_MAX))))
}

/// The same for the same try, so that a test can say when it is.
fn jitter((endpoint, event): (WebhookEndpointId, EventId), tries: u32, step: i64) -> i64 {
    let mut digest = Sha256::new();
    digest.update(endpoint.uuid().as_bytes());
    digest.update(event.uuid().as_bytes());
    digest.update(tries.to_be_bytes());
    let [a, b, ..]: [u8; 32] = digest.finalize().into();
    step * JITTER_PERCENT / 100 * i64::from(u16::from_be_bytes([a, b])) / i64::from(u16::MAX)
}

/// Whether an endpoint that fails now has failed for too long.
pub fn has_failed_for_too_long(failing_since: Option<Timestamp>, now: Timestamp) -> bool {
    failing_since.is_some_and(|since| now.as_millis() - since.as_millis() >= FAILING_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_spread_over_days_and_end() {
        let now = Timestamp::from_millis(1_000_000);
        for n in 0..200 {
            let at = Timestamp::from_millis(n);
            let of = (WebhookEndpointId::fresh(at), EventId::fresh(at));
            for (tries, step) in (1..).zip(STEPS_MS) {
                let wait = next(of, tries, None, now).expect("another").as_millis() - now.as_millis();
                assert!((step..=step + step / 5).contains(&wait), "{wait} for {step}");
                assert_eq!(next(of, tries, None, now), next(of, tries, None, now), "the same for the same try");
            }
            assert_eq!(next(of, 10, None, now), None);
        }
        let seconds: i64 = STEPS_MS.iter().sum::<i64>() / 1_000;
        assert_eq!(seconds, 75 * 3_600 + 35 * 60 + 5);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_within_reason() {
        let (now, at) = (Timestamp::from_millis(0), Timestamp::from_millis(1));
        let of = (WebhookEndpointId::fresh(at), EventId::fresh(at));
        assert_eq!(next(of, 1, Some(60_000), now), Some(now.plus_millis(60_000)));
        assert_eq!(next(of, 1, Some(i64::MAX), now), Some(now.plus_millis(MILLIS_PER_DAY)));
        assert!(next(of, 2, Some(1), now).expect("another").as_millis() >= 300_000, "never sooner than it would be");
    }

    #[test]
    fn five_days_of_failure_are_too_long() {
        let (since, day) = (Timestamp::from_millis(7), MILLIS_PER_DAY);
        assert!(!has_failed_for_too_long(None, since));
        assert!(!has_failed_for_too_long(Some(since), since.plus_millis(5 * day - 1)));
        assert!(has_failed_for_too_long(Some(since), since.plus_millis(5 * day)));
    }
}
