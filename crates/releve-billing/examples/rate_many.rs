//! How long does it take to rate, draft, check and digest ten thousand accounts?
//!
//! `cargo run --release -p releve-billing --example rate_many`

use std::{sync::Arc, time::Instant};

use releve_billing::{
    AllocationItem, Basis, Contract, Model, Outcome, Price, PriceBook, Reports, Rounding, Subject, Term, Tier,
    UnitPrice, Usage, UsageItem, digest, draft, rate,
    tax::{Ground, Vat},
};
use releve_types::{
    AccountId, AllocationId, Currency, Hour, Period, Sku, TenantId, Unit,
    ids::{IssuerId, PriceBookId, PriceId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

const ACCOUNTS: u128 = 10_000;
const SKUS: u128 = 200;
const ALLOCATIONS_OF_A_LARGE_ACCOUNT: u128 = 300_000;

fn sku(n: u128) -> Sku {
    format!("gpu/model-{n}/whole/1:1/standard/eu").parse().expect("a SKU")
}

fn month() -> Period {
    Period::of_hours(Hour::from_index(1000), Hour::from_index(1744)).expect("a month")
}

/// Two hundred SKUs with five prices each, the last of which starts within the month.
fn contract(rounding: Rounding) -> Contract {
    let price = |n: i64| UnitPrice::new(Decimal::new(2_500_000 + n, 6)).expect("a price");
    let prices = (0..SKUS * 5).map(|n| {
        let from = Hour::from_index(500 + i64::try_from(n / SKUS).expect("few") * 200).start();
        let cents = i64::try_from(n).expect("few");
        let tiers = vec![
            Tier { up_to: Some(3_600_000_000), price: price(cents) },
            Tier { up_to: None, price: price(cents / 2) },
        ];
        let id = PriceId::from_uuid(Uuid::from_u128(n));
        Price::new(id, sku(n % SKUS), Unit::GpuMs, from, Model::Graduated { tiers }, rounding).expect("a price")
    });
    let id = PriceBookId::from_uuid(Uuid::nil());
    let book = PriceBook::new(id, "list".to_owned(), Currency::Eur, prices.collect()).expect("a book");
    let from = Hour::from_index(0);
    Contract::new(Currency::Eur, vec![Term { from, book: Arc::new(book) }]).expect("a contract")
}

fn bill(contract: &Contract, account: u128, usage: &Usage) -> usize {
    let (account, issuer) = (AccountId::from_uuid(Uuid::from_u128(account)), IssuerId::from_uuid(Uuid::nil()));
    let rated = rate(contract, month(), usage).expect("rated");
    let reports = Reports::default();
    let vat = Vat::free(Ground::NotTaxable);
    let subject = Subject { account, issuer, period: month(), book: 1 };
    let basis = Basis {
        subject,
        contract,
        usage,
        vat: vec![vat],
        exchange: None,
        corrects: vec![],
        void: false,
        credits: &[],
        reports,
    };
    digest(&basis).expect("a digest");
    let drafted = draft(subject, rated, &|_| Ok(vat), vec![]).expect("adds up");
    let Outcome::Draft(draft) = drafted else { return 0 };
    draft.content().lines.len()
}

fn main() {
    let shared = contract(Rounding::Exact);
    let stretches = shared.stretches(month());
    let usages: Vec<Usage> = (0..ACCOUNTS)
        .map(|account| {
            let items = stretches.iter().flat_map(|stretch| {
                (0..4).map(move |n| UsageItem {
                    tenant: TenantId::from_uuid(Uuid::from_u128(account * 2 + n % 2)),
                    project: format!("project-{}", n / 2),
                    sku: sku((account + n) % SKUS),
                    stretch: *stretch,
                    metered: 1_234_567_891,
                    energy_mj: 987_654_321,
                })
            });
            Usage { items: items.collect(), ..Usage::default() }
        })
        .collect();
    let started = Instant::now();
    let lines: usize = (0..).zip(&usages).map(|(account, usage)| bill(&shared, account, usage)).sum();
    println!("{ACCOUNTS} accounts, {lines} lines: {:?}", started.elapsed());

    let rounded = contract(Rounding::StartedMinute);
    let allocations = (0..ALLOCATIONS_OF_A_LARGE_ACCOUNT).map(|n| AllocationItem {
        tenant: TenantId::from_uuid(Uuid::nil()),
        project: String::new(),
        sku: sku(n % 4),
        allocation: AllocationId::from_uuid(Uuid::from_u128(n / 8)),
        device: Uuid::from_u128(n % 8),
        stretch: stretches[0],
        held_before: 0,
        held: 61_001,
        energy_mj: 1,
    });
    let usage = Usage { allocations: allocations.collect(), ..Usage::default() };
    let started = Instant::now();
    let lines = bill(&rounded, 0, &usage);
    println!("1 account, {ALLOCATIONS_OF_A_LARGE_ACCOUNT} rounded allocations, {lines} lines: {:?}", started.elapsed());
}
