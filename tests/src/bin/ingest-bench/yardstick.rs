//! What would the least that anybody could do cost? Take a batch, insert the raw bytes, acknowledge: no signature is
//! checked, nothing is counted. Without a database: take and acknowledge only. With keys: each report is
//! verified too, and still nothing is counted.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use releve_types::NodeId;
use releve_wire::{limits::MESSAGE_BYTES_MAX, open};
use sqlx::{Connection as _, PgConnection};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use uuid::Uuid;

use crate::{BATCH_LEN_MAX, PREFIX, SHARDS};

const BATCH_WAIT_MAX: Duration = Duration::from_millis(100);

type Keys = Arc<HashMap<NodeId, [u8; 32]>>;

/// The public keys of the nodes, of which each has one.
pub async fn keys(database: &str) -> Keys {
    let mut conn = PgConnection::connect(database).await.expect("connects");
    sqlx::raw_sql("set role releve_app").execute(&mut conn).await.expect("may read");
    let sql = "select node_id, public_key from node_keys";
    let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(sql).fetch_all(&mut conn).await.expect("the nodes' keys");
    let key = |key: Vec<u8>| key.try_into().expect("32 bytes");
    Arc::new(rows.into_iter().map(|(node, bytes)| (NodeId::from_uuid(node), key(bytes))).collect())
}

/// Away from the async threads.
async fn verified(batch: Vec<Vec<u8>>, keys: Keys) -> Vec<Vec<u8>> {
    let work = move || {
        for body in &batch {
            let sealed = open(body, MESSAGE_BYTES_MAX).expect("a report");
            let key = keys[&sealed.node()];
            sealed.verify(&key).expect("its own signature");
        }
        batch
    };
    tokio::task::spawn_blocking(work).await.expect("each is verified")
}

pub async fn drain(amqp: &str, database: Option<&str>, keys: Option<Keys>, reports: u64) {
    let connection = Connection::connect(amqp, ConnectionProperties::default()).await.expect("connects");
    let (done, mut drained) = mpsc::unbounded_channel();
    let mut queues = JoinSet::new();
    for shard in 0..SHARDS {
        let channel = connection.create_channel().await.expect("a channel");
        let (database, keys, done) = (database.map(str::to_owned), keys.clone(), done.clone());
        queues.spawn(async move { one_queue(channel, shard, database, keys, done).await });
    }
    let mut left = reports;
    while left > 0 {
        left -= drained.recv().await.expect("the queues are drained");
    }
    queues.abort_all();
}

async fn one_queue(
    channel: Channel,
    shard: u32,
    database: Option<String>,
    keys: Option<Keys>,
    done: mpsc::UnboundedSender<u64>,
) {
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
        if let Some(keys) = &keys {
            batch = verified(batch, keys.clone()).await;
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
