//! What becomes of a report, by the whole road but the broker? Each fate, and what may not change it.

#[path = "counting/ahead.rs"]
mod ahead;
#[path = "counting/culprits.rs"]
mod culprits;
#[path = "counting/races.rs"]
mod races;
#[path = "counting/verdicts.rs"]
mod verdicts;

use std::{collections::BTreeMap, sync::Arc};

use releve_aggregator::{Aggregator, Fate, Message, Settings, Source};
use releve_store::{Db, catalog, floor, nodes::ServiceState, tenure};
use releve_tests::{
    postgres::Postgres,
    world::{self, Hold, Machine, World, machine},
};
use releve_types::{Ranges, TenantKey, Timestamp, time::MILLIS_PER_HOUR};
use sqlx::{Connection, PgConnection, Row};

const T0: i64 = 1_588_291_200_000; // 2020-05-01T00:00:00Z

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(T0 + hours * MILLIS_PER_HOUR)
}

struct Bench {
    db: Db,
    url: String,
    world: World,
    aggregator: Aggregator,
    _server: Postgres,
}

impl Bench {
    async fn new(nodes: u32, tenants: u32) -> Self {
        let server = Postgres::shared();
        let database = server.create_database();
        let owner = Db::connect(&database.admin_url(), 1).await.expect("the database opens");
        owner.migrate().await.expect("the schema is made");
        let db = Db::connect(&database.login_url(), 4).await.expect("the database opens");
        db.check_login().await.expect("a login without powers");
        let url = database.admin_url();
        let world = World::create(&db, "UTC", nodes, 4, tenants, at(0)).await;
        let aggregator = Aggregator::new(db.clone(), Settings::default());
        Self { db, url, world, aggregator, _server: server }
    }

    async fn take(&self, bodies: &[Vec<u8>]) -> Vec<String> {
        self.take_at(bodies, at(24 * 40)).await
    }

    async fn take_at(&self, bodies: &[Vec<u8>], now: Timestamp) -> Vec<String> {
        names(&self.aggregator.take(messages(bodies), now).await.expect("a fate each"))
    }

    fn node(&self, n: usize) -> &Machine {
        &self.world.nodes[n]
    }

    fn key(&self, n: usize) -> &TenantKey {
        &self.world.tenants[n].key
    }

    /// One fully held hour of one device.
    fn hour(&self, node: usize, gpu: usize, tenant: usize, hour: i64) -> Vec<u8> {
        self.node(node).report(
            at(hour),
            MILLIS_PER_HOUR,
            &[Hold::new(self.key(tenant), gpu, "job", 0, MILLIS_PER_HOUR)],
        )
    }

    /// Counted milliseconds by tenant name: allocation hours and usage hours, which must agree.
    async fn totals(&self) -> BTreeMap<String, i64> {
        let usage = self
            .sums("select t.name, sum(u.ms)::bigint from usage_hours u join tenants t using (tenant_id) group by 1")
            .await;
        let held = self
            .sums(
                "select t.name, sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(a.held) r)
                              - (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(a.taken_back) r))::bigint
             from allocation_hours a join tenants t using (tenant_id) group by 1",
            )
            .await;
        assert_eq!(usage, held, "the two rollups agree");
        usage
    }

    async fn sums(&self, sql: &'static str) -> BTreeMap<String, i64> {
        let mut conn = PgConnection::connect(&self.url).await.expect("connects");
        let rows = sqlx::query(sql).fetch_all(&mut conn).await.expect("sums");
        rows.iter().map(|r| (r.get::<String, _>(0), r.get::<i64, _>(1))).collect()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = PgConnection::connect(&self.url).await.expect("connects");
        sqlx::query(sql).fetch_one(&mut conn).await.expect("a count").get(0)
    }
}

fn messages(bodies: &[Vec<u8>]) -> Vec<Message> {
    bodies.iter().map(|body| Message { body: body.clone(), source: Source::Amqp }).collect()
}

fn names(fates: &[Fate]) -> Vec<String> {
    let name = |fate: &Fate| match fate {
        Fate::Quarantined { reason, .. } => format!("quarantined {reason}"),
        fate => fate.name().to_owned(),
    };
    fates.iter().map(name).collect()
}

#[tokio::test]
async fn a_report_counts_once_however_often_it_comes() {
    let bench = Bench::new(2, 2).await;
    let first = bench.hour(0, 0, 0, 1);
    let second = bench.hour(1, 0, 1, 1);
    assert_eq!(bench.take(&[first.clone(), second.clone(), first.clone()]).await, ["counted", "counted", "duplicate"]);
    assert_eq!(bench.take(&[second, first]).await, ["duplicate", "duplicate"]);
    let hour = MILLIS_PER_HOUR;
    assert_eq!(bench.totals().await, BTreeMap::from([("t0".to_owned(), hour), ("t1".to_owned(), hour)]));
    assert_eq!(bench.count("select count(*) from reports").await, 2);
}

#[tokio::test]
async fn other_content_for_the_same_time_waits_for_a_person() {
    let bench = Bench::new(1, 2).await;
    let hour = bench.hour(0, 0, 0, 1);
    let same_key = bench.hour(0, 1, 0, 1);
    let quarter = bench.node(0).report(at(1), MILLIS_PER_HOUR / 4, &[]);
    let other_run =
        Machine { run: uuid::Uuid::from_u128(99), ..bench.node(0).clone() }.report(at(1), MILLIS_PER_HOUR, &[]);
    let fates = bench.take(&[hour, same_key.clone(), quarter, other_run]).await;
    assert_eq!(fates.iter().filter(|f| *f == "counted").count(), 1, "{fates:?}");
    assert_eq!(fates.iter().filter(|f| *f == "quarantined overlap").count(), 3, "{fates:?}");
    assert_eq!(bench.take(&[same_key]).await.len(), 1);
    assert_eq!(bench.count("select count(*) from quarantine").await, 3, "a redelivery does not double an entry");
    assert_eq!(bench.totals().await.values().sum::<i64>() % MILLIS_PER_HOUR, 0);
}

#[tokio::test]
async fn the_parts_of_a_window_fit_beside_each_other() {
    let bench = Bench::new(1, 1).await;
    let half = MILLIS_PER_HOUR / 2;
    let early = bench.node(0).unsealed(
        at(1),
        MILLIS_PER_HOUR,
        Ranges::one(0, half),
        &[Hold::new(bench.key(0), 0, "a", 0, half)],
    );
    let mut late = bench.node(0).unsealed(
        at(1),
        MILLIS_PER_HOUR,
        Ranges::one(half, MILLIS_PER_HOUR),
        &[Hold::new(bench.key(0), 0, "a", half, MILLIS_PER_HOUR)],
    );
    let same_key = bench.node(0).seal(&late);
    late.seq += 1;
    let late = bench.node(0).seal(&late);
    let early = bench.node(0).seal(&early);
    assert_eq!(bench.take(std::slice::from_ref(&early)).await, ["counted"]);
    assert_eq!(bench.take(&[same_key]).await, ["quarantined overlap"], "one key says one thing, whatever it covers");
    assert_eq!(bench.take(&[late]).await, ["counted"]);
    assert_eq!(bench.totals().await["t0"], MILLIS_PER_HOUR);
    assert_eq!(bench.count("select count(*) from allocation_hours").await, 1, "one allocation, one hour, one row");
}

#[tokio::test]
async fn a_window_without_coverage_is_decided_by_its_key() {
    let bench = Bench::new(1, 1).await;
    let silent = bench.node(0).report_covering(at(1), MILLIS_PER_HOUR, Ranges::empty(), &[]);
    assert_eq!(bench.take(&[silent.clone(), silent.clone()]).await, ["counted", "duplicate"]);
    assert_eq!(bench.take(&[silent]).await, ["duplicate"]);
    assert_eq!(bench.count("select count(*) from reports").await, 1);
    // Two halves of a window under one key, in one batch: one key says one thing.
    let half = MILLIS_PER_HOUR / 2;
    let early = bench.node(0).report_covering(at(2), MILLIS_PER_HOUR, Ranges::one(0, half), &[]);
    let late = bench.node(0).report_covering(at(2), MILLIS_PER_HOUR, Ranges::one(half, 2 * half), &[]);
    let mut fates = bench.take(&[early, late]).await;
    fates.sort();
    assert_eq!(fates, ["counted", "quarantined overlap"]);
}

#[tokio::test]
async fn strangers_revoked_keys_and_clocks_ahead_are_quarantined() {
    let bench = Bench::new(2, 1).await;
    let stranger = machine(77, 1).report(at(1), MILLIS_PER_HOUR, &[]);
    let forged = Machine { key: machine(78, 0).key, ..bench.node(0).clone() }.report(at(1), MILLIS_PER_HOUR, &[]);
    let ahead = bench.node(0).report(at(3), MILLIS_PER_HOUR, &[]);
    let early = bench.node(0).report(at(-2), MILLIS_PER_HOUR, &[]);
    let fates = bench.take_at(&[stranger.clone(), forged, ahead.clone(), early, b"{not json".to_vec()], at(3)).await;
    assert_eq!(
        fates,
        [
            "quarantined unknown_node",
            "quarantined bad_signature",
            "quarantined future_window",
            "quarantined unknown_key",
            "quarantined malformed",
        ]
    );
    let http = vec![Message { body: b"{not json".to_vec(), source: Source::Http }];
    let told = bench.aggregator.take(http, at(3)).await.expect("a fate");
    assert!(matches!(told.as_slice(), [Fate::Refused(reject)] if reject.code.as_str() == "not_json"), "{told:?}");

    // A node that retires may not report on; its key, once revoked, signs nothing more.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::set_state(&mut tx, bench.node(1).id, ServiceState::Retired, at(5).hour(), version, at(4)).await;
    tx.commit().await.expect("retired");
    assert_eq!(
        bench.take(&[bench.hour(1, 0, 0, 4), bench.hour(1, 0, 0, 5)]).await,
        ["counted", "quarantined not_in_service"]
    );
}

#[tokio::test]
async fn one_gpu_sits_in_one_node_at_a_time() {
    let bench = Bench::new(2, 1).await;
    let clone = Machine { gpus: bench.node(0).gpus.clone(), ..bench.node(1).clone() };
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 1)]).await, ["counted"]);
    let elsewhere = clone.report(at(1), MILLIS_PER_HOUR, &hold);
    assert_eq!(bench.take(&[elsewhere]).await, ["quarantined device_elsewhere"]);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    for gpu in &bench.node(0).gpus {
        assert!(tenure::record_move(&mut tx, gpu.uuid(), clone.id, at(10)).await.expect("a move").is_some());
    }
    tx.commit().await.expect("moved");
    // Judged at the window's time, never by arrival.
    let after = clone.report(at(10), MILLIS_PER_HOUR, &hold);
    let before = clone.report(at(9), MILLIS_PER_HOUR, &hold);
    assert_eq!(bench.take(&[after, before]).await, ["counted", "quarantined device_elsewhere"]);
    assert_eq!(
        bench.take(&[bench.hour(0, 0, 0, 9), bench.hour(0, 0, 0, 10)]).await,
        ["counted", "quarantined device_elsewhere"]
    );
}

#[tokio::test]
async fn where_a_gpu_sits_is_not_remembered_past_a_correction_by_hand() {
    let bench = Bench::new(2, 1).await;
    let clone = Machine { gpus: bench.node(0).gpus.clone(), ..bench.node(1).clone() };
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 1)]).await, ["counted"]);
    let mut admin = PgConnection::connect(&bench.url).await.expect("connects");
    let correct = sqlx::query("update device_tenure set node_id = $1").bind(clone.id.uuid());
    correct.execute(&mut admin).await.expect("corrected");
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    assert_eq!(bench.take(&[clone.report(at(2), MILLIS_PER_HOUR, &hold)]).await, ["counted"]);
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 3)]).await, ["quarantined device_elsewhere"]);
}

#[tokio::test]
async fn archived_days_are_known_or_for_a_person() {
    let bench = Bench::new(1, 1).await;
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 1)]).await, ["counted"]);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    floor::raise(&mut tx, at(24).day()).await.expect("raised");
    tx.commit().await.expect("raised");
    let before = bench.totals().await;
    assert_eq!(
        bench.take(&[bench.hour(0, 0, 0, 1), bench.hour(0, 0, 0, 2)]).await,
        ["late_known", "quarantined below_floor"]
    );
    assert_eq!(bench.totals().await, before);
}

#[tokio::test]
async fn unmapped_usage_is_visible_and_moves_once_a_rule_appears() {
    let bench = Bench::new(1, 1).await;
    let key = TenantKey::new("k8s:prod/nobody").expect("a key");
    let held =
        |hour| bench.node(0).report(at(hour), MILLIS_PER_HOUR, &[Hold::new(&key, 0, "job", 500, MILLIS_PER_HOUR)]);
    assert_eq!(bench.take(&[held(1), held(2), held(30)]).await, ["counted"; 3]);
    let suspense = "suspense k8s:prod/nobody".to_owned();
    let each = MILLIS_PER_HOUR - 500;
    assert_eq!(bench.totals().await, BTreeMap::from([(suspense.clone(), 3 * each)]));

    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::map(&mut tx, &key, Some(bench.world.tenants[0].tenant), at(2).hour(), version, at(50)).await;
    tx.commit().await.expect("mapped");
    let planned = bench.aggregator.reattribute(&key, "op", true, at(50)).await.expect("a plan");
    assert_eq!((planned.gpu_ms, bench.totals().await.len()), (2 * each, 1), "a dry run moves nothing");
    let moved = bench.aggregator.reattribute(&key, "op", false, at(50)).await.expect("moved");
    assert_eq!(moved.gpu_ms, 2 * each);
    let expected = BTreeMap::from([(suspense.clone(), each), ("t0".to_owned(), 2 * each)]);
    assert_eq!(bench.totals().await, expected);
    let again = bench.aggregator.reattribute(&key, "op", false, at(51)).await.expect("nothing to do");
    assert_eq!((again.gpu_ms, bench.totals().await), (0, expected));

    // And back again: taking back and giving in one open book cancel.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::map(&mut tx, &key, None, at(2).hour(), version, at(52)).await;
    tx.commit().await.expect("unmapped");
    bench.aggregator.reattribute(&key, "op", false, at(52)).await.expect("moved back");
    assert_eq!(bench.totals().await, BTreeMap::from([(suspense, 3 * each), ("t0".to_owned(), 0)]));
}

#[tokio::test]
async fn a_redriven_report_gets_its_new_fate_in_one_transaction() {
    let bench = Bench::new(1, 1).await;
    let late_node = machine(5, 4);
    let body = late_node.report(at(1), MILLIS_PER_HOUR, &[Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)]);
    assert_eq!(bench.take(std::slice::from_ref(&body)).await, ["quarantined unknown_node"]);
    let id: uuid::Uuid = {
        let mut conn = PgConnection::connect(&bench.url).await.expect("connects");
        sqlx::query("select quarantine_id from quarantine").fetch_one(&mut conn).await.expect("one").get(0)
    };
    let ids = [releve_types::ids::QuarantineId::from_uuid(id)];
    let still = bench.aggregator.redrive(&ids, at(50)).await.expect("judged");
    assert_eq!(names(&still.into_iter().map(|(_, f)| f).collect::<Vec<_>>()), ["quarantined unknown_node"]);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::register(&mut tx, &late_node, "late", at(0).hour(), version, at(50)).await;
    tx.commit().await.expect("registered");
    let counted = bench.aggregator.redrive(&ids, at(51)).await.expect("judged");
    assert_eq!(names(&counted.into_iter().map(|(_, f)| f).collect::<Vec<_>>()), ["counted"]);
    assert!(bench.aggregator.redrive(&ids, at(52)).await.expect("judged").is_empty(), "a verdict stands");
    assert_eq!(bench.take(&[body]).await, ["duplicate"]);
    assert_eq!(bench.totals().await["t0"], MILLIS_PER_HOUR);
    assert_eq!(bench.count("select count(*) from quarantine where status = 'counted'").await, 1);
}

#[tokio::test]
async fn the_catalog_may_move_while_a_batch_is_judged() {
    let bench = Bench::new(1, 1).await;
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 1)]).await, ["counted"]);
    // The aggregator remembers the catalog; a node registered since is known all the same.
    let fresh = machine(9, 1);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::register(&mut tx, &fresh, "fresh", at(0).hour(), version, at(2)).await;
    tx.commit().await.expect("registered");
    assert_eq!(bench.take(&[fresh.report(at(1), MILLIS_PER_HOUR, &[])]).await, ["counted"]);
}

#[tokio::test]
async fn an_erasable_name_arrives_with_its_allocation() {
    let bench = Bench::new(1, 1).await;
    let mut report = bench.node(0).unsealed(
        at(1),
        MILLIS_PER_HOUR,
        Ranges::one(0, MILLIS_PER_HOUR),
        &[Hold::new(bench.key(0), 0, "job-7", 0, MILLIS_PER_HOUR)],
    );
    report.sections[0].allocs = vec![releve_wire::AllocDetails {
        alloc: "job-7".to_owned(),
        name: Some("train".to_owned()),
        user: Some("zebedee".to_owned()),
        labels: vec![("team".to_owned(), "nlp".to_owned())],
    }];
    assert_eq!(bench.take(&[bench.node(0).seal(&report), bench.hour(0, 0, 0, 2)]).await, ["counted", "counted"]);
    let named =
        "select count(*) from allocations where alloc = 'job-7' and name = 'train' and labels ->> 'team' = 'nlp'";
    assert_eq!(bench.count(named).await, 1);
    let mut conn = PgConnection::connect(&bench.url).await.expect("connects");
    for row in sqlx::query("select body from reports").fetch_all(&mut conn).await.expect("reports") {
        let evidence = releve_store::reports::unpack(row.get::<&[u8], _>(0)).expect("evidence");
        assert!(!format!("{evidence:?}").contains("zebedee"), "what is personal is not in the stored report");
    }
}

/// Two aggregators, one device on two nodes and one node's overlapping reports: one wins, the rest is quarantined.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_have_one_winner() {
    const ROUNDS: i64 = 1_000;
    let bench = Bench::new(2, 1).await;
    let twin = Arc::new(Aggregator::new(bench.db.clone(), Settings::default()));
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    let mut wins = BTreeMap::<&str, i64>::new();
    for round in 0..ROUNDS {
        // A new device each round, shown by both nodes in the same hour; and one node's hour said in two ways.
        let gpu = machine(u32::try_from(1_000 + round).expect("small"), 1).gpus;
        let start = at(round);
        let a = Machine { gpus: gpu.clone(), ..bench.node(0).clone() }.report(start, MILLIS_PER_HOUR, &hold);
        let b = Machine { gpus: gpu, ..bench.node(1).clone() }.report(start, MILLIS_PER_HOUR, &hold);
        let c = Machine { run: uuid::Uuid::from_u128(500), ..bench.node(1).clone() }.report(
            start,
            MILLIS_PER_HOUR / 2,
            &[Hold::new(bench.key(0), 1, "other", 0, 1_000)],
        );
        let now = at(ROUNDS + 100);
        let (left, right) =
            tokio::join!(bench.aggregator.take(messages(&[a, c]), now), twin.take(messages(&[b]), now),);
        let fates = names(&[left.expect("fates"), right.expect("fates")].concat());
        // a and b share a device; b and c share node 1's time; a and c share nothing.
        let counted = fates.iter().filter(|f| *f == "counted").count();
        match (fates[0].as_str(), fates[2].as_str(), fates[1].as_str()) {
            ("counted", "quarantined device_elsewhere", "counted") => *wins.entry("a and c").or_default() += 1,
            ("quarantined device_elsewhere", "counted", "quarantined overlap") => *wins.entry("b").or_default() += 1,
            _ => panic!("round {round}: {counted} counted: {fates:?}"),
        }
    }
    println!("winners: {wins:?}");
    assert_eq!(wins.values().sum::<i64>(), ROUNDS);
    let hours = bench
        .count(
            "select count(*) from (select hour, device_id from allocation_hours group by 1, 2 having count(*) > 1) d",
        )
        .await;
    assert_eq!(hours, 0, "no device was sold twice in an hour");
}
