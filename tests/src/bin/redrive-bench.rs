//! May half a million quarantined reports be judged again while a full cluster reports? `cargo run --release -p releve-tests --bin
//! redrive-bench [-- WINDOWS]`, with the programs built beside it. On servers of its own, on loopback.
//!
//! 4,500 nodes reported for 112 minutes before anybody registered them: 504,000 reports of an unknown node. Then they are registered, and
//! judged again page by page over the API, while 9,000 others report each minute. The server is killed once in the midst of it. At the end
//! nothing waits, every report is counted once, and the audit passes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use releve_broker::{BrokerConfig, Topology, queue_depths};
use releve_store::{Db, catalog};
use releve_tests::{
    cluster::{Cluster, NODES, PREFIX, SHARDS, hours_before},
    fleet::Spread,
    http::Http,
    releve::Launch,
    world::{World, machine, register},
};
use releve_types::{
    Timestamp,
    time::{MILLIS_PER_MINUTE, wall_clock},
};
use serde_json::{Value, json};

const LATE_NODES: u32 = 4_500;
const WINDOWS: u32 = 112;
const COUNTED_WAIT_MAX: Duration = Duration::from_secs(1_800);
const AUDIT_WAIT_MAX: Duration = Duration::from_secs(1_800);
/// How long the others report before and after, to compare with.
const ALONE_MINUTES: u32 = 2;

#[tokio::main]
async fn main() {
    let windows: u32 = std::env::args().nth(1).map_or(WINDOWS, |windows| windows.parse().expect("a number of windows"));
    let (cluster, now) = (Cluster::start(), wall_clock());
    let (since, owner) = (hours_before(now, 3), cluster.owner().await);
    let world = World::create(&owner, "UTC", NODES, 4, 400, since).await;
    let mut serving = cluster.serve("all").await;

    let keys = |shift: usize| {
        move |node: usize, gpu: usize| world.tenants[(node * 4 + gpu + shift) % world.tenants.len()].key.clone()
    };
    let holder = keys(0);
    let late = cluster.fleet((NODES..NODES + LATE_NODES).map(|n| machine(n, 4)).collect(), &holder);
    let live = cluster.fleet((0..NODES).map(|n| machine(n, 4)).collect(), &holder);
    let began = Instant::now();
    let mut sent = 0;
    for window in 0..windows {
        sent += late.catch_up(since.plus_millis(i64::from(window) * MILLIS_PER_MINUTE)).await;
    }
    until(&cluster, "select count(*) from quarantine where status = 'waiting'", sent).await;
    println!("{sent} reports of {LATE_NODES} unknown nodes quarantined in {:.0?}", began.elapsed());

    let depth = Depth::watch(&cluster.amqp);
    let mut lively = live.report(Spread::Minute, ALONE_MINUTES).await;
    depth.tell("9,000 others report each minute, spread over it, alone");

    register_late(&owner, since, now).await;
    let over = Arc::new(AtomicBool::new(false));
    let reporting = tokio::spawn({
        let over = over.clone();
        async move {
            let mut confirmed = 0;
            while !over.load(Ordering::Relaxed) {
                confirmed += live.report(Spread::Minute, 1).await;
            }
            confirmed
        }
    });
    let began = Instant::now();
    let half = i64::try_from(sent / 2).expect("fits");
    let mut judged = judge(&serving.http().with_token(&cluster.operator), Some(half)).await;
    depth.tell("while they are judged again");
    let killed = Instant::now();
    serving.kill();
    serving = cluster.serve("all").await;
    println!("killed after {judged}; ready again after {:.1?}", killed.elapsed());
    judged += judge(&serving.http().with_token(&cluster.operator), None).await;
    let took = began.elapsed();
    depth.tell("killed once, caught up and judged on");
    over.store(true, Ordering::Relaxed);
    lively += reporting.await.expect("reported");
    until(&cluster, "select count(*) from reports", sent + lively).await;
    depth.tell("to the end");
    let waiting = cluster.database.sql("select status || ' ' || count(*) from quarantine group by status");
    println!(
        "{judged} answers of re-drives in {took:.0?}; quarantine: {}; {lively} reports of the others",
        waiting.trim()
    );
    let began = Instant::now();
    let audit = Launch::releve(&["audit", "--json"])
        .env("DATABASE_URL", cluster.database.login_url())
        .finish(AUDIT_WAIT_MAX)
        .json();
    println!("audit in {:.0?}: ok {}, differences {}", began.elapsed(), audit["ok"], audit["differences"]);
    serving.kill();
    assert_eq!(audit["ok"], Value::Bool(true), "{audit}");
}

/// The late nodes are known from now on, and in service since they began.
async fn register_late(owner: &Db, since: Timestamp, now: Timestamp) {
    let mut tx = owner.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    for n in NODES..NODES + LATE_NODES {
        register(&mut tx, &machine(n, 4), &format!("late{n}"), since.hour(), version, now).await;
    }
    tx.commit().await.expect("registered");
}

async fn until(cluster: &Cluster, counted: &str, expected: u64) {
    let began = Instant::now();
    while cluster.number(counted) != expected {
        assert!(began.elapsed() < COUNTED_WAIT_MAX, "{counted} is not {expected}: {}", cluster.number(counted));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Judges what waits again, page by page, as a person would who presses the button until nothing is left, or so many are done.
async fn judge(api: &Http, enough: Option<i64>) -> i64 {
    let (mut after, mut judged) = (Value::Null, 0);
    loop {
        let asked = json!({ "filter": { "reason": "unknown_node" }, "after": after });
        let page = api.post("/v1/quarantine/redrive", &asked).await.expect(200);
        judged += page["messages"].as_i64().expect("a count");
        after = page["next"].clone();
        if after.is_null() || enough.is_some_and(|enough| judged >= enough) {
            return judged;
        }
    }
}

/// How many reports wait in the queues, looked at all the time.
struct Depth(Arc<std::sync::Mutex<Vec<u32>>>);

impl Depth {
    fn watch(amqp: &str) -> Self {
        let seen: Arc<std::sync::Mutex<Vec<u32>>> = Arc::default();
        let config = BrokerConfig::new(amqp, "bench").expect("a broker");
        let (mine, topology) = (seen.clone(), Topology::new(PREFIX, SHARDS));
        tokio::spawn(async move {
            loop {
                if let Ok(depths) = queue_depths(&config, &topology).await {
                    let ready =
                        depths.iter().filter(|depth| !depth.queue.contains("dead")).map(|depth| depth.ready).sum();
                    mine.lock().expect("unpoisoned").push(ready);
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        });
        Self(seen)
    }

    fn tell(&self, when: &str) {
        let mut seen = std::mem::take(&mut *self.0.lock().expect("unpoisoned"));
        seen.sort_unstable();
        let at = |percent: usize| seen.get(seen.len() * percent / 100).or(seen.last()).copied().unwrap_or(0);
        println!("waiting in the queues, {when}: p50 {}, p99 {}, at most {}", at(50), at(99), at(100));
    }
}
