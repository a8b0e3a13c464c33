//! How much is too much? Every limit of the broker, with its unit.

use std::time::Duration;

/// A message body, by default: what the wire allows too.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Messages sent and not yet confirmed, by default. One at a time gives 600 a second, a thousand gives 14,000.
pub const UNCONFIRMED_LEN_MAX: usize = 1_000;
/// How long a message may wait for a place in the window, a connection and its confirm, all together.
pub const CONFIRM_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long TCP, TLS and AMQP may take to shake hands.
pub const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a clean close may take before the socket is cut.
pub const CLOSE_WAIT_MAX: Duration = Duration::from_secs(3);
/// A broker that is silent for twice this long is taken for dead.
pub const HEARTBEAT_SECONDS: u16 = 10;
/// Between two attempts to connect, at least and at most.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// A connection that lived this long was a good one: the next backoff starts small again.
pub const LINK_SETTLED_AFTER: Duration = Duration::from_secs(10);
/// How often a connection's state is looked at, besides listening to its events.
pub const LINK_CHECK_EVERY: Duration = Duration::from_secs(1);
/// How often the consumer asks how deep its queues are.
pub const DEPTH_EVERY: Duration = Duration::from_secs(5);
/// Deliveries in one batch, by default.
pub const BATCH_LEN_MAX: usize = 1_000;
/// Bytes of bodies in one batch, by default: decoded, rolled up and on their way to the database they take ten times
/// that, and each queue has one batch there and one judged.
pub const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How long a batch waits to be filled once it has its first delivery, by default.
pub const BATCH_WAIT_MAX: Duration = Duration::from_millis(100);
/// Bytes of bodies that all queues together may have sent and not been acknowledged, by default. The client reads
/// as fast as the broker sends and RabbitMQ knows no limit in bytes, so this divides into a number of messages.
pub const PREFETCH_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The same if bodies that were small are suddenly as large as allowed, by default: until the batch that is being settled has ended and
/// the rest was given back. No less than the above counts.
pub const PREFETCH_BYTES_SURGE_MAX: usize = 256 * 1024 * 1024;
/// How long a queue whose messages were suddenly large has no more of them under way than then, at least.
pub const PREFETCH_NARROW_MIN: Duration = Duration::from_secs(60);
/// Dead letters are rare: they get few places, so that the shards get the rest.
pub const PREFETCH_LEN_DEAD: u16 = 8;
/// The least that a delivery limit may be: a crashing aggregator returns its whole prefetch, and must not kill it.
pub const DELIVERY_LIMIT_MIN: u32 = 1_000;
/// Shard queues, at most: one per slot.
pub const SHARDS_MAX: u32 = 64;
/// A prefix of exchange and queue names.
pub const PREFIX_BYTES_MAX: usize = 100;
/// Bytes that one shard queue holds before the broker refuses more, by default.
pub const QUEUE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// How long a new queue is left alone before it gets messages. The broker writes its queues' whereabouts down half a
/// second after the last change.
pub const NEW_QUEUE_WAIT: Duration = Duration::from_secs(2);
