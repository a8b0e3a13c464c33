//! Where do whole walks take place? In the demo as anybody starts it, with its month billed and its agents reporting.

use std::time::Duration;

use serde_json::json;

use crate::{
    http::Http,
    releve::{Launch, Releve},
};

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
        let launch = Launch::releve(&["demo"]).env("RELEVE_TENANT_WEBHOOK_ALLOW", "127.0.0.0/8").listening();
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

    /// The month that the demo billed, and an hour in its midst.
    pub async fn billed(&self) -> (String, String) {
        let runs = self.api.get("/v1/billing-runs").await.expect(200);
        let start = runs["items"][0]["period_start"].as_str().expect("a period").to_owned();
        (start[..7].to_owned(), format!("{}-15T12:00:00Z", &start[..7]))
    }
}
