//! What does one account's period come to? Its document and the digest that it rests on, or why it is parked. Pure but for
//! the log: all that is needed was read before.

use releve_billing::{
    BackBilling, Basis, Contract, Demands, Hold, HoldKind, InvoiceError, Issued, Number, Outcome, Purse, RateError,
    Rated, Reports, Subject, Usage, correct,
    orders::{OpenOrder, order_for},
    park, rate,
};
use releve_documents::einvoice::Violation;
use releve_types::Timestamp;

use super::Sale;
use crate::{JobError, documents};

/// Why an account's usage does not become an invoice: its own affair, whatever the others' is.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("its usage can't be rated: {0}")]
    Rate(#[from] RateError),
    #[error("its invoice contradicts itself: {0}")]
    Invoice(#[from] InvoiceError),
    #[error("its document can't be written: {0}")]
    Document(#[from] JobError),
}

/// One account of the batch.
pub(super) struct One<'a> {
    pub subject: Subject,
    pub contract: &'a Contract,
    /// Whether all that was billed is taken back, whatever was used.
    pub void: bool,
    /// The documents of the period so far.
    pub before: Vec<Issued>,
    /// Between whom, and when: what VAT asks.
    pub sale: Sale<'a>,
    /// What it may draw on.
    pub purse: &'a Purse,
    /// What the customer ordered in advance.
    pub orders: &'a [OpenOrder],
    /// What stands for the number that it will get.
    pub number: &'a Number,
    pub now: Timestamp,
    pub reports: Reports,
}

impl One<'_> {
    /// Its outcome; with the text that it rests on, if it is a draft. Money assertions come in pairs: here before it is stored,
    /// in `releve_store::invoices` after it is loaded.
    pub fn billed(
        &self,
        used: Result<Usage, RateError>,
        holds: Vec<Hold>,
    ) -> Result<(Outcome, Option<String>), Refused> {
        let &Self { subject, contract, ref before, .. } = self;
        let (usage, rated, reports) = if self.void {
            (Usage::default(), Rated::nothing(contract), Reports::default())
        } else {
            let used = used?;
            let rated = rate(contract, subject.period, &used)?;
            (used, rated, self.reports)
        };
        let rated = self.purse.granted(rated)?;
        let outcome = correct(subject, rated, before, &|class| self.sale.vat(class), holds)?;
        let Outcome::Draft(draft) = outcome else { return Ok((outcome, None)) };
        let draft = match self.sale.stated(self.purse.paid(draft)?)? {
            Ok(draft) => draft,
            Err(parked) => return Ok((Outcome::Parked(parked), None)),
        };
        let required = self.sale.buyer.purchase_order_required && !self.void;
        let draft = match order_for(self.orders, draft.content(), before, required) {
            Ok(order) => draft.ordered(order),
            Err(unmet) => return Ok((Outcome::Parked(draft.hold(vec![unmet])?), None)),
        };
        if !self.void {
            let unmet = self.demands().unmet(draft.content(), before, self.now)?;
            if !unmet.is_empty() {
                return Ok((Outcome::Parked(draft.hold(unmet)?), None));
            }
        }
        let broken = documents::violations(&draft, &self.sale.parties(), self.number, self.now)?;
        if !broken.is_empty() {
            let parked = draft.hold(broken.iter().map(breaks).collect())?;
            return Ok((Outcome::Parked(parked), None));
        }
        let vat = draft.taxes().subtotals.iter().map(|subtotal| subtotal.vat).collect();
        let corrects = draft.content().corrects.iter().map(|c| c.number.to_string()).collect();
        let credits = self.purse.offers();
        let exchange = draft.taxes().stated.as_ref().map(|stated| &stated.rate);
        let basis =
            Basis { subject, contract, usage: &usage, vat, exchange, corrects, void: self.void, credits, reports };
        let text = basis.text()?;
        Ok((Outcome::Draft(draft), Some(text)))
    }

    /// What its documents have to meet; a person who takes all back has looked.
    fn demands(&self) -> Demands<'_> {
        let Sale { buyer, issuer, .. } = self.sale;
        let until = |months: u16| {
            let ended = issuer.zone.month_of(self.subject.period.end());
            let last = (0..months).fold(ended, |month, _| month.next());
            BackBilling { months, until: issuer.zone.month(last).start() }
        };
        Demands {
            reference: &buyer.buyer_reference,
            reference_required: buyer.buyer_reference_required,
            ceiling: buyer.invoice_ceiling,
            correction_min: buyer.correction_min,
            back_billing: buyer.back_billing_months.map(until),
        }
    }

    /// Parks it alone, with the reason beside what else holds it back.
    pub fn set_aside(&self, refused: &Refused, mut holds: Vec<Hold>) -> Result<Outcome, JobError> {
        let &Self { subject, contract, .. } = self;
        let Subject { account, period, .. } = subject;
        tracing::error!(%account, %period, %refused, "an account is parked, since it can't be billed");
        metrics::counter!("releve_accounts_unratable_total").increment(1);
        holds.push(Hold {
            kind: HoldKind::Unratable,
            detail: refused.to_string(),
            to_do:
                "look at this account's usage, readings and prices of the period: withdraw or correct what can't be \
                    meant, then run again"
                    .to_owned(),
            gpu_ms: None,
        });
        let parked = park(subject, contract.currency(), holds);
        parked.map_err(|error| JobError::Invoice { account, error })
    }
}

/// A rule of electronic invoices that would be broken: nothing is given a number that the network refuses.
fn breaks(violation: &Violation) -> Hold {
    let Violation { rule, field, message } = violation;
    Hold {
        kind: HoldKind::Tax,
        detail: format!("{rule}: {field}"),
        to_do: format!("{message}; then run again"),
        gpu_ms: None,
    }
}
