//! Does an address that takes PUT get what it is sent, and from nobody else?

#![cfg(test)]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use releve_outbound::{
    Storage,
    storage::{StorageConfig, StorageError},
};

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
