//! Can it be seen what was billed, what holds back, and what is missing? And is what is previewed what is billed?

use releve_api::auth::Scope;
use releve_jobs::{Order, documents, issue};
use releve_store::customers;
use releve_types::Zone;
use serde_json::{Value, json};

use crate::{
    node::{GPU, Node, ONE, send},
    world::World,
};

pub async fn read(world: &World, tenant: &str, meter: &str, quantity: i64) {
    let reading = json!({
        "source": "s", "id": format!("{tenant}-{meter}-{quantity}"), "meter": meter, "tenant": tenant,
        "quantity": quantity, "unit": "count", "from": "2026-02-10T12:00:00Z", "to": "2026-02-10T12:30:00Z",
    });
    world.post("/v1/readings", reading).await.expect(200);
}

async fn patch(world: &World, path: &str, body: Value) -> Value {
    let key = world.key(&[Scope::OperatorRead, Scope::OperatorWrite]).await;
    world.call("PATCH", path, Some(&key), Some(body)).await.expect(200)
}

/// The seller is no taxable person, so that its invoices bear no VAT.
pub async fn recharges(world: &World) {
    patch(world, "/v1/issuers/default", json!({ "vat_scheme": "not_taxable" })).await;
}

/// Bills February.
pub async fn bill(world: &World) {
    issue_february(world).await;
    render(world).await;
}

async fn issue_february(world: &World) {
    let mut tx = world.db.begin_app().await.expect("begins");
    let issuer = customers::issuers(&mut tx).await.expect("issuers").remove(0).id;
    tx.commit().await.expect("commits");
    let period = Zone::utc().month("2026-02".parse().expect("a month"));
    issue(&world.db, Order::new(issuer, period), world.now()).await.expect("bills");
}

/// Makes what is issued into documents.
async fn render(world: &World) {
    documents::run(&world.db, world.now()).await.expect("renders");
}

#[tokio::test]
async fn what_was_previewed_is_what_is_billed_and_given_out_as_it_was() {
    let world = World::new().await;
    recharges(&world).await;
    for name in ["lab", "other"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
    }
    let price =
        json!({ "sku": "meter/images/default", "unit": "count", "price": "0.333333", "from": "2026-02-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    read(&world, "lab", "images", 1_000).await;
    read(&world, "other", "images", 10).await;
    read(&world, "other", "videos", 7).await;
    let preview = world.get("/v1/tenants/lab/spend?month=2026-02").await.expect(200);
    bill(&world).await;

    let runs = world.get("/v1/billing-runs").await.expect(200);
    let run = &runs["items"][0];
    assert_eq!((&run["issued"], &run["parked"], &run["nothing"]), (&json!(1), &json!(1), &json!(0)));
    let id = run["id"].as_str().expect("an id");
    let outcomes = world.get(&format!("/v1/billing-runs/{id}/accounts")).await.expect(200);
    assert_eq!(outcomes["items"].as_array().map(Vec::len), Some(2));
    let parked = world.get("/v1/invoices?state=parked").await.expect(200);
    assert_eq!(parked["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(parked["items"][0]["held_by"][0]["kind"], "unpriced");

    let key = world.tenant_key("lab").await;
    let ask = async |path: &str| world.call("GET", path, Some(&key), None).await;
    let listed = ask("/v1/tenants/lab/invoices").await.expect(200);
    let invoice = &listed["items"][0];
    assert_eq!((listed["items"].as_array().map(Vec::len), &invoice["total"]), (Some(1), &preview["total"]));
    let id = invoice["id"].as_str().expect("an id");
    let document = ask(&format!("/v1/tenants/lab/invoices/{id}")).await;
    assert!(document.expect(200).to_string().contains("333.33"), "{}", document.text());
    assert_eq!(document.headers["content-type"], "application/json");
    let again = world.get(&format!("/v1/invoices/{id}/document")).await;
    assert_eq!((document.body, &document.headers["etag"]), (again.body, &again.headers["etag"]));
    let electronic = ask(&format!("/v1/tenants/lab/invoices/{id}/electronic/ubl")).await;
    assert_eq!(electronic.problem().0, 404, "a seller that is no taxable person has none");
    let page = ask(&format!("/v1/tenants/lab/invoices/{id}/page")).await;
    assert!(page.status.is_success() && page.text().contains("<html"), "{}", page.text());
    assert!(page.headers["content-security-policy"].to_str().expect("text").contains("default-src 'none'"));
    assert_eq!(world.get(&format!("/v1/invoices/{id}")).await.expect(200)["number"], invoice["number"]);

    // Another tenant's key, and a parked invoice's id, find nothing.
    let others = world.tenant_key("other").await;
    for path in [format!("/v1/tenants/other/invoices/{id}"), format!("/v1/tenants/lab/invoices/{id}")] {
        assert_eq!(world.call("GET", &path, Some(&others), None).await.problem().0, 404, "{path}");
    }
    assert_eq!(
        world.call("GET", "/v1/tenants/other/invoices", Some(&others), None).await.expect(200)["items"],
        json!([])
    );
    let parked = parked["items"][0]["id"].as_str().expect("an id");
    for path in [format!("/v1/tenants/other/invoices/{parked}"), format!("/v1/invoices/{parked}/document")] {
        assert_eq!(world.get(&path).await.problem().0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_gap_is_seen_and_accepted_once() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let rule = json!({ "key": "static:lab", "tenant": "lab", "from": "2026-03-01T00:00:00Z" });
    world.post("/v1/key-rules", rule).await.expect(201);
    let node = Node::registered(&world, "n1").await;
    let body = node.report("2026-03-10T10:00:00Z", 1, "static:lab");
    send(&world, "/v1/reports", &agent, ONE, body).await.expect(200);

    let stretch = "from=2026-03-10T10:00:00Z&to=2026-03-10T12:00:00Z";
    let coverage = world.get(&format!("/v1/coverage?{stretch}")).await.expect(200);
    let row = &coverage["items"][0];
    assert_eq!(
        (&row["expected_ms"], &row["covered_ms"], &row["missing_ms"]),
        (&json!(7_200_000), &json!(60_000), &json!(7_140_000))
    );
    let gaps = async || world.get(&format!("/v1/gaps?{stretch}")).await.expect(200)["items"].clone();
    let found = gaps().await;
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!((&found[0]["from"], &found[0]["to"]), (&json!("2026-03-10T10:01:00Z"), &json!("2026-03-10T12:00:00Z")));
    assert!(found[0]["concerned"][0]["gpu_ms"].as_i64().is_some_and(|ms| ms > 0), "{found}");

    let accept =
        |to: &str, reason: &str| json!({ "node": "n1", "from": "2026-03-10T10:01:00Z", "to": to, "reason": reason });
    for (body, field) in [
        (accept("2026-03-10T12:00:00Z", ""), "reason"),
        (accept("2026-03-10T10:01:00Z", "power cut"), "to"),
        (accept("2026-03-10T13:00:00Z", "power cut"), "to"),
    ] {
        assert_eq!(world.post("/v1/gaps/accept", body).await.problem().2, field);
    }
    let good = accept("2026-03-10T12:00:00Z", "power cut");
    let accepted = world.post("/v1/gaps/accept", good.clone()).await.expect(201);
    assert!(accepted["accepted_by"].as_str().is_some_and(|by| by.starts_with("operator (key_")), "{accepted}");
    assert_eq!(world.post("/v1/gaps/accept", good).await.problem().1, "already_decided");
    assert_eq!(gaps().await, json!([]));
    let log = world.get("/v1/audit-log?limit=1").await.expect(200);
    assert_eq!(
        (&log["items"][0]["action"], &log["items"][0]["after"]["reason"]),
        (&json!("gap.accept"), &json!("power cut"))
    );
    assert_eq!(world.get("/v1/gaps?from=2026-01-01T00:00:00Z").await.problem().2, "to");
}

#[tokio::test]
async fn a_gpu_moves_once_its_time_elsewhere_is_over() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    let (one, _) = (Node::registered(&world, "n1").await, ());
    let body = json!({ "name": "n2", "region": "eu-west" });
    world.post("/v1/nodes", body).await.expect(201);
    send(&world, "/v1/reports", &agent, ONE, one.report("2026-03-10T12:00:00Z", 1, "static:x")).await.expect(200);
    let path = format!("/v1/devices/{GPU}");
    let shown = world.get(&path).await.expect(200);
    assert_eq!(shown["stays"], json!([{ "node": one.id.to_string(), "from": null, "to": null }]));
    let to = |from: &str| json!({ "node": "n2", "from": from });
    let moves = format!("{path}/moves");
    let early = world.post(&moves, to("2026-03-10T12:00:00Z")).await;
    assert_eq!(early.problem(), (409, "move_contradicted".to_owned(), "from".to_owned()));
    let moved = world.post(&moves, to("2026-03-10T13:00:00Z")).await.expect(201);
    assert_eq!(moved["stays"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.post(&moves, to("2026-03-10T13:00:00Z")).await.problem().2, "from");
    for unknown in ["GPU-00000000-0000-0000-0000-000000000000", "MIG-00000000-0000-0000-0000-000000000000", "0"] {
        assert_eq!(world.get(&format!("/v1/devices/{unknown}")).await.problem().0, 404, "{unknown}");
    }
}

#[tokio::test]
async fn what_is_measured_is_shown_to_its_own_scope() {
    let world = World::new().await;
    let key = world.key(&[Scope::MetricsRead]).await;
    Node::registered(&world, "n1").await;
    world.get("/v1/tenants/nobody").await;
    let text = world.call("GET", "/metrics", Some(&key), None).await.text();
    for name in [
        "releve_api_requests_total",
        "releve_api_problems_total",
        "releve_api_request_seconds",
        "releve_nodes_in_service",
        "releve_coverage_expected_seconds",
        "releve_coverage_reported_seconds",
    ] {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
    assert!(!text.contains("nobody"), "a path is anybody's text, and no label");
    let other: Value = world.call("GET", "/v1/nodes", Some(&key), None).await.json();
    assert_eq!(other["code"], "forbidden");
}

#[tokio::test]
async fn an_invoice_waits_until_it_is_known_which_vat_it_bears() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let price =
        json!({ "sku": "meter/images/default", "unit": "count", "price": "1.00", "from": "2026-02-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    read(&world, "lab", "images", 1_001).await;
    let held = async || {
        bill(&world).await;
        let parked = world.get("/v1/invoices?state=parked").await.expect(200);
        let holds = parked["items"][0]["held_by"].as_array().cloned().unwrap_or_default();
        holds.iter().map(|h| h["to_do"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(held().await, ["set issuer.vat_scheme, then run again"]);
    patch(&world, "/v1/issuers/default", json!({ "vat_scheme": "registered" })).await;
    let lacks = ["issuer.country", "account.country", "issuer.vat_id", "issuer.address", "account.address"]
        .map(|f| format!("set {f}, then run again"));
    assert_eq!(held().await, lacks);
    let seller = json!({ "country": "FR", "vat_id": "fr 83 404 833 048", "legal_id": "404833048", "address": "1 rue du Relevé", "iban": "FR76 3000 6000 0112 3456 7890 189" });
    let shown = patch(&world, "/v1/issuers/default", seller).await;
    assert_eq!((&shown["vat_id"], &shown["iban"]), (&json!("FR83404833048"), &json!("FR7630006000011234567890189")));
    patch(
        &world,
        "/v1/accounts/lab",
        json!({ "country": "FR", "address": "2 rue du Labo", "customer_kind": "business" }),
    )
    .await;
    assert_eq!(held().await, ["set issuer.vat_rates, then run again", "set account.legal_id, then run again"]);
    let asked = json!({ "legal_id": "900000019", "buyer_reference_required": true, "invoice_ceiling": "1001" });
    let shown = patch(&world, "/v1/accounts/lab", asked).await;
    assert_eq!((&shown["buyer_reference_required"], &shown["invoice_ceiling"]), (&json!(true), &json!("1001.00")));
    let rate = json!({ "country": "FR", "percent": "20", "from": "2014-01-01T00:00:00Z" });
    world.post("/v1/issuers/default/vat-rates", rate).await.expect(201);
    assert_eq!(held().await, ["set account.buyer_reference, then run again"]);
    patch(&world, "/v1/accounts/lab", json!({ "buyer_reference": "PO 4711" })).await;
    assert_eq!(held().await, [""; 0]);
    let issued = world.get("/v1/invoices?state=issued").await.expect(200);
    assert_eq!(
        (&issued["items"][0]["total"]["amount"], &issued["items"][0]["payable"]["amount"]),
        (&json!("1001.00"), &json!("1201.20"))
    );
    // Nothing gets a number that the network would refuse: there is no such country.
    world.post("/v1/tenants", json!({ "name": "odd" })).await.expect(201);
    patch(
        &world,
        "/v1/accounts/odd",
        json!({ "country": "ZZ", "address": "3 Odd Street", "email": "invoices@odd.example" }),
    )
    .await;
    read(&world, "odd", "images", 5).await;
    bill(&world).await;
    let parked = world.get("/v1/invoices?state=parked").await.expect(200);
    assert_eq!(parked["items"][0]["held_by"][0]["kind"], "tax");
    let detail = parked["items"][0]["held_by"][0]["detail"].as_str().expect("a text");
    assert!(detail.starts_with("BR-CL-14: BT-55"), "{detail}");

    let id = issued["items"][0]["id"].as_str().expect("an id");
    let key = world.tenant_key("lab").await;
    for (syntax, root) in [("ubl", "<Invoice xmlns="), ("cii", "<rsm:CrossIndustryInvoice")] {
        let mine =
            world.call("GET", &format!("/v1/tenants/lab/invoices/{id}/electronic/{syntax}"), Some(&key), None).await;
        assert!(mine.status.is_success() && mine.text().contains(root), "{}", mine.text());
        assert_eq!(world.get(&format!("/v1/invoices/{id}/electronic/{syntax}")).await.body, mine.body);
    }
    let mine = world.call("GET", &format!("/v1/tenants/lab/invoices/{id}/pdf"), Some(&key), None).await;
    assert!(mine.status.is_success() && mine.body.starts_with(b"%PDF-1.7"), "{}", mine.text());
    assert_eq!(world.get(&format!("/v1/invoices/{id}/pdf")).await.body, mine.body);
    assert_eq!(world.get(&format!("/v1/invoices/{id}/electronic/edi")).await.problem().0, 404);
    let rates = world.get("/v1/issuers/default/vat-rates").await.expect(200);
    assert_eq!(
        rates["items"][0],
        json!({ "country": "FR", "class": "standard", "percent": "20", "from": "2014-01-01T00:00:00Z" })
    );
}

/// Three pixels, as a PNG in base64.
const LOGO: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAMAAAABCAYAAAAb4BS0AAAAFElEQVR42mPgzsv7D8QN////ZwAAI/MGS2+iXMkAAAAASUVORK5CYII=";

/// Documents look as their seller said before they were issued.
#[tokio::test]
async fn a_seller_says_how_its_documents_look() {
    let world = World::new().await;
    recharges(&world).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let price = json!({ "sku": "meter/images/default", "unit": "count", "price": "1", "from": "2026-02-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    read(&world, "lab", "images", 5).await;
    let key = world.key(&[Scope::OperatorRead, Scope::OperatorWrite]).await;
    let path = "/v1/issuers/default/brand";
    let put = async |body: Value| world.call("PUT", path, Some(&key), Some(body)).await;
    assert_eq!(world.get(path).await.expect(200), json!({ "accent": "", "logo": null }));
    for (body, field) in [
        (json!({ "accent": "teal" }), "accent"),
        (json!({ "accent": "#ffee00" }), "accent"),
        (json!({ "logo": "!" }), "logo"),
        (json!({ "logo": &LOGO[..64] }), "logo"),
        (json!({ "logo": "A".repeat(90_000) }), "logo"),
        (json!({ "font": "x" }), "font"),
    ] {
        let refused = put(body.clone()).await.problem();
        assert_eq!((refused.0, refused.2.as_str()), (422, field), "{body}");
    }
    let ours = json!({ "accent": "#7A1F5C", "logo": LOGO });
    let shown = json!({ "accent": "#7a1f5c", "logo": LOGO });
    assert_eq!(put(ours).await.expect(200), shown);
    assert_eq!(world.get(path).await.expect(200), shown);
    issue_february(&world).await;
    // What was issued stays as it is, also if it was not drawn yet.
    assert_eq!(put(json!({})).await.expect(200), json!({ "accent": "", "logo": null }));
    render(&world).await;
    let listed = world.get("/v1/invoices?state=issued").await.expect(200);
    let id = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    let page = world.get(&format!("/v1/invoices/{id}/page")).await.text();
    assert!(page.contains("#7a1f5c") && page.contains(LOGO), "{page}");
    let log = world.get("/v1/audit-log?limit=100").await.expect(200).to_string();
    assert!(log.contains("issuer.brand") && log.contains("logo_sha256") && !log.contains(LOGO));
}

#[tokio::test]
async fn what_bounds_documents_is_above_zero_or_nothing() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let key = world.key(&[Scope::OperatorWrite]).await;
    for (field, bad) in
        ["0", "-1", "1.001", "much"].into_iter().flat_map(|b| [("invoice_ceiling", b), ("correction_min", b)])
    {
        let refused = world.call("PATCH", "/v1/accounts/lab", Some(&key), Some(json!({ field: bad }))).await.problem();
        assert_eq!((refused.0, refused.2.as_str()), (422, field), "{bad}");
    }
    let refused = json!({ "back_billing_months": 121 });
    let refused = world.call("PATCH", "/v1/accounts/lab", Some(&key), Some(refused)).await.problem();
    assert_eq!((refused.0, refused.2.as_str()), (422, "back_billing_months"));
    for (asked, shown) in [
        (json!({ "correction_min": "2", "back_billing_months": 14 }), json!(["2.00", 14])),
        (json!({ "invoice_ceiling": "" }), json!(["2.00", 14])),
        (json!({ "correction_min": "", "back_billing_months": 0 }), json!([null, null])),
    ] {
        let view = patch(&world, "/v1/accounts/lab", asked).await;
        assert_eq!(json!([view["correction_min"], view["back_billing_months"]]), shown);
        assert_eq!(view["invoice_ceiling"], Value::Null, "none");
    }
    let made = json!({ "name": "kind", "correction_min": "1", "back_billing_months": 4 });
    let made = world.post("/v1/accounts", made).await.expect(201);
    assert_eq!((&made["correction_min"], &made["back_billing_months"]), (&json!("1.00"), &json!(4)));
}

/// Art. 230: an invoice in dollars says in euros what VAT is owed to France, by a rate that is known; its pack and its documents say so
/// too.
#[tokio::test]
async fn vat_on_an_invoice_in_dollars_is_stated_in_euros() {
    let world = World::new().await;
    world.post("/v1/price-books", json!({ "name": "dollars", "currency": "USD" })).await.expect(201);
    let price = json!({
        "price_book": "dollars", "sku": "meter/images/default", "unit": "count", "price": "1.00", "from": "2026-01-01T00:00:00Z",
    });
    world.post("/v1/prices", price).await.expect(201);
    world.post("/v1/accounts", json!({ "name": "lab", "price_book": "dollars" })).await.expect(201);
    world.post("/v1/tenants", json!({ "name": "lab", "account": "lab" })).await.expect(201);
    let seller = json!({
        "vat_scheme": "registered", "country": "FR", "vat_id": "FR83404833048", "legal_id": "404833048",
        "address": "1 rue du Relevé", "email": "bills@seller.example", "iban": "FR7630006000011234567890189",
    });
    patch(&world, "/v1/issuers/default", seller).await;
    let rate = json!({ "country": "FR", "percent": "20", "from": "2014-01-01T00:00:00Z" });
    world.post("/v1/issuers/default/vat-rates", rate).await.expect(201);
    let customer = json!({
        "country": "FR", "address": "2 rue du Labo", "customer_kind": "business", "legal_id": "900000019",
        "email": "bills@lab.example",
    });
    patch(&world, "/v1/accounts/lab", customer).await;
    read(&world, "lab", "images", 1_000).await;
    bill(&world).await;
    let parked = world.get("/v1/invoices?state=parked").await.expect(200);
    let hold = &parked["items"][0]["held_by"][0];
    assert_eq!(hold["kind"], "tax", "{parked}");
    assert!(hold["to_do"].as_str().is_some_and(|to_do| to_do.contains("EUR and USD of 2026-02-28")), "{hold}");
    let exchange =
        |day: &str, rate: &str| json!({ "base": "EUR", "quote": "USD", "rate": rate, "day": day, "source": "ECB" });
    world.post("/v1/exchange-rates", exchange("2026-02-21", "1.5")).await.expect(201);
    bill(&world).await;
    assert_eq!(world.get("/v1/invoices?state=issued").await.expect(200)["items"], json!([]), "it is a week old");
    world.post("/v1/exchange-rates", exchange("2026-03-01", "1.9")).await.expect(201);
    world.post("/v1/exchange-rates", exchange("2026-02-27", "1.1")).await.expect(201);
    world.set_now("2026-03-10T12:31:00Z");
    let told = world.post("/v1/exchange-rates", exchange("2026-02-27", "1.0842")).await.expect(201);
    bill(&world).await;
    let issued = world.get("/v1/invoices?state=issued").await.expect(200);
    let number = issued["items"][0]["number"].as_str().expect("a number").to_owned();
    assert_eq!(issued["items"][0]["payable"], json!({ "amount": "1200.00", "currency": "USD" }));
    let said = world.get(&format!("/v1/invoices/{number}/document")).await.expect(200);
    let expected = json!({ "currency": "EUR", "tax": "184.47", "exchange_rate": told });
    assert_eq!(said["tax_stated"], expected, "what was told last of the last day before the period's end");
    let page = world.get(&format!("/v1/invoices/{number}/page")).await.text();
    assert!(page.contains("VAT in EUR (1\u{a0}EUR = 1.0842\u{a0}USD, ECB,"), "{page}");
    let ubl = world.get(&format!("/v1/invoices/{number}/electronic/ubl")).await.text();
    assert!(ubl.contains("<cbc:TaxCurrencyCode>EUR<") && ubl.contains("currencyID=\"EUR\">184.47<"), "{ubl}");
    let pack = world.get(&format!("/v1/invoices/{number}/pack")).await.body;
    let verdict = releve_verify::verify(&pack);
    assert!(verdict.holds(), "{verdict}");
    let forged = String::from_utf8_lossy(&pack).into_owned().replace("184.47", "184.48");
    assert!(!releve_verify::verify(forged.as_bytes()).holds());

    for (wrong, field) in [
        (json!({ "base": "EUR", "quote": "EUR", "rate": "1", "day": "2026-02-27", "source": "ECB" }), "quote"),
        (json!({ "base": "EUR", "quote": "XXX", "rate": "1", "day": "2026-02-27", "source": "ECB" }), "quote"),
        (exchange("2026-02-30", "1.1"), "day"),
        (exchange("2026-02-27", "0"), "rate"),
        (exchange("2026-02-27", "1,1"), "rate"),
        (json!({ "base": "EUR", "quote": "USD", "rate": "1", "day": "2026-02-27", "source": "" }), "source"),
    ] {
        assert_eq!(world.post("/v1/exchange-rates", wrong).await.problem().2, field);
    }
    let listed = world.get("/v1/exchange-rates?limit=3").await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
    assert!(listed["next"].is_string(), "one more");
}
