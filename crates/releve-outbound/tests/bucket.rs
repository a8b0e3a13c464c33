//! Does a bucket keep what a directory keeps? Against a store that speaks S3 and checks each request's signature.

#![cfg(test)]

use std::{fs, time::Duration};

use releve_outbound::storage::{PART_BYTES, StorageError};
use releve_tests::{bucket::Bucket, wait};

#[tokio::test]
async fn what_is_written_in_parts_is_read_whole() {
    let bucket = Bucket::new().await;
    let storage = bucket.storage();
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
    let storage = bucket.storage();
    let mut writer = storage.writer("gone").await.unwrap();
    writer.write(&vec![7; PART_BYTES + 1]).await.unwrap();
    wait::until("a part is there", Duration::from_secs(20), async || (bucket.parts() > 0).then_some(())).await;
    writer.abort().await.unwrap();
    assert!(storage.reader("gone").await.unwrap().is_none());
    assert_eq!(storage.get("gone", 1).await.unwrap(), None);
    assert!(!bucket.path().join("gone").exists());
    // A part that was on its way may arrive after the upload has ended.
    wait::until("no part is left", Duration::from_secs(20), async || (bucket.parts() == 0).then_some(())).await;
    assert!(matches!(storage.reader("../up").await, Err(StorageError::BadPath(_))));
}

#[tokio::test]
async fn a_small_object_takes_the_place_of_another() {
    let bucket = Bucket::new().await;
    let storage = bucket.storage();
    for text in ["one", "another"] {
        storage.put("a/b.json", text.into()).await.unwrap();
        assert_eq!(storage.get("a/b.json", 10).await.unwrap().as_deref(), Some(text.as_bytes()));
    }
    assert!(matches!(storage.get("a/b.json", 6).await, Err(StorageError::TooLarge { bytes: 7, .. })));
}
