//! Does a tenant see what its money rests on, to the node's signature, and no neighbour's byte of it? And may it question what it is charged?

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use releve_api::auth::{Role, Scope};
use releve_jobs::{Order, void};
use releve_wire::verify_disclosed;
use serde_json::{Value, json};

use crate::{
    lists::forged,
    node::{Node, ONE, send},
    payments::billed,
    world::World,
};

/// Two tenants that shared a GPU of one node in the minute from 10:00.
async fn shared() -> (World, Node) {
    shared_in(World::new().await).await
}

async fn shared_in(world: World) -> (World, Node) {
    let agent = world.key(&[Scope::Agent]).await;
    for name in ["lab", "other"] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let rule = json!({ "key": format!("static:{name}"), "tenant": name, "from": "2026-03-01T00:00:00Z" });
        world.post("/v1/key-rules", rule).await.expect(201);
    }
    let node = Node::registered(&world, "n1").await;
    let holds = [("static:lab", "lab-job", 0..20_000), ("static:other", "secret-job", 20_000..60_000)];
    let body = node.report_of("2026-03-10T10:00:00Z", 1, &holds);
    send(&world, "/v1/reports", &agent, ONE, body).await.expect(200);
    (world, node)
}

async fn ask(world: &World, key: &str, path: &str) -> Value {
    world.call("GET", path, Some(key), None).await.expect(200)
}

#[tokio::test]
async fn evidence_verifies_and_holds_no_neighbour() {
    let (world, node) = shared().await;
    let key = world.tenant_key("lab").await;
    let found = ask(&world, &key, "/v1/tenants/lab/evidence?from=2026-03-10T10:00:00Z").await;
    let items = found["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{found}");
    let text = found.to_string();
    assert!(text.contains("lab-job") && !text.contains("secret-job") && !text.contains("static:other"), "{text}");
    let of = |name: &str| items[0][name].as_str().expect(name).to_owned();
    assert_eq!(of("node"), node.id.to_string());
    let signature: [u8; 64] = STANDARD.decode(of("signature")).expect("base64").try_into().expect("64 bytes");
    let public: [u8; 32] = hex::decode(of("public_key")).expect("hex").try_into().expect("32 bytes");
    assert_eq!(public, node.key.verifying_key().to_bytes());
    let segments = items[0]["segments"][0].as_str().expect("a section");
    let believed = verify_disclosed(&of("head"), &of("keyid"), &signature, segments, &public);
    let (_, section) = believed.expect("it verifies with the node's key alone");
    assert_eq!((section.segments[0].start_ms, section.segments[0].end_ms), (0, 20_000));
    let nothing = ask(&world, &key, "/v1/tenants/lab/evidence?from=2026-03-10T11:00:00Z").await;
    assert_eq!(nothing["items"], json!([]));
    let far = "/v1/tenants/lab/evidence?from=2026-03-10T00:00:00Z&to=2026-03-11T01:00:00Z";
    assert_eq!(world.call("GET", far, Some(&key), None).await.problem().2, "to");
}

#[tokio::test]
async fn evidence_goes_on_page_by_page() {
    let (world, node) = shared().await;
    let agent = world.key(&[Scope::Agent]).await;
    for minute in 1..4 {
        let body = node.report(&format!("2026-03-10T10:0{minute}:00Z"), minute + 1, "static:lab");
        send(&world, "/v1/reports", &agent, ONE, body).await.expect(200);
    }
    let key = world.tenant_key("lab").await;
    let wanted: Vec<String> = (0..4).map(|minute| format!("2026-03-10T10:0{minute}:00Z")).collect();
    assert_eq!(paged(&world, &key, "from=2026-03-10T10:00:00Z&limit=3").await, wanted);
}

#[tokio::test]
async fn evidence_goes_on_over_hours_and_midnight() {
    let (world, node) = shared().await;
    let agent = world.key(&[Scope::Agent]).await;
    let wanted = ["2026-03-09T22:00:00Z", "2026-03-09T22:01:00Z", "2026-03-09T23:01:00Z", "2026-03-10T00:00:00Z"];
    for (seq, start) in (2..).zip(wanted) {
        send(&world, "/v1/reports", &agent, ONE, node.report(start, seq, "static:lab")).await.expect(200);
    }
    let key = world.tenant_key("lab").await;
    for limit in [1, 3, 1_000] {
        let asked = format!("from=2026-03-09T21:00:00Z&to=2026-03-10T01:00:00Z&limit={limit}");
        assert_eq!(paged(&world, &key, &asked).await, wanted, "{limit} at a time");
    }
}

#[tokio::test]
async fn a_window_that_no_page_gave_is_refused() {
    let (world, node) = shared().await;
    let agent = world.key(&[Scope::Agent]).await;
    let more = node.report("2026-03-10T10:01:00Z", 2, "static:lab");
    send(&world, "/v1/reports", &agent, ONE, more).await.expect(200);
    let of_node = format!("/v1/nodes/{}/reports?from=2026-03-10T10:00:00Z&to=2026-03-10T11:00:00Z&limit=1", node.id);
    for path in ["/v1/tenants/lab/evidence?from=2026-03-10T10:00:00Z&limit=1", &of_node] {
        let page = world.get(path).await.expect(200);
        let cursor = page["next"].as_str().expect("a next page");
        for at in [i64::MIN, i64::MAX] {
            let answer = world.get(&format!("{path}&cursor={}", forged(cursor, 0, at))).await;
            assert_eq!(answer.problem().1, "cursor_refused", "{path} after {at}");
        }
    }
}

/// When the windows of a tenant's evidence begin, page by page.
async fn paged(world: &World, key: &str, asked: &str) -> Vec<String> {
    let (mut cursor, mut starts) = (String::new(), Vec::new());
    loop {
        let found = ask(world, key, &format!("/v1/tenants/lab/evidence?{asked}{cursor}")).await;
        let items = found["items"].as_array().expect("items");
        starts.extend(items.iter().map(|item| item["window_start"].as_str().expect("an instant").to_owned()));
        let Some(next) = found["next"].as_str() else { return starts };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn a_gap_is_shown_to_whom_it_concerns() {
    // What was looked through is kept, and yet shows what was decided since.
    let (world, node) = shared_in(World::with(|state| state.keeping_from(Duration::ZERO)).await).await;
    let [lab, other] = [world.tenant_key("lab").await, world.tenant_key("other").await];
    let path = |tenant: &str| format!("/v1/tenants/{tenant}/gaps?from=2026-03-10T10:00:00Z&to=2026-03-10T11:00:00Z");
    let own = ask(&world, &lab, &path("lab")).await;
    let item = &own["items"][0];
    assert_eq!((&item["from"], &item["accepted"]), (&json!("2026-03-10T10:01:00Z"), &json!(false)), "{own}");
    // A third of the minute before, over 59 minutes; of the other two thirds nothing is said.
    assert_eq!(item["gpu_ms"], json!(59 * 20_000), "{own}");
    assert_eq!(ask(&world, &other, &path("other")).await["items"][0]["gpu_ms"], json!(59 * 40_000));
    let body = json!({ "node": node.id.to_string(), "from": "2026-03-10T10:01:00Z", "to": "2026-03-10T11:00:00Z", "reason": "moved" });
    world.post("/v1/gaps/accept", body).await.expect(201);
    assert_eq!(ask(&world, &lab, &path("lab")).await["items"][0]["accepted"], json!(true));
}

#[tokio::test]
async fn prices_are_those_of_the_contract_as_long_as_they_hold() {
    let world = World::new().await;
    let lab = world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world.post("/v1/tenants", json!({ "name": "other", "account": lab["account"] })).await.expect(201);
    for (price, from) in [("2.00", "2026-03-01T00:00:00Z"), ("3.00", "2026-04-01T00:00:00Z")] {
        let price = json!({ "sku": "meter/images/default", "unit": "count", "price": price, "from": from });
        world.post("/v1/prices", price).await.expect(201);
    }
    let key = world.tenant_key("lab").await;
    let found = ask(&world, &key, "/v1/tenants/lab/prices").await;
    let shown: Vec<(&Value, &Value, &Value)> = found["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| (&item["tiers"][0]["price"], &item["from"], &item["until"]))
        .collect();
    let at = [json!("2026-03-01T00:00:00Z"), json!("2026-04-01T00:00:00Z")];
    assert_eq!(shown, [(&json!("2.00"), &at[0], &at[1]), (&json!("3.00"), &at[1], &Value::Null)], "{found}");
    world.set_now("2026-04-01T00:00:00Z");
    let later = ask(&world, &key, "/v1/tenants/lab/prices").await;
    assert_eq!(later["items"].as_array().map(Vec::len), Some(1), "what is over is left out: {later}");

    let account = lab["account"].as_str().expect("an account");
    for (tenant, percent) in [("lab", "10"), ("other", "20")] {
        let discount = json!({ "kind": "discount", "description": format!("for {tenant}"), "percent": percent, "tenant": tenant, "project": "p" });
        world.post(&format!("/v1/accounts/{account}/agreements"), discount).await.expect(201);
    }
    let agreed = ask(&world, &key, "/v1/tenants/lab/agreements").await;
    assert_eq!(agreed["items"].as_array().map(Vec::len), Some(1), "a neighbour's is its own: {agreed}");
    assert_eq!((&agreed["items"][0]["percent"], &agreed["items"][0]["created_by"]), (&json!("10"), &Value::Null));
}

#[tokio::test]
async fn a_budget_says_how_far_it_is_used_up() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let price =
        json!({ "sku": "meter/tokens/default", "unit": "token", "price": "2.00", "from": "2026-03-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    let reading = json!({ "source": "s", "id": "1", "meter": "tokens", "tenant": "lab", "quantity": 1_500_000, "unit": "token",
        "from": "2026-03-10T11:00:00Z", "to": "2026-03-10T11:01:00Z" });
    world.post("/v1/readings", reading).await.expect(200);
    let key = world.tenant_key_as("lab", Role::Billing).await;
    let path = "/v1/tenants/lab/budget-standings";
    assert_eq!(ask(&world, &key, path).await["items"], json!([]));
    let budget = json!({ "name": "march", "amount": "8.00" });
    world.call("POST", "/v1/tenants/lab/budgets", Some(&key), Some(budget)).await.expect(201);
    let found = ask(&world, &key, path).await;
    let row = &found["items"][0];
    assert_eq!((&row["used"], &row["limit"], &row["unit"]), (&json!("3.00"), &json!("8.00"), &json!("EUR")), "{found}");
    assert_eq!(row["used_percent"], json!(37), "cut off, not rounded up");
    // 3.00 in 229 of 744 hours that have begun.
    assert_eq!((&row["forecast"], &row["forecast_percent"]), (&json!("9.75"), &json!(121)), "{found}");
}

#[tokio::test]
async fn a_question_ends_in_a_credit_note_or_a_reasoned_no() {
    let world = billed().await;
    let [lab, viewer] = [world.tenant_key_as("lab", Role::Billing).await, world.tenant_key("lab").await];
    let invoices = ask(&world, &lab, "/v1/tenants/lab/invoices").await;
    let invoice = invoices["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/tenants/lab/invoices/{invoice}/questions");
    let send = async |key: &str, path: &str, body: Value| world.call("POST", path, Some(key), Some(body)).await;
    let question = json!({ "line": 1, "question": "these images were a test of yours" });
    assert_eq!(send(&viewer, &path, question.clone()).await.problem().0, 403);
    assert_eq!(send(&lab, &path, json!({ "line": 2, "question": "?" })).await.problem().2, "line");
    assert_eq!(send(&lab, &path, json!({ "line": 1, "question": "" })).await.problem().2, "question");
    let foreign = ask(&world, &world.tenant_key("other").await, "/v1/tenants/other/invoices").await;
    let foreign = foreign["items"][0]["id"].as_str().expect("an id").to_owned();
    let theirs = format!("/v1/tenants/lab/invoices/{foreign}/questions");
    assert_eq!(send(&lab, &theirs, question.clone()).await.problem().0, 404);
    let asked = send(&lab, &path, question.clone()).await.expect(201);
    let id = asked["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.get("/v1/questions").await.expect(200)["items"][0]["id"], asked["id"]);

    let answer = format!("/v1/questions/{id}/answer");
    let note = json!({ "verdict": "credited", "reason": "yes", "credit_note": invoice });
    assert_eq!(world.post(&answer, note).await.problem().2, "credit_note", "an invoice gives nothing back");
    assert_eq!(world.post(&answer, json!({ "verdict": "credited", "reason": "yes" })).await.problem().2, "credit_note");
    assert_eq!(world.post(&answer, json!({ "verdict": "stands", "reason": "" })).await.problem().2, "reason");
    let no = json!({ "verdict": "stands", "reason": "they ran on your key" });
    let answered = world.post(&answer, no.clone()).await.expect(200);
    assert_eq!((&answered["state"], &answered["answer"]), (&json!("stands"), &no["reason"]));
    assert_eq!(world.post(&answer, no).await.problem().1, "already_decided", "once");
    let seen = ask(&world, &viewer, "/v1/tenants/lab/questions").await;
    assert_eq!((seen["items"].as_array().map(Vec::len), &seen["items"][0]["state"]), (Some(1), &json!("stands")));
    assert_eq!(ask(&world, &world.tenant_key("other").await, "/v1/tenants/other/questions").await["items"], json!([]));
    assert_eq!(world.get("/v1/questions").await.expect(200)["items"], json!([]), "nothing waits");

    // The month comes down by what was a test, as a credit note; it is what the second answer names.
    let again = send(&lab, &path, question).await.expect(201);
    let number = invoices["items"][0]["number"].as_str().expect("a number");
    let note = credit_note(&world, number).await;
    let answer = format!("/v1/questions/{}/answer", again["id"].as_str().expect("an id"));
    let yes = json!({ "verdict": "credited", "reason": "taken back", "credit_note": note });
    let answered = world.post(&answer, yes).await.expect(200);
    assert_eq!((&answered["state"], &answered["credit_note"]), (&json!("credited"), &json!(note)));
}

/// Takes the invoice back whole, as `releve invoice void` does, and says which credit note did.
async fn credit_note(world: &World, number: &str) -> String {
    let head = world.get(&format!("/v1/invoices/{number}")).await.expect(200);
    let mut tx = world.db.begin_app().await.expect("begins");
    let id = head["id"].as_str().expect("an id").parse().expect("an invoice");
    let known = releve_store::invoices::head(&mut tx, id).await.expect("read").expect("there");
    tx.commit().await.expect("commits");
    let order = Order::new(known.issuer, known.period);
    let (reason, by) = ("a test of ours".to_owned(), "test".to_owned());
    assert!(void(&world.db, order, known.account, reason, by, world.now()).await.expect("voids"));
    let all = world.get("/v1/invoices").await.expect(200);
    let note = all["items"].as_array().expect("items").iter().find(|one| {
        one["account"] == head["account"] && one["total"]["amount"].as_str().is_some_and(|total| total.starts_with('-'))
    });
    note.expect("a credit note")["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_spend_that_is_kept_is_of_then_and_by_what_was_agreed_since() {
    let world = World::with(|state| state.keeping_from(Duration::ZERO)).await;
    let lab = world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let price =
        json!({ "sku": "meter/tokens/default", "unit": "token", "price": "2.00", "from": "2026-03-01T00:00:00Z" });
    world.post("/v1/prices", price).await.expect(201);
    let read = async |id: &str| {
        let reading = json!({ "source": "s", "id": id, "meter": "tokens", "tenant": "lab", "quantity": 1_000_000, "unit": "token",
            "from": "2026-03-10T11:00:00Z", "to": "2026-03-10T11:01:00Z" });
        world.post("/v1/readings", reading).await.expect(200);
    };
    let key = world.tenant_key("lab").await;
    let seen = async || {
        let spend = ask(&world, &key, "/v1/tenants/lab/spend/summary").await;
        (spend["total"]["amount"].clone(), spend["as_of"].clone())
    };
    read("1").await;
    let first = seen().await;
    assert_eq!(first, (json!("2.00"), json!("2026-03-10T12:30:00Z")));
    read("2").await;
    world.set_now("2026-03-10T12:30:30Z");
    assert_eq!(seen().await, first);
    let discount =
        json!({ "kind": "discount", "description": "for all", "percent": "10", "from": "2026-03-01T00:00:00Z" });
    let account = lab["account"].as_str().expect("an account");
    world.post(&format!("/v1/accounts/{account}/agreements"), discount).await.expect(201);
    assert_eq!(seen().await, (json!("3.60"), json!("2026-03-10T12:30:30Z")));
}
