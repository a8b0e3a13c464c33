//! What if a node's word was wrong? What it counted is taken back once, from whoever it stands with, and nothing is deleted.

use releve_aggregator::Change;
use releve_jobs::{audit, correct, documents, pack::pack};
use releve_store::{
    amendments,
    gaps::{self, Acceptance},
    quarantine_views::{self, Filter},
};
use releve_tests::world;
use releve_types::{Timestamp, ids::QuarantineId};
use releve_verify::verify;

use crate::bench::{Bench, HOUR, at, later, may};

/// After all that was issued at [`later`].
fn afterwards() -> Timestamp {
    later().plus_millis(HOUR)
}

const WHO: (&str, &str) = ("test", "the agent counted twice");

async fn waiting(bench: &Bench) -> Vec<QuarantineId> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let filter = Filter { status: Some("waiting".to_owned()), ..Filter::default() };
    let rows = quarantine_views::messages(&mut tx, &filter, None, 1_000).await.expect("the database answers");
    rows.into_iter().map(|row| row.id).collect()
}

/// Counts all that waits in place of what it overlaps: how many by fate, and what that did.
async fn amend(bench: &Bench, dry_run: bool) -> (Vec<&'static str>, Change) {
    let ids = waiting(bench).await;
    let done = bench.aggregator.amend(&ids, WHO, dry_run, afterwards()).await.expect("decided");
    (done.0.iter().map(|(_, fate)| fate.name()).collect(), done.1)
}

async fn withdraw(bench: &Bench, node: usize, hours: (i64, i64), dry_run: bool) -> Change {
    let stretch = (at(hours.0), at(hours.1));
    let done = bench.aggregator.withdraw(bench.world.nodes[node].id, stretch, WHO, dry_run, afterwards()).await;
    done.expect("withdrawn")
}

/// Each report of node 0 in its first two hours, as `<hour> <status>`.
async fn stored(bench: &Bench) -> Vec<String> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let rows = amendments::of_node(&mut tx, bench.world.nodes[0].id, (at(0), at(24)), None, 100).await;
    let mut rows: Vec<String> = rows
        .expect("the database answers")
        .iter()
        .map(|r| format!("{} {}", r.key.window_start.since(at(0)) / HOUR, r.status))
        .collect();
    rows.sort();
    rows
}

async fn usage(bench: &Bench) -> Vec<i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select t.name, coalesce(sum(u.ms), 0)::bigint from tenants t left join usage_hours u using (tenant_id)
         where t.kind = 'customer' group by 1 order by 1",
    )
    .fetch_all(&mut bench.admin().await)
    .await
    .expect("sums");
    rows.into_iter().map(|(_, ms)| ms).collect()
}

async fn holds_together(bench: &Bench) {
    let report = audit(&bench.db, may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
}

async fn corrected(bench: &Bench) -> usize {
    correct(&bench.db, bench.order(), afterwards()).await.expect("the run comes to its end")
}

async fn totals(bench: &Bench, tenant: usize) -> Vec<String> {
    let mut heads = bench.invoices().await;
    heads.retain(|h| h.account == bench.world.tenants[tenant].account && h.stamp.is_some());
    heads.sort_by_key(|h| h.book);
    heads.iter().map(|h| h.total.to_string()).collect()
}

#[tokio::test]
async fn a_report_counts_in_place_of_another_one() {
    let bench = Bench::new(1, 2, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 0]), bench.hour(0, 1, &[0, 1])]).await;
    let fates = bench.take(vec![bench.hour_again(0, 0, 7, &[0, 1])]).await;
    assert_eq!(fates[0].name(), "quarantined");
    assert_eq!(usage(&bench).await, [3 * HOUR, HOUR]);

    let (fates, change) = amend(&bench, true).await;
    let held = |change: &Change, tenant: usize| {
        let of = bench.world.tenants[tenant].tenant;
        change.held_ms.iter().filter(|((tenant, ..), _)| *tenant == of).map(|(_, ms)| ms).sum::<i64>()
    };
    assert_eq!((fates, change.taken_back.len(), change.uncovered_ms), (vec!["counted"], 1, 0));
    assert_eq!((held(&change, 0), held(&change, 1)), (-HOUR, HOUR));
    assert_eq!(usage(&bench).await, [3 * HOUR, HOUR], "it was only asked");
    assert_eq!(waiting(&bench).await.len(), 1);

    assert_eq!(amend(&bench, false).await.1, change);
    assert_eq!(usage(&bench).await, [2 * HOUR, 2 * HOUR]);
    assert_eq!(stored(&bench).await, ["0 counted", "0 superseded", "1 counted"]);
    assert_eq!(waiting(&bench).await, []);
    holds_together(&bench).await;
    // Both are known now: neither counts again.
    let again = bench.take(vec![bench.hour(0, 0, &[0, 0]), bench.hour_again(0, 0, 7, &[0, 1])]).await;
    assert_eq!(again.iter().map(|f| f.name()).collect::<Vec<_>>(), ["duplicate", "duplicate"]);
    assert_eq!(usage(&bench).await, [2 * HOUR, 2 * HOUR]);

    // What was said first can be believed again after all, in words of its own.
    bench.take(vec![bench.hour_again(0, 0, 8, &[0, 0])]).await;
    assert_eq!(amend(&bench, false).await.0, ["counted"]);
    assert_eq!(usage(&bench).await, [3 * HOUR, HOUR]);
    holds_together(&bench).await;
    let actions: Vec<String> =
        sqlx::query_scalar("select action || ' ' || (after ->> 'reason') from audit_log where action like 'report.%'")
            .fetch_all(&mut bench.admin().await)
            .await
            .expect("the log");
    assert_eq!(actions, ["report.supersede the agent counted twice", "report.supersede the agent counted twice"]);
}

#[tokio::test]
async fn an_amendment_of_a_billed_month_is_corrected_each_way() {
    let bench = Bench::new(1, 2, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 0]), bench.hour(0, 1, &[0, 1])]).await;
    assert_eq!(bench.issue().await.issued_now, 2);
    bench.take(vec![bench.hour_again(0, 0, 7, &[0, 1])]).await;
    assert_eq!(corrected(&bench).await, 0, "nobody has decided yet");
    assert_eq!(amend(&bench, false).await.0, ["counted"]);
    assert_eq!(corrected(&bench).await, 2);
    assert_eq!(totals(&bench, 0).await, ["7.50 EUR", "-2.50 EUR"]);
    assert_eq!(totals(&bench, 1).await, ["2.50 EUR", "2.50 EUR"]);
    assert_eq!(bench.unbilled().await, []);
    holds_together(&bench).await;
    // What was issued before rests on what was believed then, and what came after on what is believed now.
    documents::run(&bench.db, afterwards()).await.expect("they are rendered");
    for head in bench.invoices().await {
        let made = pack(&bench.db, head.id).await.expect("made").expect("there");
        let verdict = verify(&made);
        assert!(verdict.holds() && !verdict.to_string().contains("not shown"), "{verdict}");
    }
}

#[tokio::test]
async fn what_is_withdrawn_is_a_gap_until_somebody_decides() {
    let bench = Bench::new(1, 2, 3).await;
    bench.counted((0..3).map(|hour| bench.hour(0, hour, &[0, 1])).collect()).await;
    assert_eq!(bench.issue().await.issued_now, 2);
    let dry = withdraw(&bench, 0, (1, 2), true).await;
    assert_eq!((dry.taken_back.len(), dry.uncovered_ms), (1, HOUR));
    assert_eq!(usage(&bench).await, [3 * HOUR, 3 * HOUR]);
    assert_eq!(withdraw(&bench, 0, (1, 2), false).await, dry);
    assert_eq!(withdraw(&bench, 0, (1, 2), false).await, Change::default(), "it was taken back");
    assert_eq!(usage(&bench).await, [2 * HOUR, 2 * HOUR]);
    assert_eq!(stored(&bench).await, ["0 counted", "1 withdrawn", "2 counted"]);
    holds_together(&bench).await;
    // Sent again, it is known, and counts no more.
    assert_eq!(bench.take(vec![bench.hour(0, 1, &[0, 1])]).await[0].name(), "duplicate");
    assert_eq!(corrected(&bench).await, 0, "the time is a gap, which concerns both");

    // A report of it comes: its time is free, so it counts as any other does.
    bench.counted(vec![bench.hour_again(0, 1, 7, &[0, 0])]).await;
    assert_eq!(usage(&bench).await, [4 * HOUR, 2 * HOUR]);
    assert_eq!(corrected(&bench).await, 2);
    assert_eq!(totals(&bench, 0).await, ["7.50 EUR", "2.50 EUR"]);
    assert_eq!(totals(&bench, 1).await, ["7.50 EUR", "-2.50 EUR"]);
    holds_together(&bench).await;

    // Or a person decides to bill around it.
    withdraw(&bench, 0, (2, 3), false).await;
    let gap = Acceptance {
        node: bench.world.nodes[0].id,
        from: at(2),
        to: at(3),
        reason: "a test stand".to_owned(),
        accepted_by: "test".to_owned(),
    };
    let mut tx = bench.db.begin_app().await.unwrap();
    assert!(gaps::accept(&mut tx, &gap, afterwards()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(corrected(&bench).await, 2);
    assert_eq!(totals(&bench, 1).await.last().map(String::as_str), Some("-2.50 EUR"));
    assert_eq!(bench.unbilled().await, []);
    holds_together(&bench).await;
}

/// Within one open book: what is taken back and reported again stands again.
#[tokio::test]
async fn the_same_hold_reported_again_stands_again() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    withdraw(&bench, 0, (0, 1), false).await;
    assert_eq!(usage(&bench).await, [0]);
    bench.counted(vec![bench.hour_again(0, 0, 7, &[0])]).await;
    assert_eq!(usage(&bench).await, [HOUR]);
    holds_together(&bench).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(totals(&bench, 0).await, ["2.50 EUR"]);
}

/// A rule moved it meanwhile: it is taken back from whom it stands with.
#[tokio::test]
async fn what_a_rule_moved_is_taken_back_where_it_stands() {
    let bench = Bench::new(1, 2, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let version = releve_store::catalog::bump(&mut tx).await.unwrap();
    world::map(&mut tx, bench.key(0), Some(bench.world.tenants[1].tenant), at(0).hour(), version, later()).await;
    tx.commit().await.unwrap();
    bench.aggregator.reattribute(bench.key(0), "test", false, later()).await.unwrap();
    assert_eq!(usage(&bench).await, [0, 2 * HOUR]);
    bench.take(vec![bench.hour_again(0, 0, 7, &[0, 0])]).await;
    assert_eq!(amend(&bench, false).await.0, ["counted"]);
    assert_eq!(usage(&bench).await, [0, 3 * HOUR]);
    withdraw(&bench, 0, (1, 2), false).await;
    assert_eq!(usage(&bench).await, [0, 2 * HOUR]);
    holds_together(&bench).await;
}

/// A report that stands for less than those it replaces leaves a gap; one that is not believed replaces nothing.
#[tokio::test]
async fn what_is_not_believed_supersedes_nothing() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let half = releve_types::Ranges::one(0, HOUR / 2);
    let mut other = bench.world.nodes[0].clone();
    other.run = uuid::Uuid::from_u128(7);
    bench.take(vec![other.report_covering(at(0), HOUR, half, &[])]).await;
    let mut stranger = other.clone();
    // It shows the devices of a node that it is not.
    stranger.gpus = vec![releve_tests::world::machine(50, 1).gpus[0]];
    let mut tx = bench.db.begin_app().await.unwrap();
    releve_store::tenure::claim(&mut tx, &[(stranger.gpus[0].uuid(), releve_tests::world::machine(50, 1).id)])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stranger.run = uuid::Uuid::from_u128(8);
    bench.take(vec![stranger.report(at(0), HOUR, &[])]).await;
    let (mut fates, change) = amend(&bench, false).await;
    fates.sort_unstable();
    assert_eq!((fates, change.taken_back.len(), change.uncovered_ms), (vec!["counted", "quarantined"], 1, HOUR / 2));
    assert_eq!(usage(&bench).await, [0]);
    assert_eq!(stored(&bench).await, ["0 counted", "0 superseded"]);
    holds_together(&bench).await;
    // No program may change what a report says, or forget that it was taken back.
    for sql in [
        "update reports set body = ''",
        "update reports set status = 'counted', taken_back_at = null, superseded_by = null where status = 'superseded'",
    ] {
        assert_eq!(bench.refused(sql).await.as_deref(), Some("23R01"), "{sql}");
    }
}

/// Amended, withdrawn, re-attributed and corrected at once, it still adds up.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn amendments_at_once_count_each_time_once() {
    let bench = Bench::with_pool(1, 2, 24, 6).await;
    bench.counted((0..24).map(|hour| bench.hour(0, hour, &[0, 1])).collect()).await;
    assert_eq!(bench.issue().await.issued_now, 2);
    bench.take((0..24).map(|hour| bench.hour_again(0, hour, 7, &[1, 1])).collect()).await;
    bench.take((0..24).map(|hour| bench.hour_again(0, hour, 8, &[0, 0])).collect()).await;
    let ids = waiting(&bench).await;
    assert_eq!(ids.len(), 48);
    let (first, second) = (&ids[..24], &ids[24..]);
    let amended = async |ids| drop(bench.aggregator.amend(ids, WHO, false, afterwards()).await.expect("decided"));
    let corrections = async || {
        for _ in 0..5 {
            corrected(&bench).await;
        }
    };
    tokio::join!(amended(first), amended(second), amended(&ids), corrections());
    let done = usage(&bench).await;
    assert_eq!(done.iter().sum::<i64>(), 48 * HOUR);
    while corrected(&bench).await > 0 {}
    assert_eq!(bench.unbilled().await, []);
    holds_together(&bench).await;
}
