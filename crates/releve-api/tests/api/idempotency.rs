//! Is a request that is sent again done once? With its key: same answer, same row.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn post(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", world.operator))
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    world.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

#[tokio::test]
async fn the_same_request_has_the_same_answer() {
    let world = World::new().await;
    let body = json!({ "name": "lab" });
    let first = post(&world, "/v1/tenants", "k1", &body).await;
    let second = post(&world, "/v1/tenants", "k1", &body).await;
    assert_eq!(first.expect(201), second.expect(201));
    assert_eq!(second.headers.get("idempotent-replayed").expect("told"), "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(world.database.sql("select count(*) from tenants"), "1");
    assert_eq!(world.database.sql("select count(*) from audit_log where action = 'tenant.create'"), "1");

    let other = post(&world, "/v1/tenants", "k1", &json!({ "name": "else" })).await;
    assert_eq!(other.problem().1, "idempotency_key_reused");
    let elsewhere = post(&world, "/v1/accounts", "k1", &body).await;
    assert_eq!(elsewhere.problem().1, "idempotency_key_reused", "the path is part of the request");
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let body = json!({ "name": "lab" });
    assert_eq!(post(&world, "/v1/tenants", "k1", &body).await.problem().1, "name_taken");
    post(&world, "/v1/tenants", "k1", &json!({ "name": "lab2" })).await.expect(201);
}

#[tokio::test]
async fn a_key_is_its_callers_own_and_ends() {
    let world = World::new().await;
    let other = world.key(&[releve_api::auth::Scope::OperatorWrite]).await;
    post(&world, "/v1/tenants", "k1", &json!({ "name": "a" })).await.expect(201);
    let request = Request::post("/v1/tenants")
        .header("authorization", format!("Bearer {other}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "k1");
    let body = json!({ "name": "b" }).to_string();
    world.send(request.body(Body::from(body)).expect("a request")).await.expect(201);
    world.set_now("2026-03-12T12:30:01Z");
    post(&world, "/v1/tenants", "k1", &json!({ "name": "c" })).await.expect(201);
    for bad in ["", "é", &"k".repeat(256)] {
        let (status, _, field) = post(&world, "/v1/tenants", bad, &json!({ "name": "d" })).await.problem();
        assert_eq!((status, field.as_str()), (422, "Idempotency-Key"));
    }
}

#[tokio::test]
async fn a_new_keys_text_is_never_kept() {
    let world = World::new().await;
    let body = json!({ "name": "robot", "scopes": ["operator:read"] });
    assert_eq!(post(&world, "/v1/api-keys", "k1", &body).await.problem().1, "idempotency_not_offered");
    assert_eq!(world.database.sql("select count(*) from api_keys"), "1");
}

const TRIES: usize = 90;

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_done_whole_or_not_at_all() {
    let world = World::new().await;
    let (mut polled, mut created) = (0, 0);
    // Fewer requests than the rate limit lets through at once.
    for n in 0..TRIES {
        let name = format!("t{n}");
        let body = json!({ "name": name });
        // The caller goes away after a while that grows, through every await of the request.
        let asked = world.post("/v1/tenants", body);
        tokio::pin!(asked);
        let mut left = n;
        let done = std::future::poll_fn(|cx| {
            polled += 1;
            match asked.as_mut().poll(cx) {
                std::task::Poll::Ready(answer) => std::task::Poll::Ready(Some(answer)),
                std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
                std::task::Poll::Pending => {
                    left -= 1;
                    std::task::Poll::Pending
                }
            }
        })
        .await;
        if let Some(answer) = done {
            answer.expect(201);
            created += 1;
            let found = world.get(&format!("/v1/tenants/{name}")).await;
            assert_eq!(found.expect(200)["name"], name.as_str(), "what was answered is there");
        }
    }
    assert!(polled > TRIES && created > 0 && created < TRIES, "{polled} polls, {created} answered");
    // One more request shows that no transaction was left open on the one connection.
    world.post("/v1/tenants", json!({ "name": "last" })).await.expect(201);
    let whole =
        "select count(*) from tenants t where not exists (select from accounts a where a.account_id = t.account_id)";
    assert_eq!(world.database.sql(whole), "0");
    assert_eq!(world.database.sql("select count(*) = count(distinct name) from tenants"), "t");
    assert_eq!(world.database.sql("select count(*) from tenants where name = 'last'"), "1", "and it was committed");
}
