//! How long does billing everybody take, beside one SQL `group by` over the same rows? `cargo run --release -p
//! releve-tests --bin issue-bench`; on a PostgreSQL of its own, on loopback, with fsync.
//!
//! 10,000 accounts with 720 usage hours each, two SKUs and graduated prices. A run is timed from its start to its last
//! commit: holds, usage, rating, invoices, lines, outbox, numbers. Both are done three times, in turns, and the medians
//! compared, so that the figure is a ratio within one run on one machine.

use std::time::Instant;

use releve_jobs::{Order, issue};
use releve_store::Db;
use releve_tests::postgres::{Durability, Postgres};
use releve_types::{Period, Timestamp, Zone, ids::IssuerId};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use uuid::Uuid;

/// 2026-06-01T00:00:00Z: a month of 720 hours.
const START: Timestamp = Timestamp::from_millis(1_780_272_000_000);
const ACCOUNTS: u32 = 10_000;
const ROUNDS: usize = 3;
/// What a run may take, in units of the `group by`.
const RATIO_MAX: u128 = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let accounts = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => ACCOUNTS,
        ["short"] => ACCOUNTS / 10,
        _ => {
            eprintln!("usage: issue-bench [short]");
            std::process::exit(2);
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if !runtime.block_on(measure(accounts)) {
        std::process::exit(1);
    }
}

async fn measure(accounts: u32) -> bool {
    let postgres = Postgres::start(Durability::Fsync);
    let database = postgres.create_database();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("the database opens");
    owner.migrate().await.expect("the schema is made");
    let mut admin = PgConnection::connect(&database.admin_url()).await.expect("connects");
    let started = Instant::now();
    let issuer = seed(&mut admin, accounts).await;
    let rows = count(&mut admin, "select count(*) from usage_hours").await;
    println!("{accounts} accounts, {rows} usage hours, seeded in {} s", started.elapsed().as_secs());

    let db = Db::connect(&database.login_url(), 2).await.expect("the database opens");
    let period = Zone::utc().period_of(START);
    let (mut runs, mut sums) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        sums.push(group_by(&mut admin, period).await);
        forget(&mut admin).await;
        runs.push(bill(&db, issuer, period, accounts).await);
    }
    let lines = count(&mut admin, "select count(*) from invoice_lines").await;
    println!("{lines} lines; group by {sums:?} ms, billing {runs:?} ms");
    let (run, sum) = (median(&mut runs), median(&mut sums));
    println!("billing / group by: {}.{:02} (at most {RATIO_MAX})", run / sum, run % sum * 100 / sum);
    run <= RATIO_MAX * sum
}

/// Hours come as they would: one after the other, all tenants in each.
async fn seed(admin: &mut PgConnection, accounts: u32) -> IssuerId {
    let statements = [
        // No triggers and no foreign keys while seeding; the run itself has all of them.
        "set session_replication_role = replica".to_owned(),
        "select make_partitions('2026-06-01', '2026-06-30')".to_owned(),
        "insert into issuers (issuer_id, name, address, zone, series, country, vat_id, legal_id, vat_scheme,
                              created_at)
         values (gen_random_uuid(), 'bench', '1 street', 'UTC', 'B', 'FR', 'FR83404833048', '404833048', 'registered', '2026-01-01Z')"
            .to_owned(),
        "insert into vat_rates (issuer_id, country, class, from_at, percent, created_at, created_by)
         select issuer_id, 'FR', 'standard', '1970-01-01Z', 20, created_at, 'bench' from issuers"
            .to_owned(),
        format!(
            "insert into accounts (account_id, issuer_id, name, address, currency, country, created_at)
             select gen_random_uuid(), issuer_id, 'account ' || n, '2 street', 'EUR', 'FR', '2026-01-01Z'
             from issuers, generate_series(1, {accounts}) n"
        ),
        "insert into tenants (tenant_id, account_id, name, kind, created_at)
         select gen_random_uuid(), account_id, name, 'customer', created_at from accounts"
            .to_owned(),
        "insert into skus (sku, unit, created_at)
         select 'gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/r' || n, 'gpu_ms', '2026-01-01Z'
         from generate_series(1, 2) n"
            .to_owned(),
        "insert into price_books (price_book_id, name, currency, created_at)
         values (gen_random_uuid(), 'list', 'EUR', '2026-01-01Z')"
            .to_owned(),
        r#"insert into prices (price_id, price_book_id, sku_id, from_at, model, tiers, rounding, created_at, created_by,
                               vat_class)
           select gen_random_uuid(), price_book_id, sku_id, '2026-01-01Z', 'graduated',
                  '[{"up_to": 360000000, "price": "2.50"}, {"up_to": 3600000000, "price": "2.125"},
                    {"up_to": null, "price": "1.999999"}]',
                  'exact', '2026-01-01Z', 'bench', 'standard'
           from price_books, skus"#
            .to_owned(),
        "insert into contracts (contract_id, account_id, price_book_id, from_at, created_at, created_by)
         select gen_random_uuid(), account_id, price_book_id, '2026-01-01Z', '2026-01-01Z', 'bench'
         from accounts, price_books"
            .to_owned(),
        "insert into usage_hours (tenant_id, hour, book, project, sku_id, ms, energy_mj)
         select t.tenant_id, hour, 1, 'research', 1 + extract(day from hour)::int % 2,
                3600000 * (1 + ('x' || left(md5(t.tenant_id::text), 4))::bit(16)::int % 8) - extract(hour from hour)::int,
                1900000000
         from generate_series('2026-06-01Z'::timestamptz, '2026-06-30 23:00Z', '1 hour') hour, tenants t"
            .to_owned(),
        "set session_replication_role = origin".to_owned(),
        "vacuum (analyze) usage_hours".to_owned(),
        "analyze".to_owned(),
        "checkpoint".to_owned(),
    ];
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *admin).await.expect("seeds");
    }
    let row = sqlx::query("select issuer_id from issuers").fetch_one(admin).await.expect("an issuer");
    IssuerId::from_uuid(row.get::<Uuid, _>(0))
}

/// Takes back what the last run did, so that each has the same to do.
async fn forget(admin: &mut PgConnection) {
    let sql = "truncate invoices, invoice_lines, invoice_documents, billing_runs, billing_run_accounts, number_series,
                        outbox, periods cascade;
               checkpoint";
    for statement in sql.split(';') {
        sqlx::raw_sql(statement).execute(&mut *admin).await.expect("forgets");
    }
}

async fn group_by(admin: &mut PgConnection, period: Period) -> u128 {
    let sql = format!(
        "select tenant_id, project, sku_id, sum(ms)::bigint, sum(energy_mj)::bigint from usage_hours
         where hour >= '{}' and hour < '{}' group by tenant_id, project, sku_id",
        period.start(),
        period.end()
    );
    let started = Instant::now();
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(admin).await.expect("sums");
    assert!(!rows.is_empty());
    started.elapsed().as_millis()
}

async fn bill(db: &Db, issuer: IssuerId, period: Period, accounts: u32) -> u128 {
    let started = Instant::now();
    let summary = issue(db, Order::new(issuer, period), period.end()).await.expect("comes to its end");
    let took = started.elapsed().as_millis();
    assert_eq!((summary.issued_now, summary.issued), (usize::try_from(accounts).expect("fits"), i64::from(accounts)));
    took
}

async fn count(admin: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(admin).await.expect("a count").get(0)
}

fn median(times: &mut [u128]) -> u128 {
    times.sort_unstable();
    times[times.len() / 2].max(1)
}
