//! On what do the benches run? A database that waits for its disk and a broker, Relevé's roles as programs beside them, and a fleet.

use std::time::Duration;

use releve_store::Db;
use releve_types::{
    TenantKey, Timestamp,
    time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE, wall_clock},
};

use crate::{
    fleet::Fleet,
    postgres::{Database, Durability, Postgres},
    rabbit::Rabbit,
    releve::{Launch, Releve},
    world::Machine,
};

/// A full cluster: 18,000 superchips, two to a node.
pub const NODES: u32 = 9_000;
pub const PREFIX: &str = "bench";
pub const SHARDS: u32 = 2;
const READY_WAIT_MAX: Duration = Duration::from_secs(120);

/// Servers of its own, on loopback, with our schema.
pub struct Cluster {
    pub database: Database,
    pub amqp: String,
    /// The first key.
    pub operator: String,
    /// Stopped when dropped.
    _servers: (Postgres, Rabbit),
}

impl Cluster {
    pub fn start() -> Self {
        let (postgres, rabbit) = (Postgres::start(Durability::Fsync), Rabbit::start());
        let (database, amqp) = (postgres.create_database(), rabbit.vhost());
        let migrated =
            Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", database.admin_url()).finish(READY_WAIT_MAX);
        let operator = migrated.json()["operator_key"].as_str().expect("the first key").to_owned();
        Self { database, amqp, operator, _servers: (postgres, rabbit) }
    }

    /// As who may do everything.
    pub async fn owner(&self) -> Db {
        Db::connect(&self.database.admin_url(), 1).await.expect("connects")
    }

    /// A role, or all, once it is ready.
    pub async fn serve(&self, role: &str) -> Releve {
        let launch = Launch::releve(&["serve", role])
            .env("DATABASE_URL", self.database.login_url())
            .env("AMQP_URL", &self.amqp)
            .env("RELEVE_PREFIX", PREFIX)
            .env("RELEVE_SHARDS", SHARDS.to_string());
        let mut serving = launch.listening().spawn();
        serving.ready("/readyz", READY_WAIT_MAX).await;
        serving
    }

    /// `holder` says who holds which device of which machine.
    pub fn fleet(&self, machines: Vec<Machine>, holder: impl Fn(usize, usize) -> TenantKey) -> Fleet {
        Fleet::connect((&self.amqp, PREFIX), machines, holder)
    }

    /// The number that this statement answers with.
    pub fn number(&self, sql: &str) -> u64 {
        self.database.sql(sql).trim().parse().expect("a number")
    }
}

/// What is left of the minute: a fleet reports of it when it is over.
pub fn left_of_minute() -> Duration {
    let left = MILLIS_PER_MINUTE - wall_clock().as_millis() % MILLIS_PER_MINUTE;
    Duration::from_millis(u64::try_from(left).expect("ahead"))
}

/// The start of the hour so many before this one.
pub fn hours_before(now: Timestamp, hours: i64) -> Timestamp {
    now.hour().start().plus_millis(-hours * MILLIS_PER_HOUR)
}
