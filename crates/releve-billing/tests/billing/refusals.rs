//! What is refused, and in which words?

use std::{fmt::Write, sync::Arc};

use expect_test::{Expect, expect};
use releve_billing::{
    Contract, Model, Price, PriceBook, PriceError, Rounding, Term, Tier, UnitPrice, check_new_price, check_new_term,
    refusal::currency,
};
use releve_types::{
    Currency, Sku, Timestamp, Unit,
    ids::{PriceBookId, PriceId},
};
use rust_decimal::Decimal;

use crate::sheet::{instant, named, sku_of};

fn outcome<T>(result: Result<T, PriceError>) -> String {
    result.map_or_else(|e| format!("{e} [{}]", e.reason.code()), |_| "fine".to_owned())
}

fn cases<'a, T>(cases: impl IntoIterator<Item = (&'a str, Result<T, PriceError>)>, expected: &Expect) {
    let mut out = String::new();
    for (name, result) in cases {
        writeln!(out, "{name}: {}", outcome(result)).expect("text");
    }
    expected.assert_eq(&out);
}

fn per_hour(price: &str) -> Model {
    Model::PerUnit { price: price.parse().expect("a price") }
}

fn price(sku: &str, from: &str) -> Price {
    let (sku, unit) = sku_of(sku);
    let id = PriceId::from_uuid(named(from));
    Price::new(id, sku, unit, instant(from), per_hour("2.50"), Rounding::Exact).expect("a price")
}

fn book(currency: Currency, prices: Vec<Price>) -> Result<PriceBook, PriceError> {
    PriceBook::new(PriceBookId::from_uuid(named("book")), "list".to_owned(), currency, prices)
}

#[test]
fn a_price_that_cannot_be_printed() {
    let texts = [
        "2.50",
        "0",
        "0.000001",
        "2.500000000",
        "999999999999.999999",
        "-0",
        "-1",
        "0.0000001",
        "1000000000000",
        "79228162514264337593543950336",
        "0.00000000000000000000000000000001",
        "1_000",
        "1e3",
        "1,5",
        ".5",
        "5.",
        "+1",
        "",
        " 1",
        "NaN",
    ];
    cases(
        texts.map(|text| (text, text.parse::<UnitPrice>())),
        &expect![[r#"
        2.50: fine
        0: fine
        0.000001: fine
        2.500000000: fine
        999999999999.999999: fine
        -0: fine
        -1: price: -1 is negative: what is given back is a credit note, not a price [negative_price]
        0.0000001: price: 0.0000001 can't be printed exactly: a price has at most 6 decimals per base quantity [price_too_fine]
        1000000000000: price: 1000000000000 passes the largest price, 999999999999.999999 per base quantity [price_too_large]
        79228162514264337593543950336: price: 79228162514264337593543950336 passes the largest price, 999999999999.999999 per base quantity [price_too_large]
        0.00000000000000000000000000000001: price: 0.00000000000000000000000000000001 can't be printed exactly: a price has at most 6 decimals per base quantity [price_too_fine]
        1_000: price: '1_000' is no decimal: digits, and at most one point [not_a_decimal]
        1e3: price: '1e3' is no decimal: digits, and at most one point [not_a_decimal]
        1,5: price: '1,5' is no decimal: digits, and at most one point [not_a_decimal]
        .5: price: '.5' is no decimal: digits, and at most one point [not_a_decimal]
        5.: price: '5.' is no decimal: digits, and at most one point [not_a_decimal]
        +1: price: '+1' is no decimal: digits, and at most one point [not_a_decimal]
        : price: '' is no decimal: digits, and at most one point [not_a_decimal]
         1: price: ' 1' is no decimal: digits, and at most one point [not_a_decimal]
        NaN: price: 'NaN' is no decimal: digits, and at most one point [not_a_decimal]
    "#]],
    );
    assert_eq!("2.500000".parse::<UnitPrice>().map(|p| p.to_string()), Ok("2.50".to_owned()));
    assert!(UnitPrice::new(Decimal::new(-1, 28)).is_err());
}

#[test]
fn tiers_that_leave_something_without_a_price() {
    let tier = |up_to, price: &str| Tier { up_to, price: price.parse().expect("a price") };
    let open = tier(None, "1");
    let model = |name, tiers: &[Tier]| Model::from_parts(name, tiers.to_vec());
    let many: Vec<Tier> = (1..40).map(|n| tier(Some(n), "1")).chain([open]).collect();
    cases(
        [
            ("ascending", model("graduated", &[tier(Some(10), "2"), tier(Some(20), "1.5"), open])),
            ("one open tier", model("graduated", &[open])),
            ("no tiers", model("graduated", &[])),
            ("equal ends", model("graduated", &[tier(Some(10), "2"), tier(Some(10), "1.5"), open])),
            ("descending", model("graduated", &[tier(Some(10), "2"), tier(Some(5), "1.5"), open])),
            ("ends at nothing", model("graduated", &[tier(Some(0), "2"), open])),
            ("last tier ends", model("graduated", &[tier(Some(10), "2"), tier(Some(20), "1")])),
            ("open in the middle", model("graduated", &[open, tier(Some(20), "1"), open])),
            ("forty tiers", model("graduated", &many)),
            ("per unit with an end", model("per_unit", &[tier(Some(10), "1")])),
            ("per unit with two", model("per_unit", &[tier(Some(10), "1"), open])),
            ("a volume price", model("volume", &[tier(Some(10), "2"), open])),
            ("volume, descending", model("volume", &[tier(Some(10), "2"), tier(Some(5), "1.5"), open])),
            ("volume, last tier ends", model("volume", &[tier(Some(10), "2")])),
            ("another model", model("by_feel", &[open])),
        ],
        &expect![[r#"
            ascending: fine
            one open tier: fine
            no tiers: tiers: a price has at least one tier [tier_count]
            equal ends: tiers[1].up_to: tiers ascend: 10 does not pass 10 [tiers_not_ascending]
            descending: tiers[1].up_to: tiers ascend: 5 does not pass 10 [tiers_not_ascending]
            ends at nothing: tiers[0].up_to: tiers ascend: 0 does not pass 0 [tiers_not_ascending]
            last tier ends: tiers[1].up_to: the last tier has no end, or what lies above it would have no price [last_tier_ends]
            open in the middle: tiers[0].up_to: only the last tier has no end [open_tier_not_last]
            forty tiers: tiers: a price has at most 32 tiers, not 40 [tier_count]
            per unit with an end: tiers[0].up_to: the last tier has no end, or what lies above it would have no price [last_tier_ends]
            per unit with two: tiers: a per-unit price is one tier without an end, not 2 [tier_count]
            a volume price: fine
            volume, descending: tiers[1].up_to: tiers ascend: 5 does not pass 10 [tiers_not_ascending]
            volume, last tier ends: tiers[0].up_to: the last tier has no end, or what lies above it would have no price [last_tier_ends]
            another model: model: 'by_feel' is no price model: expected per_unit, graduated, volume or package [unknown_model]
        "#]],
    );
}

#[test]
fn packages_that_nobody_can_count() {
    let tier = |up_to, price: &str| Tier { up_to, price: price.parse().expect("a price") };
    let package = |tiers: &[Tier]| Model::from_parts("package", tiers.to_vec());
    let ten = tier(Some(10), "2");
    let new = |name: &str, size, plan| {
        let ((sku, unit), price) = (sku_of(name), "2".parse().expect("a price"));
        Price::new(PriceId::from_uuid(named("p")), sku, unit, instant("05-01"), Model::Package { size, price }, plan)
    };
    cases(
        [
            ("ten", package(&[ten])),
            ("without an end", package(&[tier(None, "2")])),
            ("without a tier", package(&[])),
            ("of two sizes", package(&[ten, tier(Some(20), "2")])),
            ("and then another price", package(&[ten, tier(None, "2")])),
            ("of nothing", package(&[tier(Some(0), "2")])),
            ("of less than nothing", package(&[tier(Some(-5), "2")])),
            ("a petabyte", package(&[tier(Some(1_000_000_000_000_000), "2")])),
            ("a byte more", package(&[tier(Some(1_000_000_000_000_001), "2")])),
        ],
        &expect![[r#"
            ten: fine
            without an end: tiers[0].up_to: a package holds so many base units: its tier has an end [package_size]
            without a tier: tiers: a package price is one tier, which ends where the package does, not 0 [tier_count]
            of two sizes: tiers: a package price is one tier, which ends where the package does, not 2 [tier_count]
            and then another price: tiers: a package price is one tier, which ends where the package does, not 2 [tier_count]
            of nothing: tiers[0].up_to: a package holds 1 to 1000000000000000 base units, not 0 [package_size]
            of less than nothing: tiers[0].up_to: a package holds 1 to 1000000000000000 base units, not -5 [package_size]
            a petabyte: fine
            a byte more: tiers[0].up_to: a package holds 1 to 1000000000000000 base units, not 1000000000000001 [package_size]
        "#]],
    );
    cases(
        [
            ("a second", new("h100", 1_000, Rounding::Exact)),
            ("a second and a half", new("h100", 1_500, Rounding::Exact)),
            ("a hundred hours begun", new("h100", 360_000_000, Rounding::StartedHour)),
            ("seven tokens", new("tokens", 7, Rounding::Exact)),
            ("made without a size", new("tokens", 0, Rounding::Exact)),
        ],
        &expect![[r#"
            a second: fine
            a second and a half: tiers[0].up_to: a package is a whole number of GPU-seconds, as a line prints it: 1500 base units are not, 1000 are one [package_size]
            a hundred hours begun: rounding: started_hour rounds what each allocation held, a package price what the account used in all: one of the two [rounding_of_package]
            seven tokens: fine
            made without a size: tiers[0].up_to: a package holds 1 to 1000000000000000 base units, not 0 [package_size]
        "#]],
    );
}

#[test]
fn a_price_that_does_not_fit_its_sku() {
    let new = |sku: &str, unit, from: Timestamp, plan| {
        let sku: Sku = sku.parse().expect("a SKU");
        Price::new(PriceId::from_uuid(named("p")), sku, unit, from, per_hour("1"), plan)
    };
    let (gpu, meter, may) = ("gpu/h100/whole/1:1/spot/eu", "meter/tokens/eu", instant("05-01"));
    cases(
        [
            ("a GPU in tokens", new(gpu, Unit::Token, may, Rounding::Exact)),
            ("a meter in GPU time", new(meter, Unit::GpuMs, may, Rounding::Exact)),
            ("tokens by the minute", new(meter, Unit::Token, may, Rounding::StartedMinute)),
            ("half past", new(gpu, Unit::GpuMs, may.plus_millis(1_800_000), Rounding::Exact)),
            ("a millisecond late", new(gpu, Unit::GpuMs, may.plus_millis(1), Rounding::Exact)),
            ("from before 1970", new(gpu, Unit::GpuMs, Timestamp::from_millis(-3_600_000), Rounding::StartedHour)),
        ],
        &expect![[r#"
            a GPU in tokens: unit: token is not what gpu/h100/whole/1:1/spot/eu is counted in [wrong_unit]
            a meter in GPU time: unit: gpu_ms is not what meter/tokens/eu is counted in [wrong_unit]
            tokens by the minute: rounding: started_minute rounds held time, and token is none [rounding_without_time]
            half past: from: a price starts on a whole UTC hour, 2020-05-01T00:30:00Z does not [not_whole_hour]
            a millisecond late: from: a price starts on a whole UTC hour, 2020-05-01T00:00:00.001Z does not [not_whole_hour]
            from before 1970: fine
        "#]],
    );
    expect!["rounding: 'by_feel' is no rounding plan: expected exact, second, second_min_60, started_minute or started_hour [unknown_rounding]"].assert_eq(&outcome("by_feel".parse::<Rounding>()));
}

#[test]
fn a_book_or_contract_at_odds_with_itself() {
    let images = |unit| {
        let sku = Sku::meter("images", "eu").expect("a SKU");
        let from = if unit == Unit::Count { "05-01" } else { "06-01" };
        let id = PriceId::from_uuid(named("images"));
        Price::new(id, sku, unit, instant(from), per_hour("1"), Rounding::Exact).expect("a price")
    };
    cases(
        [
            ("two at once", book(Currency::Eur, vec![price("h100", "05-01"), price("h100", "05-01")])),
            ("two SKUs at once", book(Currency::Eur, vec![price("h100", "05-01"), price("a100", "05-01")])),
            ("two units", book(Currency::Eur, vec![images(Unit::Count), images(Unit::Token)])),
        ],
        &expect![[r#"
            two at once: from: gpu/h100/whole/1:1/standard/eu has two prices from 2020-05-01T00:00:00Z [two_prices_at_once]
            two SKUs at once: fine
            two units: unit: the book counts meter/images/eu in count, so a price of it in token is another thing [wrong_unit]
        "#]],
    );
    let term = |currency, from: &str| Term {
        from: instant(from).hour(),
        book: Arc::new(book(currency, vec![]).expect("a book")),
    };
    cases(
        [
            ("no terms", Contract::new(Currency::Eur, vec![])),
            ("one currency", Contract::new(Currency::Eur, vec![term(Currency::Eur, "05-01")])),
            ("two", Contract::new(Currency::Eur, vec![term(Currency::Eur, "05-01"), term(Currency::Usd, "06-01")])),
            ("twice", Contract::new(Currency::Eur, vec![term(Currency::Eur, "05-01"), term(Currency::Eur, "05-01")])),
        ],
        &expect![[r#"
            no terms: fine
            one currency: fine
            two: terms[1].price_book: the contract is in EUR, the price book in USD: a contract has one currency [mixed_currencies]
            twice: from: the contract has two terms from 2020-05-01T00:00:00Z [two_terms_at_once]
        "#]],
    );
    cases(
        ["EUR", "XBT", "eur", ""].map(|text| (text, currency(text))),
        &expect![[r#"
        EUR: fine
        XBT: currency: 'XBT' is no currency that invoices are issued in [unknown_currency]
        eur: currency: 'eur' is no currency that invoices are issued in [unknown_currency]
        : currency: '' is no currency that invoices are issued in [unknown_currency]
    "#]],
    );
}

#[test]
fn a_change_of_what_has_begun() {
    let now = instant("05-16").plus_millis(1);
    let book = book(Currency::Eur, vec![price("h100", "05-10"), price("h100", "06-01")]).expect("a book");
    let new = |sku: &str, from: &str| check_new_price(&book, &price(sku, from), now);
    let on_the_hour = check_new_price(&book, &price("h100", "05-16"), instant("05-16"));
    cases(
        [
            ("tomorrow", new("h100", "05-17")),
            ("between two future ones", new("h100", "07-01")),
            ("yesterday", new("h100", "05-15")),
            ("a millisecond ago", new("h100", "05-16")),
            ("this very hour, as it begins", on_the_hour),
            ("before the first, filling what had no price", new("h100", "05-01")),
            ("a SKU without prices, in the past", new("a100", "05-01")),
            ("where one starts", new("h100", "05-10")),
            ("where one will start", new("h100", "06-01")),
        ],
        &expect![[r#"
            tomorrow: fine
            between two future ones: fine
            yesterday: from: gpu/h100/whole/1:1/standard/eu already has a price at 2020-05-15T00:00:00Z, which has begun: a price changes from 2020-05-16T00:00:00.001Z on, never before [price_in_the_past]
            a millisecond ago: from: gpu/h100/whole/1:1/standard/eu already has a price at 2020-05-16T00:00:00Z, which has begun: a price changes from 2020-05-16T00:00:00.001Z on, never before [price_in_the_past]
            this very hour, as it begins: fine
            before the first, filling what had no price: fine
            a SKU without prices, in the past: fine
            where one starts: from: gpu/h100/whole/1:1/standard/eu has two prices from 2020-05-10T00:00:00Z [two_prices_at_once]
            where one will start: from: gpu/h100/whole/1:1/standard/eu has two prices from 2020-06-01T00:00:00Z [two_prices_at_once]
        "#]],
    );
}

#[test]
fn a_change_of_book_in_time_that_has_begun() {
    let now = instant("05-16");
    let of = |currency| Arc::new(book(currency, vec![]).expect("a book"));
    let term = |from: &str| Term { from: instant(from).hour(), book: of(Currency::Eur) };
    let contract = Contract::new(Currency::Eur, vec![term("05-10")]).expect("a contract");
    let dollars = Term { from: instant("06-01").hour(), book: of(Currency::Usd) };
    cases(
        [
            ("next month", check_new_term(&contract, &term("06-01"), now)),
            ("now", check_new_term(&contract, &term("05-16"), now)),
            ("yesterday", check_new_term(&contract, &term("05-15"), now)),
            ("before the first", check_new_term(&contract, &term("05-01"), now)),
            ("twice", check_new_term(&contract, &term("05-10"), now)),
            ("in dollars", check_new_term(&contract, &dollars, now)),
        ],
        &expect![[r#"
            next month: fine
            now: fine
            yesterday: from: the contract already has a price book at 2020-05-15T00:00:00Z, which has begun: it changes from 2020-05-16T00:00:00Z on, never before [term_in_the_past]
            before the first: fine
            twice: from: the contract has two terms from 2020-05-10T00:00:00Z [two_terms_at_once]
            in dollars: price_book: the contract is in EUR, the price book in USD: a contract has one currency [mixed_currencies]
        "#]],
    );
}
