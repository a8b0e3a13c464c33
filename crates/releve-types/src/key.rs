//! By what does a node know a tenant? `k8s:<cluster>/<namespace>`, `slurm:<cluster>/<account>`, `static:<name>`.

use std::{fmt, str::FromStr};

/// The longest tenant key, in bytes.
pub const TENANT_KEY_BYTES_MAX: usize = 256;

/// What the node knows of a tenant; dated rules map it to one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantKey(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantKeyError {
    #[error("the tenant key is empty")]
    Empty,
    #[error("the tenant key has {0} bytes, more than 256")]
    TooLong(usize),
    #[error("the tenant key holds a control character")]
    Control,
    #[error(
        "the tenant key '{0}' has no known form: k8s:<cluster>/<namespace>, slurm:<cluster>/<account>, static:<name>"
    )]
    Form(String),
}

impl TenantKey {
    pub fn new(text: &str) -> Result<Self, TenantKeyError> {
        if text.is_empty() {
            return Err(TenantKeyError::Empty);
        }
        if text.len() > TENANT_KEY_BYTES_MAX {
            return Err(TenantKeyError::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(TenantKeyError::Control);
        }
        let pair = |rest: &str| rest.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
        let known = match text.split_once(':') {
            Some(("k8s" | "slurm", rest)) => pair(rest),
            Some(("static", rest)) => !rest.is_empty(),
            _ => false,
        };
        if known { Ok(Self(text.to_owned())) } else { Err(TenantKeyError::Form(text.to_owned())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TenantKey {
    type Err = TenantKeyError;
    fn from_str(text: &str) -> Result<Self, TenantKeyError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_forms() {
        for good in ["k8s:prod/team-a", "slurm:jz/abc", "static:lab"] {
            assert!(TenantKey::new(good).is_ok(), "{good}");
        }
        for bad in ["", "k8s:prod", "k8s:/x", "static:", "team-a", "static:a\u{7}", "vm:x"] {
            assert!(TenantKey::new(bad).is_err(), "{bad}");
        }
        assert_eq!(TenantKey::new(&format!("static:{}", "x".repeat(300))), Err(TenantKeyError::TooLong(307)));
    }
}
