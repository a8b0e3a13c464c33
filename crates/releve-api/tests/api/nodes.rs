//! What is a node told about its keys and its GPUs? A change that would change nothing is refused.

use releve_api::auth::Scope;
use serde_json::{Value, json};

use crate::{
    node::{GPU, Node, ONE, send},
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

#[tokio::test]
async fn what_is_odd_about_a_nodes_reports_is_told_and_changes_nothing() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    let node = Node::registered(&world, "n1").await;
    // 2 is missing; 4 comes right after 3 and names no head before it. They arrive out of order.
    for (seq, minute) in [(4, 3), (1, 0), (3, 2)] {
        let report = node.report(&format!("2026-03-10T11:0{minute}:00Z"), seq, "static:lab");
        assert_eq!(send(&world, "/v1/reports", &agent, ONE, report).await.expect(200), json!({ "fate": "counted" }));
    }
    let stretch = "from=2026-03-10T11:00:00Z&to=2026-03-10T12:00:00Z";
    let flags = world.get(&format!("/v1/nodes/n1/flags?{stretch}")).await.expect(200);
    let told = |page: &Value| -> Vec<(String, String)> {
        let of = |flag: &Value| (flag["flag"].as_str().unwrap().to_owned(), flag["from"].as_str().unwrap().to_owned());
        page["items"].as_array().expect("a page").iter().map(of).collect()
    };
    let gap = ("sequence_gap".to_owned(), "2026-03-10T11:01:00Z".to_owned());
    let chain = ("broken_chain".to_owned(), "2026-03-10T11:03:00Z".to_owned());
    assert_eq!(told(&flags), [gap.clone(), chain.clone()]);
    // A break is told in the stretch in which the report after it begins, also where both are whole hours.
    let later = node.report("2026-03-10T12:00:00Z", 9, "static:lab");
    assert_eq!(send(&world, "/v1/reports", &agent, ONE, later).await.expect(200), json!({ "fate": "counted" }));
    assert_eq!(
        told(&world.get(&format!("/v1/nodes/n1/flags?{stretch}")).await.expect(200)),
        [gap.clone(), chain.clone()]
    );
    let next = "from=2026-03-10T12:00:00Z&to=2026-03-10T13:00:00Z";
    let after = world.get(&format!("/v1/nodes/n1/flags?{next}")).await.expect(200);
    assert_eq!(told(&after), [("sequence_gap".to_owned(), "2026-03-10T11:04:00Z".to_owned())]);
    let first = world.get(&format!("/v1/nodes/n1/flags?{stretch}&limit=1")).await.expect(200);
    assert_eq!(told(&first), [gap]);
    let cursor = first["next"].as_str().expect("there is more");
    let second = world.get(&format!("/v1/nodes/n1/flags?{stretch}&limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(told(&second), [chain]);
    let long = world.get("/v1/nodes/n1/flags?from=2026-03-09T00:00:00Z&to=2026-03-10T12:00:00Z").await.problem();
    assert_eq!((long.0, long.2.as_str()), (422, "to"));
    assert_eq!(world.get("/v1/nodes/n9/flags").await.problem().0, 404);
}
