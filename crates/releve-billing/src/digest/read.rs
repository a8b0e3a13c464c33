//! What does the text of a basis say? All that is needed to make the invoice again, read from the text alone.
//!
//! Only what `write_basis` writes is read: a text that says the same in other words is another text, with another digest.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use releve_types::{
    Currency, Hour, Money, Period, Sku, Timestamp,
    ids::{AgreementId, CreditId, PriceBookId, PriceId},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{BASIS_VERSION, Basis, Reports};
use crate::{
    AgreedTerms, Agreement, AllocationItem, AtOnceItem, Contract, Credit, CreditKind, DepositRef, Model, NewCredit,
    Offer, Price, PriceBook, Scope, Subject, Term, Tier, UnitPrice, Usage, UsageItem,
    tax::{ExchangeRate, Vat, VatRate},
};

/// A basis that stands on its own. Names and descriptions are not in the text, so what it makes has none.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub subject: Subject,
    pub contract: Contract,
    pub usage: Usage,
    pub vat: Vec<Vat>,
    pub exchange: Option<ExchangeRate>,
    pub corrects: Vec<String>,
    pub void: bool,
    pub credits: Vec<Offer>,
    pub reports: Reports,
}

/// A text that is no basis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {detail}")]
pub struct BasisError {
    /// From 1; 0 where it is about the whole.
    pub line: usize,
    pub detail: String,
}

impl Recorded {
    pub fn read(text: &str) -> Result<Self, BasisError> {
        let mut reading = Reading::default();
        for (n, line) in text.lines().enumerate() {
            reading.line = n + 1;
            let fields = line.split('\t').map(unescaped).collect::<Option<Vec<String>>>();
            let fields = fields.ok_or_else(|| reading.broken("a backslash that escapes nothing"))?;
            reading.take(&fields.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        let recorded = reading.done()?;
        let again = recorded.basis().text().map_err(|error| BasisError { line: 0, detail: error.to_string() })?;
        match text.split('\n').zip(again.split('\n')).position(|(is, should)| is != should) {
            None if text.len() == again.len() => Ok(recorded),
            at => Err(BasisError {
                line: at.map_or(0, |at| at + 1),
                detail: "what it says is not written like this".to_owned(),
            }),
        }
    }

    pub fn basis(&self) -> Basis<'_> {
        Basis {
            subject: self.subject,
            contract: &self.contract,
            usage: &self.usage,
            vat: self.vat.clone(),
            exchange: self.exchange.as_ref(),
            corrects: self.corrects.clone(),
            void: self.void,
            credits: &self.credits,
            reports: self.reports,
        }
    }
}

fn unescaped(field: &str) -> Option<String> {
    let (mut text, mut chars) = (String::with_capacity(field.len()), field.chars());
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(text)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    line: usize,
    version: bool,
    heads: BTreeMap<&'static str, String>,
    period: Option<Period>,
    vat: Vec<Vat>,
    exchange: Option<ExchangeRate>,
    corrects: Vec<String>,
    void: bool,
    terms: Vec<(Hour, PriceBookId)>,
    prices: BTreeMap<PriceBookId, Vec<Price>>,
    agreements: Vec<Agreement>,
    summed: Vec<UsageItem>,
    hours: Vec<UsageItem>,
    allocations: Vec<AllocationItem>,
    at_once: Vec<AtOnceItem>,
    credits: Vec<Offer>,
    reports: Option<Reports>,
}

impl Reading {
    fn broken(&self, detail: impl ToString) -> BasisError {
        BasisError { line: self.line, detail: detail.to_string() }
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, text: &str) -> Result<T, BasisError> {
        text.parse().map_err(|error: T::Err| self.broken(error.to_string()))
    }

    fn stretch(&self, start: &str, end: &str) -> Result<Period, BasisError> {
        Period::new(self.parsed(start)?, self.parsed(end)?).map_err(|error| self.broken(error))
    }

    fn hour(&self, at: &str) -> Result<Hour, BasisError> {
        let at: Timestamp = self.parsed(at)?;
        if at.is_whole_hour() { Ok(at.hour()) } else { Err(self.broken(format!("{at} is no whole hour"))) }
    }

    fn currency(&self) -> Result<Currency, BasisError> {
        self.parsed(self.heads.get("currency").map_or("", String::as_str))
    }

    fn take(&mut self, fields: &[&str]) -> Result<(), BasisError> {
        match fields {
            ["releve-basis", version] if self.parsed::<u32>(version)? == BASIS_VERSION => self.version = true,
            ["releve-basis", version] => {
                return Err(self.broken(format!("version {version}; this program reads version {BASIS_VERSION}")));
            }
            ["account", id] => drop(self.heads.insert("account", (*id).to_owned())),
            ["issuer", id] => drop(self.heads.insert("issuer", (*id).to_owned())),
            ["book", number] => drop(self.heads.insert("book", (*number).to_owned())),
            ["currency", code] => drop(self.heads.insert("currency", (*code).to_owned())),
            ["period", start, end] => self.period = Some(self.stretch(start, end)?),
            ["corrects", number] => self.corrects.push((*number).to_owned()),
            ["void"] => self.void = true,
            ["vat", ground, rate] => {
                let rate = VatRate::new(self.decimal(rate)?).map_err(|error| self.broken(error))?;
                self.vat.push(Vat { ground: self.parsed(ground)?, rate });
            }
            ["exchange", id, base, costs, quote, day, source] => {
                let between = (self.parsed(base)?, self.parsed(quote)?);
                let rate =
                    ExchangeRate::new(self.parsed(id)?, between, self.decimal(costs)?, self.parsed(day)?, source);
                self.exchange = Some(rate.map_err(|error| self.broken(error))?);
            }
            ["term", from, book] => {
                let term = (self.hour(from)?, self.parsed(book)?);
                self.terms.push(term);
            }
            ["price", id, book, sku, unit, from, rounding, class, model, tiers @ ..] => {
                let (book, price) =
                    (self.parsed(book)?, self.price([id, sku, unit, from, rounding, class, model], tiers)?);
                let known = self.prices.entry(book).or_default();
                // A price that is cut by a discount's end is named for each part.
                if known.iter().all(|other| other.id() != price.id()) {
                    known.push(price);
                }
            }
            ["agreed", id, from, until, kind, terms @ ..] => {
                let agreement = self.agreement(id, (from, until), kind, terms)?;
                self.agreements.push(agreement);
            }
            ["credit", id, kind, offered, amount, on @ ..] => {
                let offer = self.offer([id, kind, offered, amount], on)?;
                self.credits.push(offer);
            }
            ["reports", "0", "-"] => self.reports = Some(Reports::default()),
            ["reports", count, digest] => {
                let bytes = hex::decode(digest).ok().and_then(|bytes| bytes.try_into().ok());
                let digest = bytes.ok_or_else(|| self.broken("no SHA-256"))?;
                self.reports = Some(Reports { count: self.parsed(count)?, digest });
            }
            usage => return self.take_usage(usage),
        }
        Ok(())
    }

    /// What was used, summed as its price asks.
    fn take_usage(&mut self, fields: &[&str]) -> Result<(), BasisError> {
        match fields {
            ["usage", sku, start, end, rest @ ..] => {
                let item = self.item(sku, self.stretch(start, end)?, rest)?;
                self.summed.push(item);
            }
            ["hour", sku, at, rest @ ..] => {
                let hour = self.hour(at)?;
                let stretch = Period::of_hours(hour, hour.next()).map_err(|error| self.broken(error))?;
                let item = self.item(sku, stretch, rest)?;
                self.hours.push(item);
            }
            ["allocation", sku, allocation, device, start, end, tenant, project, before, held, energy] => {
                let item = AllocationItem {
                    tenant: self.parsed(tenant)?,
                    project: (*project).to_owned(),
                    sku: self.parsed(sku)?,
                    allocation: self.parsed(allocation)?,
                    device: self.parsed::<Uuid>(device)?,
                    stretch: self.stretch(start, end)?,
                    held_before: self.parsed(before)?,
                    held: self.parsed(held)?,
                    energy_mj: self.parsed(energy)?,
                };
                self.allocations.push(item);
            }
            ["at_once", sku, hour, devices, ms] => {
                let (sku, hour) = (self.parsed(sku)?, self.hour(hour)?);
                let item = AtOnceItem { sku, hour, devices: self.parsed(devices)?, ms: self.parsed(ms)? };
                self.at_once.push(item);
            }
            other => {
                let word = other.first().copied().unwrap_or_default();
                return Err(self.broken(format!("'{}' with {} fields is nothing of a basis", word, other.len())));
            }
        }
        Ok(())
    }

    fn decimal(&self, text: &str) -> Result<Decimal, BasisError> {
        Decimal::from_str_exact(text).map_err(|error| self.broken(format!("'{text}': {error}")))
    }

    fn item(&self, sku: &str, stretch: Period, rest: &[&str]) -> Result<UsageItem, BasisError> {
        let [tenant, project, metered, energy] = rest else { return Err(self.broken("fields are missing")) };
        Ok(UsageItem {
            tenant: self.parsed(tenant)?,
            project: (*project).to_owned(),
            sku: self.parsed(sku)?,
            stretch,
            metered: self.parsed(metered)?,
            energy_mj: self.parsed(energy)?,
        })
    }

    fn price(&self, fields: [&&str; 7], tiers: &[&str]) -> Result<Price, BasisError> {
        let [id, sku, unit, from, rounding, class, model] = fields;
        let tier = |pair: &[&str]| match pair {
            ["-", price] => Ok(Tier { up_to: None, price: self.parsed(price)? }),
            [up_to, price] => Ok(Tier { up_to: Some(self.parsed(up_to)?), price: self.parsed(price)? }),
            _ => Err(self.broken("a tier is an end and a price")),
        };
        let tiers = tiers.chunks(2).map(tier).collect::<Result<Vec<_>, _>>()?;
        let model = Model::from_parts(model, tiers).map_err(|error| self.broken(error))?;
        let (id, sku, unit): (PriceId, Sku, _) = (self.parsed(id)?, self.parsed(sku)?, self.parsed(unit)?);
        let price = Price::new(id, sku, unit, self.parsed(from)?, model, self.parsed(rounding)?);
        Ok(price.map_err(|error| self.broken(error))?.taxed(self.parsed(class)?))
    }

    fn scope(&self, on: &[&str]) -> Result<Scope, BasisError> {
        match on {
            ["all"] => Ok(Scope::All),
            ["sku", sku] => Ok(Scope::Sku(self.parsed(sku)?)),
            ["project", tenant, project] => {
                Ok(Scope::Project { tenant: self.parsed(tenant)?, project: (*project).to_owned() })
            }
            _ => Err(self.broken("it is on nothing that is known")),
        }
    }

    fn agreement(
        &self,
        id: &str,
        (from, until): (&str, &str),
        kind: &str,
        terms: &[&str],
    ) -> Result<Agreement, BasisError> {
        let price = |text: &str| self.parsed::<UnitPrice>(text);
        let terms = match (kind, terms) {
            ("discount", [percent, on @ ..]) => {
                AgreedTerms::Discount { scope: self.scope(on)?, percent: self.parsed(percent)? }
            }
            ("reservation", [sku, devices, matching, each, overage]) => AgreedTerms::Reservation {
                sku: self.parsed(sku)?,
                devices: self.parsed(devices)?,
                matching: self.parsed(matching)?,
                price: price(each)?,
                overage: if *overage == "-" { None } else { Some(price(overage)?) },
            },
            ("minimum", [least]) => AgreedTerms::Minimum { price: price(least)? },
            (kind, [sku, each, class]) => {
                let (sku, price, class) = (self.parsed(sku)?, price(each)?, self.parsed(class)?);
                match kind {
                    "recurring" => AgreedTerms::Recurring { sku, price, class },
                    "once" => AgreedTerms::Once { sku, price, class },
                    "goodwill" => AgreedTerms::Goodwill { sku, price, class },
                    _ => return Err(self.broken(format!("'{kind}' is no kind of agreement"))),
                }
            }
            _ => return Err(self.broken(format!("'{kind}' is no kind of agreement, or has other terms"))),
        };
        let agreement: AgreementId = self.parsed(id)?;
        let until = if until == "-" { None } else { Some(self.parsed(until)?) };
        let made = Agreement::new(agreement, id.to_owned(), self.parsed(from)?, until, terms);
        made.map_err(|error| self.broken(error))
    }

    fn offer(&self, [id, kind, offered, amount]: [&&str; 4], on: &[&str]) -> Result<Offer, BasisError> {
        let kind = match (*kind, on) {
            ("granted", on) => CreditKind::Granted { scope: self.scope(on)? },
            ("paid", [paid_on]) => CreditKind::Paid { paid_on: self.parsed(paid_on)?, deposit: None },
            ("paid", [paid_on, number, issued_at]) => {
                let deposit = DepositRef { number: self.parsed(number)?, issued_at: self.parsed(issued_at)? };
                CreditKind::Paid { paid_on: self.parsed(paid_on)?, deposit: Some(Box::new(deposit)) }
            }
            _ => return Err(self.broken("a credit is granted or paid")),
        };
        let kept = match *offered {
            "drawn" => true,
            "left" => false,
            _ => return Err(self.broken("what a credit offers was drawn, or is left")),
        };
        let amount = Money::parse(amount, self.currency()?).map_err(|error| self.broken(error))?;
        // When it holds and when it is its turn was decided when the text was written.
        let (description, from) = ((*id).to_owned(), Hour::from_index(0).start());
        let new = NewCredit { description, kind, amount, priority: 0, from, expires: None };
        let credit = Credit::new(self.parsed::<CreditId>(id)?, new).map_err(|error| self.broken(error))?;
        Ok(Offer { credit: Arc::new(credit), kept, amount })
    }

    fn done(mut self) -> Result<Recorded, BasisError> {
        self.line = 0;
        if !self.version {
            return Err(self.broken("it does not begin as a basis"));
        }
        let head = |name| self.heads.get(name).map_or("", String::as_str);
        let whole = |detail: String| BasisError { line: 0, detail };
        let missing = |what: &str| whole(format!("{what} is missing"));
        let subject = Subject {
            account: self.parsed(head("account"))?,
            issuer: self.parsed(head("issuer"))?,
            period: self.period.ok_or_else(|| missing("period"))?,
            book: self.parsed(head("book"))?,
        };
        let currency = self.currency()?;
        let mut books: BTreeMap<PriceBookId, Arc<PriceBook>> = BTreeMap::new();
        for (_, id) in &self.terms {
            let prices = self.prices.remove(id);
            if let Some(prices) = prices.or_else(|| (!books.contains_key(id)).then(Vec::new)) {
                let book = PriceBook::new(*id, id.to_string(), currency, prices);
                books.insert(*id, Arc::new(book.map_err(|error| whole(error.to_string()))?));
            }
        }
        let term = |(from, id): &(Hour, PriceBookId)| Some(Term { from: *from, book: Arc::clone(books.get(id)?) });
        let contract = Contract::new(currency, self.terms.iter().filter_map(term).collect());
        let contract = contract.and_then(|contract| contract.with(std::mem::take(&mut self.agreements)));
        let contract = contract.map_err(|error| whole(error.to_string()))?;
        // Of what is told in more than one way, the finer.
        let finer = |sku: &Sku| {
            self.hours.iter().any(|item| item.sku == *sku) || self.allocations.iter().any(|item| item.sku == *sku)
        };
        let mut items: Vec<UsageItem> = self.summed.iter().filter(|item| !finer(&item.sku)).cloned().collect();
        items.append(&mut self.hours);
        let usage = Usage { items, allocations: self.allocations, at_once: self.at_once };
        let reports = self.reports.ok_or_else(|| missing("reports"))?;
        let Self { vat, exchange, corrects, void, credits, .. } = self;
        Ok(Recorded { subject, contract, usage, vat, exchange, corrects, void, credits, reports })
    }
}
