//! Does a bucket keep what a directory keeps? Against a store that speaks S3 and checks each request's signature.

use std::fs;

use releve_documents::table::Format;
use releve_jobs::{
    JobError, Order, archive, audit, documents,
    exports::{self, Dataset, ExportOrder, Listener},
    hand_over::{self, Destination},
    issue,
};
use releve_outbound::{
    Storage,
    storage::{PART_BYTES, StorageError},
};
use releve_store::archives;
use releve_tests::bucket::Bucket;
use releve_types::{Timestamp, Zone};
use releve_wire::sha256;
use serde_json::Value;

use crate::bench::{Bench, at, later, may};

fn open(bucket: &Bucket) -> Storage {
    Storage::open(&bucket.config()).expect("what an operator writes")
}

#[tokio::test]
async fn what_is_written_in_parts_is_read_whole() {
    let bucket = Bucket::new().await;
    let storage = open(&bucket);
    let written: Vec<u8> = (0u8..=250).cycle().take(2 * PART_BYTES + 17).collect();
    let mut writer = storage.writer("2020-05-20.rlv").await.unwrap();
    for piece in written.chunks(1_000_003) {
        writer.write(piece).await.unwrap();
    }
    assert!(storage.reader("2020-05-20.rlv").await.unwrap().is_none(), "not visible before it is whole");
    assert_eq!(writer.finish().await.unwrap(), u64::try_from(written.len()).unwrap());

    let mut reader = storage.reader("2020-05-20.rlv").await.unwrap().unwrap();
    assert!(reader.take(written.len()).await.unwrap().is_some_and(|read| read == written));
    assert_eq!(reader.take(1).await.unwrap(), None);
    assert_eq!(fs::read(bucket.path().join("2020-05-20.rlv")).unwrap().len(), written.len());
}

#[tokio::test]
async fn an_abandoned_upload_and_a_missing_object_leave_nothing() {
    let bucket = Bucket::new().await;
    let storage = open(&bucket);
    let mut writer = storage.writer("gone").await.unwrap();
    writer.write(&vec![7; PART_BYTES + 1]).await.unwrap();
    writer.abort().await.unwrap();
    assert!(storage.reader("gone").await.unwrap().is_none());
    assert_eq!(storage.get("gone", 1).await.unwrap(), None);
    assert!(!bucket.path().join("gone").exists());
    assert!(matches!(storage.reader("../up").await, Err(StorageError::BadPath(_))));
}

#[tokio::test]
async fn a_small_object_takes_the_place_of_another() {
    let bucket = Bucket::new().await;
    let storage = open(&bucket);
    for text in ["one", "another"] {
        storage.put("a/b.json", text.into()).await.unwrap();
        assert_eq!(storage.get("a/b.json", 10).await.unwrap().as_deref(), Some(text.as_bytes()));
    }
    assert!(matches!(storage.get("a/b.json", 6).await, Err(StorageError::TooLarge { bytes: 7, .. })));
}

/// Reports that the bucket does not take stay in the database.
#[tokio::test]
async fn another_secret_opens_nothing_and_loses_nothing() {
    let bench = Bench::new(1, 1, 24).await;
    bench.counted((0..24).map(|hour| bench.hour(0, hour, &[0])).collect()).await;
    bench.issue().await;
    let bucket = Bucket::new().await;
    let storage = Storage::open(&bucket.config_with("not the secret")).unwrap();
    let refused = archive::run(&bench.db, &storage, 20, later()).await.unwrap_err();
    assert!(matches!(&refused, JobError::Storage(e) if e.to_string().contains("SignatureDoesNotMatch")), "{refused:?}");
    let mut tx = bench.db.begin_app().await.unwrap();
    assert_eq!(archives::count(&mut tx, at(0).day()).await.unwrap(), 24);
    tx.commit().await.unwrap();
    assert_eq!(archive::run(&bench.db, &open(&bucket), 20, later()).await.unwrap().reports, 24);
}

/// Reports, documents and exports of a month, each where a bucket is all that there is.
#[tokio::test]
async fn a_month_is_archived_handed_over_and_exported_to_a_bucket() {
    let bench = Bench::new(2, 2, 48).await;
    for hour in 0..48 {
        bench.counted(vec![bench.hour(0, hour, &[0, 1]), bench.hour(1, hour, &[1])]).await;
    }
    let bucket = Bucket::new().await;
    let storage = open(&bucket);
    // The first of May is 21 days old, the second is not.
    assert_eq!(archive::run(&bench.db, &storage, 20, at(24 * 21)).await.unwrap().reports, 48);
    let audited = audit(&bench.db, may(), Some(&storage)).await.unwrap();
    assert!(audited.ok && audited.reports == 96, "{:?}", audited.differences);
    let order = Order { archive: Some(&storage), ..bench.order() };
    assert_eq!(issue(&bench.db, order, later()).await.unwrap().issued_now, 2);

    documents::run(&bench.db, later()).await.unwrap();
    let to = Destination { storage: storage.clone(), name: "bucket".to_owned(), since: Timestamp::from_millis(0) };
    assert_eq!(hand_over::run(&bench.db, &to, later()).await.unwrap(), 2);
    for head in bench.invoices().await {
        let folder = bucket.path().join(head.issuer.to_string()).join(head.stamp.unwrap().number.to_string());
        let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let bytes = fs::read(folder.join(file["name"].as_str().unwrap())).unwrap();
            assert_eq!(file["sha256"], sha256(&bytes).to_string());
        }
    }

    for (dataset, format) in [(Dataset::AllocationHours, Format::Parquet), (Dataset::MonthEnd, Format::Csv)] {
        let month = Zone::utc().month_of(at(0));
        let order = ExportOrder { dataset, format, issuer: bench.world.issuer, account: None, month };
        let make = || exports::export(&bench.db, &storage, "exports/", &order, later(), Listener::Here(&|_| ()));
        let made = make().await.unwrap();
        assert_eq!(make().await.unwrap(), made, "asked again, the same version answers");
        let folder = bucket.path().join("exports").join("2020-05").join(dataset.name()).join(format.name());
        assert!(!made.files.is_empty());
        for file in &made.files {
            assert_eq!(sha256(&fs::read(folder.join(&file.path)).unwrap()).to_string(), file.sha256);
        }
    }
}
