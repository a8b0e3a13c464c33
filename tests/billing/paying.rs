//! Is what comes in set against what was invoiced, once, and is what can't be placed kept?

use std::collections::BTreeMap;

use releve_billing::payment::{Dunning, HeldFor};
use releve_documents::camt;
use releve_jobs::{
    correct, payments,
    payments::{Decision, Outcome, PaidFor, PaymentError, Received, record},
    void,
};
use releve_store::{
    customers::{self, Issuer},
    payments::{self as store, Payment, PaymentFilter, Source},
};
use releve_types::{Currency, Money, Timestamp, time::MILLIS_PER_DAY};

use crate::bench::{Bench, later};

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

async fn issuer(bench: &Bench) -> Issuer {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    customers::issuers(&mut tx).await.expect("issuers").remove(0)
}

fn received(amount: &str, reference: &str, text: &str) -> Received {
    Received {
        amount: euros(amount),
        paid_on: "2020-06-15".parse().expect("a day"),
        source: Source::Api,
        reference: reference.to_owned(),
        end_to_end_id: String::new(),
        payer: "a payer".to_owned(),
        remittance: text.to_owned(),
        paid_for: PaidFor::Text,
    }
}

async fn pay(bench: &Bench, received: Received) -> Result<(Payment, bool), PaymentError> {
    let issuer = issuer(bench).await;
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let done = record(&mut tx, &issuer, received, "test", later()).await?;
    tx.commit().await.expect("commits");
    Ok(done)
}

pub async fn paid(bench: &Bench, amount: &str, reference: &str, text: &str) -> Payment {
    pay(bench, received(amount, reference, text)).await.expect("recorded").0
}

/// State, paid, credited, written off and open, by number.
async fn stand(bench: &Bench, now: Timestamp) -> BTreeMap<String, String> {
    let heads: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let of: Vec<_> = heads.iter().map(|h| (h.account, h.id)).collect();
    let standings = store::standings(&mut tx, &of, now).await.expect("they add up");
    let shown = |h: &releve_store::invoices::InvoiceHead| {
        let s = standings[&h.id];
        let amounts = [s.settled, s.credited, s.written_off, s.open].map(|m| m.amount().to_string());
        (h.stamp.as_ref().expect("issued").number.to_string(), format!("{} {}", s.state.name(), amounts.join(" ")))
    };
    heads.iter().map(shown).collect()
}

async fn stands(bench: &Bench, expected: &[(&str, &str)]) {
    assert_eq!(stand(bench, later()).await, crate::bench::named(expected));
}

async fn held(bench: &Bench) -> Vec<(String, String)> {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let filter = PaymentFilter { held: true, ..PaymentFilter::default() };
    let found = store::page(&mut tx, filter, None, 1_000).await.expect("payments");
    let left = store::left(&mut tx, &found.iter().collect::<Vec<_>>()).await.expect("they add up");
    // Ids that were made in one millisecond sort by chance.
    let mut held: Vec<_> = found.iter().map(|p| (p.reference.clone(), left[&p.id].amount().to_string())).collect();
    held.sort();
    held
}

/// One account, billed 5.00 and VAT: T-2020-000001 of 6.00.
async fn billed() -> Bench {
    let bench = Bench::new(1, 1, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    assert_eq!(bench.issue().await.issued_now, 1);
    bench
}

const DECIDED: Decision<'_> = Decision { reason: "they called", by: "test", now: Timestamp::from_millis(1) };

#[tokio::test]
async fn partly_over_and_returned() {
    let bench = billed().await;
    let number = bench.invoices().await[0].stamp.clone().expect("issued").number.to_string();
    stands(&bench, &[(&number, "open 0.00 0.00 0.00 6.00")]).await;
    let first = paid(&bench, "2.00", "B1", &format!("invoice {}", number.to_lowercase())).await;
    assert_eq!(first.held_for, None);
    stands(&bench, &[(&number, "partly_paid 2.00 0.00 0.00 4.00")]).await;
    // The same again changes nothing; another under its reference is refused.
    assert!(!pay(&bench, received("2.00", "B1", "")).await.expect("known").1);
    let refused = pay(&bench, received("3.00", "B1", "")).await.expect_err("another payment");
    assert!(matches!(refused, PaymentError::Refused { field: "reference", .. }), "{refused}");
    // More than is open: the rest waits.
    let second = paid(&bench, "5.00", "B2", &number).await;
    assert_eq!(second.held_for, Some(HeldFor::Surplus));
    stands(&bench, &[(&number, "paid 6.00 0.00 0.00 0.00")]).await;
    assert_eq!(held(&bench).await, [("B2".to_owned(), "1.00".to_owned())]);
    // VAT by payment adds up to the invoice's.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let settlements = store::settlements(&mut tx, &[first.id, second.id]).await.expect("settlements");
    let shares = settlements.iter().flat_map(|s| &s.shares);
    let tax = shares.fold(euros("0"), |sum, share| sum.checked_add(share.tax).expect("small"));
    assert_eq!(tax, euros("1.00"));
    tx.commit().await.expect("commits");
    // It goes back: first what waited, then what it had settled.
    let back = Received { paid_for: PaidFor::ReturnOf(second.id), ..received("-3.00", "B3", "") };
    let (returned, _) = pay(&bench, back).await.expect("recorded");
    assert_eq!(returned.returns, Some(second.id));
    stands(&bench, &[(&number, "partly_paid 4.00 0.00 0.00 2.00")]).await;
    assert_eq!(held(&bench).await, []);
    let more = Received { paid_for: PaidFor::ReturnOf(second.id), ..received("-2.01", "B4", "") };
    assert!(matches!(pay(&bench, more).await, Err(PaymentError::Refused { field: "amount", .. })));
    let rest = Received { paid_for: PaidFor::ReturnOf(second.id), ..received("-2.00", "B5", "") };
    pay(&bench, rest).await.expect("recorded");
    stands(&bench, &[(&number, "partly_paid 2.00 0.00 0.00 4.00")]).await;
    // Nothing of it can be rewritten, and nobody can settle more than is payable.
    for sql in ["update payments set amount = 9", "delete from settlements", "update write_offs set amount = 1"] {
        let code = bench.refused(sql).await;
        assert!(code.as_deref().is_some_and(|code| ["23R02", "42501"].contains(&code)), "{sql}: {code:?}");
    }
    let more = "insert into settlements select gen_random_uuid(), payment_id, account_id, invoice_id, 4.01, paid_on, '', settled_at, ''
                from settlements limit 1";
    assert_eq!(bench.refused(more).await.as_deref(), Some("23R05"));
}

#[tokio::test]
async fn what_can_not_be_placed_waits_for_a_person() {
    let bench = billed().await;
    let head = bench.invoices().await.remove(0);
    let number = head.stamp.clone().expect("issued").number.to_string();
    let unknown = paid(&bench, "6.00", "B1", "thanks").await;
    assert_eq!(unknown.held_for, Some(HeldFor::NoInvoice));
    assert_eq!(paid(&bench, "6.00", "B2", "T-2020-000099").await.held_for, Some(HeldFor::NoInvoice));
    assert_eq!(held(&bench).await.len(), 2);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let decision = Decision { now: later(), ..DECIDED };
    let silent = Decision { reason: " ", ..decision };
    assert!(matches!(
        payments::assign(&mut tx, &unknown, head.id, None, silent).await,
        Err(PaymentError::Refused { field: "reason", .. })
    ));
    let too_much = payments::assign(&mut tx, &unknown, head.id, Some(euros("6.01")), decision).await;
    assert!(matches!(too_much, Err(PaymentError::Refused { field: "amount", .. })));
    payments::assign(&mut tx, &unknown, head.id, Some(euros("1.50")), decision).await.expect("assigned");
    payments::assign(&mut tx, &unknown, head.id, None, decision).await.expect("the rest");
    tx.commit().await.expect("commits");
    stands(&bench, &[(&number, "paid 6.00 0.00 0.00 0.00")]).await;
    assert_eq!(held(&bench).await, [("B2".to_owned(), "6.00".to_owned())]);
    // It was another's: it is taken off again, and waits.
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    payments::release(&mut tx, &unknown, head.id, decision).await.expect("released");
    assert!(payments::release(&mut tx, &unknown, head.id, decision).await.is_err(), "once");
    tx.commit().await.expect("commits");
    stands(&bench, &[(&number, "open 0.00 0.00 0.00 6.00")]).await;
    assert_eq!(held(&bench).await.len(), 2);
    // Nobody will pay; and then somebody does.
    let issuer = issuer(&bench).await;
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    assert_eq!(
        payments::write_off(&mut tx, issuer.id, head.id, None, decision).await.expect("written off"),
        euros("6.00")
    );
    assert!(
        payments::write_off(&mut tx, issuer.id, head.id, None, decision).await.is_err(),
        "nothing is open any more"
    );
    tx.commit().await.expect("commits");
    stands(&bench, &[(&number, "written_off 0.00 0.00 6.00 0.00")]).await;
    paid(&bench, "6.00", "B7", &number).await;
    stands(&bench, &[(&number, "paid 6.00 0.00 0.00 0.00")]).await;
}

#[tokio::test]
async fn a_void_moves_what_was_paid_to_what_is_billed_anew() {
    let bench = billed().await;
    let number = |n: u32| format!("T-2020-{n:06}");
    paid(&bench, "6.00", "B1", &number(1)).await;
    let (account, reason) = (bench.world.tenants[0].account, "another customer".to_owned());
    assert!(void(&bench.db, bench.order(), account, reason, "test".to_owned(), later()).await.expect("voided"));
    stands(&bench, &[(&number(1), "paid 6.00 0.00 0.00 0.00"), (&number(2), "open 0.00 0.00 0.00 -6.00")]).await;
    // It is owed back: what is paid out names the credit note.
    let (_, new) = pay(&bench, received("-2.00", "B2", &format!("refund {}", number(2)))).await.expect("recorded");
    assert!(new);
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("billed anew"), 1);
    stands(
        &bench,
        &[
            (&number(1), "paid 6.00 0.00 0.00 0.00"),
            (&number(2), "paid -2.00 -4.00 0.00 0.00"),
            (&number(3), "partly_paid 0.00 4.00 0.00 2.00"),
        ],
    )
    .await;
}

/// A statement of two payments, a return and a wage.
const STATEMENT: &str = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S</Id>
  <Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></Acct>
  <Ntry><Amt Ccy="EUR">6.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2020-06-15</Dt></BookgDt>
    <AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>
    <RmtInf><Ustrd>T-2020-000001</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
  <Ntry><Amt Ccy="EUR">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2020-06-15</Dt></BookgDt>
    <AcctSvcrRef>B2</AcctSvcrRef></Ntry>
  <Ntry><Amt Ccy="EUR">6.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2020-06-16</Dt></BookgDt>
    <AcctSvcrRef>B3</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RtrInf/></TxDtls></NtryDtls></Ntry>
  <Ntry><Amt Ccy="EUR">6.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2020-06-16</Dt></BookgDt>
    <AcctSvcrRef>B4</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E9</EndToEndId></Refs><RtrInf/></TxDtls></NtryDtls></Ntry>
  <Ntry><Amt Ccy="EUR">3000.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2020-06-16</Dt></BookgDt>
    <AcctSvcrRef>B5</AcctSvcrRef></Ntry>
  </Stmt></BkToCstmrStmt></Document>"#;

#[tokio::test]
async fn a_banks_file_is_recorded_once() {
    let bench = billed().await;
    let mut issuer = issuer(&bench).await;
    for round in ["recorded", "known"] {
        let mut tx = bench.db.begin_app().await.expect("a transaction");
        let camt = camt::read(STATEMENT.as_bytes()).expect("a statement");
        let imported = payments::import(&mut tx, &issuer, camt, "test", later()).await.expect("imported");
        let shown = |entry: &payments::Imported| match &entry.outcome {
            Outcome::Recorded(p) => format!("{} recorded {}", entry.reference, p.held_for.map_or("", HeldFor::name)),
            Outcome::Known(p) => format!("{} known {}", entry.reference, p.held_for.map_or("", HeldFor::name)),
            Outcome::PassedOver(_) => format!("{} passed over", entry.reference),
        };
        let found: Vec<String> = imported.iter().map(shown).collect();
        let expected = [
            format!("B1 {round} "),
            format!("B2 {round} no_invoice"),
            format!("B3 {round} "),
            format!("B4 {round} unknown_payment"),
            "B5 passed over".to_owned(),
        ];
        assert_eq!(found, expected);
        tx.commit().await.expect("commits");
        stands(&bench, &[("T-2020-000001", "open 0.00 0.00 0.00 6.00")]).await;
        let expected = [("B2", "7.00"), ("B4", "-6.00")].map(|(r, left)| (r.to_owned(), left.to_owned()));
        assert_eq!(held(&bench).await, expected);
    }
    // A statement of another account is no news about this seller.
    issuer.terms.iban = "DE89370400440532013000".to_owned();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let camt = camt::read(STATEMENT.as_bytes()).expect("a statement");
    let refused = payments::import(&mut tx, &issuer, camt, "test", later()).await;
    assert!(matches!(refused, Err(PaymentError::Refused { field: "Acct/Id/IBAN", .. })));
}

/// Twenty callers pay the same invoice at once, each the half of it.
#[tokio::test]
async fn however_many_pay_at_once_an_invoice_is_paid_once() {
    let bench = billed().await;
    let issuer = issuer(&bench).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (db, issuer) = (bench.db.clone(), issuer.clone());
        tasks.spawn(async move {
            // Each twice, as a caller that got no answer.
            for _ in 0..2 {
                let mut tx = db.begin_app().await.expect("a transaction");
                let payment = received("3.00", &format!("B{n}"), "T-2020-000001");
                record(&mut tx, &issuer, payment, "test", later()).await.expect("recorded");
                tx.commit().await.expect("commits");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no caller fails");
    }
    stands(&bench, &[("T-2020-000001", "paid 6.00 0.00 0.00 0.00")]).await;
    assert_eq!(held(&bench).await.len(), 18);
}

#[tokio::test]
async fn reminders_are_due_once_a_level() {
    let bench = billed().await;
    let mut issuer = issuer(&bench).await;
    issuer.dunning = Dunning::new(vec![7, 14, 30]).expect("rising");
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    customers::update_issuer(&mut tx, &issuer).await.expect("written");
    tx.commit().await.expect("commits");
    let due_at = bench.invoices().await[0].stamp.clone().expect("issued").due_at;
    let after = |days: i64| due_at.plus_millis(days * MILLIS_PER_DAY + 1);
    let remind = async |days: i64| payments::remind(&bench.db, after(days)).await.expect("looked");
    assert_eq!(remind(0).await, 0, "overdue, and the first level is not reached");
    assert_eq!(stand(&bench, after(0)).await["T-2020-000001"], "overdue 0.00 0.00 0.00 6.00");
    assert_eq!(remind(7).await, 1);
    assert_eq!(remind(8).await, 0, "once");
    // Two levels passed: the higher. A part was paid meanwhile.
    paid(&bench, "1.00", "B1", "T-2020-000001").await;
    assert_eq!(remind(31).await, 1);
    assert_eq!(remind(40).await, 0, "there is no further level");
    let mut conn = bench.admin().await;
    let noticed: Vec<(i32, String)> =
        sqlx::query_as("select level, open::numeric(28, 2)::text from dunning_notices order by level")
            .fetch_all(&mut conn)
            .await
            .expect("notices");
    assert_eq!(noticed, [(1, "6.00".to_owned()), (3, "5.00".to_owned())]);
    let told: i64 = sqlx::query_scalar("select count(*) from outbox where topic = 'invoice.overdue'")
        .fetch_one(&mut conn)
        .await
        .expect("the outbox");
    assert_eq!(told, 2);
    // Who has paid is not reminded.
    let other = billed().await;
    let mut tx = other.db.begin_app().await.expect("a transaction");
    let mut issuer = customers::issuers(&mut tx).await.expect("issuers").remove(0);
    issuer.dunning = Dunning::new(vec![7]).expect("rising");
    customers::update_issuer(&mut tx, &issuer).await.expect("written");
    tx.commit().await.expect("commits");
    paid(&other, "6.00", "B1", "T-2020-000001").await;
    assert_eq!(payments::remind(&other.db, after(7)).await.expect("looked"), 0);
}
