//! Does each price model come back as it was given, and bill what it says?

use serde_json::{Value, json};

use crate::world::World;

const FROM: &str = "2026-03-01T00:00:00Z";

/// Two tenants of one account, and a price of what both of them use.
async fn of_two_tenants(price: Value, each: [i64; 2]) -> (World, Value) {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "a" })).await.expect(201);
    world.set_now("2026-03-10T12:30:01Z");
    world.post("/v1/tenants", json!({ "name": "b", "account": "a" })).await.expect(201);
    let made = world.post("/v1/prices", price).await.expect(201);
    for (tenant, quantity) in ["a", "b"].into_iter().zip(each) {
        let reading = json!({
            "source": "s", "id": tenant, "meter": "tokens", "tenant": tenant, "quantity": quantity, "unit": "token",
            "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
        });
        world.post("/v1/readings", reading).await.expect(200);
    }
    let listed = world.get("/v1/prices").await.expect(200);
    assert_eq!(listed["items"], json!([made]), "read back as it was written");
    (world, made)
}

fn price(model: &str, tiers: &Value) -> Value {
    json!({ "sku": "meter/tokens/default", "unit": "token", "from": FROM, "model": model, "tiers": tiers })
}

#[tokio::test]
async fn a_volume_price_is_the_totals() {
    let tiers = json!([{ "up_to": 10_000_000, "price": "2.00" }, { "up_to": null, "price": "1.00" }]);
    let (world, made) = of_two_tenants(price("volume", &tiers), [6_000_000, 6_000_000]).await;
    assert_eq!(
        (&made["model"], &made["tiers"], &made["priced_per"]),
        (&json!("volume"), &tiers, &json!("million tokens"))
    );
    let spend = world.get("/v1/accounts/a/spend").await.expect(200);
    assert_eq!(spend["total"]["amount"], "12.00", "{spend}");
}

#[tokio::test]
async fn packages_are_the_accounts() {
    let tiers = json!([{ "up_to": 10_000_000, "price": "4.00" }]);
    let (world, made) = of_two_tenants(price("package", &tiers), [6_000_000, 5_000_000]).await;
    assert_eq!((&made["model"], &made["tiers"]), (&json!("package"), &tiers));
    assert_eq!(made["priced_per"], "package of 10 × million tokens");
    let spend = world.get("/v1/accounts/a/spend").await.expect(200);
    let billed: Vec<_> = [0, 1].map(|n| (&spend["charges"][n]["billed"], &spend["charges"][n]["amount"])).into();
    assert_eq!(billed, [(&json!(10_000_000), &json!("4.00")), (&json!(10_000_000), &json!("4.00"))], "{spend}");
}

/// A package that no invoice could be made of is kept out by the database too.
#[tokio::test]
async fn a_package_is_stored_with_its_size_and_without_a_plan() {
    let tiers = json!([{ "up_to": 10, "price": "4.00" }]);
    let (world, _) = of_two_tenants(price("package", &tiers), [1, 1]).await;
    world.database.sql(
        "create function write_package(tiers jsonb, rounding text) returns text language plpgsql as $$
         begin
             insert into prices select gen_random_uuid(), price_book_id, sku_id, from_at + interval '1 hour', model,
                                       write_package.tiers, write_package.rounding, created_at, created_by, vat_class
                                from prices;
             return 'written';
         exception when check_violation then
             return 'refused';
         end
         $$",
    );
    for (tiers, rounding, expected) in [
        (r#"[{"up_to": null, "price": "1"}]"#, "exact", "refused"),
        (r#"[{"price": "1"}]"#, "exact", "refused"),
        (r#"[{"up_to": 0, "price": "1"}]"#, "exact", "refused"),
        (r#"[{"up_to": 10, "price": "1"}, {"up_to": 20, "price": "1"}]"#, "exact", "refused"),
        ("[]", "exact", "refused"),
        (r#"[{"up_to": 10, "price": "1"}]"#, "second", "refused"),
        (r#"[{"up_to": 10, "price": "1"}]"#, "exact", "written"),
    ] {
        let found = world.database.sql(&format!("select write_package('{tiers}', '{rounding}')"));
        assert_eq!(found, expected, "{tiers} {rounding}");
    }
}

#[tokio::test]
async fn what_is_no_model_names_its_field() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "a" })).await.expect(201);
    let (one, open) = (json!({ "up_to": 1_500, "price": "1" }), json!({ "price": "1" }));
    for (change, code, field, reason) in [
        (json!({ "model": "by_feel", "price": "1" }), "price_refused", "model", "unknown_model"),
        (json!({ "model": "volume", "price": "1" }), "price_refused", "tiers", "tier_count"),
        (json!({ "model": "volume", "tiers": [one] }), "price_refused", "tiers[0].up_to", "last_tier_ends"),
        (json!({ "model": "package", "price": "1" }), "price_refused", "tiers", "tier_count"),
        (json!({ "model": "package", "tiers": [open] }), "price_refused", "tiers[0].up_to", "package_size"),
        (json!({ "model": "package", "tiers": [one] }), "price_refused", "tiers[0].up_to", "package_size"),
        (json!({ "model": "per_unit" }), "invalid_field", "price", ""),
        (json!({ "model": "volume", "price": "1", "tiers": [open] }), "invalid_field", "tiers", ""),
    ] {
        let mut price = json!({ "sku": "gpu/h100/whole/1:1/standard/eu" });
        for (name, value) in change.as_object().expect("fields") {
            price[name] = value.clone();
        }
        let answer = world.post("/v1/prices", price).await;
        assert_eq!(answer.problem(), (answer.status.as_u16(), code.to_owned(), field.to_owned()), "{change}");
        assert_eq!(answer.json()["reason"].as_str().unwrap_or_default(), reason, "{change}");
    }
    let hours = json!({ "up_to": 360_000_000, "price": "180.00" });
    let price =
        json!({ "sku": "gpu/h100/whole/1:1/standard/eu", "model": "package", "tiers": [hours], "rounding": "second" });
    let answer = world.post("/v1/prices", price).await;
    assert_eq!((answer.problem().2, &answer.json()["reason"]), ("rounding".to_owned(), &json!("rounding_of_package")));
    // What a list shows of a price of one tier may be posted again.
    let again = json!({ "sku": "gpu/h100/whole/1:1/standard/eu", "model": "per_unit", "tiers": [open] });
    assert_eq!(world.post("/v1/prices", again).await.expect(201)["model"], "per_unit");
}
