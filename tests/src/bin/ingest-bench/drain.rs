//! How is the queue drained? By one of four, in a process of its own; prints milliseconds and peak KiB.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use releve_aggregator::{Aggregator, Fate, Runner, Settings};
use releve_broker::{BrokerConfig, Consumer, ConsumerConfig, Ended, Topology};
use releve_store::Db;
use releve_types::time::MILLIS_PER_DAY;
use tokio_util::sync::CancellationToken;

use crate::{BATCH_LEN_MAX, PREFIX, SHARDS, START, yardstick};

pub async fn drain(how: &str, amqp: &str, database: &str, reports: u64) {
    let keys = if how == "verifying" { Some(yardstick::keys(database).await) } else { None };
    let started = Instant::now();
    match how {
        "aggregator" => aggregator(amqp, database, reports).await,
        "verifying" | "yardstick" => yardstick::drain(amqp, Some(database), keys, reports).await,
        "bare" => yardstick::drain(amqp, None, None, reports).await,
        _ => panic!("no such drain: {how}"),
    }
    println!("{} {}", started.elapsed().as_millis(), peak_kib());
}

/// As `releve serve aggregator` does.
async fn aggregator(amqp: &str, database: &str, reports: u64) {
    let db = Db::connect(database, 4).await.expect("connects");
    let aggregator = Arc::new(Aggregator::new(db, Settings { batch_len_max: BATCH_LEN_MAX, ..Settings::default() }));
    let broker = BrokerConfig::new(amqp, "bench").expect("a broker");
    let mut config = ConsumerConfig::new(broker, Topology::new(PREFIX, SHARDS));
    config.batch_len_max = BATCH_LEN_MAX;
    let consumer = Consumer::new(config).expect("a consumer");
    let (done, cancel) = (AtomicU64::new(0), CancellationToken::new());
    let stop = cancel.clone();
    let observer = move |_: &[Option<String>], fates: &[Fate]| {
        assert!(fates.iter().all(|f| *f == Fate::Counted), "{:?}", fates.iter().find(|f| **f != Fate::Counted));
        let len = u64::try_from(fates.len()).expect("small");
        if done.fetch_add(len, Ordering::SeqCst) + len >= reports {
            stop.cancel();
        }
    };
    let now = START.plus_millis(MILLIS_PER_DAY);
    let runner = Runner::new(aggregator, Arc::new(move || now)).watched_by(Arc::new(observer));
    assert_eq!(runner.run(consumer, cancel).await, Ended::Cancelled, "stopped by itself");
}

/// The most memory that this process ever held.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}
