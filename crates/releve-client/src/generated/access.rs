//! What can be asked about `access`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, Page, Pages, Paging, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApiKeyView {
    pub created_at: String,
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The first characters of the key.
    pub hint: String,
    pub id: String,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    pub name: String,
    /// The key that it took the place of when that was rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEntryView {
    pub action: String,
    /// The API key's name and id, or the program.
    pub actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    pub entry: i64,
    /// SHA-256 over the entry and the seal before it, in hex; none for up to a minute. Noted elsewhere, it proves
    /// later that nothing up to it was touched: `releve audit` recomputes the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// The id of what was changed.
    pub subject: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Choice {
    pub choice: String,
    /// One of those that were offered.
    pub membership: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdentifiedView {
    /// What the person chooses with, once, for ten minutes.
    pub choice: String,
    /// As what they may come.
    pub memberships: Vec<OfferedMembershipView>,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoginMethodsView {
    /// Whose identities people may come with: the issuer's address. None: by key or by link only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoginView {
    /// What the browser keeps in a cookie until it comes back: only there does the provider's answer count.
    pub browser: String,
    pub expires_at: String,
    /// Where to send the browser.
    pub url: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MembershipView {
    pub created_at: String,
    pub created_by: String,
    pub id: String,
    pub role: String,
    /// `assigned`: a person gave it. `claim`: the identity provider's groups do, at each login.
    pub source: String,
    /// None: the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    pub user: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MintedView {
    pub created_at: String,
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The first characters of the key.
    pub hint: String,
    pub id: String,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    pub name: String,
    /// The key that it took the place of when that was rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The key itself. It is not kept: this is the only time it is shown.
    pub key: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewApiKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What it is for.
    pub name: String,
    /// Of: operator:read, operator:billing, operator:write, metrics:read, agent, reading:<meter>, reading:*. Or of
    /// a tenant: tenant:read, with it tenant:billing, with both tenant:admin.
    pub scopes: Vec<String>,
    /// With tenant:read, and only with it: which tenant, by id or name. It has at most 100 keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewMembership {
    /// `viewer`, `billing` or `admin`.
    pub role: String,
    /// With which tenant, by id or name. If absent: with the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// By id.
    pub user: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewPortalLink {
    /// `viewer` (if absent) reads this tenant and changes nothing; `billing` also changes its budgets; `admin` also
    /// its keys and webhook endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whose pages, by id or name.
    pub tenant: String,
    /// How long it waits to be followed: 1 to 900; 300 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewSessionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    pub id: String,
    /// `session`, or `key` where a key asks.
    pub kind: String,
    /// Of the key that it came from, or of the person.
    pub name: String,
    pub scopes: Vec<String>,
    /// The one that it reads; none of an operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<SessionTenantView>,
    /// Of a person's: who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The credential, a bearer token. It is not kept: this is the only time it is shown.
    pub session: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewTenantApiKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What it is for.
    pub name: String,
    /// `viewer` (if absent), `billing` or `admin`: not above the role of who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewUser {
    /// As the identity provider will say that it has verified it.
    pub email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OfferedMembershipView {
    pub id: String,
    /// `viewer`, `billing` or `admin`.
    pub role: String,
    /// None: the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_name: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PortalLinkView {
    pub expires_at: String,
    pub role: String,
    pub tenant: String,
    /// Relative to this server. It is not kept: this is the only time it is shown.
    pub url: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProvidersAnswer {
    /// As the browser's cookie has it.
    pub browser: String,
    pub code: String,
    /// As the browser brought them back.
    pub state: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rotation {
    /// When the new key ends. If absent: it lives as long as the old one was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// How long the old key still opens: 0 to 2592000 (30 days); 86400 (a day) if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionTenantView {
    pub id: String,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    pub id: String,
    /// `session`, or `key` where a key asks.
    pub kind: String,
    /// Of the key that it came from, or of the person.
    pub name: String,
    pub scopes: Vec<String>,
    /// The one that it reads; none of an operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<SessionTenantView>,
    /// Of a person's: who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserView {
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<String>,
    pub id: String,
    /// The identity provider; none of who was invited and has not come yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// What [`Client::list_api_keys`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListApiKeysQuery {
    /// Of this tenant only, by id or name.
    pub tenant: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListApiKeysQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_audit_log`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListAuditLogQuery {
    /// Of this id only.
    pub subject: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListAuditLogQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("subject", self.subject.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_memberships`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListMembershipsQuery {
    /// Of this person only, by id.
    pub user: Option<String>,
    /// With this tenant only, by id or name.
    pub tenant: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListMembershipsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("user", self.user.as_ref().map(ToString::to_string)),
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists keys in the order they were made, without the keys themselves.
    ///
    /// `GET /v1/api-keys`. With a key of `operator:read`.
    pub async fn list_api_keys(&self, query: &ListApiKeysQuery) -> Result<Page<ApiKeyView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "api-keys"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_api_keys`], page after page.
    pub fn all_api_keys(&self, query: &ListApiKeysQuery) -> Pages<'_, ApiKeyView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "api-keys"]).query(query.pairs()))
    }

    /// Makes a key and shows it, once. Takes no idempotency key: an answer that can be asked for again would have
    /// to keep the key.
    ///
    /// `POST /v1/api-keys`. With a key of `operator:write`.
    pub async fn create_api_key(&self, body: &NewApiKey) -> Result<MintedView, Error> {
        self.send(Request::new(Method::POST, &["v1", "api-keys"]).json("application/json", body)?).await?.json()
    }

    /// Revokes a key at once. Revoking it again changes nothing.
    ///
    /// `DELETE /v1/api-keys/{key}`. With a key of `operator:write`.
    pub async fn delete_api_key(&self, key: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "api-keys", key])).await?.nothing()
    }

    /// Makes a key that takes the place of another, with the same name, scopes and tenant, and shows it, once. The
    /// old one ends after the grace time, with the sessions that came from it. Takes no idempotency key: the new
    /// key is not kept.
    ///
    /// `POST /v1/api-keys/{key}/rotate`. With a key of `operator:write`.
    pub async fn rotate_api_key(&self, key: &str, body: &Rotation) -> Result<MintedView, Error> {
        self.send(Request::new(Method::POST, &["v1", "api-keys", key, "rotate"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists changes, the newest first.
    ///
    /// `GET /v1/audit-log`. With a key of `operator:read`.
    pub async fn list_audit_log(&self, query: &ListAuditLogQuery) -> Result<Page<AuditEntryView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "audit-log"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_audit_log`], page after page.
    pub fn all_audit_log(&self, query: &ListAuditLogQuery) -> Pages<'_, AuditEntryView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "audit-log"]).query(query.pairs()))
    }

    /// Says how people may sign in.
    ///
    /// `GET /v1/login-methods`. Takes any key, or none.
    pub async fn get_login_methods(&self) -> Result<LoginMethodsView, Error> {
        self.send(Request::new(Method::GET, &["v1", "login-methods"])).await?.json()
    }

    /// Begins a login with the identity provider.
    ///
    /// `POST /v1/logins`. Takes any key, or none.
    pub async fn create_login(&self) -> Result<LoginView, Error> {
        self.send(Request::new(Method::POST, &["v1", "logins"])).await?.json()
    }

    /// Starts a session of at most 8 hours in one of the person's memberships. It ends with that.
    ///
    /// `POST /v1/logins/choose`. Takes any key, or none.
    pub async fn choose_logins(&self, body: &Choice) -> Result<NewSessionView, Error> {
        self.send(Request::new(Method::POST, &["v1", "logins", "choose"]).json("application/json", body)?).await?.json()
    }

    /// Takes the provider's answer, once, and says as what the person may come. Who is nothing here is not kept.
    ///
    /// `POST /v1/logins/identify`. Takes any key, or none.
    pub async fn identify_logins(&self, body: &ProvidersAnswer) -> Result<IdentifiedView, Error> {
        self.send(Request::new(Method::POST, &["v1", "logins", "identify"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists who is what to whom, in the order in which it was given.
    ///
    /// `GET /v1/memberships`. With a key of `operator:write`.
    pub async fn list_memberships(&self, query: &ListMembershipsQuery) -> Result<Page<MembershipView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "memberships"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_memberships`], page after page.
    pub fn all_memberships(&self, query: &ListMembershipsQuery) -> Pages<'_, MembershipView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "memberships"]).query(query.pairs()))
    }

    /// Gives a person a role, with the operator or with a tenant. There is one of each: to change it, take it away
    /// first.
    ///
    /// `POST /v1/memberships`. With a key of `operator:write`.
    pub async fn create_membership(&self, body: &NewMembership) -> Result<MembershipView, Error> {
        self.send(Request::new(Method::POST, &["v1", "memberships"]).json("application/json", body)?).await?.json()
    }

    /// Takes a role away at once, with the sessions that it opened. One that the identity provider's groups give
    /// comes back at the next login.
    ///
    /// `DELETE /v1/memberships/{membership}`. With a key of `operator:write`.
    pub async fn delete_membership(&self, membership: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "memberships", membership])).await?.nothing()
    }

    /// Makes a link that starts a session of a tenant, once. Takes no idempotency key: the link is not kept.
    ///
    /// `POST /v1/portal-links`. With a key of `operator:write`.
    pub async fn create_portal_link(&self, body: &NewPortalLink) -> Result<PortalLinkView, Error> {
        self.send(Request::new(Method::POST, &["v1", "portal-links"]).json("application/json", body)?).await?.json()
    }

    /// Says who is asking: what the bearer may do, and until when.
    ///
    /// `GET /v1/session`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn get_session(&self) -> Result<SessionView, Error> {
        self.send(Request::new(Method::GET, &["v1", "session"])).await?.json()
    }

    /// Ends the session that asks, at once. A key has none to end.
    ///
    /// `DELETE /v1/session`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn delete_session(&self) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "session"])).await?.nothing()
    }

    /// Starts a session of at most 8 hours with what its key may read and change. The bearer is a key, or a link,
    /// which is used up by it. A session starts none.
    ///
    /// `POST /v1/sessions`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn create_session(&self) -> Result<NewSessionView, Error> {
        self.send(Request::new(Method::POST, &["v1", "sessions"])).await?.json()
    }

    /// Lists a tenant's keys in the order they were made, without the keys themselves.
    ///
    /// `GET /v1/tenants/{tenant}/api-keys`. With a key of one of `tenant:admin`, `operator:read`.
    pub async fn list_tenant_api_keys(&self, tenant: &str, query: &Paging) -> Result<Page<ApiKeyView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "api-keys"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_api_keys`], page after page.
    pub fn all_tenant_api_keys(&self, tenant: &str, query: &Paging) -> Pages<'_, ApiKeyView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "api-keys"]).query(query.pairs()))
    }

    /// Makes a key of a tenant and shows it, once. A tenant has at most 100. Takes no idempotency key: the key is
    /// not kept.
    ///
    /// `POST /v1/tenants/{tenant}/api-keys`. With a key of one of `tenant:admin`, `operator:write`.
    pub async fn create_tenant_api_key(&self, tenant: &str, body: &NewTenantApiKey) -> Result<MintedView, Error> {
        self.send(Request::new(Method::POST, &["v1", "tenants", tenant, "api-keys"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Revokes a key of a tenant at once, with the sessions that came from it. Revoking it again changes nothing.
    ///
    /// `DELETE /v1/tenants/{tenant}/api-keys/{key}`. With a key of one of `tenant:admin`, `operator:write`.
    pub async fn delete_tenant_api_key(&self, tenant: &str, key: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "tenants", tenant, "api-keys", key])).await?.nothing()
    }

    /// Makes a key that takes the place of another of the tenant, and shows it, once; the old one ends after the
    /// grace time.
    ///
    /// `POST /v1/tenants/{tenant}/api-keys/{key}/rotate`. With a key of one of `tenant:admin`, `operator:write`.
    pub async fn rotate_tenant_api_key(&self, tenant: &str, key: &str, body: &Rotation) -> Result<MintedView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "tenants", tenant, "api-keys", key, "rotate"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists the people in the order in which they became known.
    ///
    /// `GET /v1/users`. With a key of `operator:write`.
    pub async fn list_users(&self, query: &Paging) -> Result<Page<UserView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "users"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_users`], page after page.
    pub fn all_users(&self, query: &Paging) -> Pages<'_, UserView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "users"]).query(query.pairs()))
    }

    /// Invites a person, so that they can be given roles before they first sign in: then the identity provider has
    /// to vouch for the address. Sends nothing. Takes no idempotency key: its answer would keep personal data.
    ///
    /// `POST /v1/users`. With a key of `operator:write`.
    pub async fn create_user(&self, body: &NewUser) -> Result<UserView, Error> {
        self.send(Request::new(Method::POST, &["v1", "users"]).json("application/json", body)?).await?.json()
    }

    /// Shows a person.
    ///
    /// `GET /v1/users/{user}`. With a key of `operator:write`.
    pub async fn get_user(&self, user: &str) -> Result<UserView, Error> {
        self.send(Request::new(Method::GET, &["v1", "users", user])).await?.json()
    }

    /// Erases a person: name, address and what the identity provider calls them. Their roles and sessions end; what
    /// they did stays, under an id that says nothing. Somebody who comes again is somebody else.
    ///
    /// `DELETE /v1/users/{user}`. With a key of `operator:write`.
    pub async fn delete_user(&self, user: &str) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, &["v1", "users", user])).await?.nothing()
    }
}
