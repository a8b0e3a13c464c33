//! What does each of these tests need? A topology, messages with numbers, and a handler that remembers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use releve_broker::{
    BrokerConfig, Consumer, ConsumerConfig, Delivery, Ended, Handled, Handler, HealthHandle, Outgoing, PublishError,
    Publisher, PublisherConfig, QueueDepth, Topology,
};
use releve_tests::wait;
use releve_types::ids::NodeId;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const SOON: Duration = Duration::from_secs(60);

pub fn node(number: u32) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(u128::from(number)))
}

pub fn broker(url: &str) -> BrokerConfig {
    let mut broker = BrokerConfig::new(url, "test").unwrap();
    // A broker under test is back within seconds, and we don't want to wait longer than that.
    broker.backoff_max = Duration::from_millis(500);
    broker
}

pub fn publisher(url: &str) -> Publisher {
    Publisher::connect(PublisherConfig::new(broker(url), "releve")).unwrap()
}

/// The message `number` of node `node`, as large as `bytes` asks for.
pub fn message(node_number: u32, number: u32, bytes: usize) -> Outgoing {
    let mut body = format!("{node_number}/{number}").into_bytes();
    body.resize(body.len().max(bytes), b' ');
    Outgoing { shard_key: node(node_number), message_id: format!("{node_number}/{number}"), body }
}

/// As an agent does: until the broker has confirmed it. Returns how many tries were in vain.
pub async fn publish_surely(publisher: &Publisher, outgoing: Outgoing) -> u32 {
    let mut failures = 0;
    loop {
        match publisher.publish(outgoing.clone()).await {
            Ok(()) => return failures,
            Err(error @ (PublishError::TooLarge { .. } | PublishError::Closed)) => panic!("{error}"),
            Err(error) => {
                println!("tried again: {error}");
                failures += 1;
            }
        }
    }
}

/// Publishes all of them, as many at once as asked for, in their order.
pub async fn publish_all(publisher: &Publisher, messages: Vec<Outgoing>, at_once: usize) -> u32 {
    let publishing = messages.into_iter().map(|message| publish_surely(publisher, message));
    stream::iter(publishing).buffered(at_once).fold(0, async |sum, failures| sum + failures).await
}

/// What a handler has seen, and whether it is held up.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Delivery>>>);

impl Seen {
    pub fn add(&self, deliveries: Vec<Delivery>) {
        self.0.lock().unwrap().extend(deliveries);
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.lock().unwrap().clone()
    }

    /// In the order in which they were seen.
    pub fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|delivery| delivery.message_id.clone().unwrap()).collect()
    }

    /// How often each message was seen, by its id.
    pub fn counts(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for id in self.ids() {
            *counts.entry(id).or_default() += 1;
        }
        counts
    }
}

/// A consumer that runs.
pub struct Running {
    pub seen: Seen,
    pub health: HealthHandle,
    pub depths: watch::Receiver<Vec<QueueDepth>>,
    cancel: CancellationToken,
    task: JoinHandle<Ended>,
}

impl Running {
    /// Starts it and waits until it consumes; each batch takes `each` to handle.
    pub async fn start(config: ConsumerConfig, each: Duration) -> Self {
        Self::resume(config, each, Seen::default()).await
    }

    /// As `start`, for a consumer that goes on where another has stopped.
    pub async fn resume(config: ConsumerConfig, each: Duration, seen: Seen) -> Self {
        let remembered = seen.clone();
        Self::start_with(config, seen, move |deliveries| {
            let seen = remembered.clone();
            async move {
                tokio::time::sleep(each).await;
                seen.add(deliveries);
                Handled::Acknowledge
            }
        })
        .await
    }

    pub async fn start_with<F>(
        config: ConsumerConfig,
        seen: Seen,
        handler: impl Fn(Vec<Delivery>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Handled> + Send + 'static,
    {
        Self::start_handler(config, seen, handler).await
    }

    pub async fn start_handler(config: ConsumerConfig, seen: Seen, handler: impl Handler) -> Self {
        let consumer = Consumer::new(config).unwrap();
        let (mut health, depths, cancel) = (consumer.health(), consumer.depths(), CancellationToken::new());
        let task = tokio::spawn(consumer.run(handler, cancel.clone()));
        let connected = tokio::time::timeout(SOON, health.wait_for(|health| health.connected)).await;
        connected.expect("the consumer connects");
        Self { seen, health, depths, cancel, task }
    }

    pub async fn until_seen(&self, distinct: usize) {
        wait::until(&format!("{distinct} messages arrive"), SOON, async || {
            (self.seen.counts().len() >= distinct).then_some(())
        })
        .await;
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Ended {
        tokio::time::timeout(SOON, self.task).await.expect("the consumer ends").unwrap()
    }

    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    pub async fn stop(self) {
        self.cancel();
        assert_eq!(self.ended().await, Ended::Cancelled);
    }
}

pub fn consuming(url: &str, shards: u32) -> ConsumerConfig {
    ConsumerConfig::new(broker(url), Topology::new("releve", shards))
}

/// How many messages are ready in all the queues together, asked apart from any consumer.
pub async fn ready(url: &str, topology: &Topology) -> u32 {
    let depths = releve_broker::queue_depths(&broker(url), topology).await.unwrap();
    depths.iter().map(|depth| depth.ready).sum()
}

pub async fn until_ready(url: &str, topology: &Topology, expected: u32) {
    wait::until(&format!("{expected} messages are ready"), SOON, async || {
        (ready(url, topology).await == expected).then_some(())
    })
    .await;
}

/// Threads that lapin runs for its connections in this process.
pub fn connection_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|name| name.starts_with("lapin-io-loop")).count()
}

pub async fn until_threads(expected: usize) {
    wait::until(&format!("{expected} connection threads"), SOON, async || {
        (connection_threads() == expected).then_some(())
    })
    .await;
}
