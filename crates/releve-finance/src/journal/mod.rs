//! How is a month booked? One balanced entry per fact.
//!
//! | fact | debit | credit |
//! | --- | --- | --- |
//! | invoice | customers (with VAT) | revenue by VAT treatment; VAT |
//! | deposit invoice | customers | advances; VAT |
//! | credit note | as above, the other way | |
//! | payment | bank | clearing |
//! | settled, or paid in advance | clearing | customers; advances where the advance has no deposit invoice |
//! | drawn by an invoice | advances; VAT that the deposit invoice bore | customers |
//! | advance expired | advances (without that VAT, which stays due) | expired advances |
//! | advance taken back | advances | clearing |
//! | written off | bad debts | customers |
//!
//! What is not invoiced at the end of a month is no entry here but stands in the month-end pack, for the accountant's closing entries.

mod chart;
mod entries;

use releve_types::{Currency, Day, Money, money::MoneyError};

pub use self::{
    chart::{Chart, ChartError, LEDGER_CHARS_MAX, Ledger},
    entries::entries,
};
use crate::table::{Cell, Column, ColumnType, Row, Schema};

/// Which book an entry is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Journal {
    Sales,
    Bank,
    General,
}

impl Journal {
    pub const ALL: [Self; 3] = [Self::Sales, Self::Bank, Self::General];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Sales => "VE",
            Self::Bank => "BQ",
            Self::General => "OD",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Sales => "Ventes",
            Self::Bank => "Banque",
            Self::General => "Opérations diverses",
        }
    }
}

/// One line of an entry. What is above zero is debit, what is below credit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posting {
    pub ledger: Ledger,
    /// The customer's account and name, on the ledger of customers and that of advances.
    pub customer: Option<(String, String)>,
    pub amount: Money,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub journal: Journal,
    /// Continuous within the journal and month.
    pub number: String,
    pub date: Day,
    /// The document, or the bank's reference.
    pub piece: String,
    pub piece_date: Day,
    pub label: String,
    pub postings: Vec<Posting>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("entry {number} ({piece}) is off balance by {off}")]
    Unbalanced { number: String, piece: String, off: Money },
    #[error("{0}: its lines are not among what was read")]
    Incomplete(String),
}

impl Entry {
    pub fn currency(&self) -> Option<Currency> {
        self.postings.first().map(|posting| posting.amount.currency())
    }

    pub fn check(&self) -> Result<(), JournalError> {
        let Some(currency) = self.currency() else { return Ok(()) };
        let off = Money::sum(self.postings.iter().map(|posting| posting.amount), currency)?;
        if off.is_zero() {
            return Ok(());
        }
        Err(JournalError::Unbalanced { number: self.number.clone(), piece: self.piece.clone(), off })
    }
}

/// The 18 columns of the Fichier des écritures comptables (LPF art. A. 47 A-1), in their order.
pub const SCHEMA: Schema = Schema {
    name: "journal",
    columns: &[
        Column::new("JournalCode", ColumnType::Text),
        Column::new("JournalLib", ColumnType::Text),
        Column::new("EcritureNum", ColumnType::Text),
        Column::new("EcritureDate", ColumnType::Date),
        Column::new("CompteNum", ColumnType::Text),
        Column::new("CompteLib", ColumnType::Text),
        Column::new("CompAuxNum", ColumnType::Text).nullable(),
        Column::new("CompAuxLib", ColumnType::Text).nullable(),
        Column::new("PieceRef", ColumnType::Text),
        Column::new("PieceDate", ColumnType::Date),
        Column::new("EcritureLib", ColumnType::Text),
        Column::new("Debit", ColumnType::Decimal(2)),
        Column::new("Credit", ColumnType::Decimal(2)),
        Column::new("EcritureLet", ColumnType::Text).nullable(),
        Column::new("DateLet", ColumnType::Date).nullable(),
        Column::new("ValidDate", ColumnType::Date),
        Column::new("Montantdevise", ColumnType::Decimal(2)).nullable(),
        Column::new("Idevise", ColumnType::Text).nullable(),
    ],
};

/// The currency in which books are kept: amounts in another are told beside, and not converted.
pub const BOOKS: Currency = Currency::Eur;

/// An entry's lines as rows.
pub fn rows(entry: &Entry) -> Vec<Row> {
    let row = |posting: &Posting| {
        let amount = posting.amount;
        let (debit, credit) = match amount.is_negative() {
            true => (Money::zero(amount.currency()), amount.negated()),
            false => (amount, Money::zero(amount.currency())),
        };
        let foreign = amount.currency() != BOOKS;
        let customer = posting.customer.as_ref();
        vec![
            Cell::text(entry.journal.code()),
            Cell::text(entry.journal.label()),
            Cell::text(&*entry.number),
            Cell::Date(entry.date),
            Cell::text(&*posting.ledger.number),
            Cell::text(&*posting.ledger.label),
            customer.map_or(Cell::Null, |(id, _)| Cell::text(&**id)),
            customer.map_or(Cell::Null, |(_, name)| Cell::text_or_null(&**name)),
            Cell::text(&*entry.piece),
            Cell::Date(entry.piece_date),
            Cell::text(&*entry.label),
            debit.into(),
            credit.into(),
            Cell::Null,
            Cell::Null,
            Cell::Date(entry.date),
            if foreign { amount.into() } else { Cell::Null },
            if foreign { Cell::text(amount.currency().code()) } else { Cell::Null },
        ]
    };
    entry.postings.iter().filter(|posting| !posting.amount.is_zero()).map(row).collect()
}
