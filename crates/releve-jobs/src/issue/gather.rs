//! What did each account of a batch use, in the form that rating takes? Read in a few statements for all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_billing::{AllocationItem, AtOnceItem, Contract, Matching, RateError, Usage, UsageItem};
use releve_store::{
    StoreError, Tx,
    billing_usage::{self, HeldRow, ItemRow, Pieces, SkuNumber, Sums},
};
use releve_types::{AccountId, Hour, Period, Sku, TenantId};

use super::past;

/// What is known of the batch while its rows are turned into usage.
pub struct Batch<'a> {
    pub period: Period,
    pub contracts: &'a BTreeMap<AccountId, Arc<Contract>>,
    pub tenants: BTreeMap<TenantId, AccountId>,
    pub skus: BTreeMap<SkuNumber, Sku>,
}

impl Batch<'_> {
    pub fn account(&self, tenant: TenantId) -> Result<AccountId, StoreError> {
        let found = self.tenants.get(&tenant).copied();
        found.ok_or_else(|| StoreError::inconsistent("tenants", "tenant_id", tenant))
    }

    pub fn sku(&self, number: SkuNumber) -> Result<&Sku, StoreError> {
        self.skus.get(&number).ok_or_else(|| StoreError::inconsistent("skus", "sku_id", number))
    }

    pub fn contract(&self, account: AccountId) -> Result<&Contract, StoreError> {
        let found = self.contracts.get(&account);
        found.map(Arc::as_ref).ok_or_else(|| StoreError::inconsistent("accounts", "account_id", account))
    }
}

/// What was used, or why nobody can say: a sum that passes 64 bits is the fault of one account, and of no other.
pub type Gathered = BTreeMap<AccountId, Result<Usage, RateError>>;

/// The accounts' usage of the period. Whose has none is not in it.
pub async fn usage(
    tx: &mut Tx,
    accounts: &[AccountId],
    period: Period,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
) -> Result<BTreeMap<AccountId, Usage>, StoreError> {
    known(gather(tx, accounts, period, contracts).await?)
}

fn known(gathered: Gathered) -> Result<BTreeMap<AccountId, Usage>, StoreError> {
    let known = |(account, used): (AccountId, Result<Usage, RateError>)| {
        let refused = |error| StoreError::inconsistent("usage_hours", "ms", format!("of {account}: {error}"));
        Ok((account, used.map_err(refused)?))
    };
    gathered.into_iter().map(known).collect()
}

/// What an account used in some parts of a period, each ending where the next begins, by the hour that they begin with.
pub async fn usage_of_parts(
    tx: &mut Tx,
    account: AccountId,
    (period, parts): (Period, &[Period]),
    contract: &Arc<Contract>,
) -> Result<BTreeMap<Hour, Usage>, StoreError> {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(BTreeMap::new()) };
    let read = Period::of_hours(first.first_hour(), last.end_hour());
    let read = read.map_err(|error| StoreError::inconsistent("usage_hours", "hour", error))?;
    let starts: BTreeSet<Hour> = parts.iter().map(|part| part.first_hour()).collect();
    let start = |hour: Hour| starts.range(..=hour).next_back().copied().unwrap_or(hour);
    let contracts = BTreeMap::from([(account, contract.clone())]);
    let gathered = gather_part(tx, &[account], (period, read, starts.clone()), &contracts).await?;
    let mut by_part: BTreeMap<Hour, Usage> = BTreeMap::new();
    for used in known(gathered)?.into_values() {
        for item in used.items {
            by_part.entry(start(item.stretch.first_hour())).or_default().items.push(item);
        }
        for item in used.at_once {
            by_part.entry(start(item.hour)).or_default().at_once.push(item);
        }
        for item in used.allocations {
            by_part.entry(start(item.stretch.first_hour())).or_default().allocations.push(item);
        }
    }
    Ok(by_part)
}

/// Each account for itself.
pub async fn gather(
    tx: &mut Tx,
    accounts: &[AccountId],
    period: Period,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
) -> Result<Gathered, StoreError> {
    gather_part(tx, accounts, (period, period, BTreeSet::new()), contracts).await
}

/// Of a part of a period, in the form that the period is rated in, with more cuts than rating needs.
async fn gather_part(
    tx: &mut Tx,
    accounts: &[AccountId],
    (period, part, more_cuts): (Period, Period, BTreeSet<Hour>),
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
) -> Result<Gathered, StoreError> {
    let (mut cuts, ways) = ways(accounts, period, contracts);
    cuts.extend(more_cuts);
    let pieces = Pieces::new(part, &cuts);
    let tenants = billing_usage::tenants_of(tx, accounts).await?;
    let skus = billing_usage::sku_names(tx).await?;
    let batch = Batch { period: part, contracts, tenants, skus };
    let mut usage = Gathered::new();
    let mut by_allocation: BTreeSet<(TenantId, SkuNumber)> = BTreeSet::new();
    let mut by_hour: BTreeSet<(TenantId, SkuNumber)> = BTreeSet::new();
    let mut by_instant: BTreeSet<(TenantId, SkuNumber)> = BTreeSet::new();
    for row in billing_usage::items(tx, &batch.tenants, &pieces).await? {
        let account = batch.account(row.tenant)?;
        let sku = batch.sku(row.sku)?;
        let (rounded, reserved) = ways.get(&account).map_or((false, None), |way| way.of(sku));
        if rounded {
            by_allocation.insert((row.tenant, row.sku));
            continue;
        }
        match reserved {
            None => add_item(&mut usage, account, row, sku),
            Some(matching) => {
                by_hour.insert((row.tenant, row.sku));
                if matching == Matching::Instant {
                    by_instant.insert((row.tenant, row.sku));
                }
            }
        }
    }
    reserved(tx, &batch, &mut usage, &by_hour, &by_instant).await?;
    if by_allocation.is_empty() {
        return Ok(usage);
    }
    let held = billing_usage::held(tx, &by_allocation, &pieces).await?;
    let before = past::held_before(tx, &batch, &held).await?;
    for row in held {
        let account = batch.account(row.tenant)?;
        let held_before = before.of(&batch, account, &row)?;
        let sku = batch.sku(row.sku)?;
        let item = row.sums.map(|sums| allocation(row, sums, sku.clone(), held_before));
        add(&mut usage, account, sku, item, |used, item| used.allocations.push(item));
    }
    Ok(usage)
}

/// Reads what was used of reserved SKUs, and how many devices were held at once.
async fn reserved(
    tx: &mut Tx,
    batch: &Batch<'_>,
    usage: &mut Gathered,
    by_hour: &BTreeSet<(TenantId, SkuNumber)>,
    by_instant: &BTreeSet<(TenantId, SkuNumber)>,
) -> Result<(), StoreError> {
    if by_hour.is_empty() {
        return Ok(());
    }
    for row in billing_usage::hours(tx, by_hour, batch.period).await? {
        let (account, sku) = (batch.account(row.tenant)?, batch.sku(row.sku)?);
        add_item(usage, account, row, sku);
    }
    if by_instant.is_empty() {
        return Ok(());
    }
    for row in billing_usage::at_once(tx, by_instant, batch.period).await? {
        let sku = batch.sku(row.sku)?;
        let item = AtOnceItem { sku: sku.clone(), hour: row.hour, devices: row.devices, ms: row.ms };
        add(usage, row.account, sku, Some(item), |used, item| used.at_once.push(item));
    }
    Ok(())
}

fn add_item(usage: &mut Gathered, account: AccountId, row: ItemRow, sku: &Sku) {
    let item = row.sums.map(|sums| item(row, sums, sku.clone()));
    add(usage, account, sku, item, |used, item| used.items.push(item));
}

/// Adds to an account's usage, or leaves it without, for the first sum that passes 64 bits.
fn add<T>(usage: &mut Gathered, account: AccountId, sku: &Sku, item: Option<T>, push: impl FnOnce(&mut Usage, T)) {
    let of = usage.entry(account).or_insert_with(|| Ok(Usage::default()));
    match (of, item) {
        (Ok(used), Some(item)) => push(used, item),
        (of @ Ok(_), None) => *of = Err(RateError::TooLarge { sku: Box::new(sku.clone()) }),
        (Err(_), _) => {}
    }
}

/// In which form a contract wants its SKUs' usage, other than summed.
#[derive(Default)]
struct Way<'a> {
    rounded: BTreeSet<&'a Sku>,
    reserved: BTreeMap<&'a Sku, Matching>,
}

impl Way<'_> {
    fn of(&self, sku: &Sku) -> (bool, Option<Matching>) {
        (self.rounded.contains(sku), self.reserved.get(sku).copied())
    }
}

/// Where any of the accounts' prices change, and which SKUs a plan rounds or a reservation matches. Rating sums over
/// finer cuts than it needs without a difference, so one list of cuts serves the whole batch.
fn ways<'a>(
    accounts: &[AccountId],
    period: Period,
    contracts: &'a BTreeMap<AccountId, Arc<Contract>>,
) -> (BTreeSet<Hour>, BTreeMap<AccountId, Arc<Way<'a>>>) {
    let mut cuts = BTreeSet::new();
    let mut ways = BTreeMap::new();
    // Most accounts share a contract: each is looked at once.
    let mut seen: BTreeMap<*const Contract, Arc<Way<'a>>> = BTreeMap::new();
    for account in accounts {
        let Some(contract) = contracts.get(account) else { continue };
        let way = seen.entry(Arc::as_ptr(contract)).or_insert_with(|| {
            cuts.extend(contract.stretches(period).iter().map(|stretch| stretch.first_hour()));
            Arc::new(Way { rounded: contract.rounded_skus(period), reserved: contract.reserved_skus(period) })
        });
        ways.insert(*account, way.clone());
    }
    (cuts, ways)
}

fn item(row: ItemRow, sums: Sums, sku: Sku) -> UsageItem {
    UsageItem {
        tenant: row.tenant,
        project: row.project,
        sku,
        stretch: row.stretch,
        metered: sums.quantity,
        energy_mj: sums.energy_mj,
    }
}

fn allocation(row: HeldRow, sums: Sums, sku: Sku, held_before: i64) -> AllocationItem {
    AllocationItem {
        tenant: row.tenant,
        project: row.project,
        sku,
        allocation: row.allocation,
        device: row.device,
        stretch: row.stretch,
        held_before,
        held: sums.quantity,
        energy_mj: sums.energy_mj,
    }
}
