//! What does each test stand on? A database of its own, a router over it, and a clock that only the test moves.

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
use metrics_exporter_prometheus::PrometheusHandle;
use releve_aggregator::{Aggregator, Settings};
use releve_api::{
    AppState,
    auth::{Role, Scope},
    bootstrap_operator_key, install_metrics, mint_key, router,
};
use releve_store::Db;
use releve_tests::postgres::{Database, Postgres};
use releve_types::Timestamp;
use serde_json::Value;
use tower::ServiceExt;

/// When each test begins.
pub const NOW: &str = "2026-03-10T12:30:00Z";

/// One server for the tests of this process; it ends with the process.
static SERVER: OnceLock<Postgres> = OnceLock::new();
/// One recorder for the process, as in a program.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

pub struct World {
    pub database: Database,
    pub db: Db,
    pub operator: String,
    router: Router,
    now: Arc<AtomicI64>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} is no JSON: {}", self.status, self.text()))
    }

    /// The body of an answer that has to be this.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// A refusal's code and field, after a look at its shape.
    pub fn problem(&self) -> (u16, String, String) {
        let json = self.json();
        let content_type = self.headers.get(header::CONTENT_TYPE).expect("a content type");
        assert_eq!(content_type, "application/problem+json", "{json}");
        assert_eq!(json["status"], self.status.as_u16(), "{json}");
        let code = json["code"].as_str().expect("a code").to_owned();
        assert_eq!(json["type"], format!("/v1/errors/{code}"), "{json}");
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        (self.status.as_u16(), code, json["field"].as_str().unwrap_or_default().to_owned())
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(|state| state).await
    }

    /// With a state that is set up further.
    pub async fn with(set_up: impl FnOnce(AppState) -> AppState) -> Self {
        let database = SERVER.get_or_init(Postgres::shared).create_database();
        let admin = Db::connect(&database.admin_url(), 1).await.expect("connects as admin");
        admin.migrate().await.expect("migrates");
        admin.close().await;
        let db = Db::connect(&database.login_url(), 1).await.expect("connects as the programs do");
        db.check_login().await.expect("row-level security holds for it");
        let now = Arc::new(AtomicI64::new(0));
        let clock = {
            let now = now.clone();
            Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
        };
        let aggregator = Arc::new(Aggregator::new(db.clone(), Settings::default()));
        let metrics = METRICS.get_or_init(|| install_metrics().expect("installs")).clone();
        // Whoever looks right after it wrote looks for that, however slow this machine is.
        let state = AppState::new(db.clone(), aggregator, clock, metrics).keeping_from(Duration::MAX);
        let state = set_up(state);
        let mut world = Self { database, db, operator: String::new(), router: router(state), now };
        world.set_now(NOW);
        world.operator =
            bootstrap_operator_key(&world.db, world.now()).await.expect("bootstraps").expect("the first key");
        world
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    pub fn set_now(&self, text: &str) {
        let at: Timestamp = text.parse().expect("an instant");
        self.now.store(at.as_millis(), Ordering::SeqCst);
    }

    pub async fn key(&self, scopes: &[Scope]) -> String {
        mint_key(&self.db, "test", scopes, self.now()).await.expect("a key")
    }

    /// A key that reads one tenant.
    pub async fn tenant_key(&self, tenant: &str) -> String {
        self.tenant_key_as(tenant, Role::Viewer).await
    }

    /// A key of one tenant.
    pub async fn tenant_key_as(&self, tenant: &str, role: Role) -> String {
        let scopes: Vec<String> = role.of_tenant().iter().map(ToString::to_string).collect();
        let body = serde_json::json!({ "name": role.name(), "scopes": scopes, "tenant": tenant });
        self.post("/v1/api-keys", body).await.expect(201)["key"].as_str().expect("a key").to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn call(&self, method: &str, path: &str, key: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    /// A file in XML.
    pub async fn send_xml(&self, path: &str, key: &str, xml: &str) -> Answer {
        let request = Request::builder().method("POST").uri(path).header(header::CONTENT_TYPE, "application/xml");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        self.send(request.body(Body::from(xml.to_owned())).expect("a request")).await
    }

    /// As the operator.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(&self.operator), Some(body)).await
    }

    /// As the operator.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Some(&self.operator), None).await
    }
}
