//! Is what was billed taken back whole, and billed again as if for the first time?

use releve_billing::{Kind, tax::Ground};
use releve_jobs::{audit, correct, documents, void};
use releve_store::invoices;

use crate::bench::{Bench, later, may};

async fn voided(bench: &Bench) -> bool {
    let (account, reason) = (bench.world.tenants[0].account, "sold to somebody else".to_owned());
    void(&bench.db, bench.order(), account, reason, "test".to_owned(), later()).await.expect("the run comes to its end")
}

async fn documents_of(bench: &Bench) -> Vec<(Kind, String, Ground)> {
    let ids: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).map(|h| h.id).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issued = invoices::issued(&mut tx, &ids).await.expect("they add up");
    issued.sort_by_key(|i| i.content().book);
    let shown = |i: &releve_billing::Issued| {
        (i.content().kind(), i.taxes().payable.to_string(), i.taxes().subtotals[0].vat.ground)
    };
    issued.iter().map(shown).collect()
}

async fn holds_together(bench: &Bench) {
    let report = audit(&bench.db, may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
}

#[tokio::test]
async fn a_void_takes_all_back_and_the_usage_can_be_invoiced_again() {
    let bench = Bench::new(2, 1, 2).await;
    bench.state(1, releve_store::nodes::ServiceState::Maintenance, 0).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 0]), bench.hour(0, 1, &[0])]).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("corrected"), 1);
    // The customer was in another country all along: no correction changes that.
    bench.set("update accounts set country = 'US', customer_kind = 'business', vat_id = '', legal_id = ''").await;
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("corrected"), 0);

    assert!(voided(&bench).await);
    assert_eq!(bench.unbilled().await.iter().map(|u| u.quantity).sum::<i128>(), 4 * 3_600_000, "it is unbilled");
    holds_together(&bench).await;
    let logged: i64 = sqlx::query_scalar("select count(*) from audit_log where action = 'invoice.void'")
        .fetch_one(&mut bench.admin().await)
        .await
        .expect("the log");
    assert_eq!(logged, 1, "it is on record");
    assert!(!voided(&bench).await, "once");
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("billed anew"), 1);
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("asked again"), 0);
    let found = documents_of(&bench).await;
    let expected = [
        (Kind::Invoice, "9.00 EUR", Ground::Domestic),
        (Kind::Correction, "3.00 EUR", Ground::Domestic),
        (Kind::CreditNote, "-12.00 EUR", Ground::Domestic),
        (Kind::Invoice, "10.00 EUR", Ground::OutsideTerritory),
    ];
    assert_eq!(found, expected.map(|(kind, payable, ground)| (kind, payable.to_owned(), ground)));
    assert_eq!(bench.serials().await, [1, 2, 3, 4]);
    assert_eq!(bench.unbilled().await, []);
    holds_together(&bench).await;
    documents::run(&bench.db, later()).await.expect("rendered");

    // And again, while what comes late lands beside it.
    bench.counted(vec![bench.hour(1, 0, &[0])]).await;
    assert!(voided(&bench).await);
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("billed anew"), 1);
    assert_eq!(documents_of(&bench).await[5].1, "12.50 EUR");
    holds_together(&bench).await;
    assert!(bench.refused("delete from voids").await.is_some());
}
