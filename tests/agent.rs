//! Does an agent's spool empty into RabbitMQ, once and in whole, while the broker comes and goes?

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use releve_agent::{
    Agent, Moment, NodeKey, Settings, Sink,
    config::{AmqpConfig, Publish},
    probe::ScriptedProbe,
};
use releve_broker::{BrokerConfig, Consumer, ConsumerConfig, Ended, Handled, Topology};
use releve_tests::{place::Scratch, rabbit::Rabbit, wait};
use releve_types::{NodeId, Ranges, Timestamp};
use releve_wire::{Report, limits};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const MINUTE: i64 = 60_000;
const PATIENCE: Duration = Duration::from_secs(120);
const SECRET: [u8; 32] = [7; 32];
const SCRIPT: &str = r#"
    start = "2026-05-01T00:00:00Z"
    [[device]]
    gpu = "GPU-00000000-0000-0000-0000-000000000001"
    model = "NVIDIA H100 80GB HBM3"
    [[hold]]
    gpu = "GPU-00000000-0000-0000-0000-000000000001"
    tenant_key = "static:lab"
    alloc = "a"
    from_ms = 90001
    until_ms = 10000003
"#;

fn start() -> Timestamp {
    "2026-05-01T00:00:00Z".parse().expect("an instant")
}

fn agent(dir: &Path, url: &str) -> Agent {
    let settings = Settings {
        node: NodeId::from_uuid(Uuid::from_u128(1)),
        key: NodeKey::new(&SECRET),
        data_dir: dir.to_owned(),
        window_ms: MINUTE,
        spread_ms: 0,
        look_every_ms: 10_000,
        look_gap_ms_max: 30_000,
        journal_every_ms: 10_000,
        message_bytes_max: limits::MESSAGE_BYTES_MAX,
        spool_bytes_max: 64 * 1024 * 1024,
        boot: Uuid::from_u128(1),
    };
    let script = dir.join("script.toml");
    fs::write(&script, SCRIPT).expect("the script can be written");
    let probe = ScriptedProbe::open(&script).expect("a script that can be played");
    let amqp = AmqpConfig { url: url.to_owned(), prefix: "releve".to_owned(), authorities_file: None };
    let sink = Sink::new(&Publish::Amqp(amqp), limits::MESSAGE_BYTES_MAX).expect("an address");
    Agent::new(settings, Box::new(probe), sink).expect("an agent")
}

fn play(agent: &mut Agent, minutes: std::ops::RangeInclusive<i64>) {
    for at in (minutes.start() * 6)..=(minutes.end() * 6) {
        let ms = at * 10_000;
        let now = Moment { wall: start().plus_millis(ms), mono_ms: u64::try_from(ms).expect("not before the start") };
        agent.tick(now).expect("the agent goes on");
    }
}

/// What came out of the queues: reports by number, and how often one came again.
#[derive(Default)]
struct Came {
    reports: BTreeMap<u64, Report>,
    again: usize,
}

fn consume(url: &str, came: Arc<Mutex<Came>>, cancel: CancellationToken) -> tokio::task::JoinHandle<Ended> {
    let topology = Topology::new("releve", 2);
    let broker = BrokerConfig::new(url, "test").expect("an address");
    let consumer = Consumer::new(ConsumerConfig::new(broker, topology)).expect("a configuration");
    let public_key = NodeKey::new(&SECRET).public_key();
    let handler = move |deliveries: Vec<releve_broker::Delivery>| {
        let came = came.clone();
        async move {
            let mut came = came.lock().expect("no test has failed here");
            for delivery in deliveries {
                let sealed = releve_wire::open(&delivery.body, limits::MESSAGE_BYTES_MAX).expect("a report");
                let report = sealed.verify(&public_key).expect("signed by its node");
                let digest = report.head_sha256;
                if let Some(known) = came.reports.insert(report.head.seq, report) {
                    assert_eq!(known.head_sha256, digest, "the same bytes each time");
                    came.again += 1;
                }
            }
            Handled::Acknowledge
        }
    };
    tokio::spawn(consumer.run(handler, cancel))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_empties_into_a_broker_that_comes_and_goes() {
    let mut rabbit = Rabbit::start();
    let (scratch, url, cancel) = (Scratch::new("agent"), rabbit.url(), CancellationToken::new());
    let came = Arc::new(Mutex::new(Came::default()));
    let consumer = consume(&url, came.clone(), cancel.clone());
    let mut agent = agent(scratch.path(), &url);

    play(&mut agent, 0..=60);
    empty(&mut agent).await;
    rabbit.kill();
    play(&mut agent, 60..=120);
    break_off(&mut agent, 500).await;
    assert_eq!(agent.waiting(), 60, "nobody is there, and nothing is lost");
    tokio::task::block_in_place(|| rabbit.restart());
    empty(&mut agent).await;
    play(&mut agent, 120..=180);
    // What is broken off was on its way, unconfirmed: it is sent again.
    for wait_ms in 1..=10 {
        break_off(&mut agent, wait_ms).await;
    }
    empty(&mut agent).await;
    wait::until("all reports came", PATIENCE, async || (came.lock().ok()?.reports.len() == 180).then_some(())).await;
    cancel.cancel();
    let _ended: Ended = consumer.await.expect("the consumer ends in order");

    let came = came.lock().expect("no test has failed here");
    println!("180 reports, {} came again", came.again);
    let (mut covered, mut held, mut prev) = (Ranges::empty(), Ranges::empty(), None);
    for (seq, report) in (1..).zip(came.reports.values()) {
        assert_eq!((report.head.seq, report.head.prev), (seq, prev), "one chain without a hole");
        prev = Some(report.head_sha256);
        let from = report.head.window.start.since(start());
        covered = covered.union(&report.head.covered.shift(from));
        for segment in report.sections.iter().flat_map(|section| &section.segments) {
            held = held.union(&Ranges::one(from + segment.start_ms, from + segment.end_ms));
        }
    }
    assert_eq!(covered, Ranges::one(0, 180 * MINUTE));
    assert_eq!(held, Ranges::one(90_001, 10_000_003));
}

/// Sends for so long, and lets go of what is on its way.
async fn break_off(agent: &mut Agent, wait_ms: u64) {
    if let Ok(sent) = tokio::time::timeout(Duration::from_millis(wait_ms), agent.send_all()).await {
        sent.expect("the spool can be read");
    }
}

/// Sends until nothing waits.
async fn empty(agent: &mut Agent) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while agent.waiting() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "{} reports still wait", agent.waiting());
        agent.send_all().await.expect("the spool can be read");
    }
}
