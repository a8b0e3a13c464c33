//! What can be set? One struct: each setting is a flag and an environment variable, and nothing is set elsewhere.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// Connections to a PostgreSQL server, unless set.
pub const POOL_LEN: u32 = 8;
/// Report queues at the broker, unless set. A power of two.
pub const SHARDS: u32 = 4;

#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// PostgreSQL to use (15 to 18). Without it, an embedded one.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// RabbitMQ to use. Without it, reports come in over HTTP alone.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub amqp_url: Option<String>,

    /// Where the embedded database and the archive are kept. Without it, `demo` and `replay` use a fresh
    /// temporary directory, and `up` uses ./releve-data.
    #[arg(long, env = "RELEVE_DATA", global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// A directory for reports that are too old for the database. Without it, they go beside an embedded
    /// database, and stay in a server's.
    #[arg(long, env = "RELEVE_ARCHIVE", global = true, value_name = "DIR")]
    pub archive: Option<PathBuf>,

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

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
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
        Ok(())
    }

    /// The aggregator's limits under these settings.
    pub fn aggregator(&self) -> releve_aggregator::Settings {
        releve_aggregator::Settings { message_bytes_max: self.message_bytes_max, ..Default::default() }
    }
}
