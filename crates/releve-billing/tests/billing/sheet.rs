//! How is a case written down? Prices and held hours as text in, the lines of the invoice as a text table out.
//!
//! ```text
//! price h100 from 05-01 2.50                                    per hour, exact
//! price h100 from 05-16 3.00 started_minute                     with a plan
//! price a100 from 05-01 2.00 to 100h, 1.50 to 500h, 1.00 beyond graduated, if nothing else is said
//! price a100 from 05-01 volume 2.00 to 100h, 1.50 beyond        the period's total decides
//! price tokens from 05-01 package 4.00 to 10000000              each ten million begun
//! contract from 05-17                                           without a price before; 01-01 if nothing is said
//! use acme/train h100 05-01..06-01 744h                         summed usage
//! use acme/train h100 05-01..06-01 all                          a device held throughout
//! use acme/train h100:1g.10gb:spot 05-01..06-01 1h              a slice, on spot
//! hold acme/train h100 05-01..06-01 job1:gpu0 40m               usage of one allocation on one device
//! hold acme/train h100 05-01..06-01 job1:gpu0 40m after 30m     … which held 30 minutes before the period
//! hours acme/train h100 05-01T00 2h 0h 30m                      summed usage, hour by hour
//! busy h100 05-01T00 2=30m 1=15m                                so many devices held at once, for how long in the hour
//! discount 10 05-01..05-16                                      percent off everything
//! discount 12.5 on h100 05-01..                                 … a SKU, without an end
//! discount 20 for acme/train 05-01..05-16                       … a project
//! reserve 8 h100 by hour 05-01.. at 1.80                        above it, the price book's price
//! reserve 8 h100 by instant 05-01.. at 1.80 above 2.20          above it, this one
//! fee support 05-01.. 500.00                                    by the month
//! fee set-up once 05-17T09 1000.00
//! fee licence once 05-17T09 10.00 reduced                       at the reduced VAT rate
//! goodwill outage 05-20 50.00
//! minimum 10000.00 05-01..
//! ```
//!
//! All in May 2020, UTC, unless another period is billed; an instant of another year is written in full: `2026-03-01`.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use releve_billing::{
    AgreedTerms, Agreement, AllocationItem, AtOnceItem, Charge, ChargeKind, Contract, Model, Price, PriceBook,
    PriceError, Rated, Rounding, Scope, Term, Tier, Usage, UsageItem, check_new_agreement, rate, tax::RateClass,
};
use releve_types::{
    AllocationId, Currency, Period, Sku, TenantId, Timestamp, Unit, Zone,
    ids::{AgreementId, PriceBookId, PriceId},
    time::{MILLIS_PER_HOUR, MILLIS_PER_MINUTE, MILLIS_PER_SECOND},
};
use uuid::Uuid;

pub fn may() -> Period {
    Period::new(instant("05-01"), instant("06-01")).expect("a month")
}

/// A calendar month in a seller's zone.
pub fn month(zone: &str, month: &str) -> Period {
    Zone::new(zone).expect("a zone").month(month.parse().expect("a month"))
}

/// `05-16`, `05-16T07` or `2026-05-16T07`.
pub fn instant(text: &str) -> Timestamp {
    let (date, hour) = text.split_once('T').unwrap_or((text, "00"));
    let year = if date.len() == "05-16".len() { "2020-" } else { "" };
    format!("{year}{date}T{hour}:00:00Z").parse().expect("an instant")
}

/// Ids that sort as their names do.
pub fn named(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    for (slot, byte) in bytes.iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    Uuid::from_bytes(bytes)
}

pub fn unnamed(uuid: Uuid) -> String {
    uuid.as_bytes().iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect()
}

pub fn sku_of(name: &str) -> (Sku, Unit) {
    let meter = |unit| (Sku::meter(name, "eu").expect("a SKU"), unit);
    match name {
        "tokens" => meter(Unit::Token),
        "storage" => meter(Unit::GibSecond),
        "traffic" => meter(Unit::Byte),
        "images" => meter(Unit::Count),
        gpu => {
            let (gpu, class) = gpu.strip_suffix(":spot").map_or((gpu, "standard"), |gpu| (gpu, "spot"));
            let (model, profile) = gpu.split_once(':').unwrap_or((gpu, "whole"));
            (format!("gpu/{model}/{profile}/1:1/{class}/eu").parse().expect("a SKU"), Unit::GpuMs)
        }
    }
}

/// The inverse.
fn short(sku: &Sku) -> String {
    match sku {
        Sku::Gpu { model, profile, spot, .. } => {
            let profile = profile.as_ref().map_or_else(String::new, |profile| format!(":{profile}"));
            format!("{model}{profile}{}", if *spot { ":spot" } else { "" })
        }
        Sku::Meter { meter, .. } => meter.to_string(),
        Sku::Fee { name } => name.to_string(),
    }
}

/// `744h`, `1h30m`, `0.250s`, or a plain number of base units.
fn quantity(text: &str) -> i64 {
    let (mut total, mut digits) = (0, String::new());
    for c in text.chars() {
        let of = |digits: &str, unit: i64| {
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let thousandths: i64 = format!("{fraction:0<3}").parse().expect("a fraction");
            whole.parse::<i64>().expect("a number") * unit + thousandths * unit / 1000
        };
        match c {
            'h' => total += of(&digits, MILLIS_PER_HOUR),
            'm' => total += of(&digits, MILLIS_PER_MINUTE),
            's' => total += of(&digits, MILLIS_PER_SECOND),
            _ => {
                digits.push(c);
                continue;
            }
        }
        digits.clear();
    }
    if digits.is_empty() { total } else { digits.parse().expect("base units") }
}

/// `744:00:00` or `0:00:00.250`.
fn clock(ms: i64) -> String {
    let (h, m, s) = (ms / MILLIS_PER_HOUR, ms / MILLIS_PER_MINUTE % 60, ms / MILLIS_PER_SECOND % 60);
    match ms % MILLIS_PER_SECOND {
        0 => format!("{h}:{m:02}:{s:02}"),
        rest => format!("{h}:{m:02}:{s:02}.{rest:03}"),
    }
}

fn shown(unit: Unit, base_units: i64) -> String {
    if unit == Unit::GpuMs { clock(base_units) } else { base_units.to_string() }
}

pub struct Sheet {
    prices: Vec<Price>,
    /// When the account's contract begins.
    from: Timestamp,
    agreements: Vec<Result<Agreement, PriceError>>,
    pub usage: Usage,
}

impl Sheet {
    pub fn read(text: &str) -> Self {
        let (prices, agreements) = (Vec::new(), Vec::new());
        let mut sheet = Self { prices, from: instant("01-01"), agreements, usage: Usage::default() };
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["price", sku, "from", from, rest @ ..] => sheet.price(sku, from, rest),
                ["contract", "from", from] => sheet.from = instant(from),
                ["use", who, sku, when, amount] => sheet.item(who, sku, when, amount),
                ["hold", who, sku, when, what, held] => sheet.hold(who, sku, when, what, held, "0"),
                ["hold", who, sku, when, what, held, "after", before] => sheet.hold(who, sku, when, what, held, before),
                ["hours", who, sku, from, amounts @ ..] => sheet.hours(who, sku, from, amounts),
                ["busy", sku, hour, held @ ..] => sheet.busy(sku, hour, held),
                _ => sheet.agreed(&words),
            }
        }
        sheet
    }

    fn price(&mut self, sku: &str, from: &str, rest: &[&str]) {
        let (sku, unit) = sku_of(sku);
        let (plan, words) = match rest.split_last() {
            Some((last, before)) if last.parse::<Rounding>().is_ok() => (last.parse().expect("a plan"), before),
            _ => (Rounding::Exact, rest),
        };
        let (name, words) = match words {
            [name @ ("volume" | "package"), words @ ..] => (*name, words),
            _ if words.contains(&"to") => ("graduated", words),
            _ => ("per_unit", words),
        };
        let tier = |words: &[&str]| match words {
            [price, "to", up_to] => Tier { up_to: Some(quantity(up_to)), price: price.parse().expect("a price") },
            [price, "beyond"] | [price] => Tier { up_to: None, price: price.parse().expect("a price") },
            _ => panic!("{words:?} is no tier"),
        };
        let words = words.join(" ");
        let tiers: Vec<Tier> = words.split(", ").map(|t| tier(&t.split(' ').collect::<Vec<_>>())).collect();
        let model = Model::from_parts(name, tiers).expect("a model");
        let id = PriceId::from_uuid(named(&format!("price {}", self.prices.len())));
        self.prices.push(Price::new(id, sku, unit, instant(from), model, plan).expect("a price"));
    }

    fn item(&mut self, who: &str, sku: &str, when: &str, amount: &str) {
        let (tenant, project) = tenant_and_project(who);
        let (sku, stretch, energy_mj) = (sku_of(sku).0, stretch(when), 0);
        let metered = if amount == "all" { stretch.hours() * MILLIS_PER_HOUR } else { quantity(amount) };
        self.usage.items.push(UsageItem { tenant, project, sku, stretch, metered, energy_mj });
    }

    fn hold(&mut self, who: &str, sku: &str, when: &str, what: &str, held: &str, before: &str) {
        let (tenant, project) = tenant_and_project(who);
        let (allocation, device) = what.split_once(':').expect("allocation:device");
        self.usage.allocations.push(AllocationItem {
            tenant,
            project,
            sku: sku_of(sku).0,
            allocation: AllocationId::from_uuid(named(allocation)),
            device: named(device),
            stretch: stretch(when),
            held_before: quantity(before),
            held: quantity(held),
            energy_mj: 0,
        });
    }

    fn hours(&mut self, who: &str, sku: &str, from: &str, amounts: &[&str]) {
        let mut hour = instant(from).hour();
        for amount in amounts {
            let stretch = format!("{}..{}", of_may(hour.start()), of_may(hour.next().start()));
            self.item(who, sku, &stretch, amount);
            hour = hour.next();
        }
    }

    fn busy(&mut self, sku: &str, hour: &str, held: &[&str]) {
        let (sku, hour) = (sku_of(sku).0, instant(hour).hour());
        for (devices, ms) in held.iter().map(|part| part.split_once('=').expect("devices=time")) {
            let (devices, ms) = (devices.parse().expect("a number"), quantity(ms));
            self.usage.at_once.push(AtOnceItem { sku: sku.clone(), hour, devices, ms });
        }
    }

    fn agreed(&mut self, words: &[&str]) {
        let id = AgreementId::from_uuid(named(&format!("agreed {}", self.agreements.len())));
        let (when, terms) = terms_of(words);
        let (from, until) = when.split_once("..").unwrap_or((when, ""));
        let until = (!until.is_empty()).then(|| instant(until));
        let made = terms.and_then(|terms| Agreement::new(id, words.join(" "), instant(from), until, terms));
        self.agreements.push(made);
    }

    pub fn book(&self) -> PriceBook {
        let id = PriceBookId::from_uuid(named("book"));
        PriceBook::new(id, "list".to_owned(), Currency::Eur, self.prices.clone()).expect("a price book")
    }

    pub fn contract(&self) -> Contract {
        let from = self.from.hour();
        self.checked().unwrap_or_else(|refused| panic!("{refused} (from {from})"))
    }

    /// The same, or why it is refused.
    pub fn checked(&self) -> Result<Contract, PriceError> {
        let term = Term { from: self.from.hour(), book: Arc::new(self.book()) };
        let agreements = self.agreements.iter().cloned().collect::<Result<Vec<_>, _>>()?;
        let contract = Contract::new(Currency::Eur, vec![term])?;
        agreements.into_iter().try_fold(contract, |contract, agreement: Agreement| {
            check_new_agreement(&contract, &agreement)?;
            contract.with(vec![agreement])
        })
    }
}

/// The inverse of `instant`.
fn of_may(at: Timestamp) -> String {
    at.to_string()[5..13].to_owned()
}

fn terms_of<'a>(words: &[&'a str]) -> (&'a str, Result<AgreedTerms, PriceError>) {
    let fee = |name: &str| Sku::fee(name).expect("a name");
    let class = |rest: &[&str]| match rest {
        [] => RateClass::Standard,
        [class, ..] => class.parse().expect("a class"),
    };
    let discount = |percent: &str, scope| percent.parse().map(|percent| AgreedTerms::Discount { scope, percent });
    match words {
        ["discount", percent, when] => (when, discount(percent, Scope::All)),
        ["discount", percent, "on", sku, when] => (when, discount(percent, Scope::Sku(sku_of(sku).0))),
        ["discount", percent, "for", who, when] => {
            let (tenant, project) = tenant_and_project(who);
            (when, discount(percent, Scope::Project { tenant, project }))
        }
        ["reserve", devices, sku, "by", matching, when, "at", price, above @ ..] => {
            let of = || {
                let (sku, devices) = (sku_of(sku).0, devices.parse().expect("a number"));
                let (matching, price) = (matching.parse()?, price.parse()?);
                let overage = above.get(1).map(|price| price.parse()).transpose()?;
                Ok(AgreedTerms::Reservation { sku, devices, matching, price, overage })
            };
            (when, of())
        }
        ["fee", name, "once", when, price, rest @ ..] => {
            (when, price.parse().map(|price| AgreedTerms::Once { sku: fee(name), price, class: class(rest) }))
        }
        ["fee", name, when, price, rest @ ..] => {
            (when, price.parse().map(|price| AgreedTerms::Recurring { sku: fee(name), price, class: class(rest) }))
        }
        ["goodwill", name, when, price, rest @ ..] => {
            (when, price.parse().map(|price| AgreedTerms::Goodwill { sku: fee(name), price, class: class(rest) }))
        }
        ["minimum", price, when] => (when, price.parse().map(|price| AgreedTerms::Minimum { price })),
        _ => panic!("'{}' is no line of a sheet", words.join(" ")),
    }
}

pub fn whose(c: &Charge) -> String {
    c.tenant.map_or_else(|| "the account".to_owned(), |tenant| unnamed(tenant.uuid()))
}

fn tenant_and_project(who: &str) -> (TenantId, String) {
    let (tenant, project) = who.split_once('/').expect("tenant/project");
    (TenantId::from_uuid(named(tenant)), project.to_owned())
}

fn stretch(when: &str) -> Period {
    let (start, end) = when.split_once("..").expect("from..until");
    Period::new(instant(start), instant(end)).expect("a stretch")
}

/// Rates the sheet's May and writes the result as a table.
pub fn bill(text: &str) -> String {
    bill_in(may(), text)
}

pub fn bill_in(period: Period, text: &str) -> String {
    let sheet = Sheet::read(text);
    let contract = match sheet.checked() {
        Ok(contract) => contract,
        Err(refused) => return format!("refused: {refused}\n"),
    };
    match rate(&contract, period, &sheet.usage) {
        Ok(rated) => table(&rated),
        Err(refused) => format!("refused: {refused}\n"),
    }
}

pub fn table(rated: &Rated) -> String {
    let mut rows =
        vec![["for", "what", "from", "until", "metered", "billed", "× price", "/ base", "= EUR"].map(str::to_owned)];
    let day = |at: Timestamp| at.to_string()[5..].replace(":00:00Z", "").replace("T00", "");
    for c in &rated.charges {
        rows.push([
            if c.tenant.is_some() { format!("{}/{}", whose(c), c.project) } else { whose(c) },
            what(c),
            day(c.stretch.start()),
            day(c.stretch.end()),
            shown(c.unit, c.metered),
            if c.unit == Unit::GpuMs {
                format!("{} = {} s", clock(c.billed), c.quantity())
            } else {
                c.billed.to_string()
            },
            c.unit_price.to_string(),
            c.base_quantity.to_string(),
            c.amount.amount().to_string(),
        ]);
    }
    let mut out = aligned(&rows);
    for c in rated.charges.iter().filter(|c| c.discount.is_some()) {
        let (gross, off) = (c.gross().expect("small"), c.discount.expect("a discount"));
        let who = format!("{}/{} {} from {}", whose(c), c.project, what(c), day(c.stretch.start()));
        writeln!(out, "{who}: {} - {} % = {} off", gross.amount(), off.percent, off.amount.amount()).expect("text");
    }
    for u in &rated.unpriced {
        let (who, stretch) = (unnamed(u.tenant.uuid()), u.stretch);
        let (from, until) = (day(stretch.start()), day(stretch.end()));
        let amount = if matches!(u.sku, Sku::Gpu { .. }) { clock(u.metered) } else { u.metered.to_string() };
        writeln!(out, "no price: {who}/{} {} {from} to {until}, {amount}", u.project, short(&u.sku)).expect("text");
    }
    // The quantities' own sums, for whoever checks them with a pencil.
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for c in rated.charges.iter().filter(|c| c.unit == Unit::GpuMs) {
        let sum = sums.entry(short(&c.sku)).or_default();
        (sum.0, sum.1) = (sum.0 + c.metered, sum.1 + c.billed);
    }
    for (sku, (metered, billed)) in sums {
        writeln!(out, "{sku}: metered {}, billed {}", clock(metered), clock(billed)).expect("text");
    }
    writeln!(out, "total {}", rated.total).expect("text");
    out
}

fn what(c: &Charge) -> String {
    let mut what = short(&c.sku);
    if c.tier > 0 {
        what.push_str(&format!(" tier {}", c.tier + 1));
    }
    if let ChargeKind::Reserved(_) | ChargeKind::Unused(_) | ChargeKind::Overage(_) = c.kind {
        what.push_str(&format!(" {}", c.kind.name()));
    }
    what
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut out = String::new();
    let widths: Vec<usize> = (0..N).map(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(n, (cell, width))| {
            let pad = " ".repeat(width - cell.chars().count());
            if n < 4 { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end()).expect("text");
    }
    out
}
