//! Do credits pay for what they say, once, and does what a correction frees go back to them?

use std::sync::Arc;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use releve_billing::{
    Credit, CreditKind, Issued, NewCredit, Number, Outcome, Purse, Rated, Scope, Stamp, Subject, correct,
    credits::drawn,
    rate,
    tax::{Ground, RateClass, Vat},
};
use releve_types::{
    AccountId, Currency, Day, InvoiceId, Money, TenantId,
    ids::{CreditId, IssuerId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::sheet::{Sheet, instant, may, named, sku_of, unnamed};

const PRICE: &str = "price h100 from 05-01 2.00\nprice a100 from 05-01 1.00";

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

fn paid_on() -> Day {
    "2020-04-20".parse().expect("a day")
}

/// `granted welcome 50.00`, `granted welcome 50.00 on h100`, `granted welcome 50.00 for acme/train`, `paid top-up 50.00`; behind
/// it `first` draws it before the others, and `until 05-16` lets it expire.
fn credit(text: &str) -> Credit {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [kind, name, amount, rest @ ..] = words.as_slice() else { panic!("{text} is no credit") };
    let (mut scope, mut priority, mut expires) = (Scope::All, 500, None);
    for pair in rest.chunks(2) {
        match pair {
            ["on", sku] => scope = Scope::Sku(sku_of(sku).0),
            ["for", who] => {
                let (tenant, project) = who.split_once('/').expect("tenant/project");
                scope = Scope::Project { tenant: TenantId::from_uuid(named(tenant)), project: project.to_owned() };
            }
            ["until", at] => expires = Some(instant(at)),
            ["at", turn] => priority = turn.parse().expect("a priority"),
            other => panic!("{other:?} is no part of a credit"),
        }
    }
    let kind = match *kind {
        "paid" => CreditKind::Paid { paid_on: paid_on(), deposit: None },
        _ => CreditKind::Granted { scope },
    };
    let (description, amount, from) = ((*name).to_owned(), euros(amount), instant("01-01"));
    let id = CreditId::from_uuid(named(name));
    Credit::new(id, NewCredit { description, kind, amount, priority, from, expires }).expect("a credit")
}

/// An account's credits, as the ledger has them.
struct Wallet(Vec<(Arc<Credit>, Money)>);

impl Wallet {
    fn of(credits: &[&str]) -> Self {
        Self(
            credits
                .iter()
                .map(|text| Arc::new(credit(text)))
                .map(|credit| (Arc::clone(&credit), credit.amount()))
                .collect(),
        )
    }

    /// Bills May by what is known by now, and books what the document draws.
    fn bill(&mut self, rated: Rated, before: &[Issued]) -> Option<Issued> {
        let purse = Purse::new(may(), Currency::Eur, before, self.0.clone()).expect("they add up");
        let rated = purse.granted(rated).expect("they add up");
        let serial = i64::try_from(before.len()).expect("few") + 1;
        let subject = Subject {
            account: AccountId::from_uuid(named("account")),
            issuer: IssuerId::from_uuid(named("issuer")),
            period: may(),
            book: i32::try_from(serial).expect("few"),
        };
        let vat = |class| {
            let rate = if class == RateClass::Standard { "20" } else { "5.5" };
            Ok(Vat { ground: Ground::Domestic, rate: rate.parse().expect("a rate") })
        };
        let draft = match correct(subject, rated, before, &vat, vec![]).expect("adds up") {
            Outcome::Nothing => return None,
            Outcome::Draft(draft) => draft,
            Outcome::Parked(parked) => panic!("{:?}", parked.holds()),
        };
        let issued = purse.paid(draft).expect("adds up").issue(Stamp {
            id: InvoiceId::from_uuid(Uuid::from_u128(u128::try_from(serial).expect("few"))),
            number: Number::new("REL", 2020, serial).expect("a number"),
            issued_at: instant("06-03"),
            due_at: instant("07-03"),
            digest: [7; 32],
        });
        for (id, amount) in drawn(issued.content(), issued.advances()).expect("small") {
            let (credit, left) = self.0.iter_mut().find(|(credit, _)| credit.id() == id).expect("one of them");
            *left = left.checked_sub(amount).expect("small");
            assert!(!left.is_negative(), "{} is overdrawn", credit.description());
            assert!(left.amount() <= credit.amount().amount(), "{} got more than it gave", credit.description());
        }
        Some(issued)
    }

    fn left(&self) -> String {
        let left = |(credit, left): &(Arc<Credit>, Money)| format!("{} {}", credit.description(), left.amount());
        self.0.iter().map(left).collect::<Vec<_>>().join(", ")
    }
}

fn rated(text: &str) -> Rated {
    let sheet = Sheet::read(&format!("{PRICE}\n{text}"));
    rate(&sheet.contract(), may(), &sheet.usage).expect("rated")
}

fn shown(issued: &Issued) -> String {
    let (content, taxes, advances) = (issued.content(), issued.taxes(), issued.advances());
    let line = |l: &releve_billing::Line| {
        let sense = if l.taken_back { "was" } else { "is " };
        format!("  {sense} {:<28} {:>9}\n", l.description, l.charge.amount.amount())
    };
    let lines: String = content.lines.iter().map(line).collect();
    let drawn = |d: &releve_billing::Drawn| format!("  from {}: {}\n", unnamed(d.credit.uuid()), d.amount.amount());
    let drawn: String = advances.drawn.iter().map(drawn).collect();
    let sums = format!("  net {}, with VAT {}, due {}\n", content.total, taxes.payable, advances.due);
    format!("{:?}\n{lines}{drawn}{sums}", content.kind())
}

#[track_caller]
fn billed(credits: &[&str], sheets: &[&str], expected: Expect) {
    let (mut wallet, mut issued, mut text) = (Wallet::of(credits), Vec::new(), String::new());
    for sheet in sheets {
        if let Some(next) = wallet.bill(rated(sheet), &issued) {
            text += &shown(&next);
            issued.push(next);
        }
        text += &format!("left: {}\n", wallet.left());
    }
    expected.assert_eq(&text);
}

#[test]
fn what_was_granted_takes_off_what_is_taxed() {
    billed(
        &["granted welcome 50.00"],
        &["use acme/train h100 05-01..06-01 100h"],
        expect![[r#"
        Invoice
          is  GPU time on h100, eu            200.00
          is  Credit: welcome                 -50.00
          net 150.00 EUR, with VAT 180.00 EUR, due 180.00 EUR
        left: welcome 0.00
    "#]],
    );
}

#[test]
fn what_was_paid_takes_off_what_is_payable() {
    // All of it, and a part.
    billed(
        &["paid top-up 500.00"],
        &["use acme/train h100 05-01..06-01 100h"],
        expect![[r#"
        Invoice
          is  GPU time on h100, eu            200.00
          from top-up: 240.00
          net 200.00 EUR, with VAT 240.00 EUR, due 0.00 EUR
        left: top-up 260.00
    "#]],
    );
    billed(
        &["paid top-up 100.00"],
        &["use acme/train h100 05-01..06-01 100h"],
        expect![[r#"
        Invoice
          is  GPU time on h100, eu            200.00
          from top-up: 100.00
          net 200.00 EUR, with VAT 240.00 EUR, due 140.00 EUR
        left: top-up 0.00
    "#]],
    );
}

#[test]
fn they_are_drawn_in_their_order() {
    // What is granted before what is paid; by priority, then what expires first.
    billed(
        &[
            "paid top-up 100.00 at 0",
            "granted never 30.00",
            "granted soon 30.00 until 06-01",
            "granted first 30.00 at 1",
            "granted gone 30.00 until 05-01 at 0",
        ],
        &["use acme/train h100 05-01..06-01 50h"],
        expect![[r#"
            Invoice
              is  GPU time on h100, eu            100.00
              is  Credit: first                   -30.00
              is  Credit: soon                    -30.00
              is  Credit: never                   -30.00
              from top-up: 12.00
              net 10.00 EUR, with VAT 12.00 EUR, due 0.00 EUR
            left: top-up 88.00, never 0.00, soon 0.00, first 0.00, gone 30.00
        "#]],
    );
}

#[test]
fn a_scope_is_kept() {
    billed(
        &["granted gpus 50.00 on a100", "granted team 50.00 for acme/train", "granted all 5.00"],
        &[
            "use acme/train h100 05-01..06-01 10h\nuse acme/chat a100 05-01..06-01 20h\nuse acme/chat h100 05-01..06-01 1h",
        ],
        expect![[r#"
            Invoice
              is  GPU time on a100, eu             20.00
              is  GPU time on h100, eu              2.00
              is  GPU time on h100, eu             20.00
              is  Credit: all                      -5.00
              is  Credit: gpus                    -15.00
              is  Credit: team                    -20.00
              net 2.00 EUR, with VAT 2.40 EUR, due 2.40 EUR
            left: gpus 35.00, team 30.00, all 0.00
        "#]],
    );
}

#[test]
fn each_vat_class_has_its_line_and_nothing_falls_below_zero() {
    billed(
        &["granted welcome 500.00"],
        &["use acme/train h100 05-01..06-01 10h\nfee books once 05-02 30.00 reduced\ngoodwill sorry 05-03 5.00"],
        expect![[r#"
            Invoice
              is  GPU time on h100, eu             20.00
              is  fee books once 05-02 30.00 reduced     30.00
              is  goodwill sorry 05-03 5.00        -5.00
              is  Credit: welcome                 -15.00
              is  Credit: welcome                 -30.00
              net 0.00 EUR, with VAT 0.00 EUR, due 0.00 EUR
            left: welcome 455.00
        "#]],
    );
}

#[test]
fn a_correction_up_draws_more_and_down_gives_back_the_last() {
    billed(
        &["granted first 30.00 at 1", "granted second 30.00", "paid top-up 60.00"],
        &[
            "use acme/train h100 05-01..06-01 20h",
            "use acme/train h100 05-01..06-01 60h",
            "use acme/train h100 05-01..06-01 60h",
            "use acme/train h100 05-01..06-01 16h",
            "use acme/train h100 05-01..06-01 0h",
        ],
        expect![[r#"
            Invoice
              is  GPU time on h100, eu             40.00
              is  Credit: first                   -30.00
              is  Credit: second                  -10.00
              net 0.00 EUR, with VAT 0.00 EUR, due 0.00 EUR
            left: first 0.00, second 20.00, top-up 60.00
            Correction
              was GPU time on h100, eu            -40.00
              is  GPU time on h100, eu            120.00
              was Credit: second                   10.00
              is  Credit: second                  -30.00
              from top-up: 60.00
              net 60.00 EUR, with VAT 72.00 EUR, due 12.00 EUR
            left: first 0.00, second 0.00, top-up 0.00
            left: first 0.00, second 0.00, top-up 0.00
            CreditNote
              was GPU time on h100, eu           -120.00
              is  GPU time on h100, eu             32.00
              is  Credit: second                   -2.00
              was Credit: second                   30.00
              from top-up: -60.00
              net -60.00 EUR, with VAT -72.00 EUR, due -12.00 EUR
            left: first 0.00, second 28.00, top-up 60.00
            Correction
              was GPU time on h100, eu            -32.00
              was Credit: first                    30.00
              was Credit: second                    2.00
              net 0.00 EUR, with VAT 0.00 EUR, due 0.00 EUR
            left: first 30.00, second 30.00, top-up 60.00
        "#]],
    );
}

#[test]
fn what_is_granted_later_pays_only_for_what_comes_later() {
    let mut wallet = Wallet::of(&["granted early 10.00"]);
    let first = wallet.bill(rated("use acme/train h100 05-01..06-01 20h"), &[]).expect("billed");
    wallet.0.extend(Wallet::of(&["granted late 100.00", "paid top-up 100.00"]).0);
    // The same again, and the same from another project: nothing is drawn that was not before.
    assert_eq!(wallet.bill(rated("use acme/train h100 05-01..06-01 20h"), std::slice::from_ref(&first)), None);
    assert_eq!(wallet.bill(rated("use acme/chat h100 05-01..06-01 20h"), std::slice::from_ref(&first)), None);
    let more = wallet.bill(rated("use acme/train h100 05-01..06-01 25h"), std::slice::from_ref(&first));
    let total = more.expect("corrected").content().total;
    assert_eq!((total, wallet.left().as_str()), (euros("0.00"), "early 0.00, late 90.00, top-up 100.00"));
}

#[test]
fn a_credit_that_contradicts_itself_is_refused() {
    let new = |change: &dyn Fn(&mut NewCredit)| {
        let mut new = NewCredit {
            description: "welcome".to_owned(),
            kind: CreditKind::Granted { scope: Scope::All },
            amount: euros("5.00"),
            priority: 500,
            from: instant("05-01"),
            expires: Some(instant("06-01")),
        };
        change(&mut new);
        Credit::new(CreditId::from_uuid(named("credit")), new).expect_err("refused").to_string() + "\n"
    };
    let refusals = [
        new(&|n| n.description = " ".to_owned()),
        new(&|n| n.amount = euros("0.00")),
        new(&|n| n.priority = 1_001),
        new(&|n| n.from = n.from.plus_millis(1)),
        new(&|n| n.expires = Some(n.from)),
    ];
    expect![[r#"
        description: what is agreed is described in 1 to 200 characters, not 1
        amount: 0.00 EUR is no credit: it is above zero
        priority: 1001 is no priority: 0 to 1000, the lower the earlier it is drawn
        from: what is agreed starts and ends on a whole UTC hour, 2020-05-01T00:00:00.001Z does not
        expires: it would end at 2020-05-01T00:00:00Z, not after 2020-05-01T00:00:00Z, when it starts
    "#]]
    .assert_eq(&refusals.concat());
}

proptest! {
    /// Whatever comes late, in whatever order: no credit gives more than it has or gets more than it gave, each document adds up,
    /// and the documents together draw what one invoice of the last usage would have drawn.
    #[test]
    fn corrections_draw_what_one_invoice_would_have(
        hours in prop::collection::vec((0_i64..60, 0_i64..60), 1..5),
        amounts in prop::collection::vec((0_i64..8_000, any::<bool>(), 0_u16..3), 0..4),
    ) {
        let wallet = || {
            let credits = amounts.iter().enumerate().filter(|(_, (cents, ..))| *cents > 0);
            let credit = |(n, (cents, paid, priority)): (usize, &(i64, bool, u16))| {
                let kind = if *paid { "paid" } else { "granted" };
                credit(&format!("{kind} c{n} {} at {priority}", Decimal::new(*cents, 2)))
            };
            Wallet(credits.map(credit).map(|c| { let amount = c.amount(); (Arc::new(c), amount) }).collect())
        };
        let sheet = |(a, b): (i64, i64)| format!("use acme/train h100 05-01..06-01 {a}h\nuse acme/chat a100 05-01..06-01 {b}h");
        let (mut late, mut issued) = (wallet(), Vec::new());
        for known in &hours {
            if let Some(next) = late.bill(rated(&sheet(*known)), &issued) {
                next.check().expect("adds up");
                issued.push(next);
            }
        }
        let mut at_once = wallet();
        let one = at_once.bill(rated(&sheet(*hours.last().expect("one"))), &[]);
        prop_assert_eq!(late.left(), at_once.left());
        let due = |all: &[Issued]| all.iter().fold(euros("0"), |sum, i| sum.checked_add(i.advances().due).expect("small"));
        prop_assert_eq!(due(&issued), due(one.as_slice()));
    }
}
