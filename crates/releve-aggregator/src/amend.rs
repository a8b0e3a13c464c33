//! What if a node's word was wrong? A report is withdrawn, or another one counts in its place: what it counted is taken
//! back from wherever it stands by now, and the report stays.

use std::collections::{BTreeMap, BTreeSet};

use releve_metering::{Catalog, NodeDay, Screened, covered_of_day};
use releve_store::{
    StoreError, Tx,
    amendments::{self, Standing},
    audit_log, billing_usage, coverage, floor,
    moves::{self, Adjustment, HourPlace, Kind, Line},
    reports::ReportKey,
    usage_versions,
};
use releve_types::{
    AllocationId, Hour, NodeId, Ranges, Sku, TenantId, TenantKey, Timestamp,
    ids::{QuarantineId, fresh_uuid},
};
use releve_wire::{Digest, Report, Segment, allocation_id};
use serde_json::json;
use uuid::Uuid;

use crate::{
    count::lock_books,
    reattribute::{States, states},
    take::{Aggregator, Fate, TakeError},
};

/// What taking reports back, and counting others in their place, does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// The reports that count no more.
    pub taken_back: Vec<ReportKey>,
    /// What tenants hold more or less of it.
    pub held_ms: BTreeMap<(TenantId, Sku, Hour), i64>,
    /// A node's time that nobody vouches for any more.
    pub uncovered_ms: i64,
}

impl Change {
    /// In which hours somebody holds more or less.
    pub(crate) fn hours(&self) -> BTreeSet<(TenantId, Hour)> {
        self.held_ms.keys().map(|(tenant, _, hour)| (*tenant, *hour)).collect()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.taken_back.extend(other.taken_back);
        self.uncovered_ms += other.uncovered_ms;
        for (of, ms) in other.held_ms {
            *self.held_ms.entry(of).or_default() += ms;
        }
    }

    /// What made room has to count: else what was taken back would be lost.
    pub(crate) fn is_for(&self, fates: &[Fate]) -> Result<(), StoreError> {
        if self.taken_back.is_empty() || fates.iter().all(|fate| *fate == Fate::Counted) {
            return Ok(());
        }
        Err(StoreError::inconsistent("node_coverage", "covered", "room was made for what is not counted"))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// Reports of archived days are final.
    #[error("days before {} are archived", releve_store::sql_time::day_to_sql(*.0))]
    Archived(i64),
    #[error(transparent)]
    Take(#[from] TakeError),
}

impl From<StoreError> for WithdrawError {
    fn from(error: StoreError) -> Self {
        Self::Take(error.into())
    }
}

/// On whose word reports are superseded, and whether it is only asked what that would do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instead<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    pub dry_run: bool,
}

impl Aggregator {
    /// Counts waiting reports in place of those that they overlap, each in a transaction of its own, in the order they
    /// came: of two that overlap, the later one stands. One that is not to be believed for another reason waits on, and
    /// supersedes nothing. With `dry_run` each is tried by itself and nothing is written.
    pub async fn amend(
        &self,
        ids: &[QuarantineId],
        (by, reason): (&str, &str),
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(Vec<(QuarantineId, Fate)>, Change), TakeError> {
        let (mut fates, mut change) = (Vec::new(), Change::default());
        for id in ids {
            let (decided, changed) = self.judge_again(&[*id], Some(Instead { by, reason, dry_run }), now).await?;
            fates.extend(decided);
            change.add(changed);
        }
        Ok((fates, change))
    }

    /// Takes back what a node's counted reports said of windows that lie in `[from, to)`, a UTC day a transaction. Its
    /// time is a gap afterwards, until another report of it comes. With `dry_run` nothing is written.
    pub async fn withdraw(
        &self,
        node: NodeId,
        (from, to): (Timestamp, Timestamp),
        (by, reason): (&str, &str),
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Change, WithdrawError> {
        let mut change = Change::default();
        for day in from.day()..=to.plus_millis(-1).day() {
            change.add(self.withdraw_day(NodeDay { node, day }, (from, to), (by, reason), dry_run, now).await?);
        }
        Ok(change)
    }

    async fn withdraw_day(
        &self,
        day: NodeDay,
        (from, to): (Timestamp, Timestamp),
        (by, reason): (&str, &str),
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Change, WithdrawError> {
        loop {
            let catalog = self.catalog().await?;
            let mut tx = self.db.begin_app().await?;
            let floor = floor::read_shared(&mut tx).await?;
            if day.day < floor {
                return Err(WithdrawError::Archived(floor));
            }
            if releve_store::catalog::version_for_share(&mut tx).await? != catalog.version {
                self.forget_catalog(catalog.version);
                continue;
            }
            if coverage::lock(&mut tx, day).await?.is_none() {
                return Ok(Change::default());
            }
            let whole = |s: &Standing| from <= s.report.head.window.start && s.report.head.window.end <= to;
            let mut standing = amendments::standing(&mut tx, day, from, to).await?;
            standing.retain(whole);
            let because = Because { superseded_by: None, by, reason, now };
            let change = take_back(&mut tx, &catalog, day, &standing, BTreeSet::new(), because).await?;
            usage_versions::changed(&mut tx, &change.hours(), now).await?;
            if !dry_run {
                tx.commit().await?;
            }
            return Ok(change);
        }
    }
}

/// Why reports count no more.
#[derive(Clone, Copy, Debug)]
struct Because<'a> {
    superseded_by: Option<Digest>,
    by: &'a str,
    reason: &'a str,
    now: Timestamp,
}

/// Takes back the counted reports that waiting ones overlap, so that their time can be counted; nothing, if nobody asked.
pub(crate) async fn make_room<'a>(
    tx: &mut Tx,
    catalog: &Catalog,
    waiting: impl Iterator<Item = &'a Screened>,
    instead: Option<Instead<'_>>,
    now: Timestamp,
) -> Result<Change, StoreError> {
    let mut change = Change::default();
    let Some(instead) = instead else { return Ok(change) };
    for screened in waiting {
        change.add(make_room_for(tx, catalog, screened, instead, now).await?);
    }
    Ok(change)
}

/// A report that is counted already is a duplicate, and takes nothing back.
async fn make_room_for(
    tx: &mut Tx,
    catalog: &Catalog,
    screened: &Screened,
    Instead { by, reason, .. }: Instead<'_>,
    now: Timestamp,
) -> Result<Change, StoreError> {
    let (day, window) = (NodeDay { node: screened.node(), day: screened.day() }, screened.report.head.window);
    if coverage::lock(tx, day).await?.is_none() {
        return Ok(Change::default());
    }
    let mut standing = amendments::standing(tx, day, window.start, window.end).await?;
    let head = screened.report.head_sha256;
    if standing.iter().any(|s| s.report.head_sha256 == head) {
        return Ok(Change::default());
    }
    let covered = screened.covered_of_day();
    standing.retain(|s| covered_of_day(&s.report).overlaps(&covered));
    let hours = screened.tenants.iter().map(|tenant| (*tenant, window.start.hour())).collect();
    let because = Because { superseded_by: Some(head), by, reason, now };
    let mut change = take_back(tx, catalog, day, &standing, hours, because).await?;
    let freed = standing.iter().fold(Ranges::empty(), |all, s| all.union(&covered_of_day(&s.report)));
    change.uncovered_ms = freed.minus(&covered).total();
    Ok(change)
}

/// Takes back all that these reports of a held day counted; whoever asks notes in the end which hours changed. `hours` are whose
/// books will be written to besides: books are locked once, all of them.
async fn take_back(
    tx: &mut Tx,
    catalog: &Catalog,
    day: NodeDay,
    standing: &[Standing],
    mut hours: BTreeSet<(TenantId, Hour)>,
    because: Because<'_>,
) -> Result<Change, StoreError> {
    if standing.is_empty() {
        return Ok(Change::default());
    }
    let places = places(tx, day, standing).await?;
    hours.extend(places.keys().map(|place| (place.tenant, place.hour)));
    let books = lock_books(tx, catalog, &hours).await?;
    let lines: Vec<Line> = places
        .iter()
        .map(|(place, (ranges, energy_mj))| Line::Take {
            book: books.get(&(place.tenant, place.hour)).copied().unwrap_or(1),
            place: place.clone(),
            ranges: ranges.clone(),
            energy_mj: *energy_mj,
        })
        .collect();
    let Because { superseded_by, by, now, .. } = because;
    let kind = if superseded_by.is_some() { Kind::Amendment } else { Kind::Withdrawal };
    moves::adjust(tx, Adjustment { id: fresh_uuid(now), kind, by, now }, &lines).await?;
    let keys: Vec<ReportKey> = standing.iter().map(|s| s.key).collect();
    amendments::take_back(tx, &keys, superseded_by, now).await?;
    let covered = standing.iter().fold(Ranges::empty(), |all, s| all.union(&covered_of_day(&s.report)));
    coverage::remove(tx, day, &covered).await?;
    record(tx, day, standing, because).await?;
    let skus = billing_usage::sku_names(tx).await?;
    let mut change = Change { taken_back: keys, uncovered_ms: covered.total(), ..Change::default() };
    for (place, (ranges, _)) in &places {
        let sku = skus.get(&place.sku_id).ok_or_else(|| StoreError::inconsistent("skus", "sku_id", place.sku_id))?;
        *change.held_ms.entry((place.tenant, sku.clone(), place.hour)).or_default() -= ranges.total();
    }
    Ok(change)
}

/// Who took back which reports and why, in the transaction that does it.
async fn record(tx: &mut Tx, day: NodeDay, standing: &[Standing], because: Because<'_>) -> Result<(), StoreError> {
    let Because { superseded_by, by, reason, now } = because;
    let windows = || standing.iter().map(|s| s.report.head.window);
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let after = json!({
        "reason": reason,
        "reports": standing.len(),
        "from": text(windows().map(|window| window.start).min()),
        "to": text(windows().map(|window| window.end).max()),
        "superseded_by": superseded_by.map(|head| head.to_string()),
    });
    let action = if superseded_by.is_some() { "report.supersede" } else { "report.withdraw" };
    let subject = day.node.to_string();
    let change = audit_log::Change { actor: by.to_owned(), action, subject, before: None, after: Some(after) };
    audit_log::add(tx, &change, now).await
}

/// What of a device in an hour an allocation held, whoever it is counted for.
type Held = (Hour, AllocationId, Uuid, String);

/// Where what the reports counted stands by now, with its energy. Nobody moves it meanwhile: their keys are held.
async fn places(
    tx: &mut Tx,
    day: NodeDay,
    standing: &[Standing],
) -> Result<BTreeMap<HourPlace, (Ranges, i64)>, StoreError> {
    let sections = || standing.iter().flat_map(|s| &s.report.sections);
    let keys: BTreeSet<&TenantKey> = sections().map(|section| &section.tenant_key).collect();
    moves::lock_keys(tx, keys.iter().copied()).await?;
    let hours = standing.iter().map(|s| s.report.head.window.start.hour());
    let (Some(first), Some(last)) = (hours.clone().min(), hours.max()) else { return Ok(BTreeMap::new()) };
    let mut stand: BTreeMap<Held, States> = BTreeMap::new();
    for key in keys {
        let mut rows = moves::rows_of_key(tx, key, first, Hour::from_index(last.index() + 1)).await?;
        rows.retain(|row| row.place.node == day.node);
        for (place, state) in states(rows) {
            let held = (place.hour, place.allocation, place.device, place.project.clone());
            stand.entry(held).or_default().insert(place, state);
        }
    }
    let mut found: BTreeMap<HourPlace, (Ranges, i64)> = BTreeMap::new();
    for report in standing.iter().map(|s| &s.report) {
        for section in &report.sections {
            for segment in &section.segments {
                let (held, ranges) = held(report, &section.tenant_key, segment);
                let place = stand.get(&held).into_iter().flatten().find(|(_, (state, _))| state.contains_all(&ranges));
                let (place, _) = place.ok_or_else(|| {
                    let (hour, allocation, ..) = &held;
                    let detail = format!("{allocation} on {} lacks {ranges} of {hour}, which is counted", day.node);
                    StoreError::inconsistent("allocation_hours", "held", detail)
                })?;
                let sum = found.entry(place.clone()).or_default();
                sum.0 = sum.0.union(&ranges);
                sum.1 += segment.energy_mj.and_then(|mj| i64::try_from(mj).ok()).unwrap_or(0);
            }
        }
    }
    Ok(found)
}

fn held(report: &Report, key: &TenantKey, segment: &Segment) -> (Held, Ranges) {
    let start = report.head.window.start;
    let offset = start.since(start.hour().start());
    let project = segment.project.clone().unwrap_or_default();
    let held = (start.hour(), allocation_id(key, &segment.alloc), segment.gpu.uuid(), project);
    (held, Ranges::one(segment.start_ms + offset, segment.end_ms + offset))
}
