//! What may a key do? Its scopes, and the roles that people know them by.

use std::fmt;

/// What a key may do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Send reports of nodes; what is counted is decided by their signatures.
    Agent,
    /// Read `/metrics`.
    MetricsRead,
    /// What is billed, beside reading: credits, payments, purchase orders, what became of invoices.
    OperatorBilling,
    OperatorRead,
    OperatorWrite,
    /// Send readings of this meter; `*` is any.
    Reading(String),
    /// Of the one tenant that the key is bound to: its keys and its webhook endpoints.
    TenantAdmin,
    /// Of the one tenant that the key is bound to: its budgets.
    TenantBilling,
    /// Read one tenant, the one that the key is bound to.
    TenantRead,
}

impl Scope {
    /// Scopes without a parameter.
    pub const PLAIN: [Self; 8] = [
        Self::Agent,
        Self::MetricsRead,
        Self::OperatorBilling,
        Self::OperatorRead,
        Self::OperatorWrite,
        Self::TenantAdmin,
        Self::TenantBilling,
        Self::TenantRead,
    ];
    /// Those that name one tenant.
    pub const OF_TENANT: [Self; 3] = [Self::TenantAdmin, Self::TenantBilling, Self::TenantRead];
    /// Those of the web pages, which neither send readings nor scrape metrics.
    pub const OF_PAGES: [Self; 6] = [
        Self::OperatorBilling,
        Self::OperatorRead,
        Self::OperatorWrite,
        Self::TenantAdmin,
        Self::TenantBilling,
        Self::TenantRead,
    ];

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
            Self::OperatorBilling => f.write_str("operator:billing"),
            Self::OperatorRead => f.write_str("operator:read"),
            Self::OperatorWrite => f.write_str("operator:write"),
            Self::Reading(meter) => write!(f, "reading:{meter}"),
            Self::TenantAdmin => f.write_str("tenant:admin"),
            Self::TenantBilling => f.write_str("tenant:billing"),
            Self::TenantRead => f.write_str("tenant:read"),
        }
    }
}

/// What somebody is to a tenant or to the operator. Each role may what those before it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    Viewer,
    Billing,
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Billing, Self::Admin];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Billing => "billing",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The scopes of a tenant's role, in their order: no other combination is a tenant's.
    pub const fn of_tenant(self) -> &'static [Scope] {
        match self {
            Self::Viewer => &[Scope::TenantRead],
            Self::Billing => &[Scope::TenantBilling, Scope::TenantRead],
            Self::Admin => &[Scope::TenantAdmin, Scope::TenantBilling, Scope::TenantRead],
        }
    }

    /// The scopes of an operator's role.
    pub const fn of_operator(self) -> &'static [Scope] {
        match self {
            Self::Viewer => &[Scope::OperatorRead],
            Self::Billing => &[Scope::OperatorBilling, Scope::OperatorRead],
            Self::Admin => &[Scope::OperatorBilling, Scope::OperatorRead, Scope::OperatorWrite],
        }
    }

    /// The role of a tenant that has exactly these scopes, which are sorted.
    pub fn of_scopes(scopes: &[Scope]) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.of_tenant() == scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for scope in Scope::PLAIN {
            assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
        }
        assert_eq!((Scope::parse("tenant:root"), Scope::parse("reading:")), (None, None));
    }

    #[test]
    fn each_role_may_what_those_before_it_may() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].of_tenant().iter().all(|scope| pair[1].of_tenant().contains(scope)), "{pair:?}");
        }
        for role in Role::ALL {
            assert!(role.of_tenant().is_sorted(), "{role:?}");
            assert_eq!((Role::of_scopes(role.of_tenant()), Role::from_name(role.name())), (Some(role), Some(role)));
        }
        assert_eq!(Role::of_scopes(&[Scope::TenantAdmin, Scope::TenantRead]), None);
    }
}
