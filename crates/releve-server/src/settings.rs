//! What can be set? One struct: each setting is a flag and an environment variable, and nothing is set elsewhere.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use releve_api::{
    approval::Limit,
    sign_in::{Grant, SignIn},
};
use releve_broker::{BrokerConfig, ConfigError, Events};
use releve_jobs::{hand_over::Destination, webhooks::Sender};
use releve_outbound::{
    IpNet, MailSender, Storage, WebhookSender,
    mail::MailError,
    oidc::{OidcError, Provider, ProviderConfig},
    storage::StorageConfig,
    webhook::{SendError, TRY_SECONDS_MAX},
};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};

use crate::{export_settings::ExportSettings, limits::AlertLimits};

/// Connections to a PostgreSQL server, unless set.
pub const POOL_LEN: u32 = 8;
/// Report queues at the broker, unless set. A power of two.
pub const SHARDS: u32 = 4;

#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// PostgreSQL to use (15 to 18). Without it, an embedded one.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// RabbitMQ to use. Without it, reports come in over HTTP alone, and endpoints `amqp:` are told nothing.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub amqp_url: Option<String>,

    /// Where the embedded database and the archive are kept. Without it, `demo` and `replay` use a fresh
    /// temporary directory, and `up` uses ./releve-data.
    #[arg(long, env = "RELEVE_DATA", global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Where reports go that are too old for the database: a directory, or s3://BUCKET/PREFIX. Without it, they go
    /// beside an embedded database, and stay in a server's.
    #[arg(long, env = "RELEVE_ARCHIVE", global = true, value_name = "DIR|URL")]
    pub archive: Option<String>,

    #[command(flatten)]
    pub exports: ExportSettings,

    #[command(flatten)]
    pub s3: S3,

    /// Where issued documents are put for whoever takes them on, with a manifest: a directory, s3://BUCKET/PREFIX, or an
    /// http(s):// address that takes PUT. Without it, they leave when somebody fetches them.
    #[arg(long, env = "RELEVE_HAND_OVER", global = true, value_name = "DIR|URL")]
    pub hand_over: Option<String>,

    /// What an http(s):// address is told in `Authorization: Bearer`.
    #[arg(long, env = "RELEVE_HAND_OVER_TOKEN", hide_env_values = true, global = true, value_name = "TOKEN")]
    pub hand_over_token: Option<Secret>,

    /// Hand over only what was issued from then on. Without it, all that was not.
    #[arg(long, env = "RELEVE_HAND_OVER_SINCE", global = true, value_name = "INSTANT")]
    pub hand_over_since: Option<Timestamp>,

    /// Networks that are not public and that webhooks may be posted to nevertheless, also by http, separated by commas.
    #[arg(long, env = "RELEVE_WEBHOOK_ALLOW", global = true, value_name = "CIDR", value_delimiter = ',')]
    pub webhook_allow: Vec<IpNet>,

    /// The same for webhooks of endpoints that tenants made for themselves.
    #[arg(long, env = "RELEVE_TENANT_WEBHOOK_ALLOW", global = true, value_name = "CIDR", value_delimiter = ',')]
    pub tenant_webhook_allow: Vec<IpNet>,

    /// What one operator may give an account alone, by currency, as in EUR=1000,USD=1200: a credit above that is a proposal that
    /// another person approves. Where there is a limit, a currency without one has none. Without it, nobody needs a second.
    #[arg(
        long,
        env = "RELEVE_APPROVE_CREDITS_ABOVE",
        global = true,
        value_name = "CURRENCY=AMOUNT",
        value_delimiter = ','
    )]
    pub approve_credits_above: Vec<Limit>,

    #[command(flatten)]
    pub people: People,

    /// The mail server that endpoints like mailto:billing@example.com are reached over: smtps://user:password@host, or
    /// smtp://host:587?tls=required.
    #[arg(
        long,
        env = "RELEVE_SMTP",
        global = true,
        hide_env_values = true,
        requires = "mail_from",
        value_name = "URL"
    )]
    pub smtp: Option<Secret>,

    /// Whom mail comes from, as in 'Billing <billing@example.com>'.
    #[arg(long, env = "RELEVE_MAIL_FROM", global = true, value_name = "ADDRESS")]
    pub mail_from: Option<String>,

    /// How many days reports stay in the database before they are archived.
    #[arg(long, env = "RELEVE_REPORTS_KEEP_DAYS", global = true, value_name = "DAYS",
          default_value_t = releve_jobs::REPORTS_KEEP_DAYS, value_parser = clap::value_parser!(i64).range(1..))]
    pub reports_keep_days: i64,

    /// Hours between a period's end and its invoices, so that spools can empty. `never`: only who asks bills.
    #[arg(long, env = "RELEVE_ISSUE_AFTER_HOURS", global = true, value_name = "HOURS|never", default_value = "48")]
    pub issue_after_hours: IssueAfter,

    #[command(flatten)]
    pub alerts: AlertLimits,

    /// Where the API listens.
    #[arg(long, env = "RELEVE_LISTEN", global = true, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Report queues at the broker: a power of two, fixed for a prefix.
    #[arg(long, env = "RELEVE_SHARDS", global = true, value_name = "COUNT", default_value_t = SHARDS)]
    pub shards: u32,

    /// What the names of exchanges and queues begin with.
    #[arg(long, env = "RELEVE_PREFIX", global = true, value_name = "NAME", default_value = "releve")]
    pub prefix: String,

    /// Connections to the PostgreSQL server. The embedded one has one.
    #[arg(long, env = "RELEVE_POOL", global = true, value_name = "COUNT", default_value_t = POOL_LEN)]
    pub pool: u32,

    /// The largest report, in bytes: 65536, or up to 1048576 where one instant's segments pass that.
    #[arg(long, env = "RELEVE_MESSAGE_BYTES_MAX", global = true, value_name = "BYTES",
          default_value_t = releve_wire::limits::MESSAGE_BYTES_MAX)]
    pub message_bytes_max: usize,

    /// What is logged to standard error: a level, or filters as tracing-subscriber writes them.
    #[arg(
        long,
        env = "RELEVE_LOG",
        global = true,
        value_name = "FILTER",
        default_value = "warn,sqlx=error,releve=info"
    )]
    pub log: String,

    /// Print one JSON object on standard output.
    #[arg(long, global = true)]
    pub json: bool,
}

/// How people sign in to the pages with an identity provider. Without an issuer, they come with keys and links.
#[derive(Args, Clone, Debug)]
pub struct People {
    /// The identity provider's issuer address, to the letter as it writes it itself (OpenID Connect).
    #[arg(long = "oidc-issuer", env = "RELEVE_OIDC_ISSUER", global = true, requires_all = ["oidc_client_id", "public_url"], value_name = "URL")]
    pub oidc_issuer: Option<String>,

    /// What this server is called at the provider.
    #[arg(long = "oidc-client-id", env = "RELEVE_OIDC_CLIENT_ID", global = true, value_name = "ID")]
    pub oidc_client_id: Option<String>,

    /// Without it, this is a public client, which PKCE alone protects.
    #[arg(
        long = "oidc-client-secret",
        env = "RELEVE_OIDC_CLIENT_SECRET",
        hide_env_values = true,
        global = true,
        value_name = "SECRET"
    )]
    pub oidc_client_secret: Option<Secret>,

    /// Where browsers find this server, as in https://billing.example.com: the provider sends them back there.
    #[arg(long, env = "RELEVE_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,

    /// The scopes that the provider is asked for, separated by spaces.
    #[arg(
        long = "oidc-scopes",
        env = "RELEVE_OIDC_SCOPES",
        global = true,
        value_name = "SCOPES",
        default_value = "openid profile email"
    )]
    pub oidc_scopes: String,

    /// Which claim of the ID token holds the groups of a person.
    #[arg(
        long = "oidc-groups-claim",
        env = "RELEVE_OIDC_GROUPS_CLAIM",
        global = true,
        value_name = "NAME",
        default_value = "groups"
    )]
    pub oidc_groups_claim: String,

    /// What groups are here, separated by commas: GROUP=operator:ROLE or GROUP=tenant:NAME:ROLE, with viewer, billing or admin.
    #[arg(long = "oidc-grant", env = "RELEVE_OIDC_GRANTS", global = true, value_name = "GRANT", value_delimiter = ',')]
    pub oidc_grants: Vec<Grant>,

    /// Networks that are not public and that the provider may be in nevertheless, also by http, separated by commas.
    #[arg(long = "oidc-allow", env = "RELEVE_OIDC_ALLOW", global = true, value_name = "CIDR", value_delimiter = ',')]
    pub oidc_allow: Vec<IpNet>,
}

impl People {
    /// How people sign in, if a provider was named.
    pub fn sign_in(&self) -> Result<Option<SignIn>, SettingsError> {
        let named = self.oidc_issuer.clone().zip(self.oidc_client_id.clone()).zip(self.public_url.as_ref());
        let Some(((issuer, client_id), public_url)) = named else { return Ok(None) };
        let provider = Provider::new(ProviderConfig {
            issuer,
            client_id,
            client_secret: self.oidc_client_secret.as_ref().map(|secret| secret.0.clone()),
            redirect_uri: format!("{}/portal/oidc/callback", public_url.trim_end_matches('/')),
            scopes: self.oidc_scopes.clone(),
            groups: self.oidc_groups_claim.clone(),
            allowed: self.oidc_allow.clone(),
        })?;
        Ok(Some(SignIn { provider, grants: self.oidc_grants.clone() }))
    }
}

/// How a bucket is reached, where the archive, or where documents are handed over to, is one.
#[derive(Args, Clone)]
pub struct S3 {
    /// The bucket's region.
    #[arg(long = "s3-region", env = "AWS_REGION", global = true, value_name = "NAME", default_value = "us-east-1")]
    pub region: String,
    /// Where the store is, unless it is Amazon's; http:// only where you write it.
    #[arg(long = "s3-endpoint", env = "AWS_ENDPOINT_URL", global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    #[arg(
        long = "s3-access-key-id",
        env = "AWS_ACCESS_KEY_ID",
        global = true,
        value_name = "ID",
        hide_env_values = true,
        default_value = ""
    )]
    pub access_key_id: String,
    #[arg(
        long = "s3-secret-access-key",
        env = "AWS_SECRET_ACCESS_KEY",
        global = true,
        value_name = "SECRET",
        hide_env_values = true,
        default_value = ""
    )]
    pub secret_access_key: String,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("region", &self.region).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// When a period is billed without being asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IssueAfter {
    Hours(u16),
    Never,
}

impl FromStr for IssueAfter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            hours => hours.parse().map(Self::Hours).map_err(|_| "expected hours up to 65535, or never".to_owned()),
        }
    }
}

/// What is never printed.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("--hand-over {0}: expected a directory, s3://BUCKET/PREFIX, or an http(s):// address without a password")]
    HandOver(String),
    #[error("--exports {0}: expected a directory or s3://BUCKET/PREFIX")]
    Exports(String),
    #[error("--archive {0}: expected a directory or s3://BUCKET/PREFIX")]
    Archive(String),
    #[error("--smtp, --mail-from: {0}")]
    Mail(#[from] MailError),
    #[error("--oidc-issuer: {0}")]
    Oidc(#[from] OidcError),
    #[error("webhooks: {0}")]
    Webhooks(#[from] SendError),
    #[error("AMQP_URL: {0}")]
    Broker(#[from] ConfigError),
    #[error("--message-bytes-max {0} is not between 65536 and 1048576")]
    MessageBytes(usize),
    #[error("--pool must be at least 1")]
    Pool,
}

impl Settings {
    pub fn check(&self) -> Result<(), SettingsError> {
        use releve_wire::limits::{MESSAGE_BYTES_CEILING, MESSAGE_BYTES_MAX};
        if !(MESSAGE_BYTES_MAX..=MESSAGE_BYTES_CEILING).contains(&self.message_bytes_max) {
            return Err(SettingsError::MessageBytes(self.message_bytes_max));
        }
        if self.pool == 0 {
            return Err(SettingsError::Pool);
        }
        self.hand_over()?;
        self.people.sign_in()?;
        self.exports()?;
        self.archive().map(drop)
    }

    /// Where issued documents go, if a place was named.
    pub fn hand_over(&self) -> Result<Option<StorageConfig>, SettingsError> {
        let Some(text) = &self.hand_over else { return Ok(None) };
        let wrong = || SettingsError::HandOver(text.clone());
        if let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme)) {
            if rest.is_empty() || rest.contains('@') {
                // What is wrong here may be a password.
                return Err(SettingsError::HandOver(format!("{scheme}://…")));
            }
            let bearer_token = self.hand_over_token.as_ref().map(|token| token.0.clone());
            return Ok(Some(StorageConfig::Http { url: text.clone(), bearer_token }));
        }
        self.place(text).ok_or_else(wrong).map(Some)
    }

    /// Where old reports go, if a place was named.
    pub fn archive(&self) -> Result<Option<StorageConfig>, SettingsError> {
        let Some(text) = &self.archive else { return Ok(None) };
        self.place(text).ok_or_else(|| SettingsError::Archive(text.clone())).map(Some)
    }

    /// Where exports go, if a place was named.
    pub fn exports(&self) -> Result<Option<StorageConfig>, SettingsError> {
        let Some(text) = &self.exports.place else { return Ok(None) };
        self.place(text).ok_or_else(|| SettingsError::Exports(text.clone())).map(Some)
    }

    /// A directory or a bucket, if the text names one.
    fn place(&self, text: &str) -> Option<StorageConfig> {
        let Some(place) = text.strip_prefix("s3://") else {
            let is_path = !text.is_empty() && !text.contains("://");
            return is_path.then(|| StorageConfig::Directory { path: text.into() });
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        (!bucket.is_empty()).then(|| StorageConfig::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            region: self.s3.region.clone(),
            endpoint: self.s3.endpoint.clone(),
            access_key_id: self.s3.access_key_id.clone(),
            secret_access_key: self.s3.secret_access_key.clone(),
        })
    }

    /// How messages leave.
    pub fn sender(&self) -> Result<Sender, SettingsError> {
        let webhooks = WebhookSender::new(&self.webhook_allow)?;
        let of_tenants = WebhookSender::new(&self.tenant_webhook_allow)?;
        let server = self.smtp.as_ref().zip(self.mail_from.as_ref());
        let mail = server.map(|(server, from)| MailSender::new(&server.0, from)).transpose()?;
        let broker = self.amqp_url.as_deref().map(|url| BrokerConfig::new(url, "releve jobs")).transpose()?;
        let wait = Duration::from_secs(TRY_SECONDS_MAX);
        let events = broker.map(|broker| Events::new(broker, &self.prefix, wait)).transpose()?;
        Ok(Sender { webhooks, of_tenants, mail, events })
    }

    /// The jobs' settings under these.
    pub fn jobs(&self, archive: Option<Storage>, hand_over: Option<Storage>) -> releve_jobs::Settings {
        let default = releve_jobs::Settings::default();
        let (issue_automatically, issue_delay_ms) = match self.issue_after_hours {
            IssueAfter::Hours(hours) => (true, i64::from(hours) * MILLIS_PER_HOUR),
            IssueAfter::Never => (false, default.issue_delay_ms),
        };
        let reports_keep_days = self.reports_keep_days;
        let hand_over = hand_over.map(|storage| Destination {
            storage,
            name: self.hand_over.clone().unwrap_or_default(),
            since: self.hand_over_since.unwrap_or(Timestamp::from_millis(0)),
        });
        releve_jobs::Settings {
            issue_automatically,
            issue_delay_ms,
            reports_keep_days,
            archive,
            hand_over,
            alerts: self.alerts.into(),
            ..default
        }
    }

    /// The aggregator's limits under these settings.
    pub fn aggregator(&self) -> releve_aggregator::Settings {
        releve_aggregator::Settings { message_bytes_max: self.message_bytes_max, ..Default::default() }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn settings(arguments: &[&str]) -> Settings {
        Cli::parse_from(["releve", "up"].iter().chain(arguments)).settings
    }

    #[test]
    fn an_archive_is_a_directory_or_a_bucket() {
        let of = |text| settings(&["--archive", text]).archive();
        assert!(matches!(of("/srv/old"), Ok(Some(StorageConfig::Directory { .. }))));
        let Ok(Some(StorageConfig::S3 { bucket, prefix, .. })) = of("s3://old/reports/") else { panic!("a bucket") };
        assert_eq!((bucket.as_str(), prefix.as_str()), ("old", "reports"));
        assert!(matches!(of("s3:///reports"), Err(SettingsError::Archive(_))));
        assert!(matches!(of("gs://old"), Err(SettingsError::Archive(_))));
    }

    #[test]
    fn documents_go_to_a_directory_a_bucket_or_an_address() {
        let of = |text| settings(&["--hand-over", text, "--hand-over-token", "hunter2"]).hand_over();
        assert!(matches!(of("/srv/out"), Ok(Some(StorageConfig::Directory { .. }))));
        assert!(matches!(of("s3://out/invoices"), Ok(Some(StorageConfig::S3 { .. }))));
        let Ok(Some(StorageConfig::Http { bearer_token, .. })) = of("https://platform.example/in") else {
            panic!("an address")
        };
        assert_eq!(bearer_token.as_deref(), Some("hunter2"));
        for wrong in ["https://me:hunter2@platform.example/in", "https://", "ftp://platform.example", ""] {
            let told = of(wrong).expect_err("refused").to_string();
            assert!(!told.contains("hunter2"), "{told}");
        }
        let printed = format!("{:?}", settings(&["--hand-over-token", "hunter2"]));
        assert!(!printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn what_is_worth_an_alert_is_the_operator_s_choice() {
        let jobs = |arguments| settings(arguments).jobs(None, None).alerts;
        assert_eq!(jobs(&[]), releve_jobs::alerts::Limits::default());
        let set = jobs(&["--silent-after-ms", "90000", "--coverage-percent-min", "99", "--anomaly-excess-min", "5"]);
        assert_eq!((set.silent_after_ms, set.coverage_percent_min, set.anomaly_excess_min), (90_000, 99, 5));
        assert!(Cli::try_parse_from(["releve", "up", "--anomaly-percent", "100"]).is_err());
    }

    #[test]
    fn who_bills_when_is_the_operator_s_choice() {
        let jobs = |arguments| settings(arguments).jobs(None, None);
        assert_eq!(jobs(&[]).issue_delay_ms, releve_jobs::ISSUE_DELAY_MS);
        assert_eq!(jobs(&["--issue-after-hours", "12"]).issue_delay_ms, 12 * MILLIS_PER_HOUR);
        assert!(!jobs(&["--issue-after-hours", "never"]).issue_automatically);
        assert!(Cli::try_parse_from(["releve", "up", "--issue-after-hours", "-1"]).is_err());
    }
}
