//! What does a package price make of a month? Whole packages, opened by whoever needs the next one.

use expect_test::{Expect, expect};
use releve_billing::{
    Charge, Draft, InvoiceError, Outcome, Subject, draft, rate,
    tax::{Ground, Vat, tax},
};
use releve_types::{AccountId, Currency, Money, ids::IssuerId};

use crate::sheet::{Sheet, bill, bill_in, may, month, named};

#[track_caller]
fn check(sheet: &str, expected: Expect) {
    expected.assert_eq(&bill(sheet));
}

#[test]
fn each_package_begun_costs_the_same() {
    check(
        "price tokens from 05-01 package 4.00 to 10000000
         use acme/chat tokens 05-01..06-01 25000000",
        expect![[r#"
            for        what    from   until   metered    billed  × price    / base  = EUR
            acme/chat  tokens  05-01  06-01  25000000  30000000        4  10000000  12.00
            total 12.00 EUR
        "#]],
    );
}

#[test]
fn the_last_unit_of_a_package_belongs_to_it() {
    check(
        "price tokens from 05-01 package 4.00 to 10000000
         use acme/exact tokens 05-01..06-01 10000000",
        expect![[r#"
            for         what    from   until   metered    billed  × price    / base  = EUR
            acme/exact  tokens  05-01  06-01  10000000  10000000        4  10000000   4.00
            total 4.00 EUR
        "#]],
    );
    check(
        "price tokens from 05-01 package 4.00 to 10000000
         use acme/over tokens 05-01..06-01 10000001",
        expect![[r#"
            for        what    from   until   metered    billed  × price    / base  = EUR
            acme/over  tokens  05-01  06-01  10000001  20000000        4  10000000   8.00
            total 8.00 EUR
        "#]],
    );
    check(
        "price tokens from 05-01 package 4.00 to 10000000
         use acme/one tokens 05-01..06-01 1",
        expect![[r#"
            for       what    from   until  metered    billed  × price    / base  = EUR
            acme/one  tokens  05-01  06-01        1  10000000        4  10000000   4.00
            total 4.00 EUR
        "#]],
    );
}

/// 24 million tokens are three packages, whoever used them. Each line is billed the packages that it opens: one that
/// lies in an open package has a line for nothing.
#[test]
fn two_tenants_of_an_account_share_packages() {
    check(
        "price tokens from 05-01 package 4.00 to 10000000
         use acme/chat   tokens 05-01..06-01 12000000
         use acme/search tokens 05-01..06-01 3000000
         use umbra/lab   tokens 05-01..06-01 5000000
         use umbra/test  tokens 05-01..06-01 4000000",
        expect![[r#"
            for          what    from   until   metered    billed  × price    / base  = EUR
            acme/chat    tokens  05-01  06-01  12000000  20000000        4  10000000   8.00
            acme/search  tokens  05-01  06-01   3000000         0        4  10000000   0.00
            umbra/lab    tokens  05-01  06-01   5000000         0        4  10000000   0.00
            umbra/test   tokens  05-01  06-01   4000000  10000000        4  10000000   4.00
            total 12.00 EUR
        "#]],
    );
}

#[test]
fn gpu_time_is_sold_in_packages_of_hours() {
    check(
        "price h100 from 05-01 package 180.00 to 100h
         use acme/train h100 05-01..06-01 199h59m59.999s
         use umbra/lab  h100 05-01..06-01 0.002s",
        expect![[r#"
            for         what  from   until        metered                billed  × price  / base   = EUR
            acme/train  h100  05-01  06-01  199:59:59.999  200:00:00 = 720000 s      180  360000  360.00
            umbra/lab   h100  05-01  06-01    0:00:00.002  100:00:00 = 360000 s      180  360000  180.00
            h100: metered 200:00:00.001, billed 300:00:00
            total 540.00 EUR
        "#]],
    );
}

/// What was paid for per hour is in no package, and what is left of a package ends with its price.
#[test]
fn packages_are_counted_price_by_price() {
    check(
        "price h100 from 05-01 2.00
         price h100 from 05-11 package 180.00 to 100h
         price h100 from 05-21 package 200.00 to 100h
         use acme/train h100 05-01..05-11 30h
         use acme/train h100 05-11..05-21 80h
         use umbra/lab  h100 05-21..06-01 20h",
        expect![[r#"
            for         what  from   until   metered                billed  × price  / base   = EUR
            acme/train  h100  05-01  05-11  30:00:00   30:00:00 = 108000 s        2    3600   60.00
            acme/train  h100  05-11  05-21  80:00:00  100:00:00 = 360000 s      180  360000  180.00
            umbra/lab   h100  05-21  06-01  20:00:00  100:00:00 = 360000 s      200  360000  200.00
            h100: metered 130:00:00, billed 230:00:00
            total 440.00 EUR
        "#]],
    );
}

/// Units, not packages, fill the tiers of a price that follows: 30 hours were used, though 100 were paid for.
#[test]
fn tiers_are_filled_by_units_not_by_packages() {
    check(
        "price h100 from 05-01 package 180.00 to 100h
         price h100 from 05-16 2.00 to 50h, 1.00 beyond
         use acme/train h100 05-01..05-16 30h
         use acme/train h100 05-16..06-01 30h",
        expect![[r#"
            for         what         from   until   metered                billed  × price  / base   = EUR
            acme/train  h100         05-01  05-16  30:00:00  100:00:00 = 360000 s      180  360000  180.00
            acme/train  h100         05-16  06-01  20:00:00    20:00:00 = 72000 s        2    3600   40.00
            acme/train  h100 tier 2  05-16  06-01  10:00:00    10:00:00 = 36000 s        1    3600   10.00
            h100: metered 60:00:00, billed 130:00:00
            total 230.00 EUR
        "#]],
    );
}

/// A GPU held throughout fits a package of 743 hours in the March that loses an hour, and begins a second one in the
/// October that gains one.
#[test]
fn a_month_is_as_long_as_its_clock_changes_make_it() {
    let price = "price h100 from 2026-01-01 package 1300.00 to 743h";
    let march = bill_in(
        month("Europe/Paris", "2026-03"),
        &format!("{price}\nuse acme/train h100 2026-02-28T23..2026-03-31T22 all"),
    );
    expect![[r#"
        for         what  from      until       metered                 billed  × price   / base    = EUR
        acme/train  h100  02-28T23  03-31T22  743:00:00  743:00:00 = 2674800 s     1300  2674800  1300.00
        h100: metered 743:00:00, billed 743:00:00
        total 1300.00 EUR
    "#]]
    .assert_eq(&march);
    let october = bill_in(
        month("Europe/Paris", "2026-10"),
        &format!("{price}\nuse acme/train h100 2026-09-30T22..2026-10-31T23 all"),
    );
    expect![[r#"
        for         what  from      until       metered                  billed  × price   / base    = EUR
        acme/train  h100  09-30T22  10-31T23  745:00:00  1486:00:00 = 5349600 s     1300  2674800  2600.00
        h100: metered 745:00:00, billed 1486:00:00
        total 2600.00 EUR
    "#]]
    .assert_eq(&october);
}

#[test]
fn more_than_can_be_counted_is_refused() {
    check(
        "price tokens from 05-01 package 4.00 to 1000000000000000
         use acme/chat tokens 05-01..06-01 9223372036854775807",
        expect![[r#"
            refused: the usage of meter/tokens/eu passes what a 64-bit integer holds
        "#]],
    );
}

const SHEET: &str = "price tokens from 05-01 package 4.00 to 10000000
                     price traffic from 05-01 package 4.00 to 2500
                     price h100 from 05-01 package 180.00 to 100h
                     price a100 from 05-01 package 2.00 to 1h
                     use acme/chat tokens 05-01..06-01 12000000
                     use acme/more tokens 05-01..06-01 1
                     use acme/chat traffic 05-01..06-01 1
                     use acme/train h100 05-01..06-01 1h
                     use acme/train a100 05-01..06-01 1m";

fn invoice() -> Draft {
    let sheet = Sheet::read(SHEET);
    let rated = rate(&sheet.contract(), may(), &sheet.usage).expect("rated");
    let (account, issuer) = (AccountId::from_uuid(named("account")), IssuerId::from_uuid(named("issuer")));
    match draft(
        Subject { account, issuer, period: may(), book: 1 },
        rated,
        &|_| Ok(Vat::free(Ground::NotTaxable)),
        vec![],
    )
    .expect("adds up")
    {
        Outcome::Draft(draft) => draft,
        other => panic!("{other:?} is no draft"),
    }
}

/// A package that holds what its unit is commonly priced per goes without the word: it prints as that.
#[test]
fn an_invoice_says_what_a_price_is_for() {
    let draft = invoice();
    assert_eq!(draft.check(), Ok(()));
    let lines = draft.content().lines.iter().map(|line| {
        let c = &line.charge;
        format!("{}: {} × {} per {}", line.description, c.quantity(), c.unit_price, c.priced_per())
    });
    expect![[r#"
        tokens, eu, package of 10 × million tokens: 20000000 × 4 per package of 10 × million tokens
        traffic, eu, package of 2500 × byte: 2500 × 4 per package of 2500 × byte
        tokens, eu, package of 10 × million tokens: 0 × 4 per package of 10 × million tokens
        GPU time on a100, eu: 3600 × 2 per GPU-hour
        GPU time on h100, eu, package of 100 × GPU-hour: 360000 × 180 per package of 100 × GPU-hour"#]]
    .assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_line_of_half_a_package_is_refused() {
    let refused = |how: fn(&mut Charge)| {
        let mut content = invoice().content().clone();
        how(&mut content.lines[0].charge);
        let vat = Vat::free(Ground::NotTaxable);
        let taxes = tax(content.currency, content.lines.iter().map(|l| (vat, l.charge.amount))).expect("taxed");
        Draft::restore(content, taxes).map(|_| ())
    };
    assert_eq!(refused(|_| ()), Ok(()));
    let base = |found| Err(InvoiceError::BaseQuantity { line: 0, found, expected: 1_000_000 });
    // Half a package for half its price would multiply out.
    let half = refused(|c| {
        c.billed = 5_000_000;
        c.amount = Money::exact(2.into(), Currency::Eur).expect("2 EUR");
    });
    assert_eq!(half, base(10_000_000));
    assert_eq!(refused(|c| c.tier = 1), base(10_000_000));
    assert_eq!(refused(|c| c.base_quantity = 0), base(0));
    assert_eq!(refused(|c| c.base_quantity = -10_000_000), base(-10_000_000));
    assert_eq!(refused(|c| c.base_quantity = i64::MAX), base(i64::MAX));
    // Packages of another size in the same quantity: the amount tells.
    let other = refused(|c| c.base_quantity = 5_000_000);
    assert!(matches!(other, Err(InvoiceError::Product { line: 0, .. })), "{other:?}");
}
