//! Do three requests show an amount? A tenant, a price, a reading; no id is copied from one to the next.

use serde_json::json;

use crate::world::World;

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
