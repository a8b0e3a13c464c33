//! Is a FOCUS row what the specification asks for? Row by row, and invoice by invoice.
//!
//! `focus-validator` is run on what is exported as well, and is not enough: some of its rules never fire, and allowed values are looked for
//! in the whole file, not in each row.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::LazyLock,
};

use releve_types::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use super::columns::{ACCOUNT_TYPE, CORRECTION, Category, Frequency, SCHEMA, SUB_ACCOUNT_TYPE};
use crate::{
    exact::cost,
    table::{Cell, Row},
};

/// Where a row breaks what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// From 1; 0: of the file as a whole.
    pub row: usize,
    pub column: &'static str,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}, {}: {}", self.row, self.column, self.what)
    }
}

/// ServiceCategory, and the ServiceSubcategory that we put under each (FOCUS 1.2, closed lists).
const SERVICES: [(&str, &str); 5] = [
    ("AI and Machine Learning", "Generative AI"),
    ("Compute", "Other (Compute)"),
    ("Networking", "Other (Networking)"),
    ("Other", "Other (Other)"),
    ("Storage", "Other (Storage)"),
];
const PRICING_CATEGORIES: [&str; 4] = ["Standard", "Dynamic", "Committed", "Other"];

static INDEX: LazyLock<BTreeMap<&'static str, usize>> =
    LazyLock::new(|| SCHEMA.columns.iter().enumerate().map(|(at, column)| (column.name, at)).collect());

/// A row, asked by column.
#[derive(Clone, Copy)]
struct Asked<'a>(&'a Row);

impl<'a> Asked<'a> {
    fn cell(self, column: &str) -> &'a Cell {
        INDEX.get(column).and_then(|at| self.0.get(*at)).unwrap_or(&Cell::Null)
    }

    fn is_null(self, column: &str) -> bool {
        *self.cell(column) == Cell::Null
    }

    fn text(self, column: &str) -> Option<&'a str> {
        match self.cell(column) {
            Cell::Text(text) | Cell::Json(text) => Some(text),
            _ => None,
        }
    }

    fn decimal(self, column: &str) -> Option<Decimal> {
        match self.cell(column) {
            Cell::Decimal(value) => Some(*value),
            _ => None,
        }
    }

    fn at(self, column: &str) -> Option<Timestamp> {
        match self.cell(column) {
            Cell::Timestamp(at) => Some(*at),
            _ => None,
        }
    }

    fn category(self) -> Option<Category> {
        let name = self.text("ChargeCategory")?;
        Category::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// What speaks against the rows, in their order.
pub fn rows(rows: &[Row]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let mut found = Found { row: at + 1, faults: &mut faults };
        if let Err(error) = SCHEMA.check(row) {
            found.add("(row)", error.to_string());
            continue;
        }
        let row = Asked(row);
        enums(row, &mut found);
        dates(row, &mut found);
        together(row, &mut found);
        by_category(row, &mut found);
        arithmetic(row, &mut found);
        commitments(row, &mut found);
    }
    one_to_one(rows, "ServiceName", "ServiceCategory", &mut faults);
    one_to_one(rows, "SkuPriceId", "SkuId", &mut faults);
    one_to_one(rows, "InvoiceId", "BillingAccountId", &mut faults);
    one_to_one(rows, "InvoiceId", "BillingCurrency", &mut faults);
    faults
}

/// What speaks against the rows as the invoices' rows: each sums up to what is due on it, and each is there.
pub fn ties(rows: &[Row], due: &BTreeMap<String, Decimal>) -> Vec<Fault> {
    let mut billed: BTreeMap<&str, Decimal> = BTreeMap::new();
    for row in rows {
        if let (Some(invoice), Some(cost)) = (Asked(row).text("InvoiceId"), Asked(row).decimal("BilledCost")) {
            *billed.entry(invoice).or_default() += cost;
        }
    }
    let numbers: BTreeSet<&str> = billed.keys().copied().chain(due.keys().map(String::as_str)).collect();
    let mut faults = Vec::new();
    for number in numbers {
        let what = match (billed.get(number), due.get(number)) {
            (Some(billed), Some(due)) if billed == due => continue,
            (Some(billed), Some(due)) => format!("{number}: the rows sum up to {}, due is {due}", billed.normalize()),
            (None, Some(due)) => format!("{number}: no row, due is {due}"),
            (_, None) => format!("{number}: there is no such invoice"),
        };
        faults.push(Fault { row: 0, column: "InvoiceId", what });
    }
    faults
}

struct Found<'a> {
    row: usize,
    faults: &'a mut Vec<Fault>,
}

impl Found<'_> {
    fn add(&mut self, column: &'static str, what: impl Into<String>) {
        self.faults.push(Fault { row: self.row, column, what: what.into() });
    }

    fn ask(&mut self, holds: bool, column: &'static str, what: &str) {
        if !holds {
            self.add(column, what);
        }
    }
}

fn enums(row: Asked<'_>, found: &mut Found<'_>) {
    let among = |column: &'static str, names: &[&str]| row.text(column).is_none_or(|name| names.contains(&name));
    found.ask(row.category().is_some(), "ChargeCategory", "no category of the specification");
    found.ask(
        among("ChargeFrequency", &Frequency::ALL.map(Frequency::name)),
        "ChargeFrequency",
        "no frequency of the specification",
    );
    found.ask(among("ChargeClass", &[CORRECTION]), "ChargeClass", "is Correction, or null");
    found.ask(among("PricingCategory", &PRICING_CATEGORIES), "PricingCategory", "no category of the specification");
    found.ask(
        among("CommitmentDiscountStatus", &["Used", "Unused"]),
        "CommitmentDiscountStatus",
        "is Used, Unused or null",
    );
    found.ask(
        among("CommitmentDiscountCategory", &["Usage", "Spend"]),
        "CommitmentDiscountCategory",
        "is Usage, Spend or null",
    );
    found.ask(among("BillingAccountType", &[ACCOUNT_TYPE]), "BillingAccountType", "is Account");
    found.ask(among("SubAccountType", &[SUB_ACCOUNT_TYPE]), "SubAccountType", "is Tenant, or null");
    let service = row.text("ServiceCategory").zip(row.text("ServiceSubcategory"));
    found.ask(service.is_some_and(|of| SERVICES.contains(&of)), "ServiceSubcategory", "is not of that category");
    let known = row.text("BillingCurrency").is_some_and(|code| code.parse::<Currency>().is_ok());
    found.ask(known, "BillingCurrency", "no currency of ISO 4217");
    for column in SCHEMA.columns {
        found.ask(row.text(column.name) != Some(""), column.name, "empty, where null says that there is nothing");
    }
    for column in ["SkuPriceDetails", "Tags"] {
        let object = |text: &str| serde_json::from_str(text).is_ok_and(|value: Value| value.is_object());
        found.ask(row.text(column).is_none_or(object), column, "no JSON object");
    }
}

fn dates(row: Asked<'_>, found: &mut Found<'_>) {
    let span = |start, end| row.at(start).zip(row.at(end));
    let Some(billing) = span("BillingPeriodStart", "BillingPeriodEnd") else { return };
    let Some(charged) = span("ChargePeriodStart", "ChargePeriodEnd") else { return };
    found.ask(billing.0 < billing.1, "BillingPeriodEnd", "not after its start");
    found.ask(charged.0 < charged.1, "ChargePeriodEnd", "not after its start");
    for (column, at) in [
        ("ChargePeriodStart", charged.0),
        ("ChargePeriodEnd", charged.1),
        ("BillingPeriodStart", billing.0),
        ("BillingPeriodEnd", billing.1),
    ] {
        found.ask(at.is_whole_hour(), column, "not on a whole hour");
    }
    // What corrects, or was asked for before it was used, is of another time than it is billed in.
    let elsewhere = !row.is_null("ChargeClass") || row.text("ServiceName") == Some(super::sold::ADVANCES.name);
    let within = billing.0 <= charged.0 && charged.1 <= billing.1;
    found.ask(elsewhere || within, "ChargePeriodStart", "outside the billing period, and no correction");
}

/// What stands together or not at all.
fn together(row: Asked<'_>, found: &mut Found<'_>) {
    const TOGETHER: [&[&str]; 7] = [
        &["SubAccountId", "SubAccountName", "SubAccountType"],
        &["ResourceId", "ResourceType"],
        &["RegionId", "RegionName"],
        &["ConsumedQuantity", "ConsumedUnit"],
        &["PricingQuantity", "PricingUnit", "PricingCategory", "ListUnitPrice", "ContractedUnitPrice"],
        &["SkuId", "SkuPriceId", "SkuMeter", "PricingQuantity"],
        &[
            "CommitmentDiscountId",
            "CommitmentDiscountName",
            "CommitmentDiscountCategory",
            "CommitmentDiscountType",
            "CommitmentDiscountQuantity",
            "CommitmentDiscountUnit",
        ],
    ];
    for columns in TOGETHER {
        for column in &columns[1..] {
            let alike = row.is_null(column) == row.is_null(columns[0]);
            found.ask(alike, column, &format!("there without {}, or the other way", columns[0]));
        }
    }
    const ALIKE: [(&str, &str); 4] = [
        ("PricingCurrency", "BillingCurrency"),
        ("PricingCurrencyContractedUnitPrice", "ContractedUnitPrice"),
        ("PricingCurrencyEffectiveCost", "EffectiveCost"),
        ("PricingCurrencyListUnitPrice", "ListUnitPrice"),
    ];
    for (column, of) in ALIKE {
        found.ask(row.cell(column) == row.cell(of), column, &format!("is not {of}, in the one currency"));
    }
    let issuer = row.text("InvoiceIssuerName");
    found.ask(row.text("ProviderName") == issuer, "ProviderName", "not who issues the invoice");
    found.ask(row.text("PublisherName") == issuer, "PublisherName", "not who issues the invoice");
    found.ask(row.is_null("Tags") || !row.is_null("ResourceId"), "Tags", "of no resource");
}

fn by_category(row: Asked<'_>, found: &mut Found<'_>) {
    let Some(category) = row.category() else { return };
    let has_price = !row.is_null("PricingQuantity");
    let frequency = row.text("ChargeFrequency");
    let unused = row.text("CommitmentDiscountStatus") == Some("Unused");
    let wants_price = matches!(category, Category::Usage | Category::Purchase);
    found.ask(has_price == wants_price, "PricingQuantity", "usage and purchases have a price, nothing else has");
    let consumed = category == Category::Usage && !unused;
    found.ask(
        row.is_null("ConsumedQuantity") != consumed,
        "ConsumedQuantity",
        "what is used is consumed, nothing else is",
    );
    let usual = frequency == Some(Frequency::UsageBased.name());
    found.ask(usual == (category == Category::Usage), "ChargeFrequency", "usage is usage-based, nothing else is");
    if category == Category::Tax {
        found.ask(row.is_null("SubAccountId"), "SubAccountId", "tax is of the account");
    }
    if category == Category::Credit && row.is_null("ChargeClass") {
        found.ask(
            row.decimal("BilledCost").is_some_and(|cost| cost <= Decimal::ZERO),
            "BilledCost",
            "a credit adds to what is owed",
        );
    }
}

fn arithmetic(row: Asked<'_>, found: &mut Found<'_>) {
    let (list, contracted) = (row.decimal("ListCost"), row.decimal("ContractedCost"));
    let (billed, effective) = (row.decimal("BilledCost"), row.decimal("EffectiveCost"));
    let Some(quantity) = row.decimal("PricingQuantity") else {
        found.ask(list == billed, "ListCost", "without a price it is what is billed");
        found.ask(contracted == billed, "ContractedCost", "without a price it is what is billed");
        return;
    };
    for (total, price) in [("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")] {
        let product = row.decimal(price).and_then(|price| cost(quantity, price).ok());
        found.ask(row.decimal(total) == product, total, &format!("is not PricingQuantity × {price}"));
    }
    let prices = row.decimal("ListUnitPrice").zip(row.decimal("ContractedUnitPrice"));
    found.ask(
        prices.is_none_or(|(list, contracted)| Decimal::ZERO <= contracted && contracted <= list),
        "ContractedUnitPrice",
        "below zero, or above the list price",
    );
    let of_commitment = !row.is_null("CommitmentDiscountId");
    let advance = row.text("ServiceName") == Some(super::sold::ADVANCES.name);
    let zero = Some(Decimal::ZERO);
    let (wants_billed, wants_effective) = match row.category() {
        Some(Category::Usage) if of_commitment => (zero, contracted),
        Some(Category::Purchase) if of_commitment || advance => (contracted, zero),
        _ => (contracted, contracted),
    };
    found.ask(
        billed == wants_billed,
        "BilledCost",
        "is neither the contracted cost nor, of what a commitment covers, nothing",
    );
    found.ask(
        effective == wants_effective,
        "EffectiveCost",
        "is neither the contracted cost nor, of what covers later charges, nothing",
    );
}

fn commitments(row: Asked<'_>, found: &mut Found<'_>) {
    let of_commitment = !row.is_null("CommitmentDiscountId");
    let (usage, status) = (row.category() == Some(Category::Usage), row.text("CommitmentDiscountStatus"));
    found.ask(
        status.is_some() == (of_commitment && usage),
        "CommitmentDiscountStatus",
        "of committed usage, and of nothing else",
    );
    if of_commitment && status != Some("Used") {
        let same = row.text("ResourceId") == row.text("CommitmentDiscountId");
        found.ask(same, "ResourceId", "what is bought or left unused is the commitment itself");
    }
    if of_commitment {
        let alike = row.decimal("CommitmentDiscountQuantity") == row.decimal("PricingQuantity");
        found.ask(alike, "CommitmentDiscountQuantity", "is not the quantity that is priced");
        found.ask(
            row.text("PricingCategory") == Some("Committed"),
            "PricingCategory",
            "of a commitment it is Committed",
        );
    }
}

/// Each value of the one column goes with one value of the other.
fn one_to_one(rows: &[Row], of: &'static str, has: &'static str, faults: &mut Vec<Fault>) {
    let mut first: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let row = Asked(row);
        let Some(value) = row.text(of) else { continue };
        if *first.entry(value).or_insert_with(|| row.text(has)) != row.text(has) {
            faults.push(Fault { row: at + 1, column: has, what: format!("not that of {of} {value} before") });
        }
    }
}
