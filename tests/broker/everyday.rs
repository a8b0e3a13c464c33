//! Does it work when nothing goes wrong?

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use releve_broker::{Delivery, Ended, Handled, Handler, Topology};
use releve_tests::rabbit::Rabbit;
use tokio::sync::{Semaphore, watch};

use crate::kit::{Running, SOON, Seen, consuming, message, publish_all, publisher, until_ready, until_threads};

const NODES: u32 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn each_node_s_messages_arrive_once_and_in_order() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let mut config = consuming(&url, 4);
    config.batch_len_max = 50;
    let consumer = Running::start(config, Duration::ZERO).await;
    let publisher = publisher(&url);
    let nodes = (0..NODES).map(|node| {
        let messages = (0..2_000 / NODES).map(|number| message(node, number, 300)).collect();
        publish_all(&publisher, messages, 1)
    });
    assert_eq!(join_all(nodes).await.into_iter().sum::<u32>(), 0);
    assert_eq!(publisher.unconfirmed_len(), 0);
    consumer.until_seen(2_000).await;

    let mut next = BTreeMap::<String, u32>::new();
    for delivery in consumer.seen.deliveries() {
        let id = delivery.message_id.unwrap();
        assert_eq!(String::from_utf8(delivery.body).unwrap().trim_end(), id);
        assert!(!delivery.redelivered && !delivery.dead_letter);
        let (node, number) = id.split_once('/').unwrap();
        let expected = next.entry(node.to_owned()).or_default();
        assert_eq!(number.parse(), Ok(*expected), "node {node}");
        *expected += 1;
    }
    let mut depths = consumer.depths.clone();
    depths.wait_for(|depths| depths.len() == 5 && depths.iter().all(|depth| depth.ready == 0)).await.unwrap();
    assert_eq!(consumer.health.get().connections, 1, "a new topology is made on the connection that then consumes");
    consumer.stop().await;
    publisher.close().await;
    until_threads(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_lets_a_running_handler_end_and_acknowledges_its_batch() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let seen = Seen::default();
    let (remembered, gate) = (seen.clone(), Arc::new(Semaphore::new(0)));
    let entered = Arc::new(Semaphore::new(0));
    let (gate_in, entered_in) = (gate.clone(), entered.clone());
    let mut config = consuming(&url, 1);
    config.batch_len_max = 10;
    let consumer = Running::start_with(config, seen.clone(), move |deliveries| {
        let (seen, gate, entered) = (remembered.clone(), gate_in.clone(), entered_in.clone());
        async move {
            entered.add_permits(1);
            gate.acquire().await.unwrap().forget();
            seen.add(deliveries);
            Handled::Acknowledge
        }
    })
    .await;
    let publisher = publisher(&url);
    publish_all(&publisher, (0..25).map(|number| message(1, number, 0)).collect(), 25).await;
    entered.acquire().await.unwrap().forget();
    consumer.cancel();
    gate.add_permits(1);
    assert_eq!(consumer.ended().await, Ended::Cancelled);
    let handled = u32::try_from(seen.len()).unwrap();
    assert!((1..=10).contains(&handled), "one batch: {handled}");
    until_ready(&url, &Topology::new("releve", 1), 25 - handled).await;
}

/// Notes what it is given; settles when it is let. One that is clumsy can't prepare the second batch, and one that has enough stops
/// instead of settling.
struct InSteps {
    prepared: watch::Sender<usize>,
    settling: watch::Sender<usize>,
    gate: Arc<Semaphore>,
    seen: Seen,
    is_clumsy: bool,
    has_enough: bool,
}

/// What a test sees and lets of it.
struct Steps {
    prepared: watch::Receiver<usize>,
    settling: watch::Receiver<usize>,
    gate: Arc<Semaphore>,
    seen: Seen,
}

impl InSteps {
    fn new() -> (Self, Steps) {
        let (prepared, settling) = (watch::Sender::new(0), watch::Sender::new(0));
        let (gate, seen) = (Arc::new(Semaphore::new(0)), Seen::default());
        let steps = Steps {
            prepared: prepared.subscribe(),
            settling: settling.subscribe(),
            gate: gate.clone(),
            seen: seen.clone(),
        };
        (Self { prepared, settling, gate, seen, is_clumsy: false, has_enough: false }, steps)
    }
}

impl Handler for InSteps {
    type Prepared = Vec<Delivery>;

    async fn prepare(&self, batch: Vec<Delivery>) -> Vec<Delivery> {
        self.prepared.send_modify(|batches| *batches += 1);
        assert!(!self.is_clumsy || *self.prepared.borrow() != 2, "as it must once");
        batch
    }

    async fn settle(&self, batch: Vec<Delivery>) -> Handled {
        self.settling.send_modify(|batches| *batches += 1);
        self.gate.acquire().await.unwrap().forget();
        if self.has_enough {
            return Handled::Stop;
        }
        self.seen.add(batch);
        Handled::Acknowledge
    }
}

async fn reaches(batches: &mut watch::Receiver<usize>, count: usize, what: &str) {
    let reached = tokio::time::timeout(SOON, batches.wait_for(|batches| *batches == count)).await;
    reached.unwrap_or_else(|_| panic!("{count} {what}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_batch_is_prepared_while_another_is_settled_and_waits_for_its_turn() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let (handler, mut steps) = InSteps::new();
    // More is sent than two batches of ten: it is not the broker that holds the third back.
    let mut config = consuming(&url, 1);
    (config.batch_bytes_max, config.batch_wait_max) = (10 * 1_024, SOON);
    assert!(config.prefetch_len() > 60);
    let publisher = publisher(&url);
    let consumer = Running::start_handler(config, steps.seen.clone(), handler).await;
    publish_all(&publisher, (0..60).map(|number| message(1, number, 1_024)).collect(), 60).await;

    for settled in 0..3 {
        reaches(&mut steps.settling, settled + 1, "batches are settled").await;
        reaches(&mut steps.prepared, settled + 2, "batches are prepared").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!((*steps.settling.borrow(), *steps.prepared.borrow()), (settled + 1, settled + 2));
        assert_eq!(steps.seen.len(), settled * 10);
        if settled < 2 {
            steps.gate.add_permits(1);
        }
    }
    // The third is being settled and ends; the fourth is prepared and comes again.
    consumer.cancel();
    steps.gate.add_permits(10);
    assert_eq!(consumer.ended().await, Ended::Cancelled);
    assert_eq!(steps.seen.ids(), (0..30).map(|number| format!("1/{number}")).collect::<Vec<_>>());
    until_ready(&url, &Topology::new("releve", 1), 30).await;
}

/// Two batches of ten on their way to a handler that waits with both: one it settles, and one that it prepared, or tried to.
async fn with_two_batches(url: &str, handler: InSteps, steps: &mut Steps) -> Running {
    let mut config = consuming(url, 1);
    (config.batch_len_max, config.batch_wait_max) = (10, SOON);
    let publisher = publisher(url);
    let consumer = Running::start_handler(config, steps.seen.clone(), handler).await;
    publish_all(&publisher, (0..20).map(|number| message(1, number, 0)).collect(), 20).await;
    reaches(&mut steps.prepared, 2, "batches are prepared").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(steps.seen.len(), 0, "the first waits");
    consumer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_while_one_batch_is_prepared_lets_the_one_before_it_be_settled() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let (handler, mut steps) = InSteps::new();
    let consumer = with_two_batches(&url, InSteps { is_clumsy: true, ..handler }, &mut steps).await;
    steps.gate.add_permits(10);
    consumer.until_seen(20).await;
    // Not cut short; its acknowledgement may not have got out before the connection was cut, and then it comes again.
    assert_eq!(steps.seen.ids()[..10], (0..10).map(|number| format!("1/{number}")).collect::<Vec<_>>());
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_says_stop_leaves_what_it_prepared_in_the_queue_too() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let (handler, mut steps) = InSteps::new();
    let consumer = with_two_batches(&url, InSteps { has_enough: true, ..handler }, &mut steps).await;
    steps.gate.add_permits(10);
    assert_eq!(consumer.ended().await, Ended::Stopped);
    assert_eq!((*steps.settling.borrow(), steps.seen.len()), (1, 0), "the second was not settled");
    until_ready(&url, &Topology::new("releve", 1), 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_says_stop_leaves_its_batch_in_the_queue() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let stopping = Running::start_with(consuming(&url, 1), Seen::default(), |_| async { Handled::Stop }).await;
    let publisher = publisher(&url);
    publish_all(&publisher, vec![message(1, 0, 0)], 1).await;
    assert_eq!(stopping.ended().await, Ended::Stopped);

    let consumer = Running::start(consuming(&url, 1), Duration::ZERO).await;
    consumer.until_seen(1).await;
    assert!(consumer.seen.deliveries()[0].redelivered);
    consumer.stop().await;
}

/// What bounds the memory of an aggregator: bodies under way, however slow the handler is.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_delivered_than_the_prefetch_has_bytes_for() {
    const BODY_BYTES: usize = 64 * 1024;
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let mut config = consuming(&url, 2);
    config.prefetch_bytes_max = 32 * BODY_BYTES;
    config.batch_bytes_max = 3 * BODY_BYTES;
    assert_eq!(config.prefetch_len(), 12);
    let topology = config.topology.clone();
    let (gate, largest) = (Arc::new(Semaphore::new(0)), Arc::new(std::sync::Mutex::new(0)));
    let (gate_in, largest_in, seen) = (gate.clone(), largest.clone(), Seen::default());
    let remembered = seen.clone();
    let consumer = Running::start_with(config, seen, move |deliveries| {
        let (gate, seen) = (gate_in.clone(), remembered.clone());
        let mut largest = largest_in.lock().unwrap();
        *largest = (*largest).max(deliveries.iter().map(|delivery| delivery.body.len()).sum::<usize>());
        async move {
            drop(gate.acquire().await);
            seen.add(deliveries);
            Handled::Acknowledge
        }
    })
    .await;
    let publisher = publisher(&url);
    publish_all(&publisher, (0..100).map(|number| message(number, 0, BODY_BYTES)).collect(), 20).await;
    until_ready(&url, &topology, 100 - 2 * 12).await;
    gate.add_permits(1);
    consumer.until_seen(100).await;
    assert_eq!(*largest.lock().unwrap(), 3 * BODY_BYTES);
    tokio::time::timeout(SOON, consumer.stop()).await.unwrap();
}

/// The broker counts messages and memory is bytes: how many are under way follows from what they weigh.
#[tokio::test(flavor = "multi_thread")]
async fn small_messages_are_taken_by_the_many_until_they_grow() {
    const BODY_BYTES: usize = 64 * 1024;
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let mut config = consuming(&url, 1);
    (config.prefetch_bytes_max, config.prefetch_bytes_surge_max) = (16 * BODY_BYTES, 108 * BODY_BYTES);
    config.batch_wait_max = Duration::from_secs(1);
    assert_eq!((config.prefetch_len(), config.prefetch_len_wide()), (8, 100));
    let topology = config.topology.clone();
    // So that the queue is there.
    Running::start(consuming(&url, 1), Duration::ZERO).await.stop().await;
    let publisher = publisher(&url);
    publish_all(&publisher, (0..300).map(|number| message(1, number, 100)).collect(), 100).await;
    until_ready(&url, &topology, 300).await;

    let (handler, mut steps) = InSteps::new();
    let consumer = Running::start_handler(config, steps.seen.clone(), handler).await;
    // The first four said so, and came again with the others.
    steps.gate.add_permits(5);
    // The last of them is settled while large ones come and are given back.
    reaches(&mut steps.settling, 6, "batches are settled").await;
    assert_eq!(steps.seen.len(), 250, "batches of fifty");
    publish_all(&publisher, (300..340).map(|number| message(1, number, BODY_BYTES)).collect(), 40).await;
    until_ready(&url, &topology, 0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(steps.seen.len(), 250);
    steps.gate.add_permits(100);
    consumer.until_seen(340).await;
    until_ready(&url, &topology, 0).await;
    consumer.stop().await;
    let times = steps.seen.counts();
    assert_eq!((times.len(), times.values().max()), (340, Some(&1)), "{times:?}");
    let large = steps.seen.deliveries().into_iter().filter(|delivery| delivery.body.len() >= BODY_BYTES);
    let again = large.filter(|delivery| delivery.redelivered).count();
    assert!(again > 4, "{again} large ones came again");
    assert!(*steps.settling.borrow() >= 6 + 40 / 4, "and by the few");
}
