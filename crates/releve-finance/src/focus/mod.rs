//! What does a document, or what is not invoiced yet, say in FOCUS (FinOps Open Cost and Usage Specification 1.2)?
//!
//! - Usage is a row per line, allocation and day, at prices that multiply out; nothing is rounded to cents.
//! - What was reserved is bought (`Purchase`, billed) and then used or left unused (`Usage`, effective).
//! - VAT is a row per ground and rate (`Tax`). What was paid in advance takes off what is billed (`Credit`), and is bought when it is paid.
//! - What rounding to cents makes of each tenant's lines is a row of its own (`Adjustment`).
//!
//! So the billed costs of an invoice sum up to what is due on it, and the effective costs without tax to its lines, exactly.

pub mod check;
mod columns;
mod rows;
mod sold;
mod split;

use std::collections::BTreeMap;

use releve_billing::{Charge, Drawn, Issued, Rated, tax::Subtotal};
use releve_types::{AllocationId, Currency, Period, TenantId};

pub use self::{
    columns::{Category, FOCUS_VERSION, FocusRow, Frequency, SCHEMA},
    rows::{Advanced, advance, rows, total, waiting},
    split::Piece,
};
use crate::exact::TooLarge;

/// What the rows of an account are made of beside its document.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub seller: &'a str,
    /// Id and name.
    pub account: (&'a str, &'a str),
    /// The month in which it is billed: of a correction the one in which it was issued.
    pub billing: Period,
    pub tenants: &'a BTreeMap<TenantId, String>,
    /// Sorted by tenant, project, SKU and time.
    pub pieces: &'a [Piece],
    pub workloads: &'a BTreeMap<AllocationId, Workload>,
}

/// What an allocation is called by whoever made it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Workload {
    pub name: Option<String>,
    pub labels: BTreeMap<String, String>,
}

/// A line, of whatever.
#[derive(Clone, Copy, Debug)]
pub struct SourceLine<'a> {
    pub line: Option<i32>,
    pub description: &'a str,
    pub taken_back: bool,
    pub charge: &'a Charge,
}

/// What becomes rows.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    pub number: Option<String>,
    pub currency: Currency,
    /// Of a month that was invoiced before.
    pub correction: bool,
    /// What tax and rounding are charged for; none: the month in which it is billed.
    pub charged: Option<Period>,
    pub lines: Vec<SourceLine<'a>>,
    pub taxes: &'a [Subtotal],
    pub drawn: &'a [Drawn],
}

impl<'a> Source<'a> {
    pub fn issued(issued: &'a Issued, correction: bool) -> Self {
        let content = issued.content();
        let line = |line: &'a releve_billing::Line| SourceLine {
            line: Some(line.line),
            description: &line.description,
            taken_back: line.taken_back,
            charge: &line.charge,
        };
        Self {
            number: Some(issued.stamp().number.to_string()),
            currency: content.currency,
            correction,
            charged: Some(content.period),
            lines: content.lines.iter().map(line).collect(),
            taxes: &issued.taxes().subtotals,
            drawn: &issued.advances().drawn,
        }
    }

    /// What was used and is on no document yet; VAT is decided when it is.
    pub fn unbilled(rated: &'a Rated) -> Self {
        let line = |charge| SourceLine { line: None, description: "Not invoiced yet", taken_back: false, charge };
        Self {
            number: None,
            currency: rated.currency,
            correction: false,
            charged: None,
            lines: rated.charges.iter().map(line).collect(),
            taxes: &[],
            drawn: &[],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FocusError {
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("{invoice}: {faults}")]
    Broken { invoice: String, faults: String },
}
