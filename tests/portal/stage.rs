//! Where do the walks take place? In the demo as anybody starts it, with its month billed and its agents reporting.

use std::time::Duration;

use releve_tests::{
    http::Http,
    releve::{Launch, Releve},
};
use serde_json::{Value, json};

/// A month is played and billed first.
const PLAYED_WAIT_MAX: Duration = Duration::from_secs(400);

pub struct Stage {
    _demo: Releve,
    /// As the operator whose key the demo prints.
    pub api: Http,
    pub key: String,
    pub base: String,
}

impl Stage {
    pub async fn set() -> Self {
        // Webhooks may go to this machine, where the test's receiver is.
        let launch = Launch::releve(&["demo"]).env("RELEVE_WEBHOOK_ALLOW", "127.0.0.0/8").listening();
        let mut demo = launch.spawn();
        demo.wait_for_log("export KEY=", PLAYED_WAIT_MAX);
        demo.ready("/readyz", PLAYED_WAIT_MAX).await;
        let log = demo.process().stderr();
        let key = log.split("export KEY=").nth(1).and_then(|rest| rest.lines().next()).expect("a key").to_owned();
        let api = demo.http().with_token(&key);
        let base = demo.http().base().to_owned();
        Self { _demo: demo, api, key, base }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Of a tenant that has invoices and uses something.
    pub async fn tenant(&self, name: &str) -> String {
        let tenants = self.api.get("/v1/tenants").await.expect(200);
        let all = tenants["items"].as_array().expect("tenants");
        let found =
            all.iter().find(|tenant| tenant["name"] == name).unwrap_or_else(|| panic!("{name} is not in {all:?}"));
        found["id"].as_str().expect("an id").to_owned()
    }

    /// A link into the pages of a tenant.
    pub async fn link(&self, tenant: &str, role: &str) -> String {
        let made = self.api.post("/v1/portal-links", &json!({ "tenant": tenant, "role": role })).await.expect(201);
        self.at(made["url"].as_str().expect("a url"))
    }

    pub async fn names(&self) -> Vec<String> {
        let tenants = self.api.get("/v1/tenants").await.expect(200);
        let name = |tenant: &Value| tenant["name"].as_str().expect("a name").to_owned();
        tenants["items"].as_array().expect("tenants").iter().map(name).collect()
    }
}
