//! How much memory does the month of a large cluster take to leave as Parquet? 36,000 GPUs held by 9,000 allocations of four each, hour by
//! hour; `-- DAYS` for another number of days than 31. A file is made a day at a time, so that the days change the time and not the memory.
//! `cargo run --release -p releve-tests --bin export-bench`, with the programs built beside it. On a server of its own.

use std::time::{Duration, Instant};

use releve_store::Db;
use releve_tests::{
    place::Scratch,
    postgres::{Durability, Postgres},
    releve::Launch,
};

const TENANTS: u32 = 100;
const ALLOCATIONS: u32 = 9_000;
const GPUS_EACH: u32 = 4;
const EXPORT_WAIT_MAX: Duration = Duration::from_secs(4 * 3_600);

#[tokio::main]
async fn main() {
    let days: u32 = std::env::args().nth(1).map_or(31, |days| days.parse().expect("a number of days"));
    assert!((1..=31).contains(&days), "1 to 31 days");
    let postgres = Postgres::start(Durability::ProcessOnly);
    let database = postgres.create_database();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
    owner.migrate().await.expect("migrates");
    owner.close().await;
    database.sql("select make_partitions('2026-10-01', '2026-10-31')");
    database.sql(&format!(
        "insert into issuers (issuer_id, name, zone, series, created_at)
         values ('00000000-0000-0000-0000-000000000001', 'Bench', 'UTC', 'B', '2026-01-01Z');
         insert into accounts (account_id, issuer_id, name, currency, created_at)
         select lpad(to_hex(n), 32, '0')::uuid, '00000000-0000-0000-0000-000000000001', 'account ' || n, 'EUR', '2026-01-01Z'
         from generate_series(1, {TENANTS}) n;
         insert into tenants (tenant_id, account_id, name, kind, created_at)
         select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'tenant ' || n, 'customer', '2026-01-01Z'
         from generate_series(1, {TENANTS}) n;
         insert into skus (sku, unit, created_at) values ('gpu/nvidia-gb200/whole/1:1/standard/eu-west', 'gpu_ms', '2026-01-01Z');"
    ));
    let began = Instant::now();
    for day in 1..=days {
        database.sql(&hours(day));
    }
    println!("{days} days of {} GPUs filled in {:.0?}", ALLOCATIONS * GPUS_EACH, began.elapsed());
    let scratch = Scratch::new("export-bench");
    let datasets = ["export", "usage_hours", "allocation_hours", "--period", "2026-10", "--format", "parquet", "--out"];
    let began = Instant::now();
    let mut export =
        Launch::releve(&datasets).arg(scratch.path().join("out")).env("DATABASE_URL", database.admin_url()).spawn();
    let mut peak_kib = 0;
    while export.process().is_running() {
        peak_kib = peak_kib.max(memory_peak_kib(export.process().pid()).unwrap_or(0));
        assert!(began.elapsed() < EXPORT_WAIT_MAX, "it takes too long");
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{}", export.process().stdout());
    println!("exported in {:.0?}; at most {} MiB", began.elapsed(), peak_kib / 1_024);
}

/// The most that a process has held so far; none: it has just ended.
fn memory_peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse().ok()
}

/// A day's hours of every allocation, and their sums.
fn hours(day: u32) -> String {
    format!(
        "insert into allocation_hours (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project, held, energy_mj)
         select lpad(to_hex(1 + a % {TENANTS}), 32, '0')::uuid, h, 1, md5('allocation ' || a)::uuid, md5('node ' || a)::uuid,
                md5('device ' || a || '.' || g)::uuid, 1, 'project ' || a % 7, '{{[0,3600000)}}', 2520000000
         from generate_series('2026-10-{day:02} 00:00Z'::timestamptz, '2026-10-{day:02} 23:00Z', '1 hour') h,
              generate_series(1, {ALLOCATIONS}) a, generate_series(1, {GPUS_EACH}) g;
         insert into usage_hours (tenant_id, hour, book, project, sku_id, ms, energy_mj)
         select tenant_id, hour, 1, project, 1, sum(3600000), sum(energy_mj)
         from allocation_hours where hour >= '2026-10-{day:02}Z' and hour < '2026-10-{day:02}Z'::timestamptz + interval '1 day'
         group by tenant_id, hour, project;"
    )
}
