//! What may a period draw on? What its documents drew before, first, and then what is left of each credit.

use std::{collections::BTreeMap, sync::Arc};

use releve_types::{Currency, Day, Money, Period, ids::CreditId};

use super::{Credit, CreditKind, draw};
use crate::{Advances, Charge, ChargeKind, Content, DepositRef, Draft, InvoiceError, Issued, Rated};

/// What one credit offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    pub credit: Arc<Credit>,
    /// Whether the period's documents have drawn it already: it stays drawn as far as there is something to pay for.
    pub kept: bool,
    pub amount: Money,
}

impl Offer {
    pub(super) fn covers(&self, charge: &Charge) -> bool {
        match self.credit.kind() {
            CreditKind::Granted { scope } => scope.covers(charge.tenant, &charge.project, &charge.sku),
            CreditKind::Paid { .. } => false,
        }
    }

    pub(super) fn is_paid(&self) -> bool {
        matches!(self.credit.kind(), CreditKind::Paid { .. })
    }
}

/// What a document takes of a credit that was paid in advance, with VAT; what a credit note gives back to it is below zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drawn {
    pub credit: CreditId,
    /// When the advance was paid.
    pub paid_on: Day,
    /// The invoice that the advance got when it was paid: its VAT stands there.
    pub deposit: Option<Box<DepositRef>>,
    pub amount: Money,
}

/// What a document takes of each credit: by the lines of granted ones, and of its advances. What it gives back is below zero.
pub fn drawn(content: &Content, advances: &Advances) -> Result<BTreeMap<CreditId, Money>, InvoiceError> {
    let granted = content.lines.iter().filter_map(|line| match line.charge.kind {
        ChargeKind::Credit(id) => Some((id, line.charge.amount.negated())),
        _ => None,
    });
    let mut of: BTreeMap<CreditId, Money> = BTreeMap::new();
    for (id, amount) in granted.chain(advances.drawn.iter().map(|drawn| (drawn.credit, drawn.amount))) {
        let sum = of.entry(id).or_insert(Money::zero(content.currency));
        *sum = sum.checked_add(amount)?;
    }
    of.retain(|_, amount| !amount.is_zero());
    Ok(of)
}

/// What a period may draw on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Purse {
    /// In the order in which they are drawn: what was drawn before first.
    offers: Vec<Offer>,
    period: Period,
    /// What the period's documents charge before granted credits, and what is payable on them.
    charged: Vec<Charge>,
    payable: Money,
}

impl Purse {
    /// Of a period with these documents, and credits with what is left of them: all that the documents draw on, and those that may
    /// pay for the period. Others are passed over.
    pub fn new(
        period: Period,
        currency: Currency,
        before: &[Issued],
        mut credits: Vec<(Arc<Credit>, Money)>,
    ) -> Result<Self, InvoiceError> {
        credits.retain(|(credit, _)| credit.currency() == currency);
        credits.sort_by_key(|(credit, _)| credit.turn());
        let mut kept: BTreeMap<CreditId, Money> = BTreeMap::new();
        for issued in before {
            for (id, amount) in drawn(issued.content(), issued.advances())? {
                let sum = kept.entry(id).or_insert(Money::zero(currency));
                *sum = sum.checked_add(amount)?;
            }
        }
        // Both in the order of the credits: what no longer fits goes back to the last.
        let offer = |credit: &Arc<Credit>, kept, amount: Money| {
            (!amount.is_zero()).then(|| Offer { credit: Arc::clone(credit), kept, amount })
        };
        let drawn = credits.iter().filter_map(|(credit, _)| offer(credit, true, *kept.get(&credit.id())?));
        let open = credits.iter().filter(|(credit, _)| credit.pays_for(period));
        let offers = drawn.chain(open.filter_map(|(credit, left)| offer(credit, false, *left))).collect();
        Self::recorded(period, currency, before, offers)
    }

    /// The same, of what was offered.
    pub fn recorded(
        period: Period,
        currency: Currency,
        before: &[Issued],
        offers: Vec<Offer>,
    ) -> Result<Self, InvoiceError> {
        let (mut charged, mut payable) = (Vec::new(), Money::zero(currency));
        for issued in before {
            payable = payable.checked_add(issued.taxes().payable)?;
            let lines = issued.content().lines.iter().map(|line| &line.charge);
            charged.extend(lines.filter(|charge| !matches!(charge.kind, ChargeKind::Credit(_))).cloned());
        }
        Ok(Self { offers, period, charged, payable })
    }

    /// In the order in which they are drawn.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// What a period costs with the lines of what granted credits take off it. What its documents drew stays drawn as far as
    /// it still finds what it pays for; more is drawn only as far as that costs more than they say.
    pub fn granted(&self, mut rated: Rated) -> Result<Rated, InvoiceError> {
        for offer in &self.offers {
            rated.called.insert(offer.credit.id().uuid(), offer.credit.description().to_owned());
        }
        for line in draw::granted(&rated, &self.charged, &self.offers, self.period)? {
            rated.total = rated.total.checked_add(line.amount)?;
            rated.charges.push(line);
        }
        Ok(rated)
    }

    /// A draft with what credits paid in advance take of it, or get back of it.
    pub fn paid(&self, draft: Draft) -> Result<Draft, InvoiceError> {
        let payable = draft.taxes().payable;
        let all = self.payable.checked_add(payable)?;
        let paid: Vec<Offer> = self.offers.iter().filter(|offer| offer.is_paid()).cloned().collect();
        let drawn = draw::paid(&paid, all, payable)?;
        let of = |(id, amount)| {
            let offer = paid.iter().find(|offer| offer.credit.id() == id)?;
            match offer.credit.kind() {
                CreditKind::Paid { paid_on, deposit } => {
                    Some(Drawn { credit: offer.credit.id(), paid_on: *paid_on, deposit: deposit.clone(), amount })
                }
                CreditKind::Granted { .. } => None,
            }
        };
        draft.drawing(drawn.into_iter().filter_map(of).collect())
    }
}
