//! Twenty-odd planted differences, each named.

use expect_test::expect;
use releve_billing::{Model, Tier, UnitPrice};
use releve_types::{Currency, Sku, Unit};
use rust_decimal::Decimal;

use super::*;
use crate::{fees::read_fees, number::decimal};

const HEADER: &str = "invoice_number,fee_lago_id,fee_item_type,fee_item_code,subscription_external_id,fee_from_date_utc,\
fee_to_date_utc,fee_amount_currency,fee_units,fee_precise_unit_amount,fee_taxes_amount_cents,fee_total_amount_cents\n";

fn d(text: &str) -> Decimal {
    decimal(text).expect("a decimal")
}

fn price(text: &str) -> UnitPrice {
    text.parse().expect("a price")
}

fn per_unit(text: &str) -> Model {
    Model::PerUnit { price: price(text) }
}

fn tiers(second: &str) -> Vec<Tier> {
    vec![Tier { up_to: Some(100), price: price("1.00") }, Tier { up_to: None, price: price(second) }]
}

/// GPU-hours and requests.
fn known() -> Known {
    let metric = |code: &str, sku: &str, unit, per| {
        let metric =
            Metric { code: code.into(), sku: sku.parse().expect("a SKU"), unit, per, property: None, rounds: false };
        (code.to_owned(), metric)
    };
    let metrics = [
        metric("gpu_hours", "gpu/h100/whole/1:1/standard/eu", Unit::GpuMs, 3_600_000),
        metric("requests", "meter/requests/default", Unit::Count, 1),
    ];
    let customers = ["acme".to_owned(), "gone".to_owned(), "idle".to_owned()];
    let of = |n: &str| (format!("sub-{n}"), n.to_owned());
    Known {
        metrics: metrics.into(),
        subscriptions: ["acme", "gone", "idle"].map(of).into(),
        customers: customers.into(),
    }
}

fn requests(billed: i64, net: &str, model: Model) -> Ours {
    Ours {
        customer: "acme".to_owned(),
        sku: "meter/requests/default".parse().expect("a SKU"),
        unit: Unit::Count,
        billed,
        unpriced: 0,
        currency: Currency::Eur,
        gross: d(net),
        net: d(net),
        model: Some(model),
        discount: None,
        monthly: None,
        facts: Facts { days: 31, ..Facts::default() },
    }
}

/// At 2.50 an hour.
fn gpu(ms: i64, net: &str) -> Ours {
    let sku = "gpu/h100/whole/1:1/standard/eu".parse().expect("a SKU");
    Ours { sku, unit: Unit::GpuMs, ..requests(ms, net, per_unit("2.50")) }
}

fn facts(ours: Ours, change: impl FnOnce(&mut Facts)) -> Ours {
    let mut ours = ours;
    change(&mut ours.facts);
    ours
}

fn fee(name: &str, net: &str) -> Ours {
    let sku = Sku::fee(name).expect("a SKU");
    Ours { sku, unit: Unit::Hour, model: None, monthly: Some(d("310.00")), ..requests(1, net, per_unit("1")) }
}

/// Units, unit amount, tax and total of one fee, as Lago's columns say them.
fn line(kind: &str, code: &str, numbers: &str) -> String {
    let cells: Vec<&str> = numbers.split(' ').collect();
    let [units, unit, tax, total] = cells[..] else { panic!("{numbers}") };
    format!(
        "LAG-1,f,{kind},{code},sub-acme,2026-03-01T00:00:00Z,2026-03-31T23:59:59Z,EUR,{units},{unit},{tax},{total}\n"
    )
}

fn one(ours: Option<Ours>, csv: &str) -> Vec<Finding> {
    let (fees, rejects) = read_fees("fees.csv", format!("{HEADER}{csv}").as_bytes()).expect("fees");
    assert_eq!(rejects, []);
    compare(&ours.into_iter().collect::<Vec<_>>(), &fees, &known())
}

fn hours(numbers: &str) -> String {
    line("charge", "gpu_hours", numbers)
}

fn calls(numbers: &str) -> String {
    line("charge", "requests", numbers)
}

const HOUR: i64 = 3_600_000;

/// What was planted, ours, and Lago's fees.
fn planted() -> Vec<(&'static str, Option<Ours>, String)> {
    let graduated = || Model::Graduated { tiers: tiers("0.50") };
    let discounted = Ours { gross: d("25.00"), discount: Some(d("10")), ..gpu(10 * HOUR, "22.50") };
    vec![
        ("the same", Some(gpu(10 * HOUR, "25.00")), hours("10 2.5 500 3000")),
        ("other currency", Some(Ours { currency: Currency::Usd, ..gpu(HOUR, "2.50") }), hours("1 2.5 0 250")),
        ("sign", Some(gpu(10 * HOUR, "25.00")), hours("10 2.5 0 -2500")),
        ("seconds for hours", Some(gpu(10 * HOUR, "25.00")), hours("36000 2.5 0 9000000")),
        ("the same money in seconds", Some(gpu(10 * HOUR, "25.00")), hours("36000 0.000694444 0 2500")),
        ("hours to 2 decimals", Some(gpu(1_000 * HOUR + 1_234_567, "2500.86")), hours("1000.34 2.5 0 250085")),
        ("hours to the next", Some(gpu(10 * HOUR + 1, "25.00")), hours("11 2.5 0 2750")),
        ("price to 2 decimals", Some(requests(1_000, "1234.56", per_unit("1.23456"))), calls("1000 1.23 0 123000")),
        ("each fee rounded", Some(requests(3, "1.00", per_unit("0.333333"))), {
            [calls("1 0.333333 0 33"), calls("1 0.333333 0 33"), calls("1 0.333333 0 33")].concat()
        }),
        ("other price", Some(gpu(10 * HOUR, "25.00")), hours("10 3.1 0 3100")),
        ("tier ends earlier", Some(requests(150, "125.00", graduated())), calls("150 0.83 0 12450")),
        ("all at the last tier", Some(requests(150, "125.00", graduated())), calls("150 0.5 0 7500")),
        (
            "tax told apart wrongly",
            Some(facts(gpu(10 * HOUR, "25.00"), |f| f.vat_rates = vec![d("20")])),
            hours("10 2.5 0 3000"),
        ),
        ("late here", Some(facts(gpu(12 * HOUR, "30.00"), |f| f.late = 2 * HOUR)), hours("10 2.5 0 2500")),
        ("late there", Some(facts(gpu(10 * HOUR, "25.00"), |f| f.late_before = HOUR)), hours("11 2.5 0 2750")),
        ("sent twice", Some(facts(requests(90, "90.00", per_unit("1")), |f| f.duplicates = 7)), calls("97 1 0 9700")),
        ("all of it twice", Some(gpu(10 * HOUR, "25.00")), hours("20 2.5 0 5000")),
        ("a gap", Some(facts(gpu(10 * HOUR, "25.00"), |f| f.missing = 8 * HOUR)), hours("14 2.5 0 3500")),
        ("a credit", Some(facts(gpu(10 * HOUR, "25.00"), |f| f.credit = d("5.00"))), hours("10 2.5 0 2000")),
        ("a discount", Some(discounted), hours("10 2.5 0 2500")),
        ("a coupon", Some(facts(gpu(10 * HOUR, "25.00"), |f| f.coupon = d("3.00"))), hours("10 2.5 0 2200")),
        ("free units on record", Some(facts(gpu(10 * HOUR, "25.00"), |f| f.free = 2 * HOUR)), hours("10 2.5 0 2000")),
        ("free units", Some(gpu(10 * HOUR, "25.00")), hours("10 2.5 0 1000")),
        (
            "another midnight",
            { Some(facts(gpu(10 * HOUR, "25.00"), |f| f.in_zone = [("UTC".to_owned(), 9 * HOUR)].into())) },
            hours("9 2.5 0 2250"),
        ),
        ("part of a month", Some(fee("startup", "151.67")), line("subscription", "startup", "1 150 0 15000")),
        ("nothing at Lago", Some(gpu(HOUR, "2.50")), String::new()),
        ("nothing of it at Lago", Some(gpu(HOUR, "2.50")), calls("5 1 0 500")),
        ("a stranger", None, calls("5 1 0 500").replace("sub-acme", "sub-nobody")),
        ("an unknown metric", None, line("charge", "cpu", "5 1 0 500")),
        ("nothing used here", None, calls("5 1 0 500").replace("sub-acme", "sub-idle")),
        ("no price", Some(Ours { unpriced: 5, ..requests(0, "0", per_unit("1")) }), calls("5 1 0 500")),
        ("nobody knows", Some(gpu(10 * HOUR, "25.00")), hours("13.37 2.4 0 4711")),
        ("close, but not to the cent", Some(gpu(10 * HOUR, "25.00")), hours("11 2.5 0 2752")),
    ]
}

#[test]
fn each_planted_difference_is_named() {
    let mut table = String::new();
    for (what, ours, csv) in planted() {
        for finding in one(ours, &csv) {
            let (sku, why) = (finding.sku.rsplit('/').next_back().unwrap_or_default(), &finding.why);
            table += &format!("{what:<26} {sku:<5} {:<24} {}\n", why.reason.name(), why.words);
        }
    }
    expect![[r#"
        the same                   gpu   equal                    
        other currency             gpu   currency                 the two are in different currencies
        sign                       gpu   sign_flipped             one is the other with its sign turned
        seconds for hours          gpu   unit_conversion          hours for seconds: 3600 times
        the same money in seconds  gpu   unit_conversion          hours for seconds: 3600 times
        hours to 2 decimals        gpu   quantity_rounded         Lago's quantity has 2 decimals, rounded half up
        hours to the next          gpu   quantity_rounded         Lago's quantity has 0 decimals, rounded up
        price to 2 decimals        meter price_rounded            the price 1.23456 is 1.23 at Lago: 2 decimals, half up
        each fee rounded           meter amount_rounded           3 fees at Lago, each rounded
        other price                gpu   unit_price               a unit costs 3.1 at Lago and 2.5 here
        tier ends earlier          meter tier_boundary            a tier ends one unit earlier at Lago
        all at the last tier       meter tier_boundary            Lago's tiers are volume, ours graduated
        tax told apart wrongly     gpu   tax_included             Lago's amount holds 20 % of VAT
        late here                  gpu   late_usage               what came late is in its own month here, in the month in which it came at Lago
        late there                 gpu   late_usage               what came late is in its own month here, in the month in which it came at Lago
        sent twice                 meter duplicates               what was sent twice is counted twice at Lago
        all of it twice            gpu   duplicates               everything is counted 2 times at Lago
        a gap                      gpu   missing_usage            nodes in service reported nothing for that long: a gap here, counted at Lago
        a credit                   gpu   credit                   a credit of 5 is taken off on one side only
        a discount                 gpu   discount                 2.5 is off it here, and nothing at Lago
        a coupon                   gpu   discount                 a coupon of 3 is off it at Lago
        free units on record       gpu   free_units               2 units are free at Lago
        free units                 gpu   free_units               6 units are not charged at Lago
        another midnight           gpu   zone                     Lago's month begins at midnight in UTC
        part of a month            fee   proration                15 of 31 days at Lago; here, the hours in which it holds
        nothing at Lago            gpu   customer_missing_at_lago Lago billed this customer nothing in the month
        nothing of it at Lago      gpu   sku_missing_at_lago      Lago billed nothing of it
        nothing of it at Lago      meter sku_missing_here         nothing of it was counted here
        a stranger                 meter customer_missing_here    no customer here has this subscription
        an unknown metric          code  unknown_metric           no metric of this code was imported
        nothing used here          meter no_usage_here            the customer used nothing here in the month
        no price                   meter no_price_here            it has no price here: an invoice would wait for one
        nobody knows               gpu   unexplained              nothing that is looked for comes out to the cent
        close, but not to the cent gpu   unexplained              nothing that is looked for comes out to the cent
    "#]].assert_eq(&table);
}

#[test]
fn what_makes_up_for_a_minimum_moves_against_what_counts_towards_it() {
    let minimum = Ours {
        sku: Sku::fee(MINIMUM).expect("a SKU"),
        unit: Unit::Count,
        model: None,
        ..requests(1, "75.00", per_unit("1"))
    };
    let csv = [hours("11 2.5 0 2750"), line("commitment", "commitment", "1 72.5 0 7250")].concat();
    let (fees, _) = read_fees("fees.csv", format!("{HEADER}{csv}").as_bytes()).expect("fees");
    let late = facts(gpu(10 * HOUR, "25.00"), |f| f.late_before = HOUR);
    let findings = compare(&[late, minimum], &fees, &known());
    let reasons: Vec<Reason> = findings.iter().map(|finding| finding.why.reason).collect();
    assert_eq!(reasons, [Reason::Minimum, Reason::Late]);
}

#[test]
fn a_file_that_is_no_export_of_fees_is_refused() {
    let refused = read_fees("x.csv", b"a,b\n1,2\n").expect_err("no such columns");
    assert!(refused.contains("fee_units"), "{refused}");
    let (fees, rejects) = read_fees("x.csv", format!("{HEADER}{}", calls("many 1 0 500")).as_bytes()).expect("fees");
    assert_eq!((fees.len(), rejects[0].field.as_str()), (0, "fee_units"));
}
