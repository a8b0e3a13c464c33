//! Which rules does a document break? Asked before it is issued: what the network refuses later has a number already.
//!
//! The rules are those of EN 16931-1 clause 6.4 under the ids of its official Schematron (CEN/TC 434, 1.3.16), and of
//! France's XP Z12-012 (1.4.0) for that profile. Only rules that the model's types leave open are here: a document
//! without a currency, say, does not compile. Where the official test allows ±1, ours is exact.

mod decimals;
mod france;
mod lists;
mod own;
mod terms;
mod totals;
mod vat;

use super::{EInvoice, Profile};

/// One rule that one place of the document breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The official id; `RELEVE-…` where the rule is ours alone.
    pub rule: &'static str,
    /// The business term, and where it is in the model: `BT-131 lines[2].net`.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// What the document breaks; nothing if it may be issued.
pub fn check(invoice: &EInvoice) -> Vec<Violation> {
    let mut found = Findings(Vec::new());
    terms::check(invoice, &mut found);
    lists::check(invoice, &mut found);
    decimals::check(invoice, &mut found);
    totals::check(invoice, &mut found);
    vat::check(invoice, &mut found);
    own::check(invoice, &mut found);
    if invoice.profile == Profile::FranceCtc {
        france::check(invoice, &mut found);
    }
    found.0
}

/// The violations so far.
struct Findings(Vec<Violation>);

impl Findings {
    fn want(&mut self, holds: bool, rule: &'static str, field: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.0.push(Violation { rule, field: field.into(), message: message.into() });
        }
    }
}
