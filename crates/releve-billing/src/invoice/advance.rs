//! What of a document was paid before it was issued? EN 16931 BT-113 and BT-115.

use releve_types::Money;

use super::InvoiceError;
use crate::{Drawn, Kind};

/// What a document draws on credits that were paid in advance, and what is left to pay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advances {
    pub drawn: Vec<Drawn>,
    /// Their sum.
    pub paid: Money,
    /// What is payable less that.
    pub due: Money,
}

impl Advances {
    /// Nothing was paid before.
    pub fn none(payable: Money) -> Self {
        Self { drawn: Vec::new(), paid: Money::zero(payable.currency()), due: payable }
    }

    pub fn of(payable: Money, drawn: Vec<Drawn>) -> Result<Self, InvoiceError> {
        let zero = Money::zero(payable.currency());
        let paid = drawn.iter().try_fold(zero, |sum, d| sum.checked_add(d.amount))?;
        Ok(Self { drawn, paid, due: payable.checked_sub(paid)? })
    }

    /// Whether nothing is left to pay since all of it was paid before.
    pub fn cover_all(&self) -> bool {
        self.due.is_zero() && !self.paid.is_zero()
    }

    /// As it is printed on a document of this kind: a credit note says what it gives back without a sign.
    #[must_use]
    pub fn printed(&self, kind: Kind) -> Self {
        if kind != Kind::CreditNote {
            return self.clone();
        }
        let drawn = |d: &Drawn| Drawn { amount: d.amount.negated(), ..d.clone() };
        Self { drawn: self.drawn.iter().map(drawn).collect(), paid: self.paid.negated(), due: self.due.negated() }
    }
}
