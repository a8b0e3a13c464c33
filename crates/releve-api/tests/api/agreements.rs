//! What may be agreed, and what is refused with the field's name?

use serde_json::{Value, json};

use crate::world::World;

const SKU: &str = "gpu/h100/whole/1:1/standard/eu";

async fn world() -> World {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world.set_now("2026-03-10T12:30:01Z");
    world
}

fn with(kind: &str, more: Value) -> Value {
    let mut body = json!({ "kind": kind, "description": "as agreed" });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn what_is_agreed_comes_back_as_it_was_given_and_is_ended() {
    let world = world().await;
    let given = [
        with("discount", json!({ "percent": "12.5" })),
        with("discount", json!({ "percent": "10", "sku": SKU })),
        with("discount", json!({ "percent": "100", "tenant": "lab", "project": "p" })),
        with(
            "reservation",
            json!({ "sku": SKU, "devices": 8, "price": "1.80", "overage_price": "2.20", "matching": "instant" }),
        ),
        with("recurring", json!({ "sku": "fee/support", "price": "500.00" })),
        with("once", json!({ "sku": "fee/set-up", "price": "1000.00", "vat_class": "reduced" })),
        with("goodwill", json!({ "sku": "fee/sorry", "price": "1.00" })),
        with("minimum", json!({ "price": "5000.00", "from": "2026-04-01T00:00:00Z", "until": "2026-07-01T00:00:00Z" })),
    ];
    let mut made = Vec::new();
    for body in given {
        let view = world.post("/v1/accounts/lab/agreements", body.clone()).await.expect(201);
        for (name, value) in body.as_object().expect("an object") {
            let same = if name == "tenant" {
                view[name].as_str().is_some_and(|id| id.starts_with("ten_"))
            } else {
                view[name] == *value
            };
            assert!(same, "{name} of {view}");
        }
        made.push(view);
    }
    assert_eq!((&made[0]["from"], &made[5]["from"]), (&json!("2026-03-10T13:00:00Z"), &json!("2026-03-10T12:00:00Z")));
    let listed = world.get("/v1/accounts/lab/agreements").await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(8));
    let spend = world.get("/v1/accounts/lab/spend").await.expect(200);
    let mut kinds: Vec<&str> =
        spend["charges"].as_array().expect("charges").iter().filter_map(|c| c["kind"].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["goodwill", "once", "recurring", "unused"], "{spend}");
    let tenants = world.get("/v1/tenants/lab/spend").await.expect(200);
    assert_eq!(tenants["charges"], json!([]), "what the account owes is no tenant's");

    let end = format!("/v1/accounts/lab/agreements/{}/end", made[3]["id"].as_str().expect("an id"));
    assert_eq!(world.post(&end, json!({})).await.expect(422)["field"], "until", "it begins in that hour");
    let ended = world.post(&end, json!({ "until": "2026-03-11T00:00:00Z" })).await.expect(200);
    assert_eq!(ended["until"], "2026-03-11T00:00:00Z");
    let again = world.post(&end, json!({ "until": "2026-03-12T00:00:00Z" })).await.expect(422);
    assert_eq!(again["reason"], "ends_already");
}

#[tokio::test]
async fn a_month_is_quoted_under_other_terms() {
    let world = world().await;
    let reading = json!({
        "source": "s", "id": "1", "meter": "tokens", "tenant": "lab", "quantity": 10_000_000, "unit": "token",
        "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
    });
    world.post("/v1/readings", reading).await.expect(200);
    let price = |book: Option<&str>, price| json!({ "price_book": book, "sku": "meter/tokens/default", "unit": "token", "price": price, "from": "2026-03-01T00:00:00Z" });
    world.post("/v1/prices", price(None, "2.00")).await.expect(201);
    world.post("/v1/price-books", json!({ "name": "partner", "currency": "EUR" })).await.expect(201);
    world.post("/v1/prices", price(Some("partner"), "1.50")).await.expect(201);
    let quote = async |terms: Value| {
        let found =
            world.post("/v1/accounts/lab/quotes", json!({ "month": "2026-03", "terms": terms })).await.expect(200);
        [&found["quoted"]["amount"], &found["contracted"]["amount"]].map(|a| a.as_str().expect("an amount").to_owned())
    };
    assert_eq!(quote(json!({})).await, ["20.00", "20.00"]);
    assert_eq!(quote(json!({ "price_book": "partner" })).await, ["15.00", "20.00"]);
    let agreed =
        [with("discount", json!({ "percent": "10" })), with("recurring", json!({ "sku": "fee/x", "price": "5.00" }))];
    assert_eq!(quote(json!({ "agreements": agreed })).await, ["23.00", "20.00"]);
    assert_eq!(quote(json!({})).await, ["20.00", "20.00"], "nothing was kept");
    let refused = [
        (json!({ "month": "2026-3", "terms": {} }), "month"),
        (json!({ "month": "2026-03", "terms": { "price_book": "none" } }), "price_book"),
    ];
    for (body, field) in refused {
        assert_eq!(world.post("/v1/accounts/lab/quotes", body).await.problem().2, field);
    }
}

#[tokio::test]
async fn what_contradicts_or_makes_no_sense_is_refused() {
    let world = world().await;
    world.post("/v1/tenants", json!({ "name": "other" })).await.expect(201);
    let first = with("discount", json!({ "percent": "10", "from": "2026-03-01T00:00:00Z" }));
    world.post("/v1/accounts/lab/agreements", first).await.expect(201);
    let refused = [
        (with("gift", json!({})), "kind"),
        (with("discount", json!({})), "percent"),
        (with("discount", json!({ "percent": "-1" })), "percent"),
        (with("discount", json!({ "percent": "5" })), "scope"),
        (with("discount", json!({ "percent": "5", "tenant": "lab" })), "project"),
        (with("discount", json!({ "percent": "5", "tenant": "other", "project": "p" })), "tenant"),
        (with("discount", json!({ "percent": "5", "tenant": "nobody", "project": "p" })), "tenant"),
        (with("discount", json!({ "percent": "5", "sku": SKU, "project": "p" })), "sku"),
        (with("discount", json!({ "percent": "5", "price": "1" })), "price"),
        (with("reservation", json!({ "sku": SKU, "price": "1" })), "devices"),
        (with("reservation", json!({ "sku": SKU, "price": "1", "devices": 0 })), "devices"),
        (with("reservation", json!({ "sku": "fee/x", "price": "1", "devices": 1 })), "sku"),
        (with("reservation", json!({ "sku": SKU, "price": "1", "devices": 1, "overage_price": "x" })), "overage_price"),
        (with("reservation", json!({ "sku": SKU, "price": "1", "devices": 1, "matching": "week" })), "matching"),
        (with("recurring", json!({ "sku": SKU, "price": "1" })), "sku"),
        (with("recurring", json!({ "sku": "fee/x", "price": "0" })), "price"),
        (with("recurring", json!({ "sku": "fee/x", "price": "1", "vat_class": "none" })), "vat_class"),
        (with("minimum", json!({ "price": "1", "until": "2020-01-01T00:00:00Z" })), "until"),
        (with("minimum", json!({ "price": "1", "from": "2026-03-01T00:30:00Z" })), "from"),
        (json!({ "kind": "minimum", "price": "1", "description": " " }), "description"),
    ];
    for (body, field) in refused {
        let problem = world.post("/v1/accounts/lab/agreements", body.clone()).await.expect(422);
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    world.post("/v1/accounts/lab/agreements/agr_x/end", json!({})).await.expect(404);
    let price = json!({ "sku": "fee/support", "price": "1.00" });
    assert_eq!(world.post("/v1/prices", price).await.expect(422)["field"], "sku");
}

#[tokio::test]
async fn purchase_orders_are_added_listed_and_ended() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let path = "/v1/accounts/lab/purchase-orders";
    let order = json!({ "number": "4500012345", "amount": "1200.00", "from": "2026-01-01T00:00:00Z" });
    let made = world.post(path, order.clone()).await.expect(201);
    assert_eq!((&made["left"]["amount"], &made["drawn"]["amount"]), (&json!("1200.00"), &json!("0.00")));
    let (status, code, field) = world.post(path, order).await.problem();
    assert_eq!((status, code.as_str(), field.as_str()), (409, "name_taken", "number"));
    for (body, field) in [
        (json!({ "number": "" }), "number"),
        (json!({ "number": "9".repeat(51) }), "number"),
        (json!({ "number": "1", "amount": "0.00" }), "amount"),
        (json!({ "number": "1", "amount": "1.001" }), "amount"),
        (json!({ "number": "1", "from": "2026-01-01T00:30:00Z" }), "from"),
        (json!({ "number": "1", "from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z" }), "until"),
    ] {
        let (status, _, found) = world.post(path, body.clone()).await.problem();
        assert_eq!((status, found.as_str()), (422, field), "{body}");
    }
    let end = format!("{path}/{}/end", made["id"].as_str().expect("an id"));
    let ended = world.post(&end, json!({ "until": "2027-01-01T00:00:00Z" })).await.expect(200);
    assert_eq!(ended["until"], json!("2027-01-01T00:00:00Z"));
    assert_eq!(world.post(&end, json!({ "until": "2028-01-01T00:00:00Z" })).await.problem().0, 422);
    assert_eq!(world.get(path).await.expect(200)["items"], json!([ended]));
    let amended = json!({ "purchase_order_required": true, "language": "fr" });
    let account = world.call("PATCH", "/v1/accounts/lab", Some(&world.operator), Some(amended)).await.expect(200);
    assert_eq!((&account["purchase_order_required"], &account["language"]), (&json!(true), &json!("fr")));
    let german = json!({ "language": "de" });
    let refused = world.call("PATCH", "/v1/accounts/lab", Some(&world.operator), Some(german)).await.problem();
    assert_eq!((refused.0, refused.2.as_str()), (422, "language"));
}
