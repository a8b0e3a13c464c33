//! Does a real cluster's month bill exactly what ran, through real RabbitMQ and PostgreSQL?
//!
//! The trace (Hu et al., "Characterization and Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters",
//! SC'21, CC BY 4.0) is not part of the project: it is looked for beside the checkout, and its tests say so where it is not there.

use std::{path::PathBuf, time::Duration};

use releve_tests::{
    postgres::{Database, Durability, Postgres},
    rabbit::Rabbit,
    releve::Launch,
};
use serde_json::Value;

const REPLAY_WAIT_MAX: Duration = Duration::from_secs(1_800);

/// GPU-minutes of 2020-05-20 that the trace adds up to.
const DAY: [(&str, i64); 3] = [("total", 1_014_683), ("vc6YE", 279_203), ("vcJkd", 21)];

fn trace() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/helios-earth-2020-05.csv.gz");
    let found = beside.canonicalize().ok();
    if found.is_none() {
        println!("skipped: the trace is not at {}", beside.display());
    }
    found
}

/// Real servers, and a database on them.
struct Servers {
    _postgres: Postgres,
    _rabbit: Rabbit,
    database: Database,
    amqp: String,
}

impl Servers {
    fn start() -> Self {
        let (postgres, rabbit) = (Postgres::start(Durability::ProcessOnly), Rabbit::start());
        let (database, amqp) = (postgres.create_database(), rabbit.url());
        Self { _postgres: postgres, _rabbit: rabbit, database, amqp }
    }

    fn run(&self, arguments: &[&str]) -> Value {
        let launch =
            Launch::releve(arguments).env("DATABASE_URL", self.database.admin_url()).env("AMQP_URL", &self.amqp);
        launch.arg("--json").finish(REPLAY_WAIT_MAX).json()
    }

    fn audit(&self) {
        let audit = self.run(&["audit"]);
        assert_eq!(
            (&audit["ok"], audit["differences"].as_array().map(Vec::len)),
            (&Value::Bool(true), Some(0)),
            "{audit}"
        );
    }
}

fn assert_billed(outcome: &Value, expected: &[(&str, i64)]) {
    for (vc, minutes) in expected {
        assert_eq!(outcome["billed_gpu_minutes"][vc].as_i64(), Some(*minutes), "{vc}");
    }
}

#[test]
fn a_day_of_minutes_is_billed_to_the_minute() {
    let Some(trace) = trace() else { return };
    let servers = Servers::start();
    let arguments = ["replay", "--trace", trace.to_str().expect("a path"), "--window", "60s", "--day", "2020-05-20"];
    let outcome = servers.run(&arguments);
    assert_billed(&outcome, &DAY);
    assert_eq!(outcome["duplicates"], 0);
    servers.audit();
}

/// Every edge moved by milliseconds, allocations under a second, a thousand open over the month's end.
#[test]
fn jitter_is_billed_to_the_millisecond() {
    let Some(trace) = trace() else { return };
    let servers = Servers::start();
    let outcome =
        servers.run(&["replay", "--trace", trace.to_str().expect("a path"), "--window", "1h", "--jitter", "7"]);
    assert_eq!(outcome["billed_gpu_ms"], outcome["expected_gpu_ms"]);
    assert_ne!(outcome["billed_gpu_ms"]["total"].as_i64().map(|ms| ms % 60_000), Some(0), "the edges did move");
    servers.audit();
}
