//! What would the least that anybody could do cost? Take a batch, insert the raw bytes, acknowledge: no signature is
//! checked, nothing is counted. Without a database: take and acknowledge only.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use sqlx::{Connection as _, PgConnection};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use crate::{BATCH_LEN_MAX, PREFIX, SHARDS};

const BATCH_WAIT_MAX: Duration = Duration::from_millis(100);

pub async fn drain(amqp: &str, database: Option<&str>, reports: u64) {
    let connection = Connection::connect(amqp, ConnectionProperties::default()).await.expect("connects");
    let (done, mut drained) = mpsc::unbounded_channel();
    let mut queues = JoinSet::new();
    for shard in 0..SHARDS {
        let channel = connection.create_channel().await.expect("a channel");
        let (database, done) = (database.map(str::to_owned), done.clone());
        queues.spawn(async move { one_queue(channel, shard, database, done).await });
    }
    let mut left = reports;
    while left > 0 {
        left -= drained.recv().await.expect("the queues are drained");
    }
    queues.abort_all();
}

async fn one_queue(channel: Channel, shard: u32, database: Option<String>, done: mpsc::UnboundedSender<u64>) {
    let prefetch = u16::try_from(BATCH_LEN_MAX * 2).expect("small");
    channel.basic_qos(prefetch, BasicQosOptions::default()).await.expect("qos");
    let queue = format!("{PREFIX}.reports.{shard}");
    let mut consumer = channel
        .basic_consume(queue.into(), "yardstick".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .expect("consumes");
    let mut conn = match &database {
        Some(url) => Some(PgConnection::connect(url).await.expect("connects")),
        None => None,
    };
    loop {
        let mut batch = Vec::with_capacity(BATCH_LEN_MAX);
        let mut last = None;
        while batch.len() < BATCH_LEN_MAX {
            let next = if batch.is_empty() {
                consumer.next().await
            } else {
                match timeout(BATCH_WAIT_MAX, consumer.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                }
            };
            let delivery = next.expect("open").expect("a delivery");
            last = Some(delivery.delivery_tag);
            batch.push(delivery.data);
        }
        if let Some(conn) = &mut conn {
            sqlx::query("insert into yardstick (body) select * from unnest($1::bytea[])")
                .bind(&batch)
                .execute(conn)
                .await
                .expect("inserted");
        }
        let tag = last.expect("a batch is not empty");
        channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.expect("acknowledged");
        done.send(u64::try_from(batch.len()).expect("small")).expect("listened to");
    }
}
