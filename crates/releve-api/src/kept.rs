//! What takes long to count, and was counted a moment ago? An answer that would keep its reader waiting is given as it was then, and
//! says when that was; meanwhile it is counted again. What is counted quickly is counted for everybody who asks.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use releve_types::Timestamp;

use crate::error::Problem;

/// What takes less is counted for every request, unless it is large.
pub const QUICK_MAX: Duration = Duration::from_millis(20);
/// What was counted longer ago is not shown any more, unless counting it again takes that long: its reader waits.
pub const AGE_MAX: Duration = Duration::from_secs(60);
/// The same of what is large and yet counted quickly.
pub const LARGE_AGE_MAX: Duration = Duration::from_secs(1);
/// How many times as long as counting took it then rests: counting takes at most one part in so many and one of the time.
pub const REST_FACTOR: u32 = 5;
/// Answers kept in one process; beyond them, those counted longest ago go. A month of a million usage hours takes some 40 MiB.
pub const KEPT_LEN_MAX: usize = 64;

/// An answer that may be kept.
pub(crate) trait Keep: Send + Sync + 'static {
    /// Whether it is kept though it was counted quickly: because the last one was, as what it was counted from.
    fn helps_the_next(&self) -> bool {
        false
    }

    /// Whether it has so many parts that it is kept for a moment, however quickly they were counted.
    fn is_large(&self) -> bool {
        false
    }
}

/// Counted answers by what was asked.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    places: Mutex<HashMap<K, Arc<Place<V>>>>,
    quick_max: Duration,
}

impl<K, V> Kept<K, V> {
    /// What takes less than `quick_max` is counted for every request, unless it is large.
    pub fn new(quick_max: Duration) -> Self {
        Self { places: Mutex::default(), quick_max }
    }
}

/// One question: its last answer, and whoever is counting.
#[derive(Debug)]
struct Place<V> {
    made: Mutex<Option<Made<V>>>,
    counting: Arc<tokio::sync::Mutex<()>>,
    /// It was counted quickly the last time.
    quick: AtomicBool,
}

impl<V> Default for Place<V> {
    fn default() -> Self {
        Self { made: Mutex::default(), counting: Arc::default(), quick: AtomicBool::new(false) }
    }
}

/// An answer, and until when what was used is in it.
#[derive(Debug)]
pub(crate) struct Made<V> {
    pub value: Arc<V>,
    pub as_of: Timestamp,
    begun: Instant,
    took: Duration,
    was_quick: bool,
    is_large: bool,
}

impl<V> Clone for Made<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), ..*self }
    }
}

impl<V> Made<V> {
    /// Whether it may be shown to somebody who asked then, at `now` of a clock that may have been set back.
    fn serves(&self, asked: Instant, now: Timestamp) -> bool {
        if self.as_of > now {
            return false;
        }
        let age_max = match self.was_quick {
            true => LARGE_AGE_MAX,
            false => AGE_MAX.max(self.took * (REST_FACTOR + 3)),
        };
        self.begun >= asked || (self.begun.elapsed() <= age_max && !self.is_for_one())
    }

    /// Whether whoever asks next has it counted again.
    fn is_for_one(&self) -> bool {
        self.was_quick && !self.is_large
    }

    fn has_rested(&self) -> bool {
        self.begun.elapsed() >= self.took * (REST_FACTOR + 1)
    }
}

impl<K: Eq + Hash, V: Keep> Kept<K, V> {
    /// The answer to a question asked at `now`: counted for it, or lately where that takes long and what was kept still `holds`. Whoever
    /// asks meanwhile waits for the one who counts; a reader who leaves stops nobody's counting.
    pub async fn get<F>(
        &self,
        question: K,
        now: Timestamp,
        holds: impl Fn(&V) -> bool + Send,
        count: F,
    ) -> Result<Made<V>, Problem>
    where
        F: Future<Output = Result<V, Problem>> + Send + 'static,
    {
        let (asked, quick_max) = (Instant::now(), self.quick_max);
        let place = self.place(question);
        let kept = |place: &Place<V>| place.made().filter(|made| made.serves(asked, now) && holds(&made.value));
        if let Some(made) = kept(&place) {
            if made.has_rested()
                && let Ok(turn) = place.counting.clone().try_lock_owned()
            {
                tokio::spawn(async move {
                    let _turn = turn;
                    if let Err(problem) = place.count(now, quick_max, count).await {
                        tracing::warn!(?problem, "an answer that is kept could not be counted again");
                    }
                });
            }
            return Ok(made);
        }
        if place.quick.load(Ordering::Relaxed) {
            return place.count(now, quick_max, count).await;
        }
        let turn = place.counting.clone().lock_owned().await;
        if let Some(made) = kept(&place) {
            return Ok(made);
        }
        let counting = tokio::spawn(async move {
            let _turn = turn;
            place.count(now, quick_max, count).await
        });
        counting.await.map_err(|error| Problem::internal(&error))?
    }

    /// The answer to a question, counted for whoever asks now.
    pub async fn exact(
        &self,
        question: K,
        now: Timestamp,
        count: impl Future<Output = Result<V, Problem>>,
    ) -> Result<Made<V>, Problem> {
        self.place(question).count(now, self.quick_max, count).await
    }

    /// What was counted last, for whoever counts again.
    pub fn last(&self, question: &K) -> Option<Arc<V>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Some(places.get(question)?.made()?.value)
    }

    fn place(&self, question: K) -> Arc<Place<V>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT_LEN_MAX && !places.contains_key(&question) {
            // Who counts just now holds its place.
            let is_counted = |place: &Arc<Place<V>>| Arc::strong_count(place) > 1;
            places.retain(|_, place| place.made().is_some() || is_counted(place));
            let mut begun: Vec<Instant> = places.values().filter_map(|place| Some(place.made()?.begun)).collect();
            begun.sort_unstable();
            if places.len() >= KEPT_LEN_MAX
                && let Some(oldest) = begun.len().checked_sub(KEPT_LEN_MAX / 2).and_then(|n| begun.get(n))
            {
                places.retain(|_, p| is_counted(p) || p.made().is_some_and(|made| made.begun >= *oldest));
            }
        }
        places.entry(question).or_default().clone()
    }
}

impl<V: Keep> Place<V> {
    fn made(&self) -> Option<Made<V>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn count(
        &self,
        now: Timestamp,
        quick_max: Duration,
        count: impl Future<Output = Result<V, Problem>>,
    ) -> Result<Made<V>, Problem> {
        let begun = Instant::now();
        let value = Arc::new(count.await?);
        let (took, is_large) = (begun.elapsed(), value.is_large());
        let made = Made { as_of: now, begun, took, was_quick: took < quick_max, is_large, value };
        let keep = !made.is_for_one() || made.value.helps_the_next();
        let mut last = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // What was begun later and is there already knows more.
        if last.as_ref().is_none_or(|last| last.begun <= begun) {
            self.quick.store(made.is_for_one(), Ordering::Relaxed);
            *last = keep.then(|| made.clone());
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    const LARGE: u32 = 1_000;

    impl Keep for u32 {
        fn is_large(&self) -> bool {
            *self >= LARGE
        }
    }

    /// Counts how often it was counted, and takes so long to do it.
    struct Counter {
        kept: Kept<&'static str, u32>,
        times: Arc<AtomicU32>,
        takes: Duration,
    }

    impl Counter {
        /// What it counts is quick, however busy this machine is.
        fn quick() -> Self {
            Self { kept: Kept::new(Duration::MAX), times: Arc::default(), takes: Duration::ZERO }
        }

        fn taking(takes: Duration) -> Self {
            Self { kept: Kept::new(QUICK_MAX), times: Arc::default(), takes }
        }

        async fn ask(&self, at: i64, holds: impl Fn(&u32) -> bool + Send) -> (u32, i64) {
            let (times, takes) = (self.times.clone(), self.takes);
            let count = async move {
                tokio::time::sleep(takes).await;
                Ok(times.fetch_add(1, Ordering::Relaxed) + 1)
            };
            let made = self.kept.get("q", Timestamp::from_millis(at), holds, count).await.expect("an answer");
            (*made.value, made.as_of.as_millis())
        }
    }

    #[tokio::test]
    async fn what_is_quick_is_counted_each_time() {
        let counter = Counter::quick();
        for n in 1..4_i32 {
            assert_eq!(counter.ask(i64::from(n), |_| true).await, (n.unsigned_abs(), i64::from(n)));
        }
    }

    #[tokio::test]
    async fn what_is_large_is_shown_for_a_moment_however_quick() {
        let counter = Counter::quick();
        counter.times.store(LARGE, Ordering::Relaxed);
        let first = counter.ask(1, |_| true).await;
        assert_eq!(first, (LARGE + 1, 1));
        assert_eq!(counter.ask(2, |_| true).await, first);
        tokio::time::sleep(LARGE_AGE_MAX + QUICK_MAX).await;
        let (value, at) = counter.ask(3, |_| true).await;
        assert!(value > LARGE + 1 && at >= 2, "{value} at {at}");
    }

    #[tokio::test]
    async fn what_is_slow_is_shown_as_of_then_and_counted_again_after_a_rest() {
        let counter = Counter::taking(QUICK_MAX * 2);
        let together = futures_util::future::join(counter.ask(1, |_| true), counter.ask(2, |_| true)).await;
        assert_eq!(together.0, together.1, "one counts, the other waits for it");
        assert_eq!(counter.ask(3, |_| true).await, (1, 1));
        assert_eq!(counter.times.load(Ordering::Relaxed), 1, "it rests");
        tokio::time::sleep(QUICK_MAX * 2 * (REST_FACTOR + 2)).await;
        assert_eq!(counter.ask(4, |_| true).await, (1, 1), "nobody waits");
        while counter.ask(5, |_| true).await != (2, 4) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn what_does_not_hold_any_more_is_not_shown() {
        let counter = Counter::taking(QUICK_MAX * 2);
        assert_eq!(counter.ask(1, |_| true).await, (1, 1));
        assert_eq!(counter.ask(2, |value| *value != 1).await, (2, 2));
    }

    #[tokio::test]
    async fn whoever_decides_by_it_is_shown_nothing_old() {
        let counter = Counter::taking(QUICK_MAX * 2);
        assert_eq!(counter.ask(1, |_| true).await, (1, 1));
        assert_eq!(counter.kept.last(&"q").as_deref(), Some(&1));
        let exact = counter.kept.exact("q", Timestamp::from_millis(2), async { Ok(7) }).await.expect("an answer");
        assert_eq!((*exact.value, exact.as_of.as_millis()), (7, 2));
    }

    #[tokio::test]
    async fn what_was_quick_is_not_kept() {
        let counter = Counter::quick();
        assert_eq!(counter.ask(1, |_| true).await, (1, 1));
        assert_eq!(counter.kept.last(&"q"), None);
    }

    #[tokio::test]
    async fn what_is_counted_keeps_its_place_while_many_others_ask() {
        let counter = Counter::taking(QUICK_MAX * 4);
        let others = async {
            for n in 0..i64::try_from(KEPT_LEN_MAX * 2).expect("few") {
                let other: &'static str = format!("other {n}").leak();
                counter.kept.exact(other, Timestamp::from_millis(n), async { Ok(0) }).await.expect("an answer");
            }
        };
        assert_eq!(futures_util::future::join(counter.ask(1, |_| true), others).await.0, (1, 1));
        assert_eq!(counter.kept.last(&"q").as_deref(), Some(&1));
    }

    #[tokio::test]
    async fn what_was_begun_earlier_does_not_take_the_place_of_what_knows_more() {
        let counter = Counter::taking(QUICK_MAX * 2);
        let earlier = counter.kept.exact("q", Timestamp::from_millis(1), async {
            tokio::time::sleep(QUICK_MAX * 6).await;
            Ok(9)
        });
        let later = async {
            tokio::time::sleep(QUICK_MAX).await;
            counter.ask(2, |_| true).await
        };
        let (earlier, later) = futures_util::future::join(earlier, later).await;
        assert_eq!((*earlier.expect("an answer").value, later), (9, (1, 2)));
        assert_eq!(counter.kept.last(&"q").as_deref(), Some(&1));
    }

    #[tokio::test]
    async fn a_reader_who_leaves_stops_nobody() {
        let counter = Counter::taking(QUICK_MAX * 2);
        let left = tokio::time::timeout(QUICK_MAX / 2, counter.ask(1, |_| true)).await;
        assert!(left.is_err(), "it waited");
        assert_eq!(counter.ask(2, |_| true).await, (1, 1), "what the other began");
    }
}
