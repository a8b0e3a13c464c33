//! How are alerts heard? A server that takes webhooks: it checks the signature, does each message once, and answers fast.
//!
//! `RELEVE_LISTEN=127.0.0.1:9000 RELEVE_WEBHOOK_SECRET=whsec_… cargo run --example alert_receiver`, at `/hooks`. Prints a line for
//! what it is told.

use std::{
    collections::{BTreeSet, VecDeque},
    env,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Deserialize;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

/// Ids that are remembered.
const SEEN_LEN_MAX: usize = 100_000;

/// What is told, and when it happened.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    topic: String,
    timestamp: String,
    data: serde_json::Value,
}

/// What was done already. One with a database keeps the id there, in the transaction of what it does: what is in memory is
/// forgotten with the process, and a message that comes again is then done again.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<String>,
    oldest: VecDeque<String>,
}

impl Seen {
    /// Whether this one is new.
    fn note(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.oldest.push_back(id.to_owned());
        if self.oldest.len() > SEEN_LEN_MAX
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

struct Receiver {
    webhook: Webhook,
    seen: Mutex<Seen>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let webhook = Webhook::new(&env::var("RELEVE_WEBHOOK_SECRET")?)?;
    let receiver = Arc::new(Receiver { webhook, seen: Mutex::default() });
    let listener = TcpListener::bind(env::var("RELEVE_LISTEN")?).await?;
    let router = Router::new().route("/hooks", post(take)).with_state(receiver);
    axum::serve(listener, router).await?;
    Ok(())
}

/// Whatever is not 2xx comes again later: what is not understood, too, once this program is mended.
async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // Of the bytes as they came: JSON that is read and written again is another text.
    if receiver.webhook.verify(&body, &headers).is_err() {
        println!("refused");
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let Ok(message) = serde_json::from_slice::<Message>(&body) else { return StatusCode::BAD_REQUEST };
    if receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).note(id) {
        println!("told {id} {} {} {}", message.topic, message.timestamp, message.data);
    } else {
        println!("again {id}");
    }
    StatusCode::NO_CONTENT
}
