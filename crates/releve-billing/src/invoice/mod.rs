//! What does an account owe for a period? A draft, a parked or an issued invoice: three types, so that no code
//! can issue what is parked or change what is issued.

mod advance;
mod check;
mod correct;
mod demands;
mod deposit;
mod describe;
mod hold;
mod number;

use std::collections::{BTreeMap, BTreeSet};

use releve_types::{
    AccountId, Currency, InvoiceId, Money, Period, Timestamp,
    ids::IssuerId,
    money::{MoneyError, WHOLE_DIGITS_MAX},
};

pub use self::{
    advance::Advances,
    correct::correct,
    demands::{BackBilling, Demands},
    deposit::{DEPOSIT_BASIS_VERSION, Deposit, DepositRef},
    hold::{Hold, HoldKind},
    number::{Number, due_at},
};
use crate::{
    Charge, ChargeKind, Drawn, Percent, Rated,
    orders::OrderRef,
    refusal::PriceError,
    tax::{ExchangeRate, Missing, RateClass, Stated, TaxError, Taxes, Vat, VatRate, tax},
};

/// For whom, from whom and for when a document is: the open book of an account's period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject {
    pub account: AccountId,
    pub issuer: IssuerId,
    pub period: Period,
    pub book: i32,
}

/// What an invoice says, whatever its state. Public fields: the store writes and reads it, and `check` is what
/// stands between a row and a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    pub account: AccountId,
    pub issuer: IssuerId,
    pub period: Period,
    /// The open book of the period when this was made; issuing closes it.
    pub book: i32,
    pub currency: Currency,
    /// The documents of the period that this one corrects, the first first; none on a first one.
    pub corrects: Vec<Corrected>,
    /// What the customer ordered it under.
    pub purchase_order: Option<OrderRef>,
    pub lines: Vec<Line>,
    /// The sum of the lines' rounded amounts, without taxes. Below zero, it is owed to the customer.
    pub total: Money,
}

/// A document that a correction refers to (EN 16931 BG-3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Corrected {
    pub id: InvoiceId,
    pub number: Number,
    pub issued_at: Timestamp,
}

/// What a document is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Invoice,
    /// Of money that was paid in advance (UNTDID 1001, 386).
    Deposit,
    /// More than was billed: an invoice that names the ones before.
    Correction,
    /// Less than was billed. What it owes is printed without a sign.
    CreditNote,
}

impl Kind {
    /// What a document is, by whether it corrects others, what it sums up to, and whether it is of an advance.
    pub const fn of(corrects: bool, total: Money, of_deposit: bool) -> Self {
        match (corrects, total.is_negative()) {
            (false, _) if of_deposit => Self::Deposit,
            (false, _) => Self::Invoice,
            (true, false) => Self::Correction,
            (true, true) => Self::CreditNote,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Deposit => "deposit",
            Self::Correction => "correction",
            Self::CreditNote => "credit_note",
        }
    }
}

impl Subject {
    fn content(self, currency: Currency, corrects: Vec<Corrected>, lines: Vec<Line>, total: Money) -> Content {
        let Self { account, issuer, period, book } = self;
        Content { account, issuer, period, book, currency, corrects, purchase_order: None, lines, total }
    }
}

impl Content {
    /// Whether it is of an advance: its invoice, or what takes it back.
    pub fn is_of_deposit(&self) -> bool {
        self.lines.iter().any(|line| matches!(line.charge.kind, ChargeKind::Deposit(_)))
    }

    pub fn kind(&self) -> Kind {
        Kind::of(!self.corrects.is_empty(), self.total, self.is_of_deposit())
    }
}

/// A charge with its place on the invoice and its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// From 1.
    pub line: i32,
    pub description: String,
    /// What was billed before, taken off again: its quantities and amount are those of then, negated.
    pub taken_back: bool,
    pub charge: Charge,
}

/// An invoice that could be issued: it says which VAT it bears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    content: Content,
    taxes: Taxes,
    advances: Advances,
}

/// An invoice that a person has to look at first. It has no way to be issued: what held it back is settled,
/// then it is made again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parked {
    content: Content,
    holds: Vec<Hold>,
}

/// An invoice as the customer has it. It never changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    content: Content,
    taxes: Taxes,
    advances: Advances,
    stamp: Stamp,
}

/// What issuing adds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    pub id: InvoiceId,
    pub number: Number,
    pub issued_at: Timestamp,
    pub due_at: Timestamp,
    /// The issuing digest: see `digest`.
    pub digest: [u8; 32],
}

/// What came of billing an account for a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing was used and nothing is open: no invoice.
    Nothing,
    Draft(Draft),
    Parked(Parked),
}

/// An invoice that contradicts itself, or a number that can't be printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    #[error("total: the lines sum to {sum}, the invoice says {total}")]
    Total { sum: Money, total: Money },
    #[error("{field}: {found} on an invoice in {currency}")]
    Currency { field: String, found: Currency, currency: Currency },
    #[error("lines[{line}].line: it is numbered {found}")]
    Numbering { line: usize, found: i32 },
    #[error("lines[{line}].{field}: {value}, where what is taken back or given is negative, and nothing else is")]
    Sign { line: usize, field: &'static str, value: String },
    #[error("lines[{line}].taken_back: nothing was billed before")]
    NothingBefore { line: usize },
    #[error("lines[{line}].unit_price: {error}")]
    UnitPrice { line: usize, error: PriceError },
    #[error("lines[{line}].base_quantity: {found}, where {expected} is the unit's")]
    BaseQuantity { line: usize, found: i64, expected: i64 },
    #[error("lines[{line}].amount: {quantity} × {unit_price} / {base_quantity} does not round to {amount}")]
    Product { line: usize, quantity: String, unit_price: String, base_quantity: i64, amount: Money },
    #[error("lines[{line}].discount: {percent} % of {gross} is not {discount}")]
    Discount { line: usize, percent: Percent, gross: Money, discount: Money },
    #[error("lines[{line}].stretch: {stretch} lies outside the period {period}")]
    Stretch { line: usize, stretch: Period, period: Period },
    #[error("lines[{line}]: the same price, project, stretch and tier as an earlier line")]
    Twice { line: usize },
    #[error("lines[{line}].amount: it passes what can be checked exactly")]
    TooLarge { line: usize },
    #[error("total: {0} has more than {WHOLE_DIGITS_MAX} digits before the point")]
    AboveAll(Money),
    #[error("vat[{at}]: {base} at {rate} % is not {tax}")]
    Tax { at: usize, base: Money, rate: VatRate, tax: Money },
    #[error("vat: {found} lines are taxed, of {lines}")]
    TaxedLines { found: usize, lines: usize },
    #[error("vat[{at}]: the lines taxed so sum to {sum}, it says {base}")]
    TaxBase { at: usize, sum: Money, base: Money },
    #[error("vat[{at}]: the same ground and rate as an earlier one")]
    TaxTwice { at: usize },
    #[error("vat: {found} of {lines} lines are in a subtotal")]
    LinesUntaxed { found: usize, lines: usize },
    #[error("vat[{at}]: no line is taxed so")]
    TaxOfNothing { at: usize },
    #[error("payable: {total} and VAT of {tax} are not {payable}")]
    Payable { total: Money, tax: Money, payable: Money },
    #[error("vat: {tax} is stated as {stated}, which its rate does not make of it")]
    Stated { tax: Money, stated: Money },
    #[error("advances: {paid} of {payable} is no part of it, or leaves other than {due}")]
    Advances { paid: Money, payable: Money, due: Money },
    #[error("advances[{at}]: {amount} has not the sign of what is payable, or its credit stands there twice")]
    Advance { at: usize, amount: Money },
    #[error("credits: {0}")]
    Credits(#[from] MoneyError),
    #[error(transparent)]
    Vat(#[from] TaxError),
    #[error("holds: a parked invoice says what holds it back")]
    NothingHolds,
    #[error("book: {0}, books are counted from 1")]
    Book(i32),
    #[error("series: '{0}' is not 1 to 12 of A-Z, 0-9 and '-'")]
    Series(String),
    #[error("year: {0} is not a year of four digits")]
    Year(i32),
    #[error("serial: {0} is not 0 (a placeholder) or above")]
    Serial(i64),
    #[error("due_at: {due_at} is before {issued_at}, when it is issued")]
    Due { issued_at: Timestamp, due_at: Timestamp },
}

/// Makes the invoice of a rated period, with the VAT that was decided for it. What has no price is one more hold, and
/// so is each fact without which nobody can say which VAT it bears.
pub fn draft(subject: Subject, rated: Rated, vat: VatOf<'_>, mut holds: Vec<Hold>) -> Result<Outcome, InvoiceError> {
    holds.extend(hold::unpriced(&rated.unpriced));
    if rated.charges.is_empty() && holds.is_empty() {
        return Ok(Outcome::Nothing);
    }
    let lines = describe::lines(rated.charges, &rated.called);
    decided(subject.content(rated.currency, Vec::new(), lines, rated.total), vat, holds)
}

/// How what is sold of a class is taxed, or all that has to be known first.
pub type VatOf<'a> = &'a dyn Fn(RateClass) -> Result<Vat, Vec<Missing>>;

/// A draft, if nothing speaks against it.
fn decided(content: Content, vat: VatOf<'_>, mut holds: Vec<Hold>) -> Result<Outcome, InvoiceError> {
    if content.corrects.is_empty() && content.total.is_negative() {
        holds.push(hold::below_zero(content.total));
    }
    let mut classes: BTreeSet<RateClass> = content.lines.iter().map(|line| line.charge.class).collect();
    if classes.is_empty() {
        classes.insert(RateClass::Standard);
    }
    let (mut vats, mut missing) = (BTreeMap::new(), Vec::new());
    for class in classes {
        match vat(class) {
            Ok(vat) => drop(vats.insert(class, vat)),
            Err(lacks) => missing.extend(lacks.into_iter().filter(|lack| !missing.contains(lack)).collect::<Vec<_>>()),
        }
    }
    holds.extend(missing.iter().map(hold::untaxed));
    let taxed = content.lines.iter().map(|line| Some((*vats.get(&line.charge.class)?, line.charge.amount)));
    let outcome = match taxed.collect::<Option<Vec<_>>>() {
        Some(taxed) if holds.is_empty() => {
            let taxes = tax(content.currency, taxed)?;
            let advances = Advances::none(taxes.payable);
            Outcome::Draft(Draft { content, taxes, advances })
        }
        _ => Outcome::Parked(Parked { content, holds }),
    };
    outcome.check()?;
    Ok(outcome)
}

/// Parks an account whose usage could not be turned into charges: without lines, for these reasons.
pub fn park(subject: Subject, currency: Currency, holds: Vec<Hold>) -> Result<Outcome, InvoiceError> {
    let content = subject.content(currency, Vec::new(), Vec::new(), Money::zero(currency));
    Parked::restore(content, holds).map(Outcome::Parked)
}

impl Outcome {
    fn check(&self) -> Result<(), InvoiceError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Draft(draft) => draft.check(),
            Self::Parked(parked) => parked.check(),
        }
    }
}

impl Draft {
    /// A draft put together again, checked again: nothing of it was paid before.
    pub fn restore(content: Content, taxes: Taxes) -> Result<Self, InvoiceError> {
        let advances = Advances::none(taxes.payable);
        let draft = Self { content, taxes, advances };
        draft.check()?;
        Ok(draft)
    }

    /// The same, under a purchase order.
    #[must_use]
    pub fn ordered(mut self, order: Option<OrderRef>) -> Self {
        self.content.purchase_order = order;
        self
    }

    /// The same, with its VAT in the currency of where it is owed.
    pub fn stated(mut self, rate: ExchangeRate) -> Result<Self, InvoiceError> {
        let tax = rate.convert(self.taxes.tax)?;
        self.taxes.stated = Some(Box::new(Stated { tax, rate }));
        self.check()?;
        Ok(self)
    }

    /// The same, with what it draws on credits that were paid in advance.
    pub fn drawing(self, drawn: Vec<Drawn>) -> Result<Self, InvoiceError> {
        let draft = Self { advances: Advances::of(self.taxes.payable, drawn)?, ..self };
        draft.check()?;
        Ok(draft)
    }

    pub const fn content(&self) -> &Content {
        &self.content
    }

    pub const fn taxes(&self) -> &Taxes {
        &self.taxes
    }

    pub const fn advances(&self) -> &Advances {
        &self.advances
    }

    /// Before it is stored: does it add up?
    pub fn check(&self) -> Result<(), InvoiceError> {
        check::content(&self.content)?;
        check::taxes(&self.content, &self.taxes)?;
        check::advances(&self.taxes, &self.advances)
    }

    /// Sets it aside for a person, for reasons that were found on looking at it.
    pub fn hold(self, holds: Vec<Hold>) -> Result<Parked, InvoiceError> {
        Parked::restore(self.content, holds)
    }

    pub fn issue(self, stamp: Stamp) -> Issued {
        Issued { content: self.content, taxes: self.taxes, advances: self.advances, stamp }
    }
}

impl Parked {
    pub fn restore(content: Content, holds: Vec<Hold>) -> Result<Self, InvoiceError> {
        let parked = Self { content, holds };
        parked.check()?;
        Ok(parked)
    }

    pub const fn content(&self) -> &Content {
        &self.content
    }

    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    pub fn check(&self) -> Result<(), InvoiceError> {
        if self.holds.is_empty() {
            return Err(InvoiceError::NothingHolds);
        }
        check::content(&self.content)
    }
}

impl Issued {
    /// An issued invoice read back from the store, checked again.
    pub fn restore(content: Content, taxes: Taxes, advances: Advances, stamp: Stamp) -> Result<Self, InvoiceError> {
        let issued = Self { content, taxes, advances, stamp };
        issued.check()?;
        Ok(issued)
    }

    pub const fn content(&self) -> &Content {
        &self.content
    }

    pub const fn taxes(&self) -> &Taxes {
        &self.taxes
    }

    pub const fn advances(&self) -> &Advances {
        &self.advances
    }

    pub const fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    pub fn check(&self) -> Result<(), InvoiceError> {
        let Stamp { issued_at, due_at, .. } = self.stamp;
        if due_at < issued_at {
            return Err(InvoiceError::Due { issued_at, due_at });
        }
        check::content(&self.content)?;
        check::taxes(&self.content, &self.taxes)?;
        check::advances(&self.taxes, &self.advances)
    }
}
