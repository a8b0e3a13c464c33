//! What can be asked about `alerts`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, Page, Pages, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AlertView {
    /// Of an account as a whole; each of its tenants is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When a person said that they have looked at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// What is alike folds into one alert: how many it is.
    pub count: i64,
    pub first_at: String,
    pub id: String,
    /// A tenant's: budget.reached, spend.anomaly. An account's: credits.low, commitment.under_used,
    /// purchase_order.low, invoice.issued, invoice.overdue. The operator's: node.silent, coverage.low,
    /// quarantine.growing, suspense.growing, invoice.parked.
    pub kind: String,
    pub last_at: String,
    /// What made it so.
    pub numbers: Value,
    /// Of what goes on: when it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<String>,
    pub subject: String,
    /// None: an account's or the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// What [`Client::list_alerts`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListAlertsQuery {
    /// open: it goes on, and nobody has looked at it. acknowledged: a person has. resolved: it is over.
    pub state: Option<String>,
    /// Of this kind only.
    pub kind: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListAlertsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.as_ref().map(ToString::to_string)),
            ("kind", self.kind.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_tenant_alerts`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantAlertsQuery {
    /// open: it goes on, and nobody has looked at it. acknowledged: a person has. resolved: it is over.
    pub state: Option<String>,
    /// Of this kind only.
    pub kind: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantAlertsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.as_ref().map(ToString::to_string)),
            ("kind", self.kind.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists what an operator has to know of the house and of its accounts, the latest first.
    ///
    /// `GET /v1/alerts`. With a key of `operator:read`.
    pub async fn list_alerts(&self, query: &ListAlertsQuery) -> Result<Page<AlertView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "alerts"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_alerts`], page after page.
    pub fn all_alerts(&self, query: &ListAlertsQuery) -> Pages<'_, AlertView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "alerts"]).query(query.pairs()))
    }

    /// Says that a person has looked at an alert. It goes on as long as what it tells of.
    ///
    /// `POST /v1/alerts/{alert}/acknowledge`. With a key of `operator:write`.
    pub async fn acknowledge_alert(&self, alert: &str) -> Result<AlertView, Error> {
        self.send(Request::new(Method::POST, &["v1", "alerts", alert, "acknowledge"])).await?.json()
    }

    /// Lists what a tenant and its account were told, the latest first.
    ///
    /// `GET /v1/tenants/{tenant}/alerts`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_alerts(
        &self,
        tenant: &str,
        query: &ListTenantAlertsQuery,
    ) -> Result<Page<AlertView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "alerts"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_alerts`], page after page.
    pub fn all_tenant_alerts(&self, tenant: &str, query: &ListTenantAlertsQuery) -> Pages<'_, AlertView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "alerts"]).query(query.pairs()))
    }

    /// The same of an alert of a tenant's own. What is told to an account as a whole, operators acknowledge.
    ///
    /// `POST /v1/tenants/{tenant}/alerts/{alert}/acknowledge`. With a key of one of `tenant:billing`,
    /// `operator:write`.
    pub async fn acknowledge_tenant_alert(&self, tenant: &str, alert: &str) -> Result<AlertView, Error> {
        self.send(Request::new(Method::POST, &["v1", "tenants", tenant, "alerts", alert, "acknowledge"])).await?.json()
    }
}
