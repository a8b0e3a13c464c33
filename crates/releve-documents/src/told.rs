//! What do all parts of a page tell of, and how are its values spelled? As everywhere, with the language's sign for decimals and
//! order of a day.

use releve_billing::{Advances, Content, Issued, Kind, Line, tax::Taxes};
use releve_types::{Money, Period, Unit, Zone};
use rust_decimal::Decimal;

use crate::{
    Coverage, Parties,
    text::{grouped, measured},
    words::{Words, day, decimal},
};

/// An invoice, for a page or for paper.
pub(crate) struct Told<'a> {
    pub invoice: &'a Issued,
    pub kind: Kind,
    /// As it is printed: a credit note says what it gives back without a sign.
    pub content: Content,
    pub taxes: Taxes,
    pub advances: Advances,
    pub parties: &'a Parties,
    pub words: &'static Words,
}

impl<'a> Told<'a> {
    pub fn of(invoice: &'a Issued, parties: &'a Parties) -> Self {
        let (kind, words) = (invoice.content().kind(), Words::of(parties.language));
        let (content, taxes) = (invoice.content().printed(), invoice.taxes().printed(kind));
        Self { invoice, kind, content, taxes, advances: invoice.advances().printed(kind), parties, words }
    }
}

impl Told<'_> {
    pub fn money(&self, money: Money) -> String {
        format!("{}\u{a0}{}", self.amount(money), money.currency())
    }

    pub fn amount(&self, money: Money) -> String {
        self.number(&money.amount().to_string())
    }

    pub fn number(&self, digits: &str) -> String {
        decimal(self.parties.language, grouped(digits))
    }

    pub fn day(&self, iso: &str) -> String {
        day(self.parties.language, iso)
    }

    /// Whether it is of an advance: nothing was used yet.
    pub fn is_of_deposit(&self) -> bool {
        self.content.is_of_deposit()
    }

    /// For when it is, and how that is called: of a document of an advance, the day of the payment.
    pub fn when(&self) -> (&'static str, String) {
        match self.advances.drawn.first().filter(|_| self.is_of_deposit()) {
            Some(advance) => (self.words.paid_on, self.day(&advance.paid_on.to_string())),
            None => (self.words.period, self.stretch(self.content.period, &self.parties.zone)),
        }
    }

    /// What was paid in advance, by deposit invoice, and what was paid without one; of a credit note, what goes back.
    pub fn paid(&self) -> Vec<(String, Money)> {
        let (words, zone) = (self.words, &self.parties.zone);
        let mut rows: Vec<(String, Money)> = Vec::new();
        for drawn in &self.advances.drawn {
            let label = match &drawn.deposit {
                _ if self.kind == Kind::CreditNote && self.is_of_deposit() => words.held_for_payer.to_owned(),
                _ if self.kind == Kind::CreditNote => words.back_to_credits.to_owned(),
                Some(deposit) => {
                    let day = self.day(&zone.date(deposit.issued_at));
                    format!("{} {} {} {day}", words.deposit, deposit.number, words.of_day)
                }
                None => words.paid_in_advance.to_owned(),
            };
            match rows.iter_mut().find(|(known, _)| *known == label) {
                // A document's advances add up: it was checked.
                Some((_, sum)) => *sum = sum.checked_add(drawn.amount).unwrap_or(*sum),
                None => rows.push((label, drawn.amount)),
            }
        }
        rows
    }

    /// What its digest is of.
    pub fn rests_on(&self) -> &'static str {
        if self.is_of_deposit() { self.words.rests_on_payment } else { self.words.digest }
    }

    /// Its number, or nothing.
    pub fn purchase_order(&self) -> &str {
        self.content.purchase_order.as_ref().map_or("", |order| &order.number)
    }

    pub fn whose(&self, line: &Line) -> String {
        self.parties.whose(line.charge.tenant)
    }

    /// A quantity to read, and below it as it is billed.
    pub fn quantity(&self, unit: Unit, base_units: i64, printed: Decimal) -> (String, String) {
        let printed = self.number(&printed.to_string());
        match unit {
            Unit::GpuMs => (decimal(self.parties.language, measured(unit, base_units)), format!("{printed} s")),
            unit => (printed, unit.printed().0.to_owned()),
        }
    }

    /// Whole local days as days, the last one included; anything else to the minute, half-open.
    pub fn stretch(&self, stretch: Period, zone: &Zone) -> String {
        let (start, end) = (zone.local_time(stretch.start()), zone.local_time(stretch.end()));
        let to = self.words.to;
        if start.ends_with(" 00:00") && end.ends_with(" 00:00") {
            let (first, last) = (zone.date(stretch.start()), zone.date(stretch.end().plus_millis(-1)));
            return format!("{} {to} {}", self.day(&first), self.day(&last));
        }
        format!("{} {to} {}", self.day(&start), self.day(&end))
    }

    /// VAT in the currency of where it is owed, and by which rate.
    pub fn stated(&self) -> Option<(String, Money)> {
        let stated = self.taxes.stated.as_ref()?;
        let (rate, in_) = (&stated.rate, stated.tax.currency().code());
        let costs = self.number(&rate.rate().to_string());
        let day = self.day(&rate.day().to_string());
        let by = format!("1\u{a0}{} = {costs}\u{a0}{}, {}, {day}", rate.base(), rate.quote(), rate.source());
        Some((format!("{} ({by})", self.words.vat_in.replace("{}", in_)), stated.tax))
    }

    pub fn covered(&self, coverage: &Coverage) -> String {
        if coverage.missing_gpu_ms == 0 {
            return self.words.coverage.to_owned();
        }
        let missing = decimal(self.parties.language, measured(Unit::GpuMs, coverage.missing_gpu_ms));
        self.words.gaps_accepted.replace("{}", &missing)
    }
}
