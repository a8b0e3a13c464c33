//! How is a credential made? Of 256 random bits, shown once, kept as a digest.

use releve_store::api_keys::{ApiKey, CredentialKind};
use releve_types::{
    TenantId, Timestamp,
    ids::{ApiKeyId, MembershipId, UserId},
};
use sha2::{Digest, Sha256};

use super::{HINT_LEN, KEY_PREFIX, LINK_PREFIX, SESSION_PREFIX, Scope};
use crate::error::Problem;

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
        replaces: None,
        person: None,
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

/// Makes a key that takes the place of another: what it is called and what it may stay.
pub fn mint_again(old: &ApiKey, created_by: &str, now: Timestamp) -> Result<Minted, Problem> {
    let minted = mint(&old.name, &[], old.tenant, created_by, now)?;
    let (scopes, meters) = (old.scopes.clone(), old.meters.clone());
    Ok(Minted { record: ApiKey { replaces: Some(old.id), scopes, meters, ..minted.record }, ..minted })
}

pub(crate) fn fresh_secret(prefix: &str) -> Result<String, Problem> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|error| Problem::internal(&error))?;
    Ok(format!("{prefix}{}", hex::encode(random)))
}

impl Minted {
    /// The same as a link or a session: one that came from a key and ends at the latest when it does.
    pub fn from_key(&self, kind: CredentialKind, made_by: ApiKeyId, expires_at: Timestamp) -> Result<Self, Problem> {
        let prefix = if kind == CredentialKind::Link { LINK_PREFIX } else { SESSION_PREFIX };
        self.ending(
            prefix,
            ApiKey { kind, made_by: Some(made_by), expires_at: Some(expires_at), ..self.record.clone() },
        )
    }

    /// The same as a session of a person, in one of their memberships.
    pub fn of_person(&self, person: (UserId, MembershipId), expires_at: Timestamp) -> Result<Self, Problem> {
        let (kind, person) = (CredentialKind::Session, Some(person));
        self.ending(SESSION_PREFIX, ApiKey { kind, person, expires_at: Some(expires_at), ..self.record.clone() })
    }

    fn ending(&self, prefix: &str, record: ApiKey) -> Result<Self, Problem> {
        let secret = fresh_secret(prefix)?;
        let (sha256, hint) = (Sha256::digest(secret.as_bytes()).into(), secret.chars().take(HINT_LEN).collect());
        Ok(Self { secret, record: ApiKey { sha256, hint, ..record } })
    }
}
