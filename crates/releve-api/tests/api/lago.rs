//! Are Lago's usage events counted as readings are, once for ever, and answered as Lago answers?

use releve_api::auth::Scope;
use releve_store::lago::{self, Kind, MetricRecord, NewId};
use releve_types::{AccountId, TenantId, Unit, ids::fresh_uuid};
use serde_json::{Value, json};

use crate::world::World;

/// What an import leaves: a metric that is rounded, one that counts events, GPU time, and two customers with a subscription each.
async fn imported() -> World {
    let world = World::new().await;
    let mut made = Vec::new();
    for name in ["acme", "bolt"] {
        let tenant = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let id: TenantId = tenant["id"].as_str().expect("an id").parse().expect("an id");
        let account: AccountId = tenant["account"].as_str().expect("an id").parse().expect("an id");
        made.push((name, id, account));
    }
    let mut tx = world.db.begin_app().await.expect("begins");
    let issuer = releve_store::customers::issuers(&mut tx).await.expect("asked")[0].id;
    for (name, tenant, account) in made {
        for (kind, lago_id, external_id) in [
            (Kind::Customer, format!("lc-{name}"), name.to_owned()),
            (Kind::Subscription, format!("ls-{name}"), format!("sub-{name}")),
        ] {
            let (lago_id, external_id) = (lago_id.as_str(), external_id.as_str());
            let ours = fresh_uuid(world.now());
            let id = NewId { issuer, kind, lago_id, external_id, ours, account: Some(account), tenant: Some(tenant) };
            lago::note(&mut tx, &id, world.now()).await.expect("noted");
        }
    }
    for (code, sku, unit, per, property) in [
        ("storage", "meter/storage/default", Unit::GibSecond, 3_600, Some("gb_hours")),
        ("calls", "meter/calls/default", Unit::Count, 1, None),
        ("gpu", "gpu/h100/whole/1:1/standard/eu", Unit::GpuMs, 3_600_000, Some("hours")),
    ] {
        let (code, lago_id, sku) = (code.to_owned(), format!("m-{code}"), sku.parse().expect("a SKU"));
        let metric =
            MetricRecord { code, lago_id, sku, unit, per, property: property.map(str::to_owned), rounds: false };
        lago::insert_metric(&mut tx, &metric, "test", world.now()).await.expect("noted");
    }
    tx.commit().await.expect("commits");
    world
}

fn event(id: &str, change: Value) -> Value {
    let mut event = json!({
        "transaction_id": id, "external_subscription_id": "sub-acme", "code": "storage",
        // 2026-03-10T12:00:00.500Z
        "timestamp": "1773144000.5", "properties": { "gb_hours": 1.5, "region": "eu" },
    });
    for (field, value) in change.as_object().expect("fields") {
        event[field] = value.clone();
    }
    event
}

async fn one(world: &World, key: &str, event: &Value) -> crate::world::Answer {
    world.call("POST", "/api/v1/events", Some(key), Some(json!({ "event": event }))).await
}

async fn counted(world: &World, tenant: &str) -> Value {
    let usage =
        world.get(&format!("/v1/tenants/{tenant}/usage?from=2026-03-10T00:00:00Z&to=2026-03-11T00:00:00Z")).await;
    usage.expect(200)["items"].clone()
}

#[tokio::test]
async fn an_event_is_counted_once_and_answered_as_lago_does() {
    let world = imported().await;
    let key = world.key(&[Scope::Reading("storage".to_owned())]).await;
    let first = one(&world, &key, &event("t1", json!({}))).await.expect(200)["event"].clone();
    assert_eq!(
        (&first["transaction_id"], &first["lago_customer_id"], &first["lago_subscription_id"], &first["timestamp"]),
        (&json!("t1"), &json!("lc-acme"), &json!("ls-acme"), &json!("2026-03-10T12:00:00.5Z"))
    );
    let again = one(&world, &key, &event("t1", json!({}))).await.expect(200)["event"].clone();
    assert_eq!(again["lago_id"], first["lago_id"]);
    let other = one(&world, &key, &event("t1", json!({ "properties": { "gb_hours": 2 } }))).await;
    assert_eq!(other.problem(), (422, "reading_refused".to_owned(), "event.transaction_id".to_owned()));
    assert_eq!(other.json()["reason"], "reading_conflict");
    let sums = world.database.sql("select sum(quantity), count(*) from meter_hours");
    assert_eq!(sums, "5400|1", "one and a half GB-hours, once");
    // A reading of the same source and id is the same thing told twice.
    let keys = world.database.sql("select source from reading_keys");
    assert_eq!(keys, "lago");
}

#[tokio::test]
async fn an_event_without_a_timestamp_is_of_when_it_comes_and_still_counted_once() {
    let world = imported().await;
    let key = world.key(&[Scope::Reading("*".to_owned())]).await;
    let undated = event("t2", json!({ "timestamp": null, "code": "calls", "properties": null }));
    one(&world, &key, &undated).await.expect(200);
    world.set_now("2026-03-10T14:30:00Z");
    one(&world, &key, &undated).await.expect(200);
    assert_eq!(world.database.sql("select sum(quantity), min(hour) = '2026-03-10 12:00Z' from meter_hours"), "1|t");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_of_its_batch_is_counted() {
    let world = imported().await;
    let key = world.key(&[Scope::Reading("*".to_owned())]).await;
    for (change, field) in [
        (json!({ "transaction_id": null }), "event.transaction_id"),
        (json!({ "code": "unknown" }), "event.code"),
        (json!({ "code": "gpu", "properties": { "hours": 1 } }), "event.code"),
        (json!({ "external_subscription_id": "sub-nobody" }), "event.external_subscription_id"),
        (json!({ "external_subscription_id": null, "external_customer_id": "nobody" }), "event.external_customer_id"),
        (json!({ "timestamp": "yesterday" }), "event.timestamp"),
        (json!({ "timestamp": 1_999_999_999 }), "event.timestamp"),
        (json!({ "properties": { "gb_hours": 0.00001 } }), "event.properties.gb_hours"),
        (json!({ "properties": {} }), "event.properties.gb_hours"),
    ] {
        let (status, code, found) = one(&world, &key, &event("t", change.clone())).await.problem();
        assert_eq!((status, code.as_str(), found.as_str()), (422, "reading_refused", field), "{change}");
    }
    let batch = async |events: Value| {
        world.call("POST", "/api/v1/events/batch", Some(&key), Some(json!({ "events": events }))).await
    };
    let half = batch(json!([event("a", json!({})), event("b", json!({ "code": "unknown" }))])).await;
    assert_eq!(half.problem().2, "events[1].code");
    assert_eq!(world.database.sql("select count(*) from meter_hours"), "0");
    let good = batch(json!([
        event("a", json!({})),
        event("b", json!({ "external_customer_id": "bolt", "external_subscription_id": null })),
        event("a", json!({}))
    ]))
    .await;
    assert_eq!(good.expect(200)["events"].as_array().map(Vec::len), Some(3));
    assert_eq!(world.database.sql("select count(*), sum(quantity) from meter_hours"), "2|10800");
    assert_eq!(counted(&world, "bolt").await[0]["quantity"], 5_400);
    for empty in [json!([]), json!("x")] {
        assert_eq!(batch(empty).await.problem().2, "events");
    }
}

#[tokio::test]
async fn a_key_sends_events_of_its_meters_alone() {
    let world = imported().await;
    let key = world.key(&[Scope::Reading("calls".to_owned())]).await;
    assert_eq!(
        one(&world, &key, &event("t", json!({}))).await.problem(),
        (403, "forbidden".to_owned(), "event.code".to_owned())
    );
    one(&world, &key, &event("t", json!({ "code": "calls" }))).await.expect(200);
    for scope in [Scope::Agent, Scope::OperatorWrite, Scope::MetricsRead] {
        let key = world.key(&[scope]).await;
        assert_eq!(one(&world, &key, &event("t9", json!({}))).await.problem().0, 403);
    }
    let tenants = world.tenant_key("acme").await;
    assert_eq!(one(&world, &tenants, &event("t9", json!({}))).await.problem().0, 403);
    assert_eq!(world.database.sql("select count(*) from meter_hours"), "1");
}
