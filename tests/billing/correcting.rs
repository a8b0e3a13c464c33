//! Does what comes late land in its own month, once, whatever happens meanwhile?

use releve_billing::Kind;
use releve_jobs::{Settings, audit, correct, correct_all, documents, void};
use releve_store::{corrections, nodes::ServiceState, runs};
use releve_tests::world;
use releve_types::{Currency, Money};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, HOUR, at, june, later, may};

/// Two tenants on node 0, billed for two hours; node 1 owes no report, and may bring late ones.
async fn billed() -> Bench {
    let bench = Bench::new(2, 2, 2).await;
    for hour in [0, 2] {
        bench.state(1, ServiceState::Maintenance, hour).await;
    }
    bench.state(1, ServiceState::Retired, 24 * 31).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1]), bench.hour(0, 1, &[0])]).await;
    assert_eq!(bench.issue().await.issued_now, 2);
    bench
}

async fn corrected(bench: &Bench) -> usize {
    correct(&bench.db, bench.order(), later()).await.expect("the run comes to its end")
}

/// Each document as `<number> <kind> <total> with VAT <payable> of <corrected>`.
async fn documents_of(bench: &Bench, tenant: usize) -> Vec<String> {
    let account = bench.world.tenants[tenant].account;
    let heads = bench.invoices().await;
    let ids: Vec<_> = heads.iter().filter(|h| h.account == account && h.stamp.is_some()).map(|h| h.id).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issued = releve_store::invoices::issued(&mut tx, &ids).await.expect("they add up");
    issued.sort_by_key(|i| i.content().book);
    let show = |i: &releve_billing::Issued| {
        let of: Vec<String> = i.content().corrects.iter().map(|c| c.number.to_string()).collect();
        let (number, kind) = (&i.stamp().number, i.content().kind().name());
        format!("{number} {kind} {} with VAT {} of {of:?}", i.content().total, i.taxes().payable)
    };
    issued.iter().map(show).collect()
}

async fn holds_together(bench: &Bench) {
    let report = audit(&bench.db, may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
}

#[tokio::test]
async fn late_usage_becomes_a_correction_of_its_month_once() {
    let bench = billed().await;
    bench.counted(vec![bench.hour(1, 0, &[0, 0])]).await;
    assert_eq!(corrected(&bench).await, 1);
    let number = |serial| format!("T-2020-{serial:06}");
    let mine = documents_of(&bench, 0).await;
    let first = mine[0].split(' ').next().expect("a number").to_owned();
    assert_eq!(mine[1], format!("{} correction 5.00 EUR with VAT 6.00 EUR of [\"{first}\"]", number(3)));
    assert_eq!(documents_of(&bench, 1).await.len(), 1, "nobody else is bothered");
    assert_eq!(bench.unbilled().await, []);
    assert_eq!(corrected(&bench).await, 0, "nothing is billed twice");
    holds_together(&bench).await;

    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(corrected(&bench).await, 1);
    let mine = documents_of(&bench, 0).await;
    assert_eq!(
        mine[2],
        format!("{} correction 2.50 EUR with VAT 3.00 EUR of [\"{first}\", \"{}\"]", number(4), number(3))
    );
    assert_eq!(bench.serials().await, [1, 2, 3, 4]);
    holds_together(&bench).await;
}

#[tokio::test]
async fn usage_that_was_somebody_else_s_is_given_back_and_billed_to_them() {
    let bench = billed().await;
    // The rule that gave t0 its key was wrong from the start.
    let mut tx = bench.db.begin_app().await.unwrap();
    let version = releve_store::catalog::bump(&mut tx).await.unwrap();
    world::map(&mut tx, bench.key(0), Some(bench.world.tenants[1].tenant), at(0).hour(), version, later()).await;
    tx.commit().await.unwrap();
    let moved = bench.aggregator.reattribute(bench.key(0), "test", false, later()).await.unwrap();
    assert_eq!(moved.gpu_ms, 2 * HOUR);
    assert_eq!(corrected(&bench).await, 2);
    let (mine, theirs) = (documents_of(&bench, 0).await, documents_of(&bench, 1).await);
    assert!(mine[1].contains("credit_note -5.00 EUR with VAT -6.00 EUR"), "{mine:?}");
    assert!(theirs[1].contains("correction 5.00 EUR with VAT 6.00 EUR"), "{theirs:?}");
    assert_eq!(bench.unbilled().await, []);
    holds_together(&bench).await;

    documents::run(&bench.db, later()).await.unwrap();
    let heads = bench.invoices().await;
    let note = heads.iter().find(|h| h.total.is_negative()).expect("the credit note");
    let mut tx = bench.db.begin_app().await.unwrap();
    let kept = releve_store::documents::find(&mut tx, note.account, note.id, documents::JSON).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&kept.expect("rendered").body).unwrap();
    assert_eq!((said["kind"].as_str(), said["total"].as_str()), (Some(Kind::CreditNote.name()), Some("5.00")));
    assert_eq!(said["payable"], "6.00");
    assert_eq!(
        (said["lines"][0]["taken_back"].as_bool(), said["lines"][0]["amount"].as_str()),
        (Some(true), Some("5.00"))
    );
}

/// What holds a tenant's parked document back, as `<kinds> <total>`.
async fn held(bench: &Bench, tenant: usize) -> Vec<String> {
    let account = bench.world.tenants[tenant].account;
    let heads = bench.invoices().await.into_iter().filter(|h| h.account == account && !h.holds.is_empty());
    let kinds = |h: &releve_store::invoices::InvoiceHead| h.holds.iter().map(|h| h.kind.name()).collect::<Vec<_>>();
    heads.map(|h| format!("{} {}", kinds(&h).join("+"), h.total)).collect()
}

/// Nobody is waited for: no round looks at it again, and what it rests on may be archived.
async fn rests(bench: &Bench, now: releve_types::Timestamp) {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert!(corrections::held(&mut tx).await.expect("answers").is_empty());
    assert_eq!(runs::first_unsettled(&mut tx, now).await.expect("answers"), None);
}

#[tokio::test]
async fn a_small_difference_is_carried_until_it_comes_to_more() {
    let bench = billed().await;
    bench.set("update accounts set correction_min = 5.00").await;
    bench.counted(vec![bench.hour(1, 0, &[0])]).await;
    assert_eq!(corrected(&bench).await, 0);
    assert_eq!((held(&bench, 0).await, documents_of(&bench, 0).await.len()), (vec!["carried 2.50 EUR".to_owned()], 1));
    rests(&bench, later()).await;
    holds_together(&bench).await;
    // With more of the month it reaches what is sent, and is one document with it.
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(corrected(&bench).await, 1);
    assert!(documents_of(&bench, 0).await[1].contains("correction 5.00 EUR with VAT 6.00 EUR"));
    assert_eq!((held(&bench, 0).await.len(), corrected(&bench).await), (0, 0));
    holds_together(&bench).await;
}

/// Two months after May is over nothing more is billed for it; what is given back is, and what was taken back whole may be billed
/// again up to what it was.
#[tokio::test]
async fn nothing_more_is_billed_long_after_and_credits_always_are() {
    let bench = billed().await;
    bench.set("update accounts set back_billing_months = 2").await;
    let (in_time, late) = (at(24 * 92).plus_millis(-1), at(24 * 92));
    let correct_at = async |now| correct(&bench.db, bench.order(), now).await.expect("the run comes to its end");
    bench.counted(vec![bench.hour(1, 0, &[0])]).await;
    assert_eq!(correct_at(late).await, 0);
    assert_eq!(held(&bench, 0).await, ["back_billing 2.50 EUR"]);
    rests(&bench, late).await;
    assert_eq!(correct_at(in_time).await, 1, "a millisecond before it still is");

    // t0's hours were t1's: t0 gets its money back, and nobody is asked for it so late.
    let mut tx = bench.db.begin_app().await.unwrap();
    let version = releve_store::catalog::bump(&mut tx).await.unwrap();
    world::map(&mut tx, bench.key(0), Some(bench.world.tenants[1].tenant), at(0).hour(), version, later()).await;
    tx.commit().await.unwrap();
    bench.aggregator.reattribute(bench.key(0), "test", false, later()).await.unwrap();
    assert_eq!(correct_at(late).await, 1);
    assert!(documents_of(&bench, 0).await[2].contains("credit_note -7.50 EUR"));
    assert_eq!(held(&bench, 1).await, ["back_billing 7.50 EUR"]);
    bench.set("update accounts set back_billing_months = 3").await;
    assert_eq!(correct_at(late).await, 1, "the contract was changed");
    assert_eq!(held(&bench, 1).await, [""; 0]);

    bench.set("update accounts set back_billing_months = 2").await;
    let (account, reason) = (bench.world.tenants[1].account, "another customer".to_owned());
    assert!(void(&bench.db, bench.order(), account, reason, "test".to_owned(), late).await.expect("voided"));
    assert_eq!(correct_at(late).await, 1, "what was billed in time is no more than it was");
    assert_eq!(held(&bench, 1).await, [""; 0]);
    holds_together(&bench).await;
}

/// A hole in the month's coverage holds a correction back as it does an invoice.
#[tokio::test]
async fn what_is_held_back_is_corrected_once_it_is_settled() {
    let bench = billed().await;
    bench.counted(vec![bench.hour(1, 0, &[0])]).await;
    // Somebody says now that node 1 served an hour that it has not reported.
    bench.state(1, ServiceState::InService, 1).await;
    bench.state(1, ServiceState::Retired, 2).await;
    assert_eq!(corrected(&bench).await, 0);
    let parked: Vec<String> = bench
        .invoices()
        .await
        .iter()
        .filter(|h| h.stamp.is_none())
        .map(|h| format!("{} {:?}", h.total, h.holds[0].kind))
        .collect();
    assert_eq!(parked, ["2.50 EUR Gap"]);
    // The jobs try it again, and nobody else's late usage with it.
    bench.counted(vec![bench.hour(1, 1, &[1])]).await;
    releve_jobs::round(&bench.db, &Settings::default(), later(), &CancellationToken::new()).await;
    assert_eq!(bench.serials().await, [1, 2, 3]);
    assert_eq!(bench.unbilled().await.len(), 1, "t1 waits for the end of the next month");
    holds_together(&bench).await;
}

/// The jobs look through earlier months when a later one was billed: what came late in pieces is one document.
#[tokio::test]
async fn the_jobs_correct_once_a_month() {
    let bench = billed().await;
    let round = async |when| releve_jobs::round(&bench.db, &Settings::default(), when, &CancellationToken::new()).await;
    round(later()).await;
    bench.counted(vec![bench.hour(1, 0, &[0])]).await;
    round(later()).await;
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    round(later()).await;
    assert_eq!(bench.serials().await, [1, 2], "June is not over");
    // A month later June is billed, with what was used in it.
    bench.state(1, ServiceState::Maintenance, 24 * 31).await;
    bench.counted(vec![bench.hour(1, 24 * 31, &[1])]).await;
    let july = june().end().plus_millis(releve_jobs::ISSUE_DELAY_MS);
    round(july).await;
    let mine = documents_of(&bench, 0).await;
    assert!(mine.len() == 2 && mine[1].contains("correction 5.00 EUR"), "{mine:?}");
    round(july).await;
    assert_eq!(bench.serials().await, [1, 2, 3, 4]);
    holds_together(&bench).await;
}

/// Two programs correct at once while the reports still come: each difference is billed once.
#[tokio::test]
async fn corrections_at_once_bill_each_difference_once() {
    let bench = billed().await;
    let all = async || correct_all(&bench.db, bench.order(), later(), later()).await.expect("comes to its end");
    let reports = async || {
        for hour in 2..12 {
            bench.counted(vec![bench.hour(1, hour, &[0, 1])]).await;
        }
    };
    tokio::join!(reports(), all(), all(), all());
    all().await;
    assert_eq!(bench.unbilled().await, []);
    let zero = Money::zero(Currency::Eur);
    let heads = bench.invoices().await;
    let billed = heads.iter().try_fold(zero, |sum, head| sum.checked_add(head.total)).expect("small");
    assert_eq!(billed.to_string(), "57.50 EUR", "three hours, and twice ten");
    let serials = bench.serials().await;
    assert_eq!(serials, (1..=i64::try_from(serials.len()).unwrap()).collect::<Vec<_>>());
    holds_together(&bench).await;
}
