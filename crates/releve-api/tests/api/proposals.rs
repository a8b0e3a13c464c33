//! Does it take two? Credits above what one may give, by all the ways in which one hand may look like two.

use releve_api::{
    approval::{Approval, Limit},
    auth::Scope,
};
use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn world() -> World {
    let limits: Approval = ["EUR=100".parse::<Limit>().expect("a limit")].into_iter().collect();
    let world = World::with(|state| state.approving(limits)).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn give(world: &World, key: &str, amount: &str) -> Answer {
    let grant = json!({ "kind": "granted", "description": "goodwill", "amount": amount });
    world.call("POST", "/v1/accounts/lab/credits", Some(key), Some(grant)).await
}

async fn approve(world: &World, key: &str, proposal: &Value) -> Answer {
    world.call("POST", &format!("/v1/proposals/{}/approve", text(&proposal["id"])), Some(key), None).await
}

/// A key that the first one makes, as for one of the staff.
async fn staff(world: &World) -> Value {
    let new = json!({ "name": "staff", "scopes": ["operator:read", "operator:billing", "operator:write"] });
    world.post("/v1/api-keys", new).await.expect(201)
}

#[tokio::test]
async fn what_one_may_give_alone_is_given_and_what_is_above_waits() {
    let world = world().await;
    let (first, second) = (staff(&world).await, staff(&world).await);
    give(&world, text(&first["key"]), "100.00").await.expect(201);
    let proposal = give(&world, text(&first["key"]), "100.01").await.expect(202);
    assert_eq!((&proposal["state"], &proposal["amount"]["amount"]), (&json!("waiting"), &json!("100.01")));
    let credits = async || world.get("/v1/accounts/lab/credits").await.expect(200)["items"].as_array().map(Vec::len);
    assert_eq!(credits().await, Some(1), "nothing is given before the second word");
    assert_eq!(world.get("/v1/proposals?waiting=true").await.expect(200)["items"][0]["id"], proposal["id"]);
    let approved = approve(&world, text(&second["key"]), &proposal).await.expect(200);
    assert_eq!(approved["state"], "approved");
    let credit = world.get(&format!("/v1/accounts/lab/credits/{}", text(&approved["result"]))).await.expect(200);
    assert_eq!(credit["amount"]["amount"], "100.01");
    assert!(text(&credit["created_by"]).contains("approved by"), "{credit}");
    assert_eq!(approve(&world, text(&second["key"]), &proposal).await.problem().1, "already_decided");
    assert_eq!(credits().await, Some(2));
    assert_eq!(world.get("/v1/proposals?waiting=true").await.expect(200)["items"], json!([]));
    let audited = world.get("/v1/audit-log?limit=1000").await.text();
    for action in ["proposal.create", "proposal.approve", "credit.create"] {
        assert!(audited.contains(action), "{action}");
    }
}

#[tokio::test]
async fn one_hand_is_not_two() {
    let world = world().await;
    let (own, other) = (staff(&world).await, staff(&world).await);
    let key = text(&own["key"]);
    let proposal = give(&world, key, "500").await.expect(202);
    let session = world.call("POST", "/v1/sessions", Some(key), None).await.expect(201);
    let made = json!({ "name": "second", "scopes": ["operator:billing"] });
    let made = world.call("POST", "/v1/api-keys", Some(key), Some(made)).await.expect(201);
    let of_session = json!({ "name": "third", "scopes": ["operator:billing"] });
    let of_session =
        world.call("POST", "/v1/api-keys", Some(text(&session["session"])), Some(of_session)).await.expect(201);
    let path = format!("/v1/api-keys/{}/rotate", text(&own["id"]));
    let rotated = world.call("POST", &path, Some(key), Some(json!({}))).await.expect(201);
    let hands = [key, text(&session["session"]), text(&made["key"]), text(&of_session["key"]), text(&rotated["key"])];
    for hand in hands.into_iter().chain([world.operator.as_str()]) {
        let refused = approve(&world, hand, &proposal).await;
        assert_eq!((refused.problem().0, &refused.json()["reason"]), (403, &json!("same_hand")), "{hand}");
    }
    // The other way round: proposed with what was made, approved with what made it; and by two that one made.
    let theirs = give(&world, text(&made["key"]), "500").await.expect(202);
    for hand in [key, text(&of_session["key"])] {
        assert_eq!(approve(&world, hand, &theirs).await.json()["reason"], "same_hand");
    }
    let reader = world.key(&[Scope::OperatorRead]).await;
    assert_eq!(approve(&world, &reader, &proposal).await.problem().0, 403);
    approve(&world, text(&other["key"]), &proposal).await.expect(200);
}

#[tokio::test]
async fn it_is_refused_for_a_reason_or_expires() {
    let world = world().await;
    let (first, second) = (staff(&world).await, staff(&world).await);
    let (first, second) = (text(&first["key"]), text(&second["key"]));
    let proposal = give(&world, first, "500").await.expect(202);
    let path = format!("/v1/proposals/{}/refuse", text(&proposal["id"]));
    let refuse = async |body: Value| world.call("POST", &path, Some(second), Some(body)).await;
    assert_eq!(refuse(json!({})).await.problem().2, "reason");
    let refused = refuse(json!({ "reason": "too much" })).await.expect(200);
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("too much")));
    assert_eq!(approve(&world, second, &proposal).await.problem().1, "already_decided");
    let late = give(&world, first, "500").await.expect(202);
    world.set_now("2026-03-17T12:30:00Z");
    assert_eq!(approve(&world, second, &late).await.problem().1, "already_decided");
    let listed = world.get("/v1/proposals").await.expect(200);
    let mut all = listed["items"].as_array().expect("items").iter();
    assert_eq!(all.find(|one| one["id"] == late["id"]).expect("it")["state"], "expired");
    assert_eq!(world.get("/v1/accounts/lab/credits").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn what_could_not_be_done_is_not_proposed() {
    let world = world().await;
    let grant = json!({ "kind": "granted", "description": "goodwill", "amount": "500", "sku": "no sku" });
    let refused = world.post("/v1/accounts/lab/credits", grant).await;
    assert_eq!(refused.problem().0, 422);
    assert_eq!(world.get("/v1/proposals").await.expect(200)["items"], json!([]));
}
