//! What is in the queue? Signed reports, made once, in the order in which a fleet would send them.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read as _, Write as _},
    path::Path,
    sync::Arc,
};

use releve_broker::{BrokerConfig, Consumer, ConsumerConfig, Handled, Outgoing, Publisher, PublisherConfig, Topology};
use releve_tests::world::{Hold, World};
use releve_types::NodeId;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{Load, PREFIX, SHARDS, START};

const WINDOW_MS: i64 = 60_000;

/// Writes each report as 16 bytes of node, 4 of length, and its bytes.
pub fn write(file: &Path, world: &World, load: Load) {
    let mut out = BufWriter::new(File::create(file).expect("a file"));
    let each = WINDOW_MS / i64::try_from(load.segments).expect("small");
    for window in 0..load.windows {
        let start = START.plus_millis(i64::from(window) * WINDOW_MS);
        for (n, node) in world.nodes.iter().enumerate() {
            let hold = |gpu: usize, i: usize| {
                let holder = &world.tenants[(n * 4 + gpu) % world.tenants.len()];
                let from = i64::try_from(i).expect("small") * each;
                Hold::new(&holder.key, gpu, &format!("job-{n}-{gpu}-{i}"), from, from + each)
            };
            let holds: Vec<Hold> = (0..4).flat_map(|gpu| (0..load.segments).map(move |i| hold(gpu, i))).collect();
            let body = node.report(start, WINDOW_MS, &holds);
            out.write_all(node.id.uuid().as_bytes()).expect("written");
            out.write_all(&u32::try_from(body.len()).expect("small").to_be_bytes()).expect("written");
            out.write_all(&body).expect("written");
        }
    }
    out.flush().expect("written");
}

/// Declares the queues and fills them.
pub async fn publish(file: &Path, amqp: &str) {
    let config = || BrokerConfig::new(amqp, "bench").expect("a broker");
    let consumer = Consumer::new(ConsumerConfig::new(config(), Topology::new(PREFIX, SHARDS))).expect("a consumer");
    let (mut health, cancel) = (consumer.health(), CancellationToken::new());
    let declaring = tokio::spawn(consumer.run(|_| async { Handled::Stop }, cancel.clone()));
    health.wait_for(|h| h.connected).await;
    cancel.cancel();
    declaring.await.expect("declared");

    let publisher = Publisher::connect(PublisherConfig::new(config(), PREFIX)).expect("a publisher");
    let (room, mut sending) = (Arc::new(Semaphore::new(2_000)), JoinSet::new());
    let mut input = BufReader::new(File::open(file).expect("the reports"));
    let mut node = [0; 16];
    while input.read_exact(&mut node).is_ok() {
        let mut len = [0; 4];
        input.read_exact(&mut len).expect("a length");
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(len)).expect("small")];
        input.read_exact(&mut body).expect("a body");
        let place = room.clone().acquire_owned().await.expect("open");
        let (publisher, shard_key) = (publisher.clone(), NodeId::from_uuid(uuid::Uuid::from_bytes(node)));
        sending.spawn(async move {
            let outgoing = Outgoing { shard_key, message_id: String::new(), body };
            publisher.publish(outgoing).await.expect("confirmed");
            drop(place);
        });
        while sending.try_join_next().is_some_and(|done| done.is_ok()) {}
    }
    while let Some(done) = sending.join_next().await {
        done.expect("confirmed");
    }
    publisher.close().await;
}
