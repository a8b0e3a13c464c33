//! What does the invoice say? Cases small enough for a pencil.

use expect_test::{Expect, expect};

use crate::sheet::bill;

#[track_caller]
fn check(sheet: &str, expected: Expect) {
    expected.assert_eq(&bill(sheet));
}

#[test]
fn each_hour_costs_the_same() {
    check(
        "price h100 from 05-01 2.50
         use acme/train h100 05-01..06-01 744h
         use acme/infer h100 05-01..06-01 1h30m
         use umbra/lab  h100 05-01..06-01 0.001s",
        expect![[r#"
            for         what  from   until      metered                 billed  × price  / base    = EUR
            acme/infer  h100  05-01  06-01      1:30:00       1:30:00 = 5400 s      2.5    3600     3.75
            acme/train  h100  05-01  06-01    744:00:00  744:00:00 = 2678400 s      2.5    3600  1860.00
            umbra/lab   h100  05-01  06-01  0:00:00.001  0:00:00.001 = 0.001 s      2.5    3600     0.00
            h100: metered 745:30:00.001, billed 745:30:00.001
            total 1863.75 EUR
        "#]],
    );
}

#[test]
fn a_line_is_rounded_once_half_away_from_zero() {
    // Half a cent, just under it, a third of a euro; and 1.005, which a binary float holds as a little less.
    check(
        "price h100 from 05-01 0.18
         use a/half    h100 05-01..06-01 100s
         use b/under   h100 05-01..06-01 99.999s
         use c/thirds  h100 05-01..06-01 6666.667s
         use d/finest  h100 05-01..06-01 0.001s
         price a100 from 05-01 1.005
         use e/float   a100 05-01..06-01 1h",
        expect![[r#"
            for       what  from   until      metered                    billed  × price  / base  = EUR
            a/half    h100  05-01  06-01      0:01:40           0:01:40 = 100 s     0.18    3600   0.01
            b/under   h100  05-01  06-01  0:01:39.999    0:01:39.999 = 99.999 s     0.18    3600   0.00
            c/thirds  h100  05-01  06-01  1:51:06.667  1:51:06.667 = 6666.667 s     0.18    3600   0.33
            d/finest  h100  05-01  06-01  0:00:00.001     0:00:00.001 = 0.001 s     0.18    3600   0.00
            e/float   a100  05-01  06-01      1:00:00          1:00:00 = 3600 s    1.005    3600   1.01
            a100: metered 1:00:00, billed 1:00:00
            h100: metered 1:54:26.667, billed 1:54:26.667
            total 1.35 EUR
        "#]],
    );
}

/// 9,007,199,254,740,993 cents are one more than a binary float can tell apart.
#[test]
fn a_large_amount_is_exact_to_the_cent() {
    check(
        "price h100 from 05-01 900719925474.0993
         use acme/x h100 05-01..06-01 100h",
        expect![[r#"
            for     what  from   until    metered                billed            × price  / base              = EUR
            acme/x  h100  05-01  06-01  100:00:00  100:00:00 = 360000 s  900719925474.0993    3600  90071992547409.93
            h100: metered 100:00:00, billed 100:00:00
            total 90071992547409.93 EUR
        "#]],
    );
}

#[test]
fn a_price_changes_in_the_middle_of_the_month() {
    check(
        "price h100 from 05-01 2.50
         price h100 from 05-16T07 3.00
         use acme/train h100 05-01..05-16T07 367h
         use acme/train h100 05-16T07..06-01 377h",
        expect![[r#"
            for         what  from      until       metered                 billed  × price  / base    = EUR
            acme/train  h100  05-01     05-16T07  367:00:00  367:00:00 = 1321200 s      2.5    3600   917.50
            acme/train  h100  05-16T07  06-01     377:00:00  377:00:00 = 1357200 s        3    3600  1131.00
            h100: metered 744:00:00, billed 744:00:00
            total 2048.50 EUR
        "#]],
    );
}

#[test]
fn usage_summed_over_a_change_of_price_is_refused() {
    check(
        "price h100 from 05-01 2.50
         price h100 from 05-16T07 3.00
         use acme/train h100 05-01..06-01 744h",
        expect![[r#"
            refused: stretch: usage of gpu/h100/whole/1:1/standard/eu is summed over 2020-05-01T00:00:00Z to 2020-06-01T00:00:00Z, in which its price changes
        "#]],
    );
}

#[test]
fn the_first_hours_cost_more() {
    check(
        "price h100 from 05-01 2.00 to 100h, 1.50 to 500h, 1.00 beyond
         use acme/train h100 05-01..06-01 744h",
        expect![[r#"
            for         what         from   until    metered                 billed  × price  / base   = EUR
            acme/train  h100         05-01  06-01  100:00:00   100:00:00 = 360000 s        2    3600  200.00
            acme/train  h100 tier 2  05-01  06-01  400:00:00  400:00:00 = 1440000 s      1.5    3600  600.00
            acme/train  h100 tier 3  05-01  06-01  244:00:00   244:00:00 = 878400 s        1    3600  244.00
            h100: metered 744:00:00, billed 744:00:00
            total 1044.00 EUR
        "#]],
    );
}

#[test]
fn the_last_hour_of_a_tier_belongs_to_it() {
    check(
        "price h100 from 05-01 2.00 to 100h, 1.00 beyond
         use acme/exact h100 05-01..06-01 100h",
        expect![[r#"
            for         what  from   until    metered                billed  × price  / base   = EUR
            acme/exact  h100  05-01  06-01  100:00:00  100:00:00 = 360000 s        2    3600  200.00
            h100: metered 100:00:00, billed 100:00:00
            total 200.00 EUR
        "#]],
    );
    check(
        "price h100 from 05-01 2.00 to 100h, 1.00 beyond
         use acme/over h100 05-01..06-01 100h0.001s",
        expect![[r#"
            for        what         from   until      metered                 billed  × price  / base   = EUR
            acme/over  h100         05-01  06-01    100:00:00   100:00:00 = 360000 s        2    3600  200.00
            acme/over  h100 tier 2  05-01  06-01  0:00:00.001  0:00:00.001 = 0.001 s        1    3600    0.00
            h100: metered 100:00:00.001, billed 100:00:00.001
            total 200.00 EUR
        "#]],
    );
}

#[test]
fn two_tenants_of_an_account_fill_one_tier_together() {
    check(
        "price h100 from 05-01 2.00 to 100h, 1.00 beyond
         use acme/infer h100 05-01..06-01 60h
         use acme/train h100 05-01..06-01 60h
         use umbra/lab  h100 05-01..06-01 60h",
        expect![[r#"
            for         what         from   until   metered               billed  × price  / base   = EUR
            acme/infer  h100         05-01  06-01  60:00:00  60:00:00 = 216000 s        2    3600  120.00
            acme/train  h100         05-01  06-01  40:00:00  40:00:00 = 144000 s        2    3600   80.00
            acme/train  h100 tier 2  05-01  06-01  20:00:00   20:00:00 = 72000 s        1    3600   20.00
            umbra/lab   h100 tier 2  05-01  06-01  60:00:00  60:00:00 = 216000 s        1    3600   60.00
            h100: metered 180:00:00, billed 180:00:00
            total 280.00 EUR
        "#]],
    );
}

#[test]
fn a_tier_is_filled_in_the_order_of_time_across_a_change_of_price() {
    // Umbra used the first half: those hours come first, although acme sorts before it.
    check(
        "price h100 from 05-01 2.00 to 100h, 1.00 beyond
         price h100 from 05-16 2.20 to 100h, 1.10 beyond
         use acme/train h100 05-16..06-01 60h
         use umbra/lab  h100 05-01..05-16 60h",
        expect![[r#"
            for         what         from   until   metered               billed  × price  / base   = EUR
            acme/train  h100         05-16  06-01  40:00:00  40:00:00 = 144000 s      2.2    3600   88.00
            acme/train  h100 tier 2  05-16  06-01  20:00:00   20:00:00 = 72000 s      1.1    3600   22.00
            umbra/lab   h100         05-01  05-16  60:00:00  60:00:00 = 216000 s        2    3600  120.00
            h100: metered 120:00:00, billed 120:00:00
            total 230.00 EUR
        "#]],
    );
}

#[test]
fn meters_are_priced_per_million_or_gibibyte_or_piece() {
    check(
        "price tokens  from 05-01 0.60
         price traffic from 05-01 0.05
         price storage from 05-01 0.0001
         price images  from 05-01 0.02 to 10, 0.01 beyond
         use acme/chat tokens  05-01..06-01 12345678
         use acme/chat traffic 05-01..06-01 1073741825
         use acme/chat storage 05-01..06-01 267840000
         use acme/chat images  05-01..06-01 12",
        expect![[r#"
            for        what           from   until     metered      billed  × price      / base  = EUR
            acme/chat  images         05-01  06-01          10          10     0.02           1   0.20
            acme/chat  images tier 2  05-01  06-01           2           2     0.01           1   0.02
            acme/chat  storage        05-01  06-01   267840000   267840000   0.0001        3600   7.44
            acme/chat  tokens         05-01  06-01    12345678    12345678      0.6     1000000   7.41
            acme/chat  traffic        05-01  06-01  1073741825  1073741825     0.05  1073741824   0.05
            total 15.12 EUR
        "#]],
    );
}

#[test]
fn usage_without_a_price_is_named_not_given_away() {
    check(
        "price h100 from 05-10 2.50
         use acme/train h100 05-01..05-10 216h
         use acme/train h100 05-10..06-01 528h
         use acme/train b200 05-01..06-01 3h",
        expect![[r#"
            for         what  from   until    metered                 billed  × price  / base    = EUR
            acme/train  h100  05-10  06-01  528:00:00  528:00:00 = 1900800 s      2.5    3600  1320.00
            no price: acme/train b200 05-01 to 06-01, 3:00:00
            no price: acme/train h100 05-01 to 05-10, 216:00:00
            h100: metered 528:00:00, billed 528:00:00
            total 1320.00 EUR
        "#]],
    );
}

#[test]
fn per_second_bills_each_second_begun() {
    check(
        "price h100 from 05-01 3.60 second
         hold acme/train h100 05-01..06-01 a:gpu0 0.001s
         hold acme/train h100 05-01..06-01 b:gpu0 59.999s
         hold acme/train h100 05-01..06-01 c:gpu0 1h",
        expect![[r#"
            for         what  from   until  metered            billed  × price  / base  = EUR
            acme/train  h100  05-01  06-01  1:01:00  1:01:01 = 3661 s      3.6    3600   3.66
            h100: metered 1:01:00, billed 1:01:01
            total 3.66 EUR
        "#]],
    );
}

#[test]
fn per_second_with_a_minute_at_least() {
    check(
        "price h100 from 05-01 3.60 second_min_60
         hold a/short h100 05-01..06-01 a:gpu0 0.250s
         hold b/minute h100 05-01..06-01 b:gpu0 60s
         hold c/above h100 05-01..06-01 c:gpu0 61.200s
         hold d/two-devices h100 05-01..06-01 d:gpu0 10s
         hold d/two-devices h100 05-01..06-01 d:gpu1 10s",
        expect![[r#"
            for            what  from   until      metered           billed  × price  / base  = EUR
            a/short        h100  05-01  06-01  0:00:00.250   0:01:00 = 60 s      3.6    3600   0.06
            b/minute       h100  05-01  06-01      0:01:00   0:01:00 = 60 s      3.6    3600   0.06
            c/above        h100  05-01  06-01  0:01:01.200   0:01:02 = 62 s      3.6    3600   0.06
            d/two-devices  h100  05-01  06-01      0:00:20  0:02:00 = 120 s      3.6    3600   0.12
            h100: metered 0:02:21.450, billed 0:05:02
            total 0.30 EUR
        "#]],
    );
}

#[test]
fn started_minutes() {
    check(
        "price h100 from 05-01 3.60 started_minute
         hold a/x h100 05-01..06-01 a:gpu0 60s
         hold b/x h100 05-01..06-01 b:gpu0 60.001s",
        expect![[r#"
            for  what  from   until      metered           billed  × price  / base  = EUR
            a/x  h100  05-01  06-01      0:01:00   0:01:00 = 60 s      3.6    3600   0.06
            b/x  h100  05-01  06-01  0:01:00.001  0:02:00 = 120 s      3.6    3600   0.12
            h100: metered 0:02:00.001, billed 0:03:00
            total 0.18 EUR
        "#]],
    );
}

#[test]
fn started_hours() {
    check(
        "price h100 from 05-01 3.60 started_hour
         hold a/x h100 05-01..06-01 a:gpu0 1h
         hold b/x h100 05-01..06-01 b:gpu0 1h0.001s",
        expect![[r#"
            for  what  from   until      metered            billed  × price  / base  = EUR
            a/x  h100  05-01  06-01      1:00:00  1:00:00 = 3600 s      3.6    3600   3.60
            b/x  h100  05-01  06-01  1:00:00.001  2:00:00 = 7200 s      3.6    3600   7.20
            h100: metered 2:00:00.001, billed 3:00:00
            total 10.80 EUR
        "#]],
    );
}

/// An hour begun in April and ended in May was billed in April: May bills only what goes beyond it.
#[test]
fn an_hour_over_the_end_of_the_month_is_billed_once() {
    check(
        "price h100 from 01-01 3.60 started_hour
         hold acme/within h100 05-01..06-01 a:gpu0 20m after 30m
         hold acme/beyond h100 05-01..06-01 b:gpu0 40m after 30m",
        expect![[r#"
            for          what  from   until  metered            billed  × price  / base  = EUR
            acme/beyond  h100  05-01  06-01  0:40:00  1:00:00 = 3600 s      3.6    3600   3.60
            acme/within  h100  05-01  06-01  0:20:00     0:00:00 = 0 s      3.6    3600   0.00
            h100: metered 1:00:00, billed 1:00:00
            total 3.60 EUR
        "#]],
    );
}

/// The minute's minimum was paid in April; 30 seconds more of the same allocation cost nothing more.
#[test]
fn a_minimum_is_paid_once_per_allocation() {
    check(
        "price h100 from 01-01 3.60 second_min_60
         hold acme/same h100 05-01..06-01 a:gpu0 30s after 10s
         hold acme/new  h100 05-01..06-01 b:gpu0 30s",
        expect![[r#"
            for        what  from   until  metered          billed  × price  / base  = EUR
            acme/new   h100  05-01  06-01  0:00:30  0:01:00 = 60 s      3.6    3600   0.06
            acme/same  h100  05-01  06-01  0:00:30   0:00:00 = 0 s      3.6    3600   0.00
            h100: metered 0:01:00, billed 0:01:00
            total 0.06 EUR
        "#]],
    );
}

/// An allocation that comes and goes for less than a second each time is one growing sum, not many seconds.
#[test]
fn crumbs_of_one_allocation_add_up_before_they_are_rounded() {
    check(
        "price h100 from 05-01 3.60 second
         hold acme/x h100 05-01..05-02 a:gpu0 0.300s
         hold acme/x h100 05-02..05-03 a:gpu0 0.300s
         hold acme/x h100 05-03..05-04 a:gpu0 0.300s",
        expect![[r#"
            for     what  from   until      metered         billed  × price  / base  = EUR
            acme/x  h100  05-01  06-01  0:00:00.900  0:00:01 = 1 s      3.6    3600   0.00
            h100: metered 0:00:00.900, billed 0:00:01
            total 0.00 EUR
        "#]],
    );
}

/// The hour begun at the old price is billed at the old price; what goes beyond it, at the new one.
#[test]
fn a_started_hour_over_a_change_of_price() {
    check(
        "price h100 from 05-01 3.00 started_hour
         price h100 from 05-16 6.00 started_hour
         hold acme/x h100 05-01..05-16 a:gpu0 30m
         hold acme/x h100 05-16..06-01 a:gpu0 50m",
        expect![[r#"
            for     what  from   until  metered            billed  × price  / base  = EUR
            acme/x  h100  05-01  05-16  0:30:00  1:00:00 = 3600 s        3    3600   3.00
            acme/x  h100  05-16  06-01  0:50:00  1:00:00 = 3600 s        6    3600   6.00
            h100: metered 1:20:00, billed 2:00:00
            total 9.00 EUR
        "#]],
    );
}

/// Each plan counts the time that it ruled: ten minutes under the new plan begin an hour of their own.
#[test]
fn a_plan_counts_only_the_time_it_ruled() {
    check(
        "price h100 from 05-01 3.00
         price h100 from 05-16 3.00 started_hour
         hold acme/x h100 05-01..05-16 a:gpu0 30m
         hold acme/x h100 05-16..06-01 a:gpu0 10m",
        expect![[r#"
            for     what  from   until  metered            billed  × price  / base  = EUR
            acme/x  h100  05-01  05-16  0:30:00  0:30:00 = 1800 s        3    3600   1.50
            acme/x  h100  05-16  06-01  0:10:00  1:00:00 = 3600 s        3    3600   3.00
            h100: metered 0:40:00, billed 1:30:00
            total 4.50 EUR
        "#]],
    );
}

#[test]
fn tiers_are_filled_by_what_is_billed() {
    check(
        "price h100 from 05-01 2.00 to 2h, 1.00 beyond started_hour
         hold acme/x h100 05-01..06-01 a:gpu0 1h1m
         hold acme/y h100 05-01..06-01 b:gpu0 1m",
        expect![[r#"
            for     what         from   until  metered            billed  × price  / base  = EUR
            acme/x  h100         05-01  06-01  1:01:00  2:00:00 = 7200 s        2    3600   4.00
            acme/y  h100 tier 2  05-01  06-01  0:01:00  1:00:00 = 3600 s        1    3600   1.00
            h100: metered 1:02:00, billed 3:00:00
            total 5.00 EUR
        "#]],
    );
}

#[test]
fn a_rounded_sku_needs_its_allocations() {
    check(
        "price h100 from 05-01 2.00 started_hour
         use acme/x h100 05-01..06-01 1h",
        expect![[r#"
            refused: items: gpu/h100/whole/1:1/standard/eu is billed by the plan started_hour, which needs its usage allocation by allocation
        "#]],
    );
    check(
        "price h100 from 05-01 2.00
         use acme/x h100 05-01..06-01 1h
         hold acme/x h100 05-01..06-01 a:gpu0 1h",
        expect![[r#"
            refused: allocations: usage of gpu/h100/whole/1:1/standard/eu is given both summed and by allocation
        "#]],
    );
}

#[test]
fn usage_that_is_not_what_it_promises_is_refused() {
    check(
        "price h100 from 05-01 2.00
         use acme/x h100 05-31..06-02 1h",
        expect![[r#"
            refused: stretch: usage of gpu/h100/whole/1:1/standard/eu in 2020-05-31T00:00:00Z to 2020-06-02T00:00:00Z lies outside the period 2020-05-01T00:00:00Z to 2020-06-01T00:00:00Z
        "#]],
    );
    check(
        "price h100 from 05-01 2.00
         use acme/x h100 05-01..06-01 -5",
        expect![[r#"
            refused: metered: -5 of gpu/h100/whole/1:1/standard/eu is negative
        "#]],
    );
    check(
        "price h100 from 05-01 2.00 second
         hold acme/x h100 05-01..05-02 a:gpu0 1h after 1s
         hold acme/x h100 05-02..05-03 a:gpu0 1h after 2s",
        expect![[r#"
            refused: held_before: alo_61000000000000000000000000000000 is given two pasts on device 67707530-0000-0000-0000-000000000000 as gpu/h100/whole/1:1/standard/eu
        "#]],
    );
    check(
        "price h100 from 05-01 2.00
         use acme/x h100 05-01..05-02 9223372036854775807
         use acme/x h100 05-02..05-03 1",
        expect![[r#"
            refused: the usage of gpu/h100/whole/1:1/standard/eu passes what a 64-bit integer holds
        "#]],
    );
}

#[test]
fn nothing_used_is_nothing_owed() {
    check(
        "price h100 from 05-01 2.00",
        expect![[r#"
        for  what  from  until  metered  billed  × price  / base  = EUR
        total 0.00 EUR
    "#]],
    );
    check(
        "price h100 from 05-01 2.00\nuse acme/x h100 05-01..06-01 0",
        expect![[r#"
        for  what  from  until  metered  billed  × price  / base  = EUR
        total 0.00 EUR
    "#]],
    );
}
