//! What does finance take away, and where does it go? Datasets of a month, as files in a directory or a bucket, with a manifest.
//!
//! A dataset is made file by file. What is done is noted beside the files, so an export that was interrupted goes on where it stopped, and
//! one that is run again finds what did not change. Files never change: a later version has its own, and its manifest names the one that it
//! takes the place of.

mod accruals;
mod engine;
mod facts;
mod files;
mod focus;
mod manifest;
mod run;

use std::{fmt, str::FromStr};

use releve_documents::table::Format;
use releve_types::{AccountId, BillingMonth, ids::IssuerId};

pub use self::{
    engine::{EXPORT_FILE_BYTES_MAX, Listener, Progress, export, path},
    facts::{chart, close, unbilled_at_end},
    files::focus_file,
    focus::FOCUS_ACCOUNTS_MAX,
    manifest::{FileEntry, Manifest},
    run::run,
};

/// What can be taken away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dataset {
    /// FOCUS 1.2, Cost and Usage.
    Focus,
    /// Documents of the month's usage, with their corrections.
    Invoices,
    InvoiceLines,
    /// Payments that were recorded in the month.
    Payments,
    UsageHours,
    AllocationHours,
    /// Entries of the month, by the days on which facts were entered.
    Journal,
    /// The month-end pack.
    MonthEnd,
}

impl Dataset {
    pub const ALL: [Self; 8] = [
        Self::Focus,
        Self::Invoices,
        Self::InvoiceLines,
        Self::Payments,
        Self::UsageHours,
        Self::AllocationHours,
        Self::Journal,
        Self::MonthEnd,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::Invoices => "invoices",
            Self::InvoiceLines => "invoice_lines",
            Self::Payments => "payments",
            Self::UsageHours => "usage_hours",
            Self::AllocationHours => "allocation_hours",
            Self::Journal => "journal",
            Self::MonthEnd => "month_end",
        }
    }

    /// Whether its files are made of one look at the books, and so are made again together.
    pub const fn is_made_at_once(self) -> bool {
        matches!(self, Self::Journal | Self::MonthEnd)
    }

    /// Whether it can be of one customer alone: money that came in, and the books, are the seller's.
    pub const fn is_of_accounts(self) -> bool {
        !matches!(self, Self::Payments | Self::Journal | Self::MonthEnd)
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text that names no dataset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no dataset: expected {names}", names = Dataset::ALL.map(Dataset::name).join(", "))]
pub struct DatasetError(pub String);

impl FromStr for Dataset {
    type Err = DatasetError;
    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let found = Self::ALL.into_iter().find(|dataset| dataset.name() == text);
        found.ok_or_else(|| DatasetError(text.chars().take(40).collect()))
    }
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportOrder {
    pub dataset: Dataset,
    pub format: Format,
    pub issuer: IssuerId,
    /// None: of all its customers.
    pub account: Option<AccountId>,
    /// Of the seller's calendar.
    pub month: BillingMonth,
}
