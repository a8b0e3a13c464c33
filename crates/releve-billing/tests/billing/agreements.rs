//! What does an account owe that agreed to more than a price book? Tables for reservations, discounts, fees and minimums.

use expect_test::{Expect, expect};

use crate::sheet::{bill, bill_in, month};

fn check(sheet: &str, expected: Expect) {
    expected.assert_eq(&bill(sheet));
}

const PRICE: &str = "price h100 from 01-01 2.50";

/// In the first hour 3 of 2 devices, in the second 1: by hour, what one leaves free within an hour another takes.
#[test]
fn a_reservation_is_used_unused_and_passed() {
    let sheet = format!(
        "{PRICE}
         reserve 2 h100 by hour 05-01..05-01T04 at 1.80
         hours acme/train h100 05-01T00 3h 1h 0h 2h 1h"
    );
    check(
        &sheet,
        expect![[r#"
        for          what           from   until     metered             billed  × price  / base  = EUR
        acme/train   h100           05-01  06-01     2:00:00   2:00:00 = 7200 s      2.5    3600   5.00
        acme/train   h100 reserved  05-01  05-01T04  5:00:00  5:00:00 = 18000 s      1.8    3600   9.00
        the account  h100 unused    05-01  05-01T04  0:00:00  3:00:00 = 10800 s      1.8    3600   5.40
        h100: metered 7:00:00, billed 10:00:00
        total 19.40 EUR
    "#]],
    );
}

/// Four devices for half an hour each fill two for an hour, if hours are matched; at each instant, only two of the four.
#[test]
fn matched_by_instant_a_burst_is_not_covered() {
    let used = "hours acme/train h100 05-01T00 2h
                busy h100 05-01T00 4=30m";
    let by =
        |matching: &str| format!("{PRICE}\nreserve 2 h100 by {matching} 05-01..05-01T01 at 1.80 above 2.20\n{used}");
    check(
        &by("hour"),
        expect![[r#"
        for         what           from   until     metered            billed  × price  / base  = EUR
        acme/train  h100 reserved  05-01  05-01T01  2:00:00  2:00:00 = 7200 s      1.8    3600   3.60
        h100: metered 2:00:00, billed 2:00:00
        total 3.60 EUR
    "#]],
    );
    check(
        &by("instant"),
        expect![[r#"
        for          what           from   until     metered            billed  × price  / base  = EUR
        acme/train   h100 reserved  05-01  05-01T01  1:00:00  1:00:00 = 3600 s      1.8    3600   1.80
        acme/train   h100 overage   05-01  05-01T01  1:00:00  1:00:00 = 3600 s      2.2    3600   2.20
        the account  h100 unused    05-01  05-01T01  0:00:00  1:00:00 = 3600 s      1.8    3600   1.80
        h100: metered 2:00:00, billed 3:00:00
        total 5.80 EUR
    "#]],
    );
}

/// What two tenants' projects share of it goes by what each used; odd milliseconds go somewhere, and none is lost.
#[test]
fn a_reservation_is_shared_in_proportion() {
    let sheet = format!(
        "{PRICE}
         reserve 1 h100 by hour 05-01..05-01T01 at 1.80
         hours acme/train h100 05-01T00 1h
         hours beta/chat h100 05-01T00 1h
         hours beta/more h100 05-01T00 1h"
    );
    check(
        &sheet,
        expect![[r#"
        for         what           from   until     metered            billed  × price  / base  = EUR
        acme/train  h100           05-01  06-01     0:40:00  0:40:00 = 2400 s      2.5    3600   1.67
        acme/train  h100 reserved  05-01  05-01T01  0:20:00  0:20:00 = 1200 s      1.8    3600   0.60
        beta/chat   h100           05-01  06-01     0:40:00  0:40:00 = 2400 s      2.5    3600   1.67
        beta/chat   h100 reserved  05-01  05-01T01  0:20:00  0:20:00 = 1200 s      1.8    3600   0.60
        beta/more   h100           05-01  06-01     0:40:00  0:40:00 = 2400 s      2.5    3600   1.67
        beta/more   h100 reserved  05-01  05-01T01  0:20:00  0:20:00 = 1200 s      1.8    3600   0.60
        h100: metered 3:00:00, billed 3:00:00
        total 6.81 EUR
    "#]],
    );
}

/// A ramp-up: four devices, then eight. And a rack that no agent reports is owed all the same.
#[test]
fn a_ramp_and_a_rack_that_nobody_reports() {
    let sheet = format!(
        "{PRICE}
         reserve 4 h100 by hour 05-01..05-16 at 1.80
         reserve 8 h100 by hour 05-16.. at 1.70
         reserve 1 nvl72-rack by hour 05-01.. at 150.00
         hours acme/train h100 05-15T23 6h 6h"
    );
    check(
        &sheet,
        expect![[r#"
        for          what               from   until  metered                   billed  × price  / base      = EUR
        acme/train   h100               05-01  06-01  2:00:00         2:00:00 = 7200 s      2.5    3600       5.00
        acme/train   h100 reserved      05-01  05-16  4:00:00        4:00:00 = 14400 s      1.8    3600       7.20
        acme/train   h100 reserved      05-16  06-01  6:00:00        6:00:00 = 21600 s      1.7    3600      10.20
        the account  h100 unused        05-01  05-16  0:00:00   1436:00:00 = 5169600 s      1.8    3600    2584.80
        the account  h100 unused        05-16  06-01  0:00:00  3066:00:00 = 11037600 s      1.7    3600    5212.20
        the account  nvl72-rack unused  05-01  06-01  0:00:00    744:00:00 = 2678400 s      150    3600  111600.00
        h100: metered 12:00:00, billed 4514:00:00
        nvl72-rack: metered 0:00:00, billed 744:00:00
        total 119419.40 EUR
    "#]],
    );
}

/// Two at once: the one that began first is filled first.
#[test]
fn the_older_of_two_reservations_is_filled_first() {
    let sheet = format!(
        "{PRICE}
         reserve 1 h100 by instant 05-01..05-01T02 at 1.70
         reserve 2 h100 by instant 05-01T01..05-01T02 at 1.90
         hours acme/train h100 05-01T00 2h 2h30m
         busy h100 05-01T00 2=1h
         busy h100 05-01T01 3=45m 1=15m"
    );
    check(
        &sheet,
        expect![[r#"
        for          what           from      until     metered            billed  × price  / base  = EUR
        acme/train   h100           05-01     06-01     1:00:00  1:00:00 = 3600 s      2.5    3600   2.50
        acme/train   h100 reserved  05-01     05-01T02  2:00:00  2:00:00 = 7200 s      1.7    3600   3.40
        acme/train   h100 reserved  05-01T01  05-01T02  1:30:00  1:30:00 = 5400 s      1.9    3600   2.85
        the account  h100 unused    05-01T01  05-01T02  0:00:00  0:30:00 = 1800 s      1.9    3600   0.95
        h100: metered 4:30:00, billed 5:00:00
        total 9.70 EUR
    "#]],
    );
}

/// Renewed on other terms: the first hour of three is matched by instant, the second by hour.
#[test]
fn a_reservation_may_be_matched_otherwise_when_it_is_renewed() {
    let sheet = format!(
        "{PRICE}
         reserve 1 h100 by instant 05-01..05-01T01 at 1.80
         reserve 1 h100 by hour 05-01T01..05-01T02 at 1.80
         hours acme/train h100 05-01T00 1h 1h 1h
         busy h100 05-01T00 2=30m
         busy h100 05-01T01 2=30m
         busy h100 05-01T02 2=30m"
    );
    check(
        &sheet,
        expect![[r#"
        for          what           from      until     metered            billed  × price  / base  = EUR
        acme/train   h100           05-01     06-01     1:30:00  1:30:00 = 5400 s      2.5    3600   3.75
        acme/train   h100 reserved  05-01     05-01T01  0:30:00  0:30:00 = 1800 s      1.8    3600   0.90
        acme/train   h100 reserved  05-01T01  05-01T02  1:00:00  1:00:00 = 3600 s      1.8    3600   1.80
        the account  h100 unused    05-01     05-01T01  0:00:00  0:30:00 = 1800 s      1.8    3600   0.90
        h100: metered 3:00:00, billed 3:30:00
        total 7.35 EUR
    "#]],
    );
}

/// A commitment with graduated overage: of 300 hours, 100 are covered, and the tiers begin to fill after them.
#[test]
fn above_a_commitment_tiers_fill_from_the_first() {
    let sheet = "price h100 from 01-01 2.50 to 100h, 2.00 beyond
                 reserve 10 h100 by hour 05-01..05-01T10 at 1.80
                 hours acme/train h100 05-01T00 30h 30h 30h 30h 30h 30h 30h 30h 30h 30h";
    check(
        sheet,
        expect![[r#"
        for         what           from   until       metered                billed  × price  / base   = EUR
        acme/train  h100           05-01  06-01     100:00:00  100:00:00 = 360000 s      2.5    3600  250.00
        acme/train  h100 tier 2    05-01  06-01     100:00:00  100:00:00 = 360000 s        2    3600  200.00
        acme/train  h100 reserved  05-01  05-01T10  100:00:00  100:00:00 = 360000 s      1.8    3600  180.00
        h100: metered 300:00:00, billed 300:00:00
        total 630.00 EUR
    "#]],
    );
}

#[test]
fn the_narrowest_discount_is_given_where_and_while_it_holds() {
    let sheet = format!(
        "{PRICE}
         price tokens from 01-01 0.60
         discount 5 05-01..
         discount 10 on h100 05-01..05-16
         discount 33.33 for acme/train 05-01..06-01
         use acme/train h100 05-01..05-16 100h
         use acme/other h100 05-01..05-16 100h
         use acme/other h100 05-16..06-01 100h
         use acme/chat tokens 05-01..05-16 1000000
         use acme/chat tokens 05-16..06-01 1000000"
    );
    check(
        &sheet,
        expect![[r#"
        for         what    from   until    metered                billed  × price   / base   = EUR
        acme/chat   tokens  05-01  06-01    2000000               2000000      0.6  1000000    1.14
        acme/other  h100    05-01  05-16  100:00:00  100:00:00 = 360000 s      2.5     3600  225.00
        acme/other  h100    05-16  06-01  100:00:00  100:00:00 = 360000 s      2.5     3600  237.50
        acme/train  h100    05-01  05-16  100:00:00  100:00:00 = 360000 s      2.5     3600  166.67
        acme/chat tokens from 05-01: 1.20 - 5 % = 0.06 off
        acme/other h100 from 05-01: 250.00 - 10 % = 25.00 off
        acme/other h100 from 05-16: 250.00 - 5 % = 12.50 off
        acme/train h100 from 05-01: 250.00 - 33.33 % = 83.33 off
        h100: metered 300:00:00, billed 300:00:00
        total 630.31 EUR
    "#]],
    );
}

/// Half a cent of discount goes away from zero, as all money does.
#[test]
fn a_discount_is_rounded_once_and_takes_nothing_off_what_was_agreed() {
    let sheet = "price h100 from 01-01 0.10
                 discount 5 05-01..
                 discount 100 on a100 05-01..
                 price a100 from 01-01 9.00
                 reserve 1 l40s by hour 05-01..05-01T01 at 1.00
                 fee support 05-01.. 500.00
                 use acme/train h100 05-01..06-01 1h
                 use acme/train a100 05-01..06-01 1h";
    check(
        sheet,
        expect![[r#"
        for          what         from   until     metered            billed  × price  / base   = EUR
        acme/train   a100         05-01  06-01     1:00:00  1:00:00 = 3600 s        9    3600    0.00
        acme/train   h100         05-01  06-01     1:00:00  1:00:00 = 3600 s      0.1    3600    0.09
        the account  l40s unused  05-01  05-01T01  0:00:00  1:00:00 = 3600 s        1    3600    1.00
        the account  support      05-01  06-01           0               744      500     744  500.00
        acme/train a100 from 05-01: 9.00 - 100 % = 9.00 off
        acme/train h100 from 05-01: 0.10 - 5 % = 0.01 off
        a100: metered 1:00:00, billed 1:00:00
        h100: metered 1:00:00, billed 1:00:00
        l40s: metered 0:00:00, billed 1:00:00
        total 501.09 EUR
    "#]],
    );
}

/// By the month whole, from the 17th its hours' part: 360 of 744.
#[test]
fn fees_by_the_month_are_prorated_by_hours() {
    let sheet = "fee support 04-01.. 500.00
                 fee storage-cabinet 05-17.. 100.00
                 fee old 01-01..05-01 9.00
                 fee set-up once 05-17T09 1000.00
                 fee later once 06-01 1000.00
                 goodwill outage-of-the-3rd 05-20 50.00";
    check(
        sheet,
        expect![[r#"
        for          what               from      until     metered  billed  × price  / base    = EUR
        the account  support            05-01     06-01           0     744      500     744   500.00
        the account  storage-cabinet    05-17     06-01           0     360      100     744    48.39
        the account  set-up             05-17T09  05-17T10        0       1     1000       1  1000.00
        the account  outage-of-the-3rd  05-20     05-20T01        0      -1       50       1   -50.00
        total 1498.39 EUR
    "#]],
    );
}

/// In a zone with a clock change and in a leap year's February, a month is the hours that it has.
#[test]
fn a_fee_is_whole_in_a_month_of_any_length() {
    let sheet = "fee support 2020-01-01.. 500.00";
    let of = |zone, name| bill_in(month(zone, name), sheet);
    expect![[r#"
        for          what     from   until  metered  billed  × price  / base   = EUR
        the account  support  02-01  03-01        0     696      500     696  500.00
        total 500.00 EUR
    "#]]
    .assert_eq(&of("UTC", "2024-02"));
    expect![[r#"
        for          what     from      until     metered  billed  × price  / base   = EUR
        the account  support  02-28T23  03-31T22        0     743      500     743  500.00
        total 500.00 EUR
    "#]]
    .assert_eq(&of("Europe/Paris", "2026-03"));
    expect![[r#"
        for          what     from      until     metered  billed  × price  / base   = EUR
        the account  support  09-30T22  10-31T23        0     745      500     745  500.00
        total 500.00 EUR
    "#]]
    .assert_eq(&of("Europe/Paris", "2026-10"));
}

#[test]
fn a_minimum_is_made_up_for() {
    let sheet = format!(
        "{PRICE}
         minimum 1000.00 05-01..
         discount 10 05-01..
         fee support 05-01.. 100.00
         fee set-up once 05-01 700.00
         use acme/train h100 05-01..06-01 100h"
    );
    check(
        &sheet,
        expect![[r#"
        for          what           from   until       metered                billed  × price  / base   = EUR
        acme/train   h100           05-01  06-01     100:00:00  100:00:00 = 360000 s      2.5    3600  225.00
        the account  support        05-01  06-01             0                   744      100     744  100.00
        the account  set-up         05-01  05-01T01          0                     1      700       1  700.00
        the account  minimum-spend  05-01  06-01             0                     1      675       1  675.00
        acme/train h100 from 05-01: 250.00 - 10 % = 25.00 off
        h100: metered 100:00:00, billed 100:00:00
        total 1700.00 EUR
    "#]],
    );
    check(
        &format!("{PRICE}\nminimum 250.00 05-01..\nuse acme/train h100 05-01..06-01 100h"),
        expect![[r#"
        for         what  from   until    metered                billed  × price  / base   = EUR
        acme/train  h100  05-01  06-01  100:00:00  100:00:00 = 360000 s      2.5    3600  250.00
        h100: metered 100:00:00, billed 100:00:00
        total 250.00 EUR
    "#]],
    );
    check(
        "minimum 1000.00 05-01..05-16\nminimum 2000.00 05-16..",
        expect![[r#"
        for          what           from   until  metered  billed  × price  / base    = EUR
        the account  minimum-spend  05-16  06-01        0       1  1516.13       1  1516.13
        total 1516.13 EUR
    "#]],
    );
}

#[test]
fn what_contradicts_is_refused_and_both_are_named() {
    let refused = |sheet: &str, expected: Expect| expected.assert_eq(&bill(sheet));
    refused(
        "discount 5 05-01..\ndiscount 6 04-01..05-02",
        expect![[r#"
            refused: scope: agr_61677265656420300000000000000000 is a discount on the same, which holds at the same time from 2020-04-01T00:00:00Z: end it first
        "#]],
    );
    refused(
        "discount 5 on h100 05-01..\ndiscount 6 on h100 05-09..",
        expect![[r#"
        refused: scope: agr_61677265656420300000000000000000 is a discount on the same, which holds at the same time from 2020-05-09T00:00:00Z: end it first
    "#]],
    );
    refused(
        "minimum 5 05-01..\nminimum 6 05-09..",
        expect![[r#"
        refused: from: agr_61677265656420300000000000000000 is a minimum that holds at the same time from 2020-05-09T00:00:00Z: end it first
    "#]],
    );
    refused(
        "reserve 1 h100 by hour 05-01.. at 1\nreserve 1 h100 by instant 05-09.. at 1",
        expect![[r#"
        refused: matching: agr_61677265656420300000000000000000 reserves the same SKU at the same time and is matched in another way
    "#]],
    );
    refused(
        "reserve 1 h100 by hour 05-01.. at 1\nreserve 1 h100 by hour 05-09.. at 1 above 2",
        expect![[r#"
        refused: overage: agr_61677265656420300000000000000000 reserves the same SKU at the same time and says otherwise what is owed for what is used above it
    "#]],
    );
    refused(
        "price h100 from 01-01 2.50 started_hour\nreserve 1 h100 by hour 05-01.. at 1",
        expect![[r#"
            refused: sku: a price rounds what each allocation holds of gpu/h100/whole/1:1/standard/eu in that time, or in the month before or after: what is reserved is matched to the millisecond
        "#]],
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |sheet: &str, expected: Expect| expected.assert_eq(&bill(sheet));
    refused(
        "discount 0 05-01..",
        expect![[r#"
        refused: percent: 0 is no discount: above 0, up to 100 percent, with at most two decimals
    "#]],
    );
    refused(
        "discount 100.01 05-01..",
        expect![[r#"
        refused: percent: 100.01 is no discount: above 0, up to 100 percent, with at most two decimals
    "#]],
    );
    refused(
        "discount 1.234 05-01..",
        expect![[r#"
        refused: percent: 1.234 is no discount: above 0, up to 100 percent, with at most two decimals
    "#]],
    );
    refused(
        "discount 5 05-02..05-02",
        expect![[r#"
        refused: until: it would end at 2020-05-02T00:00:00Z, not after 2020-05-02T00:00:00Z, when it starts
    "#]],
    );
    refused(
        "reserve 0 h100 by hour 05-01.. at 1",
        expect![[r#"
        refused: devices: 1 to 1000000 devices are reserved, not 0
    "#]],
    );
    refused(
        "reserve 1 tokens by hour 05-01.. at 1",
        expect![[r#"
        refused: sku: meter/tokens/eu is no GPU: time of devices is what is reserved
    "#]],
    );
    refused(
        "reserve 1 h100 by day 05-01.. at 1",
        expect![[r#"
        refused: matching: 'day' is no way to match a reservation: expected hour or instant
    "#]],
    );
    refused(
        "fee nothing 05-01.. 0",
        expect![[r#"
        refused: price: nothing would be owed: it is above zero
    "#]],
    );
}

/// A fault of whoever gathered it, and never money.
#[test]
fn usage_of_what_is_reserved_comes_hour_by_hour() {
    let reserved = |matching: &str| format!("{PRICE}\nreserve 1 h100 by {matching} 05-01.. at 1");
    let hour = reserved("hour");
    check(
        &format!("{hour}\nuse acme/train h100 05-01..05-02 1h"),
        expect![[r#"
        refused: stretch: devices of gpu/h100/whole/1:1/standard/eu are reserved, which needs its usage hour by hour, not over 2020-05-01T00:00:00Z to 2020-05-02T00:00:00Z
    "#]],
    );
    let instant = reserved("instant");
    check(
        &format!("{instant}\nhours acme/train h100 05-01 1h\nbusy h100 05-01 1=59m"),
        expect![[r#"
        refused: at_once: what was held of gpu/h100/whole/1:1/standard/eu at once in the hour of 2020-05-01T00:00:00Z is not what was used of it
    "#]],
    );
}
