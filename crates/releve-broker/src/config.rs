//! Where is the broker, and how do we introduce ourselves?

use std::{fmt, time::Duration};

use lapin::{
    tcp::{OwnedIdentity, OwnedTLSConfig},
    uri::{AMQPScheme, AMQPUri},
};

use crate::{
    error::ConfigError,
    limits::{BACKOFF_MAX, BACKOFF_MIN, CONNECT_WAIT_MAX, HEARTBEAT_SECONDS},
};

/// A broker's address, its credentials, and how patient we are with it.
#[derive(Clone)]
pub struct BrokerConfig {
    pub(crate) uri: AMQPUri,
    pub(crate) name: String,
    pub(crate) tls: TlsConfig,
    pub connect_wait_max: Duration,
    pub backoff_min: Duration,
    pub backoff_max: Duration,
}

/// For `amqps`: whom we trust, and who we are. Empty means the system's certificate authorities and a password.
#[derive(Clone, Default)]
pub struct TlsConfig {
    /// Certificate authorities in PEM, besides the system's.
    pub authorities_pem: Option<String>,
    /// Certificate chain and PKCS#8 key in PEM; with `?auth_mechanism=external` they replace user and password.
    pub identity_pem: Option<(Vec<u8>, Vec<u8>)>,
}

impl BrokerConfig {
    /// `url` as RabbitMQ spells it: `amqp://user:password@host:5672/vhost`, or `amqps`. `name` is what the broker's
    /// operator sees in the list of connections.
    pub fn new(url: &str, name: &str) -> Result<Self, ConfigError> {
        let mut uri: AMQPUri = url.parse().map_err(ConfigError::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self {
            uri,
            name: name.to_owned(),
            tls: TlsConfig::default(),
            connect_wait_max: CONNECT_WAIT_MAX,
            backoff_min: BACKOFF_MIN,
            backoff_max: BACKOFF_MAX,
        })
    }

    #[must_use]
    pub fn with_tls(mut self, tls: TlsConfig) -> Self {
        self.tls = tls;
        self
    }

    pub(crate) fn tls(&self) -> Option<OwnedTLSConfig> {
        (self.uri.scheme == AMQPScheme::AMQPS).then(|| OwnedTLSConfig {
            identity: self.tls.identity_pem.clone().map(|(pem, key)| OwnedIdentity::PKCS8 { pem, key }),
            cert_chain: self.tls.authorities_pem.clone(),
        })
    }
}

/// Without the password, so that it can be logged.
impl fmt::Display for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.uri;
        write!(f, "{scheme}://{}@{}:{}/{vhost}", authority.userinfo.username, authority.host, authority.port)
    }
}

impl fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let config = BrokerConfig::new("amqp://meter:s3cret@broker:5673/gpu", "test").unwrap();
        assert_eq!(format!("{config} {config:?}"), "amqp://meter@broker:5673/gpu amqp://meter@broker:5673/gpu");
    }

    #[test]
    fn the_heartbeat_is_ours_unless_the_url_has_one() {
        let heartbeat = |url| BrokerConfig::new(url, "test").unwrap().uri.query.heartbeat;
        assert_eq!(heartbeat("amqp://broker/"), Some(10));
        assert_eq!(heartbeat("amqp://broker/%2f?heartbeat=3"), Some(3));
    }

    #[test]
    fn a_url_of_another_kind_is_refused() {
        assert!(matches!(BrokerConfig::new("http://broker", "test"), Err(ConfigError::Url(_))));
    }
}
