//! What did a period cost less or more than its documents say? What it should cost − all of them so far.
//!
//! Nothing is billed as a difference, since a difference of rounded amounts need not multiply out. What changed is taken
//! back as it was billed, and billed as it should be: two lines that each multiply out, and whose sum is the difference.
//! So the documents of a period add up to the one invoice that would have been, line by line.

use std::collections::BTreeMap;

use releve_types::{Money, Period, Sku, TenantId, ids::AgreementId, money::MoneyError};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    Content, Corrected, Hold, InvoiceError, Issued, Kind, Line, Outcome, Subject, VatOf, decided, describe, draft, hold,
};
use crate::{
    Allowance, Charge, ChargeKind, Rated,
    tax::{RateClass, Vat},
};

/// Where a charge stands: what makes it the same one on two documents, in the order of an invoice's lines. Its price is
/// part of that: what makes up for a minimum spend has another price each time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    of_account: bool,
    tenant: Option<TenantId>,
    project: String,
    sku: Sku,
    stretch: Period,
    kind: ChargeKind,
    tier: u32,
    unit_price: Decimal,
    discount: Option<AgreementId>,
}

/// Makes the document that brings a period's documents to what it should cost; nothing, if they say that already or if
/// it comes to nothing and no credit pays for it. It is taxed as they were. If they take each other back, nothing was billed: then it is a first
/// invoice, taxed as is decided now.
pub fn correct(
    subject: Subject,
    rated: Rated,
    before: &[Issued],
    vat: VatOf<'_>,
    mut holds: Vec<Hold>,
) -> Result<Outcome, InvoiceError> {
    let billed = net(before).map_err(|_| InvoiceError::TooLarge { line: 0 })?;
    if billed.is_empty() {
        return draft(subject, rated, vat, holds);
    }
    holds.extend(hold::unpriced(&rated.unpriced));
    let currency = rated.currency;
    let lines = changes(billed, rated.charges, &rated.called);
    let mut total = Money::zero(currency);
    for (at, line) in lines.iter().enumerate() {
        total = total.checked_add(line.charge.amount).map_err(|_| InvoiceError::TooLarge { line: at })?;
    }
    // What a credit pays for comes to nothing too, and takes something off the credit.
    let drawn = lines.iter().any(|line| matches!(line.charge.kind, ChargeKind::Credit(_)));
    if holds.is_empty() && total.is_zero() && !drawn {
        return Ok(Outcome::Nothing);
    }
    let corrected = |issued: &Issued| {
        let stamp = issued.stamp();
        Corrected { id: stamp.id, number: stamp.number.clone(), issued_at: stamp.issued_at }
    };
    let corrects = before.iter().map(corrected).collect();
    let as_before = |class| vat_before(before, class).map_or_else(|| vat(class), Ok);
    decided(subject.content(currency, corrects, lines, total), &as_before, holds)
}

/// How lines of a class were taxed on the latest document that has one.
fn vat_before(before: &[Issued], class: RateClass) -> Option<Vat> {
    let taxed = |issued: &Issued| {
        let mut lines = issued.content().lines.iter().zip(&issued.taxes().lines);
        lines.find(|(line, _)| line.charge.class == class).map(|(_, vat)| *vat)
    };
    before.iter().rev().find_map(taxed)
}

fn place(charge: &Charge) -> Place {
    let Charge { tenant, project, sku, stretch, kind, tier, unit_price, discount, .. } = charge;
    Place {
        of_account: tenant.is_none(),
        tenant: *tenant,
        project: project.clone(),
        sku: sku.clone(),
        stretch: *stretch,
        kind: *kind,
        tier: *tier,
        unit_price: *unit_price,
        discount: discount.map(|discount| discount.agreement),
    }
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
                if let (Some(off), Some(more)) = (&mut sum.discount, c.discount) {
                    off.amount = off.amount.checked_add(more.amount)?;
                }
            }
        }
    }
    net.retain(|_, c| (c.metered, c.billed, c.energy_mj) != (0, 0, 0) || !c.amount.is_zero());
    Ok(net)
}

/// What was billed and is no longer so, taken back, and what should be billed instead; what did not change is left out.
fn changes(mut billed: BTreeMap<Place, Charge>, charges: Vec<Charge>, called: &BTreeMap<Uuid, String>) -> Vec<Line> {
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
    let mut lines = describe::lines(charges, called);
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
        discount: charge.discount.map(|off| Allowance { amount: off.amount.negated(), ..off }),
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
