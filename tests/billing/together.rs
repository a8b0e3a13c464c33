//! A hundred commands at once against the same customers: what state is left?

use std::collections::BTreeMap;

use releve_aggregator::{Aggregator, Message, Settings, Source as MessageSource};
use releve_billing::Scope;
use releve_jobs::{Order, audit, correct, credits, issue, payments, void};
use releve_store::{
    Db,
    customers::{self, Issuer},
    payments::{self as store, PaymentFilter, Source},
};
use releve_types::{AccountId, Currency, Money, Timestamp};

use crate::{
    bench::{Bench, at, later, may},
    crediting,
};

const TENANTS: u32 = 3;
const COMMANDS: usize = 100;
/// Rounds of issuing and correcting in which all has settled down.
pub const ROUNDS_MAX: usize = 10;

fn order(bench: &Bench) -> Order<'static> {
    Order::new(bench.world.issuer, may())
}

/// Issues, corrects, takes back whole, pays, credits, and reports late usage, all at once; afterwards nothing is billed, paid or
/// drawn twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_commands_at_once_end_in_one_state() {
    let bench = Bench::with_pool(2, TENANTS, 24, 8).await;
    // The second node owes nothing, so that what it reports is late and nobody's gap.
    bench.state(1, releve_store::nodes::ServiceState::Maintenance, 0).await;
    bench.counted((0..24).map(|hour| bench.hour(0, hour, &[0, 1, 2])).collect()).await;
    assert_eq!(bench.issue().await.issued_now, 3);
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let issuer = customers::issuers(&mut tx).await.expect("issuers").remove(0);
    tx.commit().await.expect("commits");
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..COMMANDS {
        let (db, order, issuer, aggregator) =
            (bench.db.clone(), order(&bench), issuer.clone(), Aggregator::new(bench.db.clone(), Settings::default()));
        let account = bench.world.tenants[n % 3].account;
        let late = bench.hour(1, i64::try_from(n % 24).expect("small"), &[n % 3]);
        tasks.spawn(async move {
            match n % 5 {
                // In advance or for nothing, and some of it taken back.
                3 if n % 2 == 0 => credit(&db, account, &issuer, n).await,
                0 => drop(issue(&db, order, later()).await.expect("the run comes to its end")),
                1 => drop(correct(&db, order, later()).await.expect("the run comes to its end")),
                2 if n % 4 == 0 => {
                    let (reason, by) = ("by mistake".to_owned(), "test".to_owned());
                    void(&db, order, account, reason, by, later()).await.expect("the run comes to its end");
                }
                4 => drop(aggregator.take(vec![Message { body: late, source: MessageSource::Amqp }], later()).await),
                _ => {
                    let mut tx = db.begin_app().await.expect("a transaction");
                    let received = payments::Received {
                        amount: Money::parse("10.00", Currency::Eur).expect("an amount"),
                        paid_on: "2020-06-15".parse().expect("a day"),
                        source: Source::Api,
                        // Some are told twice.
                        reference: format!("B{}", n / 2),
                        end_to_end_id: format!("T-2020-{:06}", 1 + n % 4),
                        payer: String::new(),
                        remittance: String::new(),
                        paid_for: payments::PaidFor::Text,
                    };
                    payments::record(&mut tx, &issuer, received, "test", later()).await.expect("recorded");
                    tx.commit().await.expect("commits");
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no command fails");
    }
    // What is left to do is done, and then nothing more is.
    let mut rounds = 0;
    loop {
        bench.issue().await;
        if correct(&bench.db, order(&bench), later()).await.expect("the run comes to its end") == 0 {
            break;
        }
        rounds += 1;
        assert!(rounds < ROUNDS_MAX, "it never settles down");
    }
    one_state(&bench, later()).await;
}

/// A grant, or an advance; each third is withdrawn again, as far as nobody drew on it.
async fn credit(db: &Db, account: AccountId, issuer: &Issuer, n: usize) {
    let mut tx = db.begin_app().await.expect("a transaction");
    let account = customers::account(&mut tx, account).await.expect("asked").expect("there");
    let amount = Money::parse("15.00", Currency::Eur).expect("an amount");
    let source = if n.is_multiple_of(4) {
        let received = payments::Received {
            amount,
            paid_on: "2020-04-28".parse().expect("a day"),
            source: Source::Api,
            reference: format!("advance {n}"),
            end_to_end_id: String::new(),
            payer: String::new(),
            remittance: "in advance".to_owned(),
            paid_for: payments::PaidFor::Text,
        };
        let paid = payments::record(&mut tx, issuer, received, "test", later()).await.expect("recorded").0;
        credits::Source::Payment(Box::new(paid))
    } else {
        credits::Source::Grant(Scope::All)
    };
    let description = format!("credit {n}");
    let asked = credits::Asked { description, source, amount: Some(amount), priority: 500, from: at(0), expires: None };
    let opened = credits::open(&mut tx, &account, asked, "test", later()).await.expect("opened");
    tx.commit().await.expect("commits");
    if n.is_multiple_of(3) {
        let mut tx = db.begin_app().await.expect("a transaction");
        let decision = payments::Decision { reason: "by mistake", by: "test", now: later() };
        match credits::withdraw(&mut tx, &account, opened.credit.id(), decision).await {
            Ok(_) => tx.commit().await.expect("commits"),
            Err(credits::CreditError::Refused { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// Nothing is counted, billed, paid or drawn twice, and no number is missing.
pub async fn one_state(bench: &Bench, now: Timestamp) {
    let report = audit(&bench.db, may(), None).await.expect("the audit comes to its end");
    assert!(report.ok, "{:?}", report.differences);
    assert_eq!(bench.unbilled().await, []);
    let serials = bench.serials().await;
    assert_eq!(serials, (1..).take(serials.len()).collect::<Vec<i64>>(), "no gap");
    let heads: Vec<_> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).collect();
    let of: Vec<_> = heads.iter().map(|h| (h.account, h.id)).collect();
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let standings = store::standings(&mut tx, &of, now).await.expect("they add up");
    let zero = || Money::zero(Currency::Eur);
    let add = |a: Money, b: Money| a.checked_add(b).expect("small");
    // Of each document: what was paid, set against others and is open is what is payable. (The audit says that what was used
    // is what was billed.)
    let mut payable: BTreeMap<_, Money> = BTreeMap::new();
    let mut settled = zero();
    for head in &heads {
        let (standing, owed) = (standings[&head.id], head.payable.expect("issued"));
        let settled_by = add(add(head.prepaid, standing.settled), standing.credited);
        assert_eq!(add(settled_by, standing.open), owed, "{}", head.id);
        settled = add(settled, standing.settled);
        let sum = payable.entry(head.account).or_insert_with(zero);
        *sum = add(*sum, owed);
    }
    assert_eq!(payable.len(), 3);
    // What each credit's entries say is left of it, and what was drawn is on documents.
    let entries = crediting::ledger(bench).await;
    assert!(entries.iter().any(|entry| entry.contains("drawn")), "some were drawn: {entries:?}");
    let advanced: String = sqlx::query_scalar(
        "select coalesce(sum(case when from_side = 'payment' then amount when to_side = 'payment' then -amount else 0 end), 0)::numeric(28, 2)::text
         from credit_entries",
    )
    .fetch_one(&mut bench.admin().await)
    .await
    .expect("the ledger");
    // Each payment was recorded once, and is settled, a credit or held, to the cent.
    let paid = store::page(&mut tx, PaymentFilter::default(), None, 1_000).await.expect("payments");
    let references: std::collections::BTreeSet<&str> = paid.iter().map(|p| p.reference.as_str()).collect();
    assert_eq!(references.len(), paid.len());
    let left = store::left(&mut tx, &paid.iter().collect::<Vec<_>>()).await.expect("they add up");
    let (came, waits) =
        (paid.iter().fold(zero(), |s, p| add(s, p.amount)), left.values().fold(zero(), |s, l| add(s, *l)));
    let advanced = Money::parse(&advanced, Currency::Eur).expect("an amount");
    assert_eq!(add(add(settled, waits), advanced), came);
    assert!(!settled.is_zero(), "some found their invoice");
}
