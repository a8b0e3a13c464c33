//! How do people sign in? With an identity provider, and with the roles that its groups give.

use std::{collections::BTreeMap, str::FromStr};

use releve_outbound::oidc::{OidcError, Provider, Refused};
use releve_store::{
    audit_log::{self, Change},
    memberships::{self, Membership, Source},
};
use releve_types::{
    TenantId, Timestamp,
    ids::{MembershipId, UserId},
};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    auth::Role,
    error::{Code, Problem},
    lookup,
};

/// The most memberships of one person that are looked at.
pub const MEMBERSHIPS_LEN_MAX: i64 = 1_000;

/// The provider, and what its groups are here.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub provider: Provider,
    pub grants: Vec<Grant>,
}

/// Whoever is in a group of the provider has a role: with the operator, or with a tenant, by id or name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    pub group: String,
    pub tenant: Option<String>,
    pub role: Role,
}

impl FromStr for Grant {
    type Err = String;

    /// `group=operator:admin`, `group=tenant:lab:viewer`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("'{text}': expected GROUP=operator:ROLE or GROUP=tenant:NAME:ROLE, with viewer, billing or admin")
        };
        let (group, given) = text.rsplit_once('=').filter(|(group, _)| !group.is_empty()).ok_or_else(wrong)?;
        let (whose, role) = given.rsplit_once(':').ok_or_else(wrong)?;
        let role = Role::from_name(role).ok_or_else(wrong)?;
        let tenant = match whose.split_once(':') {
            None if whose == "operator" => None,
            Some(("tenant", name)) if !name.is_empty() => Some(name.to_owned()),
            _ => return Err(wrong()),
        };
        Ok(Self { group: group.to_owned(), tenant, role })
    }
}

/// What went wrong with the provider is for the log; the browser is told whether to try again.
impl From<OidcError> for Problem {
    fn from(error: OidcError) -> Self {
        tracing::warn!(%error, "nobody was signed in");
        match error {
            OidcError::Token(refused) => {
                Self::new(Code::Unauthorized, format!("the provider's word was not believed: {refused}"))
                    .because(reason(refused))
            }
            OidcError::Status { .. } => {
                Self::new(Code::Unauthorized, "the provider does not take this code: sign in again").because("code")
            }
            _ => Self::new(Code::Unavailable, "the identity provider can't be asked at the moment; the log says why"),
        }
    }
}

const fn reason(refused: Refused) -> &'static str {
    match refused {
        Refused::Malformed => "malformed",
        Refused::Algorithm => "algorithm",
        Refused::UnknownKey => "unknown_key",
        Refused::Signature => "signature",
        Refused::Issuer => "issuer",
        Refused::Audience => "audience",
        Refused::AuthorizedParty => "authorized_party",
        Refused::Expired => "expired",
        Refused::NotNow => "not_now",
        Refused::Nonce => "nonce",
        Refused::Subject => "subject",
    }
}

/// Brings what a person's groups give in line with what they are in now. What was given by hand stays.
pub(crate) async fn follow_groups(
    conn: &mut PgConnection,
    user: UserId,
    grants: &[Grant],
    groups: &[String],
    now: Timestamp,
) -> Result<(), Problem> {
    let mut due: BTreeMap<Option<TenantId>, Role> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| groups.contains(&grant.group)) {
        let tenant = match &grant.tenant {
            None => None,
            Some(name) => match lookup::tenant(conn, name).await {
                Ok(tenant) => Some(tenant.id),
                Err(missing) if missing.code == Code::NotFound => {
                    tracing::warn!(tenant = %name, "a group is set to a tenant that is not there");
                    continue;
                }
                Err(error) => return Err(error),
            },
        };
        let role = due.entry(tenant).or_insert(grant.role);
        *role = grant.role.max(*role);
    }
    let had = memberships::memberships(conn, (Some(user), None), None, MEMBERSHIPS_LEN_MAX).await?;
    for old in had.into_iter().filter(|one| one.source == Source::Claim) {
        if due.get(&old.tenant).is_some_and(|role| role.name() == old.role) {
            due.remove(&old.tenant);
            continue;
        }
        memberships::remove(conn, old.id, now).await?;
        noted(conn, "membership.remove", &old, now).await?;
    }
    for (tenant, role) in due {
        let new = Membership {
            id: MembershipId::fresh(now),
            user,
            tenant,
            role: role.name().to_owned(),
            source: Source::Claim,
            until: None,
            created_at: now,
            created_by: user.to_string(),
        };
        memberships::insert(conn, &new).await?;
        noted(conn, "membership.create", &new, now).await?;
    }
    Ok(())
}

async fn noted(conn: &mut PgConnection, action: &'static str, of: &Membership, now: Timestamp) -> Result<(), Problem> {
    let tenant = of.tenant.map(|tenant| tenant.to_string());
    let told = json!({ "user": of.user.to_string(), "tenant": tenant, "role": of.role, "source": of.source.name() });
    let (actor, subject) = (format!("{} (by group)", of.user), of.id.to_string());
    let (before, after) = if action == "membership.create" { (None, Some(told)) } else { (Some(told), None) };
    Ok(audit_log::add(conn, &Change { actor, action, subject, before, after }, now).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_as_it_is_written() {
        let grant = |text: &str| text.parse::<Grant>();
        let admins = Grant { group: "cn=admins".to_owned(), tenant: None, role: Role::Admin };
        assert_eq!(grant("cn=admins=operator:admin"), Ok(admins));
        let lab = Grant { group: "lab".to_owned(), tenant: Some("a:b".to_owned()), role: Role::Viewer };
        assert_eq!(grant("lab=tenant:a:b:viewer"), Ok(lab));
        for wrong in
            ["lab", "=operator:admin", "lab=operator:root", "lab=tenant::viewer", "lab=issuer:admin", "lab=admin"]
        {
            assert!(grant(wrong).is_err(), "{wrong}");
        }
    }
}
