//! What is an endpoint shown as?

use releve_store::webhooks::Endpoint;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct WebhookEndpointView {
    pub id: String,
    url: String,
    description: String,
    /// None: every topic.
    topics: Vec<String>,
    account: Option<String>,
    /// The tenant that made it for itself: it is told of that tenant only, and of its account's invoices while the account has no
    /// other tenant.
    tenant: Option<String>,
    enabled: bool,
    disabled_at: Option<String>,
    /// `asked`, `gone` (it answered 410), or `failing` (for five days).
    disabled_for: Option<&'static str>,
    /// Its first failure since its last success.
    failing_since: Option<String>,
    created_at: String,
    created_by: String,
}

impl From<&Endpoint> for WebhookEndpointView {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            topics: endpoint.topics.clone(),
            account: endpoint.account.map(|account| account.to_string()),
            tenant: endpoint.tenant.map(|tenant| tenant.to_string()),
            enabled: endpoint.disabled.is_none(),
            disabled_at: endpoint.disabled.map(|(at, _)| at.to_string()),
            disabled_for: endpoint.disabled.map(|(_, why)| why.name()),
            failing_since: endpoint.failing_since.map(|at| at.to_string()),
            created_at: endpoint.created_at.to_string(),
            created_by: endpoint.created_by.clone(),
        }
    }
}

/// An endpoint with a new secret.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecretView {
    /// What its messages are signed with. This is the only time it is shown.
    #[schema(example = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    pub secret: String,
    #[serde(flatten)]
    pub endpoint: WebhookEndpointView,
}
