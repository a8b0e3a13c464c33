//! What does a full cluster send? A signed report of each node for each minute that is over, each device held the whole minute.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use releve_broker::{BrokerConfig, Outgoing, Publisher, PublisherConfig};
use releve_types::{
    NodeId, TenantKey, Timestamp,
    time::{MILLIS_PER_MINUTE, wall_clock},
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::world::{Hold, Machine};

const UNCONFIRMED_MAX: usize = 1_000;
/// The end of a minute, for signing what is sent in the next one.
const SIGNING_MS: i64 = 5_000;
/// How long a report that no queue takes is sent again, and how long it rests in between.
const CONFIRMED_WAIT_MAX: Duration = Duration::from_secs(120);
const RETRY_WAIT: Duration = Duration::from_millis(200);

/// When within a minute the nodes send.
#[derive(Clone, Copy, Debug)]
pub enum Spread {
    /// All in the same moment.
    Moment,
    /// Evenly over it.
    Minute,
}

/// Nodes that report to a broker.
pub struct Fleet {
    publisher: Publisher,
    machines: Arc<[Machine]>,
    /// Who holds the devices: those of the first node, then those of the next.
    holders: Arc<[TenantKey]>,
}

impl Fleet {
    /// `holder` says who holds which device of which machine.
    pub fn connect(
        (amqp, prefix): (&str, &str),
        machines: Vec<Machine>,
        holder: impl Fn(usize, usize) -> TenantKey,
    ) -> Self {
        let config = BrokerConfig::new(amqp, "fleet").expect("a broker");
        let publisher = Publisher::connect(PublisherConfig::new(config, prefix)).expect("a publisher");
        let devices = machines.iter().enumerate().flat_map(|(n, machine)| (0..machine.gpus.len()).map(move |d| (n, d)));
        let holders = devices.map(|(n, device)| holder(n, device)).collect();
        Self { publisher, machines: machines.into(), holders }
    }

    /// Sends each minute's reports when it is over, for so many minutes. How many were confirmed.
    pub async fn report(&self, spread: Spread, minutes: u32) -> u64 {
        let mut confirmed = 0;
        for _ in 0..minutes {
            let start = minute_of(wall_clock());
            let end = start.plus_millis(MILLIS_PER_MINUTE);
            let reports = self.signed(start).await;
            until(end).await;
            confirmed += self.send(reports, spread, end).await;
        }
        confirmed
    }

    /// One report of a node, of these or not, until it is confirmed.
    pub fn sent_of(&self, node: NodeId, body: Vec<u8>) -> impl Future<Output = ()> + Send + use<> {
        let (publisher, outgoing) =
            (self.publisher.clone(), Outgoing { shard_key: node, message_id: String::new(), body });
        async move { confirmed(&publisher, outgoing).await }
    }

    /// Sends what they report of a minute that is over, as fast as it is taken. How many were confirmed.
    pub async fn catch_up(&self, start: Timestamp) -> u64 {
        self.send(self.signed(start).await, Spread::Moment, start).await
    }

    async fn signed(&self, start: Timestamp) -> Vec<(NodeId, Vec<u8>)> {
        let (machines, holders) = (self.machines.clone(), self.holders.clone());
        tokio::task::spawn_blocking(move || signed(&machines, &holders, start)).await.expect("signed")
    }

    async fn send(&self, reports: Vec<(NodeId, Vec<u8>)>, spread: Spread, from: Timestamp) -> u64 {
        let (room, mut sending) = (Arc::new(Semaphore::new(UNCONFIRMED_MAX)), JoinSet::new());
        let (count, minute) = (i64::try_from(reports.len()).expect("fits"), MILLIS_PER_MINUTE - SIGNING_MS);
        for (n, (shard_key, body)) in (0_i64..).zip(reports) {
            if let Spread::Minute = spread {
                until(from.plus_millis(n * minute / count)).await;
            }
            let place = room.clone().acquire_owned().await.expect("open");
            let sent = self.sent_of(shard_key, body);
            sending.spawn(async move {
                sent.await;
                drop(place);
            });
        }
        let mut confirmed = 0;
        while let Some(done) = sending.join_next().await {
            done.expect("confirmed");
            confirmed += 1;
        }
        confirmed
    }
}

/// Sends as an agent does: again, for as long as no queue takes it. What arrives twice is counted once.
async fn confirmed(publisher: &Publisher, outgoing: Outgoing) {
    let began = Instant::now();
    while let Err(error) = publisher.publish(outgoing.clone()).await {
        assert!(began.elapsed() < CONFIRMED_WAIT_MAX, "not confirmed: {error}");
        tokio::time::sleep(RETRY_WAIT).await;
    }
}

fn signed(machines: &[Machine], holders: &[TenantKey], start: Timestamp) -> Vec<(NodeId, Vec<u8>)> {
    let mut rest = holders;
    let report = |(n, machine): (usize, &Machine)| {
        let (keys, later) = rest.split_at(machine.gpus.len());
        rest = later;
        let hold =
            |(gpu, key): (usize, &TenantKey)| Hold::new(key, gpu, &format!("job-{n}-{gpu}"), 0, MILLIS_PER_MINUTE);
        let holds: Vec<Hold> = keys.iter().enumerate().map(hold).collect();
        (machine.id, machine.report(start, MILLIS_PER_MINUTE, &holds))
    };
    machines.iter().enumerate().map(report).collect()
}

/// The minute that an instant lies in.
pub fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - at.as_millis() % MILLIS_PER_MINUTE)
}

async fn until(at: Timestamp) {
    let left = u64::try_from(at.as_millis() - wall_clock().as_millis()).unwrap_or(0);
    if left > 0 {
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}
