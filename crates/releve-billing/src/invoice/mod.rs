//! What does an account owe for a period? A draft, a parked or an issued invoice: three types, so that no code
//! can issue what is parked or change what is issued.

mod check;
mod describe;
mod hold;
mod number;

use releve_types::{AccountId, Currency, InvoiceId, Money, Period, Timestamp, ids::IssuerId};

pub use self::{
    hold::{Hold, HoldKind},
    number::{Number, due_at},
};
use crate::{Charge, Rated, refusal::PriceError};

/// Digits before the point of the largest total: what is above has no place on an invoice, nor in the database.
pub const AMOUNT_DIGITS_MAX: u32 = 19;

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
    pub lines: Vec<Line>,
    /// The sum of the lines' rounded amounts, without taxes.
    pub total: Money,
}

/// A charge with its place on the invoice and its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// From 1.
    pub line: i32,
    pub description: String,
    pub charge: Charge,
}

/// An invoice that could be issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft(Content);

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
    #[error("lines[{line}].{field}: {value} is negative")]
    Negative { line: usize, field: &'static str, value: String },
    #[error("lines[{line}].unit_price: {error}")]
    UnitPrice { line: usize, error: PriceError },
    #[error("lines[{line}].base_quantity: {found}, where {expected} is the unit's")]
    BaseQuantity { line: usize, found: i64, expected: i64 },
    #[error("lines[{line}].amount: {quantity} × {unit_price} / {base_quantity} does not round to {amount}")]
    Product { line: usize, quantity: String, unit_price: String, base_quantity: i64, amount: Money },
    #[error("lines[{line}].stretch: {stretch} lies outside the period {period}")]
    Stretch { line: usize, stretch: Period, period: Period },
    #[error("lines[{line}]: the same price, project, stretch and tier as an earlier line")]
    Twice { line: usize },
    #[error("lines[{line}].amount: it passes what can be checked exactly")]
    TooLarge { line: usize },
    #[error("total: {0} has more than {AMOUNT_DIGITS_MAX} digits before the point")]
    AboveAll(Money),
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

/// Makes the invoice of a rated period. What has no price is one more hold.
pub fn draft(
    account: AccountId,
    issuer: IssuerId,
    period: Period,
    book: i32,
    rated: Rated,
    mut holds: Vec<Hold>,
) -> Outcome {
    holds.extend(hold::unpriced(&rated.unpriced));
    if rated.charges.is_empty() && holds.is_empty() {
        return Outcome::Nothing;
    }
    let lines = describe::lines(rated.charges);
    let content = Content { account, issuer, period, book, currency: rated.currency, lines, total: rated.total };
    if holds.is_empty() { Outcome::Draft(Draft(content)) } else { Outcome::Parked(Parked { content, holds }) }
}

/// Parks an account whose usage could not be turned into charges: without lines, for these reasons.
pub fn park(
    account: AccountId,
    issuer: IssuerId,
    period: Period,
    book: i32,
    currency: Currency,
    holds: Vec<Hold>,
) -> Result<Outcome, InvoiceError> {
    let total = Money::zero(currency);
    let content = Content { account, issuer, period, book, currency, lines: Vec::new(), total };
    Parked::restore(content, holds).map(Outcome::Parked)
}

impl Outcome {
    /// Before it is stored: does it add up?
    pub fn check(&self) -> Result<(), InvoiceError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Draft(draft) => draft.check(),
            Self::Parked(parked) => parked.check(),
        }
    }
}

impl Draft {
    /// A draft read back from the store, checked again.
    pub fn restore(content: Content) -> Result<Self, InvoiceError> {
        check::content(&content)?;
        Ok(Self(content))
    }

    pub const fn content(&self) -> &Content {
        &self.0
    }

    /// Before it is stored: does it add up?
    pub fn check(&self) -> Result<(), InvoiceError> {
        check::content(&self.0)
    }

    pub fn issue(self, stamp: Stamp) -> Issued {
        Issued { content: self.0, stamp }
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
    pub fn restore(content: Content, stamp: Stamp) -> Result<Self, InvoiceError> {
        let issued = Self { content, stamp };
        issued.check()?;
        Ok(issued)
    }

    pub const fn content(&self) -> &Content {
        &self.content
    }

    pub const fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    pub fn check(&self) -> Result<(), InvoiceError> {
        let Stamp { issued_at, due_at, .. } = self.stamp;
        if due_at < issued_at {
            return Err(InvoiceError::Due { issued_at, due_at });
        }
        check::content(&self.content)
    }
}
