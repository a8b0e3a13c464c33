//! What may the accounts of a batch draw on, and what did they?

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::{Draft, Issued, credits::drawn};
use releve_store::{
    Tx,
    credits::{self, CreditRecord, Movement},
};
use releve_types::{AccountId, InvoiceId, Period};

use crate::JobError;

/// Who enters what documents draw.
const BILLING: &str = "billing";

/// What the accounts' period may draw on, and what its documents have drawn on: locked until the commit.
pub(super) async fn of(
    tx: &mut Tx,
    accounts: &[AccountId],
    period: Period,
    before: &BTreeMap<AccountId, Vec<Issued>>,
) -> Result<BTreeMap<AccountId, Vec<CreditRecord>>, JobError> {
    let mut known = BTreeSet::new();
    for (&account, issued) in before.iter().flat_map(|(account, issued)| issued.iter().map(move |i| (account, i))) {
        let of = drawn(issued.content(), issued.advances());
        known.extend(of.map_err(|error| JobError::Invoice { account, error })?.into_keys());
    }
    Ok(credits::drawable(tx, accounts, period, &known.into_iter().collect::<Vec<_>>()).await?)
}

/// What a draft draws on its account's credits, and what it gives back to them.
pub(super) fn entries<'a>(
    draft: &Draft,
    invoice: InvoiceId,
    held: &'a [CreditRecord],
) -> Result<Vec<credits::NewEntry<'a>>, JobError> {
    let account = draft.content().account;
    let of = drawn(draft.content(), draft.advances()).map_err(|error| JobError::Invoice { account, error })?;
    let entry = |record: &'a CreditRecord| {
        let amount = *of.get(&record.credit.id())?;
        let back = amount.is_negative();
        Some(credits::NewEntry {
            account,
            credit: &record.credit,
            movement: if back { Movement::GivenBack } else { Movement::Drawn },
            amount: if back { amount.negated() } else { amount },
            invoice: Some(invoice),
            reason: "",
            by: BILLING,
        })
    };
    Ok(held.iter().filter_map(entry).collect())
}
