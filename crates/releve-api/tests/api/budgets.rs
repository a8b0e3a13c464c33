//! What a tenant means to spend: made, refused, changed; and the answer to whether it may start more.

use serde_json::{Value, json};

use crate::world::World;

async fn lab() -> World {
    let world = World::new().await;
    for name in ["lab", "other"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
    }
    world
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let world = lab().await;
    for (body, field) in [
        (json!({ "name": "b" }), "amount"),
        (json!({ "name": "b", "amount": "0" }), "amount"),
        (json!({ "name": "b", "amount": "1.001" }), "amount"),
        (json!({ "name": "b", "amount": "10000000000000000000" }), "amount"),
        (json!({ "name": "b", "amount": "1", "gpu_hours": 1 }), "gpu_hours"),
        (json!({ "name": "b", "gpu_hours": -1 }), "gpu_hours"),
        (json!({ "name": "b", "gpu_hours": i64::MAX }), "gpu_hours"),
        (json!({ "name": "b", "gpu_hours": 1, "thresholds": [] }), "thresholds"),
        (json!({ "name": "b", "gpu_hours": 1, "thresholds": [80, 1001] }), "thresholds"),
        (json!({ "name": "b", "gpu_hours": 1, "basis": "guess" }), "basis"),
        (json!({ "name": "b", "gpu_hours": 1, "sku": "h100" }), "sku"),
        (json!({ "name": "b/c", "gpu_hours": 1 }), "name"),
    ] {
        assert_eq!(world.post("/v1/tenants/lab/budgets", body.clone()).await.problem().2, field, "{body}");
    }
    assert_eq!(world.get("/v1/tenants/lab/entitlement?gpus=0").await.problem().2, "gpus");
    assert_eq!(world.post("/v1/tenants/nobody/budgets", json!({ "name": "b", "gpu_hours": 1 })).await.problem().0, 404);
}

#[tokio::test]
async fn a_budget_is_made_changed_removed_and_nobody_elses() {
    let world = lab().await;
    let new = json!({ "name": "march", "amount": "100", "thresholds": [100, 50, 50], "hard": true });
    let made = world.post("/v1/tenants/lab/budgets", new.clone()).await.expect(201);
    assert_eq!((&made["thresholds"], &made["basis"]), (&json!([50, 100]), &json!("actual")));
    assert_eq!(world.post("/v1/tenants/lab/budgets", new).await.problem().1, "name_taken");
    let id = made["id"].as_str().expect("an id");
    let path = format!("/v1/tenants/lab/budgets/{id}");
    let key = world.tenant_key("lab").await;
    assert_eq!(world.call("GET", &path, Some(&key), None).await.expect(200)["amount"]["amount"], "100.00");
    assert_eq!(world.get(&format!("/v1/tenants/other/budgets/{id}")).await.problem().0, 404);
    assert_eq!(world.get("/v1/tenants/other/budgets").await.expect(200)["items"], json!([]));
    let patch = async |body: Value| world.call("PATCH", &path, Some(&world.operator), Some(body)).await;
    assert_eq!(patch(json!({ "gpu_hours": 5 })).await.problem().2, "gpu_hours");
    assert_eq!(patch(json!({ "amount": "250.5" })).await.expect(200)["amount"]["amount"], "250.50");
    world.call("DELETE", &path, Some(&world.operator), None).await.expect(204);
    assert_eq!(world.get(&path).await.problem().0, 404);
}

#[tokio::test]
async fn a_quota_answers_by_what_is_left() {
    let world = lab().await;
    let hard = json!({ "name": "q", "gpu_hours": 2, "hard": true, "project": "p" });
    world.post("/v1/tenants/lab/budgets", hard).await.expect(201);
    let key = world.tenant_key("lab").await;
    let ask = async |query: &str| {
        world.call("GET", &format!("/v1/tenants/lab/entitlement?{query}"), Some(&key), None).await.expect(200)
    };
    assert_eq!(ask("project=p&gpus=2").await["allowed"], true);
    assert_eq!(ask("project=r&gpus=3").await["allowed"], true, "of another project");
    let refused = ask("project=p&gpus=3").await;
    assert_eq!((&refused["allowed"], &refused["as_of"]), (&json!(false), &json!(world.now().to_string())));
    let reason = &refused["reasons"][0];
    assert_eq!(
        (&reason["used"], &reason["limit"], &reason["unit"]),
        (&json!("0.000"), &json!("2.000"), &json!("GPU-hours"))
    );
    assert_eq!(world.get("/v1/alerts").await.expect(200)["items"], json!([]));
}
