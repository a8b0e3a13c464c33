//! Does what was agreed beside the price book reach the invoice, from usage that was counted?

use releve_billing::{AgreedTerms, Agreement, ChargeKind, Issued, Matching, Scope, tax::RateClass};
use releve_jobs::correct;
use releve_store::{
    agreements::{self, AgreementRecord},
    invoices,
};
use releve_tests::world::{self, Hold};
use releve_types::{Sku, ids::AgreementId};

use crate::bench::{Bench, HOUR, at, later};

pub async fn agree(bench: &Bench, from: i64, until: impl Into<Option<i64>>, terms: AgreedTerms) {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let (id, until) = (AgreementId::fresh(at(from)), until.into().map(at));
    let agreement = Agreement::new(id, format!("the {}", terms.name()), at(from), until, terms).expect("terms");
    let account = bench.world.tenants[0].account;
    let record = AgreementRecord { account, agreement, created_at: at(0), created_by: "test".to_owned() };
    agreements::insert(&mut tx, &record).await.expect("it is written");
    let read = agreements::of(&mut tx, &[account]).await.expect("it is read")[&account].clone();
    assert!(read.contains(&record), "as it was written");
    tx.commit().await.expect("commits");
}

/// Of `devices`, at 1.00 an hour, above them 2.00.
pub fn reservation(devices: u32, matching: Matching) -> AgreedTerms {
    let (price, overage) = ("1.00".parse().expect("a price"), Some("2.00".parse().expect("a price")));
    AgreedTerms::Reservation { sku: world::sku(), devices, matching, price, overage }
}

async fn issued(bench: &Bench) -> Vec<Issued> {
    let ids: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).map(|h| h.id).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issued = invoices::issued(&mut tx, &ids).await.expect("they add up");
    issued.sort_by_key(|i| i.content().book);
    issued
}

/// Each line as `<kind> <minutes metered> <quantity> = <amount>`.
fn lines(issued: &Issued) -> Vec<String> {
    let line = |l: &releve_billing::Line| {
        let c = &l.charge;
        format!("{} {} min, {} = {}", c.kind.name(), c.metered / 60_000, c.quantity(), c.amount.amount())
    };
    issued.content().lines.iter().map(line).collect()
}

/// Three devices together for half an hour, then one: by instant two are covered at most, by hour all of it.
async fn bursts(matching: Matching) -> Bench {
    let bench = Bench::new(1, 1, 2).await;
    agree(&bench, 0, 2, reservation(2, matching)).await;
    let hold = |gpu, from, until| Hold::new(bench.key(0), gpu, &format!("job {gpu} {from}"), from, until);
    let half = HOUR / 2;
    let first = [hold(0, 0, HOUR), hold(1, 0, half), hold(2, 0, half)];
    bench
        .counted(vec![
            bench.world.nodes[0].report(at(0), HOUR, &first),
            bench.world.nodes[0].report(at(1), HOUR, &[hold(0, 0, half)]),
        ])
        .await;
    assert_eq!(bench.issue().await.issued_now, 1);
    bench
}

#[tokio::test]
async fn a_reservation_is_matched_as_it_says() {
    let bench = bursts(Matching::Hour).await;
    assert_eq!(lines(&issued(&bench).await[0]), ["reserved 150 min, 9000 = 2.50", "unused 0 min, 5400 = 1.50"]);
    let bench = bursts(Matching::Instant).await;
    assert_eq!(
        lines(&issued(&bench).await[0]),
        ["reserved 120 min, 7200 = 2.00", "overage 30 min, 1800 = 1.00", "unused 0 min, 7200 = 2.00"]
    );
    let report = releve_jobs::audit(&bench.db, crate::bench::may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
}

/// What comes late fills the reservation first, and what was unused of it is given back as it was billed.
#[tokio::test]
async fn late_usage_moves_between_used_and_unused() {
    let more = Bench::new(2, 1, 2).await;
    agree(&more, 0, 2, reservation(2, Matching::Instant)).await;
    more.state(1, releve_store::nodes::ServiceState::Maintenance, 0).await;
    more.counted(vec![more.hour(0, 0, &[0]), more.hour(0, 1, &[0])]).await;
    assert_eq!(more.issue().await.issued_now, 1);
    assert_eq!(lines(&issued(&more).await[0]), ["reserved 120 min, 7200 = 2.00", "unused 0 min, 7200 = 2.00"]);
    more.counted(vec![more.hour(1, 0, &[0, 0])]).await;
    assert_eq!(correct(&more.db, more.order(), later()).await.expect("corrected"), 1);
    let second = &issued(&more).await[1];
    let signed = [
        "reserved -120 min, -7200 = -2.00",
        "reserved 180 min, 10800 = 3.00",
        "overage 60 min, 3600 = 2.00",
        "unused 0 min, -7200 = -2.00",
        "unused 0 min, 3600 = 1.00",
    ];
    assert_eq!(lines(second), signed);
    assert_eq!(second.content().total.to_string(), "2.00 EUR");
}

#[tokio::test]
async fn discounts_fees_and_vat_classes_stand_on_their_lines() {
    let bench = Bench::new(1, 1, 2).await;
    let price = |text: &str| text.parse().expect("a price");
    let fee = |name| Sku::fee(name).expect("a name");
    let percent = "12.5".parse().expect("a percentage");
    agree(&bench, 0, 1, AgreedTerms::Discount { scope: Scope::All, percent }).await;
    let month = 24 * 31;
    let (standard, reduced) = (RateClass::Standard, RateClass::Reduced);
    agree(&bench, 0, month, AgreedTerms::Recurring { sku: fee("support"), price: price("10.00"), class: standard })
        .await;
    agree(&bench, 24, 25, AgreedTerms::Once { sku: fee("books"), price: price("100.00"), class: reduced }).await;
    agree(&bench, 25, 26, AgreedTerms::Goodwill { sku: fee("sorry"), price: price("1.00"), class: standard }).await;
    agree(&bench, 0, month, AgreedTerms::Minimum { price: price("20.00") }).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    // No reduced rate is known.
    assert_eq!(bench.issue().await.parked, 1);
    bench
        .set("insert into vat_rates select issuer_id, country, 'reduced', from_at, 5.5, created_at, created_by from vat_rates")
        .await;
    assert_eq!(bench.issue().await.issued_now, 1);
    let issued = issued(&bench).await.remove(0);
    assert_eq!(
        lines(&issued),
        [
            "usage 60 min, 3600 = 2.19",
            "usage 60 min, 3600 = 2.50",
            "recurring 0 min, 744 = 10.00",
            "once 0 min, 1 = 100.00",
            "goodwill 0 min, -1 = -1.00",
            "minimum 0 min, 1 = 5.31",
        ]
    );
    let off = issued.content().lines[0].charge.discount.expect("a discount");
    assert_eq!((off.percent.to_string(), off.amount.to_string()), ("12.5".to_owned(), "0.31 EUR".to_owned()));
    let vat: Vec<String> =
        issued.taxes().subtotals.iter().map(|s| format!("{} {} {}", s.vat.rate, s.base, s.tax)).collect();
    assert_eq!(vat, ["5.5 100.00 EUR 5.50 EUR", "20 19.00 EUR 3.80 EUR"]);
    assert!(matches!(issued.content().lines[5].charge.kind, ChargeKind::Minimum(_)));
    releve_jobs::documents::run(&bench.db, later()).await.expect("rendered");
    assert_eq!(
        bench.refused("update agreements set until_at = '2020-05-01T01:00Z' where kind = 'minimum'").await,
        None
    );
    for sql in [
        "update agreements set until_at = null where kind = 'minimum'",
        "update agreements set until_at = '2021-05-01Z' where kind = 'minimum'",
        "delete from agreements",
        "update agreements set price = 1 where kind = 'minimum'",
    ] {
        assert!(bench.refused(sql).await.is_some(), "{sql}");
    }
}

/// What is owed once makes its own month due, and no month after it: the jobs ask each minute.
#[tokio::test]
async fn what_is_owed_once_is_owed_in_one_month() {
    let bench = Bench::new(1, 1, 1).await;
    let owed_from = async || {
        let mut tx = bench.db.begin_app().await.expect("a transaction");
        agreements::owed_from(&mut tx).await.expect("the database answers")
    };
    let (sku, price) = (Sku::fee("set-up").expect("a name"), "10.00".parse().expect("a price"));
    agree(&bench, 1, None, AgreedTerms::Once { sku, price, class: RateClass::Standard }).await;
    assert_eq!(owed_from().await, [(bench.world.issuer, at(1))]);
    bench.counted(vec![bench.hour(0, 0, &[])]).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(owed_from().await, []);
}
