//! What did an import make, and what not? As it is printed, and as `--json` prints it.

use std::fmt::{self, Display};

use releve_lago::{
    Plan,
    read::{Ignored, Reject},
    rows::Place,
};
use serde::Serialize;

/// Lines of a kind that are printed; `--json` has them all.
const SHOWN_MAX: usize = 40;

/// What was done for a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    Made,
    /// It was there, and says the same.
    Known,
    Updated,
}

/// One thing of the plan, and what it became.
#[derive(Serialize, Debug)]
pub struct StepView {
    pub kind: &'static str,
    pub lago_id: String,
    pub done: Done,
    pub ours: String,
}

/// A row, or a field of one, that was not taken over.
#[derive(Serialize, Debug)]
pub struct LeftView {
    pub file: String,
    pub row: usize,
    pub id: String,
    pub field: String,
    pub reason: String,
}

#[derive(Serialize, Debug)]
pub struct LastNumberView {
    pub series: String,
    pub number: String,
}

/// What an import came to.
#[derive(Serialize, Debug, Default)]
pub struct Outcome {
    pub dry_run: bool,
    pub issuer: String,
    /// Of the export.
    pub rows: usize,
    pub made: usize,
    pub known: usize,
    pub updated: usize,
    pub steps: Vec<StepView>,
    /// Rows that became nothing.
    pub rejected: Vec<LeftView>,
    /// Fields without which a row was taken over, and changes that can't be followed.
    pub left_out: Vec<LeftView>,
    pub ignored: Vec<LeftView>,
    pub last_numbers: Vec<LastNumberView>,
}

impl Outcome {
    pub fn of(plan: &Plan, issuer: &str, dry_run: bool) -> Self {
        let mut outcome = Self { dry_run, issuer: issuer.to_owned(), rows: plan.rows, ..Self::default() };
        for Reject { place, field, reason, whole } in &plan.rejects {
            let left = left(place, field, reason);
            if *whole { outcome.rejected.push(left) } else { outcome.left_out.push(left) }
        }
        outcome.ignored =
            plan.ignored.iter().map(|Ignored { place, field, reason }| left(place, field, reason)).collect();
        let last =
            |l: &releve_lago::plan::LastNumber| LastNumberView { series: l.series.clone(), number: l.number.clone() };
        outcome.last_numbers = plan.last_numbers.iter().map(last).collect();
        outcome
    }

    pub fn did(&mut self, kind: &'static str, place: &Place, done: Done, ours: impl Display) {
        match done {
            Done::Made => self.made += 1,
            Done::Known => self.known += 1,
            Done::Updated => self.updated += 1,
        }
        self.steps.push(StepView { kind, lago_id: place.id.clone(), done, ours: ours.to_string() });
    }

    pub fn reject(&mut self, place: &Place, field: &str, reason: impl Display) {
        self.rejected.push(left(place, field, reason));
    }

    pub fn leave_out(&mut self, place: &Place, field: &str, reason: impl Display) {
        self.left_out.push(left(place, field, reason));
    }
}

fn left(place: &Place, field: &str, reason: impl Display) -> LeftView {
    let Place { file, row, id } = place.clone();
    LeftView { file, row, id, field: field.to_owned(), reason: reason.to_string() }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, made, known, updated, issuer, .. } = self;
        let would = if self.dry_run { "would be " } else { "" };
        write!(
            f,
            "{rows} rows for '{issuer}': {made} things {would}made, {updated} {would}updated, {known} known before"
        )?;
        for (what, list) in [("rejected", &self.rejected), ("left out", &self.left_out), ("ignored", &self.ignored)] {
            write!(f, "\n{}: {}", what, list.len())?;
            for LeftView { file, row, id, field, reason } in list.iter().take(SHOWN_MAX) {
                let field = if field.is_empty() { String::new() } else { format!(" {field}") };
                write!(f, "\n  {file}:{row} {id}{field}: {reason}")?;
            }
            if list.len() > SHOWN_MAX {
                write!(f, "\n  and {} more: --json lists them all", list.len() - SHOWN_MAX)?;
            }
        }
        for LastNumberView { series, number } in &self.last_numbers {
            write!(f, "\nLago's last number in {series}: {number}")?;
        }
        Ok(())
    }
}
