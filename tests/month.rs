//! Does a real cluster's month bill exactly what ran? Through real RabbitMQ and PostgreSQL, and on the embedded database.
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

/// GPU-minutes of the whole month, and of 2020-05-20, that the trace adds up to.
const MONTH: [(&str, i64); 3] = [("total", 25_486_357), ("vc6YE", 8_381_023), ("vcJkd", 6_068)];
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

/// One engine under both: the embedded database and the servers write the same invoices.
#[test]
fn the_embedded_database_bills_the_same_to_the_byte() {
    let Some(trace) = trace() else { return };
    let trace = trace.to_str().expect("a path");
    let servers = Servers::start();
    let on_servers = servers.run(&["replay", "--trace", trace, "--window", "1h"]);
    let documents = |database: &str, numbers: &Value| {
        let number = |row: &Value| row["number"].as_str().expect("a number").to_owned();
        let mut numbers: Vec<String> = numbers.as_array().expect("invoices").iter().map(number).collect();
        numbers.sort();
        let show = |number: &String| {
            let launch = Launch::releve(&["invoice", "show", number]);
            let launch = if database.starts_with("postgres") {
                launch.env("DATABASE_URL", database)
            } else {
                launch.env("RELEVE_DATA", database)
            };
            masked(&launch.arg("--json").finish(Duration::from_secs(60)).json())
        };
        numbers.iter().map(show).collect::<Vec<String>>()
    };
    let dir = releve_tests::place::Scratch::new("embedded");
    let data = dir.path().join("data");
    let data = data.to_str().expect("a path");
    let embedded = Launch::releve(&["replay", "--trace", trace, "--window", "1h", "--json"]).env("RELEVE_DATA", data);
    let embedded = embedded.finish(REPLAY_WAIT_MAX).json();
    assert_billed(&embedded, &MONTH);
    let ours = documents(data, &embedded["invoices"]);
    let theirs = documents(&servers.database.admin_url(), &on_servers["invoices"]);
    assert_eq!(ours.len(), 16);
    assert_eq!(ours, theirs, "with ids, digests and issue times masked");
}

/// Ids, the digest over them, and the moment of issue differ between two runs; nothing else may.
fn masked(document: &Value) -> String {
    const MASKED: [&str; 6] = ["digest", "issued_at", "due_at", "issue_date", "due_date", "reports"];
    fn mask(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    if MASKED.contains(&name.as_str()) {
                        *value = Value::String("masked".to_owned());
                    } else {
                        mask(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(mask),
            Value::String(text) => {
                let id = text.split_once('_').is_some_and(|(kind, id)| kind.len() == 3 && id.len() == 32);
                if id {
                    text.replace_range(4.., "masked");
                }
            }
            _ => {}
        }
    }
    let mut document = document.clone();
    mask(&mut document);
    document.to_string()
}
