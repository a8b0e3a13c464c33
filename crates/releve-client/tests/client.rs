//! Does the client ask, wait, page and refuse as it says? Against a server that answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode},
};
use releve_client::{
    Client, CreateAccountCreditAnswer, Error, ItemView, ListTenantsQuery, MoneyView, NewCredit, NewTenant,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A status, what `retry-after` says, and a body.
type Told = (u16, &'static str, Value);

/// Method and path, the headers that matter, the body.
type Asked = (String, String, Value);

#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<VecDeque<Told>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn telling<const N: usize>(answers: [Told; N]) -> (Client, Self) {
        let server = Self { answers: Arc::new(Mutex::new(answers.into())), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}/", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        (Client::with_http(http.build().expect("a client"), &base, "rlv_k").expect("an address"), server)
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().expect("unpoisoned"))
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let headers = format!("{} {}", header("authorization"), header("idempotency-key"));
    server.asked.lock().expect("unpoisoned").push((format!("{} {}", parts.method, parts.uri), headers, body));
    let (status, wait, said) = server.answers.lock().expect("unpoisoned").pop_front().expect("an answer is left");
    let mut response = Response::new(Body::from(said.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if !wait.is_empty() {
        response.headers_mut().insert("retry-after", wait.parse().expect("a header"));
    }
    response
}

fn tenant() -> Value {
    json!({ "id": "ten_1", "account": "acc_1", "name": "lab", "created_at": "2026-03-01T00:00:00Z", "new_field": 1 })
}

fn problem(status: u16, code: &str) -> Value {
    json!({ "type": "/v1/errors/x", "title": "No", "status": status, "code": code, "detail": "no", "field": "name" })
}

fn lab() -> NewTenant {
    NewTenant { name: "lab".to_owned(), ..NewTenant::default() }
}

#[tokio::test]
async fn a_request_is_what_the_document_says() {
    let (client, server) = Server::telling([(201, "", tenant())]).await;
    assert_eq!(client.idempotent("k1").create_tenant(&lab()).await.expect("made").id, "ten_1");
    let expected = ("POST /v1/tenants".to_owned(), "Bearer rlv_k k1".to_owned(), json!({ "name": "lab" }));
    assert_eq!(server.asked(), [expected]);
    assert!(!format!("{client:?}").contains("rlv_k"), "a key is in no log");
}

#[tokio::test]
async fn a_refusal_says_which_and_where() {
    let (client, _server) = Server::telling([(422, "", problem(422, "invalid_field")), (502, "", json!("no"))]).await;
    let refused = client.create_tenant(&lab()).await.expect_err("refused");
    assert_eq!((refused.code(), refused.field()), (Some("invalid_field"), Some("name")));
    assert!(matches!(client.get_tenant("lab").await, Err(Error::Unexpected { status: 502 })));
}

#[tokio::test]
async fn it_waits_as_long_as_it_is_told_and_no_longer_than_it_may() {
    let limited = problem(429, "rate_limited");
    let (client, server) =
        Server::telling([(429, "1", limited.clone()), (201, "", tenant()), (429, "2", limited)]).await;
    client.create_tenant(&lab()).await.expect("what was refused for its rate was not begun");
    assert_eq!(server.asked().len(), 2);
    let refused = client.waiting_at_most(Duration::from_secs(1)).get_tenant("lab").await.expect_err("too long");
    assert_eq!((refused.code(), server.asked().len()), (Some("rate_limited"), 1));
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_twice() {
    let away = problem(503, "unavailable");
    let (client, server) = Server::telling([(503, "1", away.clone()), (503, "1", away), (201, "", tenant())]).await;
    assert_eq!(client.create_tenant(&lab()).await.expect_err("away").code(), Some("unavailable"));
    client.idempotent("k").create_tenant(&lab()).await.expect("its key makes it one");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let first = json!({ "items": [tenant()], "next": "c&1" });
    let last = json!({ "items": [tenant(), tenant()], "next": null });
    let (client, server) = Server::telling([(200, "", first), (200, "", last)]).await;
    let query = ListTenantsQuery { account: Some("acme".to_owned()), ..ListTenantsQuery::default() };
    assert_eq!(client.all_tenants(&query).all().await.expect("read").len(), 3);
    let asked: Vec<String> = server.asked().into_iter().map(|(asked, _, _)| asked).collect();
    assert_eq!(asked, ["GET /v1/tenants?account=acme", "GET /v1/tenants?account=acme&cursor=c%261"]);
}

#[tokio::test]
async fn what_is_answered_depends_on_what_became_of_it() {
    let proposal = json!({
        "id": "prp_1", "account": "acc_1", "amount": { "amount": "9000.10", "currency": "EUR" }, "kind": "credit",
        "expires_at": "t", "proposed_at": "t", "proposed_by": "p", "request": {}, "state": "waiting",
    });
    let (client, _server) = Server::telling([(202, "", proposal)]).await;
    let made = client.create_account_credit("acme", &NewCredit::default()).await.expect("taken in");
    let CreateAccountCreditAnswer::Accepted(proposal) = made else { panic!("{made:?}") };
    assert_eq!(proposal.amount.amount.to_string(), "9000.10", "with all its digits");
}

#[test]
fn amounts_are_exact_and_never_floats() {
    let money: MoneyView = serde_json::from_value(json!({ "amount": "0.10", "currency": "EUR" })).expect("money");
    assert_eq!(serde_json::to_value(&money).expect("JSON"), json!({ "amount": "0.10", "currency": "EUR" }));
    for wrong in [json!(0.1), json!(1), json!("1e3"), json!("0.00000000000000000000000000001")] {
        let read = serde_json::from_value::<MoneyView>(json!({ "amount": wrong, "currency": "EUR" }));
        assert!(read.is_err(), "{wrong} is {read:?}");
    }
    let read = |json: Value| serde_json::from_value::<ItemView>(json).expect("an item");
    assert!(matches!(read(json!({ "fate": "counted" })), ItemView::Fate(_)));
    assert!(matches!(read(json!({ "fate": "refused", "problem": problem(422, "x") })), ItemView::Refused(_)));
}
