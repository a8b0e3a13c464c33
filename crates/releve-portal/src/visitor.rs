//! Who is looking? A session in a cookie, and a token in every form that changes something.
//!
//! The session is a credential of the API, and ends there: nothing about it is kept here.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    Portal,
    api::{Api, Failure},
};

/// Over https the prefix makes browsers hold the cookie to this host, to https and to the whole site.
const COOKIE: &str = "__Host-releve";
/// On plain http, which is taken from this machine only, browsers refuse that prefix.
const LOOPBACK_COOKIE: &str = "releve";
/// What the cookie of a login under way adds to these names.
const LOGIN: &str = "-login";
/// How long a login may take, in seconds.
const LOGIN_SECONDS_MAX: u32 = 10 * 60;

/// What may change a tenant's budgets, and what is between it and its invoices: one of these.
pub(crate) const TENANT_BILLING: [&str; 2] = ["tenant:billing", "operator:write"];
/// What may change a tenant's keys and endpoints.
pub(crate) const TENANT_ADMIN: [&str; 2] = ["tenant:admin", "operator:write"];
/// What may decide on what is billed.
pub(crate) const OPERATOR_BILLING: [&str; 2] = ["operator:billing", "operator:write"];

/// Somebody with a session, and what the API says of it.
pub(crate) struct Visitor {
    secret: String,
    api: Arc<Api>,
    pub about: About,
}

#[derive(Deserialize)]
pub(crate) struct About {
    pub name: String,
    pub scopes: Vec<String>,
    pub tenant: Option<Named>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct Named {
    pub id: String,
    pub name: String,
}

impl Visitor {
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.api.get(&self.secret, path).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.api.post(&self.secret, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.api.delete(&self.secret, path).await
    }

    pub fn api(&self) -> (&Api, &str) {
        (&self.api, &self.secret)
    }

    pub fn is_operator(&self) -> bool {
        self.may("operator:read")
    }

    pub fn may(&self, scope: &str) -> bool {
        self.about.scopes.iter().any(|s| s == scope)
    }

    pub fn may_any(&self, scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| self.may(scope))
    }

    /// The token of this session's forms: whoever can't read a page can't know it.
    pub fn form_token(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(b"releve portal form\0");
        digest.update(self.secret.as_bytes());
        hex::encode(digest.finalize())
    }

    /// Refuses a form that did not come from a page of this session.
    pub fn check_form(&self, headers: &HeaderMap, token: &str) -> Result<(), Failure> {
        check_origin(headers)?;
        if bool::from(self.form_token().as_bytes().ct_eq(token.as_bytes())) { Ok(()) } else { Err(Failure::forged()) }
    }
}

impl FromRequestParts<Portal> for Visitor {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Failure> {
        let nobody = || Failure::new(StatusCode::UNAUTHORIZED, "Sign in", "");
        let secret = session_in(&parts.headers).ok_or_else(nobody)?;
        let about = portal.api.get(&secret, "/v1/session").await?;
        Ok(Self { secret, api: portal.api.clone(), about })
    }
}

fn cookie_name(headers: &HeaderMap) -> &'static str {
    if is_plain_loopback(headers) { LOOPBACK_COOKIE } else { COOKIE }
}

/// Whether the browser speaks plain http to its own machine. Everything else is https, or the cookie is not kept.
fn is_plain_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    let forwarded = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    ["localhost", "127.0.0.1", "[::1]"].contains(&name) && !forwarded
}

fn kept_in(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    found.next().map(str::to_owned)
}

/// Only sessions: a key in a cookie would have no end.
fn session_in(headers: &HeaderMap) -> Option<String> {
    kept_in(headers, cookie_name(headers)).filter(|value| value.starts_with("rls_"))
}

/// What the browser keeps of a login under way.
pub(crate) fn login_in(headers: &HeaderMap) -> Option<String> {
    kept_in(headers, &format!("{}{LOGIN}", cookie_name(headers))).filter(|value| !value.is_empty())
}

/// The cookie that holds a session, or that takes it back.
pub(crate) fn cookie(headers: &HeaderMap, secret: Option<&str>) -> String {
    written(headers, "", secret.map(|secret| (secret, None)))
}

/// The cookie that holds a login under way, or that takes it back.
pub(crate) fn login_cookie(headers: &HeaderMap, secret: Option<&str>) -> String {
    written(headers, LOGIN, secret.map(|secret| (secret, Some(LOGIN_SECONDS_MAX))))
}

fn written(headers: &HeaderMap, kind: &str, held: Option<(&str, Option<u32>)>) -> String {
    let name = cookie_name(headers);
    let secure = if name == COOKIE { "; Secure" } else { "" };
    let (secret, seconds) = held.unwrap_or(("", Some(0)));
    let end = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    format!("{name}{kind}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{end}")
}

/// Refuses what a browser says comes from another site.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Failure::forged());
    }
    let host = text("host").unwrap_or_default();
    let own = |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| authority == host);
    if text("origin").is_some_and(|origin| !own(origin)) {
        return Err(Failure::forged());
    }
    Ok(())
}
