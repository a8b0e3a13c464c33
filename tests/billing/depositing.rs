//! Where VAT is due when money is paid in advance: does each advance get its document, once, and do the others name it?

use releve_jobs::{
    Order,
    credits::{Asked, CreditError, Source, open, withdraw},
    documents,
    pack::pack,
    payments::Decision,
    void,
};
use releve_store::{
    credits::CreditRecord,
    customers, invoices,
    payments::{self, Payment},
};
use releve_types::{Currency, Money, Timestamp};
use releve_verify::verify;
use serde_json::Value;

use crate::{
    bench::{Bench, at, june, later},
    crediting::advance,
};

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

/// An account that used two hours, 5.00 without VAT, of a seller who owes VAT on what is paid in advance.
async fn world() -> Bench {
    let bench = Bench::new(1, 1, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    bench.set("update issuers set vat_on_prepayment = true").await;
    bench
}

async fn paid(bench: &Bench, amount: &str) -> Payment {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let payment = advance(&mut tx, amount).await;
    tx.commit().await.expect("commits");
    payment
}

async fn credited(
    bench: &Bench,
    payment: &Payment,
    amount: Option<&str>,
    now: Timestamp,
) -> Result<CreditRecord, CreditError> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let account = customers::account(&mut tx, bench.world.tenants[0].account).await.expect("asked").expect("there");
    let asked = Asked {
        description: "Top-up".to_owned(),
        source: Source::Payment(Box::new(payment.clone())),
        amount: amount.map(euros),
        priority: 500,
        from: at(0),
        expires: None,
    };
    let opened = open(&mut tx, &account, asked, "test", now).await?;
    tx.commit().await.expect("commits");
    Ok(opened)
}

async fn left_of(bench: &Bench, payment: &Payment) -> Money {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    payments::left_of(&mut tx, payment).await.expect("adds up")
}

/// Number, kind, net, with VAT, paid in advance and due of each document, in the order of their numbers.
async fn documents_of(bench: &Bench) -> Vec<String> {
    let ids: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).map(|h| h.id).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut issued = invoices::issued(&mut tx, &ids).await.expect("they add up");
    issued.sort_by_key(|i| i.stamp().number.serial());
    let shown = |i: &releve_billing::Issued| {
        let (net, taxes, advances) = (i.content().total, i.taxes(), i.advances());
        let sums = [net, taxes.payable, advances.paid, advances.due].map(|m| m.amount().to_string()).join(" ");
        format!("{} {} {sums}", i.stamp().number.serial(), i.content().kind().name())
    };
    issued.iter().map(shown).collect()
}

/// What each document says to a program, by its serial.
async fn said(bench: &Bench) -> Vec<Value> {
    documents::run(&bench.db, later()).await.expect("they are rendered");
    let mut heads: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).collect();
    heads.sort_by_key(|head| head.stamp.as_ref().expect("issued").number.serial());
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let mut said = Vec::new();
    for head in heads {
        let of = releve_store::documents::find(&mut tx, head.account, head.id, documents::JSON).await.expect("asked");
        said.push(serde_json::from_slice(&of.expect("rendered").body).expect("JSON"));
    }
    said
}

#[tokio::test]
async fn an_advance_is_invoiced_when_it_is_made_and_named_when_it_is_drawn() {
    let bench = world().await;
    // In the first hour of the month that is billed afterwards: a document of none of it.
    let payment = paid(&bench, "4.80").await;
    let credit = credited(&bench, &payment, None, at(0)).await.expect("made");
    assert_eq!((credit.credit.amount(), left_of(&bench, &payment).await), (euros("4.80"), euros("0")));
    assert_eq!(documents_of(&bench).await, ["1 deposit 4.00 4.80 4.80 0.00"]);
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(documents_of(&bench).await[1..], ["2 invoice 5.00 6.00 4.80 1.20"]);
    let documents = said(&bench).await;
    let (deposit, invoice) = (&documents[0], &documents[1]);
    assert_eq!((deposit["kind"].as_str(), invoice["kind"].as_str()), (Some("deposit"), Some("invoice")));
    assert_eq!((deposit["vat"][0]["base"].as_str(), deposit["vat"][0]["tax"].as_str()), (Some("4.00"), Some("0.80")));
    assert_eq!(invoice["advances"][0]["deposit"]["number"], deposit["number"]);
    assert_eq!((deposit["advances"][0]["deposit"].is_null(), deposit["due"].as_str()), (true, Some("0.00")));
    // It is paid, and nobody is asked for it; what draws on it is recomputed with it.
    let heads = bench.invoices().await;
    let of_month = heads.iter().find(|head| head.credit.is_none()).expect("there");
    let verdict = verify(&pack(&bench.db, of_month.id).await.expect("made").expect("there"));
    assert!(verdict.holds(), "{verdict}");
    let of: Vec<_> = heads.iter().map(|head| (head.account, head.id)).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let standings = payments::standings(&mut tx, &of, later()).await.expect("asked");
    let open = |head: &invoices::InvoiceHead| (standings[&head.id].state.name(), standings[&head.id].open);
    assert_eq!(open(of_month), ("open", euros("1.20")));
    let paid = heads.iter().find(|head| head.credit == Some(credit.credit.id())).expect("there");
    assert_eq!(open(paid), ("paid", euros("0")));
    tx.commit().await.expect("commits");
    let report = releve_jobs::audit(&bench.db, crate::bench::may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
    // The next month finds nothing to bill: the advance is no month's.
    let of_june = releve_jobs::issue(&bench.db, Order::new(bench.world.issuer, june()), at(24 * 70)).await;
    assert_eq!(of_june.expect("billed").issued, 0);
}

#[tokio::test]
async fn what_is_taken_back_of_an_advance_gets_a_credit_note() {
    let bench = world().await;
    let payment = paid(&bench, "9.60").await;
    let credit = credited(&bench, &payment, None, later()).await.expect("made");
    assert_eq!(bench.issue().await.issued_now, 1);
    let (account, decision) = (credit.account, Decision { reason: "they leave", by: "test", now: later() });
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let buyer = customers::account(&mut tx, account).await.expect("asked").expect("there");
    withdraw(&mut tx, &buyer, credit.credit.id(), decision).await.expect("withdrawn");
    tx.commit().await.expect("commits");
    assert_eq!(left_of(&bench, &payment).await, euros("3.60"));
    // A month that is taken back gives the advance its part again, and that is withdrawn in its turn.
    let (reason, by) = ("by mistake".to_owned(), "test".to_owned());
    assert!(void(&bench.db, bench.order(), account, reason, by, later()).await.expect("voided"));
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    withdraw(&mut tx, &buyer, credit.credit.id(), decision).await.expect("withdrawn");
    tx.commit().await.expect("commits");
    assert_eq!(left_of(&bench, &payment).await, euros("9.60"));
    assert_eq!(
        documents_of(&bench).await,
        [
            "1 deposit 8.00 9.60 9.60 0.00",
            "2 invoice 5.00 6.00 6.00 0.00",
            "3 credit_note -3.00 -3.60 -3.60 0.00",
            "4 credit_note -5.00 -6.00 -6.00 0.00",
            "5 credit_note -5.00 -6.00 -6.00 0.00",
        ]
    );
    let documents = said(&bench).await;
    for back in [&documents[2], &documents[4]] {
        assert_eq!(back["corrects"][0]["number"], documents[0]["number"]);
    }
    let report = releve_jobs::audit(&bench.db, crate::bench::may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
}

/// 0.03 is no net amount and its VAT of 20 %: a cent stays with the payment, and who asks for it is told.
#[tokio::test]
async fn an_advance_is_an_amount_with_its_vat() {
    let bench = world().await;
    let payment = paid(&bench, "0.03").await;
    let refused = credited(&bench, &payment, Some("0.03"), later()).await.expect_err("not to the cent");
    let CreditError::Refused { field: "amount", detail } = &refused else { panic!("{refused}") };
    assert!(detail.contains("0.03 EUR: 0.02 EUR does"), "{detail}");
    let credit = credited(&bench, &payment, None, later()).await.expect("made");
    assert_eq!((credit.credit.amount(), left_of(&bench, &payment).await), (euros("0.02"), euros("0.01")));
    assert_eq!(documents_of(&bench).await, ["1 deposit 0.02 0.02 0.02 0.00"]);
    // Nobody can say which VAT: nothing is made, and no number taken.
    bench.set("update issuers set vat_scheme = ''").await;
    let payment = paid(&bench, "12.00").await;
    let refused = credited(&bench, &payment, None, later()).await.expect_err("no VAT");
    assert!(refused.to_string().contains("issuer.vat_scheme"), "{refused}");
    assert_eq!(left_of(&bench, &payment).await, euros("12.00"));
    assert_eq!(documents_of(&bench).await.len(), 1);
}
