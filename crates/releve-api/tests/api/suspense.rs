//! What becomes of usage that has nobody? It is seen, weighed and given to a tenant, and moves once.

use releve_api::auth::Scope;
use serde_json::json;

use crate::{
    node::{Node, ONE, send},
    world::World,
};

#[tokio::test]
async fn keys_are_mapped_by_prefix_dry_first() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let sku = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west";
    world.post("/v1/prices", json!({ "sku": sku, "price": "6.00", "from": "2026-03-01T00:00:00Z" })).await.expect(201);
    let node = Node::registered(&world, "n1").await;
    for (seq, (start, key)) in [
        ("2026-03-10T10:00:00Z", "slurm:jz/a"),
        ("2026-03-10T10:01:00Z", "slurm:jz/b"),
        ("2026-03-10T11:00:00Z", "slurm:no/c"),
    ]
    .iter()
    .enumerate()
    {
        let seq = u64::try_from(seq).expect("small") + 1;
        send(&world, "/v1/reports", &agent, ONE, node.report(start, seq, key)).await.expect(200);
    }
    let listed = world.get("/v1/suspense").await.expect(200);
    let keys: Vec<&str> = listed["items"].as_array().expect("items").iter().filter_map(|k| k["key"].as_str()).collect();
    assert_eq!(keys, ["slurm:jz/a", "slurm:jz/b", "slurm:no/c"]);
    assert_eq!(
        (&listed["items"][0]["gpu_ms"], &listed["items"][0]["first"]),
        (&json!(60_000), &json!("2026-03-10T10:00:00Z"))
    );
    assert_eq!(world.get("/v1/suspense?prefix=slurm:no/").await.expect(200)["items"][0]["key"], "slurm:no/c");

    for (body, field) in [
        (json!({ "prefix": "", "tenant": "lab" }), "prefix"),
        (json!({ "prefix": "slurm:", "tenant": "nobody" }), "tenant"),
        (json!({ "prefix": "slurm:", "tenant": "lab", "from": "2026-03-10T10:30:00Z" }), "from"),
    ] {
        assert_eq!(world.post("/v1/suspense/map", body).await.problem().2, field);
    }
    let map = |dry_run: bool| json!({ "prefix": "slurm:jz/", "tenant": "lab", "dry_run": dry_run });
    let dry = world.post("/v1/suspense/map", map(true)).await.expect(200);
    assert_eq!((&dry["keys"], &dry["gpu_ms"]), (&json!(["slurm:jz/a", "slurm:jz/b"]), &json!(120_000)));
    assert_eq!(dry["money"], json!([{ "amount": "0.20", "currency": "EUR" }]));
    assert_eq!(world.database.sql("select count(*) from tenant_key_rules"), "0", "a dry run");

    let done = world.post("/v1/suspense/map", map(false)).await.expect(200);
    assert_eq!((&done["gpu_ms"], &done["allocation_hours"]), (&json!(120_000), &json!(2)));
    assert_eq!(world.get("/v1/tenants/lab/spend").await.expect(200)["total"]["amount"], "0.20");
    assert_eq!(world.get("/v1/suspense").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.post("/v1/suspense/map", map(false)).await.expect(200)["keys"], json!([]));

    // A rule that is written by hand moves what was counted before it only when that is asked for.
    let rule = json!({ "key": "slurm:no/c", "tenant": "lab", "from": "2026-03-10T11:00:00Z" });
    let move_it = json!({ "key": "slurm:no/c" });
    assert_eq!(world.post("/v1/suspense/reattribute", move_it.clone()).await.problem().2, "key");
    world.post("/v1/key-rules", rule).await.expect(201);
    let dry = world.post("/v1/suspense/reattribute", json!({ "key": "slurm:no/c", "dry_run": true })).await.expect(200);
    assert_eq!((&dry["gpu_ms"], &dry["money"][0]["amount"]), (&json!(60_000), &json!("0.10")));
    assert_eq!(world.post("/v1/suspense/reattribute", move_it.clone()).await.expect(200)["gpu_ms"], 60_000);
    assert_eq!(world.post("/v1/suspense/reattribute", move_it).await.expect(200)["gpu_ms"], 0);
    let usage = world.get("/v1/tenants/lab/usage?interval=all").await.expect(200);
    assert_eq!(usage["items"][0]["quantity"], 180_000);
    assert_eq!(world.get("/v1/suspense").await.expect(200)["items"], json!([]));
}
