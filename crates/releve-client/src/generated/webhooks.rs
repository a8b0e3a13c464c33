//! What can be asked about `webhooks`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Page, Pages, Paging, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewTenantWebhookEndpoint {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of: budget.reached, spend.anomaly, credits.low, commitment.under_used, purchase_order.low, invoice.issued,
    /// invoice.overdue, question.asked, question.answered, webhook_endpoint.disabled. If absent or empty: all. What
    /// concerns the account as a whole is told of while it has no other tenant: it holds what all of them used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// Where messages are posted: https, up to 2048 bytes, to a public address or where the operator lets tenants'
    /// messages go.
    pub url: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewWebhookEndpoint {
    /// Whose events it is told, by id or name. If absent: everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of: invoice.issued, invoice.overdue, budget.reached, spend.anomaly, credits.low, commitment.under_used,
    /// purchase_order.low, node.silent, node.reporting, coverage.low, quarantine.growing, suspense.growing,
    /// invoice.parked, question.asked, question.answered, webhook_endpoint.disabled. If absent or empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// Where messages are posted: https, up to 2048 bytes. An address that is not public, and http, only where the
    /// operator's settings allow its network. Or whom they are mailed to, as plain text:
    /// mailto:billing@example.com. Or `amqp:`, for the broker's topic exchange.
    pub url: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ResendSince {
    /// What happened from then on.
    pub since: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResentView {
    /// How many messages are due again.
    pub messages: u64,
}

/// Which event was set against the endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SentView {
    /// As its messages have it in `webhook-id`.
    pub event: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhookDeliveryView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<String>,
    /// Of a waiting one: when it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// As its messages have it in `webhook-id`.
    pub event: String,
    pub happened_at: String,
    /// `waiting`, `delivered` or `given_up`.
    pub state: String,
    pub topic: String,
    /// Oldest first.
    pub tries: Vec<WebhookTryView>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WebhookEndpointChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// False: what it is told waits. True: what waits is sent, also after it was disabled for failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Of: invoice.issued, invoice.overdue, budget.reached, spend.anomaly, credits.low, commitment.under_used,
    /// purchase_order.low, node.silent, node.reporting, coverage.low, quarantine.growing, suspense.growing,
    /// invoice.parked, question.asked, question.answered, webhook_endpoint.disabled. Empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhookEndpointView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    pub created_at: String,
    pub created_by: String,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<String>,
    /// `asked`, `gone` (it answered 410), or `failing` (for five days).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_for: Option<String>,
    pub enabled: bool,
    /// Its first failure since its last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    pub id: String,
    /// The tenant that made it for itself: it is told of that tenant only, and of its account's invoices while the
    /// account has no other tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// None: every topic.
    pub topics: Vec<String>,
    pub url: String,
}

/// An endpoint with a new secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhookSecretView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    pub created_at: String,
    pub created_by: String,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<String>,
    /// `asked`, `gone` (it answered 410), or `failing` (for five days).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_for: Option<String>,
    pub enabled: bool,
    /// Its first failure since its last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    pub id: String,
    /// The tenant that made it for itself: it is told of that tenant only, and of its account's invoices while the
    /// account has no other tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// None: every topic.
    pub topics: Vec<String>,
    pub url: String,
    /// What its messages are signed with. This is the only time it is shown.
    pub secret: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhookTryView {
    /// How the answer's body begins.
    pub answer: String,
    pub at: String,
    /// Why it does not count as delivered; none if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    pub took_ms: i64,
}

/// What [`Client::list_tenant_webhook_endpoint_deliveries`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListTenantWebhookEndpointDeliveriesQuery {
    /// Only those that are `waiting`, `delivered` or `given_up`.
    pub state: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListTenantWebhookEndpointDeliveriesQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_webhook_endpoints`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListWebhookEndpointsQuery {
    /// Of this account only, by id or name.
    pub account: Option<String>,
    /// Of this tenant only, by id or name: those that it made for itself.
    pub tenant: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListWebhookEndpointsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("account", self.account.as_ref().map(ToString::to_string)),
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_webhook_endpoint_deliveries`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListWebhookEndpointDeliveriesQuery {
    /// Only those that are `waiting`, `delivered` or `given_up`.
    pub state: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListWebhookEndpointDeliveriesQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists a tenant's endpoints in the order they were made.
    ///
    /// `GET /v1/tenants/{tenant}/webhook-endpoints`. With a key of one of `tenant:admin`, `operator:read`.
    pub async fn list_tenant_webhook_endpoints(
        &self,
        tenant: &str,
        query: &Paging,
    ) -> Result<Page<WebhookEndpointView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "webhook-endpoints"]).query(query.pairs()))
            .await?
            .json()
    }

    /// As [`Client::list_tenant_webhook_endpoints`], page after page.
    pub fn all_tenant_webhook_endpoints(&self, tenant: &str, query: &Paging) -> Pages<'_, WebhookEndpointView> {
        Pages::new(
            self,
            Request::new(Method::GET, &["v1", "tenants", tenant, "webhook-endpoints"]).query(query.pairs()),
        )
    }

    /// Makes an endpoint of a tenant and shows its secret, once. A tenant has at most 20. It is told what happens
    /// from then on. Takes no idempotency key.
    ///
    /// `POST /v1/tenants/{tenant}/webhook-endpoints`. With a key of one of `tenant:admin`, `operator:write`.
    pub async fn create_tenant_webhook_endpoint(
        &self,
        tenant: &str,
        body: &NewTenantWebhookEndpoint,
    ) -> Result<WebhookSecretView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "tenants", tenant, "webhook-endpoints"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Shows an endpoint of a tenant.
    ///
    /// `GET /v1/tenants/{tenant}/webhook-endpoints/{endpoint}`. With a key of one of `tenant:admin`,
    /// `operator:read`.
    pub async fn get_tenant_webhook_endpoint(
        &self,
        tenant: &str,
        endpoint: &str,
    ) -> Result<WebhookEndpointView, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "webhook-endpoints", endpoint])).await?.json()
    }

    /// Removes an endpoint of a tenant. What it was still owed is given up.
    ///
    /// `DELETE /v1/tenants/{tenant}/webhook-endpoints/{endpoint}`. With a key of one of `tenant:admin`,
    /// `operator:write`.
    pub async fn delete_tenant_webhook_endpoint(&self, tenant: &str, endpoint: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "tenants", tenant, "webhook-endpoints", endpoint]))
            .await?
            .nothing()
    }

    /// Changes an endpoint of a tenant. What is not given stays.
    ///
    /// `PATCH /v1/tenants/{tenant}/webhook-endpoints/{endpoint}`. With a key of one of `tenant:admin`,
    /// `operator:write`.
    pub async fn update_tenant_webhook_endpoint(
        &self,
        tenant: &str,
        endpoint: &str,
        body: &WebhookEndpointChange,
    ) -> Result<WebhookEndpointView, Error> {
        self.send(
            Request::new(Method::PATCH, &["v1", "tenants", tenant, "webhook-endpoints", endpoint])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists what an endpoint of a tenant was told, is owed, or was given up, each with its tries; the latest event
    /// first. It is kept for 90 days.
    ///
    /// `GET /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/deliveries`. With a key of one of `tenant:admin`,
    /// `operator:read`.
    pub async fn list_tenant_webhook_endpoint_deliveries(
        &self,
        tenant: &str,
        endpoint: &str,
        query: &ListTenantWebhookEndpointDeliveriesQuery,
    ) -> Result<Page<WebhookDeliveryView>, Error> {
        self.send(
            Request::new(Method::GET, &["v1", "tenants", tenant, "webhook-endpoints", endpoint, "deliveries"])
                .query(query.pairs()),
        )
        .await?
        .json()
    }

    /// As [`Client::list_tenant_webhook_endpoint_deliveries`], page after page.
    pub fn all_tenant_webhook_endpoint_deliveries(
        &self,
        tenant: &str,
        endpoint: &str,
        query: &ListTenantWebhookEndpointDeliveriesQuery,
    ) -> Pages<'_, WebhookDeliveryView> {
        Pages::new(
            self,
            Request::new(Method::GET, &["v1", "tenants", tenant, "webhook-endpoints", endpoint, "deliveries"])
                .query(query.pairs()),
        )
    }

    /// Sends one message once more to an endpoint of a tenant, with the same id; its tries start anew.
    ///
    /// `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/deliveries/{event}/resend`. With a key of one of
    /// `tenant:admin`, `operator:write`.
    pub async fn resend_tenant_webhook_endpoint_delivery(
        &self,
        tenant: &str,
        endpoint: &str,
        event: &str,
    ) -> Result<SentView, Error> {
        self.send(Request::new(
            Method::POST,
            &["v1", "tenants", tenant, "webhook-endpoints", endpoint, "deliveries", event, "resend"],
        ))
        .await?
        .json()
    }

    /// Sends everything once more that an endpoint of a tenant was given up of what happened since an instant.
    ///
    /// `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/resend`. With a key of one of `tenant:admin`,
    /// `operator:write`.
    pub async fn resend_tenant_webhook_endpoint(
        &self,
        tenant: &str,
        endpoint: &str,
        body: &ResendSince,
    ) -> Result<ResentView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "tenants", tenant, "webhook-endpoints", endpoint, "resend"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Makes a new secret and shows it, once. For 24 hours messages carry two signatures, of the new one and of the
    /// one before.
    ///
    /// `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/rotate-secret`. With a key of one of `tenant:admin`,
    /// `operator:write`.
    pub async fn rotate_secret_tenant_webhook_endpoint(
        &self,
        tenant: &str,
        endpoint: &str,
    ) -> Result<WebhookSecretView, Error> {
        self.send(Request::new(
            Method::POST,
            &["v1", "tenants", tenant, "webhook-endpoints", endpoint, "rotate-secret"],
        ))
        .await?
        .json()
    }

    /// Sends a message of the topic `webhook_endpoint.test` to an endpoint of a tenant, whatever its topics are.
    ///
    /// `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/test`. With a key of one of `tenant:admin`,
    /// `operator:write`.
    pub async fn test_tenant_webhook_endpoint(&self, tenant: &str, endpoint: &str) -> Result<SentView, Error> {
        self.send(Request::new(Method::POST, &["v1", "tenants", tenant, "webhook-endpoints", endpoint, "test"]))
            .await?
            .json()
    }

    /// Lists endpoints in the order they were made.
    ///
    /// `GET /v1/webhook-endpoints`. With a key of `operator:read`.
    pub async fn list_webhook_endpoints(
        &self,
        query: &ListWebhookEndpointsQuery,
    ) -> Result<Page<WebhookEndpointView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "webhook-endpoints"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_webhook_endpoints`], page after page.
    pub fn all_webhook_endpoints(&self, query: &ListWebhookEndpointsQuery) -> Pages<'_, WebhookEndpointView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "webhook-endpoints"]).query(query.pairs()))
    }

    /// Makes an endpoint and shows its secret, once. It is told what happens from then on. Takes no idempotency
    /// key: an answer that can be asked for again would have to keep the secret.
    ///
    /// `POST /v1/webhook-endpoints`. With a key of `operator:write`.
    pub async fn create_webhook_endpoint(&self, body: &NewWebhookEndpoint) -> Result<WebhookSecretView, Error> {
        self.send(Request::new(Method::POST, &["v1", "webhook-endpoints"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Shows an endpoint.
    ///
    /// `GET /v1/webhook-endpoints/{endpoint}`. With a key of `operator:read`.
    pub async fn get_webhook_endpoint(&self, endpoint: &str) -> Result<WebhookEndpointView, Error> {
        self.send(Request::new(Method::GET, &["v1", "webhook-endpoints", endpoint])).await?.json()
    }

    /// Removes an endpoint. What it was still owed is given up.
    ///
    /// `DELETE /v1/webhook-endpoints/{endpoint}`. With a key of `operator:write`.
    pub async fn delete_webhook_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "webhook-endpoints", endpoint])).await?.nothing()
    }

    /// Changes an endpoint. What is not given stays.
    ///
    /// `PATCH /v1/webhook-endpoints/{endpoint}`. With a key of `operator:write`.
    pub async fn update_webhook_endpoint(
        &self,
        endpoint: &str,
        body: &WebhookEndpointChange,
    ) -> Result<WebhookEndpointView, Error> {
        self.send(Request::new(Method::PATCH, &["v1", "webhook-endpoints", endpoint]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists what an endpoint was told, is owed, or was given up, each with its tries; the latest event first. It
    /// is kept for 90 days.
    ///
    /// `GET /v1/webhook-endpoints/{endpoint}/deliveries`. With a key of `operator:read`.
    pub async fn list_webhook_endpoint_deliveries(
        &self,
        endpoint: &str,
        query: &ListWebhookEndpointDeliveriesQuery,
    ) -> Result<Page<WebhookDeliveryView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "webhook-endpoints", endpoint, "deliveries"]).query(query.pairs()))
            .await?
            .json()
    }

    /// As [`Client::list_webhook_endpoint_deliveries`], page after page.
    pub fn all_webhook_endpoint_deliveries(
        &self,
        endpoint: &str,
        query: &ListWebhookEndpointDeliveriesQuery,
    ) -> Pages<'_, WebhookDeliveryView> {
        Pages::new(
            self,
            Request::new(Method::GET, &["v1", "webhook-endpoints", endpoint, "deliveries"]).query(query.pairs()),
        )
    }

    /// Sends one message once more, with the same id, whatever became of it; its tries start anew.
    ///
    /// `POST /v1/webhook-endpoints/{endpoint}/deliveries/{event}/resend`. With a key of `operator:write`.
    pub async fn resend_webhook_endpoint_delivery(&self, endpoint: &str, event: &str) -> Result<SentView, Error> {
        self.send(Request::new(Method::POST, &["v1", "webhook-endpoints", endpoint, "deliveries", event, "resend"]))
            .await?
            .json()
    }

    /// Sends everything once more that was given up of what happened since an instant: after a receiver was down
    /// for long.
    ///
    /// `POST /v1/webhook-endpoints/{endpoint}/resend`. With a key of `operator:write`.
    pub async fn resend_webhook_endpoint(&self, endpoint: &str, body: &ResendSince) -> Result<ResentView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "webhook-endpoints", endpoint, "resend"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Makes a new secret and shows it, once. For 24 hours messages carry two signatures, of the new one and of the
    /// one before.
    ///
    /// `POST /v1/webhook-endpoints/{endpoint}/rotate-secret`. With a key of `operator:write`.
    pub async fn rotate_secret_webhook_endpoint(&self, endpoint: &str) -> Result<WebhookSecretView, Error> {
        self.send(Request::new(Method::POST, &["v1", "webhook-endpoints", endpoint, "rotate-secret"])).await?.json()
    }

    /// Sends a message of the topic `webhook_endpoint.test`, whatever the endpoint's topics are.
    ///
    /// `POST /v1/webhook-endpoints/{endpoint}/test`. With a key of `operator:write`.
    pub async fn test_webhook_endpoint(&self, endpoint: &str) -> Result<SentView, Error> {
        self.send(Request::new(Method::POST, &["v1", "webhook-endpoints", endpoint, "test"])).await?.json()
    }
}
