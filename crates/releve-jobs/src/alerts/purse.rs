//! What will months that are not billed leave of an account's credits? Granted ones pay for what they cover; ones that were paid in
//! advance for the rest, here without the VAT that the invoice will add.

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{ChargeKind, Credit, CreditKind, InvoiceError, Purse, watch::left_after};
use releve_types::{Currency, Money, ids::CreditId};

use crate::spend::Spend;

pub(super) fn left(
    mut held: Vec<(Arc<Credit>, Money)>,
    unbilled: &[&Spend],
    currency: Currency,
) -> Result<Money, InvoiceError> {
    for month in unbilled.iter().filter(|month| month.rated.currency == currency) {
        let granted = Purse::new(month.period, currency, &[], held.clone())?.granted(month.rated.clone())?;
        let mut draws: BTreeMap<CreditId, Money> = BTreeMap::new();
        for charge in &granted.charges {
            if let ChargeKind::Credit(id) = charge.kind {
                let sum = draws.entry(id).or_insert(Money::zero(currency));
                *sum = sum.checked_sub(charge.amount)?;
            }
        }
        let mut rest = granted.total;
        for (credit, left) in &mut held {
            let draw = match credit.kind() {
                CreditKind::Granted { .. } => draws.get(&credit.id()).copied().unwrap_or(Money::zero(currency)),
                CreditKind::Paid { .. } => rest.lesser(*left),
            };
            if matches!(credit.kind(), CreditKind::Paid { .. }) {
                rest = rest.checked_sub(draw)?;
            }
            *left = left_after(*left, draw)?;
        }
    }
    Ok(Money::sum(held.iter().map(|(_, left)| *left), currency)?)
}
