//! Does a bucket keep what a directory keeps? Over the S3 protocol's own requests, against a server that speaks the few
//! that are used: a multipart upload, its end, and a read. Whether a signature is right, only a real store can say.

#![cfg(test)]

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use releve_outbound::{
    Storage,
    storage::{PART_BYTES, StorageConfig, StorageError},
};

#[derive(Default)]
struct Bucket {
    parts: BTreeMap<u32, Vec<u8>>,
    objects: BTreeMap<String, Vec<u8>>,
    credentials: Vec<String>,
}

type Shared = Arc<Mutex<Bucket>>;

fn xml(body: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version=\"1.0\"?>{body}")).into_response()
}

async fn answer(
    State(bucket): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut bucket = bucket.lock().unwrap();
    let signed = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    bucket.credentials.push(signed.to_owned());
    let path = uri.path().to_owned();
    let part = query.get("partNumber").and_then(|n| n.parse::<u32>().ok());
    match (method.as_str(), part, query.contains_key("uploads"), query.contains_key("uploadId")) {
        ("POST", None, true, false) => xml(
            "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>1</UploadId></InitiateMultipartUploadResult>",
        ),
        ("PUT", Some(number), false, true) => {
            bucket.parts.insert(number, body.to_vec());
            ([("etag", format!("\"{number}\""))], "").into_response()
        }
        ("POST", None, false, true) => {
            let whole: Vec<u8> = std::mem::take(&mut bucket.parts).into_values().flatten().collect();
            bucket.objects.insert(path, whole);
            xml("<CompleteMultipartUploadResult><ETag>\"all\"</ETag></CompleteMultipartUploadResult>")
        }
        ("DELETE", None, false, true) => {
            bucket.parts.clear();
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", None, false, false) => match bucket.objects.get(&path) {
            Some(bytes) => ([("etag", "\"all\""), ("last-modified", "Wed, 20 May 2020 00:00:00 GMT")], bytes.clone())
                .into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}

async fn bucket() -> (Storage, Shared) {
    let shared = Shared::default();
    let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let storage = Storage::open(&StorageConfig::S3 {
        bucket: "old".to_owned(),
        prefix: "reports".to_owned(),
        region: "eu-west".to_owned(),
        endpoint: Some(format!("http://{address}")),
        access_key_id: "AKIA".to_owned(),
        secret_access_key: "secret".to_owned(),
    });
    (storage.unwrap(), shared)
}

#[tokio::test]
async fn what_is_written_to_a_bucket_is_read_from_it() {
    let (storage, shared) = bucket().await;
    let written: Vec<u8> = (0u8..=250).cycle().take(2 * PART_BYTES + 17).collect();
    let mut writer = storage.writer("2020-05-20.rlv").await.unwrap();
    for piece in written.chunks(1_000_003) {
        writer.write(piece).await.unwrap();
    }
    assert!(storage.reader("2020-05-20.rlv").await.unwrap().is_none(), "not visible before it is whole");
    assert_eq!(writer.finish().await.unwrap(), u64::try_from(written.len()).unwrap());

    let mut reader = storage.reader("2020-05-20.rlv").await.unwrap().unwrap();
    assert_eq!(reader.take(written.len()).await.unwrap(), Some(written));
    assert_eq!(reader.take(1).await.unwrap(), None);

    let bucket = shared.lock().unwrap();
    assert_eq!(bucket.objects.keys().collect::<Vec<_>>(), ["/old/reports/2020-05-20.rlv"]);
    let signed =
        |value: &String| value.starts_with("AWS4-HMAC-SHA256 Credential=AKIA/") && value.contains("/eu-west/s3/");
    assert!(bucket.credentials.iter().all(signed), "{:?}", bucket.credentials);
}

#[tokio::test]
async fn an_abandoned_upload_and_a_missing_object_leave_nothing() {
    let (storage, shared) = bucket().await;
    let mut writer = storage.writer("gone").await.unwrap();
    writer.write(&vec![7; PART_BYTES + 1]).await.unwrap();
    writer.abort().await.unwrap();
    assert!(storage.reader("gone").await.unwrap().is_none());
    assert!(shared.lock().unwrap().objects.is_empty());
    assert!(matches!(storage.reader("../up").await, Err(StorageError::BadPath(_))));
}

type Put = Arc<Mutex<Vec<(String, String, Vec<u8>)>>>;

/// Takes what is put, from who has the token.
async fn take(State(put): State<Put>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if text("authorization") != "Bearer hunter2" {
        return StatusCode::FORBIDDEN;
    }
    put.lock().unwrap().push((format!("{method} {}", uri.path()), text("content-length"), body.to_vec()));
    StatusCode::CREATED
}

#[tokio::test]
async fn a_small_object_is_put_at_an_address_with_a_token() {
    let taken = Put::default();
    let router = Router::new().fallback(take).with_state(taken.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let open = |token: &str| {
        Storage::open(&StorageConfig::Http { url: url.clone(), bearer_token: Some(token.to_owned()) }).unwrap()
    };
    open("hunter2").put("a/b.json", b"{}".to_vec()).await.unwrap();
    assert_eq!(*taken.lock().unwrap(), [("PUT /in/a/b.json".to_owned(), "2".to_owned(), b"{}".to_vec())]);
    assert!(matches!(open("wrong").put("a/b.json", b"{}".to_vec()).await, Err(StorageError::Store(_))));
    assert!(matches!(open("hunter2").put("../up", Vec::new()).await, Err(StorageError::BadPath(_))));
    let config = StorageConfig::Http { url: url.clone(), bearer_token: Some("bad\ntoken".to_owned()) };
    assert!(matches!(Storage::open(&config), Err(StorageError::Token)));
    assert!(!format!("{config:?}").contains("token"));
}
