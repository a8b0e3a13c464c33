//! How is a month rated again after some of its hours changed? It was settled piece by piece when it was rated last, by the same contract: only
//! the pieces that changed are read, and take the place of what they were in the sum.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use releve_billing::{Contract, Settled, Usage, rate_on, settle};
use releve_store::{
    StoreError, Tx, billing_usage,
    usage_versions::{self, Versions},
};
use releve_types::{
    AccountId, BillingMonth, Hour, Period, Timestamp,
    time::{HOURS_PER_DAY, MILLIS_PER_HOUR},
};

use crate::{
    issue,
    spend::{self, Spend, SpendError, Terms},
};

/// A month that takes less when it is rated whole is rated so again.
pub const WHOLE_MAX: Duration = Duration::from_millis(20);
/// Rows of usage in the last full hour: a month that goes on and has more is rated piece by piece from the first time on.
pub const HOUR_LEN_MAX: i64 = 100;
/// Months that one program keeps settled. One of a million usage hours takes some 40 MiB.
pub const MONTHS_LEN_MAX: usize = 64;
/// A month that nobody asked for this long is forgotten first.
pub const IDLE_MAX: Duration = Duration::from_secs(3_600);
/// Days of which some hour is not longer before the newest use than this, in hours, are settled by the hour: most changes are there.
pub const SETTLING_HOURS: i64 = 6;

/// What is known of a month from when it was rated last.
#[derive(Debug)]
pub struct Rolling {
    contract: Arc<Contract>,
    period: Period,
    took: Duration,
    /// What it took at most: what is lost if it is forgotten.
    longest: Duration,
    /// A plan rounded what was held over the whole period, which no day tells: it is rated whole.
    rounds: bool,
    whole: Option<Whole>,
}

/// A month that was settled.
#[derive(Debug)]
struct Whole {
    /// By their first hours.
    pieces: BTreeMap<Hour, Piece>,
    sum: Settled,
}

/// A day of a month, in UTC, as far as it lies in it; or an hour.
#[derive(Clone, Debug)]
struct Piece {
    versions: Versions,
    settled: Arc<Settled>,
}

impl Rolling {
    /// Whether it was rated by these terms.
    pub fn is_by(&self, terms: &Terms) -> bool {
        self.period == terms.period && self.contract == terms.contract
    }

    /// Rates a month at `now`, with what is known from last time; and what is known for the next.
    pub async fn rate(
        tx: &mut Tx,
        terms: Terms,
        last: Option<&Self>,
        now: Timestamp,
    ) -> Result<(Spend, Self), SpendError> {
        let rounds = last.is_some_and(|last| last.rounds && last.is_by(&terms));
        let by_piece = match last {
            Some(last) => last.is_worth_keeping() && !rounds,
            None => is_large(tx, &terms, now).await?,
        };
        let (spend, mut rolling) = match by_piece {
            true => Self::rate_by_piece(tx, terms, last).await,
            false => Self::rate_whole(tx, terms, rounds).await,
        }?;
        rolling.longest = last.map_or(rolling.took, |last| last.longest.max(rolling.took));
        Ok((spend, rolling))
    }

    /// The same, piece by piece however little it takes to rate it whole.
    pub async fn rate_by_piece(tx: &mut Tx, terms: Terms, last: Option<&Self>) -> Result<(Spend, Self), SpendError> {
        let (began, contract) = (Instant::now(), terms.contract.clone());
        let known = last.filter(|last| last.is_by(&terms)).and_then(|last| last.whole.as_ref());
        let Some(whole) = settled(tx, &terms, known).await? else { return Self::rate_whole(tx, terms, true).await };
        let Terms { account, month, period, .. } = terms;
        let rated = rate_on(&contract, period, &[&whole.sum], &Usage::default())?;
        let took = began.elapsed();
        let rolling = Self { contract, period, took, longest: took, rounds: false, whole: Some(whole) };
        Ok((Spend { account, month, period, rated }, rolling))
    }

    async fn rate_whole(tx: &mut Tx, terms: Terms, rounds: bool) -> Result<(Spend, Self), SpendError> {
        let (began, contract, period) = (Instant::now(), terms.contract.clone(), terms.period);
        let spend = spend::spend_by(tx, terms).await?;
        let took = began.elapsed();
        Ok((spend, Self { contract, period, took, longest: took, rounds, whole: None }))
    }

    /// Whether the next time is quicker with it.
    pub fn is_worth_keeping(&self) -> bool {
        self.took >= WHOLE_MAX || self.whole.is_some()
    }
}

/// Whether a month that goes on, and of which nothing is known yet, is rated piece by piece at once: it would be the next time.
async fn is_large(tx: &mut Tx, terms: &Terms, now: Timestamp) -> Result<bool, StoreError> {
    let hour = now.plus_millis(-MILLIS_PER_HOUR).hour();
    if !terms.period.contains_hour(hour) || !terms.contract.rounded_skus(terms.period).is_empty() {
        return Ok(false);
    }
    billing_usage::has_more_in(tx, terms.account, hour, HOUR_LEN_MAX).await
}

/// Settles a month, as far as it changed since what is known. None: a plan rounds what was held over the whole period, which no piece tells.
async fn settled(tx: &mut Tx, terms: &Terms, known: Option<&Whole>) -> Result<Option<Whole>, SpendError> {
    let Terms { account, period, contract, .. } = terms;
    let known = known.filter(|known| known.sum.stretch() == *period);
    // Before the usage: what changes in between is read again next time, and never missed.
    let versions = usage_versions::versions(tx, *account, *period).await?;
    let newest = versions.last_key_value().map_or(period.first_hour(), |(hour, _)| *hour);
    let (mut pieces, mut stale) = (BTreeMap::new(), Vec::new());
    for stretch in pieces_of(*period, newest) {
        let versions = added(versions.range(stretch.first_hour()..stretch.end_hour()));
        let piece = known.and_then(|known| known.pieces.get(&stretch.first_hour()));
        match piece.filter(|piece| piece.settled.stretch() == stretch && piece.versions == versions) {
            Some(piece) => drop(pieces.insert(stretch.first_hour(), piece.clone())),
            None => stale.push((stretch, versions)),
        }
    }
    let mut fresh = Vec::new();
    for side_by_side in stale.chunk_by(|(a, _), (b, _)| a.end_hour() == b.first_hour()) {
        let stretches: Vec<Period> = side_by_side.iter().map(|(stretch, _)| *stretch).collect();
        let mut used = issue::usage_of_parts(tx, *account, (*period, &stretches), contract).await?;
        if used.values().any(|used| !used.allocations.is_empty()) {
            return Ok(None);
        }
        for (stretch, versions) in side_by_side {
            let usage = used.remove(&stretch.first_hour()).unwrap_or_default();
            let settled = Arc::new(settle(contract, *period, *stretch, &usage)?);
            fresh.push((stretch.first_hour(), Piece { versions: versions.clone(), settled }));
        }
    }
    let known_pieces = known.iter().flat_map(|known| &known.pieces);
    let gone = known_pieces.filter(|(hour, _)| !pieces.contains_key(hour)).map(|(_, piece)| piece.settled.as_ref());
    let gone: Vec<&Settled> = gone.collect();
    let new = fresh.iter().map(|(_, piece)| piece.settled.as_ref());
    let new: Vec<&Settled> = known.map(|known| &known.sum).into_iter().chain(new).collect();
    let sum = Settled::joined(*period, &new, &gone)?;
    pieces.extend(fresh);
    Ok(Some(Whole { pieces, sum }))
}

/// The versions of some hours as one: since each only ever rises, their sum stands as long as they do.
fn added<'a>(hours: impl Iterator<Item = (&'a Hour, &'a Versions)>) -> Versions {
    let mut sums = Versions::new();
    for (tenant, version) in hours.flat_map(|(_, versions)| versions) {
        *sums.entry(*tenant).or_default() += version;
    }
    sums
}

/// The days of a period, in UTC; those in which usage still settles by the hour.
pub fn pieces_of(period: Period, newest: Hour) -> Vec<Period> {
    let day = |hour: Hour| hour.start().day();
    let settling = day(Hour::from_index(newest.index() - SETTLING_HOURS))..=day(newest);
    let of_day = |stretch: Period| {
        let hours = stretch.first_hour().index()..stretch.end_hour().index();
        let hour = |index| Period::of_hours(Hour::from_index(index), Hour::from_index(index + 1));
        match settling.contains(&day(stretch.first_hour())) {
            true => hours.flat_map(hour).collect(),
            false => vec![stretch],
        }
    };
    days_of(period).into_iter().flat_map(of_day).collect()
}

/// The days of a period in UTC; the first and the last as far as they lie in it.
fn days_of(period: Period) -> Vec<Period> {
    let (mut from, mut days) = (period.first_hour(), Vec::new());
    while from < period.end_hour() {
        let midnight = Hour::from_index((from.index().div_euclid(HOURS_PER_DAY) + 1) * HOURS_PER_DAY);
        let to = midnight.min(period.end_hour());
        days.extend(Period::of_hours(from, to));
        from = to;
    }
    days
}

/// Months as they were rated last, for whoever rates them again and again. Where there are too many, those that took least are forgotten.
#[derive(Debug, Default)]
pub struct Months {
    rated: BTreeMap<(AccountId, BillingMonth), (Instant, Rolling)>,
}

impl Months {
    pub async fn spend(&mut self, tx: &mut Tx, terms: Terms, now: Timestamp) -> Result<Spend, SpendError> {
        let place = (terms.account, terms.month);
        let last = self.rated.get(&place).map(|(_, rolling)| rolling);
        let (spend, rolling) = Rolling::rate(tx, terms, last, now).await?;
        match rolling.is_worth_keeping() {
            true => drop(self.rated.insert(place, (Instant::now(), rolling))),
            false => drop(self.rated.remove(&place)),
        }
        if self.rated.len() > MONTHS_LEN_MAX {
            self.rated.retain(|_, (at, _)| at.elapsed() <= IDLE_MAX);
        }
        if self.rated.len() > MONTHS_LEN_MAX
            && let Some(least) = self.rated.iter().min_by_key(|(_, (_, r))| r.longest).map(|(place, _)| *place)
        {
            self.rated.remove(&least);
        }
        Ok(spend)
    }

    /// Whether rating a month of this account took long the last time.
    pub fn takes_long(&self, account: AccountId) -> bool {
        self.rated.keys().any(|(of, _)| *of == account)
    }
}
