//! What VAT does an invoice bear? Once per ground and rate, on the sum of the lines' rounded amounts.
//!
//! EN 16931 BG-23: BT-117 = BT-116 × BT-119 ÷ 100, rounded once (BR-CO-17); what is due is the sum of the lines and
//! of these (BR-CO-15). Rounding line by line would give other cents, and is not allowed there.

use releve_types::{
    Currency, Money,
    money::{MoneyError, exact_product},
};
use rust_decimal::Decimal;

use super::{Category, Ground, Stated, VatRate};
use crate::Kind;

/// How a line is taxed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Vat {
    pub ground: Ground,
    pub rate: VatRate,
}

impl Vat {
    /// Nothing is charged, on this ground.
    pub const fn free(ground: Ground) -> Self {
        Self { ground, rate: VatRate::ZERO }
    }
}

/// EN 16931 BG-23.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subtotal {
    pub vat: Vat,
    pub base: Money,
    pub tax: Money,
}

/// The VAT of an invoice: of each line, and summed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taxes {
    /// One for each line, in their order.
    pub lines: Vec<Vat>,
    /// By ground and rate.
    pub subtotals: Vec<Subtotal>,
    pub tax: Money,
    /// The lines' total with the tax: what the customer owes.
    pub payable: Money,
    /// The tax in the currency of where it is owed, if that is another.
    pub stated: Option<Box<Stated>>,
}

impl Taxes {
    /// Whether VAT is charged on anything.
    pub fn is_charged(&self) -> bool {
        self.subtotals.iter().any(|subtotal| subtotal.vat.ground.is_charged())
    }

    /// As it is printed on a document of this kind: a credit note says what it gives back without a sign.
    pub fn printed(&self, kind: Kind) -> Self {
        if kind != Kind::CreditNote {
            return self.clone();
        }
        let subtotal = |s: &Subtotal| Subtotal { vat: s.vat, base: s.base.negated(), tax: s.tax.negated() };
        Self {
            lines: self.lines.clone(),
            subtotals: self.subtotals.iter().map(subtotal).collect(),
            tax: self.tax.negated(),
            payable: self.payable.negated(),
            stated: self.stated.as_ref().map(|s| Box::new(Stated { tax: s.tax.negated(), rate: s.rate.clone() })),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxError {
    #[error("vat: {0}")]
    Money(#[from] MoneyError),
    #[error("vat: what is outside the scope of VAT stands on an invoice of its own (EN 16931 BR-O-11), not beside {0}")]
    OutsideScopeIsAlone(Ground),
    #[error("vat: {rate} % on the ground of {ground}")]
    RateOfGround { ground: Ground, rate: VatRate },
}

/// Sums amounts by how they are taxed, and taxes the sums.
pub fn tax(currency: Currency, lines: impl IntoIterator<Item = (Vat, Money)>) -> Result<Taxes, TaxError> {
    let mut of_lines = Vec::new();
    let mut subtotals: Vec<Subtotal> = Vec::new();
    let zero = Money::zero(currency);
    for (vat, amount) in lines {
        of_lines.push(vat);
        match subtotals.iter_mut().find(|s| s.vat == vat) {
            Some(known) => known.base = known.base.checked_add(amount)?,
            None => subtotals.push(Subtotal { vat, base: zero.checked_add(amount)?, tax: zero }),
        }
    }
    subtotals.sort_by_key(|s| s.vat);
    let (mut tax, mut payable) = (zero, zero);
    for subtotal in &mut subtotals {
        let Vat { ground, rate } = subtotal.vat;
        if ground.is_charged() == (rate == VatRate::ZERO) {
            return Err(TaxError::RateOfGround { ground, rate });
        }
        subtotal.tax = of_base(subtotal.base, rate)?;
        tax = tax.checked_add(subtotal.tax)?;
        payable = payable.checked_add(subtotal.base)?.checked_add(subtotal.tax)?;
    }
    let outside = |s: &Subtotal| s.vat.ground.category() == Category::O;
    if subtotals.iter().any(outside)
        && let Some(other) = subtotals.iter().find(|s| !outside(s))
    {
        return Err(TaxError::OutsideScopeIsAlone(other.vat.ground));
    }
    Ok(Taxes { lines: of_lines, subtotals, tax, payable, stated: None })
}

fn of_base(base: Money, rate: VatRate) -> Result<Money, MoneyError> {
    let percent = exact_product(rate.percent(), Decimal::new(1, 2))?;
    Money::round_line(exact_product(base.amount(), percent)?, base.currency())
}
