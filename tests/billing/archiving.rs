//! Do reports leave the database whole, and is all that rests on them as before?

use releve_billing::Reports;
use releve_jobs::{JobError, Order, archive, audit, issue, partitions, read_archive};
use releve_outbound::{Storage, StorageConfig};
use releve_store::{archives, billing_usage, floor};
use releve_tests::place::Scratch;
use releve_types::AccountId;

use crate::bench::{Bench, at, later, may};

const KEEP_DAYS: i64 = 20;

fn storage(scratch: &Scratch) -> Storage {
    Storage::open(&StorageConfig::Directory { path: scratch.path().join("archive") }).expect("a directory")
}

async fn reports_of(bench: &Bench, account: AccountId) -> Option<Reports> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    billing_usage::reports(&mut tx, &[account], may()).await.expect("sums").get(&account).copied()
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
    let heads = archive::heads_by_account(&bench.db, Some(&storage), may(), &[first, second]).await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let stored = billing_usage::report_heads(&mut tx, &[first, second], may()).await.unwrap();
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
    assert_eq!(bench.refused("select drop_reports_of('2020-05-01')").await, "23R04");
    let made = partitions::run(&bench.db, 3, at(1_000)).await.unwrap();
    assert!(made.is_some_and(|n| n > 0));
    assert_eq!(partitions::run(&bench.db, 3, at(1_000)).await.unwrap(), Some(0), "once is enough");
    let mut tx = bench.db.begin_app().await.unwrap();
    let days = releve_store::partitions::report_days(&mut tx).await.unwrap();
    assert_eq!(days.last().copied(), Some(at(1_000).day() + partitions::PARTITION_DAYS_AHEAD));
}
