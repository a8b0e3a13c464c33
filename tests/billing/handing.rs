//! Do documents leave once, whole, and in a form that their receiver can check?

use std::{fs, path::Path};

use releve_billing::{delivery::Status, payment::Dunning};
use releve_jobs::{
    JobError, documents,
    hand_over::{self, Destination},
    payments,
};
use releve_outbound::{Storage, StorageConfig};
use releve_store::{
    customers,
    hand_overs::{self, Told, Way},
};
use releve_tests::place::Scratch;
use releve_types::{
    Timestamp,
    time::{MILLIS_PER_DAY, MILLIS_PER_MINUTE},
};
use serde_json::Value;

use crate::bench::{Bench, later};

async fn billed() -> Bench {
    let bench = Bench::new(1, 3, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 2])]).await;
    assert_eq!(bench.issue().await.issued_now, 3);
    bench
}

fn destination(path: &Path, since: Timestamp) -> Destination {
    let storage = Storage::open(&StorageConfig::Directory { path: path.to_owned() }).expect("a directory");
    Destination { storage, name: path.display().to_string(), since }
}

async fn ways(bench: &Bench) -> Vec<Way> {
    let heads = bench.invoices().await;
    let of: Vec<_> = heads.iter().map(|h| (h.account, h.id)).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    hand_overs::ways(&mut tx, &of).await.expect("known").into_values().collect()
}

#[tokio::test]
async fn documents_leave_once_with_a_manifest_that_fits() {
    let (bench, scratch) = (billed().await, Scratch::new("handed"));
    let to = destination(scratch.path(), later());
    assert_eq!(hand_over::run(&bench.db, &to, later()).await.expect("runs"), 0, "nothing is rendered yet");
    documents::run(&bench.db, later()).await.expect("rendered");
    let too_late = Destination { since: later().plus_millis(1), ..to.clone() };
    assert_eq!(hand_over::run(&bench.db, &too_late, later()).await.expect("runs"), 0, "they went another way");
    assert_eq!(hand_over::run(&bench.db, &to, later()).await.expect("runs"), 3);
    assert_eq!(hand_over::run(&bench.db, &to, later()).await.expect("runs"), 0);
    assert!(ways(&bench).await.iter().all(|way| way.delivery().name() == "handed_over"));
    for head in bench.invoices().await {
        let number = head.stamp.expect("issued").number.to_string();
        let folder = scratch.path().join(head.issuer.to_string()).join(&number);
        let manifest = fs::read(folder.join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        assert_eq!((&manifest["number"], &manifest["payable"]), (&number.clone().into(), &"3.00".into()));
        let files = manifest["files"].as_array().expect("files");
        assert_eq!(files.len(), 5, "JSON, page, PDF, and both electronic ones");
        for file in files {
            let bytes = fs::read(folder.join(file["name"].as_str().expect("a name"))).expect("is there");
            assert_eq!(file["bytes"], bytes.len());
            assert_eq!(file["sha256"], releve_wire::sha256(&bytes).to_string());
        }
        assert_eq!(fs::read_dir(&folder).expect("listed").count(), 6);
    }
}

/// What can't leave is tried again, later each time, and keeps nobody else here.
#[tokio::test]
async fn what_can_not_leave_waits_alone() {
    let (bench, scratch) = (billed().await, Scratch::new("handed"));
    documents::run(&bench.db, later()).await.expect("rendered");
    let to = destination(scratch.path(), later());
    let heads = bench.invoices().await;
    let head = &heads[0];
    let number = head.stamp.clone().expect("issued").number.to_string();
    // Something lies where its folder would be.
    let issuer = scratch.dir(&head.issuer.to_string());
    fs::write(issuer.join(&number), "in the way").expect("written");
    assert_eq!(hand_over::run(&bench.db, &to, later()).await.expect("runs"), 2);
    let failure = async || ways(&bench).await.into_iter().find_map(|way| way.failure);
    let first = failure().await.expect("noted");
    assert_eq!((first.attempts, first.next_at), (1, later().plus_millis(MILLIS_PER_MINUTE)));
    assert_eq!(hand_over::run(&bench.db, &to, later()).await.expect("runs"), 0, "its time has not come");
    hand_over::run(&bench.db, &to, first.next_at).await.expect("runs");
    let second = failure().await.expect("noted");
    assert_eq!((second.attempts, second.next_at), (2, first.next_at.plus_millis(2 * MILLIS_PER_MINUTE)));
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert_eq!(hand_overs::troubled(&mut tx, None, 10).await.expect("listed"), [(head.account, head.id)]);
    tx.commit().await.expect("commits");
    fs::remove_file(issuer.join(&number)).expect("removed");
    assert_eq!(hand_over::run(&bench.db, &to, second.next_at).await.expect("runs"), 1);
    assert_eq!(failure().await, None);

    // With the destination away, a round gives up and says so.
    let other = billed().await;
    documents::run(&other.db, later()).await.expect("rendered");
    let issuer = other.invoices().await[0].issuer;
    fs::write(scratch.path().join(issuer.to_string()), "in the way of all").expect("written");
    let error = hand_over::run(&other.db, &to, later()).await.expect_err("it is away");
    assert!(matches!(error, JobError::HandOver { .. }), "{error}");
    assert_eq!(ways(&other).await.iter().filter(|way| way.failure.is_some()).count(), 3);
}

/// Nobody is reminded of what was rejected or refused.
#[tokio::test]
async fn who_disputes_is_not_reminded() {
    let bench = billed().await;
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issuer = customers::issuers(&mut tx).await.expect("issuers").remove(0);
    issuer.dunning = Dunning::new(vec![7]).expect("rising");
    customers::update_issuer(&mut tx, &issuer).await.expect("written");
    let heads = bench.invoices().await;
    let due_at = heads[0].stamp.clone().expect("issued").due_at;
    for (head, status) in heads.iter().zip([Status::Refused, Status::Submitted]) {
        let told = Told {
            status,
            happened_at: later(),
            reference: "m1".to_owned(),
            reason: "never ordered".to_owned(),
            recorded_at: later(),
            recorded_by: "test".to_owned(),
        };
        assert!(hand_overs::tell(&mut tx, (head.account, head.id), &told).await.expect("told"));
        assert!(!hand_overs::tell(&mut tx, (head.account, head.id), &told).await.expect("told"), "it is known");
    }
    tx.commit().await.expect("commits");
    let after = due_at.plus_millis(8 * MILLIS_PER_DAY);
    assert_eq!(payments::remind(&bench.db, after).await.expect("looked"), 2);
}
