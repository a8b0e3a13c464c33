//! What did a period cost less or more than its documents say? What it should cost − all of them so far.
//!
//! Nothing is billed as a difference, since a difference of rounded amounts need not multiply out. What changed is taken
//! back as it was billed, and billed as it should be: two lines that each multiply out, and whose sum is the difference.
//! So the documents of a period add up to the one invoice that would have been, line by line.

use std::collections::BTreeMap;

use releve_types::{Money, Period, Sku, TenantId, ids::PriceId, money::MoneyError};

use super::{
    Content, Corrected, Hold, InvoiceError, Issued, Kind, Line, Outcome, Subject, decided, describe, draft, hold,
};
use crate::{
    Charge, Rated,
    tax::{Missing, Vat},
};

/// Where a charge stands: what makes it the same one on two documents.
type Place = (TenantId, String, Sku, Period, PriceId, u32);

/// Makes the document that brings a period's documents to what it should cost; nothing, if they say that already or if
/// it comes to nothing. It is taxed as they were. If they take each other back, nothing was billed: then it is a first
/// invoice, taxed as is decided now.
pub fn correct(
    subject: Subject,
    rated: Rated,
    before: &[Issued],
    vat: Result<Vat, Vec<Missing>>,
    mut holds: Vec<Hold>,
) -> Result<Outcome, InvoiceError> {
    let billed = net(before).map_err(|_| InvoiceError::TooLarge { line: 0 })?;
    let (Some(vat_before), false) = (vat_of(before), billed.is_empty()) else {
        return draft(subject, rated, vat, holds);
    };
    holds.extend(hold::unpriced(&rated.unpriced));
    let currency = rated.currency;
    let lines = changes(billed, rated.charges);
    let mut total = Money::zero(currency);
    for (at, line) in lines.iter().enumerate() {
        total = total.checked_add(line.charge.amount).map_err(|_| InvoiceError::TooLarge { line: at })?;
    }
    if holds.is_empty() && total.is_zero() {
        return Ok(Outcome::Nothing);
    }
    let corrected = |issued: &Issued| {
        let stamp = issued.stamp();
        Corrected { id: stamp.id, number: stamp.number.clone(), issued_at: stamp.issued_at }
    };
    let corrects = before.iter().map(corrected).collect();
    decided(subject.content(currency, corrects, lines, total), Ok(vat_before), holds)
}

/// How the latest document with lines was taxed.
fn vat_of(before: &[Issued]) -> Option<Vat> {
    before.iter().rev().find_map(|issued| issued.taxes().lines.first()).copied()
}

fn place(charge: &Charge) -> Place {
    let Charge { tenant, project, sku, stretch, price_id, tier, .. } = charge;
    (*tenant, project.clone(), sku.clone(), *stretch, *price_id, *tier)
}

/// What the documents bill together: what one billed and a later one took back is gone.
fn net(before: &[Issued]) -> Result<BTreeMap<Place, Charge>, MoneyError> {
    let mut net: BTreeMap<Place, Charge> = BTreeMap::new();
    for line in before.iter().flat_map(|issued| &issued.content().lines) {
        let c = &line.charge;
        match net.get_mut(&place(c)) {
            None => drop(net.insert(place(c), c.clone())),
            Some(sum) => {
                let add = |a: i64, b: i64| a.checked_add(b).ok_or(MoneyError::TooLarge);
                sum.metered = add(sum.metered, c.metered)?;
                sum.billed = add(sum.billed, c.billed)?;
                sum.energy_mj = add(sum.energy_mj, c.energy_mj)?;
                sum.amount = sum.amount.checked_add(c.amount)?;
            }
        }
    }
    net.retain(|_, c| (c.metered, c.billed, c.energy_mj) != (0, 0, 0) || !c.amount.is_zero());
    Ok(net)
}

/// What was billed and is no longer so, taken back, and what should be billed instead; what did not change is left out.
fn changes(mut billed: BTreeMap<Place, Charge>, charges: Vec<Charge>) -> Vec<Line> {
    let mut changed: BTreeMap<(Place, bool), Charge> = BTreeMap::new();
    for charge in charges {
        let at = place(&charge);
        if billed.get(&at) == Some(&charge) {
            billed.remove(&at);
        } else {
            changed.insert((at, true), charge);
        }
    }
    changed.extend(billed.into_iter().map(|(at, charge)| ((at, false), negated(charge))));
    let (places, charges): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    let mut lines = describe::lines(charges);
    for (line, (_, billed_now)) in lines.iter_mut().zip(&places) {
        line.taken_back = !billed_now;
    }
    lines
}

fn negated(charge: Charge) -> Charge {
    Charge {
        metered: -charge.metered,
        billed: -charge.billed,
        energy_mj: -charge.energy_mj,
        amount: charge.amount.negated(),
        ..charge
    }
}

impl Content {
    /// As it is printed: a credit note says what it gives back without a sign, so what it takes back is positive.
    pub fn printed(&self) -> Self {
        if self.kind() != Kind::CreditNote {
            return self.clone();
        }
        let line = |line: &Line| Line { charge: negated(line.charge.clone()), ..line.clone() };
        Self { lines: self.lines.iter().map(line).collect(), total: self.total.negated(), ..self.clone() }
    }
}
