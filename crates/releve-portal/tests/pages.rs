//! Do the pages show what is the visitor's, and nothing else? Over a real PostgreSQL, a pool of one connection, and the API as it is.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use releve_aggregator::{Aggregator, Settings};
use releve_api::{AppState, bootstrap_operator_key, quiet_metrics, sign_in::SignIn};
use releve_outbound::oidc::{Provider, ProviderConfig};
use releve_store::Db;
use releve_tests::{
    identity::{CLIENT_ID, CLIENT_SECRET, IdentityProvider},
    postgres::{Database, Postgres},
};
use releve_types::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

const NOW: &str = "2026-03-10T12:30:00Z";
/// Names that a page must show and must not run.
const HOSTILE: &str = "<script>alert(1)<script>";
const FORMULA: &str = "=cmd()";
const SECRET: &str = "secret-neighbour";
const SECRET_QUANTITY: i64 = 77_777;

static SERVER: OnceLock<Postgres> = OnceLock::new();

struct World {
    _database: Database,
    router: Router,
    operator: String,
    now: Arc<AtomicI64>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text")).to_owned()
    }

    fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl World {
    async fn new() -> Self {
        Self::with(|state| state).await
    }

    async fn with(set_up: impl FnOnce(AppState) -> AppState) -> Self {
        let database = SERVER.get_or_init(Postgres::shared).create_database();
        let admin = Db::connect(&database.admin_url(), 1).await.expect("connects as admin");
        admin.migrate().await.expect("migrates");
        admin.close().await;
        let db = Db::connect(&database.login_url(), 1).await.expect("connects as the programs do");
        let now = Arc::new(AtomicI64::new(0));
        let clock = {
            let now = now.clone();
            Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
        };
        let aggregator = Arc::new(Aggregator::new(db.clone(), Settings::default()));
        let api = releve_api::router(set_up(AppState::new(db.clone(), aggregator, clock, quiet_metrics())));
        let router = api.clone().merge(releve_portal::router(api));
        let mut world = Self { _database: database, router, operator: String::new(), now };
        world.set_now(NOW);
        let at = Timestamp::from_millis(world.now.load(Ordering::SeqCst));
        world.operator = bootstrap_operator_key(&db, at).await.expect("bootstraps").expect("the first key");
        world
    }

    /// Two tenants with hostile names, usage, and prices for one of them.
    async fn with_tenants() -> (Self, [String; 2]) {
        let world = Self::new().await;
        let mut ids = Vec::new();
        for (name, project, quantity) in [(HOSTILE, FORMULA, 12_345), (SECRET, "secret-project", SECRET_QUANTITY)] {
            let made = world.post("/v1/tenants", json!({ "name": name })).await.json(201);
            let id = made["id"].as_str().expect("an id").to_owned();
            let reading = json!({ "source": "gateway", "id": name, "meter": "tokens", "tenant": id, "quantity": quantity,
                "unit": "token", "from": "2026-03-10T11:00:00Z", "to": "2026-03-10T11:01:00Z", "labels": {},
                "project": project });
            world.post("/v1/readings", reading).await.json(200);
            ids.push(id);
        }
        let price = json!({ "sku": "tokens", "unit": "token", "price": "2.00", "from": "2026-03-01T00:00:00Z" });
        world.post("/v1/prices", price).await;
        (world, ids.try_into().expect("two"))
    }

    fn set_now(&self, text: &str) {
        let at: Timestamp = text.parse().expect("an instant");
        self.now.store(at.as_millis(), Ordering::SeqCst);
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn api(&self, method: &str, path: &str, bearer: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {bearer}"));
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.api("POST", path, &self.operator, Some(body)).await
    }

    /// As a browser over https.
    async fn page(&self, path: &str, session: &str) -> Answer {
        let cookie = format!("other=1; __Host-releve={session}");
        let request = Request::get(path).header("host", "portal.example").header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    async fn form(&self, path: &str, session: Option<&str>, more: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::post(path).header("host", "portal.example");
        request = request.header("content-type", "application/x-www-form-urlencoded");
        if let Some(session) = session {
            request = request.header(header::COOKIE, format!("__Host-releve={session}"));
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    async fn link(&self, tenant: &str) -> String {
        let made = self.post("/v1/portal-links", json!({ "tenant": tenant, "ttl_seconds": 60 })).await.json(201);
        made["url"].as_str().expect("a url").to_owned()
    }

    async fn tenant_session(&self, tenant: &str) -> String {
        session_of(&self.form(&self.link(tenant).await, None, &[], "").await)
    }

    async fn session_as(&self, tenant: &str, role: &str) -> String {
        let made = self.post("/v1/portal-links", json!({ "tenant": tenant, "role": role })).await.json(201);
        session_of(&self.form(made["url"].as_str().expect("a url"), None, &[], "").await)
    }

    async fn operator_session(&self) -> String {
        session_of(&self.form("/portal/login", None, &[], &format!("key={}", self.operator)).await)
    }
}

fn session_of(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    let value = cookie.strip_prefix("__Host-releve=").expect("the host's cookie");
    value.split(';').next().expect("a value").to_owned()
}

fn token_in(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form's token");
    rest.split('"').next().expect("a value").to_owned()
}

/// What a page must be, whatever it shows.
fn check_page(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert_eq!(policy, releve_portal::PAGE_POLICY, "{path}");
    assert!(!policy.contains("unsafe"), "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    let text = answer.text();
    assert!(!text.contains("<script>") && !text.contains(" style=") && !text.contains(" onclick"), "{path}: {text}");
    assert!(text.contains("<main") && text.contains("Skip to the content") && text.contains("<h1>"), "{path}");
    well_formed(path, &text);
}

/// Elements that have no end are closed by themselves; then it has to be a tree.
fn well_formed(path: &str, page: &str) {
    let mut xml = page.strip_prefix("<!DOCTYPE html>").expect("a document type").to_owned();
    for void in ["meta", "link", "input", "br"] {
        let mut parts = xml.split(&format!("<{void}")).map(str::to_owned).collect::<Vec<_>>();
        for part in parts.iter_mut().skip(1) {
            let end = part.find('>').expect("an end");
            part.insert(end, '/');
        }
        xml = parts.join(&format!("<{void}"));
    }
    let tree = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{path}: {error}\n{xml}"));
    for table in tree.descendants().filter(|n| n.has_tag_name("table")) {
        assert!(table.children().any(|n| n.has_tag_name("caption")), "{path}: a table without a caption");
        let heads = tree.descendants().filter(|n| n.has_tag_name("th"));
        assert!(heads.into_iter().all(|n| n.attribute("scope").is_some()), "{path}: a head without a scope");
    }
    for field in tree.descendants().filter(|n| n.has_tag_name("input") && n.attribute("type") != Some("hidden")) {
        let id = field.attribute("id");
        let label = tree.descendants().any(|n| n.has_tag_name("label") && n.attribute("for") == id);
        assert!(id.is_some() && label, "{path}: a field without a label");
    }
}

/// Every route that reads, with something in the place of each parameter, and who may see it. A route that is in no arm fails.
fn reads(path: &str, tenant: &str) -> (String, &'static str) {
    let at = path.replace("{tenant}", tenant);
    match path {
        "/portal" | "/portal/login" | "/portal/enter/{link}" => (at.replace("{link}", "rll_0"), "anybody"),
        "/portal/logout" | "/portal/oidc/choose" => (at, "a form"),
        // No identity provider is set up in these worlds.
        "/portal/oidc" => (at, "absent"),
        "/portal/oidc/callback" => (at, "lost"),
        "/portal/tenants/{tenant}/alerts/{alert}" => (at.replace("{alert}", "alt_0"), "a form"),
        "/portal/tenants/{tenant}/api-keys/{key}/rotate"
        | "/portal/tenants/{tenant}/api-keys/{key}/revoke"
        | "/portal/tenants/{tenant}/webhooks/{endpoint}/{what}" => {
            (at.replace("{key}", "key_0").replace("{endpoint}", "whe_0").replace("{what}", "test"), "a form")
        }
        "/portal/tenants/{tenant}/webhooks/{endpoint}" => {
            (at.replace("{endpoint}", "whe_01900000000070008000000000000000"), "absent")
        }
        "/portal/tenants/{tenant}/api-keys" | "/portal/tenants/{tenant}/webhooks" => (at, "admin"),
        "/portal/operator/proposals/{proposal}" | "/portal/operator/alerts/{alert}" => {
            (at.replace("{proposal}", "prp_0").replace("{alert}", "alt_0"), "a form")
        }
        "/portal/operator/questions/{question}" => (at.replace("{question}", "qst_0"), "a form"),
        "/portal/tenants/{tenant}/budgets/{budget}/remove" => (at.replace("{budget}", "bud_0"), "a form"),
        "/portal/tenants/{tenant}"
        | "/portal/tenants/{tenant}/usage"
        | "/portal/tenants/{tenant}/credits"
        | "/portal/tenants/{tenant}/budgets"
        | "/portal/tenants/{tenant}/prices"
        | "/portal/tenants/{tenant}/evidence"
        | "/portal/tenants/{tenant}/invoices" => (at, "tenant"),
        "/portal/tenants/{tenant}/usage.csv" => (at, "tenant file"),
        "/portal/tenants/{tenant}/invoices/{invoice}" | "/portal/tenants/{tenant}/invoices/{invoice}/{file}" => {
            (at.replace("{invoice}", "inv_01900000000070008000000000000000").replace("{file}", "invoice.pdf"), "absent")
        }
        "/portal/operator"
        | "/portal/operator/alerts"
        | "/portal/operator/gaps"
        | "/portal/operator/quarantine"
        | "/portal/operator/questions"
        | "/portal/operator/proposals"
        | "/portal/operator/suspense"
        | "/portal/operator/billing-runs"
        | "/portal/operator/tenants"
        | "/portal/operator/prices"
        | "/portal/operator/audit-log" => (at, "operator"),
        "/portal/operator/billing-runs/{run}" => {
            (at.replace("{run}", "run_01900000000070008000000000000000"), "operator")
        }
        "/portal/assets/{digest}/style.css" | "/portal/assets/{digest}/script.js" => (at, "asset"),
        "/portal/{*rest}" => ("/portal/nowhere".to_owned(), "nowhere"),
        other => panic!("{other} is not in this table"),
    }
}

#[tokio::test]
async fn every_route_shows_what_is_the_visitors_and_nothing_else() {
    let (world, [own, foreign]) = World::with_tenants().await;
    let (session, operator) = (world.tenant_session(&own).await, world.operator_session().await);
    for route in releve_portal::paths() {
        let (path, whose) = reads(route, &own);
        let answer = world.page(&path, &session).await;
        let status = answer.status.as_u16();
        assert!(!answer.text().contains(SECRET) && !answer.text().contains(&foreign), "{path}: {}", answer.text());
        assert!(!answer.text().contains("77\u{202f}777") && !answer.text().contains("77777"), "{path}");
        match whose {
            "tenant" => {
                assert_eq!(status, 200, "{path}: {}", answer.text());
                check_page(&path, &answer);
                assert!(answer.text().contains("&lt;script&gt;"), "{path} shows the tenant's name");
                // Another's pages are as absent as those of nobody.
                let (theirs, _) = reads(route, &foreign);
                let (nobodys, _) = reads(route, "ten_01900000000070008000000000000000");
                let (theirs, nobodys) = (world.page(&theirs, &session).await, world.page(&nobodys, &session).await);
                assert_eq!((theirs.status.as_u16(), theirs.body), (404, nobodys.body), "{path}");
                let seen = world.page(&path, &operator).await;
                assert_eq!(seen.status.as_u16(), 200, "{path} for an operator: {}", seen.text());
                check_page(&path, &seen);
            }
            "admin" => {
                assert_eq!(status, 404, "{path} for a viewer");
                let seen = world.page(&path, &world.session_as(&own, "admin").await).await;
                assert_eq!(seen.status.as_u16(), 200, "{path}: {}", seen.text());
                check_page(&path, &seen);
                assert!(!seen.text().contains(SECRET) && !seen.text().contains(&foreign), "{path}");
                let (theirs, _) = reads(route, &foreign);
                let theirs = world.page(&theirs, &world.session_as(&own, "admin").await).await;
                assert_eq!(theirs.status.as_u16(), 404, "{path}");
            }
            "tenant file" => assert_eq!(status, 200, "{path}: {}", answer.text()),
            "operator" => {
                assert_eq!(status, 404, "{path} for a tenant");
                check_page(&path, &answer);
                let seen = world.page(&path, &operator).await;
                assert_eq!(seen.status.as_u16(), 200, "{path}: {}", seen.text());
                check_page(&path, &seen);
            }
            "absent" | "nowhere" | "asset" => assert_eq!(status, 404, "{path}"),
            "a form" => assert_eq!(status, 405, "{path}"),
            "lost" => assert_eq!(status, 403, "{path}"),
            _ => assert!(status == 200 || status == 303, "{path}: {status}"),
        }
        if ["tenant", "tenant file", "operator"].contains(&whose) {
            for nobody in ["", "rls_0", &world.operator] {
                let answer = world.page(&path, nobody).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.header("location")),
                    (303, "/portal/login".into()),
                    "{path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn assets_are_there_and_kept() {
    let world = World::new().await;
    let page = world.page("/portal/login", "").await;
    check_page("/portal/login", &page);
    for mark in ["href=\"/portal/assets/", "src=\"/portal/assets/"] {
        let (_, rest) = page.text().split_once(mark).map(|(a, b)| (a.to_owned(), b.to_owned())).expect(mark);
        let path = format!("/portal/assets/{}", rest.split('"').next().expect("a path"));
        let asset = world.page(&path, "").await;
        assert_eq!(asset.status.as_u16(), 200, "{path}");
        assert!(asset.header("cache-control").contains("immutable"), "{path}");
        assert!(
            !asset.text().contains("http:") && !asset.text().contains("https:"),
            "nothing is loaded from elsewhere"
        );
    }
}

#[tokio::test]
async fn a_link_is_good_once_and_not_for_long() {
    let (world, [own, _]) = World::with_tenants().await;
    let link = world.link(&own).await;
    let bearer = link.rsplit('/').next().expect("a link").to_owned();
    // Looking does not use it up, and it opens nothing by itself.
    for _ in 0..2 {
        assert_eq!(world.page(&link, "").await.status.as_u16(), 200);
    }
    world.api("GET", &format!("/v1/tenants/{own}/spend"), &bearer, None).await.json(401);
    let session = session_of(&world.form(&link, None, &[], "").await);
    assert_eq!(world.form(&link, None, &[], "").await.status.as_u16(), 410);
    assert_eq!(world.page(&format!("/portal/tenants/{own}"), &session).await.status.as_u16(), 200);
    // A session starts no session, and is listed as no key.
    world.api("POST", "/v1/sessions", &session, None).await.json(401);
    let keys = world.api("GET", "/v1/api-keys", &world.operator, None).await.json(200);
    assert_eq!(keys["items"].as_array().expect("keys").len(), 1);

    let late = world.link(&own).await;
    world.set_now("2026-03-10T12:31:00Z");
    assert_eq!(world.form(&late, None, &[], "").await.status.as_u16(), 410);
    world.set_now("2026-03-10T20:30:00Z");
    assert_eq!(world.page(&format!("/portal/tenants/{own}"), &session).await.header("location"), "/portal/login");
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_when_it_is_signed_out() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.tenant_session(&own).await;
    let home = format!("/portal/tenants/{own}");
    let token = token_in(&world.page(&home, &session).await.text());
    let out = world.form("/portal/logout", Some(&session), &[], &format!("token={token}")).await;
    assert_eq!((out.status.as_u16(), out.header("set-cookie").contains("Max-Age=0")), (303, true));
    assert_eq!(world.page(&home, &session).await.status.as_u16(), 303, "it is ended, and not only forgotten");

    let new = json!({ "name": "console", "scopes": ["operator:read", "operator:write"] });
    let key = world.post("/v1/api-keys", new).await.json(201);
    let (id, secret) = (key["id"].as_str().expect("an id"), key["key"].as_str().expect("a key"));
    let session = session_of(&world.form("/portal/login", None, &[], &format!("key={secret}")).await);
    assert_eq!(world.page("/portal/operator", &session).await.status.as_u16(), 200);
    world.api("DELETE", &format!("/v1/api-keys/{id}"), &world.operator, None).await;
    assert_eq!(world.page("/portal/operator", &session).await.status.as_u16(), 303);
    for key in ["", "rlv_0", "rls_0", "x"] {
        let refused = world.form("/portal/login", None, &[], &format!("key={key}")).await;
        assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (422, String::new()), "{key}");
    }
}

#[tokio::test]
async fn forms_come_from_our_pages_only() {
    let (world, [own, _]) = World::with_tenants().await;
    let (session, other) = (world.operator_session().await, world.tenant_session(&own).await);
    let good = token_in(&world.page("/portal/operator", &session).await.text());
    let others = token_in(&world.page(&format!("/portal/tenants/{own}"), &other).await.text());
    let gap = "node=n&from=2026-03-10T10:00:00Z&to=2026-03-10T11:00:00Z&reason=r";
    for (path, fields) in [("/portal/logout", ""), ("/portal/operator/gaps", gap)] {
        for token in ["", "token=", "token=0", &format!("token={others}")] {
            let answer = world.form(path, Some(&session), &[], &format!("{token}&{fields}")).await;
            assert_eq!(answer.status.as_u16(), 403, "{path} with {token:?}: {}", answer.text());
            check_page(path, &answer);
        }
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = world.form(path, Some(&session), &[(name, value)], &format!("token={good}&{fields}")).await;
            assert_eq!(answer.status.as_u16(), 403, "{path} with {name}: {value}");
        }
    }
    let from_here = [("sec-fetch-site", "same-origin"), ("origin", "https://portal.example")];
    let answer = world.form("/portal/operator/gaps", Some(&session), &from_here, &format!("token={good}&{gap}")).await;
    assert!([404, 422].contains(&answer.status.as_u16()), "there is no such node: {}", answer.status);
    let crossed = world.form("/portal/login", None, &[("sec-fetch-site", "cross-site")], "key=rlv_0").await;
    assert_eq!(crossed.status.as_u16(), 403, "nobody is signed in by another site");
}

#[tokio::test]
async fn a_download_runs_nothing() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.tenant_session(&own).await;
    let file = world.page(&format!("/portal/tenants/{own}/usage.csv?by=project"), &session).await;
    assert_eq!(file.status.as_u16(), 200, "{}", file.text());
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.text().contains(",'=cmd(),"), "{}", file.text());
    assert!(file.text().contains(",12345,"), "{}", file.text());
    assert!(!file.text().contains("77777"));
}

/// The value of a cookie that an answer sets.
fn set_cookie(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().expect("text"));
    let mut held = all.filter_map(|cookie| cookie.strip_prefix(&format!("{name}=")));
    held.next().and_then(|rest| rest.split(';').next()).filter(|value| !value.is_empty()).map(str::to_owned)
}

#[tokio::test]
async fn somebody_comes_in_over_their_identity_provider() {
    let now = NOW.parse::<Timestamp>().expect("an instant").as_millis() / 1_000;
    let provider = IdentityProvider::new(now).await;
    let config = ProviderConfig {
        issuer: provider.issuer.clone(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(CLIENT_SECRET.to_owned()),
        redirect_uri: "https://portal.example/portal/oidc/callback".to_owned(),
        scopes: "openid".to_owned(),
        groups: "groups".to_owned(),
        allowed: vec!["127.0.0.0/8".parse().expect("a network")],
    };
    let grants =
        ["staff=operator:viewer", "lab=tenant:lab:admin"].map(|grant| grant.parse().expect("a grant")).to_vec();
    let with = SignIn { provider: Provider::new(config).expect("a provider"), grants };
    let world = World::with(|state| state.signing_in(with)).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.json(201);
    let page = world.page("/portal/login", "").await;
    assert!(page.text().contains("href=\"/portal/oidc\""), "{}", page.text());
    check_page("/portal/login", &page);

    let (kept, login) = ("__Host-releve-login", "__Host-releve");
    let leave = async || {
        let left = world.page("/portal/oidc", "").await;
        assert_eq!(left.status.as_u16(), 303, "{}", left.text());
        let cookie = left.header("set-cookie");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{cookie}");
        (left.header("location"), set_cookie(&left, kept).expect("a browser's secret"))
    };
    let visit = async |path: &str, browser: &str| {
        let request =
            Request::get(path).header("host", "portal.example").header(header::COOKIE, format!("{kept}={browser}"));
        world.send(request.body(Body::empty()).expect("a request")).await
    };
    let back = |(state, code): (String, String)| format!("/portal/oidc/callback?state={state}&code={code}");

    // One role: straight in.
    let (url, browser) = leave().await;
    let answer = provider.signs_in(&url, json!({ "sub": "1", "name": HOSTILE, "groups": ["lab"] }));
    let path = back(answer);
    let elsewhere = visit(&path, "another").await;
    assert_eq!(elsewhere.status.as_u16(), 403, "in another browser");
    check_page(&path, &elsewhere);
    let entered = visit(&path, &browser).await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, "/portal".into()), "{}", entered.text());
    assert_eq!(set_cookie(&entered, kept), None, "taken back");
    let session = set_cookie(&entered, login).expect("a session");
    assert!(world.page("/portal", &session).await.header("location").starts_with("/portal/tenants/ten_"));
    assert_eq!(visit(&path, &browser).await.status.as_u16(), 403, "once");

    // Two: a choice.
    let (url, browser) = leave().await;
    let answer = provider.signs_in(&url, json!({ "sub": "2", "name": HOSTILE, "groups": ["lab", "staff"] }));
    let asked = visit(&back(answer), &browser).await;
    assert_eq!(asked.status.as_u16(), 200, "{}", asked.text());
    check_page("the choice", &asked);
    let choice = set_cookie(&asked, kept).expect("a choice");
    let text = asked.text();
    let at = text.find("Operator: viewer").expect("a role");
    let membership = text[..at].rsplit("value=\"").next().and_then(|rest| rest.split('"').next()).expect("an id");
    let cookie = format!("{kept}={choice}");
    let body = format!("membership={membership}");
    let crossed = [("cookie", cookie.as_str()), ("origin", "https://elsewhere.example")];
    assert_eq!(world.form("/portal/oidc/choose", None, &crossed, &body).await.status.as_u16(), 403);
    let chosen = world.form("/portal/oidc/choose", None, &crossed[..1], &body).await;
    let session = set_cookie(&chosen, login).expect("a session");
    assert_eq!(world.page("/portal", &session).await.header("location"), "/portal/operator");

    // None, or the provider says no.
    let (url, browser) = leave().await;
    let nobody = visit(&back(provider.signs_in(&url, json!({ "sub": "3" }))), &browser).await;
    assert!(nobody.status.as_u16() == 403 && nobody.text().contains("no role here"), "{}", nobody.text());
    let denied = visit("/portal/oidc/callback?error=access_denied&state=x", &browser).await;
    assert_eq!(denied.status.as_u16(), 403);
}
