//! Do three requests show an amount? A tenant, a price, a reading; no id is copied from one to the next.

use serde_json::json;

use crate::world::{NOW, World};

#[tokio::test]
async fn a_tenant_a_price_and_a_reading_are_counted() {
    let world = World::new().await;
    let tenant = world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    assert_eq!(tenant["name"], "lab");

    let price = json!({ "sku": "meter/storage/default", "unit": "gib_second", "price": "0.10" });
    let price = world.post("/v1/prices", price).await.expect(201);
    assert_eq!((&price["from"], &price["priced_per"]), (&json!("2026-03-10T12:00:00Z"), &json!("GiB-hour")));

    let reading = json!({
        "source": "s3", "id": "1", "meter": "storage", "tenant": "lab", "quantity": 36_000, "unit": "gib_second",
        "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
    });
    assert_eq!(world.post("/v1/readings", reading.clone()).await.expect(200), json!({ "fate": "counted" }));
    assert_eq!(world.post("/v1/readings", reading).await.expect(200), json!({ "fate": "duplicate" }));

    let spend = world.get("/v1/tenants/lab/spend").await.expect(200);
    assert_eq!(spend["total"], json!({ "amount": "1.00", "currency": "EUR" }), "{spend}");
    assert_eq!((&spend["month"], &spend["charges"][0]["amount"]), (&json!("2026-03"), &json!("1.00")));
    assert_eq!((&spend["charges"][0]["unit_price"], &spend["unpriced"]), (&json!("0.10"), &json!([])));

    let forecast = &spend["forecast"];
    // 1.00 in the 229 hours of March that have begun.
    assert_eq!(forecast["amount"], json!({ "amount": "3.25", "currency": "EUR" }), "{forecast}");
    assert_eq!((&forecast["hours_begun"], &forecast["hours"]), (&json!(229), &json!(744)));
    assert_eq!((&forecast["from"], &forecast["to"]), (&json!("2026-03-01T00:00:00Z"), &json!("2026-03-10T13:00:00Z")));
    let february = world.get("/v1/tenants/lab/spend?month=2026-02").await.expect(200);
    assert_eq!(february["forecast"]["amount"]["amount"], "0.00", "what is over is what it is");
    world.set_now("2026-03-01T23:00:00Z");
    assert!(world.get("/v1/tenants/lab/spend").await.expect(200)["forecast"].is_null(), "too early to say");
    world.set_now(NOW);

    let usage = world.get("/v1/tenants/lab/usage").await.expect(200);
    assert_eq!(usage["items"][0]["quantity"], 36_000);
    assert_eq!(usage["items"][0]["sku"], "meter/storage/default");
}

#[tokio::test]
async fn the_first_key_is_made_once() {
    let world = World::new().await;
    let again = releve_api::bootstrap_operator_key(&world.db, world.now()).await.expect("bootstraps");
    assert_eq!(again, None);
    let keys = world.get("/v1/api-keys").await.expect(200);
    assert_eq!(keys["items"].as_array().map(Vec::len), Some(1));
    let stored = world.database.sql("select encode(sha256, 'hex') || ' ' || hint from api_keys");
    assert!(!stored.contains(&world.operator) && world.operator.len() == 68, "only the digest is kept: {stored}");
}

#[tokio::test]
async fn usage_without_a_price_is_shown_and_costs_nothing_yet() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let reading = json!({
        "source": "s3", "id": "1", "meter": "storage", "tenant": "lab", "quantity": 36_000, "unit": "gib_second",
        "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
    });
    world.post("/v1/readings", reading).await.expect(200);
    let spend = world.get("/v1/tenants/lab/spend").await.expect(200);
    assert_eq!((&spend["total"]["amount"], &spend["charges"]), (&json!("0.00"), &json!([])));
    let unpriced = &spend["unpriced"][0];
    assert_eq!((&unpriced["metered"], &unpriced["note"]), (&json!(36_000), &json!("no price yet")));
    let whole = world.get("/v1/accounts/lab/spend?month=2026-03").await.expect(200);
    assert_eq!(whole["unpriced"], spend["unpriced"]);
    assert_eq!(world.get("/v1/tenants/lab/spend?month=2026-13").await.problem().2, "month");
}

#[tokio::test]
async fn a_tenant_pays_for_the_tier_that_its_account_has_come_to() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "a" })).await.expect(201);
    // Within an hour the tenant that was made first fills the tiers first: ids sort by time.
    world.set_now("2026-03-10T12:30:01Z");
    world.post("/v1/tenants", json!({ "name": "b", "account": "a" })).await.expect(201);
    let tiers = json!([{ "up_to": 10, "price": "1" }, { "price": "0.50" }]);
    let price = json!({ "sku": "meter/images/default", "unit": "count", "tiers": tiers });
    world.post("/v1/prices", price).await.expect(201);
    for (id, tenant) in ["a", "b"].iter().enumerate() {
        let reading = json!({
            "source": "s", "id": id.to_string(), "meter": "images", "tenant": tenant, "quantity": 10, "unit": "count",
            "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
        });
        world.post("/v1/readings", reading).await.expect(200);
    }
    let key = world.tenant_key("b").await;
    let of_b = world.call("GET", "/v1/tenants/b/spend", Some(&key), None).await.expect(200);
    assert_eq!(of_b["total"]["amount"], "5.00", "the account's first ten are used up by its sibling");
    let id_of_a = world.get("/v1/tenants/a").await.expect(200)["id"].as_str().expect("an id").to_owned();
    assert!(!of_b.to_string().contains(&id_of_a), "and what the sibling used is not shown");
    let whole = world.get("/v1/accounts/a/spend").await.expect(200);
    assert_eq!(whole["total"]["amount"], "15.00");
    let summary = world.call("GET", "/v1/tenants/b/spend/summary", Some(&key), None).await.expect(200);
    let part = |name: &str| {
        let amount = json!({ "amount": "5.00", "currency": "EUR" });
        json!({ "largest": [{ "name": name, "amount": amount, "gpu_ms": 0, "energy_mj": 0 }], "count": 1 })
    };
    assert_eq!((&summary["total"], &summary["charges"]), (&of_b["total"], &json!(1)));
    assert_eq!((&summary["by_sku"], &summary["by_project"]), (&part("meter/images/default"), &part("")));
    assert!(!summary.to_string().contains(&id_of_a));
}
