//! Do Lago's customers come over, twice with the same result, and does `compare` name what differs?
//!
//! The export is made up by a seed: 400 customers on four plans, some rows of it unusable on purpose.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use releve_tests::{
    place::Scratch,
    postgres::{Database, Postgres},
    releve::Launch,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(300);
const CUSTOMERS: usize = 400;

/// A small generator: the same export from the same seed.
struct Seed(u64);

impl Seed {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn metric(code: &str, aggregation: &str, field: &str) -> Value {
    json!({ "lago_id": format!("m-{code}"), "name": code, "code": code, "aggregation_type": aggregation, "field_name": field,
            "recurring": false })
}

fn plans() -> Value {
    let charge = |metric: &str, model: &str, properties: Value| json!({ "lago_id": format!("ch-{metric}"), "billable_metric_code": metric, "charge_model": model, "properties": properties });
    let tier = |to: Value, price: &str| json!({ "from_value": 0, "to_value": to, "flat_amount": "0", "per_unit_amount": price });
    let tiers = json!({ "graduated_ranges": [tier(json!(1_000), "0.02"), tier(json!(null), "0.01")] });
    let plan = |code: &str, cents: i64, charges: Value| {
        json!({ "lago_id": format!("p-{code}"), "name": code, "code": code, "interval": "monthly", "amount_cents": cents,
                "amount_currency": "EUR", "charges": charges })
    };
    let storage = || charge("storage", "standard", json!({ "amount": "0.10" }));
    let mut enterprise = plan(
        "enterprise",
        50_000,
        json!([storage(), charge("calls", "package", json!({ "amount": "5", "package_size": 500 }))]),
    );
    enterprise["minimum_commitment"] = json!({ "amount_cents": 100_000 });
    json!([
        plan("flat", 0, json!([storage(), charge("calls", "standard", json!({ "amount": "0.01" }))])),
        plan("tiered", 0, json!([storage(), charge("calls", "graduated", tiers)])),
        enterprise,
        plan("odd", 0, json!([charge("calls", "percentage", json!({ "rate": "1" }))])),
    ])
}

/// Pages of a hundred rows, as the API gives them.
fn pages(dir: &Path, kind: &str, rows: &[Value]) {
    for (n, page) in rows.chunks(100).enumerate() {
        let page = json!({ kind: page, "meta": { "current_page": n + 1 } });
        fs::write(dir.join(format!("{kind}-{n:02}.json")), page.to_string()).expect("written");
    }
}

fn export(dir: &Path, seed: u64) {
    let mut seed = Seed(seed);
    let (mut customers, mut subscriptions, mut wallets, mut moved, mut invoices) =
        (vec![], vec![], vec![], vec![], vec![]);
    for n in 0..CUSTOMERS {
        let (id, plan) =
            (format!("c{n:03}"), ["flat", "tiered", "enterprise"][usize::try_from(seed.below(3)).expect("small")]);
        customers.push(json!({
            "lago_id": format!("lc-{n}"), "external_id": id, "name": format!("Customer {}", n - n % 2), "country": "FR",
            "currency": if n % 97 == 96 { "XSH" } else { "EUR" }, "legal_number": "404833048", "city": "Paris",
            "tax_identification_number": if n % 50 == 49 { "FR00404833048" } else { "" }, "net_payment_term": 30,
        }));
        subscriptions.push(json!({
            "lago_id": format!("ls-{n}"), "external_id": format!("sub-{id}"), "external_customer_id": id, "plan_code": plan,
            "status": if n % 40 == 39 { "terminated" } else { "active" }, "billing_time": "calendar",
            "started_at": "2025-04-17T09:41:00Z",
        }));
        if seed.below(4) == 0 {
            let (paid, granted) = (seed.below(90) + 10, seed.below(20));
            wallets.push(
                json!({ "lago_id": format!("lw-{n}"), "external_customer_id": id, "status": "active", "currency": "EUR",
                "name": "Prepaid", "balance_cents": (paid + granted) * 100, "created_at": "2025-05-01T00:00:00Z" }),
            );
            for (kind, amount) in [("purchased", paid), ("granted", granted)] {
                moved.push(json!({ "lago_id": format!("lt-{n}-{kind}"), "lago_wallet_id": format!("lw-{n}"), "status": "settled",
                    "transaction_status": kind, "transaction_type": "inbound", "amount": amount.to_string(),
                    "settled_at": "2025-05-02T10:00:00Z" }));
            }
        }
        if seed.below(3) == 0 {
            let total = i64::try_from(seed.below(100_000)).expect("small") + 1;
            invoices.push(
                json!({ "lago_id": format!("li-{n}"), "number": format!("LAG-{n:03}-001"), "issuing_date": "2026-09-01",
                "payment_due_date": "2026-10-01", "status": "finalized", "payment_status": "pending", "currency": "EUR",
                "total_amount_cents": total, "total_due_amount_cents": total, "customer": { "external_id": id } }),
            );
        }
    }
    let metrics =
        [metric("storage", "sum_agg", "gb_hours"), metric("calls", "count_agg", ""), metric("peak", "max_agg", "n")];
    pages(dir, "billable_metrics", &metrics);
    pages(dir, "plans", plans().as_array().expect("a list"));
    pages(dir, "customers", &customers);
    pages(dir, "subscriptions", &subscriptions);
    pages(dir, "wallets", &wallets);
    pages(dir, "wallet_transactions", &moved);
    pages(dir, "invoices", &invoices);
    let mapping =
        json!({ "metrics": { "storage": { "sku": "meter/storage/default", "unit": "gib_second", "per": 3600 } } });
    fs::write(dir.join("releve-mapping.json"), mapping.to_string()).expect("written");
}

/// All that an import writes, row by row.
fn dump(database: &Database) -> BTreeMap<&'static str, String> {
    let tables = [
        "accounts",
        "tenants",
        "price_books",
        "prices",
        "contracts",
        "agreements",
        "credits",
        "credit_entries",
        "payments",
        "lago_ids",
        "lago_metrics",
        "opening_balances",
        "audit_log",
    ];
    let of = |table| {
        let rows = format!(
            "select count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' order by t::text)), '') from {table} t"
        );
        (table, database.sql(&rows))
    };
    tables.into_iter().map(of).collect()
}

fn releve(database: &Database, arguments: &[&str]) -> Value {
    Launch::releve(arguments).env("DATABASE_URL", database.login_url()).finish(SOON).json()
}

/// A server, to be kept for as long as its database is used; and the first key.
fn migrated() -> (Postgres, Database, String) {
    let postgres = Postgres::shared();
    let database = postgres.create_database();
    let made = Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", database.admin_url()).finish(SOON).json();
    let key = made["operator_key"].as_str().expect("the first key").to_owned();
    (postgres, database, key)
}

fn len(outcome: &Value, list: &str) -> usize {
    outcome[list].as_array().expect(list).len()
}

#[tokio::test]
async fn four_hundred_customers_come_over_once_however_often_they_are_imported() {
    let (_postgres, database, _) = migrated();
    let scratch = Scratch::new("lago");
    let dir = scratch.dir("export");
    export(&dir, 7);
    let dir = dir.to_str().expect("a plain path");
    let import =
        |more: &[&str]| releve(&database, &[&["import", "lago", dir, "--json", "--first", "2026-10"], more].concat());

    let empty = dump(&database);
    let dry = import(&["--dry-run"]);
    assert_eq!(dump(&database), empty, "a dry run leaves nothing");

    let first = import(&[]);
    let after = dump(&database);
    for count in ["rows", "made", "known", "updated"] {
        assert_eq!(first[count], dry[count], "{count}: a dry run says what would be done");
    }
    // Four in 97 have no currency that invoices are issued in.
    assert!(after["accounts"].starts_with("396 ") && after["tenants"].starts_with("396 "), "{after:?}");
    assert!(len(&first, "rejected") >= 4 && len(&first, "left_out") >= 8, "{first}");
    let odd = |left: &&Value| left["id"] == "p-odd" && left["field"] == "charges[0].charge_model";
    assert!(first["left_out"].as_array().into_iter().flatten().any(|left| odd(&left)), "{first}");

    let again = import(&[]);
    assert_eq!(dump(&database), after, "nothing is made twice, and nothing is written down twice");
    assert_eq!((&again["made"], &again["updated"], &again["known"]), (&json!(0), &json!(0), &first["made"]));
    assert_eq!(again["rejected"], first["rejected"]);
    let ours = |outcome: &Value| -> BTreeMap<String, String> {
        let of = |s: &Value| (format!("{} {}", s["kind"], s["lago_id"]), s["ours"].to_string());
        outcome["steps"].as_array().expect("steps").iter().map(of).collect()
    };
    assert_eq!(ours(&again), ours(&first));
}

/// What our model lets change follows; what it does not is named.
#[tokio::test]
async fn what_changed_at_lago_follows_or_is_named() {
    let (_postgres, database, _) = migrated();
    let scratch = Scratch::new("lago");
    let dir = scratch.dir("export");
    let write = |city: &str, name: &str, price: &str, due: i64, plan: &str| {
        let mut plans = plans();
        plans[0]["charges"][0]["properties"]["amount"] = json!(price);
        pages(&dir, "billable_metrics", &[metric("storage", "sum_agg", "gb_hours"), metric("calls", "count_agg", "")]);
        pages(&dir, "plans", plans.as_array().expect("a list"));
        pages(
            &dir,
            "customers",
            &[json!({ "lago_id": "lc", "external_id": "c", "name": name, "currency": "EUR", "city": city })],
        );
        pages(
            &dir,
            "subscriptions",
            &[json!({ "lago_id": format!("ls-{plan}"), "external_id": "sub-c", "external_customer_id": "c",
            "plan_code": plan, "status": "active", "started_at": "2026-01-01T00:00:00Z" })],
        );
        pages(
            &dir,
            "invoices",
            &[json!({ "lago_id": "li", "number": "LAG-1", "issuing_date": "2026-09-01", "status": "finalized",
            "payment_status": "pending", "currency": "EUR", "total_amount_cents": 9_000, "total_due_amount_cents": due,
            "customer": { "external_id": "c" } })],
        );
    };
    let import =
        || releve(&database, &["import", "lago", dir.to_str().expect("a path"), "--json", "--first", "2026-10"]);
    let left_out = |outcome: &Value| -> Vec<String> {
        let all = outcome["left_out"].as_array().expect("a list").iter();
        let mut fields: Vec<String> =
            all.filter(|l| l["id"] != "p-odd").map(|l| l["field"].as_str().unwrap_or_default().to_owned()).collect();
        fields.sort();
        fields
    };
    write("Paris", "C", "0.10", 9_000, "flat");
    assert!(left_out(&import()).is_empty());

    // A city, a price, and a part that was paid.
    write("Lyon", "C", "0.12", 4_000, "flat");
    let second = import();
    assert_eq!((&second["made"], &second["updated"]), (&json!(0), &json!(3)), "{second}");
    assert_eq!(database.sql("select city from accounts"), "Lyon");
    assert_eq!(database.sql("select open from opening_balances"), "40.000000000");
    let prices =
        "select count(*) from prices join skus using (sku_id) where sku = 'meter/storage/default' and price_book_id =
                  (select price_book_id from price_books where name = 'lago flat')";
    assert_eq!(database.sql(prices), "2", "the old price keeps the time that has begun");
    assert_eq!(
        database.sql("select count(*) from audit_log where action in ('account.amend', 'opening_balance.update')"),
        "2"
    );

    // A name, which stays; all that was open was paid; another plan, from the next hour.
    write("Lyon", "C and Sons", "0.12", 0, "tiered");
    let third = import();
    assert_eq!(left_out(&third), ["name", "started_at"]);
    assert_eq!((&third["made"], &third["updated"]), (&json!(1), &json!(1)), "{third}");
    assert_eq!(database.sql("select name from accounts"), "C");
    assert_eq!(database.sql("select open from opening_balances"), "0.000000000");
    assert_eq!(database.sql("select count(*), max(from_at) > now() from contracts"), "2|t");
}

/// Lago's fees of the month: one as it should be, the others off in a way of their own.
fn fees() -> String {
    let line = |customer: &str, code: &str, numbers: &str| {
        format!(
            "LAG-1,f-{customer},charge,{code},sub-{customer},2026-10-01T00:00:00Z,2026-10-31T23:59:59Z,EUR,{numbers}\n"
        )
    };
    let header = "invoice_number,fee_lago_id,fee_item_type,fee_item_code,subscription_external_id,fee_from_date_utc,fee_to_date_utc,\
                  fee_amount_currency,fee_units,fee_precise_unit_amount,fee_taxes_amount_cents,fee_total_amount_cents\n";
    [
        header.to_owned(),
        line("c0", "storage", "100,0.1,200,1200"),
        line("c1", "storage", "100,0.12,0,1200"),
        line("c2", "storage", "200,0.1,0,2000"),
        line("c4", "storage", "100,0.1,0,700"),
        line("c5", "storage", "100,0.1,0,-1000"),
        line("c6", "storage", "360000,0.0000277,0,1000"),
        line("c7", "storage", "100,0.1,0,955"),
        line("stranger", "storage", "1,0.1,0,10"),
        line("c0", "cpu", "1,0.1,0,10"),
        line("c0", "storage", "7,0.1,0,70").replace("2026-10", "2026-09").replace("09-31", "09-30"),
    ]
    .concat()
}

/// Eight customers on one plan, who store a hundred GB-hours each in October.
#[tokio::test]
async fn a_shadow_month_is_sent_to_the_same_path_and_compared() {
    let (_postgres, database, key) = migrated();
    let scratch = Scratch::new("lago");
    let dir = scratch.dir("export");
    let customer = |n: usize| json!({ "lago_id": format!("lc-{n}"), "external_id": format!("c{n}"), "name": format!("C {n}"), "currency": "EUR" });
    let subscription = |n: usize| {
        json!({ "lago_id": format!("ls-{n}"), "external_id": format!("sub-c{n}"), "external_customer_id": format!("c{n}"),
                "plan_code": "flat", "status": "active", "started_at": "2026-01-01T00:00:00Z" })
    };
    pages(&dir, "billable_metrics", &[metric("storage", "sum_agg", "gb_hours"), metric("calls", "count_agg", "")]);
    pages(&dir, "plans", plans().as_array().expect("a list"));
    pages(&dir, "customers", &(0..8).map(customer).collect::<Vec<_>>());
    pages(&dir, "subscriptions", &(0..8).map(subscription).collect::<Vec<_>>());
    let mapping =
        json!({ "metrics": { "storage": { "sku": "meter/storage/default", "unit": "gib_second", "per": 3600 } } });
    fs::write(dir.join("releve-mapping.json"), mapping.to_string()).expect("written");
    releve(&database, &["import", "lago", dir.to_str().expect("a path"), "--json", "--shadow", "--first", "2026-10"]);

    let mut api = Launch::releve(&["serve", "api"]).env("DATABASE_URL", database.login_url()).listening().spawn();
    api.ready("/readyz", SOON).await;
    let operator = api.http().with_token(&key);
    let made = operator.post("/v1/api-keys", &json!({ "name": "sender", "scopes": ["reading:*"] })).await.expect(201);
    let sender = api.http().with_token(made["key"].as_str().expect("a key"));
    let event = |n: usize| {
        // 2026-10-15T12:00:00Z
        json!({ "transaction_id": format!("t-{n}"), "external_subscription_id": format!("sub-c{n}"), "code": "storage",
                "timestamp": 1_792_065_600, "properties": { "gb_hours": "100" } })
    };
    let events: Vec<Value> = (0..8).map(event).collect();
    for _ in 0..2 {
        let answer = sender.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(200);
        assert_eq!(answer["events"].as_array().map(Vec::len), Some(8));
    }

    let file = scratch.write("fees.csv", &fees());
    let compared =
        releve(&database, &["compare", "--with", file.to_str().expect("a path"), "--period", "2026-10", "--json"]);
    let mut reasons: Vec<String> = compared["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|f| {
            format!(
                "{} {} {}",
                f["customer"].as_str().unwrap_or_default(),
                f["sku"].as_str().unwrap_or_default(),
                f["reason"].as_str().unwrap_or_default()
            )
        })
        .collect();
    reasons.sort();
    let expected = [
        "c0 code/cpu unknown_metric",
        "c1 meter/storage/default unit_price",
        "c2 meter/storage/default duplicates",
        "c3 meter/storage/default customer_missing_at_lago",
        "c4 meter/storage/default free_units",
        "c5 meter/storage/default sign_flipped",
        "c6 meter/storage/default unit_conversion",
        "c7 meter/storage/default unexplained",
        "subscription sub-stranger meter/storage/default customer_missing_here",
    ];
    assert_eq!(reasons, expected, "{compared}");
    assert_eq!((&compared["equal"], &compared["other_fees"]), (&json!(1), &json!(1)));
    assert!(api.stop().success());
}
