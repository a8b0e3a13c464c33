//! Do FOCUS rows say what the invoice says, and is a wrong one found?

use std::{collections::BTreeMap, sync::Arc};

use expect_test::expect;
use releve_billing::{
    AgreedTerms, Agreement, Contract, Issued, Matching, Model, Number, Outcome, Price, PriceBook, Rounding, Scope,
    Stamp, Subject, Term, Tier, Usage, UsageItem, draft, due_at, rate,
    tax::{Ground, RateClass, Vat},
};
use releve_finance::{
    Cell, Row,
    focus::{self, Context, Piece, SCHEMA, Source, Workload, check},
};
use releve_types::{
    AccountId, AllocationId, Currency, InvoiceId, Period, Sku, TenantId, Timestamp, Unit, Zone,
    ids::{AgreementId, IssuerId, PriceBookId, PriceId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

const H100: &str = "gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west";
const B200: &str = "gpu/nvidia-b200/whole/1:1/standard/eu-west";
const TOKENS: &str = "meter/llama-tokens/eu-west";
const HOUR_MS: i64 = 3_600_000;

fn march() -> Period {
    Zone::utc().month("2026-03".parse().expect("a month"))
}

fn sku(text: &str) -> Sku {
    text.parse().expect("a SKU")
}

fn tenant(n: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(n))
}

fn hour(at: i64) -> Timestamp {
    march().start().plus_millis(at * HOUR_MS)
}

fn contract() -> Contract {
    let price = |text: &str| text.parse().expect("a price");
    let january: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let priced = |n, of: &str, unit, model| {
        Price::new(PriceId::from_uuid(Uuid::from_u128(n)), sku(of), unit, january, model, Rounding::Exact)
            .expect("a price")
    };
    let tiers =
        vec![Tier { up_to: Some(100 * HOUR_MS), price: price("2.40") }, Tier { up_to: None, price: price("1.95") }];
    let prices = vec![
        priced(0x900, H100, Unit::GpuMs, Model::Graduated { tiers }),
        priced(0x901, B200, Unit::GpuMs, Model::PerUnit { price: price("5.123456") }),
        priced(0x902, TOKENS, Unit::Token, Model::PerUnit { price: price("0.60") }),
    ];
    let id = PriceBookId::from_uuid(Uuid::from_u128(0x800));
    let book = PriceBook::new(id, "list 2026".to_owned(), Currency::Eur, prices).expect("a book");
    let terms = vec![Term { from: january.hour(), book: Arc::new(book) }];
    let agreed = |n, terms| {
        let id = AgreementId::from_uuid(Uuid::from_u128(n));
        Agreement::new(id, format!("Agreement {n:x}"), march().start(), None, terms).expect("an agreement")
    };
    let reserved = AgreedTerms::Reservation {
        sku: sku(B200),
        devices: 2,
        matching: Matching::Hour,
        price: price("4.00"),
        overage: None,
    };
    let off = AgreedTerms::Discount { scope: Scope::Sku(sku(TOKENS)), percent: "7.5".parse().expect("%") };
    let fee = AgreedTerms::Recurring { sku: sku("fee/support"), price: price("99.00"), class: RateClass::Standard };
    let contract = Contract::new(Currency::Eur, terms).expect("a contract");
    contract.with(vec![agreed(0xa0, reserved), agreed(0xa1, off), agreed(0xa2, fee)]).expect("agreed")
}

fn usage() -> Usage {
    let item = |of: &str, project: &str, stretch, metered| UsageItem {
        tenant: tenant(0x701),
        project: project.to_owned(),
        sku: sku(of),
        stretch,
        metered,
        energy_mj: metered * 700,
    };
    let reserved =
        |at: i64, metered| item(B200, "train", Period::new(hour(at), hour(at + 1)).expect("an hour"), metered);
    Usage {
        items: vec![
            item(H100, "train", march(), 141 * HOUR_MS + 592_653),
            item(TOKENS, "chat", march(), 1_234_567_890),
            reserved(30, 3 * HOUR_MS),
            reserved(31, HOUR_MS),
        ],
        allocations: vec![],
        at_once: vec![],
    }
}

fn pieces() -> Vec<Piece> {
    let day = |n: i64| (hour(n * 24), hour(n * 24 + 24));
    let piece = |of: &str, project: &str, (from, to), allocation: Option<u128>, metered| Piece {
        tenant: tenant(0x701),
        project: project.to_owned(),
        sku: sku(of),
        from,
        to,
        allocation: allocation.map(|n| AllocationId::from_uuid(Uuid::from_u128(n))),
        metered,
    };
    let mut pieces = vec![
        piece(H100, "train", day(0), Some(0x61), 90 * HOUR_MS),
        piece(H100, "train", day(1), Some(0x61), 20 * HOUR_MS),
        piece(H100, "train", day(2), Some(0x62), 31 * HOUR_MS + 592_653),
        piece(B200, "train", day(1), Some(0x63), 4 * HOUR_MS),
        piece(TOKENS, "chat", day(4), None, 1_234_567_890),
    ];
    pieces.sort_by(|a, b| (a.tenant, &a.project, &a.sku, a.from).cmp(&(b.tenant, &b.project, &b.sku, b.from)));
    pieces
}

fn issued() -> Issued {
    let rated = rate(&contract(), march(), &usage()).expect("rated");
    let (account, issuer) = (AccountId::from_uuid(Uuid::from_u128(2)), IssuerId::from_uuid(Uuid::from_u128(1)));
    let vat = Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") };
    let subject = Subject { account, issuer, period: march(), book: 1 };
    let Ok(Outcome::Draft(draft)) = draft(subject, rated, &|_| Ok(vat), vec![]) else { panic!("a draft") };
    let issued_at = "2026-04-01T04:12:30Z".parse().expect("an instant");
    draft.issue(Stamp {
        id: InvoiceId::from_uuid(Uuid::from_u128(3)),
        number: Number::new("REL", 2026, 42).expect("a number"),
        issued_at,
        due_at: due_at(&Zone::utc(), issued_at, 30),
        digest: [0xd1; 32],
    })
}

fn rows() -> Vec<Row> {
    let tenants = BTreeMap::from([(tenant(0x701), "omega".to_owned())]);
    let labels = BTreeMap::from([("team".to_owned(), "vision".to_owned())]);
    let workload = Workload { name: Some("train-7".to_owned()), labels };
    let workloads = BTreeMap::from([(AllocationId::from_uuid(Uuid::from_u128(0x61)), workload)]);
    let pieces = pieces();
    let context = Context {
        seller: "Nuage Souverain SAS",
        account: ("acc_1", "Omega"),
        billing: march(),
        tenants: &tenants,
        pieces: &pieces,
        workloads: &workloads,
    };
    focus::rows(&Source::issued(&issued(), false), context).expect("rows")
}

fn at(column: &str) -> usize {
    SCHEMA.columns.iter().position(|c| c.name == column).unwrap_or_else(|| panic!("no column {column}"))
}

fn shown(row: &Row, columns: &[&str]) -> String {
    let text = |column: &&str| match &row[at(column)] {
        Cell::Null => "-".to_owned(),
        Cell::Text(text) | Cell::Json(text) => text.clone(),
        Cell::Decimal(value) => value.normalize().to_string(),
        Cell::Timestamp(at) => at.to_string()[..13].to_owned(),
        other => format!("{other:?}"),
    };
    columns.iter().map(text).collect::<Vec<_>>().join(" | ")
}

#[test]
fn an_invoice_is_told_by_allocation_and_day() {
    let columns = [
        "ChargeCategory",
        "SkuId",
        "ChargePeriodStart",
        "ResourceName",
        "CommitmentDiscountStatus",
        "PricingQuantity",
        "PricingUnit",
        "ContractedUnitPrice",
        "BilledCost",
        "EffectiveCost",
    ];
    let table: Vec<String> = rows().iter().map(|row| shown(row, &columns)).collect();
    expect![[r#"
        Usage | meter/llama-tokens/eu-west | 2026-03-05T00 | - | - | 1234.56789 | 1000000 Tokens | 0.555 | 685.18517895 | 685.18517895
        Usage | gpu/nvidia-b200/whole/1:1/standard/eu-west | 2026-03-02T00 | - | - | 1 | GPU-Hours | 5.123456 | 5.123456 | 5.123456
        Usage | gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west | 2026-03-01T00 | train-7 | - | 90 | GPU-Hours | 2.4 | 216 | 216
        Usage | gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west | 2026-03-02T00 | train-7 | - | 10 | GPU-Hours | 2.4 | 24 | 24
        Usage | gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west | 2026-03-02T00 | train-7 | - | 10 | GPU-Hours | 1.95 | 19.5 | 19.5
        Usage | gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west | 2026-03-03T00 | - | - | 31.164625833333 | GPU-Hours | 1.95 | 60.77102037499935 | 60.77102037499935
        Purchase | gpu/nvidia-b200/whole/1:1/standard/eu-west | 2026-03-01T00 | - | - | 3 | GPU-Hours | 4 | 12 | 0
        Usage | gpu/nvidia-b200/whole/1:1/standard/eu-west | 2026-03-02T00 | - | Used | 3 | GPU-Hours | 4 | 0 | 12
        Purchase | gpu/nvidia-b200/whole/1:1/standard/eu-west | 2026-03-01T00 | - | - | 1485 | GPU-Hours | 4 | 5940 | 0
        Usage | gpu/nvidia-b200/whole/1:1/standard/eu-west | 2026-03-01T00 | - | Unused | 1485 | GPU-Hours | 4 | 0 | 5940
        Purchase | fee/support | 2026-03-01T00 | - | - | 1 | Months | 99 | 99 | 99
        Adjustment | - | 2026-03-01T00 | - | - | - | - | - | -0.00965532499935 | -0.00965532499935
        Tax | - | 2026-03-01T00 | - | - | - | - | - | 1412.31 | 1412.31"#]].assert_eq(&table.join("\n"));
}

#[test]
fn costs_sum_up_to_what_the_invoice_says() {
    let (issued, rows) = (issued(), rows());
    let total = |column| focus::total(&rows, column).expect("a sum").normalize();
    assert_eq!(total("BilledCost"), issued.advances().due.amount().normalize());
    assert_eq!(total("EffectiveCost") - issued.taxes().tax.amount(), issued.content().total.amount().normalize());
    assert_eq!(check::rows(&rows), []);
    let due = BTreeMap::from([(issued.stamp().number.to_string(), issued.advances().due.amount())]);
    assert_eq!(check::ties(&rows, &due), []);
    // Energy is told once.
    let energy = |row: &Row| match row[at("x_EnergyMillijoules")] {
        Cell::Integer(mj) => mj,
        _ => 0,
    };
    let told: i64 = rows.iter().map(energy).sum();
    assert_eq!(told, issued.content().lines.iter().map(|line| line.charge.energy_mj).sum::<i64>());
}

#[test]
fn a_line_whose_pieces_do_not_add_up_stays_whole() {
    let tenants = BTreeMap::new();
    let mut pieces = pieces();
    pieces.retain(|piece| piece.allocation != Some(AllocationId::from_uuid(Uuid::from_u128(0x62))));
    let workloads = BTreeMap::new();
    let context = Context {
        seller: "S",
        account: ("acc_1", "Omega"),
        billing: march(),
        tenants: &tenants,
        pieces: &pieces,
        workloads: &workloads,
    };
    let issued = issued();
    let rows = focus::rows(&Source::issued(&issued, false), context).expect("rows");
    assert!(rows.iter().all(|row| row[at("SkuId")] != Cell::text(H100) || row[at("ResourceId")] == Cell::Null));
    assert_eq!(
        focus::total(&rows, "BilledCost").expect("a sum").normalize(),
        issued.advances().due.amount().normalize()
    );
}

/// Which row an error is planted in.
#[derive(Clone, Copy)]
enum In {
    Usage,
    Used,
    Unused,
    Bought,
    Fee,
    Tax,
}

fn find(rows: &[Row], which: In) -> usize {
    let is = |row: &Row, column: &str, value: &str| row[at(column)] == Cell::text(value);
    let committed = |row: &Row| row[at("CommitmentDiscountId")] != Cell::Null;
    let found = rows.iter().position(|row| match which {
        In::Usage => is(row, "ChargeCategory", "Usage") && !committed(row) && row[at("ResourceId")] != Cell::Null,
        In::Used => is(row, "CommitmentDiscountStatus", "Used"),
        In::Unused => is(row, "CommitmentDiscountStatus", "Unused"),
        In::Bought => is(row, "ChargeCategory", "Purchase") && committed(row),
        In::Fee => is(row, "ChargeCategory", "Purchase") && !committed(row),
        In::Tax => is(row, "ChargeCategory", "Tax"),
    });
    found.expect("a row")
}

/// Errors that a careless exporter makes, and the column in which each is found.
#[test]
fn planted_errors_are_found() {
    use In::*;
    let text = |value: &str| Cell::text(value);
    let decimal = |value: &str| Cell::Decimal(value.parse().expect("a decimal"));
    let when = |value: &str| Cell::Timestamp(value.parse().expect("an instant"));
    let planted: Vec<(In, &str, Cell, &str)> = vec![
        (Usage, "ListCost", decimal("99"), "ListCost"),
        (Usage, "ContractedCost", decimal("99"), "ContractedCost"),
        (Usage, "ContractedUnitPrice", decimal("9.00"), "ContractedUnitPrice"),
        (Usage, "ContractedUnitPrice", decimal("-1.00"), "ContractedUnitPrice"),
        (Usage, "BilledCost", decimal("0"), "BilledCost"),
        (Usage, "EffectiveCost", decimal("0.01"), "EffectiveCost"),
        (Usage, "PricingQuantity", decimal("7"), "ListCost"),
        (Usage, "ChargeCategory", text("Consumption"), "ChargeCategory"),
        (Usage, "ChargeClass", text("correction"), "ChargeClass"),
        (Usage, "ChargeFrequency", text("Monthly"), "ChargeFrequency"),
        (Usage, "ChargeFrequency", text("Recurring"), "ChargeFrequency"),
        (Usage, "PricingCategory", text("On-Demand"), "PricingCategory"),
        (Usage, "ServiceCategory", text("GPU"), "ServiceSubcategory"),
        (Usage, "ServiceSubcategory", text("Other (Storage)"), "ServiceSubcategory"),
        (Usage, "BillingCurrency", text("Euro"), "BillingCurrency"),
        (Usage, "BillingAccountName", text(""), "BillingAccountName"),
        (Usage, "BillingAccountName", Cell::Null, "(row)"),
        (Usage, "SubAccountName", Cell::Null, "SubAccountName"),
        (Usage, "ResourceType", Cell::Null, "ResourceType"),
        (Usage, "RegionName", Cell::Null, "RegionName"),
        (Usage, "ConsumedQuantity", Cell::Null, "ConsumedQuantity"),
        (Usage, "PricingUnit", Cell::Null, "PricingUnit"),
        (Usage, "SkuPriceId", Cell::Null, "SkuPriceId"),
        (Usage, "Tags", text("team=vision"), "(row)"),
        (Usage, "Tags", Cell::Json("[1]".to_owned()), "Tags"),
        (Usage, "ChargePeriodEnd", when("2026-03-01T00:00:00Z"), "ChargePeriodEnd"),
        (Usage, "ChargePeriodStart", when("2026-02-28T00:00:00Z"), "ChargePeriodStart"),
        (Usage, "ChargePeriodStart", when("2026-03-01T00:00:01Z"), "ChargePeriodStart"),
        (Usage, "BillingPeriodEnd", when("2026-02-01T00:00:00Z"), "BillingPeriodEnd"),
        (Usage, "PricingCurrency", text("USD"), "PricingCurrency"),
        (Usage, "ProviderName", text("Somebody else"), "ProviderName"),
        (Used, "BilledCost", decimal("4.00"), "BilledCost"),
        (Used, "CommitmentDiscountStatus", Cell::Null, "CommitmentDiscountStatus"),
        (Used, "CommitmentDiscountQuantity", decimal("1"), "CommitmentDiscountQuantity"),
        (Used, "CommitmentDiscountName", Cell::Null, "CommitmentDiscountName"),
        (Unused, "ConsumedQuantity", decimal("1"), "ConsumedQuantity"),
        (Unused, "ResourceId", text("agr_other"), "ResourceId"),
        (Unused, "CommitmentDiscountStatus", text("Wasted"), "CommitmentDiscountStatus"),
        (Bought, "EffectiveCost", decimal("1"), "EffectiveCost"),
        (Bought, "ChargeFrequency", text("Usage-Based"), "ChargeFrequency"),
        (Fee, "PricingCategory", Cell::Null, "PricingCategory"),
        (Tax, "SubAccountId", text("ten_1"), "SubAccountId"),
        (Tax, "ListUnitPrice", decimal("1"), "ListUnitPrice"),
        (Tax, "ListCost", decimal("1"), "ListCost"),
    ];
    assert!(planted.len() >= 30);
    for (which, column, cell, found_in) in planted {
        let mut rows = rows();
        let row = find(&rows, which);
        rows[row][at(column)] = cell.clone();
        let faults = check::rows(&rows);
        let found = faults.iter().any(|fault| fault.row == row + 1 && fault.column == found_in);
        assert!(found, "{column} = {cell:?}: {faults:?}");
    }
}

#[test]
fn invoices_that_do_not_tie_out_are_found() {
    let number = issued().stamp().number.to_string();
    let due = |amount: &str, number: &str| {
        BTreeMap::from([(number.to_owned(), amount.parse::<Decimal>().expect("a decimal"))])
    };
    let owed = issued().advances().due.amount().to_string();
    let faults = |rows: &[Row], due| check::ties(rows, &due).into_iter().map(|fault| fault.what).collect::<Vec<_>>();
    // A cent off; an invoice that is not in the file; rows of an invoice that nobody issued; a row that is missing.
    assert!(faults(&rows(), due("1.00", &number))[0].contains("sum up to"));
    assert_eq!(faults(&rows(), due(&owed, "REL-2026-43")).len(), 2);
    let mut short = rows();
    short.remove(0);
    assert_eq!(faults(&short, due(&owed, &number)).len(), 1);
    let mut twice = rows();
    twice.push(twice[0].clone());
    assert_eq!(faults(&twice, due(&owed, &number)).len(), 1);
    let mut two = rows();
    two[0][at("BillingAccountId")] = Cell::text("acc_2");
    assert!(check::rows(&two).iter().any(|fault| fault.column == "BillingAccountId"));
    let mut prices = rows();
    let first = prices.iter().position(|row| row[at("SkuId")] == Cell::text(H100)).expect("a row");
    prices[first][at("SkuId")] = Cell::text("gpu/other");
    assert!(check::rows(&prices).iter().any(|fault| fault.column == "SkuId"));
}
