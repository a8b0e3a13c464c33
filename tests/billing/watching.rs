//! Is what an account's full hours and a fleet's coverage say told once, with its numbers, to whoever asked, and over when it is?

use std::sync::Arc;

use releve_billing::{Matching, payment::Dunning};
use releve_jobs::{
    alerts::{
        self as jobs, COMMITMENT_UNDER_USED, COVERAGE_LOW, CREDITS_LOW, Limits, NODE_REPORTING, NODE_SILENT,
        PURCHASE_ORDER_LOW, SPEND_ANOMALY,
    },
    payments, webhooks,
};
use releve_store::{
    alerts::{self, Alert, AlertFilter},
    customers,
};
use releve_tests::receiver::Receiver;
use releve_types::{Ranges, Timestamp, time::MILLIS_PER_MINUTE};
use serde_json::{Value, json};

use crate::{
    agreeing::{agree, reservation},
    bench::{Bench, HOUR, at, later},
    crediting::credited,
    delivering::{endpoint, sender},
    ordering::ordered,
    paying::paid,
};

/// As the limits are, but for what a bench of four GPUs can spend.
fn limits() -> Limits {
    Limits { anomaly_excess_min: 20, commitment_days: 1, ..Limits::default() }
}

/// Minutes after an hour's end, when it counts as full.
fn full(hours: i64) -> Timestamp {
    at(hours).plus_millis(jobs::HOUR_SETTLES_MS)
}

/// Twice: what the timer makes due is judged in the next look.
async fn look(bench: &Bench, now: Timestamp) {
    for _ in 0..2 {
        jobs::round(&bench.db, &limits(), now).await.expect("looks");
    }
}

/// The alerts of a kind, the oldest first: a tenant's and its account's, or the operator's.
async fn told(bench: &Bench, of_tenant: bool, kind: &str) -> Vec<Alert> {
    let holder = &bench.world.tenants[0];
    let of = of_tenant.then_some((holder.tenant, holder.account));
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let filter = AlertFilter { of, kind: Some(kind), state: None };
    let mut all = alerts::alerts(&mut tx, filter, None, 100).await.expect("read");
    all.reverse();
    all
}

/// What an endpoint of the first account, or of the operator, is told of a topic.
async fn heard(bench: &Bench, of_account: bool, topic: &str) -> Vec<Value> {
    let receiver = Receiver::new().await;
    let account = of_account.then_some(bench.world.tenants[0].account);
    let id = endpoint(bench, &receiver.url, account, &[topic]).await;
    bench.set("update webhook_endpoints set created_at = '2020-05-01Z'").await;
    webhooks::round(&bench.db, &sender(), Arc::new(later)).await.expect("sends");
    let told: Vec<Value> = receiver.take().iter().map(|one| one.json()).collect();
    assert!(told.iter().all(|one| one["type"] == topic), "{id}: {told:?}");
    told.into_iter().map(|one| one["data"].clone()).collect()
}

async fn hours(bench: &Bench, from: i64, to: i64, tenants: &[usize]) {
    bench.counted((from..to).map(|hour| bench.hour(0, hour, tenants)).collect()).await;
}

#[tokio::test]
async fn a_jump_of_the_spend_is_told_once_and_is_over_once_it_is_back() {
    let bench = Bench::with_pool(1, 1, 96, 1).await;
    hours(&bench, 0, 30, &[0]).await;
    look(&bench, full(30)).await;
    assert_eq!(told(&bench, true, SPEND_ANOMALY).await, [], "as usual");
    hours(&bench, 30, 33, &[0, 0, 0, 0]).await;
    look(&bench, at(33)).await;
    assert_eq!(told(&bench, true, SPEND_ANOMALY).await, [], "the last hour may not be complete");
    look(&bench, full(33)).await;
    look(&bench, full(33).plus_millis(MILLIS_PER_MINUTE)).await;
    let alerts = told(&bench, true, SPEND_ANOMALY).await;
    assert_eq!((alerts.len(), alerts[0].tenant), (1, Some(bench.world.tenants[0].tenant)));
    let numbers = &alerts[0].numbers;
    assert_eq!(numbers["spent"], json!({ "amount": "30.00", "currency": "EUR" }), "{numbers}");
    assert_eq!(numbers["usual"], json!({ "amount": "7.50", "currency": "EUR" }), "{numbers}");
    assert_eq!(
        (&numbers["hours"], &numbers["baseline_hours"], &numbers["percent"]),
        (&json!(3), &json!(30), &json!(300))
    );
    // Nothing is used any more, so nothing marks the tenant: the timer sees that it is over.
    look(&bench, full(36)).await;
    let over = told(&bench, true, SPEND_ANOMALY).await;
    assert_eq!((over.len(), over[0].resolved_at), (1, Some(full(36))));
    hours(&bench, 36, 39, &[0, 0, 0, 0]).await;
    look(&bench, full(39)).await;
    assert_eq!(told(&bench, true, SPEND_ANOMALY).await.len(), 2, "another jump is another alert");
    let heard = heard(&bench, true, SPEND_ANOMALY).await;
    assert_eq!((heard.len(), &heard[0]["numbers"]), (2, numbers));
    assert_eq!(heard[0]["tenant"], bench.world.tenants[0].tenant.to_string());
}

#[tokio::test]
async fn credits_that_run_out_are_told_once_until_there_are_more() {
    let bench = Bench::with_pool(1, 1, 96, 1).await;
    credited(&bench, "100.00", false, None).await;
    hours(&bench, 0, 8, &[0, 0, 0, 0]).await;
    let patient = Limits { credits_days_min: 0, ..limits() };
    for _ in 0..2 {
        jobs::round(&bench.db, &patient, full(8)).await.expect("looks");
    }
    assert_eq!(told(&bench, true, CREDITS_LOW).await, [], "a fifth is left");
    hours(&bench, 8, 9, &[0]).await;
    look(&bench, full(9)).await;
    look(&bench, full(10)).await;
    let alerts = told(&bench, true, CREDITS_LOW).await;
    assert_eq!((alerts.len(), alerts[0].account), (1, Some(bench.world.tenants[0].account)));
    let numbers = &alerts[0].numbers;
    assert_eq!((&numbers["left"]["amount"], &numbers["whole"]["amount"]), (&json!("17.50"), &json!("100.00")));
    assert_eq!((&numbers["last_day"]["amount"], &numbers["reason"]), (&json!("82.50"), &json!("share")));
    credited(&bench, "900.00", false, None).await;
    look(&bench, full(11)).await;
    assert!(told(&bench, true, CREDITS_LOW).await[0].resolved_at.is_some(), "there are more");
    let heard = heard(&bench, true, CREDITS_LOW).await;
    assert_eq!((heard.len(), &heard[0]["numbers"]["percent_min"]), (1, &json!(20)));
}

#[tokio::test]
async fn a_reservation_that_nobody_uses_is_told_although_nothing_marks_it() {
    let bench = Bench::with_pool(1, 1, 96, 1).await;
    agree(&bench, 0, None, reservation(2, Matching::Hour)).await;
    look(&bench, full(23)).await;
    assert_eq!(told(&bench, true, COMMITMENT_UNDER_USED).await, [], "it is younger than a day");
    look(&bench, full(24)).await;
    look(&bench, full(25)).await;
    let alerts = told(&bench, true, COMMITMENT_UNDER_USED).await;
    assert_eq!(alerts.len(), 1);
    let numbers = &alerts[0].numbers;
    assert_eq!((&numbers["reserved_gpu_hours"], &numbers["used_gpu_hours"]), (&json!(48), &json!(0)), "{numbers}");
    assert_eq!((&numbers["used_percent"], &numbers["percent_min"]), (&json!(0), &json!(70)));
    hours(&bench, 24, 48, &[0, 0]).await;
    look(&bench, full(48)).await;
    assert!(told(&bench, true, COMMITMENT_UNDER_USED).await[0].resolved_at.is_some(), "all of it was used");
    assert_eq!(heard(&bench, true, COMMITMENT_UNDER_USED).await.len(), 1);
}

#[tokio::test]
async fn a_purchase_order_is_low_by_what_will_be_billed_on_it() {
    let bench = Bench::with_pool(1, 1, 96, 1).await;
    ordered(&bench, "PO-1", "100.00").await;
    hours(&bench, 0, 9, &[0, 0, 0, 0]).await;
    look(&bench, full(9)).await;
    assert_eq!(told(&bench, true, PURCHASE_ORDER_LOW).await, [], "a tenth is left");
    hours(&bench, 9, 10, &[0]).await;
    look(&bench, full(10)).await;
    let alerts = told(&bench, true, PURCHASE_ORDER_LOW).await;
    let numbers = &alerts[0].numbers;
    assert_eq!((&numbers["left"]["amount"], &numbers["unbilled"]["amount"]), (&json!("7.50"), &json!("92.50")));
    assert_eq!((&numbers["purchase_order"], &numbers["percent_min"]), (&json!("PO-1"), &json!(10)));
    assert_eq!((alerts.len(), heard(&bench, true, PURCHASE_ORDER_LOW).await.len()), (1, 1));
}

#[tokio::test]
async fn time_that_is_missing_is_told_by_place_until_it_comes() {
    let bench = Bench::with_pool(4, 1, 96, 1).await;
    in_racks(&bench).await;
    let mut reports = Vec::new();
    for node in 0..4 {
        reports.extend((0..8).filter(|hour| (node, *hour) != (0, 3)).map(|hour| bench.hour(node, hour, &[])));
    }
    bench.counted(reports).await;
    look(&bench, full(8)).await;
    look(&bench, full(8).plus_millis(MILLIS_PER_MINUTE)).await;
    let alerts = told(&bench, false, COVERAGE_LOW).await;
    let numbers = &alerts[0].numbers;
    assert_eq!((alerts.len(), &numbers["where"], &numbers["nodes"]), (1, &json!("rack par1/r0"), &json!(1)));
    assert_eq!((&numbers["covered_percent"], &numbers["percent_min"]), (&json!(83), &json!(95)));
    assert_eq!((&numbers["missing_node_hours"], &numbers["from"]), (&json!(1), &json!(at(1).to_string())));
    bench.counted(vec![bench.hour(0, 3, &[])]).await;
    look(&bench, full(8).plus_millis(2 * MILLIS_PER_MINUTE)).await;
    assert!(told(&bench, false, COVERAGE_LOW).await[0].resolved_at.is_some(), "it came late, and it came");
    assert_eq!(heard(&bench, false, COVERAGE_LOW).await.len(), 1);
    assert_eq!(told(&bench, true, COVERAGE_LOW).await, [], "it is no tenant's");
}

/// Two nodes to a rack.
async fn in_racks(bench: &Bench) {
    bench
        .set(
            "set session_replication_role = replica;
             update node_states s set rack = 'r' || (n.place / 2)
             from (select node_id, row_number() over (order by length(name), name) - 1 as place from nodes) n
             where n.node_id = s.node_id",
        )
        .await;
}

/// One minute of a node, in which nobody holds anything.
fn minute(bench: &Bench, node: usize, minute: i64) -> Vec<u8> {
    let window = MILLIS_PER_MINUTE;
    bench.world.nodes[node].report_covering(at(0).plus_millis(minute * window), window, Ranges::one(0, window), &[])
}

#[tokio::test]
async fn an_aggregator_that_stops_and_starts_again_is_one_alert_and_each_cut_rack_one() {
    let bench = Bench::with_pool(20, 1, 96, 1).await;
    in_racks(&bench).await;
    let all = |from: i64, to: i64, but: &[usize]| -> Vec<Vec<u8>> {
        let nodes = (0..20).filter(|node| !but.contains(node));
        nodes.flat_map(|node| (from..to).map(move |m| (node, m))).map(|(node, m)| minute(&bench, node, m)).collect()
    };
    let clock = |m: i64| at(0).plus_millis(m * MILLIS_PER_MINUTE);
    bench.counted(all(0, 60, &[])).await;
    look(&bench, clock(61)).await;
    // For a quarter of an hour nothing is counted; the timer looks on.
    for m in 61..76 {
        look(&bench, clock(m)).await;
    }
    let alerts = told(&bench, false, NODE_SILENT).await;
    assert_eq!((alerts.len(), alerts[0].count, &alerts[0].numbers["where"]), (1, 20, &json!("fleet")));
    // It starts again, and the spools empty, but for one rack that was cut off meanwhile.
    for m in 76..90 {
        bench.counted(all(if m == 76 { 60 } else { m - 1 }, m, &[0, 1])).await;
        look(&bench, clock(m)).await;
    }
    let alerts = told(&bench, false, NODE_SILENT).await;
    assert_eq!(alerts.len(), 1, "the rack is silent since then, and told of: {alerts:?}");
    assert_eq!(alerts[0].resolved_at, None, "not all of them report");
    bench.counted((60..90).flat_map(|m| [minute(&bench, 0, m), minute(&bench, 1, m)]).collect()).await;
    look(&bench, clock(90)).await;
    assert!(told(&bench, false, NODE_SILENT).await[0].resolved_at.is_some());
    // A rack alone is an alert of its own.
    for m in 91..120 {
        bench.counted(all(m - 1, m, &[2, 3])).await;
        look(&bench, clock(m)).await;
    }
    let alerts = told(&bench, false, NODE_SILENT).await;
    assert_eq!((alerts.len(), alerts[1].count, &alerts[1].numbers["where"]), (2, 2, &json!("rack par1/r1")));
    assert_eq!(heard(&bench, false, NODE_SILENT).await.len(), 2);
    let over = bench.database.sql(&format!("select count(*) from outbox where topic = '{NODE_REPORTING}'"));
    assert_eq!(over, "1");
    assert_eq!(told(&bench, false, COVERAGE_LOW).await, [], "nothing is missing of nodes that report");
}

#[tokio::test]
async fn an_account_finds_its_invoices_among_its_alerts() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    let head = bench.invoices().await.remove(0);
    let issued = told(&bench, true, "invoice.issued").await;
    assert_eq!((issued.len(), issued[0].resolved_at), (1, Some(later())), "told, and nothing to be done");
    assert_eq!(issued[0].numbers["invoice"], head.id.to_string());
    let stamp = head.stamp.expect("issued");
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issuer = customers::issuers(&mut tx).await.expect("issuers").remove(0);
    issuer.dunning = Dunning::new(vec![7, 14, 30]).expect("rising");
    customers::update_issuer(&mut tx, &issuer).await.expect("written");
    tx.commit().await.expect("commits");
    let after = |days: i64| stamp.due_at.plus_millis(days * 24 * HOUR + 1);
    for days in [7, 8, 31] {
        payments::remind(&bench.db, after(days)).await.expect("looked");
    }
    let overdue = told(&bench, true, "invoice.overdue").await;
    assert_eq!((overdue.len(), overdue[0].resolved_at), (1, None), "a higher level is the same alert");
    assert_eq!((&overdue[0].numbers["open"], overdue[0].count), (&issued[0].numbers["payable"], 3));
    let payable = issued[0].numbers["payable"]["amount"].as_str().expect("an amount");
    paid(&bench, payable, "B1", &stamp.number.to_string()).await;
    payments::remind(&bench.db, after(32)).await.expect("looked");
    assert_eq!(told(&bench, true, "invoice.overdue").await[0].resolved_at, Some(after(32)), "it is paid");
}
