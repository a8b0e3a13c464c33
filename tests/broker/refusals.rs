//! What does a sender hear when its message can't be kept, and where does one go that nobody can digest?

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use lapin::{
    Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{BasicConsumeOptions, BasicQosOptions, BasicRejectOptions, ExchangeDeclareOptions},
    types::FieldTable,
};
use releve_broker::{PublishError, Publisher, PublisherConfig, shard_of};
use releve_tests::{rabbit::Rabbit, wait};

use crate::kit::{
    Running, SOON, broker, consuming, message, node, publish_all, publish_surely, publisher, ready, until_ready,
};

/// A client without any of our care.
async fn bare(url: &str) -> (Connection, Channel) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_queue_takes_is_an_error_although_the_broker_confirms_it() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let (_connection, channel) = bare(&url).await;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let arguments = FieldTable::default();
    channel.exchange_declare("releve.reports".into(), ExchangeKind::Direct, durable, arguments).await.unwrap();
    let publisher = publisher(&url);
    let error = publisher.publish(message(1, 0, 0)).await.unwrap_err();
    assert!(matches!(error, PublishError::Unroutable { code: 312, .. }), "{error:?}");

    let consumer = Running::start(consuming(&url, 1), Duration::ZERO).await;
    publisher.publish(message(1, 0, 0)).await.unwrap();
    consumer.until_seen(1).await;
    consumer.stop().await;
}

/// The broker's return says nothing of which message it is about, and many are under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_held_against_the_message_that_came_back_and_no_other() {
    const SENT: u32 = 5_000;
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let consumer = Running::start(consuming(&url, 1), Duration::ZERO).await;
    let (_connection, channel) = bare(&url).await;
    for slot in (0..64).step_by(2) {
        let (exchange, key) = ("releve.reports".into(), slot.to_string().into());
        channel.queue_unbind("releve.reports.0".into(), exchange, key, FieldTable::default()).await.unwrap();
    }
    let publisher = publisher(&url);
    let publishing = (0..SENT).map(|number| {
        let publisher = &publisher;
        async move { (number, publisher.publish(message(number, 0, 0)).await) }
    });
    let outcomes: Vec<_> = stream::iter(publishing).buffer_unordered(800).collect().await;
    let mut kept = Vec::new();
    for (number, outcome) in outcomes {
        let bound = shard_of(node(number), 64) % 2 == 1;
        match outcome {
            Ok(()) if bound => kept.push(format!("{number}/0")),
            Err(PublishError::Unroutable { .. }) if !bound => {}
            outcome => panic!("message {number}, bound {bound}: {outcome:?}"),
        }
    }
    assert!(kept.len() > 2_000, "{}", kept.len());
    consumer.until_seen(kept.len()).await;
    kept.sort();
    assert_eq!(consumer.seen.counts().into_keys().collect::<Vec<_>>(), kept);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_waits_for_a_topology_that_is_not_there_yet() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let publisher = publisher(&url);
    let error = publisher.publish(message(1, 0, 0)).await.unwrap_err();
    assert!(matches!(error, PublishError::Lost(_)), "{error:?}");
    let mut health = publisher.health();
    let seen = health.wait_for(|health| health.last_error.is_some()).await;
    assert!(seen.last_error.unwrap().contains("releve.reports"));
    let consumer = Running::start(consuming(&url, 1), Duration::ZERO).await;
    publish_surely(&publisher, message(1, 0, 0)).await;
    consumer.until_seen(1).await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_never_sent() {
    let rabbit = Rabbit::shared();
    let publisher = publisher(&rabbit.vhost());
    let error = publisher.publish(message(1, 0, 64 * 1024 + 1)).await.unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { bytes: 65_537, bytes_max: 65_536 }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_an_error_after_a_while() {
    let mut config = PublisherConfig::new(broker("amqp://127.0.0.1:1/"), "releve");
    config.confirm_wait_max = Duration::from_millis(300);
    let publisher = Publisher::connect(config).unwrap();
    let error = publisher.publish(message(1, 0, 0)).await.unwrap_err();
    assert!(matches!(&error, PublishError::Disconnected(why) if why.contains("refused")), "{error:?}");
    assert_eq!(publisher.unconfirmed_len(), 0);
    publisher.close().await;
    assert!(matches!(publisher.publish(message(1, 0, 0)).await, Err(PublishError::Closed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_keeps_what_it_has_confirmed() {
    const SENT: u32 = 200;
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    // Nobody consumes shard 1 for now.
    let mut config = consuming(&url, 2);
    config.topology.queue_bytes_max = 20_000;
    config.shards = vec![0];
    let topology = config.topology.clone();
    Running::start(config.clone(), Duration::ZERO).await.stop().await;
    let full = (0..).find(|number| shard_of(node(*number), 2) == 1).unwrap();

    let publisher = publisher(&url);
    let mut confirmed = Vec::new();
    for number in 0..SENT {
        match publisher.publish(message(full, number, 1_000)).await {
            Ok(()) => confirmed.push(format!("{full}/{number}")),
            Err(PublishError::Refused) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let kept = u32::try_from(confirmed.len()).unwrap();
    assert!((20..SENT / 2).contains(&kept), "{kept} of {SENT} were kept");
    until_ready(&url, &topology, kept).await;

    config.shards = vec![0, 1];
    let consumer = Running::start(config, Duration::ZERO).await;
    consumer.until_seen(confirmed.len()).await;
    publish_surely(&publisher, message(full, SENT, 0)).await;
    consumer.until_seen(confirmed.len() + 1).await;
    confirmed.push(format!("{full}/{SENT}"));
    confirmed.sort();
    assert_eq!(consumer.seen.counts().into_keys().collect::<Vec<_>>(), confirmed);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_given_up_on_arrives_as_a_dead_letter() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let config = consuming(&url, 1);
    let limit = config.topology.delivery_limit;
    Running::start(config.clone(), Duration::ZERO).await.stop().await;
    let publisher = publisher(&url);
    publish_all(&publisher, vec![message(1, 0, 0), message(1, 1, 0)], 1).await;

    // A consumer that fails at the first message, again and again.
    let (connection, channel) = bare(&url).await;
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consuming = channel.basic_consume("releve.reports.0".into(), "".into(), options, FieldTable::default());
    let mut deliveries = consuming.await.unwrap();
    let mut attempts = 0;
    loop {
        let delivery = deliveries.next().await.unwrap().unwrap();
        if delivery.data == b"1/1" {
            break;
        }
        attempts += 1;
        delivery.reject(BasicRejectOptions { requeue: true }).await.unwrap();
    }
    assert_eq!(attempts, limit + 1);
    connection.close(200, "".into()).await.unwrap();

    let consumer = Running::start(config.clone(), Duration::ZERO).await;
    consumer.until_seen(2).await;
    let mut seen = consumer.seen.deliveries();
    seen.sort_by(|one, other| one.body.cmp(&other.body));
    assert_eq!(seen.iter().map(|delivery| delivery.dead_letter).collect::<Vec<_>>(), [true, false]);
    assert_eq!(seen[0].body, b"1/0");
    assert_eq!(seen[0].message_id.as_deref(), Some("1/0"));
    consumer.stop().await;
    wait::until("the dead letter is acknowledged", SOON, async || {
        (ready(&url, &config.topology).await == 0).then_some(())
    })
    .await;
}
