//! Who is calling, and what may they do? API keys, and the scopes that handlers ask for.
//!
//! A scope can be made here only, by a request that carries a key that has it: a handler that takes
//! [`TenantScope`] can't be called for a tenant that its caller must not see. Keys are 256 random bits, shown once
//! and stored as their SHA-256; nothing about them is remembered between requests, so a revoked one is dead at once.
//! A session is a key that ends by itself and holds in a browser; a link opens nothing but one session.

use std::fmt;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{header, request::Parts},
};
use releve_store::{
    StoreError, TenantTx,
    api_keys::{self, ApiKey, CredentialKind},
    customers::Tenant,
};
use releve_types::{AccountId, TenantId, Timestamp, ids::ApiKeyId};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use subtle::ConstantTimeEq;

use crate::{
    AppState,
    error::{Code, Problem},
    limit::Door,
    lookup,
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

/// What a key may do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Send reports of nodes; what is counted is decided by their signatures.
    Agent,
    /// Read `/metrics`.
    MetricsRead,
    OperatorRead,
    OperatorWrite,
    /// Send readings of this meter; `*` is any.
    Reading(String),
    /// Read one tenant, the one that the key is bound to.
    TenantRead,
}

impl Scope {
    /// Scopes without a parameter.
    pub const PLAIN: [Self; 5] =
        [Self::Agent, Self::MetricsRead, Self::OperatorRead, Self::OperatorWrite, Self::TenantRead];

    pub fn parse(text: &str) -> Option<Self> {
        if let Some(meter) = text.strip_prefix("reading:") {
            let part = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '+' | '_' | '-');
            let known = meter == "*" || (!meter.is_empty() && meter.len() <= 64 && meter.chars().all(part));
            return known.then(|| Self::Reading(meter.to_owned()));
        }
        Self::PLAIN.into_iter().find(|scope| scope.to_string() == text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent => f.write_str("agent"),
            Self::MetricsRead => f.write_str("metrics:read"),
            Self::OperatorRead => f.write_str("operator:read"),
            Self::OperatorWrite => f.write_str("operator:write"),
            Self::Reading(meter) => write!(f, "reading:{meter}"),
            Self::TenantRead => f.write_str("tenant:read"),
        }
    }
}

/// A new key: the text for its owner, once, and the record for the store.
pub struct Minted {
    pub secret: String,
    pub record: ApiKey,
}

/// Makes a key of 256 random bits.
pub fn mint(
    name: &str,
    scopes: &[Scope],
    tenant: Option<TenantId>,
    created_by: &str,
    now: Timestamp,
) -> Result<Minted, Problem> {
    let secret = fresh_secret(KEY_PREFIX)?;
    let meters = scopes.iter().filter_map(|s| if let Scope::Reading(meter) = s { Some(meter.clone()) } else { None });
    let plain = scopes.iter().filter(|s| !matches!(s, Scope::Reading(_)));
    let record = ApiKey {
        id: ApiKeyId::fresh(now),
        kind: CredentialKind::Key,
        made_by: None,
        sha256: Sha256::digest(secret.as_bytes()).into(),
        hint: secret.chars().take(HINT_LEN).collect(),
        name: name.to_owned(),
        tenant,
        scopes: plain.map(Scope::to_string).collect(),
        meters: meters.collect(),
        created_at: now,
        created_by: created_by.to_owned(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    Ok(Minted { secret, record })
}

fn fresh_secret(prefix: &str) -> Result<String, Problem> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|error| Problem::internal(&error))?;
    Ok(format!("{prefix}{}", hex::encode(random)))
}

impl Minted {
    /// The same as a link or a session: one that came from a key and ends at the latest when it does.
    pub fn from_key(self, kind: CredentialKind, made_by: ApiKeyId, expires_at: Timestamp) -> Result<Self, Problem> {
        let prefix = if kind == CredentialKind::Link { LINK_PREFIX } else { SESSION_PREFIX };
        let secret = fresh_secret(prefix)?;
        let record = ApiKey {
            kind,
            made_by: Some(made_by),
            sha256: Sha256::digest(secret.as_bytes()).into(),
            hint: secret.chars().take(HINT_LEN).collect(),
            expires_at: Some(expires_at),
            ..self.record
        };
        Ok(Self { secret, record })
    }
}

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

    /// As the audit log names it.
    pub fn actor(&self) -> String {
        format!("{} ({})", self.0.name, self.0.id)
    }

    fn has(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Reading(meter) => self.0.meters.iter().any(|m| m == "*" || m == meter),
            plain => self.0.scopes.contains(&plain.to_string()),
        }
    }

    fn must_have(self, scope: &Scope) -> Result<Self, Problem> {
        if self.has(scope) {
            return Ok(self);
        }
        Err(Problem::new(Code::Forbidden, format!("this takes a key with the scope '{scope}'")))
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

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident => $scope:expr, $door:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Caller);

        impl $name {
            pub fn caller(&self) -> &Caller {
                &self.0
            }
        }

        impl FromRequestParts<AppState> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
                authenticate(parts, app, $door, async |_, caller| caller.must_have(&$scope).map(Self)).await
            }
        }
    )*};
}

scopes! {
    /// May read everything.
    OperatorScope => Scope::OperatorRead, Door::Api;
    /// May change what operators change.
    OperatorWriteScope => Scope::OperatorWrite, Door::Api;
    /// May send reports.
    AgentScope => Scope::Agent, Door::Intake;
    /// May read `/metrics`.
    MetricsScope => Scope::MetricsRead, Door::Api;
}

/// May read what pages show: a tenant's or an operator's.
#[derive(Clone, Debug)]
pub struct ReaderScope(Caller);

impl ReaderScope {
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

fn must_read(caller: Caller) -> Result<Caller, Problem> {
    if caller.has(&Scope::OperatorRead) || caller.has(&Scope::TenantRead) {
        return Ok(caller);
    }
    Err(Problem::new(Code::Forbidden, "this takes a key with the scope 'tenant:read' or 'operator:read'"))
}

impl FromRequestParts<AppState> for ReaderScope {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        authenticate(parts, app, Door::Api, async |_, caller| must_read(caller).map(Self)).await
    }
}

/// May start a session: whoever may read, and a link. A session may not, or it would go on for ever.
#[derive(Clone, Debug)]
pub struct BeginScope(Caller);

impl BeginScope {
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

impl FromRequestParts<AppState> for BeginScope {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let kinds = [CredentialKind::Key, CredentialKind::Link];
        authenticate_as(parts, app, Door::Api, &kinds, async |_, caller| must_read(caller).map(Self)).await
    }
}

/// May send readings of some meters.
#[derive(Clone, Debug)]
pub struct ReadingScope(Caller);

impl ReadingScope {
    pub fn covers(&self, meter: &str) -> bool {
        self.0.has(&Scope::Reading(meter.to_owned()))
    }
}

impl FromRequestParts<AppState> for ReadingScope {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        authenticate(parts, app, Door::Intake, async |_, caller| {
            if caller.0.meters.is_empty() {
                return Err(Problem::new(Code::Forbidden, "this takes a key with a scope 'reading:<meter>'"));
            }
            Ok(Self(caller))
        })
        .await
    }
}

/// May read one tenant: the one in the path, which the key is bound to, or any for an operator.
#[derive(Clone, Debug)]
pub struct TenantScope {
    tenant: Tenant,
}

impl TenantScope {
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub fn id(&self) -> TenantId {
        self.tenant.id
    }

    pub fn account(&self) -> AccountId {
        self.tenant.account
    }

    /// A transaction that sees this tenant's rows only: the one way to the database in tenant code.
    pub async fn begin(&self, app: &AppState) -> Result<TenantTx, Problem> {
        Ok(app.db().begin_tenant(self.tenant.id, self.tenant.account).await?)
    }
}

impl FromRequestParts<AppState> for TenantScope {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        let reference = params.ok().and_then(|params| {
            let found = params.iter().find(|(name, _)| *name == "tenant");
            found.map(|(_, value)| value.to_owned())
        });
        let reference = reference.unwrap_or_default();
        authenticate(parts, app, Door::Api, async |conn, caller| {
            let caller = must_read(caller)?;
            // A tenant's key looks up its own tenant, whatever the path says: what is another's and what never
            // was take the same way to the same answer.
            let tenant = if caller.has(&Scope::OperatorRead) {
                lookup::tenant(conn, &reference).await?
            } else {
                let own = match caller.0.tenant {
                    Some(id) => releve_store::customers::tenant(conn, id).await?,
                    None => None,
                };
                let named = |tenant: &Tenant| tenant.name == reference || tenant.id.to_string() == reference;
                own.filter(named).ok_or_else(|| Problem::not_found("tenant", &reference))?
            };
            Ok(Self { tenant })
        })
        .await
    }
}
