//! Do reports leave the database whole, and is all that rests on them as before?

use std::time::Duration;

use releve_aggregator::{Message, Source};
use releve_billing::Reports;
use releve_jobs::{JobError, Order, archive, audit, issue, partitions, read_archive};
use releve_outbound::{Storage, StorageConfig};
use releve_store::{
    Db, archives, billing_reports, books,
    books::AccountPeriod,
    floor,
    gaps::{self, Acceptance},
    invoices::{self, InvoiceFilter},
    nodes::ServiceState,
};
use releve_tests::{place::Scratch, wait};
use releve_types::{AccountId, ids::fresh_uuid};
use sqlx::AssertSqlSafe;

use crate::bench::{Bench, at, later, may};

const KEEP_DAYS: i64 = 20;

fn storage(scratch: &Scratch) -> Storage {
    Storage::open(&StorageConfig::Directory { path: scratch.path().join("archive") }).expect("a directory")
}

async fn reports_of(bench: &Bench, account: AccountId) -> Option<Reports> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    billing_reports::reports(&mut tx, &[account], may()).await.expect("sums").get(&account).copied()
}

#[tokio::test]
async fn an_archived_day_is_as_good_as_a_stored_one() {
    let bench = Bench::new(2, 2, 48).await;
    for hour in 0..48 {
        bench.counted(vec![bench.hour(0, hour, &[0, 1]), bench.hour(1, hour, &[1])]).await;
    }
    let (first, second) = (bench.world.tenants[0].account, bench.world.tenants[1].account);
    let before = (reports_of(&bench, first).await.unwrap(), reports_of(&bench, second).await.unwrap());
    assert_eq!((before.0.count, before.1.count), (48, 96));

    let scratch = Scratch::new("archive");
    let storage = storage(&scratch);
    // The first of May is 21 days old, the second is not.
    let now = at(24 * 21);
    let summary = archive::run(&bench.db, &storage, KEEP_DAYS, now).await.unwrap();
    assert_eq!((summary.days, summary.reports), (1, 48));
    assert_eq!(archive::run(&bench.db, &storage, KEEP_DAYS, now).await.unwrap().days, 0, "nothing is left to do");
    let mut tx = bench.db.begin_app().await.unwrap();
    assert_eq!(archives::count(&mut tx, at(0).day()).await.unwrap(), 0);
    assert_eq!(archives::count(&mut tx, at(24).day()).await.unwrap(), 48);
    assert_eq!(floor::read_shared(&mut tx).await.unwrap(), at(24).day(), "the day is not counted any more");
    let recorded = archives::of_days(&mut tx, 0, 100_000).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(recorded.as_slice(), [a] if a.detached && a.reports == 48));
    let mut reader = read_archive(&storage, &recorded[0]).await.unwrap();
    let read = reader.next_block().await.unwrap().unwrap();
    assert_eq!(read.len(), 48);
    assert!(reader.next_block().await.unwrap().is_none());

    // A resend of what was counted stays harmless; what was not is not counted behind the archive.
    let late = bench.take(vec![bench.hour(0, 0, &[0, 1])]).await;
    assert!(late.iter().all(|f| f.name() != "counted"), "{late:?}");

    let audited = audit(&bench.db, may(), Some(&storage)).await.unwrap();
    assert!(audited.ok && audited.reports == 96, "{:?}", audited.differences);

    // Billed with half its reports in the archive, an invoice rests on the same reports.
    let order = Order { archive: Some(&storage), ..bench.order() };
    assert!(matches!(issue(&bench.db, bench.order(), later()).await, Err(JobError::Archive { .. })));
    assert_eq!(issue(&bench.db, order, later()).await.unwrap().issued_now, 2);
    let heads = archive::heads_by_account(&bench.db, Some(&storage), may(), &[first, second]).await.unwrap().heads;
    let mut tx = bench.db.begin_app().await.unwrap();
    let stored = billing_reports::report_heads(&mut tx, &[first, second], may()).await.unwrap();
    for (account, expected) in [(first, before.0), (second, before.1)] {
        let of_archive = heads[&account].iter().copied();
        let of_database = stored.iter().filter(|(of, _)| *of == account).map(|(_, head)| *head);
        assert_eq!(Reports::of(of_archive.chain(of_database)), expected);
    }
}

#[tokio::test]
async fn a_broken_archive_is_not_believed() {
    let bench = Bench::new(1, 1, 24).await;
    for hour in 0..24 {
        bench.counted(vec![bench.hour(0, hour, &[0])]).await;
    }
    let scratch = Scratch::new("archive");
    let storage = storage(&scratch);
    assert_eq!(archive::run(&bench.db, &storage, KEEP_DAYS, later()).await.unwrap().days, 0, "May is not billed yet");
    bench.issue().await;
    archive::run(&bench.db, &storage, KEEP_DAYS, later()).await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let recorded = archives::of_days(&mut tx, 0, 100_000).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    let path = scratch.path().join("archive").join(&recorded.location);
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    for broken in [flipped, longer, whole[..whole.len() - 1].to_vec(), whole[..40].to_vec(), b"nonsense".to_vec()] {
        std::fs::write(&path, &broken).unwrap();
        assert!(audit(&bench.db, may(), Some(&storage)).await.is_err(), "{} bytes", broken.len());
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(audit(&bench.db, may(), Some(&storage)).await.unwrap().ok);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(audit(&bench.db, may(), Some(&storage)).await, Err(JobError::Archive { .. })));
}

#[tokio::test]
async fn a_day_without_an_archive_is_not_dropped_and_partitions_are_made_ahead() {
    let bench = Bench::new(1, 1, 24).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    assert_eq!(bench.refused("select drop_reports_of('2020-05-01')").await.as_deref(), Some("23R04"));
    let made = partitions::run(&bench.db, 3, at(1_000)).await.unwrap();
    assert!(made.is_some_and(|n| n > 0));
    assert_eq!(partitions::run(&bench.db, 3, at(1_000)).await.unwrap(), Some(0), "once is enough");
    let mut tx = bench.db.begin_app().await.unwrap();
    let days = releve_store::partitions::report_days(&mut tx).await.unwrap();
    assert_eq!(days.last().copied(), Some(at(1_000).day() + partitions::PARTITION_DAYS_AHEAD));
}

/// A gap of May concerns who held the node around it. Months later, with everything old enough to be archived and the
/// node in other hands, it concerns them and nobody else.
#[tokio::test]
async fn a_gap_holds_the_same_accounts_however_old_its_neighbours_are() {
    let bench = Bench::new(1, 3, 26).await;
    let july = 24 * 80;
    bench.state(0, ServiceState::InService, july).await;
    bench.state(0, ServiceState::Retired, july + 1).await;
    let held = (0..26).filter(|hour| !(22..24).contains(hour));
    bench.counted(held.map(|hour| bench.hour(0, hour, if hour < 3 { &[0, 1] } else { &[0] })).collect()).await;
    let message = Message { body: bench.hour(0, july, &[2]), source: Source::Amqp };
    let fates = bench.aggregator.take(vec![message], at(july + 1)).await.unwrap();
    assert_eq!(fates[0].name(), "counted");
    bench.issue().await;
    let stand = bench.stand().await;
    assert!(stand["t0"] == "parked gap" && stand["t1"].starts_with("T-"), "{stand:?}");

    let scratch = Scratch::new("archive");
    let storage = storage(&scratch);
    let months_later = at(24 * 120);
    let summary = archive::run(&bench.db, &storage, KEEP_DAYS, months_later).await.unwrap();
    issue(&bench.db, bench.order(), months_later).await.unwrap();
    assert_eq!(bench.stand().await, stand, "{summary:?}");
    assert_eq!(summary.days, 0);

    let mut tx = bench.db.begin_app().await.unwrap();
    let acceptance = Acceptance {
        node: bench.world.nodes[0].id,
        from: at(22),
        to: at(24),
        reason: "power cut".to_owned(),
        accepted_by: "test".to_owned(),
    };
    gaps::accept(&mut tx, &acceptance, months_later).await.unwrap();
    tx.commit().await.unwrap();
    issue(&bench.db, bench.order(), months_later).await.unwrap();
    archive::run(&bench.db, &storage, KEEP_DAYS, months_later).await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let left = releve_store::partitions::report_days(&mut tx).await.unwrap();
    assert!(!left.contains(&at(0).day()) && !left.contains(&at(24).day()), "May is settled, and goes");
    assert!(left.contains(&at(july).day()), "July is not billed yet");
}

#[tokio::test]
async fn a_gap_of_the_running_month_keeps_the_day_that_tells_of_it() {
    let bench = Bench::new(1, 1, 48).await;
    bench.counted((0..22).map(|hour| bench.hour(0, hour, &[0])).collect()).await;
    let scratch = Scratch::new("archive");
    let summary = archive::run(&bench.db, &storage(&scratch), KEEP_DAYS, at(24 * 22)).await.unwrap();
    assert_eq!(summary.days, 0);
}

/// A copy of the bench's database, which nobody else may be using.
async fn copied(bench: &Bench) -> Db {
    bench.db.close().await;
    let (name, template) = (format!("copy_{}", fresh_uuid(later()).simple()), &bench.database.name);
    let mut admin = bench.elsewhere("postgres").await;
    let sql = format!("create database {name} template {template}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.expect("the copy is made");
    Db::connect(&bench.database.login_url().replace(template, &name), 4).await.expect("the copy opens")
}

async fn digest(db: &Db) -> [u8; 32] {
    let mut tx = db.begin_app().await.expect("a transaction");
    let found = invoices::page(&mut tx, InvoiceFilter::default(), None, 10).await.expect("invoices");
    found[0].stamp.as_ref().expect("an issued invoice").digest
}

/// Another program detaches a day after an issuing run has looked for archived reports, and before it reads those in
/// the database.
#[tokio::test]
async fn a_day_that_leaves_while_an_invoice_is_made_is_not_lost_to_its_digest() {
    let bench = Bench::new(1, 1, 48).await;
    bench.counted((0..48).map(|hour| bench.hour(0, hour, &[0])).collect()).await;
    let scratch = Scratch::new("archive");
    let storage = storage(&scratch);
    let (undisturbed, disturbed) = (copied(&bench).await, copied(&bench).await);
    issue(&undisturbed, bench.order(), later()).await.unwrap();
    let expected = digest(&undisturbed).await;
    archive::run(&undisturbed, &storage, KEEP_DAYS, later()).await.unwrap();
    let mut tx = undisturbed.begin_app().await.unwrap();
    let recorded = archives::of_days(&mut tx, at(0).day(), at(0).day()).await.unwrap().remove(0);
    tx.commit().await.unwrap();

    // In the archiver's place, with what it holds while it detaches; and as a writer of usage.
    let mut archiver = disturbed.begin_app().await.unwrap();
    floor::raise(&mut archiver, at(24).day()).await.unwrap();
    let account = bench.world.tenants[0].account;
    books::lock_shared(&mut archiver, &[AccountPeriod { account, period: may() }]).await.unwrap();
    let issuing = tokio::spawn({
        let (db, storage, issuer) = (disturbed.clone(), storage.clone(), bench.world.issuer);
        async move {
            let order = Order { archive: Some(&storage), ..Order::new(issuer, may()) };
            issue(&db, order, later()).await.expect("comes to its end").issued_now
        }
    });
    wait::until("the run waits for a lock", Duration::from_secs(30), async || {
        let mut tx = disturbed.begin_app().await.unwrap();
        let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                       where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *tx).await.unwrap();
        (waiting > 0).then_some(())
    })
    .await;
    archives::record(&mut archiver, &recorded, later()).await.unwrap();
    assert!(releve_store::partitions::drop_reports_of(&mut archiver, at(0).day()).await.unwrap());
    archiver.commit().await.unwrap();
    assert_eq!(issuing.await.unwrap(), 1);
    assert_eq!(digest(&disturbed).await, expected);
}
