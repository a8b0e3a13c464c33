//! Who looks at the pages? Two tenants, an operator and nobody, as browsers over https.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use releve_aggregator::{Aggregator, Settings};
use releve_api::{AppState, bootstrap_operator_key, quiet_metrics};
use releve_store::Db;
use releve_tests::postgres::{Database, Postgres};
use releve_types::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

pub const NOW: &str = "2026-03-10T12:30:00Z";
/// Names that a page must show and must not run.
pub const HOSTILE: &str = "<script>alert(1)<script>";
pub const FORMULA: &str = "=cmd()";
pub const SECRET: &str = "secret-neighbour";
pub const SECRET_QUANTITY: i64 = 77_777;

static SERVER: OnceLock<Postgres> = OnceLock::new();

pub struct World {
    pub database: Database,
    pub router: Router,
    pub operator: String,
    pub now: Arc<AtomicI64>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text")).to_owned()
    }

    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(|state| state).await
    }

    pub async fn with(set_up: impl FnOnce(AppState) -> AppState) -> Self {
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
        // Whoever looks right after it wrote looks for that, however slow this machine is.
        let state = AppState::new(db.clone(), aggregator, clock, quiet_metrics()).keeping_from(Duration::MAX);
        let api = releve_api::router(set_up(state));
        let router = api.clone().merge(releve_portal::router(api));
        let mut world = Self { database, router, operator: String::new(), now };
        world.set_now(NOW);
        let at = Timestamp::from_millis(world.now.load(Ordering::SeqCst));
        world.operator = bootstrap_operator_key(&db, at).await.expect("bootstraps").expect("the first key");
        world
    }

    /// Two tenants with hostile names, usage, and prices for one of them.
    pub async fn with_tenants() -> (Self, [String; 2]) {
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

    pub fn set_now(&self, text: &str) {
        let at: Timestamp = text.parse().expect("an instant");
        self.now.store(at.as_millis(), Ordering::SeqCst);
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn api(&self, method: &str, path: &str, bearer: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {bearer}"));
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.api("POST", path, &self.operator, Some(body)).await
    }

    /// As a browser over https.
    pub async fn page(&self, path: &str, session: &str) -> Answer {
        let cookie = format!("other=1; __Host-releve={session}");
        let request = Request::get(path).header("host", "portal.example").header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    pub async fn form(&self, path: &str, session: Option<&str>, more: &[(&str, &str)], body: &str) -> Answer {
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

    pub async fn link(&self, tenant: &str) -> String {
        let made = self.post("/v1/portal-links", json!({ "tenant": tenant, "ttl_seconds": 60 })).await.json(201);
        made["url"].as_str().expect("a url").to_owned()
    }

    pub async fn tenant_session(&self, tenant: &str) -> String {
        session_of(&self.form(&self.link(tenant).await, None, &[], "").await)
    }

    pub async fn session_as(&self, tenant: &str, role: &str) -> String {
        let made = self.post("/v1/portal-links", json!({ "tenant": tenant, "role": role })).await.json(201);
        session_of(&self.form(made["url"].as_str().expect("a url"), None, &[], "").await)
    }

    pub async fn operator_session(&self) -> String {
        session_of(&self.form("/portal/login", None, &[], &format!("key={}", self.operator)).await)
    }
}

pub fn session_of(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    let value = cookie.strip_prefix("__Host-releve=").expect("the host's cookie");
    value.split(';').next().expect("a value").to_owned()
}

pub fn token_in(page: &str) -> String {
    quoted_after(page, "name=\"token\" value=\"")
}

/// What stands in a page between the first such beginning and the next quotation mark, as a browser reads it.
pub fn quoted_after(page: &str, beginning: &str) -> String {
    let (_, rest) = page.split_once(beginning).unwrap_or_else(|| panic!("no {beginning}: {page}"));
    rest.split('"').next().expect("a value").replace("&amp;", "&")
}

/// The value of a cookie that an answer sets.
pub fn set_cookie(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().expect("text"));
    let mut held = all.filter_map(|cookie| cookie.strip_prefix(&format!("{name}=")));
    held.next().and_then(|rest| rest.split(';').next()).filter(|value| !value.is_empty()).map(str::to_owned)
}
