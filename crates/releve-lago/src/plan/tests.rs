//! What becomes of each kind of row, as a table; and that none is lost.

use expect_test::expect;
use releve_types::Hour;
use serde_json::{Value, json};

use super::*;
use crate::read::{File, read};

fn seller() -> Seller {
    // 2026-03-01T00:00:00Z.
    Seller {
        zone: "Europe/Paris".into(),
        due_days: 30,
        vat_on_prepayment: false,
        first: Hour::from_index(492_312),
        shadow: false,
    }
}

fn page(kind: &str, rows: Value) -> File {
    let json = json!({ kind: rows, "meta": { "current_page": 1, "total_pages": 1 } });
    File { name: format!("{kind}.json"), bytes: json.to_string().into_bytes() }
}

fn planned(files: &[File]) -> Plan {
    plan(read(files), &seller())
}

fn metrics() -> File {
    let metric = |code: &str, aggregation: &str| {
        json!({ "lago_id": format!("m-{code}"), "name": code, "code": code, "aggregation_type": aggregation,
                "field_name": "n", "recurring": false, "created_at": "2026-01-01T00:00:00Z" })
    };
    page(
        "billable_metrics",
        json!([metric("gpu_hours", "sum_agg"), metric("calls", "count_agg"), metric("peak", "max_agg")]),
    )
}

fn mapping() -> File {
    let json = json!({ "metrics": { "gpu_hours": { "sku": "gpu/h100/whole/1:1/standard/eu", "per": 3_600_000 } } });
    File { name: "releve-mapping.json".into(), bytes: json.to_string().into_bytes() }
}

fn customer(id: &str, change: Value) -> Value {
    let row = json!({
        "lago_id": format!("c-{id}"), "external_id": id, "name": format!("{id} SA"), "country": "FR", "currency": "EUR",
        "tax_identification_number": null, "legal_number": "404833048", "address_line1": "1 rue de la Paix", "address_line2": null,
        "city": "Paris", "zipcode": "75002", "email": "ap@example.com", "billing_configuration": { "document_locale": "fr" },
    });
    changed(row, change)
}

fn changed(mut row: Value, change: Value) -> Value {
    for (field, value) in change.as_object().expect("fields") {
        row[field] = value.clone();
    }
    row
}

fn a_plan(code: &str, charges: Value, change: Value) -> Value {
    let row = json!({
        "lago_id": format!("p-{code}"), "name": code, "code": code, "interval": "monthly", "amount_cents": 0,
        "amount_currency": "EUR", "charges": charges,
    });
    changed(row, change)
}

fn charge(metric: &str, model: &str, properties: Value, change: Value) -> Value {
    let row = json!({
        "lago_id": format!("ch-{metric}"), "billable_metric_code": metric, "charge_model": model, "pay_in_advance": false,
        "prorated": false, "min_amount_cents": 0, "properties": properties, "filters": [],
    });
    changed(row, change)
}

fn subscription(id: &str, customer: &str, plan: &str, change: Value) -> Value {
    let row = json!({
        "lago_id": format!("s-{id}"), "external_id": id, "external_customer_id": customer, "plan_code": plan, "status": "active",
        "billing_time": "calendar", "started_at": "2025-11-17T09:41:00Z", "subscription_at": "2025-11-17T09:41:00Z",
    });
    changed(row, change)
}

/// What could not be taken over, without what is beside the point.
fn told(plan: &Plan) -> String {
    let rejects = plan
        .rejects
        .iter()
        .map(|r| format!("{} {:<12} {}: {}\n", if r.whole { "row  " } else { "field" }, r.place.id, r.field, r.reason));
    let ignored = plan.ignored.iter().map(|i| format!("pass  {:<12} {}: {}\n", i.place.id, i.field, i.reason));
    rejects.chain(ignored).collect()
}

#[test]
fn each_charge_becomes_a_price_or_says_why_not() {
    let range = |to: Value, price: &str| json!({ "from_value": 0, "to_value": to, "flat_amount": "0", "per_unit_amount": price });
    let tiered = json!([range(json!(100), "2.5"), range(json!(null), "1.5")]);
    let flat = json!([{ "from_value": 0, "to_value": null, "flat_amount": "10", "per_unit_amount": "1" }]);
    let plain = json!({});
    let charges = [
        charge("gpu_hours", "standard", json!({ "amount": "2.5" }), plain.clone()),
        charge("gpu_hours", "graduated", json!({ "graduated_ranges": tiered }), plain.clone()),
        charge("gpu_hours", "volume", json!({ "volume_ranges": tiered }), plain.clone()),
        charge("calls", "package", json!({ "amount": "30", "package_size": 1000, "free_units": 0 }), plain.clone()),
        charge("calls", "package", json!({ "amount": "30", "package_size": 1000, "free_units": 100 }), plain.clone()),
        charge("calls", "standard", json!({ "amount": "0.0000001" }), plain.clone()),
        charge("calls", "graduated", json!({ "graduated_ranges": flat }), plain.clone()),
        charge("calls", "percentage", json!({ "rate": "1" }), plain.clone()),
        charge("calls", "standard", json!({ "amount": "1" }), json!({ "pay_in_advance": true })),
        charge("calls", "standard", json!({ "amount": "1" }), json!({ "prorated": true })),
        charge("calls", "standard", json!({ "amount": "1" }), json!({ "min_amount_cents": 500 })),
        charge(
            "calls",
            "standard",
            json!({ "amount": "1" }),
            json!({ "filters": [{ "values": { "region": ["eu"] } }] }),
        ),
        charge("peak", "standard", json!({ "amount": "1" }), plain.clone()),
        charge("calls", "standard", json!({ "amount": "many" }), plain),
    ];
    let mut table = String::new();
    for (n, charge) in charges.into_iter().enumerate() {
        let plan = planned(&[metrics(), mapping(), page("plans", json!([a_plan("p", json!([charge]), json!({}))]))]);
        let made = plan.books.iter().flat_map(|b| &b.make.prices).map(|p| format!("{} {:?}", p.sku, p.model));
        let refused = plan.rejects.iter().filter(|r| r.place.id == "p-p").map(|r| format!("{}: {}", r.field, r.reason));
        table += &format!("{n:>2} {}\n", made.chain(refused).collect::<Vec<_>>().join("; "));
    }
    expect![[r#"
         0 gpu/h100/whole/1:1/standard/eu PerUnit { price: 2.50 }
         1 gpu/h100/whole/1:1/standard/eu Graduated { tiers: [Tier { up_to: Some(360000000), price: 2.50 }, Tier { up_to: None, price: 1.50 }] }
         2 gpu/h100/whole/1:1/standard/eu Volume { tiers: [Tier { up_to: Some(360000000), price: 2.50 }, Tier { up_to: None, price: 1.50 }] }
         3 meter/calls/default Package { size: 1000, price: 30.00 }
         4 charges[0].properties.free_units: a package that is begun is paid for: there are no free units
         5 charges[0].properties.amount: 0.0000001 can't be printed exactly: a price has at most 6 decimals per base quantity
         6 charges[0].properties.graduated_ranges[0].flat_amount: a tier costs by the unit: what is flat is a fee
         7 charges[0].charge_model: 'percentage': expected standard, graduated, volume or package
         8 charges[0].pay_in_advance: usage is billed after its month, not event by event
         9 charges[0].prorated: a quantity is not prorated: report what is held, hour by hour
        10 charges[0].min_amount_cents: a minimum is an account's, not one charge's
        11 charges[0].filters: each priced combination is a SKU here: give it a metric, or price its SKU by hand
        12 charges[0].billable_metric_code: the metric is not in the export, or was rejected
        13 charges[0].properties.amount: "many" is no decimal number
    "#]].assert_eq(&table);
}

fn plans_and_subscriptions() -> Vec<File> {
    let hours = || charge("gpu_hours", "standard", json!({ "amount": "2.5" }), json!({}));
    let calls = || charge("calls", "package", json!({ "amount": "30", "package_size": 1000 }), json!({}));
    let plans = json!([
        a_plan("flat", json!([hours()]), json!({})),
        a_plan(
            "base",
            json!([hours(), calls()]),
            json!({ "amount_cents": 31_000, "pay_in_advance": true,
            "minimum_commitment": { "amount_cents": 100_000 }, "trial_period": 14 })
        ),
        a_plan("dollars", json!([hours()]), json!({ "amount_currency": "USD" })),
        a_plan("yearly", json!([]), json!({ "interval": "yearly", "amount_cents": 1 })),
        a_plan("yearly but monthly", json!([hours()]), json!({ "interval": "yearly", "bill_charges_monthly": true })),
        a_plan("shells", json!([]), json!({ "amount_currency": "XSH" })),
        a_plan("thresholds", json!([hours(), hours()]), json!({ "usage_thresholds": [{ "amount_cents": 1 }] })),
    ]);
    let customers: Vec<Value> = ["a", "b", "c", "d", "e", "f", "g"].iter().map(|id| customer(id, json!({}))).collect();
    let subscriptions = json!([
        subscription("a1", "a", "flat", json!({})),
        subscription("a2", "a", "flat", json!({})),
        subscription("a3", "a", "base", json!({})),
        subscription(
            "b1",
            "b",
            "base",
            json!({ "started_at": "2026-03-17T09:41:00.123Z", "ending_at": "2026-12-31T00:00:00Z" })
        ),
        subscription("b2", "b", "base", json!({})),
        subscription("c1", "c", "dollars", json!({})),
        subscription("d1", "d", "yearly", json!({})),
        subscription("e1", "e", "flat", json!({ "billing_time": "anniversary" })),
        subscription("f1", "f", "flat", json!({ "status": "terminated" })),
        subscription("f2", "f", "flat", json!({ "status": "pending", "started_at": null })),
        subscription("g1", "g", "flat", json!({ "started_at": "yesterday" })),
        subscription("x1", "x", "flat", json!({})),
    ]);
    vec![
        metrics(),
        mapping(),
        page("plans", plans),
        page("customers", json!(customers)),
        page("subscriptions", subscriptions),
    ]
}

#[test]
fn each_plan_and_subscription_finds_its_place_or_says_why_not() {
    let plan = planned(&plans_and_subscriptions());
    let mut table = String::new();
    for book in &plan.books {
        let NewBook { code, currency, prices, fee, minimum, .. } = &book.make;
        table += &format!("book  {code} {currency}: {} prices, {fee:?}, {minimum:?}\n", prices.len());
    }
    for customer in &plan.customers {
        for term in &customer.terms {
            let NewTerm { external_id, plan_code, from, again } = &term.make;
            table += &format!("term  {external_id} {plan_code} from {from}{}\n", if *again { ", again" } else { "" });
        }
    }
    expect![[r#"
        book  flat EUR: 1 prices, None, None
        book  base EUR: 2 prices, Some(Recurring { sku: Fee { name: "base" }, price: 310.00, class: Standard }), Some(Minimum { price: 1000.00 })
        book  dollars USD: 1 prices, None, None
        book  yearly but monthly EUR: 1 prices, None, None
        book  thresholds EUR: 1 prices, None, None
        term  a1 flat from 2026-03-01T00:00:00Z
        term  a2 flat from 2026-03-01T00:00:00Z, again
        term  b1 base from 2026-03-17T09:00:00Z
        row   m-peak       aggregation_type: 'max_agg': what is metered here is added up
        field p-base       pay_in_advance: a month's fee is billed after its end here: see that Lago has not billed the first month in advance
        row   p-yearly     interval: 'yearly': what is used is billed by the calendar month here, tiers fill up in one
        row   p-shells     amount_currency: 'XSH' is no currency that invoices are issued in
        field p-thresholds charges[1].billable_metric_code: the plan has another charge of this metric: a SKU has one price at a time
        field p-thresholds usage_thresholds: an account gets one invoice a month, of what it used and what it agreed to
        row   s-a3         plan_code: an account has one price book at a time: another subscription is to 'flat'
        field s-b1         ending_at: a price book holds until another does: end what was agreed beside it by hand
        row   s-b2         plan_code: tiers, packages, fees and minimums are an account's here: two subscriptions would not come to two of them
        row   s-c1         plan_code: the plan is in USD, its customer in EUR
        row   s-d1         plan_code: the plan is not in the export, or was rejected
        row   s-e1         billing_time: months are the calendar's here: change it at Lago first, or its days would be billed twice or never
        row   s-g1         started_at: 'yesterday' is no instant
        row   s-x1         external_customer_id: the customer is not in the export, or was rejected
        pass  p-base       trial_period: a trial that runs is a goodwill: agree on it by hand
        pass  s-f1         : it has ended: what it owes stands on Lago's invoices
        pass  s-f2         : it has not begun: import again once it has
    "#]].assert_eq(&(table + &told(&plan)));
    lose_nothing(&plan);
}

#[test]
fn each_customer_becomes_an_account_or_says_why_not() {
    let customers = json!([
        customer("plain", json!({})),
        customer("danish", json!({ "legal_name": "Hav A/S", "country": "DK", "tax_identification_number": "DK13585628" })),
        customer("typo", json!({ "tax_identification_number": "FR00404833048" })),
        customer("siret", json!({ "legal_number": "404 833 048 00022" })),
        customer("nosiren", json!({ "legal_number": "123456789" })),
        customer("twin", json!({ "name": "plain SA" })),
        customer("person", json!({ "customer_type": "individual", "legal_number": null, "timezone": "America/New_York", "net_payment_term": 7 })),
        customer("spanish", json!({ "billing_configuration": { "document_locale": "es" } })),
        customer("lost", json!({ "currency": null })),
        customer("shells", json!({ "currency": "XSH" })),
        customer("a/b", json!({})),
        customer("plain", json!({ "lago_id": "c-other" })),
        { "lago_id": "c-broken", "external_id": 5 },
    ]);
    let plan = planned(&[page("customers", customers)]);
    let mut table = String::new();
    for made in &plan.customers {
        let NewAccount { external_id, name, vat_id, legal_id, kind, currency, language, .. } = &made.account.make;
        let kind = kind.map_or("?", BuyerKind::name);
        table += &format!("made  {external_id}: {name} | {vat_id} | {legal_id} | {kind} | {currency} | {language}\n");
    }
    expect![[r#"
        made  danish: Hav A∕S | DK13585628 | 404833048 | business | EUR | fr
        made  nosiren: nosiren SA |  |  | ? | EUR | fr
        made  person: person SA |  |  | consumer | EUR | fr
        made  plain: plain SA |  | 404833048 | ? | EUR | fr
        made  siret: siret SA |  | 404833048 | ? | EUR | fr
        made  spanish: spanish SA |  | 404833048 | ? | EUR | en
        made  twin: plain SA (twin) |  | 404833048 | ? | EUR | fr
        made  typo: typo SA |  | 404833048 | ? | EUR | fr
        field c-typo       tax_identification_number: the check digits of the VAT id FR00404833048 don't fit
        field c-nosiren    legal_number: in France, a SIREN: nine digits, the last of which checks the others
        field c-person     net_payment_term: invoices are due as the seller says: in 30 days
        field c-person     timezone: months begin at the seller's midnight, in Europe/Paris
        field c-spanish    billing_configuration.document_locale: 'es' is no language of documents: expected one of en, fr
        row   c-lost       currency: the customer has none, and no plan that would tell
        row   c-shells     currency: 'XSH' is no currency that invoices are issued in
        row   c-a/b        external_id: it names the tenant: 1 to 128 bytes, no slash and no control character
        row   c-other      external_id: another customer has it
        row   c-broken     external_id: invalid type: integer `5`, expected a string
        pass  c-danish     legal_name: its slash became a division slash: a name is part of paths
        pass  c-siret      legal_number: of the SIRET, the SIREN: an account is a company
        pass  c-twin       name: another customer has this name: its external id is added
    "#]].assert_eq(&(table + &told(&plan)));
    lose_nothing(&plan);
}

fn wallets_and_invoices() -> Vec<File> {
    let wallet = |id: &str, balance: i64, change: Value| {
        changed(
            json!({ "lago_id": id, "external_customer_id": "a", "status": "active", "currency": "EUR", "name": "Prepaid",
            "balance_cents": balance, "created_at": "2025-05-01T00:00:00Z", "expiration_at": null }),
            change,
        )
    };
    let moved = |id: &str, wallet: &str, what: &str, amount: &str, status: &str| {
        let way = if what == "invoiced" { "outbound" } else { "inbound" };
        json!({ "lago_id": id, "lago_wallet_id": wallet, "status": status, "transaction_status": what, "transaction_type": way,
                "amount": amount, "credit_amount": amount, "settled_at": "2026-02-03T10:00:00Z" })
    };
    let invoice = |id: &str, number: &str, change: Value| {
        changed(
            json!({ "lago_id": id, "number": number, "issuing_date": "2026-02-01", "payment_due_date": "2026-03-03",
            "invoice_type": "subscription", "status": "finalized", "payment_status": "pending", "currency": "EUR",
            "total_amount_cents": 12_000, "total_due_amount_cents": 12_000, "customer": { "external_id": "a" } }),
            change,
        )
    };
    vec![
        page("customers", json!([customer("a", json!({}))])),
        page("wallets", json!([
            wallet("w1", 7_000, json!({ "expiration_at": "2026-06-30T12:30:00Z" })),
            wallet("w2", 0, json!({})),
            wallet("w3", 9_000, json!({})),
            wallet("w4", 100, json!({ "currency": "USD" })),
            wallet("w5", 100, json!({ "status": "terminated" })),
            wallet("w6", 1_000, json!({ "applies_to": { "fee_types": ["charge"], "billable_metric_codes": [] } })),
        ])),
        page("wallet_transactions", json!([
            moved("t1", "w1", "purchased", "60.0", "settled"),
            moved("t2", "w1", "granted", "40.0", "settled"),
            moved("t3", "w1", "invoiced", "30.0", "settled"),
            moved("t4", "w1", "purchased", "500.0", "pending"),
            moved("t5", "w6", "granted", "10.0", "settled"),
        ])),
        page("invoices", json!([
            invoice("i1", "LAG-1-001-007", json!({ "total_due_amount_cents": 2_000 })),
            invoice("i2", "LAG-1-001-012", json!({ "payment_status": "succeeded", "total_due_amount_cents": 0 })),
            invoice("i3", "", json!({ "status": "draft" })),
            invoice("i4", "LAG-1-002-003", json!({ "total_due_amount_cents": 13_000 })),
            invoice("i5", "LAG-1-002-001", json!({ "customer": { "external_id": "nobody" } })),
        ])),
        page("taxes", json!([{ "lago_id": "x1", "code": "vat", "rate": 20 }])),
        page("wonders", json!([{ "lago_id": "y1" }])),
        File { name: "invoices.csv".into(), bytes: b"lago_id,customer_external_id,invoice_number,status,payment_status,currency,total_amount_cents,issuing_date,payment_due_date\ni1,a,LAG-1-001-007,finalized,pending,EUR,12000,2026-02-01,2026-03-03\ni9,a,LAG-1-001-009,finalized,pending,EUR,500,2026-02-01,\n".to_vec() },
    ]
}

#[test]
fn what_is_left_in_wallets_and_owed_on_invoices_is_told_apart() {
    let plan = planned(&wallets_and_invoices());
    let mut table = String::new();
    for made in &plan.customers {
        for credit in &made.credits {
            let NewCredit { description, amount, from, expires, source } = &credit.make;
            table += &format!("credit {description}: {amount} from {from} to {expires:?}, {source:?}\n");
        }
        for balance in &made.balances {
            let OpeningBalance { number, due_on, total, open, .. } = &balance.make;
            table += &format!("owed   {number}: {open} of {total}, due {due_on}\n");
        }
    }
    for last in &plan.last_numbers {
        table += &format!("last   {}: {}\n", last.series, last.number);
    }
    expect![[r#"
        credit Prepaid (paid, from Lago): 60.00 EUR from 2026-03-01T00:00:00Z to Some(2026-06-30T13:00:00Z), Paid(2026-02-03)
        credit Prepaid (granted, from Lago): 10.00 EUR from 2026-03-01T00:00:00Z to Some(2026-06-30T13:00:00Z), Granted(All)
        owed   LAG-1-001-007: 20.00 EUR of 120.00 EUR, due 2026-03-03
        owed   LAG-1-001-009: 5.00 EUR of 5.00 EUR, due 2026-02-01
        last   LAG-1-001-: LAG-1-001-012
        last   LAG-1-002-: LAG-1-002-003
        row   i4           total_due_amount_cents: 130.00 EUR is not a part of 120.00 EUR
        row   i5           customer.external_id: the customer is not in the export, or was rejected
        row   w3           wallet_transactions: its transactions come to 0.00 EUR, less than its balance of 90.00 EUR: export them all
        row   w4           currency: the wallet is in USD, its customer in EUR
        row   w6           applies_to.fee_types: a credit is for all, for a SKU or for a project
        row   y1           : 'wonders' is nothing that is known of Lago
        pass  i1           : the invoice is there already, from another file
        pass  i2           : it is paid
        pass  i3           : a draft is no invoice: have Lago finalize or delete it before the switch
        pass  x1           : VAT follows here from where seller and customer are, not from a rate that is attached
        pass  t1           : it is in what its wallet comes to
        pass  t2           : it is in what its wallet comes to
        pass  t3           : it is in what its wallet comes to
        pass  t4           : it is in what its wallet comes to
        pass  t5           : it is in what its wallet comes to
        pass  w2           : nothing is left in it
        pass  w5           : it has ended: nothing can be drawn from it
    "#]].assert_eq(&(table + &told(&plan)));
    lose_nothing(&plan);
}

/// Every row that was read is somewhere.
fn lose_nothing(plan: &Plan) {
    let placed = plan.accounted_for().into_iter().filter(|place| place.row > 0).count();
    assert_eq!(placed, plan.rows, "rows of the export that are in the plan, rejected or ignored");
}
