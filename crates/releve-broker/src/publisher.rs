//! How is a message sent so that we know it is kept?
//!
//! A message is kept once the broker has confirmed it *and* has not returned it: an unroutable one comes back and is
//! confirmed all the same. At most `unconfirmed_len_max` messages are on their way; the place in that window belongs to
//! the message and not to whoever waits for it, so a caller that gives up does not let the window grow.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::poll;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use releve_types::ids::NodeId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    config::BrokerConfig,
    error::{ConfigError, LinkError, PublishError},
    health::{HealthHandle, HealthSender},
    limits::{CONFIRM_WAIT_MAX, LINK_SETTLED_AFTER, MESSAGE_BYTES_MAX, UNCONFIRMED_LEN_MAX},
    link::Link,
    topology::{check_prefix, reports_exchange, routing_key},
};

/// What to send, and on whose behalf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The node whose shard takes it.
    pub shard_key: NodeId,
    pub message_id: String,
    pub body: Vec<u8>,
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
    shared: Arc<Shared>,
    exchange: String,
    confirm_wait_max: Duration,
    message_bytes_max: usize,
    unconfirmed_len_max: usize,
    stop: CancellationToken,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    window: Arc<Semaphore>,
    open: watch::Sender<Option<Open>>,
    health: HealthSender,
}

/// A connection that takes messages.
#[derive(Debug, Clone)]
struct Open {
    link: Arc<Link>,
    channel: Channel,
}

impl Publisher {
    /// Returns at once and connects in the background: a broker that is down is an everyday state, which `health` shows
    /// and `publish` waits out. Needs a tokio runtime around it.
    pub fn connect(config: PublisherConfig) -> Result<Self, ConfigError> {
        check_prefix(&config.prefix)?;
        let unconfirmed_len_max = config.unconfirmed_len_max.min(Semaphore::MAX_PERMITS);
        if unconfirmed_len_max == 0 {
            return Err(ConfigError::Zero("unconfirmed_len_max"));
        }
        let shared = Arc::new(Shared {
            window: Arc::new(Semaphore::new(unconfirmed_len_max)),
            open: watch::Sender::new(None),
            health: HealthSender::new(),
        });
        let stop = CancellationToken::new();
        let supervisor = tokio::spawn(supervise(shared.clone(), config.broker, stop.clone()));
        Ok(Self(Arc::new(Handle {
            shared,
            exchange: reports_exchange(&config.prefix),
            confirm_wait_max: config.confirm_wait_max,
            message_bytes_max: config.message_bytes_max,
            unconfirmed_len_max,
            stop,
            supervisor: Mutex::new(Some(supervisor)),
        })))
    }

    pub fn health(&self) -> HealthHandle {
        self.0.shared.health.handle()
    }

    /// Messages sent and not yet confirmed.
    pub fn unconfirmed_len(&self) -> usize {
        self.0.unconfirmed_len_max.saturating_sub(self.0.shared.window.available_permits())
    }

    /// `Ok` means that the broker has it on disk in a queue. Messages go out in the order in which calls are first
    /// polled, as long as the connection lasts. Dropping the call does not take a message back that is on its way.
    pub async fn publish(&self, outgoing: Outgoing) -> Result<(), PublishError> {
        let (bytes, bytes_max) = (outgoing.body.len(), self.0.message_bytes_max);
        if bytes > bytes_max {
            return Err(PublishError::TooLarge { bytes, bytes_max });
        }
        let deadline = Instant::now() + self.0.confirm_wait_max;
        let (permit, open) = match timeout_at(deadline, self.place()).await {
            Ok(place) => place?,
            Err(_) => return Err(self.why_no_place()),
        };
        let mut sending = Box::pin(send(open.channel, self.0.exchange.clone(), outgoing, permit));
        if let std::task::Poll::Ready(outcome) = poll!(&mut sending) {
            return outcome;
        }
        match timeout_at(deadline, tokio::spawn(sending)).await {
            Ok(joined) => joined.unwrap_or(Err(PublishError::Closed)),
            Err(_) if open.link.is_blocked() => Err(self.why_no_place()),
            Err(_) => {
                open.link.condemn();
                Err(PublishError::Unconfirmed(self.0.confirm_wait_max))
            }
        }
    }

    /// Waits for what is on its way, as long as a confirm may take, then says goodbye to the broker.
    pub async fn close(&self) {
        let all = u32::try_from(self.0.unconfirmed_len_max).unwrap_or(u32::MAX);
        let deadline = Instant::now() + self.0.confirm_wait_max;
        if timeout_at(deadline, self.0.shared.window.acquire_many(all)).await.is_err() {
            tracing::warn!(unconfirmed = self.unconfirmed_len(), "closing with unconfirmed messages");
        }
        self.0.shared.window.close();
        self.0.stop.cancel();
        let supervisor = self.0.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor
            && let Err(error) = supervisor.await
        {
            tracing::error!(%error, "the publisher's supervisor failed");
        }
    }

    /// A place in the window, on a connection that takes messages now.
    async fn place(&self) -> Result<(OwnedSemaphorePermit, Open), PublishError> {
        let shared = &self.0.shared;
        let permit = shared.window.clone().acquire_owned().await.map_err(|_| PublishError::Closed)?;
        let mut health = shared.health.handle();
        let mut opened = shared.open.subscribe();
        loop {
            health.wait_for(|health| health.is_ready()).await;
            let open = opened.wait_for(Option::is_some).await.map_err(|_| PublishError::Closed)?.clone();
            match open {
                Some(open) if !open.link.is_blocked() => return Ok((permit, open)),
                // The notice is on its way from the link to its health.
                Some(_) | None => tokio::task::yield_now().await,
            }
        }
    }

    fn why_no_place(&self) -> PublishError {
        let health = self.0.shared.health.handle().get();
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

async fn send(
    channel: Channel,
    exchange: String,
    outgoing: Outgoing,
    permit: OwnedSemaphorePermit,
) -> Result<(), PublishError> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/cloudevents+json".into())
        .with_message_id(outgoing.message_id.into());
    let key = routing_key(outgoing.shard_key);
    let published = channel.basic_publish(exchange.into(), key.into(), options, &outgoing.body, properties).await;
    let confirmation = published.map_err(PublishError::Lost)?.await.map_err(PublishError::Lost)?;
    drop(permit);
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) => {
            Err(PublishError::Unroutable { code: returned.reply_code, text: returned.reply_text.to_string() })
        }
        Confirmation::Nack(_) | Confirmation::NotRequested => Err(PublishError::Refused),
    }
}

/// Keeps a connection open until told to stop: whatever fails, drop everything and build it anew.
async fn supervise(shared: Arc<Shared>, broker: BrokerConfig, stop: CancellationToken) {
    let mut backoff = Backoff::new(broker.backoff_min, broker.backoff_max);
    loop {
        let started = Instant::now();
        let Some(error) = stop.run_until_cancelled(serve(&shared, &broker)).await else { break };
        shared.open.send_replace(None);
        shared.health.disconnected(Some(error.to_string()));
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
    if let Some(open) = shared.open.send_replace(None) {
        open.link.close().await;
    }
    shared.health.disconnected(None);
}

/// Returns when the connection has failed, and has then ended it for certain.
async fn serve(shared: &Shared, broker: &BrokerConfig) -> LinkError {
    let (link, events) = match Link::open(broker).await {
        Ok(opened) => opened,
        Err(error) => return error,
    };
    let channel = match confirming_channel(&link).await {
        Ok(channel) => channel,
        Err(error) => return error,
    };
    let link = Arc::new(link);
    shared.open.send_replace(Some(Open { link: link.clone(), channel }));
    shared.health.connected();
    tracing::info!(%broker, "publishing connection is open");
    let error = link.watch(events, &shared.health).await;
    link.cut();
    error
}

async fn confirming_channel(link: &Link) -> Result<Channel, LinkError> {
    let channel = link.channel().await?;
    link.answer("asking for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}
