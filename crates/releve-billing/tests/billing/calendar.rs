//! What does a month make of who comes, goes and stays over its edges?

use expect_test::{Expect, expect};

use crate::sheet::{bill, bill_in, month};

#[track_caller]
fn check(zone: &str, of: &str, sheet: &str, expected: Expect) {
    expected.assert_eq(&bill_in(month(zone, of), sheet));
}

/// The last Sunday of March has 23 hours in Paris, that of October 25; the months begin at local midnight.
#[test]
fn a_month_with_a_change_of_clocks_has_an_hour_less_or_more() {
    check(
        "Europe/Paris",
        "2026-03",
        "price h100 from 2026-01-01 2.50
         use acme/train h100 2026-02-28T23..2026-03-31T22 all",
        expect![[r#"
            for         what  from      until       metered                 billed  × price  / base    = EUR
            acme/train  h100  02-28T23  03-31T22  743:00:00  743:00:00 = 2674800 s      2.5    3600  1857.50
            h100: metered 743:00:00, billed 743:00:00
            total 1857.50 EUR
        "#]],
    );
    check(
        "Europe/Paris",
        "2026-10",
        "price h100 from 2026-01-01 2.50
         use acme/train h100 2026-09-30T22..2026-10-31T23 all",
        expect![[r#"
            for         what  from      until       metered                 billed  × price  / base    = EUR
            acme/train  h100  09-30T22  10-31T23  745:00:00  745:00:00 = 2682000 s      2.5    3600  1862.50
            h100: metered 745:00:00, billed 745:00:00
            total 1862.50 EUR
        "#]],
    );
    // An hour too many: it belongs to April.
    check(
        "Europe/Paris",
        "2026-03",
        "price h100 from 2026-01-01 2.50
         use acme/train h100 2026-02-28T23..2026-03-31T23 all",
        expect![[r#"
            refused: stretch: usage of gpu/h100/whole/1:1/standard/eu in 2026-02-28T23:00:00Z to 2026-03-31T23:00:00Z lies outside the period 2026-02-28T23:00:00Z to 2026-03-31T22:00:00Z
        "#]],
    );
}

#[test]
fn a_february_has_29_days_in_a_leap_year() {
    let sheet = |year| {
        format!(
            "price h100 from 2020-01-01 2.50
             use acme/train h100 {year}-02-01..{year}-03-01 all"
        )
    };
    check(
        "UTC",
        "2024-02",
        &sheet(2024),
        expect![[r#"
        for         what  from   until    metered                 billed  × price  / base    = EUR
        acme/train  h100  02-01  03-01  696:00:00  696:00:00 = 2505600 s      2.5    3600  1740.00
        h100: metered 696:00:00, billed 696:00:00
        total 1740.00 EUR
    "#]],
    );
    check(
        "UTC",
        "2026-02",
        &sheet(2026),
        expect![[r#"
        for         what  from   until    metered                 billed  × price  / base    = EUR
        acme/train  h100  02-01  03-01  672:00:00  672:00:00 = 2419200 s      2.5    3600  1680.00
        h100: metered 672:00:00, billed 672:00:00
        total 1680.00 EUR
    "#]],
    );
}

/// Held from 23:40 on the 31st for an hour: each month has its part of the time; the hour is begun once, in May, and the
/// second one, of ten minutes, in June.
#[test]
fn an_allocation_over_the_end_of_the_month_is_in_both() {
    let price = "price h100 from 01-01 3.60 started_hour";
    check(
        "UTC",
        "2020-05",
        &format!("{price}\nhold acme/train h100 05-31..06-01 a:gpu0 20m"),
        expect![[r#"
        for         what  from   until  metered            billed  × price  / base  = EUR
        acme/train  h100  05-01  06-01  0:20:00  1:00:00 = 3600 s      3.6    3600   3.60
        h100: metered 0:20:00, billed 1:00:00
        total 3.60 EUR
    "#]],
    );
    check(
        "UTC",
        "2020-06",
        &format!("{price}\nhold acme/train h100 06-01..06-02 a:gpu0 50m after 20m"),
        expect![[r#"
        for         what  from   until  metered            billed  × price  / base  = EUR
        acme/train  h100  06-01  07-01  0:50:00  1:00:00 = 3600 s      3.6    3600   3.60
        h100: metered 0:50:00, billed 1:00:00
        total 3.60 EUR
    "#]],
    );
}

/// One that joins an account shares its tiers from then on; one whose own contract begins then has nothing before it.
#[test]
fn a_tenant_that_joined_on_the_17th() {
    check(
        "UTC",
        "2020-05",
        "price h100 from 05-01 2.00 to 500h, 1.00 beyond
         use acme/train  h100 05-01..06-01 400h
         use joined/lab  h100 05-17..06-01 all",
        expect![[r#"
            for         what         from   until    metered                 billed  × price  / base   = EUR
            acme/train  h100         05-01  06-01  400:00:00  400:00:00 = 1440000 s        2    3600  800.00
            joined/lab  h100         05-01  06-01  100:00:00   100:00:00 = 360000 s        2    3600  200.00
            joined/lab  h100 tier 2  05-01  06-01  260:00:00   260:00:00 = 936000 s        1    3600  260.00
            h100: metered 760:00:00, billed 760:00:00
            total 1260.00 EUR
        "#]],
    );
    check(
        "UTC",
        "2020-05",
        "contract from 05-17
         price h100 from 01-01 2.00
         use joined/lab h100 05-17..06-01 all",
        expect![[r#"
            for         what  from   until    metered                 billed  × price  / base   = EUR
            joined/lab  h100  05-17  06-01  360:00:00  360:00:00 = 1296000 s        2    3600  720.00
            h100: metered 360:00:00, billed 360:00:00
            total 720.00 EUR
        "#]],
    );
    check(
        "UTC",
        "2020-05",
        "contract from 05-17
         price h100 from 01-01 2.00
         use early/lab h100 05-16..05-17 1h",
        expect![[r#"
            for  what  from  until  metered  billed  × price  / base  = EUR
            no price: early/lab h100 05-01 to 05-17, 1:00:00
            total 0.00 EUR
        "#]],
    );
}

/// Minimum and started hour are per device: a job of eight GPUs has eight of them.
#[test]
fn eight_gpus_for_a_short_while() {
    let held = |how: &str| {
        let lines = (0..8).map(|gpu| format!("hold acme/train h100 05-01..06-01 job:gpu{gpu} {how}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        for         what  from   until  metered           billed  × price  / base  = EUR
        acme/train  h100  05-01  06-01  0:01:20  0:08:00 = 480 s      3.6    3600   0.48
        h100: metered 0:01:20, billed 0:08:00
        total 0.48 EUR
    "#]]
    .assert_eq(&bill(&format!("price h100 from 05-01 3.60 second_min_60\n{}", held("10s"))));
    expect![[r#"
        for         what  from   until  metered              billed  × price  / base  = EUR
        acme/train  h100  05-01  06-01  8:08:00  16:00:00 = 57600 s      3.6    3600  57.60
        h100: metered 8:08:00, billed 16:00:00
        total 57.60 EUR
    "#]]
    .assert_eq(&bill(&format!("price h100 from 05-01 3.60 started_hour\n{}", held("61m"))));
}

/// A slice is another thing than the GPU that it was cut from, and spot than standard: each has its own price, and
/// what else was used stands beside them.
#[test]
fn all_that_an_account_can_use_in_a_month() {
    check(
        "UTC",
        "2020-05",
        "price h100                 from 05-01 2.50
         price h100:spot            from 05-01 0.90
         price h100:1g.10gb         from 05-01 0.40
         price h100:1g.10gb:spot    from 05-01 0.15 started_minute
         price storage              from 05-01 0.0001
         price traffic              from 05-01 0.05
         price tokens               from 05-01 0.60
         use  acme/train h100            05-01..06-01 744h
         use  acme/train h100:spot       05-01..06-01 100h30m
         use  acme/infer h100:1g.10gb    05-01..06-01 744h
         hold acme/infer h100:1g.10gb:spot 05-01..06-01 a:slice0 1h0.001s
         use  acme/infer storage         05-01..06-01 267840000
         use  acme/infer traffic         05-01..06-01 53687091200
         use  acme/infer tokens          05-01..06-01 41500000",
        expect![[r#"
            for         what               from   until      metered                 billed  × price      / base    = EUR
            acme/infer  h100:1g.10gb       05-01  06-01    744:00:00  744:00:00 = 2678400 s      0.4        3600   297.60
            acme/infer  h100:1g.10gb:spot  05-01  06-01  1:00:00.001       1:01:00 = 3660 s     0.15        3600     0.15
            acme/infer  storage            05-01  06-01    267840000              267840000   0.0001        3600     7.44
            acme/infer  tokens             05-01  06-01     41500000               41500000      0.6     1000000    24.90
            acme/infer  traffic            05-01  06-01  53687091200            53687091200     0.05  1073741824     2.50
            acme/train  h100               05-01  06-01    744:00:00  744:00:00 = 2678400 s      2.5        3600  1860.00
            acme/train  h100:spot          05-01  06-01    100:30:00   100:30:00 = 361800 s      0.9        3600    90.45
            h100: metered 744:00:00, billed 744:00:00
            h100:1g.10gb: metered 744:00:00, billed 744:00:00
            h100:1g.10gb:spot: metered 1:00:00.001, billed 1:01:00
            h100:spot: metered 100:30:00, billed 100:30:00
            total 2283.04 EUR
        "#]],
    );
}
