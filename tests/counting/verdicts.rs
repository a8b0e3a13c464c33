//! What stays decided, and whom does what is undecided concern?

use std::collections::{BTreeMap, BTreeSet};

use releve_aggregator::{Aggregator, Settings};
use releve_store::{
    catalog, held_back,
    nodes::ServiceState,
    quarantine_views::{self, Filter, Verdict},
};
use releve_tests::world::{self, Hold, Machine, machine};
use releve_types::{AccountId, Ranges, TenantId, TenantKey, Timestamp, Zone, ids::QuarantineId, time::MILLIS_PER_HOUR};
use releve_wire::suspense_tenant_id;
use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{Bench, at, messages, names};

impl Bench {
    async fn register(&self, machine: &Machine) {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        let version = catalog::bump(&mut tx).await.expect("a version");
        world::register(&mut tx, machine, "late", at(0).hour(), version, at(50)).await;
        tx.commit().await.expect("registered");
    }

    async fn rule(&self, key: &TenantKey, tenant: Option<TenantId>, from: Timestamp) {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        let version = catalog::bump(&mut tx).await.expect("a version");
        world::map(&mut tx, key, tenant, from.hour(), version, at(50)).await;
        tx.commit().await.expect("mapped");
    }

    /// The one entry in quarantine.
    async fn entry(&self) -> PgRow {
        let mut conn = PgConnection::connect(&self.url).await.expect("connects");
        let sql =
            "select quarantine_id, reason, status, node_id, agent, tenants, held_ms, window_start is not null as dated,
                          length(body) as bytes from quarantine";
        sqlx::query(sql).fetch_one(&mut conn).await.expect("one entry")
    }

    async fn concerned(&self, tenant: TenantId, at: Timestamp) -> BTreeSet<AccountId> {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        let period = Zone::utc().period_of(at);
        let found = held_back::accounts_concerned(&mut tx, &BTreeSet::from([tenant]), period).await;
        found.expect("read").remove(&tenant).unwrap_or_default()
    }
}

fn exposure(row: &PgRow) -> BTreeMap<TenantId, i64> {
    let tenants: Vec<Uuid> = row.get("tenants");
    let held: Vec<i64> = row.get("held_ms");
    tenants.into_iter().map(TenantId::from_uuid).zip(held).collect()
}

#[tokio::test]
async fn a_rejection_stands_when_the_same_bytes_come_again() {
    let bench = Bench::new(1, 1).await;
    let late = machine(5, 4);
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    let (body, other) = (late.report(at(1), MILLIS_PER_HOUR, &hold), late.report(at(2), MILLIS_PER_HOUR, &hold));
    assert_eq!(bench.take(std::slice::from_ref(&body)).await, ["quarantined unknown_node"]);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let verdict = Verdict { by: "op".to_owned(), at: at(50), reason: "made up".to_owned() };
    assert_eq!(quarantine_views::reject(&mut tx, &Filter::default(), &verdict).await.expect("rejected"), 1);
    tx.commit().await.expect("rejected");
    bench.register(&late).await;
    let fates = bench.take(&[body.clone(), other, body]).await;
    assert_eq!(fates, ["quarantined unknown_node", "counted", "quarantined unknown_node"]);
    assert_eq!(bench.totals().await["t0"], MILLIS_PER_HOUR);
    let row = bench.entry().await;
    assert_eq!((row.get::<&str, _>("status"), row.get::<&str, _>("reason")), ("rejected", "unknown_node"));
}

#[tokio::test]
async fn what_waited_and_is_counted_on_redelivery_waits_no_longer() {
    let bench = Bench::new(1, 1).await;
    let late = machine(5, 4);
    let body = late.report(at(1), MILLIS_PER_HOUR, &[Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)]);
    assert_eq!(bench.take(std::slice::from_ref(&body)).await, ["quarantined unknown_node"]);
    bench.register(&late).await;
    assert_eq!(bench.take(&[body.clone(), body]).await, ["counted", "duplicate"]);
    assert_eq!(bench.entry().await.get::<&str, _>("status"), "counted");
    assert_eq!(bench.totals().await["t0"], MILLIS_PER_HOUR);
}

#[tokio::test]
async fn a_report_that_can_not_be_true_concerns_those_it_names() {
    let bench = Bench::new(1, 2).await;
    let stray = TenantKey::new("static:stray").expect("a key");
    let holds = [
        Hold::new(bench.key(0), 0, "a", 0, MILLIS_PER_HOUR),
        Hold::new(bench.key(1), 0, "b", 0, MILLIS_PER_HOUR / 2),
        Hold::new(&stray, 1, "c", 0, 7),
    ];
    let oversold = bench.node(0).report(at(1), MILLIS_PER_HOUR, &holds);
    assert_eq!(bench.take(&[oversold]).await, ["quarantined contradiction"]);
    let row = bench.entry().await;
    let tenants = &bench.world.tenants;
    let expected = BTreeMap::from([
        (tenants[0].tenant, MILLIS_PER_HOUR),
        (tenants[1].tenant, MILLIS_PER_HOUR / 2),
        (suspense_tenant_id(&stray), 7),
    ]);
    assert_eq!(exposure(&row), expected);
    assert_eq!(row.get::<&str, _>("agent"), "releve-test/1");
    assert_eq!(bench.count("select count(*) from tenants where kind = 'suspense'").await, 1);
}

#[tokio::test]
async fn a_key_that_comes_late_concerns_those_it_speaks_of() {
    let bench = Bench::new(1, 1).await;
    let stray = TenantKey::new("static:stray").expect("a key");
    // Before the node's key is valid.
    let holds = [Hold::new(bench.key(0), 0, "a", 0, 9), Hold::new(&stray, 1, "b", 0, 7)];
    bench.rule(bench.key(0), Some(bench.world.tenants[0].tenant), at(-100)).await;
    let early = bench.node(0).report(at(-2), MILLIS_PER_HOUR, &holds);
    assert_eq!(bench.take(&[early]).await, ["quarantined unknown_key"]);
    let expected = BTreeMap::from([(bench.world.tenants[0].tenant, 9), (suspense_tenant_id(&stray), 7)]);
    assert_eq!(exposure(&bench.entry().await), expected);
    let made = bench.count("select count(*) from tenants where kind = 'suspense'").await;
    assert_eq!(made, 0, "what nobody vouched for makes no tenants");
}

#[tokio::test]
async fn what_a_node_signed_is_kept_whole_and_what_nobody_signed_is_cut() {
    for (forged, reason) in [(false, "malformed"), (true, "bad_signature")] {
        let bench = Bench::new(1, 1).await;
        let settings = Settings { unsigned_bytes_max: 100, ..Settings::default() };
        let aggregator = Aggregator::new(bench.db.clone(), settings);
        let key = if forged { machine(78, 0).key } else { bench.node(0).key.clone() };
        let sender = Machine { key, ..bench.node(0).clone() };
        // Held where nothing was observed.
        let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
        let body = sender.report_covering(at(1), MILLIS_PER_HOUR, Ranges::one(0, MILLIS_PER_HOUR / 2), &hold);
        let fates = aggregator.take(messages(std::slice::from_ref(&body)), at(48)).await.expect("fates");
        assert_eq!(names(&fates), [format!("quarantined {reason}")]);
        let row = bench.entry().await;
        let bytes = usize::try_from(row.get::<i32, _>("bytes")).expect("a length");
        assert_eq!(bytes, if forged { 100 } else { body.len() });
        let node = (!forged).then(|| bench.node(0).id.uuid());
        assert_eq!((row.get::<Option<Uuid>, _>("node_id"), row.get::<bool, _>("dated")), (node, !forged));
        assert_eq!(exposure(&row).len(), usize::from(!forged));
    }
}

#[tokio::test]
async fn a_redrive_that_finds_another_reason_tells_anew_whom_it_concerns() {
    let bench = Bench::new(1, 1).await;
    let (late, stray) = (machine(5, 4), TenantKey::new("static:stray").expect("a key"));
    let body = late.report(at(1), MILLIS_PER_HOUR, &[Hold::new(&stray, 0, "job", 0, 1_000)]);
    assert_eq!(bench.take(&[body]).await, ["quarantined unknown_node"]);
    let row = bench.entry().await;
    assert_eq!(exposure(&row), BTreeMap::new(), "a stranger's word holds nobody");
    let ids = [QuarantineId::from_uuid(row.get("quarantine_id"))];

    bench.register(&late).await;
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::set_state(&mut tx, late.id, ServiceState::Retired, at(0).hour(), version, at(50)).await;
    tx.commit().await.expect("retired");
    bench.rule(&stray, Some(bench.world.tenants[0].tenant), at(-1)).await;
    bench.rule(&stray, None, at(0)).await;
    let fates: Vec<_> =
        bench.aggregator.redrive(&ids, at(51)).await.expect("judged").into_iter().map(|(_, fate)| fate).collect();
    assert_eq!(names(&fates), ["quarantined not_in_service"]);
    let (row, suspense) = (bench.entry().await, suspense_tenant_id(&stray));
    assert_eq!(row.get::<&str, _>("reason"), "not_in_service");
    assert_eq!(exposure(&row), BTreeMap::from([(suspense, 1_000)]));
    assert_eq!(row.get::<&str, _>("agent"), "releve-test/1");
    // Nothing was ever counted under that key, and yet it is known whom it concerns.
    assert_eq!(bench.concerned(suspense, at(1)).await, BTreeSet::from([bench.world.tenants[0].account]));
}

#[tokio::test]
async fn suspense_concerns_those_whose_key_it_was_about_then() {
    let bench = Bench::new(1, 3).await;
    let key = TenantKey::new("static:shared").expect("a key");
    let tenant = |n: usize| Some(bench.world.tenants[n].tenant);
    let (may, june, july) = (at(1), at(24 * 31), at(24 * 61));
    bench.rule(&key, tenant(0), at(0)).await;
    bench.rule(&key, tenant(1), at(24)).await;
    bench.rule(&key, None, at(48)).await;
    bench.rule(&key, tenant(2), july).await;
    let held = bench.node(0).report(at(49), MILLIS_PER_HOUR, &[Hold::new(&key, 0, "job", 0, 1_000)]);
    assert_eq!(bench.take(&[held]).await, ["counted"]);
    let suspense = suspense_tenant_id(&key);
    let accounts = |of: &[usize]| of.iter().map(|n| bench.world.tenants[*n].account).collect::<BTreeSet<_>>();
    assert_eq!(bench.concerned(suspense, may).await, accounts(&[0, 1]));
    assert_eq!(bench.concerned(suspense, june).await, accounts(&[1]), "the last one that was named before");
    assert_eq!(bench.concerned(suspense, july).await, accounts(&[1, 2]));
}
