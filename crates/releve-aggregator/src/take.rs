//! What becomes of a batch? Judge, count in one transaction, and give each delivery its fate, in order.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use metrics::{counter, histogram};
use releve_metering::{Catalog, Reason, screen::Doubt};
use releve_store::{Db, StoreError, floor, quarantine::NewEntry, rollups, tenure::Stay};
use releve_types::{AllocationId, Sku, TenantId, Timestamp};
use releve_wire::{Digest, Reject};
use uuid::Uuid;

use crate::{
    count::{self, CountError, Reused},
    halving::Halving,
    judge::{self, Judged, Message},
    settings::Settings,
};

/// What became of one delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Its time was counted, now and for ever.
    Counted,
    /// The same report was counted before.
    Duplicate,
    /// Its day is archived and its time was counted before.
    LateKnown,
    /// Understood but not believed: its bytes wait for a person.
    Quarantined { reason: Reason, field: String, detail: String },
    /// Not understood or not signed; told to the sender, since there is one.
    Refused(Reject),
}

impl Fate {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Duplicate => "duplicate",
            Self::LateKnown => "late_known",
            Self::Quarantined { .. } => "quarantined",
            Self::Refused(_) => "refused",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The same call may succeed later: nothing was counted, nothing lost.
    #[error("the database is away or busy: {0}")]
    Passing(#[source] StoreError),
    /// The database refuses one message after another for one reason: that is ours to mend.
    #[error("the database refused {count} messages within a minute with SQLSTATE {sqlstate}: taking stops")]
    Ours { sqlstate: String, count: usize },
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for TakeError {
    fn from(error: StoreError) -> Self {
        if error.is_passing() { Self::Passing(error) } else { Self::Store(error) }
    }
}

/// Takes deliveries and counts them once. Share it: everything inside is behind a lock or the database.
#[derive(Debug)]
pub struct Aggregator {
    pub(crate) db: Db,
    pub(crate) settings: Settings,
    pub(crate) memory: Mutex<Memory>,
}

/// What need not be asked of the database again. Filled after commits only, so it never knows too much.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub catalog: Option<Arc<Catalog>>,
    pub skus: HashMap<Sku, i32>,
    /// Which partitions days have.
    pub made: HashSet<(Partitions, i64)>,
    pub allocations: HashSet<(TenantId, AllocationId)>,
    /// Where GPUs sat as of a version of the catalog.
    stays: (i64, Stays),
    /// Slices that are stored with their GPU.
    pub slices: HashSet<(Uuid, Uuid)>,
    culprits: VecDeque<(Instant, String)>,
}

/// Where some GPUs sat.
pub(crate) type Stays = HashMap<Uuid, Arc<[Stay]>>;

impl Memory {
    /// What is remembered of these GPUs under a version.
    pub fn stays_as_of<'a>(&self, version: i64, gpus: impl Iterator<Item = &'a Uuid>) -> Stays {
        let (of, known) = &self.stays;
        if *of != version {
            return Stays::new();
        }
        gpus.filter_map(|gpu| Some((*gpu, known.get(gpu)?.clone()))).collect()
    }

    /// Adds stays that were read under a version; what was read under another one is forgotten.
    pub fn learn_stays(&mut self, version: i64, read: Stays, len_max: usize) {
        let (of, known) = &mut self.stays;
        if *of != version || known.len() + read.len() > len_max {
            known.clear();
        }
        *of = version;
        known.extend(read);
    }
}

impl Aggregator {
    pub fn new(db: Db, settings: Settings) -> Self {
        Self { db, settings, memory: Mutex::default() }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// One batch: its fates, in order. On an error nothing of it was counted by this call that is not in the
    /// database, and the same batch may be given again: what was counted will be a duplicate.
    pub async fn take(&self, messages: Vec<Message>, now: Timestamp) -> Result<Vec<Fate>, TakeError> {
        self.take_judged(&Arc::new(messages), None, now).await
    }

    /// Judges a batch before it is taken, by the catalog as last loaded and by the clock as it comes. Asks nothing of
    /// the database: None if no catalog was loaded yet.
    pub(crate) async fn judge_ahead(&self, messages: &Arc<Vec<Message>>, now: Timestamp) -> Option<Judgement> {
        let catalog = self.remembered(|m| m.catalog.clone())?;
        self.judge(messages, 0..messages.len(), catalog, now).await.ok()
    }

    /// As `take`, of a batch that may have been judged: `ahead` is of all of it.
    pub(crate) async fn take_judged(
        &self,
        messages: &Arc<Vec<Message>>,
        mut ahead: Option<Judgement>,
        now: Timestamp,
    ) -> Result<Vec<Fate>, TakeError> {
        let started = Instant::now();
        histogram!("releve_aggregate_batch_len").record(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        let mut halving = Halving::of(messages.len());
        while let Some(span) = halving.next() {
            match self.attempt(messages, span.clone(), ahead.take(), now).await {
                Ok(fates) => halving.settle(span, fates),
                Err(TakeError::Store(error)) if span.len() > 1 => {
                    tracing::warn!(%error, batch.len = span.len(), "a batch was refused: halving it");
                    halving.halve(span);
                }
                Err(TakeError::Store(error)) => {
                    let fate = self.set_culprit_aside(&messages[span.start], &error, now).await?;
                    halving.settle(span, [fate]);
                }
                Err(error) => return Err(error),
            }
        }
        histogram!("releve_aggregate_take_seconds").record(started.elapsed());
        let fates = halving.into_fates();
        for fate in &fates {
            counter!("releve_reports_total", "fate" => fate.name()).increment(1);
            if let Fate::Quarantined { reason, .. } = fate {
                counter!("releve_quarantine_total", "reason" => reason.as_str()).increment(1);
            }
        }
        Ok(fates)
    }

    /// One span of the batch in one transaction, judged again for as long as the catalog moves under it. `ahead` is of
    /// this span.
    async fn attempt(
        &self,
        messages: &Arc<Vec<Message>>,
        span: Range<usize>,
        mut ahead: Option<Judgement>,
        now: Timestamp,
    ) -> Result<Vec<Fate>, TakeError> {
        let mut reused = Reused::default();
        loop {
            let Judgement { catalog, judged } = match ahead.take() {
                Some(judgement) => judgement,
                None => self.judge(messages, span.clone(), self.catalog().await?, now).await?,
            };
            let split = Split::of(&messages[span.clone()], judged, &catalog, &reused);
            self.make_days(&split, now).await?;
            match count::count(self, &catalog, &messages[span.clone()], &split, None, now).await {
                Ok(counted) => return Ok(split.fates(&counted.fates)),
                Err(CountError::CatalogMoved) => self.forget_catalog(catalog.version),
                Err(CountError::KeyReused(more)) => reused.extend(more),
                Err(CountError::Taken(_)) => {}
                Err(CountError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Judges on a thread of its own: it would hold up an async one.
    async fn judge(
        &self,
        messages: &Arc<Vec<Message>>,
        span: Range<usize>,
        catalog: Arc<Catalog>,
        now: Timestamp,
    ) -> Result<Judgement, TakeError> {
        let (messages, settings) = (messages.clone(), self.settings.clone());
        let work = move || {
            let started = Instant::now();
            let judged = judge::judge(&messages[span], &catalog, &settings, now);
            histogram!("releve_aggregate_judge_seconds").record(started.elapsed());
            Judgement { judged, catalog }
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| TakeError::Store(StoreError::Sql(sqlx::Error::WorkerCrashed)))
    }

    /// The catalog as last loaded; loaded now if it is not there.
    pub(crate) async fn catalog(&self) -> Result<Arc<Catalog>, TakeError> {
        if let Some(catalog) = self.remembered(|m| m.catalog.clone()) {
            return Ok(catalog);
        }
        let mut tx = self.db.begin_app().await?;
        let catalog = Arc::new(releve_store::catalog::load(&mut tx).await?);
        tx.commit().await?;
        self.remember(|m| m.catalog = Some(catalog.clone()));
        Ok(catalog)
    }

    /// Forgets the catalog that was found stale. A newer one, which another batch has loaded, stays.
    pub(crate) fn forget_catalog(&self, stale: i64) {
        self.remember(|m| drop(m.catalog.take_if(|catalog| catalog.version == stale)));
    }

    pub(crate) fn remember(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn remembered<T>(&self, read: impl FnOnce(&Memory) -> T) -> T {
        read(&self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the partitions that this batch's days need.
    pub(crate) async fn make_days(&self, split: &Split, now: Timestamp) -> Result<(), TakeError> {
        let days = split.good.iter().map(|s| s.day()).chain([now.day()]).collect();
        self.ensure(Partitions::Reports, days).await
    }

    /// Makes the partitions that these days need and that are not known to be there, in a transaction of its own,
    /// before the count.
    pub(crate) async fn ensure(&self, partitions: Partitions, days: BTreeSet<i64>) -> Result<(), TakeError> {
        let unknown =
            |m: &Memory| days.iter().copied().filter(|d| !m.made.contains(&(partitions, *d))).collect::<Vec<_>>();
        let missing = self.remembered(unknown);
        if missing.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin_app().await?;
        let floor = floor::read_shared(&mut tx).await?;
        for &day in missing.iter().filter(|d| **d >= floor) {
            match partitions {
                Partitions::Reports => floor::make_partitions(&mut tx, day, day).await?,
                Partitions::Rollups => rollups::make_month(&mut tx, day).await?,
            };
        }
        tx.commit().await?;
        self.remember(|m| m.made.extend(missing.into_iter().map(|day| (partitions, day))));
        Ok(())
    }

    /// The message that alone makes the database refuse: kept with its bytes. Too many of one kind are not theirs.
    async fn set_culprit_aside(
        &self,
        message: &Message,
        error: &StoreError,
        now: Timestamp,
    ) -> Result<Fate, TakeError> {
        let (sqlstate, count) = self.count_culprit(error)?;
        tracing::error!(%error, sqlstate, "one message was refused by the database: quarantined");
        let doubt = Doubt::new(Reason::Unstorable, "", error.to_string());
        let catalog = self.catalog().await?;
        let judged = judge::judge(std::slice::from_ref(message), &catalog, &self.settings, now);
        let entry: NewEntry = match judged.into_iter().next() {
            Some(Judged::Good(screened, _)) => judge::of_report(message, &catalog, &screened.report, doubt.clone()),
            Some(Judged::Doubtful(entry) | Judged::Refused(_, entry)) => *entry,
            None => return Err(TakeError::Ours { sqlstate, count }),
        };
        let mut tx = self.db.begin_app().await?;
        releve_store::quarantine::insert(&mut tx, &[entry], now).await?;
        tx.commit().await?;
        Ok(Fate::Quarantined { reason: doubt.reason, field: doubt.field, detail: doubt.detail })
    }

    /// Counts what the database alone refused; too many of one kind within a minute are our own fault.
    pub(crate) fn count_culprit(&self, error: &StoreError) -> Result<(String, usize), TakeError> {
        let sqlstate = error.sqlstate().unwrap_or_else(|| "none".to_owned());
        let mut count = 0;
        self.remember(|m| {
            m.culprits.push_back((Instant::now(), sqlstate.clone()));
            while m.culprits.front().is_some_and(|(at, _)| at.elapsed().as_secs() >= 60) {
                m.culprits.pop_front();
            }
            count = m.culprits.iter().filter(|(_, s)| *s == sqlstate).count();
        });
        if count > self.settings.culprits_per_minute_max {
            return Err(TakeError::Ours { sqlstate, count });
        }
        Ok((sqlstate, count))
    }
}

/// What judging made of messages, and the catalog that they were judged by.
#[derive(Debug)]
pub(crate) struct Judgement {
    catalog: Arc<Catalog>,
    judged: Vec<Judged>,
}

/// What a day needs in order to be written to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Partitions {
    /// The day of reports, and its month of rollups.
    Reports,
    /// Its month of rollups alone.
    Rollups,
}

/// A judged batch, taken apart: the good ones for the database, the rest with their fate.
#[derive(Debug, Default)]
pub(crate) struct Split {
    pub good: Vec<releve_metering::Screened>,
    /// The digests of their bytes.
    pub digests: Vec<Digest>,
    /// Where each good one stands in the batch.
    pub at: Vec<usize>,
    pub entries: Vec<NewEntry>,
    fates: Vec<Option<Fate>>,
}

impl Split {
    pub fn of(messages: &[Message], judged: Vec<Judged>, catalog: &Catalog, reused: &Reused) -> Self {
        let mut split = Self { fates: vec![None; judged.len()], ..Self::default() };
        for (i, judged) in judged.into_iter().enumerate() {
            match judged {
                Judged::Good(..) if reused.known.contains(&i) => split.fates[i] = Some(Fate::Duplicate),
                Judged::Good(screened, _) if reused.contradicts.contains(&i) => {
                    let entry = judge::of_report(&messages[i], catalog, &screened.report, key_reused());
                    split.set_aside(i, entry);
                }
                Judged::Good(screened, digest) => {
                    split.good.push(*screened);
                    split.digests.push(digest);
                    split.at.push(i);
                }
                Judged::Doubtful(entry) => split.set_aside(i, *entry),
                Judged::Refused(reject, entry) => match messages[i].source {
                    releve_store::quarantine::Source::Http => split.fates[i] = Some(Fate::Refused(reject)),
                    _ => split.set_aside(i, *entry),
                },
            }
        }
        split
    }

    fn set_aside(&mut self, i: usize, entry: NewEntry) {
        let (reason, field, detail) = (entry.reason, entry.field.clone(), entry.detail.clone());
        self.fates[i] = Some(Fate::Quarantined { reason, field, detail });
        self.entries.push(entry);
    }

    /// Every message's fate, in order: the good ones' as the transaction gave them, the others' as judged.
    pub fn fates(&self, good: &[Fate]) -> Vec<Fate> {
        let mut fates = self.fates.clone();
        for (i, fate) in self.at.iter().zip(good) {
            fates[*i] = Some(fate.clone());
        }
        fates.into_iter().flatten().collect()
    }
}

fn key_reused() -> Doubt {
    Doubt::new(
        Reason::Overlap,
        "data.head.seq",
        "this run, sequence and window were reported before with other content",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_are_remembered_under_their_version_alone() {
        let [a, b] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let read = |gpus: &[Uuid]| -> Stays { gpus.iter().map(|gpu| (*gpu, Arc::from(Vec::new()))).collect() };
        let known = |m: &Memory, version| m.stays_as_of(version, [a, b].iter()).len();
        let mut memory = Memory::default();
        memory.learn_stays(1, read(&[a, b]), 2);
        assert_eq!((known(&memory, 1), known(&memory, 2)), (2, 0));
        memory.learn_stays(2, read(&[a]), 2);
        assert_eq!((known(&memory, 1), known(&memory, 2)), (0, 1), "b was read under another version");
        memory.learn_stays(2, read(&[b]), 1);
        assert_eq!(known(&memory, 2), 1, "a made room");
    }
}
