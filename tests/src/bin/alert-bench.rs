//! How long from a report's commit to its alert in the outbox, and does a fleet that falls silent make one alert or a storm?
//! `cargo run --release -p releve-tests --bin alert-bench`; `-- latency` or `-- fleet` for one of the two. On a server of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use releve_aggregator::{Aggregator, Message, Settings, Source};
use releve_jobs::alerts::{self, Limits};
use releve_store::Db;
use releve_tests::{
    postgres::{Database, Durability, Postgres},
    world::{Hold, Machine, World},
};
use releve_types::{
    Timestamp,
    time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE, wall_clock},
};
use tokio_util::sync::CancellationToken;

const BATCH_LEN_MAX: usize = 500;
/// Accounts whose thresholds are crossed one by one, beside as many whose usage changes all the time.
const SAMPLES: usize = 100;
const LOADED: usize = 400;
const FLEET: u32 = 9_000;

#[tokio::main]
async fn main() {
    let asked = std::env::args().nth(1);
    let wanted = |one: &str| asked.as_deref().is_none_or(|asked| asked == one);
    if wanted("latency") {
        latency().await;
    }
    if wanted("fleet") {
        fleet().await;
    }
}

async fn opened(postgres: &Postgres, nodes: u32, tenants: u32, since: Timestamp) -> (Database, Db, World) {
    let database = postgres.create_database();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
    owner.migrate().await.expect("migrates");
    let db = Db::connect(&database.login_url(), 8).await.expect("connects");
    let world = World::create(&db, "UTC", nodes, 4, tenants, since).await;
    (database, db, world)
}

fn message(body: Vec<u8>) -> Message {
    Message { body, source: Source::Amqp }
}

/// The last minutes, one after the other: each node reports, and each device is held by a tenant of its own.
async fn latency() {
    let postgres = Postgres::start(Durability::Fsync);
    let now = wall_clock();
    let since = Timestamp::from_millis(now.as_millis() - now.as_millis() % MILLIS_PER_HOUR - 2 * MILLIS_PER_HOUR);
    let tenants = u32::try_from(SAMPLES + LOADED).expect("few");
    let (database, db, world) = opened(&postgres, tenants / 4, tenants, since).await;
    database.sql(
        "insert into budgets (tenant_id, budget_id, name, measure, ceiling, basis, thresholds, hard, created_at, created_by)
         select tenant_id, gen_random_uuid(), 'b', 'amount', 0.01, 'actual', '{100}', false, now(), 'bench' from tenants",
    );
    let aggregator = Arc::new(Aggregator::new(db.clone(), Settings::default()));
    let cancel = CancellationToken::new();
    let watching = tokio::spawn(alerts::run(db.clone(), Limits::default(), cancel.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(
        aggregator.clone(),
        world.nodes[SAMPLES / 4..].to_vec(),
        world.tenants[SAMPLES..].to_vec(),
        since,
        stop.clone(),
    ));
    let mut waits = Vec::new();
    for sample in 0..SAMPLES {
        let (node, holder) = (&world.nodes[sample / 4], &world.tenants[sample]);
        let start = since.plus_millis(i64::try_from(sample % 4).expect("small") * MILLIS_PER_MINUTE);
        let report =
            node.report(start, MILLIS_PER_MINUTE, &[Hold::new(&holder.key, sample % 4, "job", 0, MILLIS_PER_MINUTE)]);
        let fates = aggregator.take(vec![message(report)], wall_clock()).await.expect("fates");
        assert_eq!(fates[0].name(), "counted");
        let committed = Instant::now();
        let asked = format!(
            "select count(*) from outbox where topic = 'budget.reached' and account_id = '{}'",
            holder.account.uuid()
        );
        while database.sql(&asked) != "1" {
            assert!(committed.elapsed() < Duration::from_secs(60), "the alert of {} never came", holder.name);
        }
        waits.push(committed.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let reports = loading.await.expect("loads");
    cancel.cancel();
    watching.await.expect("watches");
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)].as_millis();
    println!("commit to outbox, {SAMPLES} thresholds beside {reports} reports of {LOADED} tenants with budgets:");
    println!("  p50 {} ms, p99 {} ms, at most {} ms", at(50), at(99), at(100));
}

/// Counts usage of other tenants until it is told to stop; how many reports.
async fn load(
    aggregator: Arc<Aggregator>,
    nodes: Vec<Machine>,
    tenants: Vec<releve_tests::world::Holder>,
    since: Timestamp,
    stop: Arc<AtomicBool>,
) -> usize {
    let mut reports = 0;
    for minute in 0.. {
        let start = since.plus_millis(minute * MILLIS_PER_MINUTE);
        let report = |(n, node): (usize, &Machine)| {
            let hold = |gpu: usize| Hold::new(&tenants[n * 4 + gpu].key, gpu, "job", 0, MILLIS_PER_MINUTE);
            message(node.report(start, MILLIS_PER_MINUTE, &(0..4).map(hold).collect::<Vec<_>>()))
        };
        let all: Vec<Message> = nodes.iter().enumerate().map(report).collect();
        for batch in all.chunks(25) {
            if stop.load(Ordering::Relaxed) || start.as_millis() + MILLIS_PER_MINUTE > wall_clock().as_millis() {
                return reports;
            }
            aggregator.take(batch.to_vec(), wall_clock()).await.expect("fates");
            reports += batch.len();
        }
    }
    reports
}

/// Counting stops for ten minutes and more, and starts again while two racks stay cut off.
async fn fleet() {
    let postgres = Postgres::start(Durability::Fsync);
    let start = Timestamp::from_millis(1_588_291_200_000);
    let (database, db, world) = opened(&postgres, FLEET, 1, start).await;
    // 18 nodes to a rack, as in an NVL72.
    database.sql(
        "set session_replication_role = replica;
         update node_states s set rack = 'r' || (n.place / 18)
         from (select node_id, row_number() over (order by length(name), name) - 1 as place from nodes) n
         where n.node_id = s.node_id",
    );
    let aggregator = Aggregator::new(db.clone(), Settings::default());
    let clock = |minute: i64| start.plus_millis(minute * MILLIS_PER_MINUTE);
    let quarter = 15 * MILLIS_PER_MINUTE;
    let told = "select string_agg(topic || ' ' || n, ', ' order by topic) from (select topic, count(*) n from outbox group by 1) t";
    for quarter_hour in 0..4 {
        count(&aggregator, &world.nodes, clock(quarter_hour * 15), quarter, clock(61)).await;
    }
    look(&db, clock(61)).await;
    let mut slowest = Duration::ZERO;
    for minute in 62..76 {
        slowest = slowest.max(look(&db, clock(minute)).await);
    }
    println!(
        "{FLEET} nodes, counting stopped for 15 min, 14 looks, the slowest {} ms: {}",
        slowest.as_millis(),
        database.sql(told)
    );
    count(&aggregator, &world.nodes[36..], clock(60), quarter, clock(76)).await;
    for minute in 76..80 {
        look(&db, clock(minute)).await;
    }
    println!("started again, two racks cut off: {}", database.sql(told));
    count(&aggregator, &world.nodes[..36], clock(60), quarter, clock(80)).await;
    look(&db, clock(80)).await;
    count(&aggregator, &world.nodes[36..], clock(75), quarter, clock(90)).await;
    look(&db, clock(90)).await;
    println!("they are back and cut off again, the rest goes on: {}", database.sql(told));
    println!(
        "{}",
        database.sql("select kind, count, fold, resolved_at is not null as over from alerts order by alert_id")
    );
}

async fn look(db: &Db, now: Timestamp) -> Duration {
    let started = Instant::now();
    alerts::round(db, &Limits::default(), now).await.expect("looks");
    started.elapsed()
}

/// Reports that nobody holds anything in.
async fn count(aggregator: &Aggregator, nodes: &[Machine], start: Timestamp, window_ms: i64, now: Timestamp) {
    for batch in nodes.chunks(BATCH_LEN_MAX) {
        let messages = batch.iter().map(|node| message(node.report(start, window_ms, &[]))).collect();
        let fates = aggregator.take(messages, now).await.expect("fates");
        assert!(fates.iter().all(|fate| fate.name() == "counted"), "{fates:?}");
    }
}
