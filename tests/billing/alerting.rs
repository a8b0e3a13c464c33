//! Is a threshold told of once, with its numbers, and a silence once, however many nodes fall silent?

use std::time::Duration;

use releve_billing::watch::{Basis, Budget, Figure};
use releve_jobs::alerts::{self as jobs, BUDGET_REACHED, COVERAGE_LOW, Limits, NODE_SILENT};
use releve_store::{
    alerts::{self, Alert, AlertFilter},
    budgets::{self, BudgetRecord},
    rollups,
};
use releve_types::{Currency, Money, TenantId, Timestamp, ids::BudgetId, time::MILLIS_PER_MINUTE};

use crate::bench::{Bench, HOUR, at};

async fn round(bench: &Bench, now: Timestamp) {
    jobs::round(&bench.db, &Limits::default(), now).await.expect("looks");
}

async fn told(bench: &Bench, tenant: Option<TenantId>) -> Vec<Alert> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let of = tenant.map(|tenant| (tenant, bench.world.tenants[0].account));
    let all = alerts::alerts(&mut tx, AlertFilter { of, ..AlertFilter::default() }, None, 100).await.expect("read");
    // Coverage of the quiet hours is another test's.
    all.into_iter().filter(|alert| alert.kind != COVERAGE_LOW).collect()
}

fn events(bench: &Bench, topic: &str) -> String {
    bench.database.sql(&format!("select count(*) from outbox where topic = '{topic}'"))
}

fn eur(text: &str) -> Figure {
    Figure::Amount(Money::parse(text, Currency::Eur).expect("an amount"))
}

async fn budget(bench: &Bench, limit: Figure) -> BudgetRecord {
    let tenant = bench.world.tenants[0].tenant;
    let budget = Budget {
        id: BudgetId::fresh(at(0)),
        tenant,
        project: None,
        sku: None,
        limit,
        basis: Basis::Actual,
        thresholds: vec![50, 100],
        hard: false,
        fired: Vec::new(),
    };
    let record = BudgetRecord { budget, name: "may".to_owned(), created_at: at(0), created_by: "test".to_owned() };
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert!(budgets::insert(&mut tx, tenant, &record).await.expect("made"));
    tx.commit().await.expect("commits");
    record
}

#[tokio::test]
async fn a_threshold_is_told_once_with_its_numbers_and_again_once_raised() {
    let bench = Bench::with_pool(1, 1, 24, 1).await;
    let tenant = bench.world.tenants[0].tenant;
    let record = budget(&bench, eur("5.00")).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    round(&bench, at(1)).await;
    round(&bench, at(1)).await;
    let first = told(&bench, Some(tenant)).await;
    assert_eq!(first.len(), 1, "half of it, and once");
    assert_eq!(first[0].kind, BUDGET_REACHED);
    let numbers = &first[0].numbers;
    assert_eq!((&numbers["threshold_percent"], &numbers["basis"]), (&50.into(), &"actual".into()));
    assert_eq!((&numbers["spent"]["amount"], &numbers["limit"]["amount"]), (&"2.50".into(), &"5.00".into()));
    assert_eq!((&numbers["as_of"], &numbers["month"]), (&at(1).to_string().into(), &"2020-05".into()));
    bench.counted(vec![bench.hour(0, 1, &[0])]).await;
    round(&bench, at(2)).await;
    assert_eq!(told(&bench, Some(tenant)).await.len(), 2, "all of it");
    let raised = BudgetRecord { budget: Budget { limit: eur("10.01"), ..record.budget.clone() }, ..record };
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert!(budgets::update(&mut tx, tenant, &raised).await.expect("raised"));
    rollups::mark_spend(&mut tx, &[tenant], at(2)).await.expect("marked");
    tx.commit().await.expect("commits");
    round(&bench, at(2)).await;
    assert_eq!(told(&bench, Some(tenant)).await.len(), 2, "raised out of reach");
    bench.counted(vec![bench.hour(0, 2, &[0])]).await;
    round(&bench, at(3)).await;
    let again = told(&bench, Some(tenant)).await;
    assert_eq!((again.len(), &again[0].numbers["spent"]["amount"]), (3, &"7.50".into()), "half of the raised one");
    assert_eq!(events(&bench, BUDGET_REACHED), "3");
    assert_eq!(bench.database.sql("select count(*) from spend_marks"), "0");
    assert_eq!(bench.database.sql("select count(*) from budgets_due"), "0");
}

#[tokio::test]
async fn an_account_that_can_not_be_judged_is_due_again() {
    let bench = Bench::with_pool(1, 1, 24, 1).await;
    budget(&bench, eur("1.00")).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    // As by a process that died after it took the marks.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert_eq!(budgets::collect(&mut tx, 10, at(1).hour(), at(1)).await.expect("taken"), 1);
    tx.commit().await.expect("commits");
    round(&bench, at(1)).await;
    assert_eq!(told(&bench, Some(bench.world.tenants[0].tenant)).await.len(), 2);
}

#[tokio::test]
async fn an_account_that_can_not_be_judged_keeps_no_other_waiting() {
    let bench = Bench::with_pool(1, 2, 24, 1).await;
    budget(&bench, eur("1.00")).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1])]).await;
    let other = bench.world.tenants[1].account.uuid();
    bench.database.sql(&format!("update accounts set currency = 'USD' where account_id = '{other}'"));
    round(&bench, at(1)).await;
    assert_eq!(told(&bench, Some(bench.world.tenants[0].tenant)).await.len(), 2);
    assert_eq!(bench.database.sql("select account_id from budgets_due"), other.to_string(), "its book is in euros");
    bench.database.sql(&format!("update accounts set currency = 'EUR' where account_id = '{other}'"));
    round(&bench, at(2)).await;
    // The first look made it due for its full hours too.
    round(&bench, at(2)).await;
    assert_eq!(bench.database.sql("select count(*) from budgets_due"), "0");
}

#[tokio::test]
async fn whoever_counts_does_not_wait_for_whoever_judges() {
    let bench = Bench::with_pool(1, 1, 24, 2).await;
    budget(&bench, eur("1.00")).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let mut judging = bench.db.begin_app().await.expect("a transaction");
    assert_eq!(budgets::collect(&mut judging, 10, at(1).hour(), at(1)).await.expect("taken"), 1);
    judging.commit().await.expect("commits");
    let mut judging = bench.db.begin_app().await.expect("a transaction");
    let account = bench.world.tenants[0].account;
    assert_eq!(budgets::due(&mut judging, false, 10, at(1)).await.expect("found"), [account]);
    assert_eq!(budgets::take(&mut judging, &[account]).await.expect("taken"), [account]);
    bench.counted(vec![bench.hour(0, 1, &[0])]).await;
    // Another program looks meanwhile: it leaves the mark, and holds nothing that counting needs.
    let looks = tokio::time::timeout(Duration::from_secs(10), round(&bench, at(2)));
    looks.await.expect("it waits for nobody");
    assert_eq!(bench.database.sql("select count(*) from spend_marks"), "1");
    judging.rollback().await.expect("judged by nobody");
    round(&bench, at(2)).await;
    let numbers = &told(&bench, Some(bench.world.tenants[0].tenant)).await[0].numbers;
    assert_eq!(numbers["spent"]["amount"], "5.00", "of both hours");
    assert_eq!(bench.database.sql("select count(*) from spend_marks"), "0");
}

#[tokio::test]
async fn a_rack_that_falls_silent_is_one_alert_until_it_reports_again() {
    let bench = Bench::with_pool(3, 1, 24, 1).await;
    bench.counted((0..3).map(|node| bench.hour(node, 0, &[])).collect()).await;
    let quiet = at(1).plus_millis(Limits::default().silent_after_ms);
    round(&bench, quiet.plus_millis(-1)).await;
    assert_eq!(told(&bench, None).await, []);
    for minute in 0..5 {
        round(&bench, quiet.plus_millis(minute * MILLIS_PER_MINUTE)).await;
    }
    let alerts = told(&bench, None).await;
    assert_eq!((alerts.len(), alerts[0].kind.as_str(), alerts[0].count), (1, NODE_SILENT, 3));
    assert_eq!((events(&bench, NODE_SILENT), alerts[0].resolved_at), ("1".to_owned(), None));
    bench.counted((0..2).map(|node| bench.hour(node, 1, &[])).collect()).await;
    round(&bench, at(2)).await;
    assert_eq!(told(&bench, None).await[0].resolved_at, None, "one of them is silent still");
    bench.counted(vec![bench.hour(2, 1, &[])]).await;
    round(&bench, at(2)).await;
    let over = told(&bench, None).await;
    assert_eq!((over.len(), over[0].resolved_at), (1, Some(at(2))));
    assert_eq!(events(&bench, "node.reporting"), "1");
    round(&bench, at(3).plus_millis(HOUR)).await;
    assert_eq!(told(&bench, None).await.len(), 2, "another silence is another alert");
}
