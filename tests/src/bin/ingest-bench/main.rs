//! How fast is a filled queue drained, beside a yardstick that counts nothing? `cargo run --release -p releve-tests
//! --bin ingest-bench`; everything runs on servers of its own, on loopback.
//!
//! One run fills the same queues with the same signed reports and drains them four times: by the aggregator, by a
//! yardstick that only inserts the bytes (`yardstick.rs`), by one that verifies each batch before it inserts it (in turn,
//! where the aggregator verifies the next one meanwhile), and by a consumer that only acknowledges. Each drain is a process
//! of its own, so that its peak of memory is its own; figures are compared as ratios within the run.

mod drain;
mod fill;
mod yardstick;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use releve_store::Db;
use releve_tests::{
    place::Scratch,
    postgres::{Durability, Postgres},
    rabbit::Rabbit,
    world::World,
};
use releve_types::Timestamp;

/// 2020-05-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_588_291_200_000);
pub const SHARDS: u32 = 2;
pub const BATCH_LEN_MAX: usize = 1_000;
pub const PREFIX: &str = "bench";

/// What is measured with.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub nodes: u32,
    pub windows: u32,
    /// Segments of each of a node's four devices, one tenant a device.
    pub segments: usize,
}

impl Load {
    pub fn reports(self) -> u64 {
        u64::from(self.nodes) * u64::from(self.windows)
    }
}

/// 306,000 reports of 9,000 nodes with 4 devices and 4 tenants; of fewer windows for whoever looks for what takes long.
const FLEET: Load = Load { nodes: 9_000, windows: 34, segments: 1 };
/// Fewer and as large as a message may be.
const LARGE: Load = Load { nodes: 300, windows: 20, segments: 88 };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => runtime.block_on(measure(FLEET, LARGE)),
        ["short"] => runtime
            .block_on(measure(Load { nodes: 900, windows: 10, ..FLEET }, Load { nodes: 50, windows: 4, ..LARGE })),
        [windows] if let Ok(windows @ 1..) = windows.parse() => {
            runtime.block_on(measure(Load { windows, ..FLEET }, LARGE));
        }
        ["drain", how, amqp, database, reports] => {
            let reports: u64 = reports.parse().expect("a number");
            runtime.block_on(drain::drain(how, amqp, database, reports));
        }
        _ => eprintln!("usage: ingest-bench [short | WINDOWS]"),
    }
}

async fn measure(fleet: Load, large: Load) {
    let postgres = Postgres::start(Durability::Fsync);
    let rabbit = Rabbit::start();
    let scratch = Scratch::new("ingest-bench");
    let file = scratch.path().join("reports");
    println!(
        "{} reports of {} nodes, 4 devices, 4 tenants, signed; {SHARDS} shards, batches of {BATCH_LEN_MAX}, fsync on",
        fleet.reports(),
        fleet.nodes
    );
    let database = world(&postgres, fleet, &file).await;
    let bare = run("bare", &rabbit, &database, &file, fleet).await;
    let yardstick = run("yardstick", &rabbit, &database, &file, fleet).await;
    let counted = run("aggregator", &rabbit, &database, &file, fleet).await;
    let stored = postgres_bytes(&database);
    let verifying = run("verifying", &rabbit, &database, &file, fleet).await;
    println!("aggregator / yardstick: {}", ratio(counted.per_second, yardstick.per_second));
    println!("aggregator / yardstick that verifies: {}", ratio(counted.per_second, verifying.per_second));
    println!("bytes per stored report (table and index): {stored}");
    let database = world(&postgres, large, &file).await;
    let bytes = std::fs::metadata(&file).expect("the file").len() / large.reports();
    println!("again with {} reports of {bytes} bytes", large.reports());
    let big = run("aggregator", &rabbit, &database, &file, large).await;
    println!("peak memory of the aggregator: {} MiB, with large bodies {} MiB", counted.peak_mib, big.peak_mib);
    let _ = bare;
}

/// What one drain came to.
#[derive(Clone, Copy, Debug)]
struct Drained {
    per_second: u64,
    peak_mib: u64,
}

/// Hundredths, without a float.
fn ratio(a: u64, b: u64) -> String {
    let hundredths = a * 100 / b.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

async fn world(postgres: &Postgres, load: Load, file: &Path) -> releve_tests::postgres::Database {
    let database = postgres.create_database();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
    owner.migrate().await.expect("migrates");
    let world = World::create(&owner, "UTC", load.nodes, 4, 400, START).await;
    fill::write(file, &world, load);
    database.sql("create table yardstick (body bytea not null); grant all on yardstick to login; analyze");
    database
}

async fn run(
    how: &str,
    rabbit: &Rabbit,
    database: &releve_tests::postgres::Database,
    file: &Path,
    load: Load,
) -> Drained {
    let amqp = rabbit.vhost();
    fill::publish(file, &amqp).await;
    let me: PathBuf = std::env::current_exe().expect("this program");
    let child = Command::new(me)
        .args(["drain", how, &amqp, &database.login_url(), &load.reports().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
        .wait_with_output()
        .expect("ends");
    assert!(child.status.success(), "{how} failed");
    let text = String::from_utf8_lossy(&child.stdout);
    let mut numbers = text.split_whitespace().map(|n| n.parse::<u64>().expect("a number"));
    let (ms, peak_kib) = (numbers.next().expect("ms"), numbers.next().expect("kib"));
    let per_second = load.reports() * 1_000 / ms.max(1);
    let segments = per_second * 4 * u64::try_from(load.segments).expect("small");
    println!(
        "{how:>10}: {per_second} reports/s, {segments} segments/s, {} s, VmHWM {} MiB",
        ms / 1_000,
        peak_kib / 1_024
    );
    tokio::time::sleep(Duration::from_millis(1)).await;
    Drained { per_second, peak_mib: peak_kib / 1_024 }
}

fn postgres_bytes(database: &releve_tests::postgres::Database) -> String {
    let sql = "select sum(pg_total_relation_size(c.oid)) / (select count(*) from reports) from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'reports'::regclass and c.relkind = 'r'";
    database.sql(sql).trim().to_owned()
}
