//! What of usage was on no document at an instant? What months should cost, less what their documents issued before it come to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_billing::{ChargeKind, Contract, Issued, Rated, rate};
use releve_finance::month::{Accruals, add, by_sku};
use releve_store::{Tx, contracts, customers::Issuer, finance::facts, invoices, unbilled};
use releve_types::{AccountId, BillingMonth, Money, Period, Sku, Timestamp};

use crate::{JobError, issue, spend::SpendError};

/// How many months back it is looked for usage that came late.
pub const LATE_MONTHS_MAX: usize = 12;
/// Accounts that are rated at once.
const RATED_ACCOUNTS_MAX: usize = 500;

/// What an account's month should cost, and the documents that it has.
pub struct Cost {
    pub account: AccountId,
    pub rated: Rated,
    /// In the order of their books.
    pub documents: Vec<Issued>,
}

/// A seller's customers' costs of a month: of these, or of all.
pub async fn costs(
    tx: &mut Tx,
    issuer: &Issuer,
    accounts: Option<&BTreeSet<AccountId>>,
    month: BillingMonth,
) -> Result<Vec<Cost>, JobError> {
    let period = issuer.zone.month(month);
    let mut contracts = contracts::of_issuer(tx, issuer.id).await?;
    if let Some(accounts) = accounts {
        contracts.retain(|account, _| accounts.contains(account));
    }
    let all: Vec<AccountId> = contracts.keys().copied().collect();
    let mut costs = Vec::new();
    for chunk in all.chunks(RATED_ACCOUNTS_MAX) {
        let agreed = contracts::with_agreements(tx, &contracts, chunk).await?;
        costs.extend(of_chunk(tx, chunk, period, &agreed).await?);
    }
    Ok(costs)
}

async fn of_chunk(
    tx: &mut Tx,
    accounts: &[AccountId],
    period: Period,
    contracts: &BTreeMap<AccountId, Arc<Contract>>,
) -> Result<Vec<Cost>, JobError> {
    let mut usage = issue::usage(tx, accounts, period, contracts).await?;
    let ids = facts::of_period(tx, accounts, period).await?;
    let mut documents: BTreeMap<AccountId, Vec<Issued>> = BTreeMap::new();
    for issued in invoices::issued(tx, &ids).await? {
        documents.entry(issued.content().account).or_default().push(issued);
    }
    let mut costs = Vec::with_capacity(accounts.len());
    for account in accounts {
        let Some(contract) = contracts.get(account) else { continue };
        let used = usage.remove(account).unwrap_or_default();
        let rated = rate(contract, period, &used).map_err(SpendError::from)?;
        costs.push(Cost { account: *account, rated, documents: documents.remove(account).unwrap_or_default() });
    }
    Ok(costs)
}

impl Cost {
    /// What of it was on no document that was issued before an instant. What grants paid for is known from documents alone.
    pub fn accrued(&self, month: BillingMonth, before: Timestamp) -> Result<Accruals, JobError> {
        let charges = self.rated.charges.iter().map(|charge| (&charge.sku, charge.kind, charge.amount));
        let mut sums = by_sku(charges, self.account, month)?;
        for document in &self.documents {
            let granted = lines_of(document).filter(|(_, kind, _)| matches!(kind, ChargeKind::Credit(_)));
            take(&mut sums, granted, self.account, month, false)?;
            if document.stamp().issued_at < before {
                take(&mut sums, lines_of(document), self.account, month, true)?;
            }
        }
        Ok(sums)
    }

    /// The same as it was when the month was closed: what waited when it ended, less what was invoiced until it was closed.
    pub fn still_waiting(
        &self,
        closed: &Accruals,
        month: BillingMonth,
        ended: Timestamp,
        closed_at: Timestamp,
    ) -> Result<Accruals, JobError> {
        let of_it = closed.iter().filter(|(key, _)| key.account == self.account && key.month == month);
        let mut sums: Accruals = of_it.map(|(key, amount)| (key.clone(), *amount)).collect();
        for document in &self.documents {
            if (ended..closed_at).contains(&document.stamp().issued_at) {
                take(&mut sums, lines_of(document), self.account, month, true)?;
            }
        }
        Ok(sums)
    }

    /// Whether the month had no document at an instant: nothing of it was invoiced.
    pub fn is_not_invoiced(&self, as_of: Timestamp) -> bool {
        self.documents.iter().all(|document| document.stamp().issued_at >= as_of)
    }
}

fn lines_of(document: &Issued) -> impl Iterator<Item = (&Sku, ChargeKind, Money)> {
    document.content().lines.iter().map(|line| (&line.charge.sku, line.charge.kind, line.charge.amount))
}

fn take<'a>(
    sums: &mut Accruals,
    lines: impl IntoIterator<Item = (&'a Sku, ChargeKind, Money)>,
    account: AccountId,
    month: BillingMonth,
    off: bool,
) -> Result<(), releve_types::money::MoneyError> {
    for (key, amount) in by_sku(lines, account, month)? {
        add(sums, key, if off { amount.negated() } else { amount })?;
    }
    Ok(())
}

/// What was on no document at an instant: of the month that ends then, and of what came late of the months before, those that were
/// open when the month began among them.
pub async fn accruals(
    tx: &mut Tx,
    issuer: &Issuer,
    month: BillingMonth,
    before: Timestamp,
    opening: &Accruals,
) -> Result<Accruals, JobError> {
    let mut all = of_month(tx, issuer, None, month, before).await?;
    all.extend(late(tx, issuer, month, before, opening).await?);
    Ok(all)
}

/// The same of one month: of these customers, or of all.
async fn of_month(
    tx: &mut Tx,
    issuer: &Issuer,
    accounts: Option<&BTreeSet<AccountId>>,
    month: BillingMonth,
    before: Timestamp,
) -> Result<Accruals, JobError> {
    let mut all = Accruals::new();
    for cost in costs(tx, issuer, accounts, month).await? {
        all.extend(cost.accrued(month, before)?);
    }
    Ok(all)
}

/// The same of the months before one alone.
pub async fn late(
    tx: &mut Tx,
    issuer: &Issuer,
    month: BillingMonth,
    before: Timestamp,
    opening: &Accruals,
) -> Result<Accruals, JobError> {
    let mut all = Accruals::new();
    let earlier = std::iter::successors(Some(month.previous()), |month| Some(month.previous()));
    let mut months: BTreeSet<BillingMonth> = earlier.take(LATE_MONTHS_MAX).collect();
    months.extend(opening.keys().map(|key| key.month));
    for earlier in months {
        let period = issuer.zone.month(earlier);
        // Documents since, and those that wait: of fees alone there is no usage to be found by.
        let mut accounts: BTreeSet<AccountId> =
            facts::concerned_since(tx, issuer.id, period, before).await?.into_iter().collect();
        accounts.extend(opening.keys().filter(|key| key.month == earlier).map(|key| key.account));
        let open = unbilled::unbilled(tx, period).await?;
        accounts.extend(open.iter().filter(|of| of.issuer == Some(issuer.id)).filter_map(|of| of.account));
        if accounts.is_empty() {
            continue;
        }
        all.extend(of_month(tx, issuer, Some(&accounts), earlier, before).await?);
    }
    Ok(all)
}
