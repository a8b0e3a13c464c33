//! What if two change one thing at the same moment? One waits for the other, and then sees what it did.

use std::time::Duration;

use releve_aggregator::{Aggregator, IncomingReading, ReadingFate, Settings, decode_reading};
use releve_store::{
    books::{self, AccountPeriod},
    catalog,
    device_views::{self, Contradicted},
    moves, rollups, tenure,
};
use releve_tests::{
    wait::until,
    world::{self, Hold, Machine},
};
use releve_types::{DeviceId, Sku, TenantKey, Unit, Zone, time::MILLIS_PER_HOUR};
use releve_wire::{allocation_id, suspense_tenant_id};
use uuid::Uuid;

use crate::{Bench, at};

const PATIENCE: Duration = Duration::from_secs(20);

/// Until so many of the database's sessions wait for a lock.
async fn waiting(bench: &Bench, what: &str, sessions: i64) {
    let count = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    until(what, PATIENCE, async || (bench.count(count).await == sessions).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reattributions_of_a_key_move_its_usage_once() {
    let bench = Bench::new(1, 1).await;
    let key = TenantKey::new("k8s:prod/nobody").expect("a key");
    let held = bench.node(0).report(at(1), MILLIS_PER_HOUR, &[Hold::new(&key, 0, "job", 0, MILLIS_PER_HOUR)]);
    // The tenant has usage of its own, and with it a period: nobody waits for one that is being made.
    assert_eq!(bench.take(&[held, bench.hour(0, 0, 0, 2)]).await, ["counted", "counted"]);
    let to = bench.world.tenants[0].tenant;
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let version = catalog::bump(&mut tx).await.expect("a version");
    world::map(&mut tx, &key, Some(to), at(0).hour(), version, at(50)).await;
    tx.commit().await.expect("mapped");
    // A stranger names the allocation for its new tenant and does not commit: who moves waits for that, after it has
    // read what there is to move.
    let mut slow = bench.db.begin_app().await.expect("a transaction");
    let job = allocation_id(&key, "job");
    moves::copy_names(&mut slow, suspense_tenant_id(&key), to, &[job]).await.expect("named");
    let twin = Aggregator::new(bench.db.clone(), Settings::default());
    let release = async {
        waiting(&bench, "both re-attributions wait", 2).await;
        slow.rollback().await.expect("gone");
    };
    let (left, right, ()) = tokio::join!(
        bench.aggregator.reattribute(&key, "left", false, at(50)),
        twin.reattribute(&key, "right", false, at(50)),
        release
    );
    assert_eq!(left.expect("moved").gpu_ms + right.expect("moved").gpu_ms, MILLIS_PER_HOUR, "one of them moved it");
    let totals = bench.totals().await;
    assert_eq!((totals["suspense k8s:prod/nobody"], totals["t0"]), (0, 2 * MILLIS_PER_HOUR));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_waits_for_who_counts_and_sees_what_was_counted() {
    let bench = Bench::new(2, 1).await;
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 1)]).await, ["counted"]);
    let (gpu, to) = (bench.node(0).gpus[0].uuid(), bench.node(1).id);
    // A closing of books holds up a batch that has judged where the GPU sits.
    let mut closing = bench.db.begin_app().await.expect("a transaction");
    let of = AccountPeriod { account: bench.world.tenants[0].account, period: Zone::utc().period_of(at(10)) };
    books::lock_alone(&mut closing, &[of]).await.expect("alone");
    let counted = [bench.hour(0, 0, 0, 10)];
    let moving = async {
        waiting(&bench, "the batch waits for its book", 1).await;
        let mut tx = bench.db.begin_app().await.expect("a transaction");
        assert!(tenure::record_move(&mut tx, gpu, to, at(5)).await.expect("a move").is_some());
        device_views::contradicted(&mut tx, gpu, to, at(5)).await.expect("read")
    };
    let release = async {
        waiting(&bench, "the move waits for the batch", 2).await;
        closing.commit().await.expect("closed");
    };
    let (fates, contradicted, ()) = tokio::join!(bench.take(&counted), moving, release);
    assert_eq!(fates, ["counted"]);
    let hour = at(10).hour();
    assert_eq!(contradicted, [Contradicted { node: bench.node(0).id, first: hour, last: hour, hours: 1 }]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_counts_while_a_gpu_moves_sees_where_it_moved_to() {
    let bench = Bench::new(2, 1).await;
    assert_eq!(bench.take(&[bench.hour(0, 0, 0, 1)]).await, ["counted"]);
    let moved = Machine { gpus: bench.node(0).gpus[..1].to_vec(), ..bench.node(1).clone() };
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    let after = [moved.report(at(21), MILLIS_PER_HOUR, &hold)];
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert!(tenure::record_move(&mut tx, moved.gpus[0].uuid(), moved.id, at(20)).await.expect("a move").is_some());
    let release = async {
        waiting(&bench, "the batch waits for the move", 1).await;
        tx.commit().await.expect("moved");
    };
    let (fates, ()) = tokio::join!(bench.take(&after), release);
    assert_eq!(fates, ["counted"]);
}

#[tokio::test]
async fn hours_of_slices_contradict_the_move_of_their_gpu() {
    let bench = Bench::new(2, 1).await;
    let (gpu, slice) = (bench.node(0).gpus[0], DeviceId::Mig(Uuid::from_u128(77)));
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    let hour = releve_types::Ranges::one(0, MILLIS_PER_HOUR);
    let mut report = bench.node(0).unsealed(at(3), MILLIS_PER_HOUR, hour, &hold);
    let device = &mut report.devices[0];
    (device.gpu, device.parent, device.profile) = (slice, Some(gpu), Some("1g.10gb".to_owned()));
    report.sections[0].segments[0].gpu = slice;
    assert_eq!(bench.take(&[bench.node(0).seal(&report)]).await, ["counted"]);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let to = bench.node(1).id;
    let contradicted = device_views::contradicted(&mut tx, gpu.uuid(), to, at(2)).await.expect("read");
    assert_eq!(contradicted.iter().map(|c| (c.node, c.hours)).collect::<Vec<_>>(), [(bench.node(0).id, 1)]);
    let later = device_views::contradicted(&mut tx, gpu.uuid(), to, at(4)).await.expect("read");
    assert_eq!(later, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unit_that_a_meter_was_first_used_in_stands() {
    let bench = Bench::new(1, 1).await;
    let mut first = bench.db.begin_app().await.expect("a transaction");
    let sku = Sku::meter("storage", "default").expect("a SKU");
    rollups::intern_skus(&mut first, &[(sku, Unit::Byte)], at(0)).await.expect("its number");
    let body = format!(
        r#"{{"source":"s","id":"1","meter":"storage","tenant":"t0","quantity":5,"unit":"gib_second","from":"{}","to":"{}"}}"#,
        at(1),
        at(2)
    );
    let reading: IncomingReading = decode_reading(body.as_bytes()).expect("a reading");
    let release = async {
        waiting(&bench, "the reading waits for the SKU", 1).await;
        first.commit().await.expect("there first");
    };
    let (fates, ()) = tokio::join!(bench.aggregator.take_readings(vec![reading], at(48)), release);
    let fates = fates.expect("fates");
    assert!(matches!(fates.as_slice(), [ReadingFate::Refused { field: "unit", .. }]), "{fates:?}");
    assert_eq!(bench.count("select count(*) from meter_hours").await, 0);
    assert_eq!(bench.count("select count(*) from reading_keys").await, 0, "it may be sent again in the right unit");
}
