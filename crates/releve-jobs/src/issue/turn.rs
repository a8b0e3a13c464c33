//! Is it this period's turn? A plan that rounds what an allocation holds in all takes off what earlier periods billed,
//! so where one rounds, an account's periods are billed in their order. Usage of a period that nobody knew of when a later
//! one was billed overtakes none: the period is billed, and the later one corrected.

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{AllocationItem, Contract, Hold, HoldKind, Rounding};
use releve_store::{StoreError, Tx, runs};
use releve_types::{AccountId, Period};

use super::gather::Gathered;

/// Whose period has to wait for another's. Nobody's does whose usage no plan rounds.
pub async fn holds(
    tx: &mut Tx,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
    period: Period,
    usage: &Gathered,
) -> Result<BTreeMap<AccountId, Hold>, StoreError> {
    let mut rounded: BTreeMap<AccountId, &AllocationItem> = BTreeMap::new();
    for (account, used) in usage {
        let (Ok(used), Some(contract)) = (used, contracts.get(account)) else { continue };
        if let Some(item) = used.allocations.iter().find(|item| plan(contract, item).is_some()) {
            rounded.insert(*account, item);
        }
    }
    let mut holds = BTreeMap::new();
    if rounded.is_empty() {
        return Ok(holds);
    }
    let accounts: Vec<AccountId> = rounded.keys().copied().collect();
    for (account, earlier) in runs::earlier_open(tx, &accounts, period).await? {
        if let Some(item) = rounded.get(&account) {
            holds.insert(account, after(earlier, item));
        }
    }
    Ok(holds)
}

/// The plan that rounds an item, if one does.
fn plan(contract: &Contract, item: &AllocationItem) -> Option<Rounding> {
    let price = contract.price_at(&item.sku, item.stretch.first_hour())?;
    Some(price.rounding()).filter(|plan| *plan != Rounding::Exact)
}

fn after(earlier: Period, item: &AllocationItem) -> Hold {
    Hold {
        kind: HoldKind::Rounding,
        detail: format!(
            "{} is rounded over all that an allocation holds, and {earlier} of this account is not billed yet",
            item.sku
        ),
        to_do: format!("settle what holds back {earlier} and bill it; this period follows in the next run"),
        gpu_ms: None,
    }
}
