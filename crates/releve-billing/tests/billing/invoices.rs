//! Does an invoice hold together, and is one that does not noticed?

use expect_test::{Expect, expect};
use releve_billing::{
    Advances, Content, Draft, Hold, HoldKind, InvoiceError, Issued, Number, Outcome, Parked, Stamp, Subject, VatOf,
    draft, due_at, rate,
    tax::{Ground, Missing, Subtotal, Taxes, Vat, VatRate},
};
use releve_types::{
    AccountId, Currency, InvoiceId, Money, Period, Timestamp, Zone, ids::IssuerId, time::MILLIS_PER_HOUR,
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::sheet::{Sheet, instant, may, named};

fn standard() -> Vat {
    Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") }
}

fn outcome(sheet: &str, holds: Vec<Hold>) -> Outcome {
    taxed(sheet, holds, &|_| Ok(standard()))
}

fn taxed(sheet: &str, holds: Vec<Hold>, vat: VatOf<'_>) -> Outcome {
    let sheet = Sheet::read(sheet);
    let rated = rate(&sheet.contract(), may(), &sheet.usage).expect("rated");
    let (account, issuer) = (AccountId::from_uuid(named("account")), IssuerId::from_uuid(named("issuer")));
    draft(Subject { account, issuer, period: may(), book: 1 }, rated, vat, holds).expect("adds up")
}

const SHEET: &str = "price h100 from 05-01 2.00 to 100h, 1.00 beyond
                     price tokens from 05-01 0.60
                     use acme/train h100 05-01..06-01 120h
                     use acme/chat tokens 05-01..06-01 12345678";

fn good() -> Draft {
    match outcome(SHEET, vec![]) {
        Outcome::Draft(draft) => draft,
        other => panic!("{other:?} is no draft"),
    }
}

fn stamp() -> Stamp {
    let issued_at = instant("06-01").plus_millis(60_000);
    Stamp {
        id: InvoiceId::from_uuid(Uuid::from_u128(7)),
        number: Number::new("REL", 2020, 42).expect("a number"),
        issued_at,
        due_at: due_at(&Zone::utc(), issued_at, 30),
        digest: [7; 32],
    }
}

fn gap() -> Hold {
    Hold {
        kind: HoldKind::Gap,
        detail: "node n1 has not reported 3 hours".to_owned(),
        to_do: "let it report, or accept the gap".to_owned(),
        gpu_ms: Some(3 * MILLIS_PER_HOUR),
    }
}

fn none(taxes: &Taxes) -> Advances {
    Advances::none(taxes.payable)
}

#[test]
fn nothing_used_is_no_invoice() {
    assert_eq!(outcome("price h100 from 05-01 2.00", vec![]), Outcome::Nothing);
}

#[test]
fn a_hold_parks_also_where_nothing_was_metered() {
    let Outcome::Parked(parked) = outcome("price h100 from 05-01 2.00", vec![gap()]) else {
        panic!("what is missing may be all there was")
    };
    assert_eq!((parked.holds(), parked.content().lines.len()), (&[gap()][..], 0));
    assert_eq!(parked.check(), Ok(()));
}

#[test]
fn usage_without_a_price_parks() {
    let sheet = "price h100 from 05-10 2.00
                 use acme/train h100 05-01..05-10 5h
                 use umbra/lab h100 05-01..05-10 7h
                 use acme/train h100 05-10..06-01 10h";
    let Outcome::Parked(parked) = outcome(sheet, vec![]) else { panic!("parked") };
    expect![[r#"
        [
            Hold {
                kind: Unpriced,
                detail: "gpu/h100/whole/1:1/standard/eu has no price in 2020-05-01T00:00:00Z to 2020-05-10T00:00:00Z: 43200000 GPU-ms used",
                to_do: "add a price of gpu/h100/whole/1:1/standard/eu from 2020-05-01T00:00:00Z, then run again",
                gpu_ms: Some(
                    43200000,
                ),
            },
        ]"#]].assert_eq(&format!("{:#?}", parked.holds()));
    assert_eq!(parked.content().total.to_string(), "20.00 EUR", "what has a price is shown");
}

#[test]
fn lines_are_named_and_numbered() {
    let draft = good();
    let named: Vec<String> = draft.content().lines.iter().map(|l| format!("{} {}", l.line, l.description)).collect();
    expect![[r#"
        1 tokens, eu
        2 GPU time on h100, eu, tier 1
        3 GPU time on h100, eu, tier 2"#]]
    .assert_eq(&named.join("\n"));
}

#[test]
fn issuing_keeps_what_was_drafted() {
    let draft = good();
    assert_eq!(draft.check(), Ok(()));
    let (content, taxes) = (draft.content().clone(), draft.taxes().clone());
    let issued = draft.clone().issue(stamp());
    assert_eq!(issued.check(), Ok(()));
    assert_eq!(Issued::restore(content.clone(), taxes.clone(), none(&taxes), stamp()), Ok(issued));
    assert_eq!(Draft::restore(content.clone(), taxes.clone()), Ok(draft));
    let early = Stamp { due_at: instant("05-31"), ..stamp() };
    assert!(matches!(
        Issued::restore(content.clone(), taxes.clone(), none(&taxes), early),
        Err(InvoiceError::Due { .. })
    ));
    assert_eq!(Parked::restore(content, vec![]), Err(InvoiceError::NothingHolds));
}

#[track_caller]
fn spoiled(how: fn(&mut Content), expected: Expect) {
    let draft = good();
    let mut content = draft.content().clone();
    how(&mut content);
    expected.assert_eq(&Draft::restore(content, draft.taxes().clone()).expect_err("spoiled").to_string());
}

#[track_caller]
fn taxed_wrongly(how: fn(&mut Taxes), expected: Expect) {
    let draft = good();
    let mut taxes = draft.taxes().clone();
    how(&mut taxes);
    expected.assert_eq(&Draft::restore(draft.content().clone(), taxes).expect_err("spoiled").to_string());
}

fn euros(cents: i64) -> Money {
    Money::exact(Decimal::new(cents, 2), Currency::Eur).expect("cents")
}

#[test]
fn an_invoice_that_does_not_add_up_is_refused() {
    spoiled(|c| c.total = euros(1), expect!["total: the lines sum to 227.41 EUR, the invoice says 0.01 EUR"]);
    spoiled(|c| c.total = Money::zero(Currency::Usd), expect!["total: USD on an invoice in EUR"]);
    spoiled(
        |c| c.lines[1].charge.amount = euros(20_001),
        expect!["lines[1].amount: 360000 × 2 / 3600 does not round to 200.01 EUR"],
    );
    spoiled(
        |c| c.lines[1].charge.amount = Money::zero(Currency::Jpy),
        expect!["lines[1].amount: JPY on an invoice in EUR"],
    );
    spoiled(
        |c| c.lines[1].charge.billed += 18_000,
        expect!["lines[1].amount: 360018 × 2 / 3600 does not round to 200.00 EUR"],
    );
    spoiled(
        |c| c.lines[1].charge.unit_price = Decimal::new(201, 2),
        expect!["lines[1].amount: 360000 × 2.01 / 3600 does not round to 200.00 EUR"],
    );
    spoiled(
        |c| c.lines[1].charge.unit_price = Decimal::new(20_000_001, 7),
        expect![
            "lines[1].unit_price: price: 2.0000001 can't be printed exactly: a price has at most 6 decimals per base quantity"
        ],
    );
    spoiled(
        |c| c.lines[1].charge.base_quantity = 3_599,
        expect!["lines[1].base_quantity: 3599, where 3600 is the unit's"],
    );
    spoiled(
        |c| c.lines[1].charge.metered = -1,
        expect!["lines[1].metered: -1, where what is taken back or given is negative, and nothing else is"],
    );
    spoiled(|c| c.lines[1].line = 3, expect!["lines[1].line: it is numbered 3"]);
    spoiled(|c| c.lines.swap(0, 1), expect!["lines[0].line: it is numbered 2"]);
    spoiled(
        |c| c.lines[2].charge.tier = 0,
        expect!["lines[2]: the same price, project, stretch and tier as an earlier line"],
    );
    spoiled(|c| c.currency = Currency::Usd, expect!["lines[0].amount: EUR on an invoice in USD"]);
    spoiled(|c| c.book = 0, expect!["book: 0, books are counted from 1"]);
    spoiled(
        |c| c.period = Period::new(instant("05-02"), instant("06-01")).expect("a period"),
        expect![
            "lines[0].stretch: 2020-05-01T00:00:00Z to 2020-06-01T00:00:00Z lies outside the period 2020-05-02T00:00:00Z to 2020-06-01T00:00:00Z"
        ],
    );
}

#[test]
fn taxes_that_do_not_add_up_are_refused() {
    taxed_wrongly(
        |t| t.payable = euros(27_288),
        expect!["payable: 227.41 EUR and VAT of 45.48 EUR are not 272.88 EUR"],
    );
    taxed_wrongly(|t| t.tax = euros(4_549), expect!["payable: 227.41 EUR and VAT of 45.49 EUR are not 272.89 EUR"]);
    taxed_wrongly(|t| t.subtotals[0].tax = euros(4_549), expect!["vat[0]: 227.41 EUR at 20 % is not 45.49 EUR"]);
    taxed_wrongly(
        |t| t.subtotals[0].base = euros(22_740),
        expect!["vat[0]: the lines taxed so sum to 227.41 EUR, it says 227.40 EUR"],
    );
    taxed_wrongly(|t| t.subtotals[0].vat.rate = VatRate::ZERO, expect!["vat[0]: no line is taxed so"]);
    taxed_wrongly(|t| t.subtotals.push(t.subtotals[0]), expect!["vat[1]: the same ground and rate as an earlier one"]);
    taxed_wrongly(|t| t.lines.truncate(2), expect!["vat: 2 lines are taxed, of 3"]);
    taxed_wrongly(
        |t| t.lines[0] = Vat::free(Ground::ReverseCharge),
        expect!["vat[0]: the lines taxed so sum to 220.00 EUR, it says 227.41 EUR"],
    );
    taxed_wrongly(|t| t.subtotals.clear(), expect!["vat: 0 of 3 lines are in a subtotal"]);
}

/// Once on the sum: line by line, three times 0.004 would be nothing.
#[test]
fn vat_is_rounded_once() {
    let sheet = "price h100 from 05-01 3600.00
                 use a/x h100 05-01..06-01 0.020s
                 use a/y h100 05-01..06-01 0.020s
                 use a/z h100 05-01..06-01 0.020s";
    let Outcome::Draft(draft) = outcome(sheet, vec![]) else { panic!("a draft") };
    let (subtotal, payable) = (draft.taxes().subtotals[0], draft.taxes().payable);
    assert_eq!((subtotal.base, subtotal.tax, payable), (euros(6), euros(1), euros(7)));
}

#[test]
fn what_nobody_can_tax_is_parked_with_what_is_missing() {
    let missing = vec![
        Missing { field: "issuer.vat_id", why: "a registered seller prints it".to_owned() },
        Missing { field: "account.country", why: "decides whose VAT it is".to_owned() },
    ];
    let Outcome::Parked(parked) = taxed(SHEET, vec![], &|_| Err(missing.clone())) else { panic!("parked") };
    let said: Vec<String> = parked.holds().iter().map(|h| format!("{}: {}; {}", h.kind, h.detail, h.to_do)).collect();
    expect![[r#"
        tax: issuer.vat_id: a registered seller prints it; set issuer.vat_id, then run again
        tax: account.country: decides whose VAT it is; set account.country, then run again"#]]
    .assert_eq(&said.join("\n"));
    let nothing = taxed("price h100 from 05-01 2.00", vec![], &|_| Err(missing.clone()));
    assert_eq!(nothing, Outcome::Nothing, "who owes nothing is not waited for");
}

/// Half a cent goes up. A line that says otherwise is as wrong as one that is a euro off.
#[test]
fn half_a_cent_belongs_to_the_larger_amount() {
    let Outcome::Draft(draft) = outcome("price h100 from 05-01 0.18\nuse a/b h100 05-01..06-01 100s", vec![]) else {
        panic!("a draft")
    };
    let with = |cents| {
        let mut content = draft.content().clone();
        content.lines[0].charge.amount = euros(cents);
        content.total = euros(cents);
        let vat = Vat::free(Ground::NotTaxable);
        let subtotals = vec![Subtotal { vat, base: euros(cents), tax: euros(0) }];
        let taxes = Taxes { lines: vec![vat], subtotals, tax: euros(0), payable: euros(cents), stated: None };
        Draft::restore(content, taxes).is_ok()
    };
    assert_eq!([with(0), with(1), with(2)], [false, true, false]);
}

#[test]
fn numbers_are_padded_and_checked() {
    let number =
        |series, year, serial| Number::new(series, year, serial).map_or_else(|e| e.to_string(), |n| n.to_string());
    let texts = [
        number("REL", 2020, 42),
        number("FR-A1", 2026, 1_234_567),
        Number::placeholder("REL", 2020).expect("a number").to_string(),
        number("", 2020, 1),
        number("rel", 2020, 1),
        number("A-VERY-LONG-ONE", 2020, 1),
        number("REL", 20, 1),
        number("REL", 2020, -1),
    ];
    expect![[r#"
        REL-2020-000042
        FR-A1-2026-1234567
        REL-2020-000000
        series: '' is not 1 to 12 of A-Z, 0-9 and '-'
        series: 'rel' is not 1 to 12 of A-Z, 0-9 and '-'
        series: 'A-VERY-LONG-ONE' is not 1 to 12 of A-Z, 0-9 and '-'
        year: 20 is not a year of four digits
        serial: -1 is not 0 (a placeholder) or above"#]]
    .assert_eq(&texts.join("\n"));
}

#[test]
fn a_payment_is_in_time_to_the_end_of_the_day() {
    let paris = Zone::new("Europe/Paris").expect("a zone");
    let issued: Timestamp = "2026-03-01T00:05:00Z".parse().expect("an instant");
    assert_eq!(due_at(&paris, issued, 30).to_string(), "2026-03-31T21:59:59.999Z");
}
