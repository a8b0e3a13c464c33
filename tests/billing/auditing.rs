//! Does the audit pass what is right, and find each thing that is not?

use releve_jobs::{Check, audit};
use releve_store::audit_log::{self, Change};
use releve_tests::world::{self, Hold};
use releve_types::{TenantKey, ids::fresh_uuid};
use serde_json::json;
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, HOUR, at, later, may};

/// Two nodes, three tenants, one key in suspense; billed, with usage that came after.
async fn billed() -> Bench {
    let bench = Bench::new(2, 3, 3).await;
    let stranger = TenantKey::new("static:stranger").expect("a key");
    let holds = [
        Hold::new(bench.key(0), 0, "a", 0, HOUR / 3),
        Hold::new(bench.key(0), 0, "b", HOUR / 3, HOUR / 2),
        Hold::new(&stranger, 1, "c", 1, 2),
    ];
    let mixed = bench.world.nodes[0].report(at(1), HOUR, &holds);
    bench.counted(vec![bench.hour(0, 0, &[0, 1]), mixed, bench.hour(0, 2, &[2]), bench.hour(1, 0, &[1])]).await;
    bench.counted(vec![bench.hour(1, 1, &[1])]).await;
    bench
}

#[tokio::test]
async fn what_was_reported_is_billed_waiting_or_in_suspense() {
    let bench = billed().await;
    let before = audit(&bench.db, may(), None).await.unwrap();
    assert!(before.ok, "nothing is billed yet: {:?}", before.differences);
    assert!(before.sums.iter().all(|s| s.billed == 0));

    // Node 1 misses its last hour, so t1 waits; the others are issued. Then the hour comes.
    let summary = bench.issue().await;
    assert_eq!((summary.issued, summary.parked), (2, 1), "{:?}", bench.stand().await);
    bench.counted(vec![bench.hour(1, 2, &[0])]).await;
    let after = audit(&bench.db, may(), None).await.unwrap();
    assert!(after.ok, "{:?}", after.differences);
    assert_eq!((after.reports, after.invoices), (6, 2));
    let total = |of: fn(&releve_jobs::audit::Sum) -> i64| after.sums.iter().map(of).sum::<i64>();
    let reported = 6 * HOUR + HOUR / 2 + 1;
    assert_eq!(total(|s| s.reports.unwrap()), reported);
    assert_eq!(total(|s| s.allocation_hours.unwrap()), reported);
    assert_eq!(total(|s| s.usage), reported);
    assert_eq!(total(|s| s.billed), 2 * HOUR + HOUR / 2);
    assert_eq!(total(|s| s.unbilled), 4 * HOUR, "t1's three hours, and the late one of t0");
    assert_eq!(total(|s| s.suspense), 1);
}

#[tokio::test]
async fn re_attributed_usage_is_replayed_after_the_reports() {
    let bench = billed().await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let version = releve_store::catalog::bump(&mut tx).await.unwrap();
    let (stranger, tenant) = (TenantKey::new("static:stranger").unwrap(), bench.world.tenants[2].tenant);
    world::map(&mut tx, &stranger, Some(tenant), at(0).hour(), version, later()).await;
    tx.commit().await.unwrap();
    let moved = bench.aggregator.reattribute(&stranger, "test", false, later()).await.unwrap();
    assert_eq!(moved.gpu_ms, 1);
    let report = audit(&bench.db, may(), None).await.unwrap();
    assert!(report.ok, "{:?}", report.differences);
    assert_eq!(report.sums.iter().map(|s| s.suspense).sum::<i64>(), 0);
}

#[tokio::test]
async fn each_equation_is_seen_to_break() {
    let bench = billed().await;
    bench.issue().await;
    // As a superuser without triggers: what no program can do.
    let broken = [
        (
            "update reports set body = set_byte(body, length(body) - 1, 255 - get_byte(body, length(body) - 1)) where window_start = '2020-05-01Z' and node_id = (select min(node_id::text)::uuid from reports)",
            Check::Evidence,
        ),
        ("delete from reports where window_start = '2020-05-01 02:00Z'", Check::Reports),
        (
            "update allocation_hours set held = held - '{[5,6)}'::int4multirange where hour = '2020-05-01Z'",
            Check::Reports,
        ),
        ("update allocation_hours set energy_mj = energy_mj + 1 where hour = '2020-05-01Z'", Check::Rollups),
        ("update usage_hours set ms = ms + 1 where hour = '2020-05-01 01:00Z'", Check::Rollups),
        ("delete from usage_hours where hour = '2020-05-01 02:00Z'", Check::Rollups),
        ("update invoice_lines set metered = metered - 1", Check::Lines),
        ("update invoice_lines set amount = amount + 0.01", Check::Invoices),
        ("update invoices set total = total + 0.01 where state = 'issued'", Check::Invoices),
        ("update number_series set last_serial = last_serial + 1", Check::Numbers),
    ];
    for (sql, check) in broken {
        // Each on a copy of its own, made from the same state.
        let copy = format!("copy_{}", fresh_uuid(later()).simple());
        let name = &bench.database.name;
        bench.db.close().await;
        bench.database.sql(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"));
        let mut admin = bench.elsewhere("postgres").await;
        sqlx::raw_sql(AssertSqlSafe(format!("create database {copy} template {name}")))
            .execute(&mut admin)
            .await
            .unwrap();
        let mut conn = bench.elsewhere(&copy).await;
        sqlx::raw_sql("set session_replication_role = replica").execute(&mut conn).await.unwrap();
        let done = sqlx::query(sql).execute(&mut conn).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
        let report = audit(&bench.copy(&copy).await, may(), None).await.unwrap();
        assert!(!report.ok, "{sql}");
        assert!(report.differences.iter().any(|d| d.check == check), "{sql}: {:?}", report.differences);
    }
}

/// Runs the jobs once, which seals what was written.
async fn sealed(bench: &Bench) {
    let settings = releve_jobs::Settings { issue_automatically: false, ..Default::default() };
    releve_jobs::round(&bench.db, &settings, later(), &CancellationToken::new()).await;
}

async fn note(bench: &Bench, subject: &str) {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let change = Change {
        actor: "test".to_owned(),
        action: "price.create",
        subject: subject.to_owned(),
        before: None,
        after: Some(json!({ "price": "2.50", "sku": "b" })),
    };
    audit_log::add(&mut tx, &change, later()).await.expect("noted");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn a_log_that_was_tampered_with_is_found_out() {
    let bench = Bench::new(1, 1, 1).await;
    for subject in ["one", "two", "three"] {
        note(&bench, subject).await;
    }
    sealed(&bench).await;
    note(&bench, "four").await;
    let report = audit(&bench.db, may(), None).await.unwrap();
    assert!(report.ok, "{:?}", report.differences);
    let first = report.log.head.clone().expect("a seal");
    assert_eq!(report.log.unsealed, 1);
    sealed(&bench).await;
    sealed(&bench).await;
    let log = audit(&bench.db, may(), None).await.unwrap().log;
    assert_eq!((log.sealed, log.unsealed), (report.log.sealed + 1, 0), "each entry is sealed once");
    assert_ne!(log.head.as_ref(), Some(&first));

    let refused = bench.refused("update audit_seals set sha256 = sha256").await;
    assert_eq!(refused.as_deref(), Some("42501"), "the programs may not so much as try");
    // What only whoever owns the database can do.
    let found = async |sql: &'static str| {
        bench.set("alter table audit_log disable trigger frozen; alter table audit_seals disable trigger frozen").await;
        bench.set(sql).await;
        let report = audit(&bench.db, may(), None).await.unwrap();
        assert_eq!(report.ok, report.differences.is_empty());
        report.differences.iter().map(|d| (d.check, d.at.clone())).collect::<Vec<_>>()
    };
    let seal = |n: i64| (Check::Log, format!("seal {n}"));
    let last = log.sealed;
    let one = last - 3;
    assert_eq!(found("update audit_log set actor = 'nobody' where subject = 'one'").await, [seal(one)]);
    assert_eq!(found("update audit_log set actor = 'test' where subject = 'one'").await, []);
    assert_eq!(
        found(r#"update audit_log set after = '{"price": "2.51", "sku": "b"}' where subject = 'one'"#).await,
        [seal(one)]
    );
    assert_eq!(
        found(r#"update audit_log set after = '{"sku": "b", "price": "2.50"}' where subject = 'one'"#).await,
        []
    );
    let removed = "alter table audit_seals drop constraint audit_seals_entry_fkey;
        delete from audit_log where subject = 'two'";
    assert_eq!(found(removed).await, [seal(one + 1)]);
    let hidden = "delete from audit_seals s where not exists (select from audit_log a where a.entry = s.entry)";
    assert_eq!(found(hidden).await, [seal(one + 2)], "nor does it help to remove the seal as well");
}
