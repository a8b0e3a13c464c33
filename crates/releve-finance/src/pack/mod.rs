//! What does finance need to close a month? Tables, a page that names their figures, and the tie-outs that hold them together.
//!
//! Everything is told per currency; nothing is converted.

mod earned;
mod ledgers;
mod register;
mod schemas;
mod summary;
mod ties;

use releve_types::money::MoneyError;

pub use self::{
    summary::Figure,
    ties::{Focus, TieOut},
};
use crate::{journal::JournalError, month::Month, table::Table};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A month's pack.
#[derive(Clone, Debug)]
pub struct Pack {
    pub tables: Vec<Table>,
    pub figures: Vec<Figure>,
    pub ties: Vec<TieOut>,
}

impl Pack {
    /// Whether each tie-out comes to nothing.
    pub fn holds(&self) -> bool {
        self.ties.iter().all(TieOut::holds)
    }
}

/// Makes the pack of a month. `entries` are the month's journal; `focus` what its FOCUS rows sum up to.
pub fn pack(
    month: &Month,
    entries: &[crate::journal::Entry],
    chart: &crate::journal::Chart,
    focus: &Focus,
) -> Result<Pack, PackError> {
    let earned = earned::earned(month)?;
    let receivables = ledgers::receivables(month)?;
    let wallets = ledgers::wallets(month)?;
    let ties = ties::ties(month, &earned, entries, chart, focus, &receivables)?;
    let mut tables = vec![
        earned.revenue_table(month)?,
        earned.roll_forward_table(month)?,
        earned.closing_table(month),
        earned.late_table(month)?,
        earned.commitments_table(month)?,
        ledgers::wallets_table(month, &wallets, true),
        ledgers::wallets_table(month, &wallets, false),
        register::register(month),
        register::proof(month),
        register::vat(month)?,
        register::services_list(month)?,
        ledgers::receivables_table(month, &receivables),
        ledgers::statements(month)?,
    ];
    tables.push(ties::table(&ties));
    let figures = summary::figures(month, &earned, &receivables, &wallets)?;
    tables.push(summary::table(&figures));
    Ok(Pack { tables, figures, ties })
}
