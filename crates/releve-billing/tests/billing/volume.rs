//! What does a volume price make of a month? The total decides, for every unit of it.

use expect_test::{Expect, expect};

use crate::sheet::{bill, bill_in, month};

#[track_caller]
fn check(sheet: &str, expected: Expect) {
    expected.assert_eq(&bill(sheet));
}

#[test]
fn every_hour_costs_what_the_months_total_says() {
    check(
        "price h100 from 05-01 volume 2.00 to 100h, 1.50 to 500h, 1.00 beyond
         use acme/train h100 05-01..06-01 744h",
        expect![[r#"
            for         what         from   until    metered                 billed  × price  / base   = EUR
            acme/train  h100 tier 3  05-01  06-01  744:00:00  744:00:00 = 2678400 s        1    3600  744.00
            h100: metered 744:00:00, billed 744:00:00
            total 744.00 EUR
        "#]],
    );
}

/// The hundredth hour is still at 2.00. A millisecond more, and a hundred hours cost half: with a cheaper tier, what is
/// owed falls as the tier is passed.
#[test]
fn the_last_hour_of_a_tier_belongs_to_it_and_the_next_makes_all_cheaper() {
    check(
        "price h100 from 05-01 volume 2.00 to 100h, 1.00 beyond
         use acme/exact h100 05-01..06-01 100h",
        expect![[r#"
            for         what  from   until    metered                billed  × price  / base   = EUR
            acme/exact  h100  05-01  06-01  100:00:00  100:00:00 = 360000 s        2    3600  200.00
            h100: metered 100:00:00, billed 100:00:00
            total 200.00 EUR
        "#]],
    );
    check(
        "price h100 from 05-01 volume 2.00 to 100h, 1.00 beyond
         use acme/over h100 05-01..06-01 100h0.001s",
        expect![[r#"
            for        what         from   until        metered                        billed  × price  / base   = EUR
            acme/over  h100 tier 2  05-01  06-01  100:00:00.001  100:00:00.001 = 360000.001 s        1    3600  100.00
            h100: metered 100:00:00.001, billed 100:00:00.001
            total 100.00 EUR
        "#]],
    );
}

#[test]
fn two_tenants_of_an_account_reach_a_tier_together() {
    check(
        "price h100 from 05-01 volume 2.00 to 100h, 1.00 beyond
         use acme/infer h100 05-01..06-01 60h
         use umbra/lab  h100 05-01..06-01 60h",
        expect![[r#"
            for         what         from   until   metered               billed  × price  / base  = EUR
            acme/infer  h100 tier 2  05-01  06-01  60:00:00  60:00:00 = 216000 s        1    3600  60.00
            umbra/lab   h100 tier 2  05-01  06-01  60:00:00  60:00:00 = 216000 s        1    3600  60.00
            h100: metered 120:00:00, billed 120:00:00
            total 120.00 EUR
        "#]],
    );
}

/// The month's total is the SKU's, as a graduated tier's is: 60 hours at each price are 120, and both prices are those
/// of their second tier.
#[test]
fn a_total_is_reached_across_a_change_of_price() {
    check(
        "price h100 from 05-01 volume 2.00 to 100h, 1.00 beyond
         price h100 from 05-16 volume 2.20 to 100h, 1.10 beyond
         use acme/train h100 05-16..06-01 60h
         use umbra/lab  h100 05-01..05-16 60h",
        expect![[r#"
            for         what         from   until   metered               billed  × price  / base  = EUR
            acme/train  h100 tier 2  05-16  06-01  60:00:00  60:00:00 = 216000 s      1.1    3600  66.00
            umbra/lab   h100 tier 2  05-01  05-16  60:00:00  60:00:00 = 216000 s        1    3600  60.00
            h100: metered 120:00:00, billed 120:00:00
            total 126.00 EUR
        "#]],
    );
}

#[test]
fn what_has_no_price_and_other_skus_count_for_no_total() {
    check(
        "price h100 from 05-10 volume 2.00 to 100h, 1.00 beyond
         price h100:spot from 05-01 volume 0.80 to 100h, 0.40 beyond
         use acme/train h100 05-01..05-10 90h
         use acme/train h100 05-10..06-01 60h
         use acme/train h100:spot 05-01..06-01 60h",
        expect![[r#"
            for         what       from   until   metered               billed  × price  / base   = EUR
            acme/train  h100       05-10  06-01  60:00:00  60:00:00 = 216000 s        2    3600  120.00
            acme/train  h100:spot  05-01  06-01  60:00:00  60:00:00 = 216000 s      0.8    3600   48.00
            no price: acme/train h100 05-01 to 05-10, 90:00:00
            h100: metered 60:00:00, billed 60:00:00
            h100:spot: metered 60:00:00, billed 60:00:00
            total 168.00 EUR
        "#]],
    );
}

#[test]
fn the_total_is_of_what_is_billed() {
    check(
        "price h100 from 05-01 volume 2.00 to 2h, 1.00 beyond started_hour
         hold acme/x h100 05-01..06-01 a:gpu0 1h1m
         hold acme/y h100 05-01..06-01 b:gpu0 1m",
        expect![[r#"
            for     what         from   until  metered            billed  × price  / base  = EUR
            acme/x  h100 tier 2  05-01  06-01  1:01:00  2:00:00 = 7200 s        1    3600   2.00
            acme/y  h100 tier 2  05-01  06-01  0:01:00  1:00:00 = 3600 s        1    3600   1.00
            h100: metered 1:02:00, billed 3:00:00
            total 3.00 EUR
        "#]],
    );
    check(
        "price h100 from 01-01 volume 2.00 to 2h, 1.00 beyond started_hour
         hold acme/old h100 05-01..06-01 a:gpu0 10m after 30m
         hold acme/new h100 05-01..06-01 b:gpu0 1m",
        expect![[r#"
            for       what  from   until  metered            billed  × price  / base  = EUR
            acme/new  h100  05-01  06-01  0:01:00  1:00:00 = 3600 s        2    3600   2.00
            acme/old  h100  05-01  06-01  0:10:00     0:00:00 = 0 s        2    3600   0.00
            h100: metered 0:11:00, billed 1:00:00
            total 2.00 EUR
        "#]],
    );
}

/// 743 hours are within the first tier, which those of a month of 31 ordinary days would pass; 745 are beyond.
#[test]
fn a_month_is_as_long_as_its_clock_changes_make_it() {
    let price = "price h100 from 2026-01-01 volume 2.00 to 743h, 1.00 beyond";
    let march = bill_in(
        month("Europe/Paris", "2026-03"),
        &format!("{price}\nuse acme/train h100 2026-02-28T23..2026-03-31T22 all"),
    );
    expect![[r#"
        for         what  from      until       metered                 billed  × price  / base    = EUR
        acme/train  h100  02-28T23  03-31T22  743:00:00  743:00:00 = 2674800 s        2    3600  1486.00
        h100: metered 743:00:00, billed 743:00:00
        total 1486.00 EUR
    "#]]
    .assert_eq(&march);
    let october = bill_in(
        month("Europe/Paris", "2026-10"),
        &format!("{price}\nuse acme/train h100 2026-09-30T22..2026-10-31T23 all"),
    );
    expect![[r#"
        for         what         from      until       metered                 billed  × price  / base   = EUR
        acme/train  h100 tier 2  09-30T22  10-31T23  745:00:00  745:00:00 = 2682000 s        1    3600  745.00
        h100: metered 745:00:00, billed 745:00:00
        total 745.00 EUR
    "#]]
    .assert_eq(&october);
}

/// Storage by the GiB-hour, tokens by the million: tiers are in base units, seconds and single tokens.
#[test]
fn meters_have_volumes_too() {
    check(
        "price tokens  from 05-01 volume 0.60 to 10000000, 0.50 beyond
         price storage from 05-01 volume 0.0002 to 36000000, 0.0001 beyond
         use acme/chat tokens  05-01..06-01 10000001
         use acme/chat storage 05-01..06-01 36000000",
        expect![[r#"
            for        what           from   until   metered    billed  × price   / base  = EUR
            acme/chat  storage        05-01  06-01  36000000  36000000   0.0002     3600   2.00
            acme/chat  tokens tier 2  05-01  06-01  10000001  10000001      0.5  1000000   5.00
            total 7.00 EUR
        "#]],
    );
}
