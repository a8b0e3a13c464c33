//! How do batches get from the queues to whoever counts them, and when are they acknowledged?
//!
//! Each queue has a channel and a task of its own: take a batch, prepare it, settle it, acknowledge it all at once.
//! While one batch is settled, the next is taken and prepared; it is settled only once the one before is acknowledged.
//! So one queue's batches are strictly in order and the queues run side by side. Nothing is ever rejected: what is not
//! acknowledged goes back to its queue when the channel ends. Settling that has begun is never cut short; only when all
//! has ended is a failed connection built anew, so that no batch overtakes its own redelivery.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    batch::{Batch, BatchLimits, Batches, Delivery},
    config::BrokerConfig,
    error::{ConfigError, LinkError},
    health::{HealthHandle, HealthSender},
    limits::{
        BATCH_BYTES_MAX, BATCH_LEN_MAX, BATCH_WAIT_MAX, DEPTH_EVERY, LINK_SETTLED_AFTER, MESSAGE_BYTES_MAX,
        PREFETCH_BYTES_MAX, PREFETCH_BYTES_SURGE_MAX, PREFETCH_LEN_DEAD,
    },
    link::Link,
    prefetch::{Prefetch, Width},
    topology::{QueueDepth, Topology, depths},
};

#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    pub broker: BrokerConfig,
    pub topology: Topology,
    /// The shards whose queues are consumed; several consumers may share one.
    pub shards: Vec<u32>,
    pub batch_len_max: usize,
    pub batch_bytes_max: usize,
    pub batch_wait_max: Duration,
    /// Memory for bodies that were delivered and not yet acknowledged, all queues together. It holds as long as no
    /// message is larger than `message_bytes_max`, which the broker's own `max_message_size` can enforce, and none
    /// suddenly much larger than those before.
    pub prefetch_bytes_max: usize,
    /// The same when they are.
    pub prefetch_bytes_surge_max: usize,
    pub message_bytes_max: usize,
}

impl ConsumerConfig {
    pub fn new(broker: BrokerConfig, topology: Topology) -> Self {
        Self {
            broker,
            shards: (0..topology.shards).collect(),
            topology,
            batch_len_max: BATCH_LEN_MAX,
            batch_bytes_max: BATCH_BYTES_MAX,
            batch_wait_max: BATCH_WAIT_MAX,
            prefetch_bytes_max: PREFETCH_BYTES_MAX,
            prefetch_bytes_surge_max: PREFETCH_BYTES_SURGE_MAX,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.topology.check()?;
        let shards = self.topology.shards;
        if let Some(&shard) = self.shards.iter().find(|shard| **shard >= shards) {
            return Err(ConfigError::Shard { shard, shards });
        }
        let sizes = [
            ("shards", self.shards.len()),
            ("batch_len_max", self.batch_len_max),
            ("batch_bytes_max", self.batch_bytes_max),
            ("prefetch_bytes_max", self.prefetch_bytes_max),
            ("prefetch_bytes_surge_max", self.prefetch_bytes_surge_max),
            ("message_bytes_max", self.message_bytes_max),
        ];
        match sizes.into_iter().find(|(_, size)| *size == 0) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }

    /// Messages that one shard's queue may have under way: its share of the memory if each is as large as allowed, and
    /// never more than one batch that is settled and one that is prepared. At least two, or nothing would overlap.
    pub fn prefetch_len(&self) -> u16 {
        self.messages_in(self.prefetch_bytes_max)
    }

    /// The same while messages are small: as many as would surge to no more than is allowed.
    pub fn prefetch_len_wide(&self) -> u16 {
        self.messages_in(self.prefetch_bytes_surge_max).max(self.prefetch_len())
    }

    fn messages_in(&self, bytes: usize) -> u16 {
        let messages = self.share_of(bytes) / self.message_bytes_max.max(1);
        let messages = messages.min(self.batch_len_max.saturating_mul(2)).max(2);
        u16::try_from(messages).unwrap_or(u16::MAX)
    }

    /// One shard's share of what is not for dead letters.
    fn share_of(&self, bytes: usize) -> usize {
        let of_dead = usize::from(PREFETCH_LEN_DEAD).saturating_mul(self.message_bytes_max);
        bytes.saturating_sub(of_dead) / self.shards.len().max(1)
    }

    fn prefetch(&self) -> Prefetch {
        Prefetch {
            narrow: self.prefetch_len(),
            wide: self.prefetch_len_wide(),
            bytes_max: self.share_of(self.prefetch_bytes_max),
        }
    }
}

/// What becomes of batches, in two steps. A function of a batch is a handler that prepares nothing.
pub trait Handler: Send + Sync + 'static {
    type Prepared: Send;

    /// What can be done to a batch while the one before it is settled. It decides nothing: what it made may be dropped,
    /// and the batch comes again. It is waited for when all stops, so it asks nobody who may be slow.
    fn prepare(&self, batch: Vec<Delivery>) -> impl Future<Output = Self::Prepared> + Send;

    /// One batch of a queue after the other, in order; never cut short.
    fn settle(&self, prepared: Self::Prepared) -> impl Future<Output = Handled> + Send;
}

impl<H, F> Handler for H
where
    H: Fn(Vec<Delivery>) -> F + Send + Sync + 'static,
    F: Future<Output = Handled> + Send + 'static,
{
    type Prepared = Vec<Delivery>;

    async fn prepare(&self, batch: Vec<Delivery>) -> Vec<Delivery> {
        batch
    }

    fn settle(&self, batch: Vec<Delivery>) -> impl Future<Output = Handled> + Send {
        self(batch)
    }
}

/// What the handler made of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// Each delivery has its fate, and it is committed.
    Acknowledge,
    /// Leave the batch in its queue and stop consuming altogether.
    Stop,
}

/// Why `Consumer::run` came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Cancelled,
    /// The handler said so.
    Stopped,
}

/// Consumes shard queues and the dead letters' queue over one connection that is rebuilt whenever it fails.
#[derive(Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    health: HealthSender,
    depths: watch::Sender<Vec<QueueDepth>>,
}

/// Why the queues' tasks were told to end.
#[derive(Debug)]
enum Stopping {
    Ended(Ended),
    Failed(LinkError),
}

impl Consumer {
    pub fn new(config: ConsumerConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { config, health: HealthSender::new(), depths: watch::Sender::new(Vec::new()) })
    }

    pub fn health(&self) -> HealthHandle {
        self.health.handle()
    }

    /// How deep the queues are, asked every few seconds while connected.
    pub fn depths(&self) -> watch::Receiver<Vec<QueueDepth>> {
        self.depths.subscribe()
    }

    /// Runs until cancelled or stopped by the handler. On cancellation each batch that is being settled ends first, and
    /// is acknowledged.
    pub async fn run(self, handler: impl Handler, cancel: CancellationToken) -> Ended {
        let (handler, broker) = (Arc::new(handler), &self.config.broker);
        let mut backoff = Backoff::new(broker.backoff_min, broker.backoff_max);
        let ended = loop {
            let started = Instant::now();
            let error = match self.serve(&handler, &cancel).await {
                Stopping::Ended(ended) => break ended,
                Stopping::Failed(error) => error,
            };
            self.health.disconnected(Some(error.to_string()));
            if started.elapsed() >= LINK_SETTLED_AFTER {
                backoff.reset();
            }
            if error.is_refusal() {
                backoff.exhaust();
            }
            let wait = backoff.step();
            tracing::warn!(%broker, %error, ?wait, "consuming connection failed");
            if cancel.run_until_cancelled(sleep(wait)).await.is_none() {
                break Ended::Cancelled;
            }
        };
        self.health.disconnected(None);
        ended
    }

    /// One connection, from its making to its certain end.
    async fn serve(&self, handler: &Arc<impl Handler>, cancel: &CancellationToken) -> Stopping {
        let link = match cancel.run_until_cancelled(Link::open(&self.config.broker)).await {
            Some(Ok(link)) => Arc::new(link),
            Some(Err(error)) => return Stopping::Failed(error),
            None => return Stopping::Ended(Ended::Cancelled),
        };
        let (lanes, spare) = match cancel.run_until_cancelled(self.open_lanes(&link)).await {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => return Stopping::Failed(error),
            None => return Stopping::Ended(Ended::Cancelled),
        };
        let events = link.events();
        self.health.connected();
        tracing::info!(broker = %self.config.broker, queues = lanes.len(), "consuming connection is open");
        // A child, so that no lane settles another batch once `cancel` was called: not only once this task has woken.
        let stop = cancel.child_token();
        let mut tasks = JoinSet::new();
        for (lane, opened) in lanes {
            tasks.spawn(lane.run(opened, handler.clone(), stop.clone()));
        }
        let stopping = tokio::select! {
            () = cancel.cancelled() => Stopping::Ended(Ended::Cancelled),
            error = link.watch(events, &self.health) => {
                link.cut();
                Stopping::Failed(error)
            }
            error = self.watch_depths(&spare) => Stopping::Failed(error),
            Some(joined) = tasks.join_next() => joined.unwrap_or_else(|error| panicked(&error)),
        };
        stop.cancel();
        let stopping = drain(tasks, stopping).await;
        match stopping {
            Stopping::Ended(_) => link.close().await,
            Stopping::Failed(_) => link.cut(),
        }
        stopping
    }

    /// Declares what is missing, then a channel for each queue, and one to ask about depths.
    async fn open_lanes(&self, link: &Arc<Link>) -> Result<(Vec<(Lane, Opened)>, Channel), LinkError> {
        let (config, topology) = (&self.config, &self.config.topology);
        let spare = link.channel().await?;
        topology.declare(link, &spare).await?;
        let limits = BatchLimits {
            len_max: config.batch_len_max,
            bytes_max: config.batch_bytes_max,
            wait_max: config.batch_wait_max,
        };
        let of_shard = |shard: &u32| (topology.reports_queue(*shard), false, config.prefetch());
        let of_dead = (topology.dead(), true, Prefetch::fixed(PREFETCH_LEN_DEAD));
        let mut lanes = Vec::with_capacity(config.shards.len() + 1);
        for (queue, dead_letters, prefetch) in config.shards.iter().map(of_shard).chain([of_dead]) {
            let lane = Lane { link: link.clone(), queue, dead_letters, limits, width: Width::new(prefetch) };
            let opened = lane.open().await?;
            lanes.push((lane, opened));
        }
        Ok((lanes, spare))
    }

    async fn watch_depths(&self, channel: &Channel) -> LinkError {
        let queues = self.config.topology.queues();
        loop {
            match depths(channel, &queues).await {
                Ok(depths) => drop(self.depths.send_replace(depths)),
                Err(error) => return error,
            }
            sleep(DEPTH_EVERY).await;
        }
    }
}

/// Waits for what is being settled to end. A handler that says stop while a connection fails is heard.
async fn drain(mut tasks: JoinSet<Stopping>, mut stopping: Stopping) -> Stopping {
    while let Some(joined) = tasks.join_next().await {
        if let Ok(Stopping::Ended(Ended::Stopped)) = joined {
            stopping = Stopping::Ended(Ended::Stopped);
        }
    }
    stopping
}

fn panicked(error: &JoinError) -> Stopping {
    Stopping::Failed(LinkError::Panicked(error.to_string()))
}

/// A channel, and what it delivers.
type Opened = (Channel, Batches);

/// One queue's way to the handler.
#[derive(Debug)]
struct Lane {
    link: Arc<Link>,
    queue: String,
    dead_letters: bool,
    /// The largest batch; it is less where fewer messages are under way.
    limits: BatchLimits,
    width: Width,
}

/// Why a channel's batches end.
enum Over {
    /// Another number of messages is to be under way.
    Width,
    All(Stopping),
}

impl From<LinkError> for Over {
    fn from(error: LinkError) -> Self {
        Self::All(Stopping::Failed(error))
    }
}

impl Lane {
    /// A channel with the prefetch that `width` says now.
    async fn open(&self) -> Result<Opened, LinkError> {
        let Self { link, queue, .. } = self;
        let (channel, prefetch_len) = (link.channel().await?, self.width.len());
        link.answer("limiting the prefetch", channel.basic_qos(prefetch_len, BasicQosOptions::default())).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consuming = channel.basic_consume(queue.as_str().into(), "".into(), options, arguments);
        let deliveries = link.answer(&format!("consuming '{queue}'"), consuming).await?;
        // So that there is room for one that is settled and one that is prepared.
        let len_max = self.limits.len_max.min(usize::from(prefetch_len / 2));
        Ok((channel, Batches::new(deliveries, self.dead_letters, BatchLimits { len_max, ..self.limits })))
    }

    async fn run(mut self, mut opened: Opened, handler: Arc<impl Handler>, stop: CancellationToken) -> Stopping {
        loop {
            match self.drain(&mut opened, &*handler, &stop).await {
                Over::Width => {}
                Over::All(stopping) => return stopping,
            }
            opened = match stop.run_until_cancelled(self.reopen(opened)).await {
                Some(Ok(opened)) => opened,
                Some(Err(error)) => return Stopping::Failed(error),
                None => return Stopping::Ended(Ended::Cancelled),
            };
        }
    }

    /// On another channel: what was sent on this one and not acknowledged is sent again. To cancel the consumer and go on with the
    /// channel would be quicker and wrong: RabbitMQ may still send to a consumer that it has said to be cancelled, lapin drops that,
    /// and the next acknowledgement of all up to a tag would take it as counted.
    async fn reopen(&self, (channel, batches): Opened) -> Result<Opened, LinkError> {
        tracing::debug!(queue = self.queue, prefetch_len = self.width.len(), "the queue is consumed anew");
        self.link.answer("closing a channel", channel.close(200, "another prefetch".into())).await?;
        // What it still held is not to be in memory beside what is sent anew.
        drop(batches);
        self.open().await
    }

    /// Batch after batch of one channel.
    async fn drain(
        &mut self,
        (channel, batches): &mut Opened,
        handler: &impl Handler,
        stop: &CancellationToken,
    ) -> Over {
        let Self { queue, width, .. } = self;
        let mut ready = None;
        loop {
            // So that nothing more is taken once settling says that it is over.
            let over = stop.child_token();
            let settling = async {
                let Some((batch, last_tag)) = ready else { return Ok(()) };
                let settled = match handler.settle(batch).await {
                    Handled::Acknowledge => acknowledge(channel, queue, last_tag).await.map_err(Over::from),
                    Handled::Stop => Err(Over::All(Stopping::Ended(Ended::Stopped))),
                };
                if settled.is_err() {
                    over.cancel();
                }
                settled
            };
            let preparing = async {
                let Some(batch) = over.run_until_cancelled(batches.next()).await else {
                    return Err(Over::All(Stopping::Ended(Ended::Cancelled)));
                };
                let Batch { deliveries, bytes, last_tag } = batch?;
                if width.change(deliveries.len(), bytes, Instant::now()) {
                    return Err(Over::Width);
                }
                // Caught, so that it does not cut short what is being settled beside it.
                let prepared = AssertUnwindSafe(handler.prepare(deliveries)).catch_unwind().await;
                let prepared = prepared.map_err(|_| LinkError::Panicked(queue.clone()))?;
                Ok((prepared, last_tag))
            };
            let (settled, prepared) = tokio::join!(settling, preparing);
            ready = match settled.and(prepared) {
                Ok(prepared) => Some(prepared),
                Err(over) => return over,
            };
            if stop.is_cancelled() {
                return Over::All(Stopping::Ended(Ended::Cancelled));
            }
        }
    }
}

async fn acknowledge(channel: &Channel, queue: &str, last_tag: u64) -> Result<(), LinkError> {
    let acknowledged = channel.basic_ack(last_tag, BasicAckOptions { multiple: true }).await;
    acknowledged.map_err(LinkError::operation(format!("acknowledging on '{queue}'")))
}
