//! Is anything that was confirmed lost when the broker is killed, frozen, blocked or cut off?

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use releve_broker::{PublishError, Publisher, PublisherConfig};
use releve_tests::{proxy::Proxy, rabbit::Rabbit, wait};
use tokio::task::{JoinHandle, block_in_place};

use crate::kit::{
    Running, SOON, broker, connection_threads, consuming, message, publish_surely, publisher, until_threads,
};

const SENDERS: u32 = 50;

/// Sends without a pause until told to stop, each message until it is confirmed.
struct Traffic {
    stop: Arc<AtomicBool>,
    confirmed: Arc<AtomicU32>,
    senders: Vec<JoinHandle<u32>>,
}

impl Traffic {
    fn start(publisher: &Publisher) -> Self {
        let (stop, confirmed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let senders = (0..SENDERS).map(|sender| {
            let (publisher, stop, confirmed) = (publisher.clone(), stop.clone(), confirmed.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    publish_surely(&publisher, message(sender, number, 500)).await;
                    confirmed.fetch_add(1, Ordering::Relaxed);
                    number += 1;
                }
                number
            })
        });
        let senders = senders.collect();
        Self { stop, confirmed, senders }
    }

    /// Waits for so many more confirms.
    async fn flow(&self, more: u32) {
        let goal = self.confirmed.load(Ordering::Relaxed) + more;
        wait::until(&format!("{more} more confirms"), SOON, async || {
            (self.confirmed.load(Ordering::Relaxed) >= goal).then_some(())
        })
        .await;
    }

    /// The ids of all that was confirmed.
    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut ids = Vec::new();
        for (sender, sending) in self.senders.into_iter().enumerate() {
            ids.extend((0..sending.await.unwrap()).map(|number| format!("{sender}/{number}")));
        }
        ids
    }
}

async fn assert_all_arrive(consumer: Running, confirmed: Vec<String>) {
    consumer.until_seen(confirmed.len()).await;
    let counts = consumer.seen.counts();
    let lost: Vec<_> = confirmed.iter().filter(|id| !counts.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} confirmed messages were lost: {lost:?}", lost.len());
    let again = counts.values().filter(|count| **count > 1).count();
    println!("{} confirmed, all arrived; {again} of them more than once", confirmed.len());
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_when_the_broker_is_killed() {
    let mut rabbit = Rabbit::start();
    let url = rabbit.url();
    let mut config = consuming(&url, 2);
    config.batch_len_max = 20;
    // So that queues are consumed anew in between, as messages turn out to be small.
    config.prefetch_bytes_max = 16 * config.message_bytes_max;
    assert_eq!((config.prefetch_len(), config.prefetch_len_wide()), (4, 40));
    let consumer = Running::start(config, Duration::from_millis(5)).await;
    let publisher = publisher(&url);
    let traffic = Traffic::start(&publisher);
    for kill in 1..=3 {
        traffic.flow(500).await;
        let seen = consumer.seen.len();
        let unconfirmed = wait::until("messages are under way", SOON, async || {
            Some(publisher.unconfirmed_len()).filter(|unconfirmed| *unconfirmed > 0)
        })
        .await;
        rabbit.kill();
        println!("kill {kill}: {unconfirmed} unconfirmed, {seen} handled so far");
        block_in_place(|| rabbit.restart());
    }
    traffic.flow(500).await;
    assert_all_arrive(consumer, traffic.end().await).await;
    assert!(publisher.health().get().connections >= 4);
    publisher.close().await;
    until_threads(0).await;
}

/// The first second of a queue's life is when RabbitMQ forgets it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_when_the_broker_is_killed_in_its_first_second() {
    let mut rabbit = Rabbit::start();
    let url = rabbit.url();
    let publisher = publisher(&url);
    let traffic = Traffic::start(&publisher);
    let config = consuming(&url, 4);
    // Declares the queues and leaves; a few messages may be quick enough for it.
    let first = Running::start(config.clone(), Duration::ZERO).await;
    let seen = first.seen.clone();
    first.stop().await;
    traffic.flow(100).await;
    rabbit.kill();
    block_in_place(|| rabbit.restart());
    // Killed that early, it may have forgotten a binding too: whoever publishes waits until a consumer declares it again.
    let resumed = Running::resume(config, Duration::ZERO, seen).await;
    assert_all_arrive(resumed, traffic.end().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_broker_is_noticed_and_left_until_it_thaws() {
    let mut rabbit = Rabbit::start();
    let url = format!("{}?heartbeat=2", rabbit.url());
    let mut config = consuming(&url, 1);
    config.broker.connect_wait_max = Duration::from_secs(2);
    let mut consumer = Running::start(config, Duration::ZERO).await;
    let mut config = PublisherConfig::new(broker(&url), "releve");
    config.broker.connect_wait_max = Duration::from_secs(2);
    config.confirm_wait_max = Duration::from_secs(5);
    let publisher = Publisher::connect(config).unwrap();
    publish_surely(&publisher, message(1, 0, 0)).await;

    rabbit.freeze();
    let frozen = Instant::now();
    let error = publisher.publish(message(1, 1, 0)).await.unwrap_err();
    assert!(matches!(error, PublishError::Unconfirmed(_) | PublishError::Lost(_)), "{error:?}");
    let mut health = publisher.health();
    for health in [&mut health, &mut consumer.health] {
        tokio::time::timeout(SOON, health.wait_for(|health| !health.connected)).await.unwrap();
    }
    assert!(frozen.elapsed() < Duration::from_secs(15), "noticed after {:?}", frozen.elapsed());
    // Attempts to come back hang in their handshake, and must not pile up.
    let error = publisher.publish(message(1, 2, 0)).await.unwrap_err();
    assert!(matches!(error, PublishError::Disconnected(_)), "{error:?}");
    let error = publisher.publish(message(1, 2, 0)).await.unwrap_err();
    assert!(matches!(error, PublishError::Disconnected(_)), "{error:?}");
    assert!(connection_threads() <= 4, "{} threads", connection_threads());

    rabbit.thaw();
    for number in 1..=3 {
        publish_surely(&publisher, message(1, number, 0)).await;
    }
    consumer.until_seen(4).await;
    consumer.stop().await;
    publisher.close().await;
    until_threads(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_broker_holds_senders_but_not_acknowledgements() {
    const WINDOW: usize = 10;
    let rabbit = Rabbit::start();
    let url = rabbit.url();
    let consumer = Running::start(consuming(&url, 1), Duration::ZERO).await;
    let mut config = PublisherConfig::new(broker(&url), "releve");
    config.unconfirmed_len_max = WINDOW;
    config.confirm_wait_max = Duration::from_secs(2);
    let publisher = Publisher::connect(config).unwrap();
    publish_surely(&publisher, message(1, 0, 0)).await;

    block_in_place(|| rabbit.block());
    // The broker blocks a connection at its next message, so some are on their way.
    let attempts: Vec<_> = (1..=30).map(|number| publisher.publish(message(1, number, 0))).collect();
    let outcomes = futures_util::future::join_all(attempts).await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    let mut health = publisher.health();
    let blocked = health.wait_for(|health| health.blocked.is_some()).await;
    assert!(blocked.connected && !blocked.is_ready(), "{blocked:?}");
    assert!(publisher.unconfirmed_len() <= WINDOW);
    let error = publisher.publish(message(1, 31, 0)).await.unwrap_err();
    assert!(matches!(&error, PublishError::Blocked(why) if why.contains("memory")), "{error:?}");
    assert!(consumer.health.get().connected);
    assert!(connection_threads() <= 2);

    block_in_place(|| rabbit.unblock());
    for number in 1..=40 {
        publish_surely(&publisher, message(1, number, 0)).await;
    }
    assert_eq!(publisher.health().get().connections, 1);
    consumer.until_seen(41).await;
    wait::until("the window empties", SOON, async || (publisher.unconfirmed_len() == 0).then_some(())).await;
    consumer.stop().await;
    publisher.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_when_the_network_fails() {
    let rabbit = Rabbit::shared();
    let proxy = Proxy::start(rabbit.port()).await;
    let url = rabbit.vhost().replace(&format!(":{}/", rabbit.port()), &format!(":{}/", proxy.port()));
    let url = format!("{url}?heartbeat=1");
    let mut config = consuming(&url, 2);
    config.broker.connect_wait_max = Duration::from_secs(3);
    let mut consumer = Running::start(config, Duration::from_millis(1)).await;
    let mut config = PublisherConfig::new(broker(&url), "releve");
    config.broker.connect_wait_max = Duration::from_secs(3);
    let publisher = Publisher::connect(config).unwrap();
    let traffic = Traffic::start(&publisher);
    for fail in [Proxy::cut, Proxy::silence, Proxy::cut] {
        traffic.flow(300).await;
        fail(&proxy);
        let mut health = publisher.health();
        for health in [&mut health, &mut consumer.health] {
            tokio::time::timeout(SOON, health.wait_for(|health| !health.connected)).await.unwrap();
        }
        proxy.open();
    }
    traffic.flow(300).await;
    assert_all_arrive(consumer, traffic.end().await).await;
    publisher.close().await;
    until_threads(0).await;
}
