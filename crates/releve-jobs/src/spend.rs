//! What does an account's month cost so far? The same usage, read by the same function and rated by the same one, as an invoice:
//! for whoever shows it and for whoever watches it.

use std::{collections::BTreeMap, sync::Arc};

use releve_billing::{Contract, RateError, Rated, rate};
use releve_store::{StoreError, Tx, customers, prices};
use releve_types::{AccountId, BillingMonth, Period, Timestamp};

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
}

/// The terms of the month that is asked for, or of that of `now`. None: no such account.
pub async fn terms(
    tx: &mut Tx,
    account: AccountId,
    month: Option<BillingMonth>,
    now: Timestamp,
) -> Result<Option<Terms>, StoreError> {
    let Some(record) = customers::account(tx, account).await? else { return Ok(None) };
    let Some(issuer) = customers::issuer(tx, record.issuer).await? else { return Ok(None) };
    let month = month.unwrap_or_else(|| issuer.zone.month_of(now));
    let period = issuer.zone.month(month);
    let contract = prices::load_contract(tx, account, &mut prices::LoadedBooks::new()).await?;
    Ok(contract.map(|contract| Terms { account, month, period, contract: Arc::new(contract) }))
}

/// Rates the account as its invoice would be if nothing more were used: a fee, a reservation or a minimum that holds for
/// the month is in it whole from its first day.
pub async fn spend_by(tx: &mut Tx, terms: Terms) -> Result<Spend, SpendError> {
    let Terms { account, month, period, contract } = terms;
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
