//! How does an agent run? One loop looks, another sends, and the spool lies between them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{ClockTrust, Clocks, Moment, clock_trust},
    observer::{AgentError, Observer},
    probe::Probe,
    sender::{Sender, Sent},
    settings::Settings,
    sink::Sink,
};

/// How often the daemon that keeps the clock is asked.
const TRUST_EVERY: Duration = Duration::from_secs(60);
/// How often the sender looks whether something is due.
const SEND_EVERY: Duration = Duration::from_millis(250);
/// On the way out, so long may a last round of sending take.
const LAST_ROUND_MAX: Duration = Duration::from_secs(5);

/// An agent: a probe, what it remembers, and a sink.
pub struct Agent {
    observer: Observer,
    sender: Sender,
}

impl Agent {
    /// Opens the data directory and takes up where the last agent stopped. Needs a tokio runtime around it.
    pub fn new(settings: Settings, probe: Box<dyn Probe>, sink: Sink) -> Result<Self, AgentError> {
        let observer = Observer::open(settings, probe)?;
        let sender = Sender::new(observer.settings(), observer.shared_spool(), sink);
        Ok(Self { observer, sender })
    }

    /// What is known of the node's clock; [`Agent::run`] finds out by itself.
    pub fn trust(&mut self, trust: ClockTrust) {
        self.observer.trust(trust);
    }

    /// Looks once. With a time of one's own this is how an agent is driven through a past month.
    pub fn tick(&mut self, now: Moment) -> Result<(), AgentError> {
        self.observer.tick(now)
    }

    /// Sends what is due.
    pub async fn send_due(&mut self, now: Moment) -> Result<Sent, AgentError> {
        self.sender.send_due(now).await
    }

    /// Sends all that waits, until something fails.
    pub async fn send_all(&mut self) -> Result<Sent, AgentError> {
        self.sender.send_all().await
    }

    /// Closes the open window early, for whoever does not go on.
    pub fn finish(&mut self, now: Moment) -> Result<(), AgentError> {
        self.observer.finish(now)
    }

    /// How many reports wait to be confirmed.
    pub fn waiting(&self) -> usize {
        self.sender.waiting()
    }

    /// Looks and sends by the real clocks until cancelled. The open window is remembered, not closed.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), AgentError> {
        let Self { observer, sender } = self;
        let clocks = Arc::new(Clocks::start());
        let (told, trust) = watch::channel(ClockTrust::UNKNOWN);
        // Whichever loop ends, by order or by failure, ends the other.
        let stop = cancel.child_token();
        let looking = {
            let (stop, clocks) = (stop.clone(), clocks.clone());
            tokio::task::spawn_blocking(move || {
                let _ended = stop.clone().drop_guard();
                look_until(observer, &clocks, &trust, &stop)
            })
        };
        let asking = tokio::spawn(stop.clone().run_until_cancelled_owned(ask_about_the_clock(told)));
        let sent = send_until(sender, &clocks, &stop).await;
        stop.cancel();
        asking.abort();
        let looked = looking.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        looked.and(sent)
    }
}

/// A thread of its own: probes and fsync block.
fn look_until(
    mut observer: Observer,
    clocks: &Clocks,
    trust: &watch::Receiver<ClockTrust>,
    stop: &CancellationToken,
) -> Result<(), AgentError> {
    let every = Duration::from_millis(observer.settings().look_every_ms);
    let window_ms = observer.settings().window_ms;
    while !stop.is_cancelled() {
        observer.trust(trust.borrow().clone());
        observer.tick(clocks.now())?;
        // A look at the very edge closes the window without delay.
        let to_edge = window_ms - clocks.now().wall.as_millis().rem_euclid(window_ms);
        let to_edge = Duration::from_millis(u64::try_from(to_edge).unwrap_or(1).max(1));
        park_until(stop, Instant::now() + every.min(to_edge));
    }
    observer.pause(clocks.now());
    Ok(())
}

/// Beside the looks, since a daemon that does not answer can take seconds.
async fn ask_about_the_clock(told: watch::Sender<ClockTrust>) {
    let mut every = tokio::time::interval(TRUST_EVERY);
    loop {
        every.tick().await;
        match tokio::task::spawn_blocking(clock_trust).await {
            Ok(trust) => drop(told.send(trust)),
            Err(_) => return,
        }
    }
}

/// Sleeps, but not through the end.
fn park_until(stop: &CancellationToken, deadline: Instant) {
    const STEP: Duration = Duration::from_millis(50);
    while !stop.is_cancelled() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(STEP));
    }
}

async fn send_until(mut sender: Sender, clocks: &Clocks, stop: &CancellationToken) -> Result<(), AgentError> {
    let mut every = tokio::time::interval(SEND_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if let Some(sent) = stop.run_until_cancelled(sender.send_due(clocks.now())).await {
            let _: Sent = sent?;
        }
    }
    // What is on its way may still be confirmed; what isn't waits on disk for the next start.
    let last = tokio::time::timeout(LAST_ROUND_MAX, async {
        let sent = sender.send_due(clocks.now()).await;
        sender.close().await;
        sent
    });
    last.await.unwrap_or(Ok(Sent::default())).map(drop)
}
