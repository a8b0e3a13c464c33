//! Does a real cluster's month bill exactly what ran? Through real RabbitMQ and PostgreSQL, and on the embedded database.
//!
//! The trace (Hu et al., "Characterization and Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters",
//! SC'21, CC BY 4.0) is not part of the project: it is looked for beside the checkout, and its tests say so where it is not there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use releve_tests::{
    place::Scratch,
    postgres::{Database, Durability, Postgres},
    rabbit::Rabbit,
    releve::Launch,
};
use releve_types::{Zone, time::wall_clock};
use serde_json::{Value, json};

const REPLAY_WAIT_MAX: Duration = Duration::from_secs(1_800);

/// GPU-minutes of the whole month, and of 2020-05-20, that the trace adds up to.
const MONTH: [(&str, i64); 3] = [("total", 25_486_357), ("vc6YE", 8_381_023), ("vcJkd", 6_068)];
const DAY: [(&str, i64); 3] = [("total", 1_014_683), ("vc6YE", 279_203), ("vcJkd", 21)];

/// GPU-minutes of vc6YE that 190 reserved GPUs cover: at most 190 in each minute, and at most 11,400 GPU-minutes in each hour.
const COVERED_BY_INSTANT: i64 = 8_051_501;
const COVERED_BY_HOUR: i64 = 8_061_581;

/// Names the trace, where it is not beside the checkout.
const TRACE_VARIABLE: &str = "RELEVE_TRACE";

fn trace() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(TRACE_VARIABLE) {
        return Some(PathBuf::from(named));
    }
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
}

/// Where `releve` keeps what it counts.
trait Ground {
    fn on(&self, launch: Launch) -> Launch;

    fn run(&self, arguments: &[&str]) -> Value {
        self.on(Launch::releve(arguments)).arg("--json").finish(REPLAY_WAIT_MAX).json()
    }

    fn audit(&self) {
        let audit = self.run(&["audit"]);
        assert_eq!(
            (&audit["ok"], audit["differences"].as_array().map(Vec::len)),
            (&Value::Bool(true), Some(0)),
            "{audit}"
        );
    }

    /// The invoices as JSON, by the account's name, with what differs between two runs masked.
    fn documents(&self, outcome: &Value) -> BTreeMap<String, String> {
        let rows = outcome["invoices"].as_array().expect("invoices");
        let documents = rows.iter().map(|row| {
            let mut document = self.run(&["invoice", "show", row["number"].as_str().expect("a number")]);
            let account = document["account"]["name"].as_str().expect("a name").to_owned();
            mask(&mut document);
            (account, document.to_string())
        });
        documents.collect()
    }
}

impl Ground for Servers {
    fn on(&self, launch: Launch) -> Launch {
        launch.env("DATABASE_URL", self.database.admin_url()).env("AMQP_URL", &self.amqp)
    }
}

/// A directory with the embedded database.
struct Embedded(Scratch);

impl Ground for Embedded {
    fn on(&self, launch: Launch) -> Launch {
        launch.env("RELEVE_DATA", self.0.path().join("data").to_str().expect("a path"))
    }
}

/// Ids, what is made of them (the digest), the number, which goes by the order of ids, and the times of issue. Nothing
/// else may differ.
fn mask(value: &mut Value) {
    const MASKED: [&str; 7] = ["digest", "number", "issued_at", "issue_date", "due_at", "due_date", "id"];
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
        Value::String(text) if text.split_once('_').is_some_and(|(kind, id)| kind.len() == 3 && id.len() == 32) => {
            text.replace_range(4.., "masked");
        }
        _ => {}
    }
}

fn assert_billed(outcome: &Value, expected: &[(&str, i64)]) {
    for (vc, minutes) in expected {
        assert_eq!(outcome["billed_gpu_minutes"][vc].as_i64(), Some(*minutes), "{vc}");
    }
}

/// The month, and the one in which its invoices were issued, taken away for finance: FOCUS, journal and pack agree to the cent.
fn ties_out(ground: &Embedded) {
    let out = ground.0.path().join("finance");
    let issued = Zone::utc().month_of(wall_clock()).to_string();
    for period in ["2020-05", &issued] {
        let out = out.to_str().expect("a path");
        ground.run(&["export", "focus", "journal", "month_end", "--period", period, "--out", out]);
        let ties = Path::new(out).join(format!("{period}/month_end/csv/v1/tie_outs.csv"));
        let ties = fs::read_to_string(&ties).expect("the tie-outs");
        assert!(ties.lines().count() > 9, "{ties}");
        assert!(ties.lines().skip(1).all(|tie| tie.ends_with(",0.00,")), "{period}:\n{ties}");
    }
}

/// The month at one hour on servers and on the embedded database: the same invoices, but that one tenant's contract
/// matches its reservation in another way. Then on the servers again: all
/// duplicates. Then a day of it in quarters and one in minutes: all overlap. No total moves.
#[test]
fn the_month_is_billed_to_the_minute() {
    let Some(trace) = trace() else { return };
    let replay = ["replay", "--trace", trace.to_str().expect("a path"), "--window"];
    let (servers, embedded) = (Servers::start(), Embedded(Scratch::new("month")));
    let hourly = [&replay[..], &["1h"]].concat();
    let first = servers.run(&[&hourly[..], &["--reserve", "vc6YE=190:instant"]].concat());
    assert_billed(&first, &MONTH);
    assert_eq!(first["reserved_gpu_minutes"], json!({ "vc6YE": COVERED_BY_INSTANT }));
    servers.audit();
    let documents = servers.documents(&first);
    assert_eq!(documents.len(), 16);

    let alike = embedded.run(&[&hourly[..], &["--reserve", "vc6YE=190:hour"]].concat());
    assert_billed(&alike, &MONTH);
    assert_eq!(alike["reserved_gpu_minutes"], json!({ "vc6YE": COVERED_BY_HOUR }));
    let of_others = |mut documents: BTreeMap<String, String>| {
        documents.remove("vc6YE");
        documents
    };
    let (theirs, ours) = (of_others(embedded.documents(&alike)), of_others(documents.clone()));
    assert_eq!(theirs, ours, "the embedded database bills the same to the byte");
    embedded.audit();
    ties_out(&embedded);

    let again = servers.run(&hourly);
    assert_eq!((&again["duplicates"], &again["reports"]), (&first["reports"], &first["reports"]));
    for window in [["15m", "--day", "2020-05-19"], ["60s", "--day", "2020-05-20"]] {
        let finer = servers.run(&[&replay[..], &window[..]].concat());
        assert_eq!(finer["quarantined"], finer["reports"], "each overlaps what was counted");
        assert_billed(&finer, &MONTH);
        assert_eq!(finer["invoices"], first["invoices"], "issued documents do not change");
    }
    assert_eq!(servers.documents(&first), documents);
    servers.audit();
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
