//! On what does an invoice rest? A text that names all of it, and its SHA-256, frozen when it is issued. Read back, it is enough to
//! make the invoice again.
//!
//! The text is UTF-8, one fact per line, each line ended by a line feed, its fields separated by tabs. Within a
//! field `\` is written `\\`, a tab `\t`, a line feed `\n` and a carriage return `\r`. Instants are RFC 3339 with
//! `Z`; quantities are integers in base units; prices are plain decimals without trailing zeros.
//!
//! ```text
//! releve-basis  4
//! account       <account id>
//! issuer        <issuer id>
//! period        <start> <end>
//! book          <number>
//! currency      <code>
//! corrects      <number of a document of the period>                    the first first
//! void                                                                  only where all that they billed is taken back
//! vat           <ground> <rate in percent>                              by ground and rate
//! exchange      <rate id> <one> <costs> <of> <day> <source>             only where VAT is stated in another currency
//! term          <from> <price book id>                                  by start: those that hold in the period
//! agreed        <agreement id> <from> <until, or -> <kind> <its terms>  by start: those that hold in the period
//! price         <price id> <price book id> <sku> <unit> <from> <rounding> <VAT class> <model> (<up to, or -> <price>)…   as they follow
//! usage         <sku> <start> <end> <tenant id> <project> <metered> <energy mJ>
//! allocation    <sku> <allocation id> <device> <start> <end> <tenant id> <project> <held before> <held> <energy mJ>
//! hour          <sku> <start> <tenant id> <project> <metered> <energy mJ>
//! at_once       <sku> <start> <devices> <ms for which exactly so many were held>
//! credit        <credit id> <granted, or paid> <drawn, or left> <amount> <what it is on>   in the order in which they are drawn
//! reports       <count> <SHA-256 over their digests, ascending, or - for none>
//! ```
//!
//! Usage is given summed over the longest stretches in which its price does not change, and sorted by its fields
//! from left to right: texts by their bytes, but SKUs of GPUs by model, profile (whole devices first), share,
//! class and region, and before meters. What a package's price says it is `up to` is the package's size. `allocation`
//! lines are there for SKUs that a plan rounds, `hour` lines for those of which devices are reserved, and `at_once` lines
//! where that is matched by instant; the `usage` lines hold their sums too.
//!
//! What a credit offers is what the period's earlier documents have `drawn` of it, or what is `left` of it. What a credit or a
//! discount is on: `all`, `sku` and the SKU, or `project`, tenant id and project; of a paid credit the day on
//! which it was paid and, where it got a deposit invoice, its number and when it was issued.
//!
//! The terms of an agreement: of a `discount` the percentage and what it is on; of a `reservation` SKU, devices, matching, price and overage price or `-`; of `recurring`, `once` and
//! `goodwill` SKU, price and VAT class; of a `minimum` the price.

mod read;

use std::fmt::{self, Write};

use releve_types::ids::PriceBookId;
use sha2::{Digest as _, Sha256};

pub use self::read::{BasisError, Recorded};
use crate::{
    AgreedTerms, Agreement, Contract, CreditKind, Offer, Price, RateError, Scope, Subject, Usage,
    gather::{Gathered, gather},
    tax::{ExchangeRate, Vat},
};

/// The version of the text: what it names, and how it is written.
pub const BASIS_VERSION: u32 = 4;

/// Everything that decides what an invoice says.
#[derive(Clone, Debug)]
pub struct Basis<'a> {
    pub subject: Subject,
    pub contract: &'a Contract,
    pub usage: &'a Usage,
    /// How its lines are taxed, by ground and rate.
    pub vat: Vec<Vat>,
    /// By which rate its VAT is stated in another currency.
    pub exchange: Option<&'a ExchangeRate>,
    /// The numbers of the documents that it corrects, the first first.
    pub corrects: Vec<String>,
    /// Whether all that its period was billed is taken back, whatever was used.
    pub void: bool,
    /// What it may draw on.
    pub credits: &'a [Offer],
    pub reports: Reports,
}

/// Which reports the usage came from: how many, and a digest over theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reports {
    pub count: u64,
    pub digest: [u8; 32],
}

impl Reports {
    /// Of the SHA-256 of each report's head, in any order; one given twice counts once.
    pub fn of(digests: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let mut digests: Vec<[u8; 32]> = digests.into_iter().collect();
        digests.sort_unstable();
        digests.dedup();
        let mut hasher = Sha256::new();
        let mut count = 0;
        for digest in &digests {
            hasher.update(digest);
            count += 1;
        }
        Self { count, digest: hasher.finalize().into() }
    }
}

/// The issuing digest: SHA-256 of the basis' text.
pub fn digest(basis: &Basis<'_>) -> Result<[u8; 32], RateError> {
    let mut out = Hashing(Sha256::new());
    // Hashing never fails to write.
    let _ = write_basis(&mut out, basis, &gather(basis.contract, basis.subject.period, &[], basis.usage)?);
    Ok(out.0.finalize().into())
}

impl Basis<'_> {
    /// The text that is digested, for whoever wants to see what differs.
    pub fn text(&self) -> Result<String, RateError> {
        let mut out = String::new();
        let _ = write_basis(&mut out, self, &gather(self.contract, self.subject.period, &[], self.usage)?);
        Ok(out)
    }
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

fn write_basis(out: &mut impl Write, basis: &Basis<'_>, gathered: &Gathered<'_>) -> fmt::Result {
    let Subject { account, issuer, period, book } = basis.subject;
    writeln!(out, "releve-basis\t{BASIS_VERSION}")?;
    writeln!(out, "account\t{account}")?;
    writeln!(out, "issuer\t{issuer}")?;
    writeln!(out, "period\t{}\t{}", period.start(), period.end())?;
    writeln!(out, "book\t{book}")?;
    writeln!(out, "currency\t{}", basis.contract.currency())?;
    for number in &basis.corrects {
        writeln!(out, "corrects\t{number}")?;
    }
    if basis.void {
        writeln!(out, "void")?;
    }
    for vat in &basis.vat {
        writeln!(out, "vat\t{}\t{}", vat.ground, vat.rate)?;
    }
    if let Some(rate) = basis.exchange {
        let (id, base, costs, quote, day) = (rate.id(), rate.base(), rate.rate(), rate.quote(), rate.day());
        write!(out, "exchange\t{id}\t{base}\t{costs}\t{quote}\t{day}\t")?;
        write_escaped(out, rate.source())?;
        writeln!(out)?;
    }
    let terms = basis.contract.terms();
    let ends = terms.iter().skip(1).map(|t| t.from).chain([period.end_hour()]);
    for (term, end) in terms.iter().zip(ends) {
        if term.from < period.end_hour() && end > period.first_hour() {
            writeln!(out, "term\t{}\t{}", term.from, term.book.id())?;
        }
    }
    for agreement in basis.contract.agreements().iter().filter(|a| a.within(period).is_some()) {
        write_agreement(out, agreement)?;
    }
    for (_, runs) in &gathered.skus {
        for run in runs {
            let book = basis.contract.book_at(run.stretch.first_hour());
            if let (Some(price), Some(book)) = (run.price, book) {
                write_price(out, book.id(), price)?;
            }
        }
    }
    write_usage(out, gathered)?;
    for offer in basis.credits {
        write_offer(out, offer)?;
    }
    match basis.reports.count {
        0 => writeln!(out, "reports\t0\t-"),
        count => writeln!(out, "reports\t{count}\t{}", hex::encode(basis.reports.digest)),
    }
}

fn write_price(out: &mut impl Write, book: PriceBookId, price: &Price) -> fmt::Result {
    let (id, sku, unit, from) = (price.id(), price.sku(), price.unit(), price.from());
    let (rounding, class, model) = (price.rounding(), price.class(), price.model().name());
    write!(out, "price\t{id}\t{book}\t{sku}\t{unit}\t{from}\t{rounding}\t{class}\t{model}")?;
    for tier in price.model().tiers().iter() {
        match tier.up_to {
            Some(up_to) => write!(out, "\t{up_to}")?,
            None => write!(out, "\t-")?,
        }
        write!(out, "\t{}", tier.price.amount())?;
    }
    writeln!(out)
}

fn write_agreement(out: &mut impl Write, agreement: &Agreement) -> fmt::Result {
    let until = agreement.until().map_or_else(|| "-".to_owned(), |until| until.to_string());
    write!(out, "agreed\t{}\t{}\t{until}\t{}\t", agreement.id(), agreement.from(), agreement.terms().name())?;
    match agreement.terms() {
        AgreedTerms::Discount { scope, percent } => {
            write!(out, "{percent}\t")?;
            write_scope(out, scope)
        }
        AgreedTerms::Reservation { sku, devices, matching, price, overage } => {
            write!(out, "{sku}\t{devices}\t{matching}\t{}\t", price.amount())?;
            match overage {
                Some(overage) => writeln!(out, "{}", overage.amount()),
                None => writeln!(out, "-"),
            }
        }
        AgreedTerms::Recurring { sku, price, class }
        | AgreedTerms::Once { sku, price, class }
        | AgreedTerms::Goodwill { sku, price, class } => writeln!(out, "{sku}\t{}\t{class}", price.amount()),
        AgreedTerms::Minimum { price } => writeln!(out, "{}", price.amount()),
    }
}

fn write_scope(out: &mut impl Write, scope: &Scope) -> fmt::Result {
    match scope {
        Scope::All => writeln!(out, "all"),
        Scope::Sku(sku) => writeln!(out, "sku\t{sku}"),
        Scope::Project { tenant, project } => {
            write!(out, "project\t{tenant}\t")?;
            write_escaped(out, project)?;
            writeln!(out)
        }
    }
}

fn write_offer(out: &mut impl Write, offer: &Offer) -> fmt::Result {
    let (credit, offered) = (&offer.credit, if offer.kept { "drawn" } else { "left" });
    write!(out, "credit\t{}\t{}\t{offered}\t{}\t", credit.id(), credit.kind().name(), offer.amount.amount())?;
    match credit.kind() {
        CreditKind::Granted { scope } => write_scope(out, scope),
        CreditKind::Paid { paid_on, deposit: None } => writeln!(out, "{paid_on}"),
        CreditKind::Paid { paid_on, deposit: Some(deposit) } => {
            writeln!(out, "{paid_on}\t{}\t{}", deposit.number, deposit.issued_at)
        }
    }
}

fn write_usage(out: &mut impl Write, gathered: &Gathered<'_>) -> fmt::Result {
    for row in &gathered.rows {
        let (sku, runs) = &gathered.skus[row.key.sku];
        let stretch = runs[row.key.run].stretch;
        write!(out, "usage\t{sku}\t{}\t{}\t{}\t", stretch.start(), stretch.end(), row.key.tenant)?;
        write_escaped(out, row.key.project)?;
        writeln!(out, "\t{}\t{}", row.metered, row.energy_mj)?;
    }
    for row in &gathered.held {
        let (sku, runs) = &gathered.skus[row.key.sku];
        let stretch = runs[row.key.run].stretch;
        write!(out, "allocation\t{sku}\t{}\t{}\t", row.key.allocation, row.key.device)?;
        write!(out, "{}\t{}\t{}\t", stretch.start(), stretch.end(), row.key.tenant)?;
        write_escaped(out, row.key.project)?;
        writeln!(out, "\t{}\t{}\t{}", row.held_before, row.held, row.energy_mj)?;
    }
    for row in &gathered.hours {
        write!(out, "hour\t{}\t{}\t{}\t", gathered.skus[row.key.sku].0, row.hour, row.key.tenant)?;
        write_escaped(out, row.key.project)?;
        writeln!(out, "\t{}\t{}", row.metered, row.energy_mj)?;
    }
    for of in &gathered.at_once {
        writeln!(out, "at_once\t{}\t{}\t{}\t{}", gathered.skus[of.sku].0, of.hour, of.devices, of.ms)?;
    }
    Ok(())
}

fn write_escaped(out: &mut impl Write, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '\\' => out.write_str("\\\\")?,
            '\t' => out.write_str("\\t")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            c => out.write_char(c)?,
        }
    }
    Ok(())
}
