//! How is a month rated again after one of its days changed? The others were settled when it was rated last, by the same contract; only the
//! day that changed is read.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use releve_billing::{Contract, Settled, Usage, rate_on, settle};
use releve_store::{
    Tx,
    usage_days::{self, Versions},
};
use releve_types::{AccountId, BillingMonth, Hour, Period, Timestamp, time::HOURS_PER_DAY};

use crate::{
    issue,
    spend::{self, Spend, SpendError, Terms},
};

/// A month that takes less is rated whole.
pub const WHOLE_MAX: Duration = Duration::from_millis(20);
/// Months that one program keeps settled days of. One of a million usage hours takes some 20 MiB.
pub const MONTHS_LEN_MAX: usize = 64;

/// What is known of a month from when it was rated last.
#[derive(Debug)]
pub struct Rolling {
    contract: Arc<Contract>,
    took: Duration,
    /// A plan rounded what was held over the whole period, which no day tells: it is rated whole.
    rounds: bool,
    /// By the first hour of each day, in UTC, as far as it lies in the period.
    days: BTreeMap<Hour, Day>,
}

#[derive(Clone, Debug)]
struct Day {
    versions: Versions,
    settled: Arc<Settled>,
}

impl Rolling {
    pub fn is_by(&self, contract: &Contract) -> bool {
        *self.contract == *contract
    }

    /// Rates a month, with what is known from last time; and what is known for the next.
    pub async fn rate(tx: &mut Tx, terms: Terms, last: Option<&Self>) -> Result<(Spend, Self), SpendError> {
        let rounds = last.is_some_and(|last| last.rounds && last.contract == terms.contract);
        match last {
            Some(last) if last.is_worth_keeping() && !rounds => Self::rate_by_day(tx, terms, Some(last)).await,
            _ => Self::rate_whole(tx, terms, rounds).await,
        }
    }

    /// The same, day by day however little it takes to rate it whole.
    pub async fn rate_by_day(tx: &mut Tx, terms: Terms, last: Option<&Self>) -> Result<(Spend, Self), SpendError> {
        let (began, contract) = (Instant::now(), terms.contract.clone());
        let known = last.filter(|last| last.contract == contract).map(|last| &last.days);
        match by_day(tx, &terms, known).await? {
            Some((spend, days)) => Ok((spend, Self { contract, took: began.elapsed(), rounds: false, days })),
            None => Self::rate_whole(tx, terms, true).await,
        }
    }

    async fn rate_whole(tx: &mut Tx, terms: Terms, rounds: bool) -> Result<(Spend, Self), SpendError> {
        let (began, contract) = (Instant::now(), terms.contract.clone());
        let spend = spend::spend_by(tx, terms).await?;
        Ok((spend, Self { contract, took: began.elapsed(), rounds, days: BTreeMap::new() }))
    }

    /// Whether the next time is quicker with it.
    pub fn is_worth_keeping(&self) -> bool {
        self.took >= WHOLE_MAX || !self.days.is_empty()
    }
}

/// None: a plan rounds what was held over the whole period, which no day tells.
async fn by_day(
    tx: &mut Tx,
    terms: &Terms,
    known: Option<&BTreeMap<Hour, Day>>,
) -> Result<Option<(Spend, BTreeMap<Hour, Day>)>, SpendError> {
    let Terms { account, month, period, contract } = terms;
    // Before the usage: what changes in between is read again next time, and never missed.
    let mut versions = usage_days::versions(tx, *account, *period).await?;
    let (mut days, mut stale) = (BTreeMap::new(), Vec::new());
    for day in days_of(*period) {
        let versions = versions.remove(&day.start().day()).unwrap_or_default();
        match known.and_then(|days| days.get(&day.first_hour())) {
            Some(known) if known.versions == versions => drop(days.insert(day.first_hour(), known.clone())),
            _ => stale.push((day, versions)),
        }
    }
    if let (Some((first, _)), Some((end, _))) = (stale.first(), stale.last()) {
        let read = Period::of_hours(first.first_hour(), end.end_hour()).unwrap_or(*period);
        let mut used = issue::usage_of_days(tx, *account, (*period, read), contract).await?;
        if used.values().any(|used| !used.allocations.is_empty()) {
            return Ok(None);
        }
        for (day, versions) in stale {
            let usage = used.remove(&day.start().day()).unwrap_or_default();
            let settled = Arc::new(settle(contract, *period, day, &usage)?);
            days.insert(day.first_hour(), Day { versions, settled });
        }
    }
    let settled: Vec<&Settled> = days.values().map(|day| day.settled.as_ref()).collect();
    let rated = rate_on(contract, *period, &settled, &Usage::default())?;
    Ok(Some((Spend { account: *account, month: *month, period: *period, rated }, days)))
}

/// The days of a period in UTC; the first and the last as far as they lie in it.
pub(crate) fn days_of(period: Period) -> Vec<Period> {
    let (mut from, mut days) = (period.first_hour(), Vec::new());
    while from < period.end_hour() {
        let midnight = Hour::from_index((from.index().div_euclid(HOURS_PER_DAY) + 1) * HOURS_PER_DAY);
        let to = midnight.min(period.end_hour());
        days.extend(Period::of_hours(from, to));
        from = to;
    }
    days
}

/// Months as they were rated last, for whoever rates them again and again. Those rated longest ago are forgotten first.
#[derive(Debug, Default)]
pub struct Months {
    rated: BTreeMap<(AccountId, BillingMonth), (Instant, Rolling)>,
}

impl Months {
    /// Of the month that is asked for, or of that of `now`. None: no such account.
    pub async fn spend(
        &mut self,
        tx: &mut Tx,
        account: AccountId,
        month: Option<BillingMonth>,
        now: Timestamp,
    ) -> Result<Option<Spend>, SpendError> {
        let Some(terms) = spend::terms(tx, account, month, now).await? else { return Ok(None) };
        let place = (account, terms.month);
        let last = self.rated.remove(&place);
        let (spend, rolling) = Rolling::rate(tx, terms, last.as_ref().map(|(_, rolling)| rolling)).await?;
        if rolling.is_worth_keeping() {
            self.rated.insert(place, (Instant::now(), rolling));
        }
        if self.rated.len() > MONTHS_LEN_MAX
            && let Some(oldest) = self.rated.iter().min_by_key(|(_, (at, _))| *at).map(|(place, _)| *place)
        {
            self.rated.remove(&oldest);
        }
        Ok(Some(spend))
    }
}
