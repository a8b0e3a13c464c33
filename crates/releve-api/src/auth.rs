//! Who is calling, and what may they do? API keys, and the scopes that handlers ask for.
//!
//! A scope can be made here only, by a request that carries a key that has it: a handler that takes
//! [`TenantScope`] can't be called for a tenant that its caller must not see. Keys are 256 random bits, shown once
//! and stored as their SHA-256; nothing about them is remembered between requests, so a revoked one is dead at once.
//! A session is a key that ends by itself and holds in a browser; a link opens nothing but one session.

mod doors;
mod mint;
mod scope;

use axum::http::{header, request::Parts};
use releve_store::{
    StoreError,
    api_keys::{self, ApiKey, CredentialKind},
};
use releve_types::{
    Timestamp,
    ids::{ApiKeyId, UserId},
};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use subtle::ConstantTimeEq;

pub use doors::{
    AgentScope, BeginScope, MetricsScope, OperatorBillingScope, OperatorScope, OperatorWriteScope, ReaderScope,
    ReadingScope, TenantAdminReadScope, TenantAdminScope, TenantBillingScope, TenantScope,
};
pub(crate) use mint::fresh_secret;
pub use mint::{Minted, mint, mint_again};
pub use scope::{Role, Scope};

use crate::{
    AppState,
    error::{Code, Problem},
    limit::Door,
};

/// What every key starts with, so that a leaked one is found by a search.
pub const KEY_PREFIX: &str = "rlv_";
/// What every session starts with.
pub const SESSION_PREFIX: &str = "rls_";
/// What every link starts with.
pub const LINK_PREFIX: &str = "rll_";
/// How much of a key is kept readable, to tell keys apart.
pub const HINT_LEN: usize = 12;
/// The longest credential that is looked at, in bytes.
pub const CREDENTIAL_BYTES_MAX: usize = 256;

/// Whoever holds the key that a request carries.
#[derive(Clone, Debug)]
pub struct Caller(ApiKey);

impl Caller {
    pub fn key(&self) -> ApiKeyId {
        self.0.id
    }

    pub fn record(&self) -> &ApiKey {
        &self.0
    }

    /// As the audit log names it: a person by an opaque id, which stays when they are erased.
    pub fn actor(&self) -> String {
        format!("{} ({})", self.0.name, self.0.id)
    }

    /// With what it makes keys: as a person, or with the key that its session comes from.
    pub fn minter(&self) -> (Option<ApiKeyId>, Option<UserId>) {
        match self.0.person {
            Some((user, _)) => (None, Some(user)),
            None => (Some(self.0.made_by.unwrap_or(self.0.id)), None),
        }
    }

    /// Whether its key has a scope.
    pub fn has(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Reading(meter) => self.0.meters.iter().any(|m| m == "*" || m == meter),
            plain => self.0.scopes.contains(&plain.to_string()),
        }
    }

    /// One of these is enough.
    fn must_have(self, scopes: &[Scope]) -> Result<Self, Problem> {
        if scopes.iter().any(|scope| self.has(scope)) {
            return Ok(self);
        }
        let named: Vec<String> = scopes.iter().map(|scope| format!("'{scope}'")).collect();
        Err(Problem::new(Code::Forbidden, format!("this takes a key with the scope {}", named.join(" or "))))
    }
}

/// Finds the caller, and whatever else the request's scope needs, in one short transaction that is over before
/// the handler begins its own: there may be one connection only.
async fn authenticate<T>(
    parts: &Parts,
    app: &AppState,
    door: Door,
    more: impl AsyncFnOnce(&mut PgConnection, Caller) -> Result<T, Problem>,
) -> Result<T, Problem> {
    authenticate_as(parts, app, door, &[CredentialKind::Key, CredentialKind::Session], more).await
}

/// The same for some kinds of credentials only.
async fn authenticate_as<T>(
    parts: &Parts,
    app: &AppState,
    door: Door,
    kinds: &[CredentialKind],
    more: impl AsyncFnOnce(&mut PgConnection, Caller) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let digest = credential(parts)?;
    let now = app.now();
    let mut tx = app.db().begin_app().await?;
    let caller = match find(&mut tx, &digest, kinds, now).await {
        Ok(Ok(caller)) => caller,
        Ok(Err(refused)) => {
            app.limits().take(Door::Refused, None)?;
            return Err(refused);
        }
        Err(error) => return Err(error.into()),
    };
    app.limits().take(door, Some(caller.key()))?;
    let found = more(&mut tx, caller).await?;
    tx.commit().await?;
    Ok(found)
}

fn credential(parts: &Parts) -> Result<[u8; 32], Problem> {
    let refused = |reason, detail: &str| Problem::new(Code::Unauthorized, detail).because(reason);
    let Some(header) = parts.headers.get(header::AUTHORIZATION) else {
        return Err(refused("missing", "send 'Authorization: Bearer <API key>'"));
    };
    let text = header.to_str().ok().filter(|text| text.len() <= CREDENTIAL_BYTES_MAX);
    let key = text.and_then(|text| text.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    match key {
        Some((_, key)) if [KEY_PREFIX, SESSION_PREFIX, LINK_PREFIX].iter().any(|p| key.trim().starts_with(p)) => {
            Ok(Sha256::digest(key.trim().as_bytes()).into())
        }
        _ => Err(refused("malformed", "the credential is no API key: expected 'Bearer rlv_…'")),
    }
}

async fn find(
    conn: &mut PgConnection,
    digest: &[u8; 32],
    kinds: &[CredentialKind],
    now: Timestamp,
) -> Result<Result<Caller, Problem>, StoreError> {
    let refused = |reason, detail: &str| Ok(Err(Problem::new(Code::Unauthorized, detail).because(reason)));
    // The index finds the digest, not the key, and the bytes are compared again in constant time: how long a
    // refusal takes says nothing about any key.
    let found = api_keys::by_digest(conn, digest).await?.filter(|key| bool::from(key.sha256.ct_eq(digest)));
    let Some(key) = found.filter(|key| kinds.contains(&key.kind)) else {
        return refused("unknown", "there is no such API key");
    };
    if key.revoked_at.is_some() {
        return match key.kind {
            CredentialKind::Key => refused("revoked", "the API key was revoked"),
            CredentialKind::Session => refused("revoked", "the session was ended"),
            CredentialKind::Link => refused("revoked", "the link was used before, or taken back"),
        };
    }
    if key.expires_at.is_some_and(|at| at <= now) {
        return match key.kind {
            CredentialKind::Key => refused("expired", "the API key has expired"),
            CredentialKind::Session => refused("expired", "the session has expired"),
            CredentialKind::Link => refused("expired", "the link has expired"),
        };
    }
    api_keys::touch(conn, key.id, now).await?;
    Ok(Ok(Caller(key)))
}
