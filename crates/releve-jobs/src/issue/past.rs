//! What did an allocation hold of a device before the period, in the time that its plan ruled? Asked only of
//! SKUs that a plan rounds.

use std::collections::{BTreeMap, BTreeSet};

use releve_billing::Rounding;
use releve_store::{
    StoreError, Tx,
    billing_usage::{self, HeldRow, OtherStretch, SkuNumber},
};
use releve_types::{AccountId, AllocationId, TenantId};
use uuid::Uuid;

use super::gather::Batch;

/// The answers, summed over the account's tenants and over the stretches of a plan.
pub struct Past(BTreeMap<(AccountId, SkuNumber, Rounding, AllocationId, Uuid), i64>);

impl Past {
    pub fn of(&self, batch: &Batch<'_>, account: AccountId, row: &HeldRow) -> Result<i64, StoreError> {
        let Some(plan) = plan_of(batch, account, row)? else { return Ok(0) };
        Ok(self.0.get(&(account, row.sku, plan, row.allocation, row.device)).copied().unwrap_or(0))
    }
}

/// The plan of a row's stretch; none where it has no price.
fn plan_of(batch: &Batch<'_>, account: AccountId, row: &HeldRow) -> Result<Option<Rounding>, StoreError> {
    let price = batch.contract(account)?.price_at(batch.sku(row.sku)?, row.stretch.first_hour());
    Ok(price.map(releve_billing::Price::rounding))
}

pub async fn held_before(tx: &mut Tx, batch: &Batch<'_>, held: &[HeldRow]) -> Result<Past, StoreError> {
    let mut asked: BTreeSet<(AccountId, SkuNumber, Rounding)> = BTreeSet::new();
    for row in held {
        let account = batch.account(row.tenant)?;
        if let Some(plan) = plan_of(batch, account, row)? {
            asked.insert((account, row.sku, plan));
        }
    }
    let mut tenants_of: BTreeMap<AccountId, Vec<TenantId>> = BTreeMap::new();
    for (&tenant, &account) in &batch.tenants {
        tenants_of.entry(account).or_default().push(tenant);
    }
    let mut questions = Vec::new();
    let mut about = Vec::new();
    for &(account, sku, plan) in &asked {
        let stretches = batch.contract(account)?.stretches_under(batch.sku(sku)?, plan, batch.period.first_hour());
        for &tenant in tenants_of.get(&account).into_iter().flatten() {
            for &stretch in &stretches {
                questions.push(OtherStretch { tenant, sku, stretch });
                about.push((account, sku, plan));
            }
        }
    }
    let allocations: BTreeSet<AllocationId> = held.iter().map(|row| row.allocation).collect();
    let mut past = BTreeMap::new();
    for row in billing_usage::held_elsewhere(tx, &questions, &allocations).await? {
        if let Some(&(account, sku, plan)) = about.get(row.question) {
            *past.entry((account, sku, plan, row.allocation, row.device)).or_insert(0) += row.held;
        }
    }
    Ok(Past(past))
}
