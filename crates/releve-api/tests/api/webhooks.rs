//! Who is told what happens: endpoints from the first secret to the last delivery that is sent once more.

use serde_json::{Value, json};

use crate::world::World;

async fn made(world: &World, body: Value) -> Value {
    world.post("/v1/webhook-endpoints", body).await.expect(201)
}

fn id(endpoint: &Value) -> String {
    endpoint["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_rotated() {
    let world = World::new().await;
    let first = made(&world, json!({ "url": "https://example.com/hooks", "description": "the portal" })).await;
    let secret = first["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let path = format!("/v1/webhook-endpoints/{}", id(&first));
    let shown = world.get(&path).await.expect(200);
    assert_eq!((&shown["enabled"], &shown["topics"], &shown["account"]), (&json!(true), &json!([]), &json!(null)));
    let rotated = world.post(&format!("{path}/rotate-secret"), json!({})).await.expect(200);
    assert_ne!(rotated["secret"], first["secret"]);
    let listed = world.get("/v1/webhook-endpoints").await.text();
    let audited = world.get("/v1/audit-log?limit=1000").await.text();
    assert!(audited.contains("webhook_endpoint.rotate_secret"), "{audited}");
    for secret in [&first["secret"], &rotated["secret"]] {
        let secret = secret.as_str().expect("a secret");
        assert!(!listed.contains(secret) && !audited.contains(secret), "a secret is shown once");
    }
    assert_eq!(world.database.sql("select count(*) from webhook_secrets"), "2", "both sign for a while");
    world.post(&format!("{path}/rotate-secret"), json!({})).await.expect(200);
    assert_eq!(
        world.database.sql("select count(*) from webhook_secrets"),
        "2",
        "the one before the last no longer does"
    );
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let world = World::new().await;
    for (body, field) in [
        (json!({ "url": "example.com" }), "url"),
        (json!({ "url": "ftp://example.com" }), "url"),
        (json!({ "url": "https://me:secret@example.com" }), "url"),
        (json!({ "url": "https://example.com", "topics": ["invoice.issued", "invoice"] }), "topics[1]"),
        (json!({ "url": "https://example.com", "account": "nobody" }), "account"),
        (json!({ "url": "https://example.com", "secret": "mine" }), "secret"),
    ] {
        let answer = world.post("/v1/webhook-endpoints", body.clone()).await;
        assert_eq!(answer.problem().2, field, "{body}");
    }
    let endpoint = made(&world, json!({ "url": "https://example.com" })).await;
    let path = format!("/v1/webhook-endpoints/{}", id(&endpoint));
    let patch = world.call("PATCH", &path, Some(&world.operator), Some(json!({ "url": "gopher://x" }))).await;
    assert_eq!(patch.problem().2, "url");
    assert_eq!(world.get(&format!("{path}/deliveries?state=lost")).await.problem().2, "state");
    let missing = format!("{path}/deliveries/evt_01900000000070008000000000000000/resend");
    assert_eq!(world.post(&missing, json!({})).await.problem().0, 404);
}

#[tokio::test]
async fn an_endpoint_is_tested_disabled_enabled_and_removed() {
    let world = World::new().await;
    let account = world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201)["account"].clone();
    let endpoint =
        made(&world, json!({ "url": "https://example.com", "account": account, "topics": ["invoice.overdue"] })).await;
    made(&world, json!({ "url": "https://other.example" })).await;
    let listed = world.get("/v1/webhook-endpoints?account=lab").await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let path = format!("/v1/webhook-endpoints/{}", id(&endpoint));
    let sent = world.post(&format!("{path}/test"), json!({})).await.expect(201);
    let log = world.get(&format!("{path}/deliveries?state=waiting")).await.expect(200);
    let delivery = &log["items"][0];
    assert_eq!((&delivery["event"], &delivery["topic"]), (&sent["event"], &json!("webhook_endpoint.test")));
    let resend = format!("{path}/deliveries/{}/resend", sent["event"].as_str().expect("an id"));
    world.post(&resend, json!({})).await.expect(200);
    let patch = async |body: Value| world.call("PATCH", &path, Some(&world.operator), Some(body)).await.expect(200);
    assert_eq!(patch(json!({ "enabled": false })).await["disabled_for"], "asked");
    let enabled = patch(json!({ "enabled": true, "topics": [] })).await;
    assert_eq!((&enabled["disabled_at"], &enabled["topics"]), (&json!(null), &json!([])));
    world.call("DELETE", &path, Some(&world.operator), None).await.expect(204);
    assert_eq!(world.get(&path).await.problem().0, 404);
    assert_eq!(world.database.sql("select state from webhook_deliveries"), "given_up");
    let since = json!({ "since": "2026-03-01T00:00:00Z" });
    assert_eq!(world.post(&format!("{path}/resend"), since).await.problem().0, 404);
}
