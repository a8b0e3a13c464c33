//! What does the provider say of itself, and of whoever came back with a code?

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64_URL},
};
use ipnet::IpNet;
use jsonwebtoken::jwk::JwkSet;
use releve_types::{Timestamp, time::MILLIS_PER_SECOND};
use reqwest::{RequestBuilder, Url, header};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{
    OidcError,
    claims::{Expected, Identity, Refused, judge, key_of},
};
use crate::{
    guard::{Ways, system_lookup},
    webhook::{kept, parse_url, with_causes},
};

/// How long one request to the provider may take, in seconds.
pub const REQUEST_SECONDS_MAX: u64 = 10;
/// How much of an answer is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long what the provider publishes is taken as it was, in seconds.
pub const KEPT_SECONDS: i64 = 60 * 60;
/// Keys are not asked for again within so many seconds: else whoever makes up key names makes us ask.
pub const KEYS_AGAIN_SECONDS: i64 = 30;

/// Where the provider is and who we are to it.
#[derive(Clone)]
pub struct ProviderConfig {
    /// As the provider writes it, to the letter.
    pub issuer: String,
    pub client_id: String,
    /// None: a public client, which PKCE alone protects.
    pub client_secret: Option<String>,
    /// Where browsers come back to.
    pub redirect_uri: String,
    /// The scopes that are asked for, `openid` first.
    pub scopes: String,
    /// Which claim holds the groups.
    pub groups: String,
    /// Networks that are not public and that the provider may be in.
    pub allowed: Vec<IpNet>,
}

/// An identity provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    config: ProviderConfig,
    ways: Ways,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    keys: Arc<JwkSet>,
    read_at: Timestamp,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}

impl Provider {
    pub fn new(config: ProviderConfig) -> Result<Self, OidcError> {
        address(&config.issuer)?;
        let patience = Duration::from_secs(REQUEST_SECONDS_MAX);
        let ways = Ways::new(&config.allowed, &system_lookup(), patience)
            .map_err(|error| OidcError::NoAnswer(with_causes(&error)))?;
        Ok(Self(Arc::new(Inner { config, ways, known: Mutex::default() })))
    }

    pub fn issuer(&self) -> &str {
        &self.0.config.issuer
    }

    /// Where the browser is sent. `verifier` is kept until it comes back.
    pub async fn begin(&self, state: &str, nonce: &str, verifier: &str, now: Timestamp) -> Result<String, OidcError> {
        let metadata = self.known(now, None).await?.metadata;
        let mut url = address(&metadata.authorization_endpoint)?;
        let challenge = BASE64_URL.encode(Sha256::digest(verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.config.client_id)
            .append_pair("redirect_uri", &self.0.config.redirect_uri)
            .append_pair("scope", &self.0.config.scopes)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Whom the provider says that a code is of.
    pub async fn identify(
        &self,
        code: &str,
        verifier: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Identity, OidcError> {
        let known = self.known(now, None).await?;
        let token = self.exchange(&known.metadata, code, verifier).await?.id_token;
        let config = &self.0.config;
        let expected =
            Expected { issuer: &config.issuer, client_id: &config.client_id, nonce, groups: &config.groups, now };
        if let (algorithm, Some(key)) = key_of(&token, &known.keys)? {
            return Ok(judge(&token, algorithm, key, &expected)?);
        }
        // Providers change their keys: perhaps it is a new one.
        let known = self.known(now, Some(known.read_at)).await?;
        let (algorithm, key) = key_of(&token, &known.keys)?;
        Ok(judge(&token, algorithm, key.ok_or(Refused::UnknownKey)?, &expected)?)
    }

    /// What the provider publishes; read again if it is old, or if it was not enough as of `lacking`.
    async fn known(&self, now: Timestamp, lacking: Option<Timestamp>) -> Result<Known, OidcError> {
        let kept = self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = kept {
            let age = now.as_millis() - known.read_at.as_millis();
            let enough = if lacking == Some(known.read_at) { KEYS_AGAIN_SECONDS } else { KEPT_SECONDS };
            if (0..enough * MILLIS_PER_SECOND).contains(&age) {
                return Ok(known);
            }
        }
        let issuer = &self.0.config.issuer;
        let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.read(&at).await?;
        if metadata.issuer != *issuer {
            return Err(OidcError::Issuer(issuer.clone()));
        }
        let keys = Arc::new(usable(self.read(&metadata.jwks_uri).await?));
        let known = Known { metadata: Arc::new(metadata), keys, read_at: now };
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    async fn read<T: DeserializeOwned>(&self, at: &str) -> Result<T, OidcError> {
        let url = address(at)?;
        ask(self.0.ways.to(&url)?.get(url)).await
    }

    async fn exchange(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<Tokens, OidcError> {
        let url = address(&metadata.token_endpoint)?;
        let config = &self.0.config;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &config.redirect_uri),
            ("code_verifier", verifier),
        ];
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let basic = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        let mut request = self.0.ways.to(&url)?.post(url);
        match &config.client_secret {
            Some(secret) if basic => {
                let pair = format!("{}:{}", escaped(&config.client_id), escaped(secret));
                request = request.header(header::AUTHORIZATION, format!("Basic {}", BASE64.encode(pair)));
            }
            Some(secret) => form.extend([("client_id", config.client_id.as_str()), ("client_secret", secret.as_str())]),
            None => form.push(("client_id", &config.client_id)),
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(encoded(&form));
        ask(request.header(header::ACCEPT, "application/json")).await
    }
}

/// Keys of kinds that we don't know are no reason to read none.
fn usable(set: RawKeys) -> JwkSet {
    JwkSet { keys: set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect() }
}

#[derive(Deserialize)]
struct RawKeys {
    keys: Vec<serde_json::Value>,
}

fn address(text: &str) -> Result<Url, OidcError> {
    parse_url(text).map_err(|refused| OidcError::Url(text.to_owned(), refused))
}

/// As a form writes it (application/x-www-form-urlencoded).
fn encoded(pairs: &[(&str, &str)]) -> String {
    Url::parse_with_params("https://form", pairs)
        .map(|url| url.query().unwrap_or_default().to_owned())
        .unwrap_or_default()
}

/// One value of a form: RFC 6749, section 2.3.1, wants it so before it is encoded again.
fn escaped(text: &str) -> String {
    encoded(&[("", text)]).trim_start_matches('=').to_owned()
}

async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, OidcError> {
    let no_answer = |error: reqwest::Error| OidcError::NoAnswer(with_causes(&error.without_url()));
    let mut response = request.send().await.map_err(no_answer)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(OidcError::Answer(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        return Err(OidcError::Status { status: status.as_u16(), body: kept(&String::from_utf8_lossy(&body)) });
    }
    serde_json::from_slice(&body).map_err(|error| OidcError::Answer(error.to_string()))
}
