//! How do the broker's batches meet the count? Take, commit, and only then acknowledge; wait out what passes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics::{counter, gauge};
use releve_broker::{Consumer, Delivery, Ended, Handled, Handler};
use releve_store::quarantine::Source;
use releve_types::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    failpoint,
    judge::Message,
    take::{Aggregator, Fate, Judgement, TakeError},
};

/// The first and the longest wait before a batch is tried again, in milliseconds.
const RETRY_MS_MIN: u64 = 50;
const RETRY_MS_MAX: u64 = 5_000;

/// What the time is: the wall clock in service, a set one in a replay.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Told of each batch after its commit and before its acknowledgement: the ids that its messages were published
/// under, and their fates. A message that is delivered again is told of again.
pub type Observer = Arc<dyn Fn(&[Option<String>], &[Fate]) + Send + Sync>;

/// Drains the broker's queues into the database.
#[derive(Clone)]
pub struct Runner {
    aggregator: Arc<Aggregator>,
    clock: Clock,
    taking: Arc<AtomicBool>,
    observer: Option<Observer>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("taking", &self.is_taking()).finish_non_exhaustive()
    }
}

impl Runner {
    pub fn new(aggregator: Arc<Aggregator>, clock: Clock) -> Self {
        Self { aggregator, clock, taking: Arc::new(AtomicBool::new(true)), observer: None }
    }

    /// For whoever must know what became of what was sent, such as a replay.
    #[must_use]
    pub fn watched_by(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// False once taking stopped for a fault of ours: the program is not ready.
    pub fn is_taking(&self) -> bool {
        self.taking.load(Ordering::Relaxed)
    }

    /// Runs until cancelled, or until taking stops.
    pub async fn run(&self, consumer: Consumer, cancel: CancellationToken) -> Ended {
        let depths = consumer.depths();
        let watcher = tokio::spawn(watch_depths(depths, cancel.clone()));
        let counting = Counting { runner: self.clone(), stop: cancel.clone() };
        let ended = consumer.run(counting, cancel).await;
        watcher.abort();
        ended
    }
}

/// Judges each batch while the one before it is counted.
struct Counting {
    runner: Runner,
    stop: CancellationToken,
}

/// A batch on its way to its fates.
struct Ready {
    redelivered: usize,
    /// What its messages were published under, where somebody wants to know.
    ids: Vec<Option<String>>,
    messages: Arc<Vec<Message>>,
    ahead: Option<Judgement>,
}

impl Handler for Counting {
    type Prepared = Ready;

    async fn prepare(&self, batch: Vec<Delivery>) -> Ready {
        let redelivered = batch.iter().filter(|d| d.redelivered).count();
        let ids = match self.runner.observer {
            Some(_) => batch.iter().map(|d| d.message_id.clone()).collect(),
            None => Vec::new(),
        };
        let messages = Arc::new(batch.into_iter().map(message).collect::<Vec<_>>());
        let ahead = self.runner.aggregator.judge_ahead(&messages, (self.runner.clock)()).await;
        failpoint::hit("aggregator.judged");
        Ready { redelivered, ids, messages, ahead }
    }

    async fn settle(&self, batch: Ready) -> Handled {
        failpoint::hit("aggregator.next_batch");
        let Ready { redelivered, ids, messages, mut ahead } = batch;
        counter!("releve_redelivered_total").increment(u64::try_from(redelivered).unwrap_or(0));
        let runner = &self.runner;
        let mut wait_ms = RETRY_MS_MIN;
        loop {
            match runner.aggregator.take_judged(&messages, ahead.take(), (runner.clock)()).await {
                Ok(fates) => {
                    if let Some(observer) = &runner.observer {
                        observer(&ids, &fates);
                    }
                    failpoint::hit("aggregator.before_acknowledge");
                    return Handled::Acknowledge;
                }
                Err(TakeError::Passing(error)) => {
                    counter!("releve_aggregate_retries_total").increment(1);
                    tracing::warn!(%error, wait_ms, batch.len = messages.len(), "the batch is kept and tried again");
                    tokio::select! {
                        () = self.stop.cancelled() => return Handled::Stop,
                        () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                    }
                    wait_ms = (wait_ms * 2).min(RETRY_MS_MAX);
                }
                Err(error) => {
                    tracing::error!(%error, "taking stops; the deliveries stay in their queue");
                    runner.taking.store(false, Ordering::Relaxed);
                    return Handled::Stop;
                }
            }
        }
    }
}

fn message(delivery: Delivery) -> Message {
    let source = if delivery.dead_letter { Source::DeadLetter } else { Source::Amqp };
    Message { body: delivery.body, source }
}

async fn watch_depths(
    mut depths: tokio::sync::watch::Receiver<Vec<releve_broker::QueueDepth>>,
    cancel: CancellationToken,
) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            changed = depths.changed() => if changed.is_err() { return },
        }
        for depth in depths.borrow().iter() {
            gauge!("releve_queue_ready", "queue" => depth.queue.clone()).set(depth.ready);
        }
    }
}
