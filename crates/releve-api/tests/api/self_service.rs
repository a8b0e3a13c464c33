//! What does a tenant look after itself? Its budgets, keys and endpoints: each by its role, and nobody else's.

use releve_api::auth::Role;
use releve_jobs::{Settings, round};
use releve_types::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::{Answer, World};

async fn lab() -> World {
    let world = World::new().await;
    for name in ["lab", "other"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
    }
    world
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn post(world: &World, key: &str, path: &str, body: Value) -> Answer {
    world.call("POST", &format!("/v1/tenants/lab/{path}"), Some(key), Some(body)).await
}

#[tokio::test]
async fn a_role_goes_from_the_link_into_the_session() {
    let world = lab().await;
    let link = world.post("/v1/portal-links", json!({ "tenant": "lab", "role": "billing" })).await.expect(201);
    assert_eq!(link["role"], "billing");
    let secret = text(&link["url"]).rsplit('/').next().expect("a secret").to_owned();
    let session = world.call("POST", "/v1/sessions", Some(&secret), None).await.expect(201);
    assert_eq!(session["scopes"], json!(["tenant:billing", "tenant:read"]));
    let bearer = text(&session["session"]).to_owned();
    let budget = post(&world, &bearer, "budgets", json!({ "name": "month", "gpu_hours": 5 })).await.expect(201);
    let path = format!("/v1/tenants/lab/budgets/{}", text(&budget["id"]));
    world.call("PATCH", &path, Some(&bearer), Some(json!({ "gpu_hours": 6 }))).await.expect(200);
    assert_eq!(post(&world, &bearer, "api-keys", json!({ "name": "k" })).await.problem().0, 403);
    let other = world.call("POST", "/v1/tenants/other/budgets", Some(&bearer), Some(json!({}))).await;
    assert_eq!(other.problem().0, 404);
    world.call("DELETE", &path, Some(&bearer), None).await.expect(204);
    let refused = world.post("/v1/portal-links", json!({ "tenant": "lab", "role": "owner" })).await;
    assert_eq!(refused.problem().2, "role");
}

#[tokio::test]
async fn an_admin_makes_lists_and_revokes_its_own_keys() {
    let world = lab().await;
    let admin = world.tenant_key_as("lab", Role::Admin).await;
    let foreign =
        world.post("/v1/api-keys", json!({ "name": "f", "scopes": ["tenant:read"], "tenant": "other" })).await;
    let foreign = foreign.expect(201);
    let made = post(&world, &admin, "api-keys", json!({ "name": "ci", "role": "billing" })).await.expect(201);
    assert_eq!(made["scopes"], json!(["tenant:billing", "tenant:read"]));
    let key = text(&made["key"]).to_owned();
    assert_eq!(world.call("GET", "/v1/tenants/lab/budgets", Some(&key), None).await.status, 200);
    let listed = world.call("GET", "/v1/tenants/lab/api-keys", Some(&admin), None).await;
    let mut names: Vec<String> =
        listed.expect(200)["items"].as_array().expect("items").iter().map(|k| text(&k["name"]).to_owned()).collect();
    names.sort();
    assert_eq!(names, ["admin", "ci"]);
    assert!(!listed.text().contains(&key), "a key is shown once");
    let theirs = format!("/v1/tenants/lab/api-keys/{}", text(&foreign["id"]));
    assert_eq!(world.call("DELETE", &theirs, Some(&admin), None).await.problem().0, 404);
    assert_eq!(world.call("POST", &format!("{theirs}/rotate"), Some(&admin), Some(json!({}))).await.problem().0, 404);
    let theirs = text(&foreign["key"]).to_owned();
    world.call("GET", "/v1/tenants/other", Some(&theirs), None).await.expect(200);
    world
        .call("DELETE", &format!("/v1/tenants/lab/api-keys/{}", text(&made["id"])), Some(&admin), None)
        .await
        .expect(204);
    assert_eq!(world.call("GET", "/v1/tenants/lab", Some(&key), None).await.problem().0, 401);
    for (body, field) in [
        (json!({ "name": "k", "role": "root" }), "role"),
        (json!({ "name": "k", "scopes": ["operator:read"] }), "scopes"),
        (json!({ "name": "k", "expires_at": "2026-03-10T12:30:00Z" }), "expires_at"),
    ] {
        assert_eq!(post(&world, &admin, "api-keys", body.clone()).await.problem().2, field, "{body}");
    }
}

#[tokio::test]
async fn keys_of_a_tenant_are_bounded() {
    let world = lab().await;
    world.database.sql(
        "insert into api_keys (key_id, sha256, hint, name, tenant_id, scopes, created_at, created_by)
         select gen_random_uuid(), sha256(n::text::bytea), 'h', 'n', t.tenant_id, '{tenant:read}', now(), 'test'
         from generate_series(1, 99) n, tenants t where t.name = 'lab'",
    );
    let admin = world.tenant_key_as("lab", Role::Admin).await;
    assert_eq!(post(&world, &admin, "api-keys", json!({ "name": "k" })).await.problem().2, "tenant");
    world.database.sql("update api_keys set revoked_at = now() where name = 'n'");
    post(&world, &admin, "api-keys", json!({ "name": "k" })).await.expect(201);
}

#[tokio::test]
async fn a_rotated_key_opens_beside_the_new_one_for_a_while() {
    let world = lab().await;
    let admin = world.tenant_key_as("lab", Role::Admin).await;
    let old = post(&world, &admin, "api-keys", json!({ "name": "ci" })).await.expect(201);
    let session = world.call("POST", "/v1/sessions", Some(text(&old["key"])), None).await.expect(201);
    let path = format!("api-keys/{}/rotate", text(&old["id"]));
    assert_eq!(post(&world, &admin, &path, json!({ "grace_seconds": -1 })).await.problem().2, "grace_seconds");
    let new = post(&world, &admin, &path, json!({ "grace_seconds": 60 })).await.expect(201);
    assert_eq!((&new["name"], &new["scopes"], &new["replaces"]), (&old["name"], &old["scopes"], &old["id"]));
    let ask = async |key: &Value| world.call("GET", "/v1/tenants/lab", Some(text(key)), None).await.status.as_u16();
    let all = async || [ask(&old["key"]).await, ask(&session["session"]).await, ask(&new["key"]).await];
    assert_eq!(all().await, [200, 200, 200]);
    assert_eq!(post(&world, &admin, &path, json!({})).await.problem().1, "already_decided");
    world.set_now("2026-03-10T12:31:00Z");
    assert_eq!(all().await, [401, 401, 200], "with a key, what came from it");
    let audited = world.get("/v1/audit-log?limit=1000").await.text();
    assert!(audited.contains("api_key.rotate") && !audited.contains(text(&new["key"])), "{audited}");
}

#[tokio::test]
async fn an_operators_key_lives_as_long_again() {
    let world = lab().await;
    let new =
        json!({ "name": "robot", "scopes": ["operator:read", "reading:*"], "expires_at": "2026-03-20T12:30:00Z" });
    let old = world.post("/v1/api-keys", new).await.expect(201);
    world.set_now("2026-03-19T12:30:00Z");
    let path = format!("/v1/api-keys/{}/rotate", text(&old["id"]));
    let again = world.post(&path, json!({})).await.expect(201);
    assert_eq!((&again["scopes"], &again["expires_at"]), (&old["scopes"], &json!("2026-03-29T12:30:00Z")));
    let listed = world.get("/v1/api-keys").await.expect(200);
    let before =
        listed["items"].as_array().expect("items").iter().find(|key| key["id"] == old["id"]).expect("it").clone();
    assert_eq!(before["expires_at"], "2026-03-20T12:30:00Z", "it ends when it would have, not later");
    world.set_now("2026-03-20T12:30:00Z");
    assert_eq!(world.post(&path, json!({})).await.problem().1, "already_decided");
}

#[tokio::test]
async fn an_admin_looks_after_its_own_endpoints() {
    let world = lab().await;
    let admin = world.tenant_key_as("lab", Role::Admin).await;
    let made = post(&world, &admin, "webhook-endpoints", json!({ "url": "https://example.com" })).await.expect(201);
    let account = world.get("/v1/tenants/lab").await.expect(200)["account"].clone();
    assert_eq!(made["account"], account);
    let theirs = world.post("/v1/tenants/other/webhook-endpoints", json!({ "url": "https://other.example" })).await;
    let operators = world.post("/v1/webhook-endpoints", json!({ "url": "https://op.example", "account": "lab" })).await;
    let listed = world.call("GET", "/v1/tenants/lab/webhook-endpoints", Some(&admin), None).await.expect(200);
    let ids: Vec<_> = listed["items"].as_array().expect("items").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, [made["id"].clone()], "the account's own, which an operator made, is none of the tenant's");
    let path = format!("webhook-endpoints/{}", text(&made["id"]));
    let at = |path: &str| format!("/v1/tenants/lab/{path}");
    let sent = post(&world, &admin, &format!("{path}/test"), json!({})).await.expect(201);
    let log = world.call("GET", &at(&format!("{path}/deliveries")), Some(&admin), None).await.expect(200);
    assert_eq!(log["items"][0]["event"], sent["event"]);
    post(&world, &admin, &format!("{path}/deliveries/{}/resend", text(&sent["event"])), json!({})).await.expect(200);
    post(&world, &admin, &format!("{path}/resend"), json!({ "since": "2026-03-01T00:00:00Z" })).await.expect(200);
    assert_ne!(
        post(&world, &admin, &format!("{path}/rotate-secret"), json!({})).await.expect(200)["secret"],
        made["secret"]
    );
    let patch = world.call("PATCH", &at(&path), Some(&admin), Some(json!({ "topics": ["budget.reached"] }))).await;
    assert_eq!(patch.expect(200)["topics"], json!(["budget.reached"]));
    for foreign in [theirs.expect(201), operators.expect(201)] {
        let path = at(&format!("webhook-endpoints/{}", text(&foreign["id"])));
        for (method, rest, body) in [
            ("GET", "", None),
            ("GET", "/deliveries", None),
            ("PATCH", "", Some(json!({ "enabled": false }))),
            ("DELETE", "", None),
            ("POST", "/test", None),
            ("POST", "/rotate-secret", None),
            ("POST", "/resend", Some(json!({ "since": "2026-03-01T00:00:00Z" }))),
        ] {
            let answer = world.call(method, &format!("{path}{rest}"), Some(&admin), body).await;
            assert_eq!(answer.problem().0, 404, "{method} {path}{rest}");
        }
    }
    world.call("DELETE", &at(&path), Some(&admin), None).await.expect(204);
}

#[tokio::test]
async fn what_a_tenants_endpoint_can_not_be() {
    let world = lab().await;
    let admin = world.tenant_key_as("lab", Role::Admin).await;
    for (body, field) in [
        (json!({ "url": "mailto:somebody@example.com" }), "url"),
        (json!({ "url": "https://example.com", "topics": ["node.silent"] }), "topics[0]"),
        (json!({ "url": "https://example.com", "account": "other" }), "account"),
    ] {
        assert_eq!(post(&world, &admin, "webhook-endpoints", body.clone()).await.problem().2, field, "{body}");
    }
    for n in 0..20 {
        let url = format!("https://{n}.example.com");
        post(&world, &admin, "webhook-endpoints", json!({ "url": url })).await.expect(201);
    }
    let refused = post(&world, &admin, "webhook-endpoints", json!({ "url": "https://example.com" })).await;
    assert_eq!(refused.problem().2, "url", "there are twenty");
}

#[tokio::test]
async fn links_and_sessions_are_forgotten_a_month_after_they_ended_and_keys_are_not() {
    let world = lab().await;
    let link = world.post("/v1/portal-links", json!({ "tenant": "lab" })).await.expect(201);
    let secret = text(&link["url"]).rsplit('/').next().expect("a secret").to_owned();
    world.call("POST", "/v1/sessions", Some(&secret), None).await.expect(201);
    world.call("POST", "/v1/sessions", Some(&world.operator), None).await.expect(201);
    let left = async |at: &str| {
        let at: Timestamp = at.parse().expect("an instant");
        round(&world.db, &Settings::default(), at, &CancellationToken::new()).await;
        world.database.sql("select string_agg(kind, ' ' order by kind) from api_keys")
    };
    // Sessions of 8 hours, and a link of five minutes.
    assert_eq!(left("2026-04-09T12:34:59Z").await, "key link session session");
    assert_eq!(left("2026-04-09T12:35:01Z").await, "key session session");
    assert_eq!(left("2026-04-09T20:29:59Z").await, "key session session");
    assert_eq!(left("2026-04-09T20:30:01Z").await, "key");
    assert_eq!(world.database.sql("select last_used_at is not null from api_keys"), "t", "when it was last used stays");
}
