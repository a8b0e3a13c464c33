//! A batch is judged while the one before it is counted. What if something comes between?

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use releve_aggregator::{Aggregator, Fate, Runner, Settings};
use releve_broker::{BrokerConfig, Consumer, ConsumerConfig, Ended, Outgoing, Publisher, PublisherConfig, Topology};
use releve_store::{Tx, catalog, floor};
use releve_tests::{rabbit::Rabbit, wait::until, world};
use releve_types::time::MILLIS_PER_HOUR;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Bench, at, messages, names};

const PATIENCE: Duration = Duration::from_secs(60);

/// An aggregator on a queue, whose first batch is held up before it has asked the database anything.
struct Held {
    /// Holds the floor alone: who counts waits for it first.
    floor: Tx,
    publisher: Publisher,
    /// How often the clock was read: for each batch once to judge it ahead and once to count it.
    looks: Arc<AtomicUsize>,
    fates: Arc<Mutex<Vec<String>>>,
    cancel: CancellationToken,
    running: JoinHandle<Ended>,
    _rabbit: Rabbit,
}

impl Held {
    async fn at_first_batch(bench: &Bench) -> Self {
        let aggregator = Arc::new(Aggregator::new(bench.db.clone(), Settings::default()));
        // It knows its catalog by then.
        let known = aggregator.take(messages(&[bench.hour(0, 0, 0, 1)]), at(48)).await.expect("a fate");
        assert_eq!(names(&known), ["counted"]);
        let mut raising = bench.db.begin_app().await.expect("a transaction");
        floor::raise(&mut raising, at(0).day()).await.expect("the floor, alone");

        let rabbit = Rabbit::shared();
        let broker = BrokerConfig::new(&rabbit.vhost(), "test").expect("an address");
        let mut config = ConsumerConfig::new(broker.clone(), Topology::new("releve", 1));
        // What is published together is one batch.
        config.batch_wait_max = Duration::from_secs(1);
        let consumer = Consumer::new(config).expect("a consumer");
        let mut health = consumer.health();
        let (looks, fates) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (look, noted) = (looks.clone(), fates.clone());
        let clock = move || {
            look.fetch_add(1, Ordering::SeqCst);
            at(48)
        };
        let observer = move |_: &[Option<String>], fates: &[Fate]| noted.lock().expect("noted").extend(names(fates));
        let runner = Runner::new(aggregator, Arc::new(clock)).watched_by(Arc::new(observer));
        let cancel = CancellationToken::new();
        let running = tokio::spawn({
            let stop = cancel.clone();
            async move { runner.run(consumer, stop).await }
        });
        let connected = tokio::time::timeout(PATIENCE, health.wait_for(|health| health.connected)).await;
        connected.expect("it consumes");
        let publisher = Publisher::connect(PublisherConfig::new(broker, "releve")).expect("a publisher");
        let held = Self { floor: raising, publisher, looks, fates, cancel, running, _rabbit: rabbit };
        held.publish(bench, vec![bench.hour(0, 0, 0, 2)]).await;
        held.looked(2, "the first batch is being counted").await;
        held
    }

    async fn publish(&self, bench: &Bench, bodies: Vec<Vec<u8>>) {
        let send = |body| {
            let outgoing = Outgoing { shard_key: bench.node(0).id, message_id: String::new(), body };
            async { self.publisher.publish(outgoing).await.expect("confirmed") }
        };
        futures_util::future::join_all(bodies.into_iter().map(send)).await;
    }

    async fn looked(&self, times: usize, what: &str) {
        until(what, PATIENCE, async || (self.looks.load(Ordering::SeqCst) == times).then_some(())).await;
    }

    /// Lets it go on, until so many have their fate.
    async fn let_go(self, count: usize) -> Vec<String> {
        self.floor.rollback().await.expect("gone");
        let all = || self.fates.lock().expect("noted").clone();
        let fates = until("each has its fate", PATIENCE, async || Some(all()).filter(|all| all.len() >= count)).await;
        self.cancel.cancel();
        assert_eq!(self.running.await.expect("ends"), Ended::Cancelled);
        self.publisher.close().await;
        fates
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_judged_ahead_is_judged_again_if_the_catalog_moved() {
    let bench = Bench::new(1, 2).await;
    let held = Held::at_first_batch(&bench).await;
    held.publish(&bench, vec![bench.hour(0, 0, 0, 3)]).await;
    held.looked(3, "the second batch is judged").await;
    // From hour 3 on the first tenant's key is the second one's.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::map(&mut tx, bench.key(0), Some(bench.world.tenants[1].tenant), at(3).hour(), version, at(48)).await;
    tx.commit().await.expect("mapped");
    assert_eq!(held.let_go(2).await, ["counted", "counted"]);
    let totals = bench.totals().await;
    assert_eq!((totals["t0"], totals.get("t1")), (2 * MILLIS_PER_HOUR, Some(&MILLIS_PER_HOUR)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_culprit_that_was_judged_ahead_is_set_aside_alone() {
    let bench = Bench::new(1, 1).await;
    bench.refuse_cursed_jobs().await;
    let held = Held::at_first_batch(&bench).await;
    let together = vec![bench.hour(0, 0, 0, 3), bench.named_hour(4, "cursed"), bench.hour(0, 0, 0, 5)];
    held.publish(&bench, together).await;
    held.looked(3, "the second batch is judged").await;
    let mut fates = held.let_go(4).await;
    fates.sort();
    assert_eq!(fates, ["counted", "counted", "counted", "quarantined unstorable"]);
    assert_eq!(bench.totals().await["t0"], 4 * MILLIS_PER_HOUR);
}
