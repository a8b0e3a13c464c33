//! What becomes of reports and readings over HTTP? The same fates as over the broker, told to the sender.

use ed25519_dalek::SigningKey;
use releve_api::auth::Scope;
use releve_types::NodeId;
use serde_json::{Value, json};

use crate::{
    node::{BATCH, Node, ONE, send},
    world::World,
};

fn batch(messages: &[Vec<u8>]) -> Vec<u8> {
    let texts: Vec<&str> = messages.iter().map(|m| std::str::from_utf8(m).expect("UTF-8")).collect();
    format!("[{}]", texts.join(",\n ")).into_bytes()
}

#[tokio::test]
async fn each_report_is_told_its_fate() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world
        .post("/v1/key-rules", json!({ "key": "static:lab", "tenant": "lab", "from": "2026-03-01T00:00:00Z" }))
        .await
        .expect(201);
    let node = Node::registered(&world, "n1").await;
    let one = async |body: Vec<u8>| send(&world, "/v1/reports", &agent, ONE, body).await;

    let first = node.report("2026-03-10T12:00:00Z", 1, "static:lab");
    assert_eq!(one(first.clone()).await.expect(200), json!({ "fate": "counted" }));
    assert_eq!(one(first.clone()).await.expect(200), json!({ "fate": "duplicate" }));

    let overlap = one(node.report("2026-03-10T12:00:00Z", 2, "static:lab")).await.expect(202);
    assert_eq!((&overlap["fate"], &overlap["reason"]), (&json!("quarantined"), &json!("overlap")));
    let future = one(node.report("2026-03-10T14:00:00Z", 3, "static:lab")).await.expect(202);
    assert_eq!(future["reason"], "future_window");
    let stranger = Node { id: NodeId::fresh(world.now()), key: node.key.clone() };
    let unknown = one(stranger.report("2026-03-10T12:01:00Z", 1, "static:lab")).await.expect(202);
    assert_eq!(unknown["reason"], "unknown_node");

    let forged = Node { id: node.id, key: SigningKey::from_bytes(&[9; 32]) };
    let refused = one(forged.report("2026-03-10T12:01:00Z", 2, "static:lab")).await;
    assert_eq!(refused.problem(), (422, "report_refused".to_owned(), "data.sig".to_owned()));
    assert_eq!(refused.json()["reason"], "bad_signature");
    let text = String::from_utf8(first.clone()).expect("UTF-8");
    for (bad, status, code) in [
        (b"{".to_vec(), 422, "report_refused"),
        (b"[]".to_vec(), 422, "report_refused"),
        (text.replace("\"data\"", "\"date\"").into_bytes(), 422, "report_refused"),
        (vec![b' '; 70_000], 413, "body_too_large"),
    ] {
        let problem = one(bad).await.problem();
        assert_eq!((problem.0, problem.1.as_str()), (status, code));
    }
    let wrong_type = send(&world, "/v1/reports", &agent, "application/json", first.clone()).await;
    assert_eq!(wrong_type.problem().0, 415);

    let usage = world.get("/v1/tenants/lab/usage?by=project").await.expect(200);
    assert_eq!(usage["items"].as_array().map(Vec::len), Some(1));
    let row = &usage["items"][0];
    assert_eq!((&row["quantity"], &row["unit"], &row["project"]), (&json!(60_000), &json!("gpu_ms"), &json!("p1")));
    let by_allocation = world.get("/v1/tenants/lab/usage?by=allocation").await.expect(200);
    assert_eq!(by_allocation["items"][0]["quantity"], 60_000);
    let allocations = world.get("/v1/tenants/lab/allocations").await.expect(200);
    assert_eq!(allocations["items"][0]["id"], by_allocation["items"][0]["allocation"]);
    let by_label = world.get("/v1/tenants/lab/usage?by=label:team").await.expect(200);
    assert_eq!((&by_label["items"][0]["label"], &by_label["items"][0]["quantity"]), (&json!(""), &json!(60_000)));
}

#[tokio::test]
async fn reports_that_arrive_together_are_each_told_their_own_fate() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    let node = Node::registered(&world, "n1").await;
    // Of three, one can't be read, and two are the same.
    let bodies = (0..30).map(|n| match n % 3 {
        0 => b"{}".to_vec(),
        _ => node.report(&format!("2026-03-10T11:{:02}:00Z", n / 3), n / 3 + 1, "static:x"),
    });
    let answers = bodies.map(|body| send(&world, "/v1/reports", &agent, ONE, body));
    let answers = futures_util::future::join_all(answers).await;
    let mut fates = std::collections::BTreeMap::<String, usize>::new();
    for answer in &answers {
        let json = answer.json();
        let fate = json["fate"].as_str().or(json["code"].as_str()).expect("a fate or a code");
        *fates.entry(fate.to_owned()).or_default() += 1;
    }
    let expected = [("counted", 10), ("duplicate", 10), ("report_refused", 10)];
    assert_eq!(fates, expected.map(|(fate, count)| (fate.to_owned(), count)).into());
    assert_eq!(world.database.sql("select count(*) from reports"), "10");
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    let node = Node::registered(&world, "n1").await;
    let (a, b) =
        (node.report("2026-03-10T12:00:00Z", 1, "static:x"), node.report("2026-03-10T12:01:00Z", 2, "static:x"));
    let messages = [a.clone(), b"{\"specversion\":\"1.0\"}".to_vec(), b, a];
    let answer = send(&world, "/v1/reports/batch", &agent, BATCH, batch(&messages)).await.expect(200);
    let fates: Vec<&Value> = answer.as_array().expect("a list").iter().map(|item| &item["fate"]).collect();
    assert_eq!(fates, ["counted", "refused", "counted", "duplicate"]);
    assert_eq!(answer[1]["problem"]["code"], "report_refused");
    for bad in [b"[]".to_vec(), b"{}".to_vec(), b"[1".to_vec()] {
        assert!(send(&world, "/v1/reports/batch", &agent, BATCH, bad).await.problem().0 < 500);
    }
    let many = format!("[{}]", vec!["1"; 1_001].join(","));
    assert_eq!(send(&world, "/v1/reports/batch", &agent, BATCH, many.into_bytes()).await.problem().0, 422);
}

#[tokio::test]
async fn readings_are_refused_with_their_field() {
    let world = World::new().await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let good = json!({
        "source": "s", "id": "1", "meter": "storage", "tenant": "lab", "quantity": 1, "unit": "gib_second",
        "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
    });
    let changed = |change: Value| {
        let mut reading = good.clone();
        for (name, value) in change.as_object().expect("fields") {
            reading[name] = value.clone();
        }
        reading
    };
    for (change, field) in [
        (json!({ "tenant": "nobody" }), "tenant"),
        (json!({ "key": "static:x" }), "key"),
        (json!({ "quantity": -1 }), "quantity"),
        (json!({ "quantity": 1.5 }), "quantity"),
        (json!({ "quantity": 1e300 }), "quantity"),
        (json!({ "quantity": 1_000_000_000_000_001_i64 }), "quantity"),
        (json!({ "unit": "gpu_ms" }), "unit"),
        (json!({ "meter": "a/b" }), "meter"),
        (json!({ "to": "2026-03-10T13:00:01Z" }), "to"),
        (json!({ "to": "2026-03-10T12:00:00Z" }), "to"),
        (json!({ "from": "2026-03-12T12:00:00Z", "to": "2026-03-12T12:30:00Z" }), "to"),
        (json!({ "colour": "blue" }), "colour"),
    ] {
        let answer = world.post("/v1/readings", changed(change.clone())).await;
        let (status, code, found) = answer.problem();
        assert_eq!(
            (status, code.as_str(), found.as_str()),
            (422, "reading_refused", field),
            "{change}: {}",
            answer.text()
        );
    }
    assert_eq!(world.database.sql("select count(*) from meter_hours"), "0");
    let several = json!([good, changed(json!({ "tenant": "nobody" })), changed(json!({ "id": "2" })), good]);
    let answer = world.post("/v1/readings", several).await.expect(200);
    let fates: Vec<&Value> = answer.as_array().expect("a list").iter().map(|item| &item["fate"]).collect();
    assert_eq!(fates, ["counted", "refused", "counted", "duplicate"]);
    let conflict = world.post("/v1/readings", changed(json!({ "quantity": 2 }))).await.expect(202);
    assert_eq!(conflict["reason"], "reading_conflict");

    let traffic_only = world.key(&[Scope::Reading("traffic".to_owned())]).await;
    let answer = world.call("POST", "/v1/readings", Some(&traffic_only), Some(good)).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned(), "meter".to_owned()));
}

#[tokio::test]
async fn quarantine_is_looked_at_weighed_and_decided_by_filter() {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    let rule = json!({ "key": "static:lab", "tenant": "lab", "from": "2026-03-01T00:00:00Z" });
    world.post("/v1/key-rules", rule).await.expect(201);
    let sku = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west";
    world.post("/v1/prices", json!({ "sku": sku, "price": "6.00", "from": "2026-03-01T00:00:00Z" })).await.expect(201);
    let node = Node::registered(&world, "n1").await;
    for (n, start) in ["2026-03-10T14:00:00Z", "2026-03-10T14:01:00Z", "2026-03-10T14:02:00Z"].iter().enumerate() {
        let body = node.report(start, u64::try_from(n).expect("small") + 1, "static:lab");
        send(&world, "/v1/reports", &agent, ONE, body).await.expect(202);
    }
    let groups = world.get("/v1/quarantine/groups").await.expect(200);
    let group = &groups["items"][0];
    assert_eq!(
        (&group["reason"], &group["agent"], &group["rack"]),
        (&json!("future_window"), &json!("releve-agent/0.1.0"), &json!("r1"))
    );
    assert_eq!(
        (&group["messages"], &group["gpu_ms"], &group["gpu_hours"]),
        (&json!(3), &json!(180_000), &json!("0.050"))
    );
    let listed = world.get("/v1/quarantine?reason=future_window&node=n1&tenant=lab").await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
    let items = listed["items"].as_array().expect("items");
    let first = items.iter().find(|item| item["window_start"] == "2026-03-10T14:00:00Z").expect("the first window");
    let id = first["id"].as_str().expect("an id").to_owned();
    let kept = world.get(&format!("/v1/quarantine/{id}/body")).await;
    assert!(kept.body == node.report("2026-03-10T14:00:00Z", 1, "static:lab"), "the bytes as they came");

    world.set_now("2026-03-10T15:00:00Z");
    let dry = json!({ "filter": { "reason": "future_window" }, "dry_run": true });
    let weighed = world.post("/v1/quarantine/redrive", dry).await.expect(200);
    assert_eq!((&weighed["messages"], &weighed["gpu_ms"]), (&json!(3), &json!(180_000)));
    assert_eq!(weighed["money"], json!([{ "amount": "0.30", "currency": "EUR" }]));
    assert_eq!(world.database.sql("select count(*) from quarantine where status = 'waiting'"), "3", "a dry run");

    let reject = json!({ "filter": { "id": id }, "reason": "made up" });
    assert_eq!(world.post("/v1/quarantine/reject", reject.clone()).await.expect(200)["messages"], 1);
    assert_eq!(world.post("/v1/quarantine/reject", reject).await.problem().1, "already_decided");
    let shown = world.get(&format!("/v1/quarantine/{id}")).await.expect(200);
    assert_eq!((&shown["status"], &shown["verdict"]["reason"]), (&json!("rejected"), &json!("made up")));

    let redrive = json!({ "filter": { "rack": "r1" } });
    let done = world.post("/v1/quarantine/redrive", redrive.clone()).await.expect(200);
    assert_eq!(done["fates"], json!({ "counted": 2 }));
    assert_eq!(world.post("/v1/quarantine/redrive", redrive).await.expect(200)["messages"], 0);
    let usage = world.get("/v1/tenants/lab/usage").await.expect(200);
    assert_eq!(usage["items"][0]["quantity"], 120_000);
    // What a person rejected stays rejected when it is sent again.
    let again = node.report("2026-03-10T14:00:00Z", 1, "static:lab");
    let told = send(&world, "/v1/reports", &agent, ONE, again).await.expect(202);
    assert_eq!((&told["fate"], &told["reason"]), (&json!("quarantined"), &json!("future_window")));
    let usage = world.get("/v1/tenants/lab/usage").await.expect(200);
    assert_eq!(usage["items"][0]["quantity"], 120_000, "it was not counted");
    let shown = world.get(&format!("/v1/quarantine/{id}")).await.expect(200);
    assert_eq!(shown["status"], "rejected");
}

/// Two tenants whose keys have rules, a price, and a node.
async fn two_tenants() -> (World, String, Node) {
    let world = World::new().await;
    let agent = world.key(&[Scope::Agent]).await;
    let node = Node::registered(&world, "n1").await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    world.post("/v1/tenants", json!({ "name": "other" })).await.expect(201);
    for (key, tenant) in [("static:lab", "lab"), ("static:other", "other")] {
        let rule = json!({ "key": key, "tenant": tenant, "from": "2026-03-01T00:00:00Z" });
        world.post("/v1/key-rules", rule).await.expect(201);
    }
    let sku = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west";
    world.post("/v1/prices", json!({ "sku": sku, "price": "6.00", "from": "2026-03-01T00:00:00Z" })).await.expect(201);
    (world, agent, node)
}

/// How many reports a change takes back, and what that comes to.
fn what(view: &Value) -> Value {
    json!([
        view["taken_back"],
        view["gpu_ms"],
        view["gpu_hours"],
        view["money"][0]["amount"],
        view["uncovered_ms"],
        view["fates"]
    ])
}

/// What was counted is looked at, superseded by what waits, and withdrawn: dry first, with what it comes to.
#[tokio::test]
async fn counted_reports_are_superseded_and_withdrawn() {
    let (world, agent, node) = two_tenants().await;
    let report = |minute: &str, seq, key| node.report(&format!("2026-03-10T10:{minute}:00Z"), seq, key);
    for (minute, seq) in [("00", 1), ("01", 2)] {
        send(&world, "/v1/reports", &agent, ONE, report(minute, seq, "static:lab")).await.expect(200);
    }
    let told = send(&world, "/v1/reports", &agent, ONE, report("01", 3, "static:other")).await.expect(202);
    assert_eq!(told["reason"], "overlap");

    let amend = |dry_run: bool| json!({ "filter": { "node": "n1" }, "reason": "a second agent", "dry_run": dry_run });
    let dry = world.post("/v1/quarantine/amend", amend(true)).await.expect(200);
    assert_eq!(what(&dry), json!([1, 0, "0.000", "0.00", 0, { "counted": 1 }]), "one pays for the other");
    let lab =
        async || world.get("/v1/tenants/lab/usage?interval=all").await.expect(200)["items"][0]["quantity"].clone();
    assert_eq!(lab().await, 120_000);
    assert_eq!(what(&world.post("/v1/quarantine/amend", amend(false)).await.expect(200)), what(&dry));
    assert_eq!(lab().await, 60_000);
    let again = world.post("/v1/quarantine/amend", amend(false)).await.expect(200);
    assert_eq!((&again["taken_back"], &again["fates"]), (&json!(0), &json!({})), "nothing waits any more");

    let path = "/v1/nodes/n1/reports?from=2026-03-10T10:00:00Z&to=2026-03-10T11:00:00Z";
    let listed = world.get(path).await.expect(200);
    let items = listed["items"].as_array().expect("items");
    let of = |i: usize| (items[i]["seq"].as_i64(), items[i]["status"].as_str());
    assert_eq!(
        (0..3).map(of).collect::<Vec<_>>(),
        [(Some(1), Some("counted")), (Some(2), Some("superseded")), (Some(3), Some("counted"))]
    );
    assert_eq!(items[1]["superseded_by"], items[2]["head_sha256"]);
    let first = world.get(&format!("{path}&limit=2")).await.expect(200);
    let next = first["next"].as_str().expect("more");
    let rest = world.get(&format!("{path}&limit=2&cursor={next}")).await.expect(200);
    assert_eq!((first["items"].as_array().map(Vec::len), &rest["items"][0]["seq"]), (Some(2), &json!(3)));
}

/// What nobody believes is taken back, dry first, with what it comes to; and not from an archived day.
#[tokio::test]
async fn counted_reports_are_withdrawn() {
    let (world, agent, node) = two_tenants().await;
    send(&world, "/v1/reports", &agent, ONE, node.report("2026-03-10T10:00:00Z", 1, "static:lab")).await.expect(200);
    let withdraw = "/v1/nodes/n1/reports/withdraw";
    let stretch = |from: &str, to: &str, reason: &str| json!({ "from": format!("2026-03-10T{from}Z"), "to": format!("2026-03-10T{to}Z"), "reason": reason });
    for (body, field) in [
        (stretch("10:00:00", "10:00:00", "wrong"), "to"),
        (stretch("10:00:00", "10:05:00", ""), "reason"),
        (json!({ "from": "2026-01-10T10:00:00Z", "to": "2026-03-10T10:00:00Z", "reason": "all of it" }), "to"),
    ] {
        assert_eq!(world.post(withdraw, body).await.problem().2, field);
    }
    assert_eq!(
        world.post("/v1/nodes/n2/reports/withdraw", stretch("10:00:00", "10:05:00", "wrong")).await.problem().0,
        404
    );
    assert_eq!(world.post("/v1/quarantine/amend", json!({ "filter": {}, "reason": "" })).await.problem().2, "reason");
    let part = world.post(withdraw, stretch("10:00:30", "10:01:30", "wrong")).await.expect(200);
    assert_eq!(part["taken_back"], 0, "no window lies in it whole");
    let done = world.post(withdraw, stretch("10:00:00", "10:01:00", "wrong")).await.expect(200);
    assert_eq!(what(&done), json!([1, -60_000, "-0.016", "-0.10", 60_000, {}]));
    let used = world.get("/v1/tenants/lab/usage?interval=all").await.expect(200);
    assert_eq!(used["items"][0]["quantity"], 0);
    let log = world.get("/v1/audit-log").await.expect(200);
    let entry = &log["items"][0];
    assert_eq!((&entry["action"], &entry["after"]["reason"]), (&json!("report.withdraw"), &json!("wrong")));
    world.database.sql("update ingest_floor set day = '2026-03-11'");
    let (status, _, field) = world.post(withdraw, stretch("10:00:00", "10:05:00", "wrong")).await.problem();
    assert_eq!((status, field.as_str()), (422, "from"), "the day is archived");
}
