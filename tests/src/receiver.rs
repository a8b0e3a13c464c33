//! Who gets our webhooks? A receiver on loopback that answers as a test says, and remembers what it was told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::Value;
use tokio::net::TcpListener;

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether somebody who knows this secret takes it, as the standard's own library judges; the clock is not asked.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let at = self.header("webhook-timestamp").parse().expect("seconds");
        let signer = standardwebhooks::Webhook::new(secret).expect("a secret");
        let own = signer.sign(self.header("webhook-id"), at, self.body.as_bytes()).expect("signed");
        self.header("webhook-signature").split(' ').any(|one| one == own)
    }
}

#[derive(Default)]
struct Inner {
    statuses: VecDeque<u16>,
    received: Vec<Received>,
}

/// Answers 200 once it has given the statuses that it was told to give.
#[derive(Clone, Default)]
pub struct Receiver {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
}

impl Receiver {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("bound"));
        let receiver = Self { url, ..Self::default() };
        let router = Router::new().route("/hooks", post(answer)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next answers; 0 is none, until whoever asks gives up.
    pub fn will_answer(&self, statuses: &[u16]) {
        self.inner().statuses.extend(statuses);
    }

    /// From now on it answers 200.
    pub fn is_mended(&self) {
        self.inner().statuses.clear();
    }

    /// What it was told since it was last asked.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.inner().received)
    }
}

async fn answer(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let status = {
        let mut inner = receiver.inner();
        inner.received.push(Received { headers, body });
        inner.statuses.pop_front().unwrap_or(200)
    };
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let location = (300..400).contains(&status).then_some([("location", receiver.url.clone())]);
    (StatusCode::from_u16(status).expect("a status"), location, "noted")
}
