//! What can be asked about `service`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusView {
    pub status: String,
}

impl Client {
    /// Whether the process runs.
    ///
    /// `GET /healthz`. Takes any key, or none.
    pub async fn get_healthz(&self) -> Result<StatusView, Error> {
        self.send(Request::new(Method::GET, &["healthz"])).await?.json()
    }

    /// What was measured, as Prometheus reads it. What waits in quarantine, and how much of the last full hour the
    /// nodes in service reported, is asked of the database now.
    ///
    /// `GET /metrics`. With a key of `metrics:read`.
    pub async fn get_metrics(&self) -> Result<String, Error> {
        self.send(Request::new(Method::GET, &["metrics"])).await?.text()
    }

    /// Whether it can serve: the database answers, and an aggregator beside it takes what comes.
    ///
    /// `GET /readyz`. Takes any key, or none.
    pub async fn get_readyz(&self) -> Result<StatusView, Error> {
        self.send(Request::new(Method::GET, &["readyz"])).await?.json()
    }

    /// What an error's code means and what to do about it: where a problem's `type` points.
    ///
    /// `GET /v1/errors/{code}`. Takes any key, or none.
    pub async fn get_error(&self, code: &str) -> Result<String, Error> {
        self.send(Request::new(Method::GET, &["v1", "errors", code])).await?.text()
    }

    /// This document.
    ///
    /// `GET /v1/openapi.json`. Takes any key, or none.
    pub async fn get_openapi(&self) -> Result<Value, Error> {
        self.send(Request::new(Method::GET, &["v1", "openapi.json"])).await?.json()
    }
}
