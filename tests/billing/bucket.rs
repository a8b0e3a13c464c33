//! Do a month's reports, documents and exports live on where a bucket is all that there is? Against a store that speaks S3
//! and checks each request's signature.

use std::fs;

use releve_documents::table::Format;
use releve_jobs::{
    JobError, Order, archive, audit, documents,
    exports::{self, Dataset, ExportOrder, Listener},
    hand_over::{self, Destination},
    issue,
};
use releve_store::archives;
use releve_tests::bucket::Bucket;
use releve_types::{Timestamp, Zone};
use releve_wire::sha256;
use serde_json::Value;

use crate::bench::{Bench, at, later, may};

/// Reports that the bucket does not take stay in the database.
#[tokio::test]
async fn another_secret_opens_nothing_and_loses_nothing() {
    let bench = Bench::new(1, 1, 24).await;
    bench.counted((0..24).map(|hour| bench.hour(0, hour, &[0])).collect()).await;
    bench.issue().await;
    let bucket = Bucket::new().await;
    let storage = bucket.storage_with("not the secret");
    let refused = archive::run(&bench.db, &storage, 20, later()).await.unwrap_err();
    assert!(matches!(&refused, JobError::Storage(e) if e.to_string().contains("SignatureDoesNotMatch")), "{refused:?}");
    let mut tx = bench.db.begin_app().await.unwrap();
    assert_eq!(archives::count(&mut tx, at(0).day()).await.unwrap(), 24);
    tx.commit().await.unwrap();
    assert_eq!(archive::run(&bench.db, &bucket.storage(), 20, later()).await.unwrap().reports, 24);
}

#[tokio::test]
async fn a_month_is_archived_handed_over_and_exported_to_a_bucket() {
    let bench = Bench::new(2, 2, 48).await;
    for hour in 0..48 {
        bench.counted(vec![bench.hour(0, hour, &[0, 1]), bench.hour(1, hour, &[1])]).await;
    }
    let bucket = Bucket::new().await;
    let storage = bucket.storage();
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
