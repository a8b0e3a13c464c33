//! How is a message sent so that we know it is kept?
//!
//! `publish` takes a place in the window, hands the message to the supervisor of the connection and waits for what comes
//! of it. The place belongs to the message and not to whoever waits for it, so a caller that gives up does not let the
//! window grow: at most `unconfirmed_len_max` messages are under way, also while the broker is blocked or away.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use releve_types::ids::NodeId;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::{Instant, interval, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    config::BrokerConfig,
    courier::Courier,
    error::{ConfigError, LinkError, PublishError},
    health::{HealthHandle, HealthSender},
    limits::{CONFIRM_WAIT_MAX, LINK_CHECK_EVERY, LINK_SETTLED_AFTER, MESSAGE_BYTES_MAX, UNCONFIRMED_LEN_MAX},
    link::Link,
    queue::{Item, Queue, WaitingCall},
    topology::{Exchange, check_prefix, reports_exchange, routing_key},
};

/// What to send, and on whose behalf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The node whose shard takes it.
    pub shard_key: NodeId,
    pub message_id: String,
    pub body: Vec<u8>,
}

/// Something to send, addressed.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub routing_key: String,
    pub message_id: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl From<Outgoing> for Parcel {
    fn from(outgoing: Outgoing) -> Self {
        let Outgoing { shard_key, message_id, body } = outgoing;
        Self { routing_key: routing_key(shard_key), message_id, content_type: "application/cloudevents+json", body }
    }
}

#[derive(Debug, Clone)]
pub struct PublisherConfig {
    pub broker: BrokerConfig,
    /// As in the server's `Topology`.
    pub prefix: String,
    pub unconfirmed_len_max: usize,
    pub confirm_wait_max: Duration,
    pub message_bytes_max: usize,
}

impl PublisherConfig {
    pub fn new(broker: BrokerConfig, prefix: &str) -> Self {
        Self {
            broker,
            prefix: prefix.to_owned(),
            unconfirmed_len_max: UNCONFIRMED_LEN_MAX,
            confirm_wait_max: CONFIRM_WAIT_MAX,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }
}

/// Sends messages and waits for their confirms, over one connection that is rebuilt whenever it fails.
#[derive(Debug, Clone)]
pub struct Publisher(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    queue: Arc<Queue>,
    window: Arc<Semaphore>,
    health: HealthHandle,
    unconfirmed_len_max: usize,
    confirm_wait_max: Duration,
    message_bytes_max: usize,
    stop: CancellationToken,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Publisher {
    /// Returns at once and connects in the background: a broker that is down is an everyday state, which `health` shows
    /// and `publish` waits out. Needs a tokio runtime around it.
    pub fn connect(config: PublisherConfig) -> Result<Self, ConfigError> {
        let exchange = Exchange::Reports(reports_exchange(&config.prefix));
        Self::to(exchange, config)
    }

    pub(crate) fn to(exchange: Exchange, config: PublisherConfig) -> Result<Self, ConfigError> {
        check_prefix(&config.prefix)?;
        let unconfirmed_len_max = config.unconfirmed_len_max.min(Semaphore::MAX_PERMITS);
        if unconfirmed_len_max == 0 {
            return Err(ConfigError::Zero("unconfirmed_len_max"));
        }
        let (queue, health, stop) = (Arc::new(Queue::default()), HealthSender::new(), CancellationToken::new());
        let handle = health.handle();
        let supervisor = Supervisor {
            queue: queue.clone(),
            health,
            exchange,
            confirm_wait_max: config.confirm_wait_max,
            stop: stop.clone(),
        };
        Ok(Self(Arc::new(Handle {
            queue,
            window: Arc::new(Semaphore::new(unconfirmed_len_max)),
            health: handle,
            unconfirmed_len_max,
            confirm_wait_max: config.confirm_wait_max,
            message_bytes_max: config.message_bytes_max,
            stop,
            supervisor: Mutex::new(Some(tokio::spawn(supervisor.run(config.broker)))),
        })))
    }

    pub fn health(&self) -> HealthHandle {
        self.0.health.clone()
    }

    /// Messages that have a place in the window: sent and not yet confirmed, or about to be sent.
    pub fn unconfirmed_len(&self) -> usize {
        self.0.unconfirmed_len_max.saturating_sub(self.0.window.available_permits())
    }

    /// `Ok` means that the broker has it on disk in a queue. A caller that waits for each gets them there in order; of
    /// calls side by side either may go first. Dropping a call does not take a message back that is on its way.
    pub async fn publish(&self, outgoing: Outgoing) -> Result<(), PublishError> {
        self.send(outgoing.into()).await
    }

    pub(crate) async fn send(&self, parcel: Parcel) -> Result<(), PublishError> {
        let (bytes, bytes_max) = (parcel.body.len(), self.0.message_bytes_max);
        if bytes > bytes_max {
            return Err(PublishError::TooLarge { bytes, bytes_max });
        }
        let deadline = Instant::now() + self.0.confirm_wait_max;
        let Ok(place) = timeout_at(deadline, self.0.window.clone().acquire_owned()).await else {
            return Err(self.why_in_vain());
        };
        let place = place.map_err(|_| PublishError::Closed)?;
        let call = WaitingCall::new(&self.0.queue);
        let (reply, outcome) = oneshot::channel();
        self.0.queue.push(Item { parcel, reply, place })?;
        let Ok(outcome) = timeout_at(deadline, outcome).await else { return Err(self.why_in_vain()) };
        call.answered();
        outcome.unwrap_or(Err(PublishError::Closed))
    }

    /// Waits for what is under way, as long as a confirm may take, then says goodbye to the broker.
    pub async fn close(&self) {
        let all = u32::try_from(self.0.unconfirmed_len_max).unwrap_or(u32::MAX);
        let deadline = Instant::now() + self.0.confirm_wait_max;
        if timeout_at(deadline, self.0.window.acquire_many(all)).await.is_err() {
            tracing::warn!(unconfirmed = self.unconfirmed_len(), "closing with unconfirmed messages");
        }
        self.0.window.close();
        self.0.stop.cancel();
        let supervisor = self.0.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor
            && let Err(error) = supervisor.await
        {
            tracing::error!(%error, "the publisher's supervisor failed");
        }
    }

    fn why_in_vain(&self) -> PublishError {
        let health = self.0.health.get();
        match health.blocked {
            Some(reason) => PublishError::Blocked(reason),
            None if health.connected => PublishError::Unconfirmed(self.0.confirm_wait_max),
            None => PublishError::Disconnected(health.last_error.unwrap_or_else(|| "not yet connected".to_owned())),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Keeps a connection open until told to stop: whatever fails, drop everything and build it anew.
struct Supervisor {
    queue: Arc<Queue>,
    health: HealthSender,
    exchange: Exchange,
    confirm_wait_max: Duration,
    stop: CancellationToken,
}

impl Supervisor {
    async fn run(self, broker: BrokerConfig) {
        let (mut backoff, stop) = (Backoff::new(broker.backoff_min, broker.backoff_max), self.stop.clone());
        loop {
            let started = Instant::now();
            let Err(error) = self.serve(&broker).await else { break };
            self.health.disconnected(Some(error.to_string()));
            if started.elapsed() >= LINK_SETTLED_AFTER {
                backoff.reset();
            }
            if error.is_refusal() {
                backoff.exhaust();
            }
            let wait = backoff.step();
            tracing::warn!(%broker, %error, ?wait, "publishing connection failed");
            if stop.run_until_cancelled(sleep(wait)).await.is_none() {
                break;
            }
        }
        self.health.disconnected(None);
        self.queue.close();
    }

    /// One connection, from its making to its certain end. `Ok` once told to stop.
    async fn serve(&self, broker: &BrokerConfig) -> Result<(), LinkError> {
        let stop = self.stop.clone();
        let Some(opened) = stop.run_until_cancelled(Link::open(broker)).await else { return Ok(()) };
        let link = opened?;
        let events = link.events();
        let Some(courier) = stop.run_until_cancelled(Courier::open(&link, &self.exchange)).await else {
            return Ok(());
        };
        let mut courier = courier?;
        self.health.connected();
        tracing::info!(%broker, "publishing connection is open");
        let outcome = {
            let watching = link.watch(events, &self.health);
            tokio::select! {
                error = watching => Err(error),
                error = self.carry(&mut courier, &link) => Err(error),
                () = stop.cancelled() => Ok(()),
            }
        };
        match &outcome {
            Ok(()) => link.close().await,
            Err(_) => link.cut(),
        }
        courier.end().await;
        outcome
    }

    /// Sends what comes, and tells its senders what became of it. Takes nothing while the broker is blocked.
    async fn carry(&self, courier: &mut Courier, link: &Link) -> LinkError {
        let (mut check, mut changes) = (interval(LINK_CHECK_EVERY), self.health.handle());
        loop {
            let blocked = link.is_blocked();
            if blocked {
                courier.restart_clocks();
            }
            tokio::select! {
                () = courier.settle(), if !courier.is_idle() => {}
                item = self.queue.next(), if !blocked => courier.take(item),
                () = changes.changed() => {}
                _ = check.tick() => if courier.is_overdue(self.confirm_wait_max) {
                    return LinkError::Unconfirmed(self.confirm_wait_max);
                },
            }
        }
    }
}
