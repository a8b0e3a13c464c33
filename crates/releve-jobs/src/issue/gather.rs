//! What did each account of a batch use, in the form that rating takes? Read in a few statements for all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_billing::{AllocationItem, Contract, Usage, UsageItem};
use releve_store::{
    StoreError, Tx,
    billing_usage::{self, HeldRow, ItemRow, Pieces, SkuNumber},
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

/// The accounts' usage of the period. Whose has none is not in it.
pub async fn usage(
    tx: &mut Tx,
    accounts: &[AccountId],
    period: Period,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
) -> Result<BTreeMap<AccountId, Usage>, StoreError> {
    let (cuts, rounded) = plans(accounts, period, contracts);
    let pieces = Pieces::new(period, &cuts);
    let tenants = billing_usage::tenants_of(tx, accounts).await?;
    let skus = billing_usage::sku_names(tx).await?;
    let batch = Batch { period, contracts, tenants, skus };
    let ids: Vec<TenantId> = batch.tenants.keys().copied().collect();
    let mut usage: BTreeMap<AccountId, Usage> = BTreeMap::new();
    let mut by_allocation: BTreeSet<(TenantId, SkuNumber)> = BTreeSet::new();
    for row in billing_usage::items(tx, &ids, &pieces).await? {
        let account = batch.account(row.tenant)?;
        let sku = batch.sku(row.sku)?;
        if rounded.get(&account).is_some_and(|skus| skus.contains(sku)) {
            by_allocation.insert((row.tenant, row.sku));
        } else {
            usage.entry(account).or_default().items.push(item(row, sku.clone()));
        }
    }
    if by_allocation.is_empty() {
        return Ok(usage);
    }
    let held = billing_usage::held(tx, &by_allocation, &pieces).await?;
    let before = past::held_before(tx, &batch, &held).await?;
    for row in held {
        let account = batch.account(row.tenant)?;
        let held_before = before.of(&batch, account, &row)?;
        let sku = batch.sku(row.sku)?.clone();
        usage.entry(account).or_default().allocations.push(allocation(row, sku, held_before));
    }
    Ok(usage)
}

type Rounded<'a> = BTreeMap<AccountId, Arc<BTreeSet<&'a Sku>>>;

/// Where any of the accounts' prices change, and which SKUs a plan rounds. Rating sums over finer cuts than it
/// needs without a difference, so one list of cuts serves the whole batch.
fn plans<'a>(
    accounts: &[AccountId],
    period: Period,
    contracts: &'a BTreeMap<AccountId, Arc<Contract>>,
) -> (BTreeSet<Hour>, Rounded<'a>) {
    let mut cuts = BTreeSet::new();
    let mut rounded = BTreeMap::new();
    // Most accounts share a contract: each is looked at once.
    let mut seen: BTreeMap<*const Contract, Arc<BTreeSet<&'a Sku>>> = BTreeMap::new();
    for account in accounts {
        let Some(contract) = contracts.get(account) else { continue };
        let skus = seen.entry(Arc::as_ptr(contract)).or_insert_with(|| {
            cuts.extend(contract.stretches(period).iter().map(|stretch| stretch.first_hour()));
            Arc::new(contract.rounded_skus(period))
        });
        if !skus.is_empty() {
            rounded.insert(*account, skus.clone());
        }
    }
    (cuts, rounded)
}

fn item(row: ItemRow, sku: Sku) -> UsageItem {
    UsageItem {
        tenant: row.tenant,
        project: row.project,
        sku,
        stretch: row.stretch,
        metered: row.quantity,
        energy_mj: row.energy_mj,
    }
}

fn allocation(row: HeldRow, sku: Sku, held_before: i64) -> AllocationItem {
    AllocationItem {
        tenant: row.tenant,
        project: row.project,
        sku,
        allocation: row.allocation,
        device: row.device,
        stretch: row.stretch,
        held_before,
        held: row.held,
        energy_mj: row.energy_mj,
    }
}
