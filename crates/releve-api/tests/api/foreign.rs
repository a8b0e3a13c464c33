//! Does anything of another's come back, however it is named? By filters, by cursors, by ids under one's own name, and by the keys that
//! make a request one. The routes and their parameters come from the OpenAPI document: one that is not known here fails.

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use releve_api::auth::{Role, Scope};
use serde_json::{Value, json};

use crate::{
    billing::{bill, recharges},
    node::{Node, ONE, send},
    scopes::operations,
    world::{Answer, World},
};

const OWN: &str = "lab";
const FOREIGN: &str = "acme-secret";
/// What tells the two tenants' amounts apart.
const QUANTITIES: [i64; 2] = [11_111, 77_777];

/// One of the two, with everything that it has one of.
struct Side {
    name: &'static str,
    tenant: String,
    account: String,
    /// Of a path's parameters.
    ids: Vec<(&'static str, String)>,
    /// What no answer to the other may hold.
    marks: Vec<String>,
}

impl Side {
    fn id(&self, parameter: &str) -> &str {
        if parameter == "tenant" {
            return &self.tenant;
        }
        let found = self.ids.iter().find(|(name, _)| *name == parameter);
        &found.unwrap_or_else(|| panic!("{parameter} is new in a tenant's path: make one of each tenant's here")).1
    }

    /// The path with this one's ids, under a tenant.
    fn path(&self, route: &str, tenant: &str) -> String {
        let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some("tenant") => tenant.to_owned(),
            Some("syntax") => "ubl".to_owned(),
            Some(parameter) => self.id(parameter).to_owned(),
            None => part.to_owned(),
        };
        route.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

async fn two() -> (World, Side, Side) {
    let world = World::new().await;
    recharges(&world).await;
    let agent = world.key(&[Scope::Agent]).await;
    for (name, quantity) in [OWN, FOREIGN].into_iter().zip(QUANTITIES) {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let rule = json!({ "key": format!("static:{name}"), "tenant": name, "from": "2026-03-01T00:00:00Z" });
        world.post("/v1/key-rules", rule).await.expect(201);
        let price = json!({
            "sku": format!("meter/{}/default", meter(name)), "unit": "count", "price": "1", "from": "2026-02-01T00:00:00Z",
        });
        world.post("/v1/prices", price).await.expect(201);
        for at in ["2026-02-10T12", "2026-03-10T11", "2026-03-10T12"] {
            let reading = json!({
                "source": "s", "id": format!("{name} {at}"), "meter": meter(name), "tenant": name, "project": format!("{name}-project"),
                "quantity": quantity, "unit": "count", "from": format!("{at}:00:00Z"), "to": format!("{at}:20:00Z"),
            });
            world.post("/v1/readings", reading).await.expect(200);
        }
    }
    bill(&world).await;
    let node = Node::registered(&world, "n1").await;
    let (own, foreign) = (format!("static:{OWN}"), format!("static:{FOREIGN}"));
    for (minute, seq) in [("00", 1), ("01", 2)] {
        let jobs = [format!("{OWN}-{minute}"), format!("{FOREIGN}-{minute}")];
        let holds = [(own.as_str(), jobs[0].as_str(), 0..20_000), (foreign.as_str(), jobs[1].as_str(), 20_000..60_000)];
        let body = node.report_of(&format!("2026-03-10T10:{minute}:00Z"), seq, &holds);
        send(&world, "/v1/reports", &agent, ONE, body).await.expect(200);
    }
    let own = side(&world, 0, OWN).await;
    let foreign = side(&world, 1, FOREIGN).await;
    (world, own, foreign)
}

/// What is sold is everybody's to know, so its name says nothing of who buys it.
fn meter(name: &str) -> &'static str {
    if name == OWN { "images" } else { "films" }
}

async fn side(world: &World, n: usize, name: &'static str) -> Side {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let made = world.get(&format!("/v1/tenants/{name}")).await.expect(200);
    let (tenant, account) = (text(&made["id"]), text(&made["account"]));
    for alert in 0..2 {
        world.database.sql(&format!(
            "insert into alerts (alert_id, tenant_id, kind, subject, fold, count, numbers, first_at, last_at)
             select gen_random_uuid(), tenant_id, 'spend.anomaly', name, '{alert}', 1, '{{}}', '2026-03-10Z', '2026-03-10Z'
             from tenants where name = '{name}'"
        ));
    }
    let post = async |path: &str, body: Value| world.post(&format!("/v1/tenants/{name}/{path}"), body).await;
    let mut ids = Vec::new();
    for more in ["project", "more"] {
        post("projects", json!({ "name": format!("{name}-{more}") })).await.expect(201);
        let budget = post("budgets", json!({ "name": format!("{name}-{more}"), "gpu_hours": 5 })).await.expect(201);
        let key = post("api-keys", json!({ "name": format!("{name}-{more}") })).await.expect(201);
        let endpoint = json!({ "url": format!("https://{name}.example/{more}"), "description": name });
        let endpoint = post("webhook-endpoints", endpoint).await.expect(201);
        let test = format!("webhook-endpoints/{}/test", text(&endpoint["id"]));
        post(&test, json!({})).await.expect(201);
        let event = post(&test, json!({})).await.expect(201);
        ids = vec![
            ("budget", text(&budget["id"])),
            ("key", text(&key["id"])),
            ("endpoint", text(&endpoint["id"])),
            ("event", text(&event["event"])),
        ];
    }
    for (parameter, list) in [("invoice", "invoices"), ("alert", "alerts")] {
        let listed = world.get(&format!("/v1/tenants/{name}/{list}")).await.expect(200);
        ids.push((parameter, text(&listed["items"][0]["id"])));
    }
    for question in ["why?", "and why?"] {
        let asked = json!({ "line": 1, "question": format!("{name}: {question}") });
        post(&format!("invoices/{}/questions", ids[4].1), asked).await.expect(201);
    }
    let mut marks = vec![tenant.clone(), account.clone(), name.to_owned(), QUANTITIES[n].to_string()];
    marks.extend(ids.iter().map(|(_, id)| id.clone()));
    Side { name, tenant, account, ids, marks }
}

/// Nothing of the other's is in it, but for what was asked by.
fn holds_nothing_of(foreign: &Side, asked: &[&str], answer: &Answer, what: &str) {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    // A refusal may say what it refuses.
    let text = if answer.status.is_success() {
        text
    } else {
        asked
            .iter()
            .fold(text, |text, asked| text.replace(&format!("'{asked}'"), "").replace(&format!("\\\"{asked}\\\""), ""))
    };
    for mark in &foreign.marks {
        assert!(!text.contains(mark), "{what}: '{mark}' is another's: {} {text}", answer.status);
    }
    assert!(!answer.status.is_server_error(), "{what}: {} {text}", answer.status);
}

/// The values with which a parameter names the other, or could mean it; none, if it names nobody.
fn naming(parameter: &str, of: &Side) -> Vec<String> {
    let id = |parameter: &str| vec![of.id(parameter).to_owned()];
    match parameter {
        "account" => vec![of.account.clone(), of.name.to_owned()],
        "tenant" => vec![of.tenant.clone(), of.name.to_owned()],
        "invoice" => id("invoice"),
        "issuer" | "price_book" => vec!["default".to_owned()],
        "project" => vec![format!("{}-project", of.name), String::new()],
        "sku" => vec![format!("meter/{}/default", meter(of.name))],
        "label" => vec![of.name.to_owned(), format!("team={}", of.name)],
        "subject" => vec![of.tenant.clone(), of.id("budget").to_owned(), of.name.to_owned()],
        "key" | "prefix" => vec![format!("static:{}", of.name), of.name.to_owned()],
        "user" | "node" | "agent" | "rack" => vec![of.tenant.clone(), of.name.to_owned()],
        // By all of them: what is its own and what is another's is grouped alike.
        "by" => ["project", "sku", "allocation", "label:team"].map(str::to_owned).into(),
        "interval" => ["hour", "day", "month"].map(str::to_owned).into(),
        // A cursor is tried below, and names a place in a list.
        "cursor" => vec![of.tenant.clone(), URL_SAFE_NO_PAD.encode(&of.tenant)],
        "from" | "to" | "month" | "period" | "format" | "period_start" | "received_from" | "received_to" | "limit"
        | "state" | "kind" | "held" | "waiting" | "status" | "reason" | "gpus" => Vec::new(),
        other => panic!("{other} is new in a list: say here how it could name another's"),
    }
}

fn parameters(operation: &Value) -> Vec<&str> {
    let all = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|one| one["in"] == "query").map(|one| one["name"].as_str().expect("a name")).collect()
}

fn is_of_tenants(operation: &Value) -> bool {
    operation["security"].to_string().contains("tenant:")
}

#[tokio::test]
async fn a_filter_finds_nothing_of_anothers() {
    let (world, own, foreign) = two().await;
    let (mut tried, mut seen) = (0, 0);
    for (method, route, operation) in operations() {
        let asked = parameters(&operation);
        if method != "GET" || releve_api::PUBLIC.contains(&route.as_str()) {
            assert!(asked.is_empty() || !is_of_tenants(&operation), "{method} {route} has parameters: try them here");
            continue;
        }
        // A key each: one that asks for everything at once is told to wait.
        let key = world.tenant_key_as(OWN, Role::Admin).await;
        let path = own.path_of_list(&route);
        for parameter in &asked {
            for value in naming(parameter, &foreign) {
                let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
                let uri = format!("{path}?{parameter}={encoded}");
                let answer = world.call("GET", &uri, Some(&key), None).await;
                holds_nothing_of(&foreign, &[value.as_str()], &answer, &uri);
                if !is_of_tenants(&operation) {
                    assert_eq!(answer.status.as_u16(), 403, "{uri}");
                }
                tried += 1;
            }
        }
        // The other has something there that could have been found.
        if is_of_tenants(&operation) && !asked.is_empty() {
            let theirs = world.get(&foreign.path_of_list(&route)).await.text();
            seen += usize::from(foreign.marks.iter().any(|mark| theirs.contains(mark)));
        }
    }
    assert!(tried > 60 && seen > 8, "{tried} filters were tried, {seen} lists could have shown something");
}

impl Side {
    /// The path of a list: what stands above it is this one's, and nobody's where a tenant has none.
    fn path_of_list(&self, route: &str) -> String {
        if route.contains("{tenant}") {
            return self.path(route, self.name);
        }
        route.split('/').map(|part| if part.starts_with('{') { self.name } else { part }).collect::<Vec<_>>().join("/")
    }
}

/// What a cursor holds: of which request it is, and where that goes on.
fn held(cursor: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).expect("base64")).expect("JSON")
}

#[tokio::test]
async fn a_cursor_of_anothers_goes_nowhere() {
    let (world, own, foreign) = two().await;
    let mut lists = 0;
    for (_, route, operation) in operations() {
        if !is_of_tenants(&operation) || !parameters(&operation).contains(&"cursor") {
            continue;
        }
        let key = world.tenant_key_as(OWN, Role::Admin).await;
        let next = async |side: &Side| {
            let page = world.get(&format!("{}?limit=1", side.path_of_list(&route))).await.expect(200);
            page["next"].as_str().map(str::to_owned)
        };
        let (Some(mine), Some(theirs)) = (next(&own).await, next(&foreign).await) else { continue };
        lists += 1;
        // As it is, and forged: as if it had been made in one's own list.
        let mut forged = held(&mine);
        forged["after"] = held(&theirs)["after"].clone();
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        for (cursor, refused) in [(&theirs, true), (&forged, false)] {
            let uri = format!("{}?limit=1&cursor={cursor}", own.path_of_list(&route));
            let answer = world.call("GET", &uri, Some(&key), None).await;
            holds_nothing_of(&foreign, &[cursor.as_str()], &answer, &uri);
            if refused {
                assert_eq!(answer.problem().1, "cursor_refused", "{uri}");
            }
        }
    }
    assert!(lists >= 6, "{lists} lists had a second page on both sides");
}

/// What each change of a tenant's is sent with.
fn body(route: &str) -> Value {
    match route.rsplit('/').next().expect("a last part") {
        "budgets" => json!({ "name": "same", "gpu_hours": 7 }),
        "api-keys" => json!({ "name": "same" }),
        "webhook-endpoints" => json!({ "url": "https://same.example" }),
        "questions" => json!({ "line": 1, "question": "why?" }),
        "{budget}" => json!({ "gpu_hours": 8 }),
        "{endpoint}" => json!({ "description": "same" }),
        "{key}" | "acknowledge" | "rotate" | "rotate-secret" | "test" => json!({}),
        "resend" if route.contains("{event}") => json!({}),
        "resend" => json!({ "since": "2026-03-10T00:00:00Z" }),
        other => panic!("{route}: say here what {other} is sent with"),
    }
}

#[tokio::test]
async fn an_id_of_anothers_is_not_found_under_ones_own_name() {
    let (world, own, foreign) = two().await;
    let mut tried = 0;
    for (method, route, operation) in operations() {
        if !is_of_tenants(&operation) || !route.starts_with("/v1/tenants/{tenant}/") || route.matches('{').count() < 2 {
            continue;
        }
        let key = world.tenant_key_as(OWN, Role::Admin).await;
        let sent = (method != "GET" && method != "DELETE").then(|| body(&route));
        let mixed = foreign.path(&route, OWN);
        let answer = world.call(&method, &mixed, Some(&key), sent.clone()).await;
        assert_eq!(answer.problem().0, 404, "{method} {mixed}");
        let asked: Vec<&str> = foreign.ids.iter().map(|(_, id)| id.as_str()).collect();
        holds_nothing_of(&foreign, &asked, &answer, &mixed);
        // Of two ids, the one may be one's own.
        if route.contains("{event}") {
            let mixed = own.path(&route, OWN).replace(own.id("event"), foreign.id("event"));
            let answer = world.call(&method, &mixed, Some(&key), sent.clone()).await;
            assert_eq!(answer.problem().0, 404, "{method} {mixed}");
        }
        tried += 1;
    }
    assert!(tried > 12, "{tried} routes name something of a tenant's");
    // And nothing became of it.
    let theirs = world.tenant_key_as(FOREIGN, Role::Admin).await;
    for (what, id) in [("budgets", "budget"), ("webhook-endpoints", "endpoint")] {
        let path = format!("/v1/tenants/{FOREIGN}/{what}/{}", foreign.id(id));
        let text = world.call("GET", &path, Some(&theirs), None).await;
        assert!(text.status.is_success() && !text.text().contains("same"), "{}", text.text());
    }
    let keys = world.get(&format!("/v1/tenants/{FOREIGN}/api-keys")).await.expect(200);
    let key =
        keys["items"].as_array().expect("keys").iter().find(|key| key["id"] == foreign.id("key")).expect("listed");
    assert_eq!(key["revoked_at"], Value::Null);
}

#[tokio::test]
async fn anothers_idempotency_key_gets_no_answer_of_its() {
    let (world, own, foreign) = two().await;
    let send = async |method: &str, path: &str, key: &str, body: &Value| {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let request = request.header("content-type", "application/json").header("idempotency-key", "same");
        world.send(request.body(Body::from(body.to_string())).expect("a request")).await
    };
    let mut answered = 0;
    for (method, route, operation) in operations() {
        if method != "POST" || !is_of_tenants(&operation) {
            continue;
        }
        // A link is for a browser to enter with, and takes no key: it is tried with the sessions.
        if !route.contains("{tenant}") {
            continue;
        }
        let (mine, theirs) =
            (world.tenant_key_as(OWN, Role::Admin).await, world.tenant_key_as(FOREIGN, Role::Admin).await);
        let body = body(&route);
        let first = send(&method, &foreign.path(&route, FOREIGN), &theirs, &body).await;
        answered += usize::from(first.status.is_success());
        // The same request, word for word: another's path is not found, the answer that is kept or not.
        let path = foreign.path(&route, FOREIGN);
        let same = send(&method, &path, &mine, &body).await;
        assert_eq!(same.problem().0, 404, "{path}");
        holds_nothing_of(&foreign, &[FOREIGN], &same, &path);
        // And the same under one's own name is a request of one's own.
        let path = own.path(&route, OWN);
        let again = send(&method, &path, &mine, &body).await;
        assert!(!again.headers.contains_key("idempotent-replayed"), "{path} was answered with another's");
        holds_nothing_of(&foreign, &[], &again, &path);
        assert_eq!(again.status, first.status, "{path}: {} and {}", again.text(), first.text());
    }
    assert!(answered >= 3, "{answered} changes take such a key");
}
