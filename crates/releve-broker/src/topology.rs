//! Which exchanges and queues are there, and which queue does a node's report go to?
//!
//! ```text
//!   <prefix>.reports (direct) ── slot 0…63 ──► <prefix>.reports.<slot mod shards>   quorum, full = refuse
//!                                                      │ given up after delivery_limit, at least once
//!                                              <prefix>.dead (fanout) ──► <prefix>.dead   quorum, unbounded
//! ```
//!
//! Beside them `<prefix>.events` (topic): what happens, for whoever binds a queue of their own to it. No queue of ours is on it.
//!
//! A publisher knows only the slots, so the number of shards is the server's business alone. Only arguments that both
//! RabbitMQ 3.10 and 4.x know are used, and each is set explicitly: their defaults differ, and drop messages.

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use releve_types::ids::NodeId;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use crate::{
    error::{ConfigError, LinkError},
    limits::{DELIVERY_LIMIT_MIN, NEW_QUEUE_WAIT, PREFIX_BYTES_MAX, QUEUE_BYTES_MAX, SHARDS_MAX},
    link::Link,
};

/// Exchanges and queues as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Names of exchanges and queues begin with it; two installations can share a virtual host.
    pub prefix: String,
    /// Report queues: a power of two. Fixed for a prefix: to change it, drain the queues and take another prefix.
    pub shards: u32,
    /// Deliveries of one message before it becomes a dead letter. Set because 3.10 has no limit and 4.x has 20.
    pub delivery_limit: u32,
    /// Bytes that one report queue holds before the broker refuses more.
    pub queue_bytes_max: u64,
}

/// What waits in one queue, not counting what was delivered and is not yet acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    pub queue: String,
    pub ready: u32,
    pub consumers: u32,
}

/// The shard of a node: the first 8 bytes, big-endian, of the SHA-256 of its UUID, modulo `shards`.
pub fn shard_of(node: NodeId, shards: u32) -> u32 {
    let digest: [u8; 32] = Sha256::digest(node.uuid().as_bytes()).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let shard = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(shards.max(1));
    u32::try_from(shard).expect("a remainder of a u32 fits one")
}

/// The routing key of a node's reports. As `shards` divides the slots, slot mod shards is `shard_of(node, shards)`.
pub fn routing_key(node: NodeId) -> String {
    shard_of(node, SHARDS_MAX).to_string()
}

pub(crate) fn reports_exchange(prefix: &str) -> String {
    format!("{prefix}.reports")
}

/// Where events are published, each under its topic.
pub fn events_exchange(prefix: &str) -> String {
    format!("{prefix}.events")
}

/// An exchange that is published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// The aggregator makes it, with its queues.
    Reports(String),
    /// Who publishes makes it: there is nothing else of ours on it.
    Events(String),
}

impl Exchange {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Reports(name) | Self::Events(name) => name,
        }
    }

    pub(crate) async fn ensure(&self, channel: &Channel) -> Result<(), LinkError> {
        match self {
            Self::Reports(_) => Ok(()),
            Self::Events(name) => declare_exchange(channel, name, ExchangeKind::Topic).await,
        }
    }
}

pub(crate) fn check_prefix(prefix: &str) -> Result<(), ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.bytes().all(allowed) {
        return Err(ConfigError::Prefix(prefix.to_owned()));
    }
    Ok(())
}

impl Topology {
    pub fn new(prefix: &str, shards: u32) -> Self {
        Self { prefix: prefix.to_owned(), shards, delivery_limit: DELIVERY_LIMIT_MIN, queue_bytes_max: QUEUE_BYTES_MAX }
    }

    pub fn check(&self) -> Result<(), ConfigError> {
        check_prefix(&self.prefix)?;
        if !self.shards.is_power_of_two() || self.shards > SHARDS_MAX {
            return Err(ConfigError::Shards(self.shards));
        }
        if self.delivery_limit < DELIVERY_LIMIT_MIN {
            return Err(ConfigError::DeliveryLimit(self.delivery_limit));
        }
        if self.queue_bytes_max == 0 {
            return Err(ConfigError::Zero("queue_bytes_max"));
        }
        Ok(())
    }

    pub fn reports_exchange(&self) -> String {
        reports_exchange(&self.prefix)
    }

    pub fn reports_queue(&self, shard: u32) -> String {
        format!("{}.reports.{shard}", self.prefix)
    }

    /// The name of the dead letters' exchange and of their queue.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    pub fn queues(&self) -> Vec<String> {
        (0..self.shards).map(|shard| self.reports_queue(shard)).chain([self.dead()]).collect()
    }

    /// Makes what is missing; an existing exchange or queue with other arguments is an error. A new queue gets its
    /// messages only once the broker has had time to write down where the queue's own log lies: a broker that is killed
    /// in the first second of a quorum queue comes back with an empty one (3.10.8), whatever it has confirmed.
    pub(crate) async fn declare(&self, link: &Link, channel: &Channel) -> Result<(), LinkError> {
        let (reports, dead) = (self.reports_exchange(), self.dead());
        let complete = self.is_complete(link).await?;
        declare_exchange(channel, &reports, ExchangeKind::Direct).await?;
        declare_exchange(channel, &dead, ExchangeKind::Fanout).await?;
        declare_queue(channel, &dead, dead_arguments()).await?;
        for shard in 0..self.shards {
            declare_queue(channel, &self.reports_queue(shard), self.reports_arguments()).await?;
        }
        if !complete {
            sleep(NEW_QUEUE_WAIT).await;
        }
        bind(channel, &dead, &dead, "").await?;
        for slot in 0..SHARDS_MAX {
            bind(channel, &self.reports_queue(slot % self.shards), &reports, &slot.to_string()).await?;
        }
        Ok(())
    }

    /// Whether each queue is there already. The broker's "no" costs a channel, so it is asked on one of its own.
    async fn is_complete(&self, link: &Link) -> Result<bool, LinkError> {
        let channel = link.channel().await?;
        match depths(&channel, &self.queues()).await {
            Ok(_) => {
                let closed = channel.close(200, "asked".into()).await;
                closed.map_err(LinkError::operation("closing a channel")).map(|()| true)
            }
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// At-least-once dead lettering needs all four of: its strategy, an exchange, overflow by refusal, a bound target.
    fn reports_arguments(&self) -> FieldTable {
        let queue_bytes_max = i64::try_from(self.queue_bytes_max).unwrap_or(i64::MAX);
        let mut arguments = quorum_arguments(i64::from(self.delivery_limit));
        arguments.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(queue_bytes_max));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        arguments.insert("x-dead-letter-exchange".into(), text(&self.dead()));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments
    }
}

/// How deep are these queues? A missing queue is an error and costs the channel.
pub(crate) async fn depths(channel: &Channel, queues: &[String]) -> Result<Vec<QueueDepth>, LinkError> {
    let mut depths = Vec::with_capacity(queues.len());
    for name in queues {
        let doing = LinkError::operation(format!("asking for the depth of '{name}'"));
        let options = QueueDeclareOptions::default().passive();
        let found = channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await.map_err(doing)?;
        let (ready, consumers) = (found.message_count(), found.consumer_count());
        depths.push(QueueDepth { queue: name.clone(), ready, consumers });
    }
    Ok(depths)
}

/// Nobody may drop a dead letter: the limit is out of reach, as 4.x would set 20 by itself and 3.10 knows no "none".
fn dead_arguments() -> FieldTable {
    quorum_arguments(i64::from(i32::MAX))
}

fn quorum_arguments(delivery_limit: i64) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-queue-leader-locator".into(), text("balanced"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(delivery_limit));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

async fn declare_exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), LinkError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await;
    declared.map_err(LinkError::operation(format!("declaring exchange '{name}'")))
}

async fn declare_queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), LinkError> {
    let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await;
    declared.map(drop).map_err(LinkError::operation(format!("declaring queue '{name}'")))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), LinkError> {
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await;
    bound.map_err(LinkError::operation(format!("binding '{queue}'")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn node(text: &str) -> NodeId {
        text.parse().unwrap()
    }

    #[test]
    fn the_shard_of_a_node_never_moves() {
        let nodes = ["nod_00000000000000000000000000000000", "nod_0190a6b2c3d47e8f9a0b1c2d3e4f5061"];
        assert_eq!(nodes.map(|text| shard_of(node(text), 64)), [21, 29]);
    }

    #[test]
    fn slots_fold_onto_shards() {
        for shards in [1, 2, 4, 8, 16, 32, 64] {
            for number in 0..200_u128 {
                let node = NodeId::from_uuid(uuid::Uuid::from_u128(number));
                let slot: u32 = routing_key(node).parse().unwrap();
                assert_eq!(slot % shards, shard_of(node, shards), "node {number}, {shards} shards");
            }
        }
    }

    #[test]
    fn nodes_spread_over_shards() {
        let mut shards = BTreeMap::<u32, u32>::new();
        for number in 0..9_000_u128 {
            *shards.entry(shard_of(NodeId::from_uuid(uuid::Uuid::from_u128(number)), 8)).or_default() += 1;
        }
        assert_eq!(shards.len(), 8);
        assert!(shards.values().all(|nodes| (1_000..1_250).contains(nodes)), "{shards:?}");
    }

    #[test]
    fn what_would_lose_messages_is_refused() {
        let good = Topology::new("releve", 4);
        assert_eq!(good.check(), Ok(()));
        assert_eq!(Topology { shards: 6, ..good.clone() }.check(), Err(ConfigError::Shards(6)));
        assert_eq!(Topology { shards: 128, ..good.clone() }.check(), Err(ConfigError::Shards(128)));
        assert_eq!(Topology { delivery_limit: 20, ..good.clone() }.check(), Err(ConfigError::DeliveryLimit(20)));
        assert_eq!(Topology { queue_bytes_max: 0, ..good }.check(), Err(ConfigError::Zero("queue_bytes_max")));
        assert_eq!(Topology::new("a b", 4).check(), Err(ConfigError::Prefix("a b".to_owned())));
    }
}
