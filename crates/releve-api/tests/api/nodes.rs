//! What is a node told about its keys and its GPUs? A change that would change nothing is refused.

use serde_json::json;

use crate::{
    node::{GPU, Node},
    world::World,
};

#[tokio::test]
async fn a_key_is_not_revoked_before_it_begins() {
    let world = World::new().await;
    Node::registered(&world, "n1").await;
    let revoke = "/v1/nodes/n1/keys/k1/revoke";
    let early = json!({ "from": "2026-02-28T23:59:59Z" });
    assert_eq!(world.post(revoke, early.clone()).await.problem(), (422, "invalid_field".to_owned(), "from".to_owned()));
    let later = json!({ "keyid": "k2", "public_key": hex::encode([8; 32]), "from": "2026-03-11T00:00:00Z" });
    world.post("/v1/nodes/n1/keys", later).await.expect(201);
    let now = world.post("/v1/nodes/n1/keys/k2/revoke", json!({})).await;
    assert_eq!(now.problem().2, "from", "it begins tomorrow");
    assert_eq!(world.database.sql("select count(*) from node_keys where not valid"), "0");

    world.post(revoke, json!({ "from": "2026-03-10T00:00:00Z" })).await.expect(201);
    // Revoked once, it can be revoked from an earlier instant on, but not from before its start.
    assert_eq!(world.post(revoke, early).await.problem().2, "from");
    world.post(revoke, json!({ "from": "2026-03-01T00:00:00Z" })).await.expect(201);
    let shown = world.get("/v1/nodes/n1").await.expect(200);
    let keys = shown["keys"].as_array().expect("keys");
    assert_eq!(keys.iter().filter(|key| key["keyid"] == "k1" && key["valid"] == false).count(), 2);
}

#[tokio::test]
async fn a_gpu_that_nobody_saw_does_not_move() {
    let world = World::new().await;
    Node::registered(&world, "n1").await;
    let to = json!({ "node": "n1", "from": "2026-03-10T00:00:00Z" });
    let answer = world.post(&format!("/v1/devices/{GPU}/moves"), to).await;
    assert_eq!(answer.problem().0, 404);
}
