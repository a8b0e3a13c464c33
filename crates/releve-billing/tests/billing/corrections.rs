//! Do the documents of a period add up to the one invoice that would have been, whatever came late?

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use releve_billing::{
    AgreedTerms, Content, Hold, HoldKind, Issued, Kind, Number, Outcome, Rated, Stamp, Subject, VatOf, correct, rate,
    tax::{Ground, Vat},
};
use releve_types::{AccountId, InvoiceId, Money, Period, ids::IssuerId};
use uuid::Uuid;

use crate::{
    sheet::{Sheet, instant, may, named, whose},
    world::{HOURS, an_agreed_world, hours},
};

fn subject(period: Period, book: i32) -> Subject {
    Subject {
        account: AccountId::from_uuid(named("account")),
        issuer: IssuerId::from_uuid(named("issuer")),
        period,
        book,
    }
}

fn standard() -> Vat {
    Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") }
}

/// The next document of a period, as it would be issued.
fn next(period: Period, rated: Rated, before: &[Issued], vat: VatOf<'_>) -> Option<Issued> {
    let serial = i64::try_from(before.len()).expect("few") + 1;
    let subject = subject(period, i32::try_from(serial).expect("few"));
    match correct(subject, rated, before, vat, vec![]).expect("adds up") {
        Outcome::Nothing => None,
        Outcome::Draft(draft) => Some(draft.issue(Stamp {
            id: InvoiceId::from_uuid(Uuid::from_u128(u128::try_from(serial).expect("few"))),
            number: Number::new("REL", 2020, serial).expect("a number"),
            issued_at: instant("06-03"),
            due_at: instant("07-03"),
            digest: [7; 32],
        })),
        Outcome::Parked(parked) => panic!("{:?}", parked.holds()),
    }
}

/// Bills May again and again, each time by what is known by then.
fn documents(sheets: &[&str]) -> Vec<Issued> {
    let mut issued = Vec::new();
    for text in sheets {
        let sheet = Sheet::read(text);
        let rated = rate(&sheet.contract(), may(), &sheet.usage).expect("rated");
        issued.extend(next(may(), rated, &issued, &|_| Ok(standard())));
    }
    issued
}

fn shown(content: &Content, payable: Money) -> String {
    let line = |l: &releve_billing::Line| {
        let c = &l.charge;
        let sense = if l.taken_back { "was" } else { "is " };
        format!("  {sense} {}/{} {:>12} s {:>9}", whose(c), c.project, c.quantity().to_string(), c.amount.amount())
    };
    let lines: Vec<String> = content.lines.iter().map(line).collect();
    let of: Vec<String> = content.corrects.iter().map(|c| c.number.to_string()).collect();
    format!("{:?} of {of:?}\n{}\n  net {}, to pay {payable}\n", content.kind(), lines.join("\n"), content.total)
}

#[track_caller]
fn billed(sheets: &[&str], expected: Expect) {
    let show = |i: &Issued| shown(i.content(), i.taxes().payable);
    expected.assert_eq(&documents(sheets).iter().map(show).collect::<String>());
}

const PRICE: &str = "price h100 from 05-01 2.00";

#[test]
fn late_usage_is_an_invoice_that_names_the_first() {
    billed(
        &[
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 100h\nuse acme/chat h100 05-01..06-01 7h"),
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 103h\nuse acme/chat h100 05-01..06-01 7h"),
        ],
        expect![[r#"
            Invoice of []
              is  acme/chat        25200 s     14.00
              is  acme/train       360000 s    200.00
              net 214.00 EUR, to pay 256.80 EUR
            Correction of ["REL-2020-000001"]
              was acme/train      -360000 s   -200.00
              is  acme/train       370800 s    206.00
              net 6.00 EUR, to pay 7.20 EUR
        "#]],
    );
}

#[test]
fn less_is_a_credit_note_and_a_third_document_bills_nothing_twice() {
    billed(
        &[
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 100h"),
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 90h"),
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 90h"),
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 91h\nuse acme/new h100 05-01..06-01 1s"),
        ],
        expect![[r#"
            Invoice of []
              is  acme/train       360000 s    200.00
              net 200.00 EUR, to pay 240.00 EUR
            CreditNote of ["REL-2020-000001"]
              was acme/train      -360000 s   -200.00
              is  acme/train       324000 s    180.00
              net -20.00 EUR, to pay -24.00 EUR
            Correction of ["REL-2020-000001", "REL-2020-000002"]
              is  acme/new            1 s      0.00
              was acme/train      -324000 s   -180.00
              is  acme/train       327600 s    182.00
              net 2.00 EUR, to pay 2.40 EUR
        "#]],
    );
}

/// 8 s cost 0.0044 and 9 s 0.005: the difference of the rounded amounts, a cent, is no price of 1 s. Two lines are.
#[test]
fn what_is_rounded_is_taken_back_as_it_was_billed() {
    billed(
        &[
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 8s"),
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 9s"),
        ],
        expect![[r#"
            Invoice of []
              is  acme/train            8 s      0.00
              net 0.00 EUR, to pay 0.00 EUR
            Correction of ["REL-2020-000001"]
              was acme/train           -8 s      0.00
              is  acme/train            9 s      0.01
              net 0.01 EUR, to pay 0.01 EUR
        "#]],
    );
}

/// Late hours fill the first tier, so that what was in it moves up.
#[test]
fn tiers_are_filled_anew() {
    let price = "price h100 from 05-01 2.00 to 100h, 1.00 beyond";
    billed(
        &[
            &format!("{price}\nuse acme/train h100 05-01..06-01 90h"),
            &format!("{price}\nuse acme/train h100 05-01..06-01 120h"),
        ],
        expect![[r#"
            Invoice of []
              is  acme/train       324000 s    180.00
              net 180.00 EUR, to pay 216.00 EUR
            Correction of ["REL-2020-000001"]
              was acme/train      -324000 s   -180.00
              is  acme/train       360000 s    200.00
              is  acme/train        72000 s     20.00
              net 40.00 EUR, to pay 48.00 EUR
        "#]],
    );
}

/// Usage that went from one project to another changes what stands where, and what is owed not at all: it is carried.
#[test]
fn what_comes_to_nothing_is_no_document() {
    billed(
        &[
            &format!("{PRICE}\nuse acme/train h100 05-01..06-01 100h"),
            &format!("{PRICE}\nuse acme/chat h100 05-01..06-01 100h"),
        ],
        expect![[r#"
            Invoice of []
              is  acme/train       360000 s    200.00
              net 200.00 EUR, to pay 240.00 EUR
        "#]],
    );
}

#[test]
fn a_credit_note_is_printed_without_a_sign() {
    let documents = documents(&[
        &format!("{PRICE}\nuse acme/train h100 05-01..06-01 100h"),
        &format!("{PRICE}\nuse acme/train h100 05-01..06-01 90h"),
    ]);
    let note = documents[1].content();
    assert_eq!((note.kind(), note.total.to_string().as_str()), (Kind::CreditNote, "-20.00 EUR"));
    let printed = note.printed();
    let amounts: Vec<String> = printed.lines.iter().map(|l| l.charge.amount.to_string()).collect();
    assert_eq!(
        (printed.total.to_string(), amounts),
        ("20.00 EUR".to_owned(), vec!["200.00 EUR".to_owned(), "-180.00 EUR".to_owned()])
    );
    assert_eq!(documents[0].content().printed(), *documents[0].content());
}

/// What was taxed once is corrected as it was taxed; what was all taken back is invoiced as is decided now.
#[test]
fn a_correction_is_taxed_as_what_it_corrects() {
    let sheet = |hours: &str| Sheet::read(&format!("{PRICE}\nuse acme/train h100 05-01..06-01 {hours}"));
    let rated = |hours: &str| rate(&sheet(hours).contract(), may(), &sheet(hours).usage).expect("rated");
    let nothing = || rate(&sheet("1h").contract(), may(), &releve_billing::Usage::default()).expect("rated");
    let reverse = || Ok(Vat::free(Ground::ReverseCharge));
    let first = next(may(), rated("1h"), &[], &|_| Ok(standard())).expect("an invoice");
    let second = next(may(), rated("2h"), std::slice::from_ref(&first), &|_| reverse()).expect("a correction");
    assert_eq!(second.taxes().lines, vec![standard(); 2]);
    let documents = [first, second];
    let back = next(may(), nothing(), &documents, &|_| reverse()).expect("a credit note");
    assert_eq!(
        (back.content().total.to_string().as_str(), back.taxes().payable.to_string().as_str()),
        ("-4.00 EUR", "-4.80 EUR")
    );
    let documents = [&documents[..], &[back]].concat();
    let again = next(may(), rated("2h"), &documents, &|_| reverse()).expect("an invoice");
    assert_eq!(
        (again.content().kind(), again.taxes().lines.clone()),
        (Kind::Invoice, vec![Vat::free(Ground::ReverseCharge)])
    );
}

#[test]
fn what_holds_an_invoice_back_holds_a_correction_back() {
    let first = documents(&[&format!("{PRICE}\nuse acme/train h100 05-01..06-01 100h")]);
    let sheet = Sheet::read(&format!("{PRICE}\nuse acme/train h100 05-01..06-01 101h"));
    let rated = rate(&sheet.contract(), may(), &sheet.usage).expect("rated");
    let hold = Hold { kind: HoldKind::Gap, detail: "g".to_owned(), to_do: "t".to_owned(), gpu_ms: None };
    let parked = correct(subject(may(), 2), rated, &first, &|_| Ok(standard()), vec![hold]).expect("adds up");
    assert!(matches!(parked, Outcome::Parked(parked) if parked.content().total.to_string() == "2.00 EUR"));
}

type Lines = BTreeMap<(String, String, String, String, String, u32), (i64, i64, Money)>;

/// What documents bill together, place by place; what is nothing is left out.
fn together(documents: &[Issued]) -> Lines {
    let mut sums = Lines::new();
    for c in documents.iter().flat_map(|d| &d.content().lines).map(|l| &l.charge) {
        let at = (whose(c), c.project.clone(), c.sku.to_string(), c.stretch.to_string(), c.kind.reference(), c.tier);
        let sum = sums.entry(at).or_insert((0, 0, Money::zero(c.amount.currency())));
        *sum = (sum.0 + c.metered, sum.1 + c.billed, sum.2.checked_add(c.amount).expect("small"));
    }
    sums.retain(|_, (metered, billed, amount)| (*metered, *billed) != (0, 0) || !amount.is_zero());
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Some usage comes late, some is taken back again, in any order: after each document the sum of all is the invoice
    /// that would have been, and asking again makes none.
    #[test]
    fn documents_add_up_to_the_invoice_that_would_have_been(
        world in an_agreed_world(),
        kept in proptest::collection::vec(any::<u64>(), 1..4),
    ) {
        // Out of goodwill, more may be given back than is owed: no document, until a person has seen it.
        prop_assume!(!world.contract.agreements().iter().any(|a| matches!(a.terms(), AgreedTerms::Goodwill { .. })));
        let period = hours(0, HOURS);
        let stretches = world.contract.stretches(period);
        let known = |bits: u64| {
            let mut some = world.clone();
            let mut n = 0;
            some.atoms.retain(|_| { n += 1; bits >> (n % 64) & 1 == 1 });
            let rated = rate(&some.contract, period, &some.usage(period, &stretches)).expect("rated");
            // What has no price would park it.
            Rated { unpriced: vec![], ..rated }
        };
        let mut documents: Vec<Issued> = Vec::new();
        for bits in kept {
            let carried = documents.clone();
            documents.extend(next(period, known(bits), &documents, &|_| Ok(standard())));
            let one = next(period, known(bits), &[], &|_| Ok(standard()));
            let same_amount = |a: &[Issued], b: &[Issued]| {
                let sum = |d: &[Issued]| d.iter().map(|i| i.content().total.amount()).sum::<rust_decimal::Decimal>();
                sum(a) == sum(b)
            };
            let one: Vec<Issued> = one.into_iter().collect();
            prop_assert!(same_amount(&documents, &one));
            if documents.len() > carried.len() {
                prop_assert_eq!(together(&documents), together(&one));
            }
            prop_assert_eq!(next(period, known(bits), &documents, &|_| Ok(standard())), None);
        }
    }
}
