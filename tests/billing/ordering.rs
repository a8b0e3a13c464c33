//! Do invoices name the customer's purchase order, and wait where it has no room for them?

use releve_billing::orders::{OpenOrder, PurchaseOrder};
use releve_jobs::{correct, documents, void};
use releve_store::{
    documents as kept,
    orders::{self, OrderRecord},
};
use releve_types::{Currency, Money, ids::PurchaseOrderId};

use crate::bench::{Bench, at, later};

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

pub async fn ordered(bench: &Bench, number: &str, amount: &str) {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let id = PurchaseOrderId::fresh(later());
    let order = PurchaseOrder::new(id, number.to_owned(), Some(euros(amount)), at(0), None).expect("an order");
    let open = OpenOrder { order, drawn: euros("0") };
    let account = bench.world.tenants[0].account;
    let record = OrderRecord { account, open, created_at: later(), created_by: "test".to_owned() };
    assert!(orders::insert(&mut tx, &record).await.expect("inserted"));
    assert!(!orders::insert(&mut tx, &record).await.expect("known"));
    tx.commit().await.expect("commits");
}

/// What is left of each order, by number.
async fn left(bench: &Bench) -> Vec<String> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let account = bench.world.tenants[0].account;
    let found = orders::of(&mut tx, &[account]).await.expect("asked").remove(&account).unwrap_or_default();
    let shown = |r: &OrderRecord| format!("{} {}", r.open.order.number(), r.open.left().expect("limited").amount());
    let mut left: Vec<String> = found.iter().map(shown).collect();
    left.sort();
    left
}

#[tokio::test]
async fn an_invoice_waits_for_an_order_and_draws_on_it() {
    let bench = Bench::new(2, 1, 2).await;
    bench.state(1, releve_store::nodes::ServiceState::Maintenance, 0).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    bench.set("update accounts set purchase_order_required = true").await;
    assert_eq!(bench.issue().await.parked, 1);
    ordered(&bench, "PO-1", "4.99").await;
    assert_eq!(bench.issue().await.parked, 1);
    let holds = bench.invoices().await.remove(0).holds;
    assert!(holds[0].detail.contains("PO-1 has 4.99 EUR left"), "{holds:?}");
    ordered(&bench, "PO-2", "6.00").await;
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(left(&bench).await, ["PO-1 4.99", "PO-2 1.00"]);
    // A correction of 2.50 has no room there; the first has.
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("corrected"), 1);
    assert_eq!(left(&bench).await, ["PO-1 2.49", "PO-2 1.00"]);
    documents::run(&bench.db, later()).await.expect("they are rendered");
    let heads = bench.invoices().await;
    let first = heads.iter().find(|head| head.book == 1).expect("the first");
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    for (media_type, says) in [
        (documents::JSON, "\"purchase_order\": \"PO-2\""),
        (documents::HTML, "PO-2"),
        (documents::UBL, "<cbc:ID>PO-2</cbc:ID>"),
        (documents::CII, "PO-2"),
    ] {
        let found = kept::find(&mut tx, first.account, first.id, media_type).await.expect("asked").expect("rendered");
        assert!(String::from_utf8_lossy(&found.body).contains(says), "{media_type}");
    }
    tx.commit().await.expect("commits");
    // All of it taken back: each order has again what was drawn on it.
    let (account, reason, by) = (bench.world.tenants[0].account, "by mistake".to_owned(), "test".to_owned());
    assert!(void(&bench.db, bench.order(), account, reason, by, later()).await.expect("voided"));
    assert_eq!(left(&bench).await, ["PO-1 4.99", "PO-2 6.00"]);
    // It does not change.
    let code = bench.refused("update purchase_orders set amount = 99").await;
    assert!(code.as_deref().is_some_and(|code| ["23R01", "42501"].contains(&code)), "{code:?}");
}
