//! Does a fleet that falls silent make one alert or a storm?

use std::time::{Duration, Instant};

use releve_aggregator::{Aggregator, Message, Settings, Source};
use releve_jobs::alerts::{self, Limits};
use releve_store::Db;
use releve_tests::{
    cluster::NODES,
    postgres::{Database, Durability, Postgres},
    world::{Machine, World},
};
use releve_types::{Timestamp, time::MILLIS_PER_MINUTE};

const BATCH_LEN_MAX: usize = 500;

/// Counting stops for ten minutes and more, and starts again while two racks stay cut off; later every node is cut off.
pub async fn run() {
    let postgres = Postgres::start(Durability::Fsync);
    let start = Timestamp::from_millis(1_588_291_200_000);
    let (database, db, world) = opened(&postgres, start).await;
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
        "{NODES} nodes, counting stopped for 15 min, 14 looks, the slowest {} ms: {}",
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
    count(&aggregator, &world.nodes, clock(90), quarter, clock(105)).await;
    look(&db, clock(105)).await;
    println!("all report: {}", database.sql(told));
    for minute in 106..120 {
        look(&db, clock(minute)).await;
    }
    println!("and all are cut off at once: {}", database.sql(told));
    println!(
        "{}",
        database.sql("select kind, count, fold, resolved_at is not null as over from alerts order by alert_id")
    );
}

async fn opened(postgres: &Postgres, since: Timestamp) -> (Database, Db, World) {
    let database = postgres.create_database();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
    owner.migrate().await.expect("migrates");
    let db = Db::connect(&database.login_url(), 8).await.expect("connects");
    let world = World::create(&db, "UTC", NODES, 4, 1, since).await;
    (database, db, world)
}

async fn look(db: &Db, now: Timestamp) -> Duration {
    let started = Instant::now();
    alerts::round(db, &Limits::default(), now).await.expect("looks");
    started.elapsed()
}

/// Reports that nobody holds anything in.
async fn count(aggregator: &Aggregator, nodes: &[Machine], start: Timestamp, window_ms: i64, now: Timestamp) {
    for batch in nodes.chunks(BATCH_LEN_MAX) {
        let message = |node: &Machine| Message { body: node.report(start, window_ms, &[]), source: Source::Amqp };
        let messages = batch.iter().map(message).collect();
        let fates = aggregator.take(messages, now).await.expect("fates");
        assert!(fates.iter().all(|fate| fate.name() == "counted"), "{fates:?}");
    }
}
