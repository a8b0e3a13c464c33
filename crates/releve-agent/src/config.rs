//! How is the agent told what to do? One file, each field with its meaning; the environment goes before the file.
//!
//! `RELEVE_AGENT_<FIELD>` overrides a field, with two underscores between a table and its field:
//! `RELEVE_AGENT_PUBLISH__HTTP__URL`.

use std::path::{Path, PathBuf};

use releve_types::{NodeId, TenantKey, Timestamp, sku::Share};
use releve_wire::limits;
use serde::Deserialize;
use uuid::Uuid;

use crate::{probe::Holder, sight::text_problem};

/// A commented file with every field, as `releve-agent example-config` prints it.
pub const EXAMPLE: &str = include_str!("../agent.example.toml");

const ENV_PREFIX: &str = "RELEVE_AGENT_";
/// The spool keeps its last segment, and stops before a report would not fit.
const SPOOL_MESSAGES_MIN: u64 = 16;

/// The whole configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The node's id, as it is registered: `nod_…`, or the plain UUID.
    pub node: String,
    /// The secret key that reports are signed with; `releve-agent keygen` makes one.
    pub key_file: PathBuf,
    /// Where the spool and the journal lie. On a disk that survives a reboot.
    pub data_dir: PathBuf,
    /// The length of a window. Divides an hour; 10 s to 3600 s.
    #[serde(default = "default::window_ms")]
    pub window_ms: i64,
    /// Reports are sent up to this much later, each node at a moment of its own, so that a fleet does not speak at once.
    #[serde(default = "default::spread_ms")]
    pub spread_ms: u64,
    /// How often the probe looks.
    #[serde(default = "default::look_every_ms")]
    pub look_every_ms: u64,
    /// A longer silence between two looks is a gap: its time is not reported.
    #[serde(default = "default::look_gap_ms_max")]
    pub look_gap_ms_max: u64,
    /// How often the open window is written to the journal, besides whenever who holds what has changed. What a
    /// killed agent forgets is at most this.
    #[serde(default = "default::journal_every_ms")]
    pub journal_every_ms: u64,
    /// What the receiving side takes, at most 1 MiB. A window is closed early at 15/16 of it.
    #[serde(default = "default::message_bytes_max")]
    pub message_bytes_max: usize,
    /// What unsent and refused reports may take on disk. Once it is full, the agent stops observing.
    #[serde(default = "default::spool_bytes_max")]
    pub spool_bytes_max: u64,
    /// Where reports go.
    pub publish: Publish,
    /// Who looks.
    pub probe: ProbeConfig,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Publish {
    Amqp(AmqpConfig),
    Http(HttpConfig),
}

/// To RabbitMQ.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpConfig {
    /// `amqp://user:password@host:5672/vhost`, or `amqps`.
    pub url: String,
    /// As in the server's topology.
    #[serde(default = "default::prefix")]
    pub prefix: String,
    /// For `amqps`: certificate authorities in PEM, besides the system's.
    #[serde(default)]
    pub authorities_file: Option<PathBuf>,
}

/// To the API.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The API's address without a path: reports are posted to `<url>/v1/reports`.
    pub url: String,
    /// A key with the scope `agent`. The signature proves who reports; this says who may knock.
    #[serde(default)]
    pub api_key: Option<String>,
    /// The file that holds the key, instead of `api_key`.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ProbeConfig {
    Nvml(NvmlConfig),
    Scripted(ScriptedConfig),
}

/// NVIDIA's driver says what is here, and this file says who holds it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NvmlConfig {
    /// The library's file, where it is not found by its name.
    #[serde(default)]
    pub library: Option<PathBuf>,
    /// Who holds which device. A device that nobody holds is reported idle.
    #[serde(default)]
    pub holder: Vec<HolderConfig>,
}

/// One device held by one tenant.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderConfig {
    /// `GPU-<uuid>` or `MIG-<uuid>`, as `nvidia-smi -L` shows it.
    pub device: String,
    /// `static:<name>`; a rule of the operator maps it to a tenant.
    pub tenant_key: String,
    /// The name of the grant: the same on all its devices, another for the next.
    pub alloc: String,
    /// The tenant's own subdivision.
    #[serde(default)]
    pub project: Option<String>,
    /// Sold as interruptible.
    #[serde(default)]
    pub spot: bool,
    /// Of a time-sliced device: the part that is held.
    #[serde(default = "default::one")]
    pub share_num: u32,
    #[serde(default = "default::one")]
    pub share_den: u32,
    /// From when, RFC 3339 in UTC; since before the agent started, if absent.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when; still, if absent.
    #[serde(default)]
    pub until: Option<String>,
}

/// A file says what is here.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedConfig {
    /// TOML, or JSON where the name ends with `.json`.
    pub file: PathBuf,
}

mod default {
    use releve_wire::limits;

    pub const fn window_ms() -> i64 {
        60_000
    }
    pub const fn spread_ms() -> u64 {
        30_000
    }
    pub const fn look_every_ms() -> u64 {
        1_000
    }
    pub const fn look_gap_ms_max() -> u64 {
        30_000
    }
    pub const fn journal_every_ms() -> u64 {
        10_000
    }
    pub const fn message_bytes_max() -> usize {
        limits::MESSAGE_BYTES_MAX
    }
    pub const fn spool_bytes_max() -> u64 {
        1024 * 1024 * 1024
    }
    pub fn prefix() -> String {
        "releve".to_owned()
    }
    pub const fn one() -> u32 {
        1
    }
}

/// A setting that can't be used, with its name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration {path} can't be read: {problem}")]
    Unreadable { path: String, problem: String },
    #[error("{path}: {problem}")]
    Shape { path: String, problem: String },
    #[error("{field}: {problem}")]
    Field { field: String, problem: String },
}

fn field(field: impl Into<String>, problem: impl ToString) -> ConfigError {
    ConfigError::Field { field: field.into(), problem: problem.to_string() }
}

impl Config {
    /// Reads the file, overridden by the environment given, and checks every field.
    pub fn load(path: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ConfigError::Unreadable { path: shown.clone(), problem: e.to_string() })?;
        Self::parse(&text, &shown, environment)
    }

    pub fn parse(
        text: &str,
        path: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let shape = |problem: String| ConfigError::Shape { path: path.to_owned(), problem };
        // Only the text itself can say at which line it is wrong.
        let mut table: toml::Table = toml::from_str(text).map_err(|e| shape(e.to_string()))?;
        for (name, value) in environment {
            if let Some(key) = name.strip_prefix(ENV_PREFIX).filter(|key| *key != "CONFIG" && *key != "LOG") {
                let path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
                override_field(&mut table, &path, &value).map_err(|problem| field(name.clone(), problem))?;
            }
        }
        let config: Self = table.try_into().map_err(|e: toml::de::Error| shape(e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.node_id()?;
        let window = self.window_ms;
        if !(limits::WINDOW_MS_MIN..=limits::WINDOW_MS_MAX).contains(&window) || limits::WINDOW_MS_MAX % window != 0 {
            return Err(field("window_ms", format!("{window} is not 10000 to 3600000, or does not divide an hour")));
        }
        let window_ms = u64::try_from(window).unwrap_or_default();
        if self.look_every_ms == 0 || self.look_every_ms > window_ms {
            return Err(field("look_every_ms", "more than 0, and at most a window"));
        }
        if self.look_gap_ms_max < self.look_every_ms.saturating_mul(2) {
            return Err(field("look_gap_ms_max", "at least twice look_every_ms, or each late look would be a gap"));
        }
        if self.journal_every_ms == 0 || self.journal_every_ms > window_ms {
            return Err(field("journal_every_ms", "more than 0, and at most a window"));
        }
        let (message, ceiling) = (self.message_bytes_max, limits::MESSAGE_BYTES_CEILING);
        if !(8 * 1024..=ceiling).contains(&message) {
            return Err(field("message_bytes_max", format!("8192 to {ceiling}")));
        }
        let spool_min = u64::try_from(message).unwrap_or(u64::MAX).saturating_mul(SPOOL_MESSAGES_MIN);
        if self.spool_bytes_max < spool_min.max(4 * 1024 * 1024) {
            return Err(field("spool_bytes_max", "at least 4 MiB and 16 messages"));
        }
        self.publish.check()?;
        match &self.probe {
            ProbeConfig::Nvml(nvml) => nvml.holders().map(drop),
            ProbeConfig::Scripted(_) => Ok(()),
        }
    }

    pub fn node_id(&self) -> Result<NodeId, ConfigError> {
        let plain = |text: &str| Uuid::try_parse(text).ok().map(NodeId::from_uuid);
        self.node.parse().or_else(|e| plain(&self.node).ok_or(e)).map_err(|e| field("node", e))
    }
}

impl Publish {
    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Amqp(amqp) => {
                let known = amqp.url.starts_with("amqp://") || amqp.url.starts_with("amqps://");
                known.then_some(()).ok_or_else(|| field("publish.amqp.url", "begins with amqp:// or amqps://"))
            }
            Self::Http(http) => {
                let url = reqwest::Url::parse(&http.url).map_err(|e| field("publish.http.url", e))?;
                if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                    return Err(field("publish.http.url", "begins with http:// or https://, and names a host"));
                }
                if http.api_key.is_some() && http.api_key_file.is_some() {
                    return Err(field("publish.http.api_key_file", "stands instead of api_key, not beside it"));
                }
                Ok(())
            }
        }
    }
}

impl NvmlConfig {
    pub fn holders(&self) -> Result<Vec<Holder>, ConfigError> {
        self.holder.iter().enumerate().map(|(n, holder)| holder.checked(n)).collect()
    }
}

impl HolderConfig {
    fn checked(&self, n: usize) -> Result<Holder, ConfigError> {
        let name = |part: &str| format!("probe.nvml.holder[{n}].{part}");
        let instant = |part: &str, text: &Option<String>| {
            let parsed: Option<Result<Timestamp, _>> = text.as_deref().map(str::parse);
            parsed.transpose().map_err(|e| field(name(part), e))
        };
        for (part, text) in [("alloc", Some(&self.alloc)), ("project", self.project.as_ref())] {
            if let Some(problem) = text.and_then(|text| text_problem(text)) {
                return Err(field(name(part), problem));
            }
        }
        if self.share_num == 0 || self.share_num > self.share_den {
            return Err(field(name("share_num"), "1 to share_den"));
        }
        let (from, until) = (instant("from", &self.from)?, instant("until", &self.until)?);
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return Err(field(name("until"), "is not after from"));
        }
        Ok(Holder {
            device: self.device.parse().map_err(|e| field(name("device"), e))?,
            tenant_key: TenantKey::new(&self.tenant_key).map_err(|e| field(name("tenant_key"), e))?,
            alloc: self.alloc.clone(),
            project: self.project.clone(),
            spot: self.spot,
            share: Share { num: self.share_num, den: self.share_den },
            from,
            until,
        })
    }
}

/// Sets one field. Where only one of several tables may stand, naming one takes the place of the other.
fn override_field(table: &mut toml::Table, path: &[String], value: &str) -> Result<(), String> {
    match path {
        [] => Err("names no field".to_owned()),
        [last] => {
            let integer = value.parse().map(toml::Value::Integer).ok();
            let boolean = || value.parse().map(toml::Value::Boolean).ok();
            let text = || toml::Value::String(value.to_owned());
            table.insert(last.clone(), integer.or_else(boolean).unwrap_or_else(text));
            Ok(())
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let toml::Value::Table(inner) = inner else { return Err(format!("{first} has no fields")) };
            if matches!(first.as_str(), "publish" | "probe") {
                inner.retain(|variant, _| rest.first().is_some_and(|named| named == variant));
            }
            override_field(inner, rest, value)
        }
    }
}

impl std::fmt::Debug for AmqpConfig {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AmqpConfig").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for HttpConfig {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpConfig").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(text, "agent.toml", environment)
    }

    #[test]
    fn the_example_is_a_configuration_with_the_defaults() {
        let config = parsed(EXAMPLE, &[]).unwrap();
        assert_eq!((config.window_ms, config.spread_ms), (default::window_ms(), default::spread_ms()));
        assert_eq!(config.spool_bytes_max, default::spool_bytes_max());
        let Config { look_every_ms, look_gap_ms_max, journal_every_ms, message_bytes_max, .. } = config;
        assert_eq!(look_every_ms, default::look_every_ms());
        assert_eq!(look_gap_ms_max, default::look_gap_ms_max());
        assert_eq!(journal_every_ms, default::journal_every_ms());
        assert_eq!(message_bytes_max, default::message_bytes_max());
        let ProbeConfig::Nvml(nvml) = &config.probe else { panic!("the example shows the driver's probe") };
        assert_eq!(nvml.holders().unwrap().len(), 1);
    }

    #[test]
    fn every_field_is_in_the_example() {
        let source = include_str!("config.rs").lines().take_while(|line| !line.contains("mod default"));
        let fields = source.filter_map(|line| line.trim().strip_prefix("pub ")?.strip_suffix(',')?.split_once(": "));
        let names: Vec<&str> = fields.map(|(name, _)| name).collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(EXAMPLE.contains(name), "{name}");
        }
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let config = parsed(
            EXAMPLE,
            &[
                ("RELEVE_AGENT_WINDOW_MS", "900000"),
                ("RELEVE_AGENT_PUBLISH__AMQP__URL", "amqp://u:p@broker:5672/%2f"),
                ("RELEVE_AGENT_PROBE__SCRIPTED__FILE", "/etc/releve/script.toml"),
                ("RELEVE_AGENT_CONFIG", "/elsewhere"),
                ("PATH", "/bin"),
            ],
        )
        .unwrap();
        assert_eq!(config.window_ms, 900_000);
        assert!(matches!(&config.publish, Publish::Amqp(amqp) if amqp.prefix == "releve"));
        assert!(matches!(config.probe, ProbeConfig::Scripted(_)));
        assert!(!format!("{config:?}").contains("u:p"), "no password in a log");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut table = String::new();
        for (name, value) in [
            ("RELEVE_AGENT_WINDOW_MS", "7000000"),
            ("RELEVE_AGENT_WINDOW_MS", "70000"),
            ("RELEVE_AGENT_WINDOW", "60"),
            ("RELEVE_AGENT_NODE", "rack7"),
            ("RELEVE_AGENT_LOOK_GAP_MS_MAX", "1500"),
            ("RELEVE_AGENT_MESSAGE_BYTES_MAX", "2000000"),
            ("RELEVE_AGENT_SPOOL_BYTES_MAX", "5"),
            ("RELEVE_AGENT_PUBLISH__HTTP__URL", "ftp://x"),
            ("RELEVE_AGENT_PUBLISH__KAFKA__URL", "x"),
            ("RELEVE_AGENT_NODE__ID", "x"),
        ] {
            let error = parsed(EXAMPLE, &[(name, value)]).expect_err(name).to_string();
            table += &format!("{name}={value}\n  {}\n", error.lines().next().unwrap_or_default());
        }
        let wrong = EXAMPLE.replace("static:lab-a", "lab-a");
        table += &parsed(&wrong, &[]).expect_err("a key without form").to_string();
        expect_test::expect![[r#"
            RELEVE_AGENT_WINDOW_MS=7000000
              window_ms: 7000000 is not 10000 to 3600000, or does not divide an hour
            RELEVE_AGENT_WINDOW_MS=70000
              window_ms: 70000 is not 10000 to 3600000, or does not divide an hour
            RELEVE_AGENT_WINDOW=60
              agent.toml: unknown field `window`, expected one of `node`, `key_file`, `data_dir`, `window_ms`, `spread_ms`, `look_every_ms`, `look_gap_ms_max`, `journal_every_ms`, `message_bytes_max`, `spool_bytes_max`, `publish`, `probe`
            RELEVE_AGENT_NODE=rack7
              node: 'rack7' is not a node id: expected 'nod_' and a UUID
            RELEVE_AGENT_LOOK_GAP_MS_MAX=1500
              look_gap_ms_max: at least twice look_every_ms, or each late look would be a gap
            RELEVE_AGENT_MESSAGE_BYTES_MAX=2000000
              message_bytes_max: 8192 to 1048576
            RELEVE_AGENT_SPOOL_BYTES_MAX=5
              spool_bytes_max: at least 4 MiB and 16 messages
            RELEVE_AGENT_PUBLISH__HTTP__URL=ftp://x
              publish.http.url: begins with http:// or https://, and names a host
            RELEVE_AGENT_PUBLISH__KAFKA__URL=x
              agent.toml: unknown variant `kafka`, expected `amqp` or `http`
            RELEVE_AGENT_NODE__ID=x
              RELEVE_AGENT_NODE__ID: node has no fields
            probe.nvml.holder[0].tenant_key: the tenant key 'lab-a' has no known form: k8s:<cluster>/<namespace>, slurm:<cluster>/<account>, static:<name>"#]].assert_eq(&table);
    }
}
