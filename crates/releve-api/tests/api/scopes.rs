//! Who may do what? Each route asks for a scope; a key has those it was made with, until it is revoked or expires.

use axum::http::header;
use releve_api::{
    auth::{Role, Scope},
    openapi,
};
use serde_json::{Value, json};

use crate::world::World;

/// Fewer unknown keys than one server hears before it asks for patience.
pub const REFUSED_AT_ONCE: usize = 80;

/// Each described operation, as a request with something in the place of each parameter.
pub fn operations() -> Vec<(String, String, Value)> {
    let document = serde_json::to_value(openapi()).expect("a document");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "lab" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn body_for(method: &str) -> Option<Value> {
    (method == "POST" || method == "PATCH").then(|| json!({}))
}

#[tokio::test]
async fn no_route_opens_without_a_key_that_may() {
    for some in operations().chunks(REFUSED_AT_ONCE) {
        open_without_a_key_that_may(some).await;
    }
}

async fn open_without_a_key_that_may(operations: &[(String, String, Value)]) {
    let world = World::new().await;
    let nobody = world.key(&[]).await;
    for (method, path, operation) in operations {
        let uri = filled(path);
        if releve_api::PUBLIC.contains(&path.as_str()) {
            assert_ne!(world.call(method, &uri, None, None).await.status.as_u16(), 401, "{method} {path}");
            continue;
        }
        let body = body_for(method);
        let bare = world.call(method, &uri, None, body.clone()).await;
        assert_eq!(bare.problem().0, 401, "{method} {path} without a key");
        assert_eq!(bare.headers.get(header::WWW_AUTHENTICATE).expect("a challenge"), "Bearer realm=\"releve\"");
        let unknown = format!("rlv_{}", "0".repeat(64));
        assert_eq!(world.call(method, &uri, Some(&unknown), body.clone()).await.problem().0, 401, "{method} {path}");
        assert_eq!(world.call(method, &uri, Some(&nobody), body).await.problem().0, 403, "{method} {path}");
        assert!(operation["security"].as_array().is_some_and(|s| !s.is_empty()), "{method} {path} says no scope");
    }
}

#[tokio::test]
async fn each_route_takes_the_scope_that_it_says_and_no_other() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let reading = Scope::Reading("*".to_owned());
    let mut keys = vec![(vec![reading.clone()], world.key(&[reading]).await)];
    for role in Role::ALL {
        keys.push((role.of_tenant().to_vec(), world.tenant_key_as("lab", role).await));
    }
    for scope in Scope::PLAIN.into_iter().filter(|scope| !Scope::OF_TENANT.contains(scope)) {
        keys.push((vec![scope.clone()], world.key(&[scope]).await));
    }
    for (method, path, operation) in operations() {
        if releve_api::PUBLIC.contains(&path.as_str()) {
            continue;
        }
        let alternatives = operation["security"].as_array().expect("security").iter();
        let said: Vec<&str> = alternatives.filter_map(|s| s["api_key"][0].as_str()).collect();
        for (scopes, key) in &keys {
            let status = world.call(&method, &filled(&path), Some(key), body_for(&method)).await.status.as_u16();
            let opened = status != 403;
            assert_ne!(status, 401, "{method} {path} with {scopes:?}");
            let should = scopes.iter().any(|scope| said.contains(&scope.to_string().as_str()));
            assert_eq!(opened, should, "{method} {path} says {said:?}; {scopes:?} got {status}");
        }
    }
}

#[tokio::test]
async fn a_key_ends() {
    let world = World::new().await;
    let new = json!({ "name": "robot", "scopes": ["operator:read"], "expires_at": "2026-03-11T00:00:00Z" });
    let made = world.post("/v1/api-keys", new).await.expect(201);
    let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key").to_owned());
    let ask = async || world.call("GET", "/v1/nodes", Some(&key), None).await;
    ask().await.expect(200);
    let listed = world.get("/v1/api-keys").await;
    assert!(!listed.text().contains(&key), "a key is shown once");
    assert_eq!(listed.json()["items"][1]["last_used_at"], "2026-03-10T12:30:00Z");

    world.set_now("2026-03-11T00:00:00Z");
    assert_eq!(ask().await.json()["reason"], "expired");
    world.set_now("2026-03-10T13:00:00Z");
    ask().await.expect(200);
    world.call("DELETE", &format!("/v1/api-keys/{id}"), Some(&world.operator), None).await.expect(204);
    assert_eq!(ask().await.json()["reason"], "revoked");
    world.call("DELETE", &format!("/v1/api-keys/{id}"), Some(&world.operator), None).await.expect(204);
    for wrong in ["", "Basic abc", "Bearer", "Bearer sk_123"] {
        let request = axum::http::Request::get("/v1/nodes").header("authorization", wrong);
        let answer = world.send(request.body(axum::body::Body::empty()).expect("a request")).await;
        assert_eq!((answer.problem().0, &answer.json()["reason"]), (401, &json!("malformed")), "{wrong:?}");
    }
}

#[tokio::test]
async fn keys_that_can_not_be() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    for (body, field) in [
        (json!({ "name": "k", "scopes": [] }), "scopes"),
        (json!({ "name": "k", "scopes": ["root"] }), "scopes[0]"),
        (json!({ "name": "k", "scopes": ["reading:"] }), "scopes[0]"),
        (json!({ "name": "k", "scopes": ["tenant:read"] }), "tenant"),
        (json!({ "name": "k", "scopes": ["operator:read"], "tenant": "lab" }), "tenant"),
        (json!({ "name": "k", "scopes": ["tenant:read", "agent"], "tenant": "lab" }), "scopes"),
        (json!({ "name": "k", "scopes": ["tenant:admin", "tenant:read"], "tenant": "lab" }), "scopes"),
        (json!({ "name": "k", "scopes": ["tenant:billing"] }), "scopes"),
        (json!({ "name": "k", "scopes": ["tenant:billing"], "tenant": "lab" }), "tenant"),
        (
            json!({ "name": "k", "scopes": ["tenant:read", "tenant:billing", "operator:read"], "tenant": "lab" }),
            "scopes",
        ),
        (json!({ "name": "k", "scopes": ["tenant:read"], "tenant": "nobody" }), "tenant"),
        (json!({ "name": "k", "scopes": ["agent"], "expires_at": "2026-03-10T12:30:00Z" }), "expires_at"),
        (json!({ "name": "k", "scopes": ["agent"], "key": "mine" }), "key"),
    ] {
        let (status, code, found) = world.post("/v1/api-keys", body.clone()).await.problem();
        assert_eq!((status, code.as_str(), found.as_str()), (422, "invalid_field", field), "{body}");
    }
}

#[tokio::test]
async fn one_key_can_not_crowd_out_the_others() {
    let world = World::new().await;
    let key = world.key(&[Scope::OperatorRead]).await;
    let mut refused = None;
    for _ in 0..1_000 {
        let answer = world.call("GET", "/v1/skus", Some(&key), None).await;
        if answer.status.as_u16() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a key that never stops is told to wait");
    assert_eq!(refused.problem().1, "rate_limited");
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    world.get("/v1/skus").await.expect(200);
}
