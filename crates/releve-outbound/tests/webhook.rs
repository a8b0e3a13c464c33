//! Does a webhook go where it may, signed, and nowhere else?

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use releve_outbound::{
    IpNet, WebhookSender,
    guard::{Lookup, system_lookup},
    webhook::{ANSWER_CHARS_KEPT, Answer, Message, SendError, secret_text},
};
use releve_types::Timestamp;

const BODY: &str = r#"{"type":"webhook_endpoint.test"}"#;
const PATIENCE: Duration = Duration::from_secs(10);

fn secret() -> Vec<u8> {
    (0..32).collect()
}

/// A receiver on loopback; how often it was asked for what should never be reached.
async fn receiver() -> (SocketAddr, Arc<AtomicUsize>) {
    let secrets = Arc::new(AtomicUsize::new(0));
    let counted = secrets.clone();
    let router = Router::new()
        .route(
            "/echo",
            post(async |headers: HeaderMap, body: String| {
                let of = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
                let told =
                    [of("webhook-id"), of("webhook-timestamp"), of("webhook-signature"), of("content-type"), body];
                told.join("|")
            }),
        )
        .route("/moved", post(async || (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/secret")])))
        .route("/hangs", post(async || std::future::pending::<()>().await))
        .route("/busy", post(async || (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "120")])))
        .route("/talks", post(async || "talk\n\u{7}\u{e9}".repeat(1_000_000)))
        .route(
            "/secret",
            post(async move || {
                counted.fetch_add(1, Ordering::SeqCst);
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (at, secrets)
}

fn loopback() -> Vec<IpNet> {
    vec!["127.0.0.0/8".parse().expect("a network")]
}

fn allowed() -> WebhookSender {
    WebhookSender::new(&loopback()).expect("a sender")
}

async fn send(sender: &WebhookSender, url: &str) -> Result<Answer, SendError> {
    let at = Timestamp::from_millis(1_775_000_000_999);
    sender.send(Message { url, id: "evt_0190", at, body: BODY, secrets: &[secret()] }).await
}

fn lookup(addresses: &[&str], asked: Arc<AtomicUsize>) -> Lookup {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().expect("an address")).collect();
    Arc::new(move |_| {
        asked.fetch_add(1, Ordering::SeqCst);
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    })
}

#[tokio::test]
async fn a_message_is_signed_as_the_standard_has_it() {
    let (at, _) = receiver().await;
    let answer = send(&allowed(), &format!("http://{at}/echo")).await.expect("answered");
    // HMAC-SHA256 over id, timestamp and body, made with Python's hmac.
    let signature = "v1,kT8eOLcgBOsvIFUhNlCkPP8pDGg5p/U/T04ouTChgZY=";
    assert_eq!(answer.body, format!("evt_0190|1775000000|{signature}|application/json|{BODY}"));
    assert_eq!((answer.status, answer.retry_after), (200, None));
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign() {
    let (at, _) = receiver().await;
    let (url, new) = (format!("http://{at}/echo"), vec![7; 32]);
    let now = Timestamp::from_millis(1_775_000_000_000);
    let secrets = [new.clone(), secret()];
    let message = Message { url: &url, id: "evt_0190", at: now, body: BODY, secrets: &secrets };
    let answer = allowed().send(message).await.expect("answered");
    let signatures = answer.body.split('|').nth(2).expect("signatures");
    for secret in [new, secret()] {
        let signer = standardwebhooks::Webhook::new(&secret_text(&secret)).expect("a secret");
        let own = signer.sign("evt_0190", 1_775_000_000, BODY.as_bytes()).expect("signed");
        assert!(signatures.split(' ').any(|one| one == own), "{signatures} has {own}");
    }
    assert_eq!(signatures.split(' ').count(), 2);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (at, secrets) = receiver().await;
    let answer = send(&allowed(), &format!("http://{at}/moved")).await.expect("answered");
    assert_eq!((answer.status, secrets.load(Ordering::SeqCst)), (307, 0));
}

#[tokio::test]
async fn who_hangs_is_left_in_time() {
    let (at, _) = receiver().await;
    let sender = WebhookSender::with(&loopback(), system_lookup(), Duration::from_millis(200)).expect("a sender");
    let left = send(&sender, &format!("http://{at}/hangs")).await;
    assert!(matches!(left, Err(SendError::Timeout)), "{left:?}");
}

#[tokio::test]
async fn of_an_answer_the_beginning_is_kept() {
    let (at, _) = receiver().await;
    let answer = send(&allowed(), &format!("http://{at}/talks")).await.expect("answered");
    assert_eq!(answer.body.chars().count(), ANSWER_CHARS_KEPT);
    assert!(answer.body.starts_with("talk  \u{e9}talk"), "{}", answer.body);
    let busy = send(&allowed(), &format!("http://{at}/busy")).await.expect("answered");
    assert_eq!((busy.status, busy.retry_after), (429, Some(Duration::from_secs(120))));
}

#[tokio::test]
async fn nothing_is_sent_to_where_only_this_machine_or_its_network_is() {
    let (at, secrets) = receiver().await;
    let (sender, port) = (WebhookSender::new(&[]).expect("a sender"), at.port());
    let hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
    ];
    for host in hosts {
        for scheme in ["http", "https"] {
            let refused = send(&sender, &format!("{scheme}://{host}:{port}/secret")).await.expect_err(host).to_string();
            assert!(refused.contains("to which nothing is sent"), "{scheme}://{host}: {refused}");
        }
    }
    assert_eq!(secrets.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_refuse() {
    let asked = Arc::new(AtomicUsize::new(0));
    let names = lookup(&["93.184.215.14", "10.0.0.5"], asked.clone());
    let sender = WebhookSender::with(&[], names, PATIENCE).expect("a sender");
    let refused = send(&sender, "https://example.com/").await.expect_err("refused").to_string();
    assert!(refused.contains("example.com has the address 10.0.0.5"), "{refused}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_that_address_is_the_one_that_is_reached() {
    let (at, secrets) = receiver().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let sender = WebhookSender::with(&loopback(), lookup(&["127.0.0.1"], asked.clone()), PATIENCE).expect("a sender");
    for n in 1..=2 {
        let answer = send(&sender, &format!("http://hooks.example:{}/secret", at.port())).await.expect("answered");
        assert_eq!((answer.status, secrets.load(Ordering::SeqCst)), (200, n));
        assert_eq!(asked.load(Ordering::SeqCst), n, "once for each message: where it points now counts");
    }
}

#[tokio::test]
async fn without_tls_only_to_what_is_allowed() {
    let names = lookup(&["93.184.215.14"], Arc::default());
    let sender = WebhookSender::with(&loopback(), names, PATIENCE).expect("a sender");
    let refused = send(&sender, "http://example.com/").await.expect_err("refused").to_string();
    assert!(refused.contains("to which nothing is sent"), "{refused}");
}
