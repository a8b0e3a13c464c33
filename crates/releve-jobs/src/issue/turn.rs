//! Is it this period's turn? A plan that rounds what an allocation holds in all takes off what earlier periods billed,
//! so where one rounds, an account's periods are billed in their order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_billing::{AllocationItem, Contract, Hold, HoldKind, Rounding};
use releve_store::{
    StoreError, Tx,
    billing_usage::{self, OtherStretch},
    runs,
};
use releve_types::{AccountId, Hour, Period, Timestamp};

use super::gather::Gathered;

/// Whose period has to wait for another's. Nobody's does whose usage no plan rounds.
pub async fn holds(
    tx: &mut Tx,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
    period: Period,
    usage: &Gathered,
) -> Result<BTreeMap<AccountId, Hold>, StoreError> {
    let mut rounded: BTreeMap<AccountId, Vec<&AllocationItem>> = BTreeMap::new();
    for (account, used) in usage {
        let (Ok(used), Some(contract)) = (used, contracts.get(account)) else { continue };
        let items: Vec<_> = used.allocations.iter().filter(|item| plan(contract, item).is_some()).collect();
        if !items.is_empty() {
            rounded.insert(*account, items);
        }
    }
    let mut holds = BTreeMap::new();
    if rounded.is_empty() {
        return Ok(holds);
    }
    let accounts: Vec<AccountId> = rounded.keys().copied().collect();
    for (account, around) in runs::neighbours(tx, &accounts, period).await? {
        let Some((items, item)) = rounded.get(&account).and_then(|items| Some((items, items.first()?))) else {
            continue;
        };
        if let Some(earlier) = around.earlier_open {
            holds.insert(account, after(earlier, item));
        } else if let Some(end) = around.later_issued
            && goes_on(tx, items, period.end_hour(), end).await?
        {
            holds.insert(account, overtaken(end, item));
        }
    }
    Ok(holds)
}

/// The plan that rounds an item, if one does.
fn plan(contract: &Contract, item: &AllocationItem) -> Option<Rounding> {
    let price = contract.price_at(&item.sku, item.stretch.first_hour())?;
    Some(price.rounding()).filter(|plan| *plan != Rounding::Exact)
}

/// Whether one of these allocations was held of the same device in what was billed since.
async fn goes_on(tx: &mut Tx, items: &[&AllocationItem], from: Hour, to: Timestamp) -> Result<bool, StoreError> {
    let Ok(stretch) = Period::of_hours(from, to.hour()) else { return Ok(false) };
    let names = billing_usage::sku_names(tx).await?;
    let numbers: BTreeMap<_, _> = names.iter().map(|(number, sku)| (sku, *number)).collect();
    let asked: BTreeSet<_> = items.iter().filter_map(|item| Some((item.tenant, *numbers.get(&item.sku)?))).collect();
    let questions: Vec<OtherStretch> =
        asked.into_iter().map(|(tenant, sku)| OtherStretch { tenant, sku, stretch }).collect();
    let held: BTreeSet<_> = items.iter().map(|item| (item.allocation, item.device)).collect();
    let allocations = items.iter().map(|item| item.allocation).collect();
    let rows = billing_usage::held_elsewhere(tx, &questions, &allocations).await?;
    Ok(rows.iter().any(|row| row.held != 0 && held.contains(&(row.allocation, row.device))))
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

fn overtaken(end: Timestamp, item: &AllocationItem) -> Hold {
    Hold {
        kind: HoldKind::Rounding,
        detail: format!(
            "{} is rounded over all that an allocation holds, and what allocations of this period went on to hold up \
             to {end} was billed before: what is rounded over the boundary would be billed twice",
            item.sku
        ),
        to_do: "this takes a correction of the later invoice, which can't be made yet: bill the difference by hand"
            .to_owned(),
        gpu_ms: None,
    }
}
