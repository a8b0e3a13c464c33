//! What does bad input get? A problem document with a code and the field, never a 5xx, and nothing is written.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::world::World;

async fn refused(world: &World, path: &str, body: Value, code: &str, field: &str, reason: &str) {
    let answer = world.post(path, body.clone()).await;
    let (status, found_code, found_field) = answer.problem();
    let found_reason = answer.json()["reason"].as_str().unwrap_or_default().to_owned();
    let found = (found_code.as_str(), found_field.as_str(), found_reason.as_str());
    assert_eq!(found, (code, field, reason), "{path} {body}: {}", answer.text());
    assert!((400..500).contains(&status), "{status}");
}

#[tokio::test]
async fn prices_that_can_not_be() {
    let world = World::new().await;
    let sku = "meter/storage/default";
    let price = |change: Value| {
        let mut price = json!({ "sku": sku, "unit": "gib_second", "price": "0.10", "from": "2026-03-01T00:00:00Z" });
        for (name, value) in change.as_object().expect("fields") {
            price[name] = value.clone();
        }
        price
    };
    for (change, code, field, reason) in [
        (json!({ "price": "-1" }), "price_refused", "price", "negative_price"),
        (json!({ "price": "0.0000001" }), "price_refused", "price", "price_too_fine"),
        (json!({ "price": "1e3" }), "price_refused", "price", "not_a_decimal"),
        (json!({ "price": "1000000000000" }), "price_refused", "price", "price_too_large"),
        (json!({ "price": 0.10 }), "invalid_field", "price", ""),
        (json!({ "from": "2026-03-01T00:30:00Z" }), "price_refused", "from", "not_whole_hour"),
        (json!({ "from": "2026-03-01T00:00:00+01:00" }), "invalid_field", "from", ""),
        (json!({ "unit": "gpu_ms" }), "price_refused", "unit", "wrong_unit"),
        (json!({ "unit": "furlong" }), "invalid_field", "unit", ""),
        (json!({ "sku": "meter/Storage" }), "invalid_field", "sku", ""),
        (json!({ "rounding": "started_hour" }), "price_refused", "rounding", "rounding_without_time"),
        (json!({ "rounding": "weekly" }), "price_refused", "rounding", "unknown_rounding"),
        (json!({ "price_book": "none" }), "invalid_field", "price_book", ""),
        (json!({ "currency": "EUR" }), "invalid_field", "currency", ""),
        (json!({ "tiers": [{ "price": "1" }] }), "invalid_field", "tiers", ""),
    ] {
        refused(&world, "/v1/prices", price(change), code, field, reason).await;
    }
    let tiers = json!({ "sku": sku, "unit": "gib_second", "tiers": [{ "up_to": 5, "price": "1" }, { "price": "-1" }] });
    refused(&world, "/v1/prices", tiers, "price_refused", "tiers[1].price", "negative_price").await;

    assert_eq!(world.database.sql("select count(*) from prices"), "0");
    world.post("/v1/prices", price(json!({}))).await.expect(201);
    // What had a price and has begun keeps it; the next whole hour is free, and is what a change takes by itself.
    let past = price(json!({ "price": "0.20", "from": "2026-03-10T12:00:00Z" }));
    refused(&world, "/v1/prices", past, "price_refused", "from", "price_in_the_past").await;
    let twice = price(json!({ "price": "0.20" }));
    refused(&world, "/v1/prices", twice, "price_refused", "from", "two_prices_at_once").await;
    let next = json!({ "sku": sku, "price": "0.20" });
    assert_eq!(world.post("/v1/prices", next).await.expect(201)["from"], "2026-03-10T13:00:00Z");
}

#[tokio::test]
async fn customers_that_can_not_be() {
    let world = World::new().await;
    let issuer = |change: (&str, &str)| {
        let mut issuer = json!({ "name": "seller", "zone": "Europe/Paris", "series": "R" });
        issuer[change.0] = change.1.into();
        issuer
    };
    for (change, code, field, reason) in [
        (("zone", "Asia/Kolkata"), "zone_refused", "zone", "broken_hour_offset"),
        (("zone", "Europe/Atlantis"), "zone_refused", "zone", "unknown_zone"),
        (("series", "r 1"), "invalid_field", "series", ""),
        (("name", "a/b"), "invalid_field", "name", ""),
        (("name", "ten_01900000000070008000000000000000"), "invalid_field", "name", ""),
        (("country", "fr"), "invalid_field", "country", ""),
        (("address", "a\u{0}b"), "invalid_field", "address", ""),
        (("vat", "FR1"), "invalid_field", "vat", ""),
        (("vat_id", "FR84404833048"), "invalid_field", "vat_id", ""),
        (("vat_scheme", "none"), "invalid_field", "vat_scheme", ""),
        (("iban", "FR7630006000011234567890188"), "invalid_field", "iban", ""),
        (("bic", "agri"), "invalid_field", "bic", ""),
    ] {
        refused(&world, "/v1/issuers", issuer(change), code, field, reason).await;
    }
    world.post("/v1/issuers", json!({ "name": "seller", "zone": "Europe/Paris", "series": "R" })).await.expect(201);
    let rate = |percent: &str, from: &str| json!({ "country": "FR", "percent": percent, "from": from });
    let rates = "/v1/issuers/seller/vat-rates";
    world.post(rates, rate("19.6", "2000-01-01T00:00:00Z")).await.expect(201);
    for (percent, from, field, reason) in [
        ("20%", "2014-01-01T00:00:00Z", "percent", "not_a_decimal"),
        ("101", "2014-01-01T00:00:00Z", "percent", "out_of_range"),
        ("20", "2014-01-01T00:00:00Z", "from", "rate_in_the_past"),
        ("20", "2000-01-01T00:00:00Z", "from", "two_rates_at_once"),
    ] {
        refused(&world, rates, rate(percent, from), "vat_rate_refused", field, reason).await;
    }
    refused(&world, rates, json!({ "country": "", "percent": "20" }), "invalid_field", "country", "").await;
    let class = json!({ "country": "FR", "percent": "20", "class": "super" });
    refused(&world, rates, class, "invalid_field", "class", "").await;
    let siren = json!({ "name": "lab", "country": "FR", "legal_id": "404833049" });
    refused(&world, "/v1/accounts", siren, "invalid_field", "legal_id", "").await;
    let kind = json!({ "name": "lab", "customer_kind": "robot" });
    refused(&world, "/v1/accounts", kind, "invalid_field", "customer_kind", "").await;
    let book = json!({ "name": "dollars", "currency": "DOGE" });
    refused(&world, "/v1/price-books", book, "currency_refused", "currency", "unknown_currency").await;
    world.post("/v1/price-books", json!({ "name": "dollars", "currency": "USD" })).await.expect(201);
    let mixed = json!({ "name": "lab", "currency": "USD" });
    refused(&world, "/v1/accounts", mixed, "currency_refused", "currency", "mixed_currencies").await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    refused(&world, "/v1/tenants", json!({ "name": "lab" }), "name_taken", "name", "").await;
    refused(&world, "/v1/tenants", json!({ "name": "x", "account": "nobody" }), "invalid_field", "account", "").await;
    let both = json!({ "name": "x", "account": "lab", "currency": "EUR" });
    refused(&world, "/v1/tenants", both, "invalid_field", "currency", "").await;
    let contract = "/v1/accounts/lab/contracts";
    let other = json!({ "price_book": "dollars" });
    refused(&world, contract, other, "contract_refused", "price_book", "mixed_currencies").await;
    let past = json!({ "price_book": "default", "from": "2026-03-10T12:00:00Z" });
    refused(&world, contract, past, "contract_refused", "from", "term_in_the_past").await;
    refused(&world, "/v1/accounts/nobody/contracts", json!({ "price_book": "default" }), "not_found", "", "").await;
    assert_eq!(world.database.sql("select count(*) from tenants"), "1");
}

#[tokio::test]
async fn a_catalog_that_can_not_be() {
    let world = World::new().await;
    let node = |change: Value| {
        let mut node = json!({ "name": "n1", "region": "eu-west" });
        for (name, value) in change.as_object().expect("fields") {
            node[name] = value.clone();
        }
        node
    };
    for (change, field) in [
        (json!({ "region": "" }), "region"),
        (json!({ "region": "…" }), "region"),
        (json!({ "state": "broken" }), "state"),
        (json!({ "from": "2026-03-01T00:15:00Z" }), "from"),
        (json!({ "from": "1969-12-31T23:00:00Z" }), "from"),
        (json!({ "id": "n-1" }), "id"),
        (json!({ "key": { "keyid": "k", "public_key": "00" } }), "key.public_key"),
        (json!({ "key": { "keyid": "k" } }), "key.public_key"),
    ] {
        refused(&world, "/v1/nodes", node(change), "invalid_field", field, "").await;
    }
    let version = world.database.sql("select version from catalog_head");
    let created = world.post("/v1/nodes", node(json!({}))).await.expect(201);
    assert_eq!(created["states"][0]["from"], "2026-03-10T12:00:00Z");
    assert_ne!(world.database.sql("select version from catalog_head"), version, "reports are judged anew");
    refused(&world, "/v1/nodes", node(json!({})), "name_taken", "name", "").await;
    let key = json!({ "keyid": "k", "public_key": "ab".repeat(32) });
    world.post("/v1/nodes/n1/keys", key.clone()).await.expect(201);
    refused(&world, "/v1/nodes/n1/keys", key, "name_taken", "keyid", "").await;
    refused(&world, "/v1/nodes/n1/keys/other/revoke", json!({}), "not_found", "", "").await;
    assert_eq!(world.post("/v1/nodes/n1/keys/k/revoke", json!({})).await.expect(201)["valid"], false);
    for (body, field) in [
        (json!({ "key": "vm:x", "tenant": null }), "key"),
        (json!({ "key": "static:x" }), "tenant"),
        (json!({ "key": "static:x", "tenant": "nobody" }), "tenant"),
        (json!({ "key": "static:x", "tenant": null, "from": "2026-03-01T00:00:01Z" }), "from"),
    ] {
        refused(&world, "/v1/key-rules", body, "invalid_field", field, "").await;
    }
}

#[tokio::test]
async fn requests_that_can_not_be_read() {
    let world = World::new().await;
    let send = async |path: &str, content_type: &str, body: Vec<u8>| {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", world.operator))
            .header("content-type", content_type);
        world.send(request.body(Body::from(body)).expect("a request")).await.problem()
    };
    let of = |(status, code, field): (u16, String, String)| (status, code, field);
    let expected = |status: u16, code: &str, field: &str| (status, code.to_owned(), field.to_owned());
    let json = "application/json";
    assert_eq!(of(send("/v1/tenants", json, b"{".to_vec()).await), expected(400, "malformed_json", ""));
    assert_eq!(of(send("/v1/tenants", json, vec![0xff]).await), expected(400, "malformed_json", ""));
    assert_eq!(of(send("/v1/tenants", json, b"[]".to_vec()).await).1, "invalid_field");
    assert_eq!(of(send("/v1/tenants", "text/plain", b"{}".to_vec()).await).0, 415);
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert_eq!(of(send("/v1/tenants", json, deep).await).0, 422);
    let large = vec![b' '; 300 * 1024];
    assert_eq!(of(send("/v1/tenants", json, large).await), expected(413, "body_too_large", ""));
    let cloud = "application/cloudevents+json";
    assert_eq!(of(send("/v1/reports", cloud, vec![b' '; 100]).await), expected(403, "forbidden", ""));

    for (method, path, status, code) in [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/tenants", 405, "method_not_allowed"),
        ("GET", "/v1/tenants/%00", 404, "not_found"),
        ("GET", "/v1/tenants/%ff", 404, "not_found"),
        ("GET", "/v1/accounts/..%2f..%2fetc", 404, "not_found"),
        ("GET", "/v1/tenants?limit=0", 422, "invalid_field"),
        ("GET", "/v1/tenants?limit=9223372036854775808", 422, "invalid_field"),
        ("GET", "/v1/tenants?limit=5&limit=6", 422, "invalid_field"),
        ("GET", "/v1/tenants?account=%00", 422, "invalid_field"),
        ("GET", "/v1/tenants?order=name", 422, "invalid_field"),
        ("GET", "/v1/tenants?cursor=x", 422, "cursor_refused"),
        ("GET", "/v1/quarantine?status=open", 422, "invalid_field"),
        ("GET", "/v1/quarantine/qua_1", 404, "not_found"),
        ("GET", "/v1/errors/none", 404, "not_found"),
        ("DELETE", "/v1/api-keys/key_1", 404, "not_found"),
    ] {
        let (found_status, found_code, _) = world.call(method, path, Some(&world.operator), None).await.problem();
        assert_eq!((found_status, found_code.as_str()), (status, code), "{method} {path}");
    }
}

#[tokio::test]
async fn text_is_text_wherever_it_goes() {
    let world = World::new().await;
    for (n, text) in
        ["'; drop table tenants; --", "\" or 1=1", "$1", "%s", "{{7*7}}", "=1+1", "é\u{202e}"].iter().enumerate()
    {
        let created = world.post("/v1/tenants", json!({ "name": text })).await.expect(201);
        let id = created["id"].as_str().expect("an id");
        assert_eq!(world.get(&format!("/v1/tenants/{id}")).await.expect(200)["name"], *text);
        assert_eq!(world.database.sql("select count(*) from tenants"), (n + 1).to_string());
    }
}
