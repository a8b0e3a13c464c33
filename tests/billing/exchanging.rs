//! Do events reach the operator's own queues over a real broker: confirmed, once it is there, with one id on every try?

use std::{sync::Arc, time::Duration};

use lapin::{
    Connection, ConnectionProperties, ExchangeKind,
    options::{BasicGetOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use releve_broker::{BrokerConfig, Events};
use releve_jobs::webhooks::{self as jobs, Sender};
use releve_store::webhooks::deliveries;
use releve_tests::{rabbit::Rabbit, wait};
use releve_types::{Timestamp, ids::WebhookEndpointId};
use serde_json::Value;

use crate::{
    bench::{Bench, later},
    delivering::{endpoint, sender},
};

const SOON: Duration = Duration::from_secs(60);

fn telling(url: &str) -> Sender {
    let mut broker = BrokerConfig::new(url, "test").expect("an address");
    broker.backoff_max = Duration::from_millis(200);
    Sender { events: Some(Events::new(broker, "releve", Duration::from_secs(10)).expect("a prefix")), ..sender() }
}

async fn round(bench: &Bench, sender: &Sender, at: Timestamp) -> usize {
    jobs::round(&bench.db, sender, Arc::new(move || at)).await.expect("runs")
}

/// A queue of the operator's own, as the how-to says; whoever comes first makes the exchange.
async fn bound(connection: &Connection, queue: &str, keys: &[&str]) -> lapin::Channel {
    let channel = connection.create_channel().await.expect("a channel");
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let exchange = "releve.events";
    let declared = channel.exchange_declare(exchange.into(), ExchangeKind::Topic, durable, FieldTable::default());
    declared.await.expect("the exchange");
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await.expect("a queue");
    for key in keys {
        let binding = QueueBindOptions::default();
        let bound = channel.queue_bind(queue.into(), exchange.into(), (*key).into(), binding, FieldTable::default());
        bound.await.expect("a binding");
    }
    channel
}

/// What lies in a queue: routing key, id, body.
async fn taken(channel: &lapin::Channel, queue: &str) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    let options = BasicGetOptions { no_ack: true };
    while let Some(message) = channel.basic_get(queue.into(), options).await.expect("asked") {
        let id = message.properties.message_id().as_ref().expect("an id").to_string();
        let body = serde_json::from_slice(&message.data).expect("JSON");
        all.push((message.routing_key.to_string(), id, body));
    }
    all
}

async fn log(bench: &Bench, of: WebhookEndpointId) -> Vec<deliveries::Delivery> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    deliveries::deliveries(&mut tx, of, None, None, 100).await.expect("read")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_topic_reaches_the_queues_that_are_bound_for_it_once() {
    let rabbit = Rabbit::shared();
    let url = rabbit.vhost();
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connects");
    let invoices = bound(&connection, "invoices", &["invoice.*"]).await;
    let nodes = bound(&connection, "nodes", &["node.#", "coverage.low"]).await;
    let bench = Bench::new(1, 3, 1).await;
    let id = endpoint(&bench, "amqp:", None, &[]).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 2])]).await;
    let mut uncommitted = bench.db.begin_app().await.expect("a transaction");
    let entry = releve_store::outbox::NewEntry { topic: "node.silent", account: None, tenant: None, body: Value::Null };
    releve_store::outbox::put(&mut uncommitted, &[entry], later()).await.expect("written");
    assert_eq!(bench.issue().await.issued_now, 3);
    let sender = telling(&url);
    assert_eq!(round(&bench, &sender, later()).await, 3, "what is not committed is not told");
    uncommitted.rollback().await.expect("rolled back");
    assert_eq!(round(&bench, &sender, later()).await, 0);
    let told = taken(&invoices, "invoices").await;
    assert_eq!((told.len(), taken(&nodes, "nodes").await.len()), (3, 0));
    let log = log(&bench, id).await;
    assert!(log.iter().all(|delivery| delivery.state == "delivered" && delivery.tries.len() == 1), "{log:?}");
    for (key, id, body) in told {
        assert_eq!((key.as_str(), &body["type"]), ("invoice.issued", &"invoice.issued".into()));
        assert!(body["data"]["number"].is_string(), "the same words as a webhook's: {body}");
        assert!(log.iter().any(|delivery| delivery.event.id.to_string() == id), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_listens_for_is_said_to_be_heard_by_nobody() {
    let rabbit = Rabbit::shared();
    let bench = Bench::new(1, 3, 1).await;
    let id = endpoint(&bench, "amqp:", Some(bench.world.tenants[0].account), &[]).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 2])]).await;
    assert_eq!(bench.issue().await.issued_now, 3);
    let without = sender();
    assert_eq!(round(&bench, &without, later()).await, 1);
    let delivery = log(&bench, id).await.remove(0);
    assert_eq!(delivery.tries[0].failure.as_deref(), Some("no broker is set (AMQP_URL)"));
    let at = delivery.due_at.expect("another try");
    assert_eq!(round(&bench, &telling(&rabbit.vhost()), at).await, 1);
    let delivery = log(&bench, id).await.remove(0);
    let answer = &delivery.tries[1].answer;
    assert_eq!((delivery.state.as_str(), answer.as_str()), ("delivered", "no queue is bound to releve.events for it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_gets_the_same_message() {
    let mut rabbit = Rabbit::start();
    let url = rabbit.url();
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connects");
    bound(&connection, "all", &["#"]).await;
    let bench = Bench::new(1, 3, 1).await;
    let id = endpoint(&bench, "amqp:", Some(bench.world.tenants[0].account), &[]).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 2])]).await;
    assert_eq!(bench.issue().await.issued_now, 3);
    // A broker that is killed may forget what was bound a second before.
    rabbit.stop();
    let sender = telling(&url);
    assert_eq!(round(&bench, &sender, later()).await, 1);
    let failed = log(&bench, id).await.remove(0);
    assert_eq!((failed.state.as_str(), failed.tries[0].status), ("waiting", None));
    rabbit.restart();
    let mut at = failed.due_at.expect("another try");
    let delivered = wait::until("the broker has it", SOON, async || {
        round(&bench, &sender, at).await;
        let delivery = log(&bench, id).await.remove(0);
        at = delivery.due_at.unwrap_or(at);
        (delivery.state == "delivered").then_some(delivery)
    })
    .await;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connects");
    let channel = bound(&connection, "all", &[]).await;
    let told = taken(&channel, "all").await;
    let same = |(_, id, _): &(String, String, Value)| *id == delivered.event.id.to_string();
    assert!(!told.is_empty() && told.iter().all(same), "{told:?} of {delivered:?}");
}
