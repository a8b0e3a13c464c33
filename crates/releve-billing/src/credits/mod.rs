//! What of an account's credits pays for a period?
//!
//! What was granted is a price reduction: it takes off what is taxed, as lines below zero (Directive 2006/112/EC, art. 79).
//! What was paid in advance is money: it takes off what is payable with VAT (EN 16931 BT-113). So what is granted is always drawn
//! before what is paid; among each kind by priority, then by expiry, then the older first.

mod draw;
mod purse;

use releve_types::{Currency, Day, Hour, Money, Period, Timestamp, ids::CreditId};

pub use self::purse::{Drawn, Offer, Purse, drawn};
use crate::{
    DepositRef, PriceError, PriceReason, Scope,
    agreed::{check_description, dated},
};

/// The last priority: the lower, the earlier it is drawn.
pub const PRIORITY_MAX: u16 = 1_000;
/// A credit's priority where none is given.
pub const PRIORITY_DEFAULT: u16 = 500;

/// Whose money it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CreditKind {
    /// The seller's: given for nothing, for what the scope says.
    Granted { scope: Scope },
    /// The customer's: paid in advance, on a day; with the deposit invoice that it got, if it got one.
    Paid { paid_on: Day, deposit: Option<Box<DepositRef>> },
}

impl CreditKind {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Granted { .. } => "granted",
            Self::Paid { .. } => "paid",
        }
    }
}

/// Money that an account may draw on, in periods that it and they share an hour of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credit {
    id: CreditId,
    description: String,
    kind: CreditKind,
    amount: Money,
    priority: u16,
    from: Hour,
    expires: Option<Hour>,
}

/// What a credit is, in whoever's words it was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCredit {
    pub description: String,
    pub kind: CreditKind,
    pub amount: Money,
    pub priority: u16,
    pub from: Timestamp,
    /// The first instant at which it is none any more.
    pub expires: Option<Timestamp>,
}

impl Credit {
    pub fn new(id: CreditId, new: NewCredit) -> Result<Self, PriceError> {
        let NewCredit { description, kind, amount, priority, from, expires } = new;
        check_description(&description)?;
        if amount.is_negative() || amount.is_zero() {
            return Err(PriceReason::CreditOfNothing(amount).at("amount"));
        }
        if priority > PRIORITY_MAX {
            return Err(PriceReason::Priority { priority, max: PRIORITY_MAX }.at("priority"));
        }
        let (from, expires) = dated(from, expires, "expires")?;
        Ok(Self { id, description, kind, amount, priority, from, expires })
    }

    pub const fn id(&self) -> CreditId {
        self.id
    }

    /// What its line says.
    pub fn description(&self) -> &str {
        &self.description
    }

    pub const fn kind(&self) -> &CreditKind {
        &self.kind
    }

    /// What it was when it was made.
    pub const fn amount(&self) -> Money {
        self.amount
    }

    pub const fn currency(&self) -> Currency {
        self.amount.currency()
    }

    pub const fn priority(&self) -> u16 {
        self.priority
    }

    pub const fn from(&self) -> Hour {
        self.from
    }

    pub const fn expires(&self) -> Option<Hour> {
        self.expires
    }

    /// Whether it may pay for a period: one that has an hour in which it holds.
    pub fn pays_for(&self, period: Period) -> bool {
        self.from < period.end_hour() && self.expires.is_none_or(|expires| period.first_hour() < expires)
    }

    /// In which order credits are drawn.
    fn turn(&self) -> (bool, u16, bool, Option<Hour>, CreditId) {
        let paid = matches!(self.kind, CreditKind::Paid { .. });
        (paid, self.priority, self.expires.is_none(), self.expires, self.id)
    }
}
