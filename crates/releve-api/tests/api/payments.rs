//! Can payments be told, imported and decided on, and does everybody see what is theirs of it?

use releve_api::auth::Scope;
use serde_json::{Value, json};

use crate::{billing, world::World};

/// Two tenants' February, billed: 333.33 EUR each, numbers 1 and 2.
pub async fn billed() -> World {
    let world = World::new().await;
    billing::recharges(&world).await;
    for name in ["lab", "other"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
    }
    let price =
        json!({ "sku": "meter/images/default", "unit": "count", "price": "0.333333", "from": "2026-02-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    for name in ["lab", "other"] {
        billing::read(&world, name, "images", 1_000).await;
    }
    billing::bill(&world).await;
    world
}

fn payment(reference: &str, amount: &str, text: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR", "paid_on": "2026-03-05", "reference": reference, "remittance": text })
}

/// The number of the tenant's only invoice.
async fn number(world: &World, tenant: &str) -> String {
    let listed = world.get(&format!("/v1/tenants/{tenant}/invoices")).await.expect(200);
    listed["items"][0]["number"].as_str().expect("a number").to_owned()
}

#[tokio::test]
async fn a_payment_settles_what_it_names() {
    let world = billed().await;
    let number = number(&world, "lab").await;
    let told = payment("B1", "300.00", &format!("for {number}"));
    let made = world.post("/v1/payments", told.clone()).await.expect(201);
    assert_eq!((&made["left"]["amount"], &made["held_for"]), (&json!("0.00"), &Value::Null));
    assert_eq!(made["settles"][0]["number"], json!(number));
    let again = world.post("/v1/payments", told).await.expect(200);
    assert_eq!(again, made, "told again, it changes nothing");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(world.get(&format!("/v1/payments/{id}")).await.expect(200), made);
    // By number, for operators and for the tenant itself; not for another.
    let shown = world.get(&format!("/v1/invoices/{number}")).await.expect(200);
    assert_eq!(
        (&shown["payment"]["state"], &shown["payment"]["open"]["amount"]),
        (&json!("partly_paid"), &json!("33.33"))
    );
    for (tenant, state) in [("lab", "partly_paid"), ("other", "open")] {
        let key = world.tenant_key(tenant).await;
        let path = format!("/v1/tenants/{tenant}/invoices");
        let listed = world.call("GET", &path, Some(&key), None).await.expect(200);
        assert_eq!(listed["items"][0]["payment"]["state"], json!(state), "{tenant}");
        assert_eq!(world.call("GET", "/v1/payments", Some(&key), None).await.problem().0, 403);
    }
    // The rest, and more: a person says where the surplus goes, and that it was wrong.
    let made = world.post("/v1/payments", payment("B2", "100.00", &number)).await.expect(201);
    assert_eq!((&made["left"]["amount"], &made["held_for"]), (&json!("66.67"), &json!("surplus")));
    let other = self::number(&world, "other").await;
    let id = made["id"].as_str().expect("an id");
    let act = |act: &str| format!("/v1/payments/{id}/{act}");
    let given = json!({ "invoice": other, "reason": "one customer, two accounts" });
    let assigned = world.post(&act("assign"), given.clone()).await.expect(200);
    assert_eq!((&assigned["left"]["amount"], &assigned["held_for"]), (&json!("0.00"), &Value::Null));
    assert_eq!(world.get(&format!("/v1/payments?invoice={other}")).await.expect(200)["items"][0]["id"], json!(id));
    let (status, code, field) = world.post(&act("assign"), given.clone()).await.problem();
    assert_eq!((status, code.as_str(), field.as_str()), (422, "invalid_field", "amount"));
    world.post(&act("release"), given).await.expect(200);
    let held = world.get("/v1/payments?held=true").await.expect(200);
    assert_eq!((held["items"].as_array().map(Vec::len), &held["items"][0]["id"]), (Some(1), &json!(id)));
    // It goes back to where it came from, and the other's is given up.
    let back =
        json!({ "amount": "-66.67", "currency": "EUR", "paid_on": "2026-03-09", "reference": "B3", "returns": id });
    world.post("/v1/payments", back).await.expect(201);
    assert_eq!(world.get("/v1/payments?held=true").await.expect(200)["items"], json!([]));
    gives_up_and_takes_back(&world, &other).await;
    let log = world.get("/v1/audit-log?limit=100").await.expect(200).to_string();
    for action in ["payment.record", "payment.assign", "payment.release", "invoice.write_off", "invoice.reinstate"] {
        assert!(log.contains(action), "{action} is on record");
    }
}

/// In parts, up to what is open, and up to what was given up.
async fn gives_up_and_takes_back(world: &World, number: &str) {
    let act = async |act: &str, amount: Option<&str>| {
        let mut body = json!({ "reason": "bankrupt" });
        if let Some(amount) = amount {
            body["amount"] = json!(amount);
        }
        world.post(&format!("/v1/invoices/{number}/{act}"), body).await
    };
    let stands = async |expected: [&str; 3]| {
        let shown = world.get(&format!("/v1/invoices/{number}")).await.expect(200);
        let of = &shown["payment"];
        assert_eq!(json!([of["state"], of["written_off"]["amount"], of["open"]["amount"]]), json!(expected));
    };
    assert_eq!(act("reinstate", None).await.problem().2, "invoice", "nothing was given up");
    for bad in ["333.34", "0", "-1", "1.001"] {
        assert_eq!(act("write-off", Some(bad)).await.problem().2, "amount", "{bad}");
    }
    act("write-off", Some("100.00")).await.expect(200);
    stands(["open", "100.00", "233.33"]).await;
    assert_eq!(act("write-off", None).await.expect(200)["amount"]["amount"], json!("233.33"));
    stands(["written_off", "333.33", "0.00"]).await;
    assert_eq!(act("write-off", None).await.problem().2, "invoice", "nothing is open");
    assert_eq!(act("reinstate", Some("333.34")).await.problem().2, "amount");
    act("reinstate", Some("33.33")).await.expect(200);
    stands(["open", "300.00", "33.33"]).await;
    assert_eq!(act("reinstate", None).await.expect(200)["amount"]["amount"], json!("300.00"));
    stands(["open", "0.00", "333.33"]).await;
    act("write-off", None).await.expect(200);
    stands(["written_off", "333.33", "0.00"]).await;
}

#[tokio::test]
async fn what_can_not_be_a_payment_is_refused_by_field() {
    let world = billed().await;
    let number = number(&world, "lab").await;
    let with = |name: &str, value: Value| {
        let mut body = payment("B1", "1.00", "");
        body[name] = value;
        body
    };
    for (body, field) in [
        (with("amount", json!("0")), "amount"),
        (with("amount", json!("1.001")), "amount"),
        (with("amount", json!("1e2")), "amount"),
        (with("currency", json!("XAU")), "currency"),
        (with("paid_on", json!("2026-02-30")), "paid_on"),
        (with("reference", json!("")), "reference"),
        (with("invoice", json!("R-2026-000099")), "invoice"),
        (with("issuer", json!("nobody")), "issuer"),
        (with("returns", json!("pay_01900000000070008000000000000000")), "returns"),
        (with("whatever", json!(1)), "whatever"),
    ] {
        let (status, _, found) = world.post("/v1/payments", body.clone()).await.problem();
        assert_eq!((status, found.as_str()), (422, field), "{body}");
    }
    world.post("/v1/payments", payment("B1", "1.00", "")).await.expect(201);
    let (_, _, field) = world.post("/v1/payments", payment("B1", "2.00", "")).await.problem();
    assert_eq!(field, "reference", "one reference is one payment");
    let (_, _, field) =
        world.post(&format!("/v1/invoices/{number}/write-off"), json!({ "reason": "" })).await.problem();
    assert_eq!(field, "reason");
}

#[tokio::test]
async fn a_banks_file_is_taken_as_it_is() {
    let world = billed().await;
    let number = number(&world, "lab").await;
    let key = world.key(&[Scope::OperatorRead, Scope::OperatorWrite]).await;
    let file = format!(
        r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.02"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id>
        <Ntry><Amt Ccy="EUR">333.33</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-05</Dt></BookgDt>
        <NtryDtls><TxDtls><Refs><AcctSvcrRef>T1</AcctSvcrRef><EndToEndId>{number}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
        </Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"#
    );
    for outcome in ["recorded", "known"] {
        let view = world.send_xml("/v1/payments/import", &key, &file).await.expect(200);
        assert_eq!(
            (&view[outcome], &view["held"], &view["entries"][0]["outcome"]),
            (&json!(1), &json!(0), &json!(outcome))
        );
    }
    let shown = world.get(&format!("/v1/invoices/{number}")).await.expect(200);
    assert_eq!(shown["payment"]["state"], json!("paid"));
    let broken = world.send_xml("/v1/payments/import", &key, &file.replace("333.33", "x")).await;
    assert_eq!(broken.problem().2, "Amt");
    let (status, code, _) = world.post("/v1/payments/import", json!({})).await.problem();
    assert_eq!((status, code.as_str()), (415, "unsupported_media_type"));
}

#[tokio::test]
async fn what_was_paid_in_advance_or_granted_is_a_credit() {
    let world = World::new().await;
    billing::recharges(&world).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world.post("/v1/tenants", json!({ "name": "other" })).await.expect(201);
    let price =
        json!({ "sku": "meter/images/default", "unit": "count", "price": "0.333333", "from": "2026-02-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    let paid = world.post("/v1/payments", payment("B1", "200.00", "in advance")).await.expect(201);
    let (payment, path) = (paid["id"].as_str().expect("an id"), "/v1/accounts/lab/credits");
    let from = "2026-02-01T00:00:00Z";
    let top_up = json!({ "kind": "paid", "description": "Top-up", "payment": payment, "from": from });
    let top_up = world.post(path, top_up).await.expect(201);
    assert_eq!(top_up["remaining"]["amount"], json!("200.00"));
    assert_eq!(world.get(&format!("/v1/payments/{payment}")).await.expect(200)["left"]["amount"], json!("0.00"));
    let grant = json!({ "kind": "granted", "description": "Welcome", "amount": "33.33", "from": from,
                        "expires": "2026-06-01T00:00:00Z" });
    let grant = world.post(path, grant).await.expect(201);
    // Each that contradicts itself or something else is refused, and its field is named.
    for (body, field) in [
        (json!({ "kind": "given", "description": "x", "amount": "1.00" }), "kind"),
        (json!({ "kind": "granted", "description": "x" }), "amount"),
        (json!({ "kind": "granted", "description": "x", "amount": "1.001" }), "amount"),
        (json!({ "kind": "granted", "description": "x", "amount": "0.00" }), "amount"),
        (json!({ "kind": "granted", "description": "", "amount": "1.00" }), "description"),
        (json!({ "kind": "granted", "description": "x", "amount": "1.00", "priority": 1001 }), "priority"),
        (json!({ "kind": "granted", "description": "x", "amount": "1.00", "payment": payment }), "payment"),
        (
            json!({ "kind": "granted", "description": "x", "amount": "1.00", "tenant": "other", "project": "p" }),
            "tenant",
        ),
        (json!({ "kind": "paid", "description": "x", "amount": "1.00" }), "payment"),
        (json!({ "kind": "paid", "description": "x", "payment": payment }), "amount"),
        (json!({ "kind": "paid", "description": "x", "payment": payment, "sku": "meter/images/default" }), "sku"),
    ] {
        let (status, _, found) = world.post(path, body.clone()).await.problem();
        assert_eq!((status, found.as_str()), (422, field), "{body}");
    }
    billing::read(&world, "lab", "images", 1_000).await;
    billing::bill(&world).await;
    let listed = world.get("/v1/invoices?account=lab").await.expect(200);
    let amounts = |field: &str| listed["items"][0][field]["amount"].clone();
    assert_eq!(
        (amounts("total"), amounts("payable"), amounts("prepaid")),
        (json!("300.00"), json!("300.00"), json!("200.00"))
    );
    assert_eq!(listed["items"][0]["payment"]["open"]["amount"], json!("100.00"));
    let shown = world.get(&format!("{path}/{}", grant["id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!((&shown["state"], &shown["entries"][1]["movement"]), (&json!("drawn"), &json!("drawn")));
    assert_eq!((&shown["entries"][1]["from"], &shown["entries"][1]["to"]), (&json!("credit"), &json!("invoice")));
    // The tenant sees what is left, of its own account alone, and changes nothing.
    for (tenant, credits) in [("lab", 2), ("other", 0)] {
        let key = world.tenant_key(tenant).await;
        let listed = world.call("GET", &format!("/v1/tenants/{tenant}/credits"), Some(&key), None).await.expect(200);
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(credits), "{tenant}");
        assert_eq!(world.call("GET", path, Some(&key), None).await.problem().0, 403);
    }
    // Nothing is left to take back of one, and something of another.
    let withdraw = |credit: &Value| format!("{path}/{}/withdraw", credit["id"].as_str().expect("an id"));
    assert_eq!(world.post(&withdraw(&top_up), json!({ "reason": "they leave" })).await.problem().0, 422);
    let more = json!({ "kind": "granted", "description": "More", "amount": "5.00" });
    let more = world.post(path, more).await.expect(201);
    assert_eq!(world.post(&withdraw(&more), json!({ "reason": " " })).await.problem().2, "reason");
    let taken = world.post(&withdraw(&more), json!({ "reason": "by mistake" })).await.expect(200);
    assert_eq!(taken["remaining"]["amount"], json!("0.00"));
    evidence(&world, listed["items"][0]["number"].as_str().expect("a number")).await;
}

/// A seller who owes VAT on what is paid in advance says so once: each advance gets its own number, and both sides see it.
#[tokio::test]
async fn an_advance_gets_a_deposit_invoice_where_the_seller_says_so() {
    let world = World::new().await;
    billing::recharges(&world).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world.post("/v1/tenants", json!({ "name": "other" })).await.expect(201);
    let issuer = world.get("/v1/issuers").await.expect(200)["items"][0].clone();
    assert_eq!(issuer["vat_on_prepayment"], json!(false));
    let path = format!("/v1/issuers/{}", issuer["id"].as_str().expect("an id"));
    let changed =
        world.call("PATCH", &path, Some(&world.operator), Some(json!({ "vat_on_prepayment": true }))).await.expect(200);
    assert_eq!(changed["vat_on_prepayment"], json!(true));
    let paid = world.post("/v1/payments", payment("B1", "200.00", "in advance")).await.expect(201);
    let top_up = json!({ "kind": "paid", "description": "Top-up", "payment": paid["id"] });
    let credit = world.post("/v1/accounts/lab/credits", top_up).await.expect(201);
    let number = credit["deposit_invoice"].as_str().expect("a number");
    let invoice = world.get(&format!("/v1/invoices/{number}")).await.expect(200);
    assert_eq!((&invoice["credit"], &invoice["payment"]["state"]), (&credit["id"], &json!("paid")));
    assert_eq!((&invoice["payable"]["amount"], &invoice["prepaid"]["amount"]), (&json!("200.00"), &json!("200.00")));
    for (tenant, documents) in [("lab", 1), ("other", 0)] {
        let key = world.tenant_key(tenant).await;
        let listed = world.call("GET", &format!("/v1/tenants/{tenant}/invoices"), Some(&key), None).await.expect(200);
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(documents), "{tenant}");
    }
    let (status, code, _) = world.get(&format!("/v1/invoices/{number}/pack")).await.problem();
    assert_eq!((status, code.as_str()), (404, "not_found"));
    // Taken back, it is corrected by a document of its own; a month's act does not reach it.
    let withdraw = format!("/v1/accounts/lab/credits/{}/withdraw", credit["id"].as_str().expect("an id"));
    world.post(&withdraw, json!({ "reason": "they leave" })).await.expect(200);
    let listed = world.get("/v1/invoices?account=lab").await.expect(200);
    let items = listed["items"].as_array().expect("a list");
    let back = items.iter().find(|item| item["number"] != json!(number)).expect("two");
    assert_eq!((items.len(), &back["corrects"], &back["total"]["amount"]), (2, &json!([number]), &json!("-200.00")));
}

/// What an invoice rests on, for its own tenants and the operator.
async fn evidence(world: &World, number: &str) {
    for (tenant, status) in [("lab", 200), ("other", 404)] {
        let key = world.tenant_key(tenant).await;
        let path = format!("/v1/tenants/{tenant}/invoices/{number}/pack");
        assert_eq!(world.call("GET", &path, Some(&key), None).await.status, status, "{tenant}");
        assert_eq!(world.call("GET", &format!("/v1/invoices/{number}/pack"), Some(&key), None).await.status, 403);
    }
    let pack = world.get(&format!("/v1/invoices/{number}/pack")).await;
    let verdict = releve_verify::verify(&pack.body);
    assert!(verdict.holds(), "{verdict}");
}

/// What a platform tells of a document is its state, whatever comes first; of what it rejected somebody has to know.
#[tokio::test]
async fn what_is_told_of_a_document_is_its_state() {
    let world = billed().await;
    let number = number(&world, "lab").await;
    let path = format!("/v1/invoices/{number}/statuses");
    let told = |status: &str, day: u8, reference: &str, reason: &str| json!({ "status": status, "happened_at": format!("2026-03-{day:02}T10:00:00Z"), "reference": reference, "reason": reason });
    let state = async || world.get(&format!("/v1/invoices/{number}")).await.expect(200)["delivery"].clone();
    assert_eq!(state().await, "waiting");
    let rejected = told("rejected", 5, "m2", "BR-FR-12: no electronic address");
    let made = world.post(&path, rejected.clone()).await.expect(201);
    assert_eq!((&made["state"], &made["statuses"][0]["code"]), (&json!("rejected"), &json!(213)));
    assert_eq!(world.post(&path, rejected).await.expect(200), made, "told again, it changes nothing");
    world.post(&path, told("submitted", 4, "m1", "")).await.expect(201);
    assert_eq!(state().await, "rejected", "what came later happened before");
    let listed = world.get("/v1/hand-overs").await.expect(200);
    assert_eq!((&listed["items"][0]["invoice"], listed["items"].as_array().map(Vec::len)), (&made["invoice"], Some(1)));
    assert!(listed["items"][0]["to_do"].as_str().is_some_and(|to_do| to_do.contains("invoice void")), "{listed}");
    world.post(&path, told("submitted", 6, "m3", "")).await.expect(201);
    world.post(&path, told("cashed", 7, "m4", "")).await.expect(201);
    let shown = world.get(&format!("/v1/invoices/{number}/hand-over")).await.expect(200);
    let names: Vec<&str> =
        shown["statuses"].as_array().expect("all").iter().filter_map(|s| s["status"].as_str()).collect();
    assert_eq!(names, ["submitted", "rejected", "submitted", "cashed"]);
    assert_eq!((state().await, &shown["to_do"]), (json!("cashed"), &Value::Null));
    assert_eq!(world.get("/v1/hand-overs").await.expect(200)["items"], json!([]));

    for (wrong, field) in [
        (told("paid", 5, "m5", ""), "status"),
        (told("refused", 5, "m5", ""), "reason"),
        (told("submitted", 5, "", ""), "reference"),
        (told("submitted", 29, "m5", ""), "happened_at"),
        (told("refused", 5, "m2", "another word"), "reference"),
    ] {
        assert_eq!(world.post(&path, wrong).await.problem().2, field);
    }
    assert_eq!(world.post("/v1/invoices/X-1/statuses", told("submitted", 5, "m5", "")).await.problem().0, 404);
    let key = world.tenant_key("lab").await;
    let listed = world.call("GET", "/v1/tenants/lab/invoices", Some(&key), None).await.expect(200);
    assert_eq!(listed["items"][0]["delivery"], "cashed");
    assert_eq!(world.call("GET", "/v1/hand-overs", Some(&key), None).await.problem().0, 403);
}
