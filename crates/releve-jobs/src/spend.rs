//! What does an account's month cost so far? The same usage, read by the same function and rated by the same one, as an invoice:
//! for whoever shows it and for whoever watches it.

use std::{collections::BTreeMap, slice, sync::Arc};

use releve_billing::{Contract, RateError, Rated, rate};
use releve_store::{StoreError, Tx, contracts, customers};
use releve_types::{AccountId, BillingMonth, Period, Timestamp, Zone};

use crate::issue;

#[derive(Debug, thiserror::Error)]
pub enum SpendError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Rate(#[from] RateError),
}

/// An account's month, rated whole.
#[derive(Clone, Debug)]
pub struct Spend {
    pub account: AccountId,
    pub month: BillingMonth,
    pub period: Period,
    pub rated: Rated,
}

/// What an account's month is rated by, whatever was used.
#[derive(Clone, Debug)]
pub struct Terms {
    pub account: AccountId,
    pub month: BillingMonth,
    pub period: Period,
    pub contract: Arc<Contract>,
    /// Of the seller, in which its months begin.
    zone: Zone,
}

impl Terms {
    /// Of another month.
    #[must_use]
    pub fn of(self, month: BillingMonth) -> Self {
        Self { month, period: self.zone.month(month), ..self }
    }
}

/// The terms of the month that is asked for, or of that of `now`. None: no such account.
pub async fn terms(
    tx: &mut Tx,
    account: AccountId,
    month: Option<BillingMonth>,
    now: Timestamp,
) -> Result<Option<Terms>, StoreError> {
    let current = terms_of_all(tx, slice::from_ref(&account), now).await?.remove(&account);
    Ok(current.map(|current| month.map_or(current.clone(), |month| current.of(month))))
}

/// The terms of the months of `now` of those of the accounts that there are.
pub async fn terms_of_all(
    tx: &mut Tx,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<BTreeMap<AccountId, Terms>, StoreError> {
    let mut zones = customers::zones(tx, accounts).await?;
    let terms = |(account, contract): (AccountId, Arc<Contract>)| {
        let zone = zones.remove(&account)?;
        let month = zone.month_of(now);
        Some((account, Terms { account, month, period: zone.month(month), contract, zone }))
    };
    Ok(contracts::of(tx, accounts).await?.into_iter().filter_map(terms).collect())
}

/// Rates the account as its invoice would be if nothing more were used: a fee, a reservation or a minimum that holds for
/// the month is in it whole from its first day.
pub async fn spend_by(tx: &mut Tx, terms: Terms) -> Result<Spend, SpendError> {
    let Terms { account, month, period, contract, .. } = terms;
    let rated = rated(tx, account, period, contract).await?;
    Ok(Spend { account, month, period, rated })
}

/// What an account used in a period, rated by a contract.
pub async fn rated(
    tx: &mut Tx,
    account: AccountId,
    period: Period,
    contract: impl Into<Arc<Contract>>,
) -> Result<Rated, SpendError> {
    let contracts = BTreeMap::from([(account, contract.into())]);
    let mut usage = issue::usage(tx, &[account], period, &contracts).await?;
    Ok(rate(&contracts[&account], period, &usage.remove(&account).unwrap_or_default())?)
}
