//! What somebody was told is listed to whom it concerns, narrowed, and looked at once.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

/// An alert of the operator's, one of lab's, one of lab's account and one of another's, in this order.
async fn alerted() -> (World, Vec<String>) {
    let world = World::new().await;
    for name in ["lab", "other"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
    }
    let rows = [
        ("node.silent", "null", "null", "null"),
        ("spend.anomaly", "(select tenant_id from tenants where name = 'lab')", "null", "null"),
        ("credits.low", "null", "(select account_id from accounts where name = 'lab')", "'2026-03-10T12:00:00Z'"),
        ("budget.reached", "(select tenant_id from tenants where name = 'other')", "null", "null"),
    ];
    let mut ids = Vec::new();
    for (n, (kind, tenant, account, resolved)) in rows.into_iter().enumerate() {
        let uuid = format!("00000000-0000-7000-8000-00000000000{n}");
        world.database.sql(&format!(
            "insert into alerts (alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at, resolved_at)
             values ('{uuid}', {tenant}, {account}, '{kind}', 's', '{n}', 1, '{{}}', '2026-03-10T11:00:00Z', '2026-03-10T11:00:00Z',
                     {resolved})"
        ));
        ids.push(format!("alt_{}", uuid.replace('-', "")));
    }
    (world, ids)
}

fn kinds(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_narrowed_by_state_and_kind() {
    let (world, _) = alerted().await;
    let list = async |query: &str| kinds(&world.get(&format!("/v1/alerts{query}")).await.expect(200));
    assert_eq!(list("").await, ["credits.low", "node.silent"], "the house's, and all accounts'");
    assert_eq!(list("?state=open").await, ["node.silent"]);
    assert_eq!(list("?state=resolved").await, ["credits.low"]);
    assert_eq!(list("?kind=node.silent&state=open").await, ["node.silent"]);
    assert_eq!(world.get("/v1/alerts?state=new").await.problem().2, "state");
    assert_eq!(world.get("/v1/alerts?kind=node.silence").await.problem().2, "kind");
    let key = world.tenant_key("lab").await;
    let own = world.call("GET", "/v1/tenants/lab/alerts", Some(&key), None).await.expect(200);
    assert_eq!(kinds(&own), ["credits.low", "spend.anomaly"], "its own, and its account's");
    let first = world.get("/v1/alerts?limit=1").await.expect(200);
    let cursor = first["next"].as_str().expect("more");
    assert_eq!(list(&format!("?limit=1&cursor={cursor}")).await, ["node.silent"]);
    assert_eq!(world.get(&format!("/v1/alerts?state=open&cursor={cursor}")).await.status, 422, "of another list");
}

#[tokio::test]
async fn who_looked_first_is_kept_and_audited() {
    let (world, ids) = alerted().await;
    let path = format!("/v1/alerts/{}/acknowledge", ids[0]);
    let seen = world.post(&path, json!(null)).await.expect(200);
    assert_eq!(seen["acknowledged_at"], json!(world.now().to_string()));
    let by = seen["acknowledged_by"].clone();
    world.set_now("2026-03-10T13:00:00Z");
    assert_eq!(world.post(&path, json!(null)).await.expect(200), seen, "once");
    let open = world.get("/v1/alerts?state=open").await.expect(200);
    assert_eq!(kinds(&open), Vec::<String>::new());
    let done = world.get("/v1/alerts?state=acknowledged").await.expect(200);
    assert_eq!((kinds(&done), &done["items"][0]["acknowledged_by"]), (vec!["node.silent".to_owned()], &by));
    let audited = "select count(*) || ' ' || min(subject) from audit_log where action = 'alert.acknowledge'";
    assert_eq!(world.database.sql(audited), format!("1 {}", ids[0]));
}

#[tokio::test]
async fn a_tenants_route_reaches_its_own_alone() {
    let (world, ids) = alerted().await;
    let seen =
        async |id: &str| world.post(&format!("/v1/tenants/lab/alerts/{id}/acknowledge"), json!(null)).await.status;
    assert_eq!(seen(&ids[1]).await, StatusCode::OK);
    assert_eq!(seen(&ids[2]).await, 404, "its account's, which its siblings are told of too");
    assert_eq!(seen(&ids[0]).await, 404, "the operator's");
    assert_eq!(seen(&ids[3]).await, 404, "another tenant's");
    assert_eq!(seen("alt_nothing").await, 404);
    let key = world.tenant_key("lab").await;
    let own = format!("/v1/tenants/lab/alerts/{}/acknowledge", ids[1]);
    assert_eq!(world.call("POST", &own, Some(&key), None).await.problem().0, 403, "a key that only reads");
}
