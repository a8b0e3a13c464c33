//! Do credits pay for what is invoiced, once, whoever else draws on them, and does their ledger say where each cent went?

use releve_billing::Scope;
use releve_jobs::{
    correct,
    credits::{Asked, CreditError, Source, expire, open, withdraw},
    payments::{Decision, PaidFor, Received, record},
    void,
};
use releve_store::{
    Tx,
    credits::{self, CreditRecord},
    customers, invoices,
    payments::{self, Payment},
};
use releve_types::{Currency, Money, Timestamp};

use crate::bench::{Bench, HOUR, at, june, later};

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

/// Money that came in before anything was billed.
pub async fn advance(tx: &mut Tx, amount: &str) -> Payment {
    let issuer = customers::issuers(tx).await.expect("issuers").remove(0);
    let received = Received {
        amount: euros(amount),
        paid_on: "2020-04-28".parse().expect("a day"),
        source: payments::Source::Api,
        reference: format!("advance of {amount}"),
        end_to_end_id: String::new(),
        payer: String::new(),
        remittance: "advance".to_owned(),
        paid_for: PaidFor::Text,
    };
    record(tx, &issuer, received, "test", later()).await.expect("recorded").0
}

/// What a first tenant's account is granted, or, of a payment, what it paid in advance.
pub async fn credited(bench: &Bench, amount: &str, paid: bool, expires: Option<Timestamp>) -> CreditRecord {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let account = bench.world.tenants[0].account;
    let account = customers::account(&mut tx, account).await.expect("asked").expect("there");
    let source =
        if paid { Source::Payment(Box::new(advance(&mut tx, amount).await)) } else { Source::Grant(Scope::All) };
    let description = format!("{} {amount}", if paid { "paid" } else { "granted" });
    let asked = Asked { description, source, amount: Some(euros(amount)), priority: 500, from: at(0), expires };
    let opened = open(&mut tx, &account, asked, "test", later()).await.expect("opened");
    tx.commit().await.expect("commits");
    opened
}

/// What is left of each, by description.
async fn left(bench: &Bench) -> Vec<String> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let found = credits::of(&mut tx, bench.world.tenants[0].account).await.expect("asked");
    let mut left: Vec<String> =
        found.iter().map(|r| format!("{}: {}", r.credit.description(), r.remaining.amount())).collect();
    left.sort();
    left
}

/// Each entry of each ledger as `<movement> <amount>`, by credit; the sums of the entries are what is left.
pub async fn ledger(bench: &Bench) -> Vec<String> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut rows = Vec::new();
    for tenant in &bench.world.tenants {
        for record in credits::of(&mut tx, tenant.account).await.expect("asked") {
            let mut sum = euros("0");
            for entry in credits::entries(&mut tx, &record).await.expect("its ledger") {
                let into = entry.movement.sides(record.credit.kind()).1 == "credit";
                sum = if into { sum.checked_add(entry.amount) } else { sum.checked_sub(entry.amount) }.expect("small");
                rows.push(format!(
                    "{}: {} {}",
                    record.credit.description(),
                    entry.movement.name(),
                    entry.amount.amount()
                ));
            }
            assert_eq!(sum, record.remaining, "{}", record.credit.description());
            assert!(!record.remaining.is_negative());
        }
    }
    // Stable: each credit's in the order in which they were entered.
    rows.sort_by_key(|row| row.split(':').next().unwrap_or_default().to_owned());
    rows
}

/// Net, with VAT, paid in advance and due, by number.
async fn documents(bench: &Bench) -> Vec<String> {
    let ids: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).map(|h| h.id).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issued = invoices::issued(&mut tx, &ids).await.expect("they add up");
    issued.sort_by_key(|i| (i.content().period, i.content().book));
    let shown = |i: &releve_billing::Issued| {
        let (net, taxes, advances) = (i.content().total, i.taxes(), i.advances());
        [net, taxes.payable, advances.paid, advances.due].map(|m| m.amount().to_string()).join(" ")
    };
    issued.iter().map(shown).collect()
}

/// One account that used two hours, 5.00, and is granted 3.00 and paid 2.00 in advance.
async fn world() -> Bench {
    let bench = Bench::new(2, 1, 2).await;
    bench.state(1, releve_store::nodes::ServiceState::Maintenance, 0).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    bench
}

#[tokio::test]
async fn credits_are_drawn_given_back_and_drawn_again() {
    let bench = world().await;
    credited(&bench, "3.00", false, None).await;
    credited(&bench, "2.00", true, None).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(documents(&bench).await, ["2.00 2.40 2.00 0.40"]);
    assert_eq!(left(&bench).await, ["granted 3.00: 0.00", "paid 2.00: 0.00"]);
    // What is due is what a payment settles, and no more.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let heads = bench.invoices().await;
    let standing = payments::standings(&mut tx, &[(heads[0].account, heads[0].id)], later()).await.expect("asked");
    assert_eq!(standing[&heads[0].id].open, euros("0.40"));
    tx.commit().await.expect("commits");
    // Taken back whole: the credits have it again. Billed anew with an hour more: they pay again.
    let (account, reason, by) = (bench.world.tenants[0].account, "by mistake".to_owned(), "test".to_owned());
    assert!(void(&bench.db, bench.order(), account, reason, by, later()).await.expect("voided"));
    assert_eq!(left(&bench).await, ["granted 3.00: 3.00", "paid 2.00: 2.00"]);
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("billed anew"), 1);
    assert_eq!(documents(&bench).await, ["2.00 2.40 2.00 0.40", "-2.00 -2.40 -2.00 -0.40", "4.50 5.40 2.00 3.40"]);
    let entries = ledger(&bench).await;
    assert_eq!(
        entries,
        [
            "granted 3.00: opened 3.00",
            "granted 3.00: drawn 3.00",
            "granted 3.00: given_back 3.00",
            "granted 3.00: drawn 3.00",
            "paid 2.00: opened 2.00",
            "paid 2.00: drawn 2.00",
            "paid 2.00: given_back 2.00",
            "paid 2.00: drawn 2.00",
        ]
    );
    let report = releve_jobs::audit(&bench.db, crate::bench::may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
}

/// A credit that covers all: an invoice of nothing due, and a correction that it pays too.
#[tokio::test]
async fn what_a_credit_pays_for_whole_is_still_a_document() {
    let bench = world().await;
    credited(&bench, "100.00", false, None).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("corrected"), 1);
    assert_eq!(documents(&bench).await, ["0.00 0.00 0.00 0.00", "0.00 0.00 0.00 0.00"]);
    assert_eq!(left(&bench).await, ["granted 100.00: 92.50"]);
    assert_eq!(bench.unbilled().await, []);
    releve_jobs::documents::run(&bench.db, later()).await.expect("they are rendered");
}

#[tokio::test]
async fn what_was_not_drawn_is_withdrawn_or_runs_out() {
    let bench = world().await;
    credited(&bench, "9.00", false, Some(at(24 * 31))).await;
    let paid = credited(&bench, "7.00", true, Some(at(24 * 31))).await;
    // Over, but May is not billed: it may still be drawn.
    assert_eq!(expire(&bench.db, later()).await.expect("looked"), Some(0));
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(left(&bench).await, ["granted 9.00: 4.00", "paid 7.00: 7.00"]);
    // An advance goes back to its payment, which is open again.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let account = customers::account(&mut tx, paid.account).await.expect("asked").expect("there");
    let payment = payments::payment(&mut tx, paid.payment.expect("paid")).await.expect("asked").expect("there");
    assert_eq!(payments::left_of(&mut tx, &payment).await.expect("adds up"), euros("0"));
    let decision = Decision { reason: "they leave", by: "test", now: later() };
    withdraw(&mut tx, &account, paid.credit.id(), decision).await.expect("withdrawn");
    assert_eq!(payments::left_of(&mut tx, &payment).await.expect("adds up"), euros("7.00"));
    let again = withdraw(&mut tx, &account, paid.credit.id(), decision).await.expect_err("nothing is left");
    assert!(matches!(again, CreditError::Refused { field: "credit", .. }), "{again}");
    tx.commit().await.expect("commits");
    assert_eq!(expire(&bench.db, later()).await.expect("booked"), Some(1));
    assert_eq!(expire(&bench.db, later()).await.expect("looked"), Some(0));
    assert_eq!(left(&bench).await, ["granted 9.00: 0.00", "paid 7.00: 0.00"]);
    assert_eq!(ledger(&bench).await.last().map(String::as_str), Some("paid 7.00: withdrawn 7.00"));
    // No more than the payment is.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let asked = Asked {
        description: "more".to_owned(),
        source: Source::Payment(Box::new(payment)),
        amount: Some(euros("7.01")),
        priority: 500,
        from: at(0),
        expires: None,
    };
    let refused = open(&mut tx, &account, asked, "test", later()).await.expect_err("more than it is");
    assert!(matches!(refused, CreditError::Refused { field: "amount", .. }), "{refused}");
}

/// Two months are billed at once, and somebody takes it back meanwhile: a credit is drawn once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_draws_what_another_has_drawn() {
    for _ in 0..5 {
        let bench = world().await;
        bench.state(0, releve_store::nodes::ServiceState::InService, 24 * 31).await;
        bench.state(0, releve_store::nodes::ServiceState::Retired, 24 * 31 + 2).await;
        let hour = |n: i64| {
            let hold = releve_tests::world::Hold::new(bench.key(0), 0, "june", 0, HOUR);
            bench.world.nodes[0].report(at(24 * 31 + n), HOUR, &[hold])
        };
        bench.counted(vec![hour(0), hour(1)]).await;
        let credit = credited(&bench, "7.00", false, None).await;
        let far = at(24 * 70);
        let of_june = releve_jobs::Order::new(bench.world.issuer, june());
        let take_back = async {
            let mut tx = bench.db.begin_app().await.expect("a transaction");
            let account = customers::account(&mut tx, credit.account).await.expect("asked").expect("there");
            let decision = Decision { reason: "by mistake", by: "test", now: far };
            match withdraw(&mut tx, &account, credit.credit.id(), decision).await {
                Ok(_) => tx.commit().await.expect("commits"),
                Err(CreditError::Refused { .. }) => drop(tx),
                Err(other) => panic!("{other}"),
            }
        };
        let (may, june, ()) = tokio::join!(
            releve_jobs::issue(&bench.db, bench.order(), far),
            releve_jobs::issue(&bench.db, of_june, far),
            take_back
        );
        assert_eq!((may.expect("billed").issued_now, june.expect("billed").issued_now), (1, 1));
        ledger(&bench).await;
        assert_eq!(documents(&bench).await.len(), 2);
    }
}

#[tokio::test]
async fn the_ledger_can_not_be_bent() {
    let bench = world().await;
    credited(&bench, "3.00", false, None).await;
    for sql in [
        "update credits set remaining = 9",
        "update credits set amount = 9",
        "delete from credits",
        "update credit_entries set amount = 1",
        "delete from credit_entries",
    ] {
        let code = bench.refused(sql).await;
        assert!(code.as_deref().is_some_and(|code| ["23R01", "23R02", "42501"].contains(&code)), "{sql}: {code:?}");
    }
    let more =
        "insert into credit_entries (account_id, credit_id, from_side, to_side, amount, reason, entered_at, entered_by)
                select account_id, credit_id, 'credit', 'seller', 3.01, '', entered_at, '' from credit_entries";
    assert_eq!(bench.refused(more).await.as_deref(), Some("23514"));
}
