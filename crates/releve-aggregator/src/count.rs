//! How is a batch counted? One transaction: floor, catalog, verdicts, tenure, coverage, reports, books, rollups,
//! marks, quarantine, commit. Every writer takes its locks in this order.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use releve_metering::{
    Catalog, Deltas, NodeDay, Reason, Screened, Writer, arrange, fit, flags, roll_up, screen::Doubt,
};
use releve_store::{
    StoreError, Tx, books,
    books::AccountPeriod,
    coverage, floor, quarantine,
    reports::{self, NewReport, ReportKey},
    rollups, tenure, usage_versions,
};
use releve_types::{AllocationId, Hour, NodeId, Ranges, Sku, TenantId, TenantKey, Timestamp, Unit, ids::QuarantineId};
use releve_wire::Digest;
use uuid::Uuid;

use crate::{
    amend::{self, Change, Instead},
    failpoint,
    judge::{Message, of_report},
    standing::{Settled, Stands, again, resolve},
    take::{Aggregator, Fate, Memory, Split, Stays},
    weigh::weigh,
};

#[derive(Debug)]
pub(crate) enum CountError {
    /// The catalog moved since the batch was judged: judge again.
    CatalogMoved,
    /// These messages reuse a stored report's key.
    KeyReused(Reused),
    /// These entries are being decided by somebody else, or were: leave them.
    Taken(Vec<QuarantineId>),
    Store(StoreError),
}

/// Messages (by place in the batch) whose key is stored, though nothing covers their time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reused {
    /// With other content.
    pub contradicts: HashSet<usize>,
    /// The very reports that were taken back: they were counted once and are not counted again.
    pub known: HashSet<usize>,
}

impl Reused {
    pub fn extend(&mut self, more: Self) {
        self.contradicts.extend(more.contradicts);
        self.known.extend(more.known);
    }
}

/// What is judged again, and whether it may take the place of what it overlaps. Then it is one report alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redrive<'a> {
    pub ids: &'a [QuarantineId],
    pub instead: Option<Instead<'a>>,
}

impl From<StoreError> for CountError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The fates of the good ones, in their order, and what making room for them changed.
pub(crate) struct Counted {
    pub fates: Vec<Fate>,
    pub change: Change,
}

/// The verdicts of the transaction so far, by place among the good ones.
struct Verdicts {
    fates: Vec<Option<Fate>>,
    entries: Vec<quarantine::NewEntry>,
}

pub(crate) async fn count(
    aggregator: &Aggregator,
    catalog: &Catalog,
    messages: &[Message],
    split: &Split,
    redrive: Option<Redrive<'_>>,
    now: Timestamp,
) -> Result<Counted, CountError> {
    let good = &split.good;
    let mut verdicts = Verdicts { fates: vec![None; good.len()], entries: split.entries.clone() };
    let mut doubt = |verdicts: &mut Verdicts, i: usize, doubt: Doubt| {
        verdicts.entries.push(of_report(&messages[split.at[i]], catalog, &good[i].report, doubt.clone()));
        let Doubt { reason, field, detail } = doubt;
        verdicts.fates[i] = Some(Fate::Quarantined { reason, field, detail });
    };
    let started = Instant::now();
    let mut tx = aggregator.db.begin_app().await?;

    let floor = floor::read_shared(&mut tx).await?;
    if releve_store::catalog::version_for_share(&mut tx).await? != catalog.version {
        return Err(CountError::CatalogMoved);
    }
    if let Some(Redrive { ids, .. }) = redrive {
        let locked = quarantine::lock_waiting(&mut tx, ids).await?;
        if locked.len() < ids.len() {
            return Err(CountError::Taken(ids.iter().filter(|id| !locked.contains(id)).copied().collect()));
        }
    }
    // A re-drive holds its own entries, and they wait.
    let stands = if redrive.is_some() { Stands::default() } else { Stands::read(&mut tx, &split.digests).await? };
    let open = not_rejected(&stands, &split.digests, &mut verdicts);
    let open = below_floor(&mut tx, good, open, floor, &mut verdicts, &mut doubt).await?;
    let (open, stays) = in_their_node(aggregator, &mut tx, catalog, good, open, &mut verdicts, &mut doubt).await?;
    let slices = remember_slices(aggregator, &mut tx, open.iter().map(|i| &good[*i])).await?;
    let instead = redrive.and_then(|redrive| redrive.instead);
    let mut change = amend::make_room(&mut tx, catalog, open.iter().map(|i| &good[*i]), instead, now).await?;
    let cover = cover(&mut tx, good, &open).await?;
    failpoint::hit("aggregator.after_coverage");
    let accepted = store_reports(&mut tx, good, &split.at, cover, catalog, now, &mut verdicts, &mut doubt).await?;
    failpoint::hit("aggregator.after_reports");
    let named = add_usage(aggregator, &mut tx, catalog, accepted.iter().map(|i| &good[*i]), now).await?;
    note_changed(&mut tx, &named, &change, now).await?;
    for i in accepted {
        verdicts.fates[i] = Some(Fate::Counted);
        if instead.is_some() {
            weigh(&good[i], &mut change.held_ms);
        }
    }
    let fates: Vec<Fate> = verdicts.fates.into_iter().flatten().collect();
    change.is_for(&fates)?;
    match redrive {
        None => {
            let settled = split.digests.iter().zip(&fates).filter_map(|(d, fate)| Some((d, Settled::of(fate)?)));
            stands.settle(&mut tx, settled, now).await?;
            quarantine::insert(&mut tx, &verdicts.entries, now).await?;
        }
        Some(Redrive { ids, .. }) => {
            resolve(&mut tx, ids, messages, &split.fates(&fates), &verdicts.entries, now).await?
        }
    }
    if instead.is_some_and(|instead| instead.dry_run) {
        return Ok(Counted { fates, change });
    }
    failpoint::hit("aggregator.before_commit");
    tx.commit().await?;
    failpoint::hit("aggregator.after_commit");
    histogram!("releve_aggregate_commit_seconds").record(started.elapsed());
    observe(good, &fates, now);
    aggregator.remember(|m| {
        m.skus.extend(named.skus);
        m.learn_stays(catalog.version, stays, aggregator.settings.known_gpus_max);
        m.slices.extend(slices);
        if m.allocations.len() + named.allocations.len() > aggregator.settings.known_allocations_max {
            m.allocations.clear();
        }
        m.allocations.extend(named.allocations);
    });
    Ok(Counted { fates, change })
}

/// How late, and how odd, is what was counted?
fn observe(good: &[Screened], fates: &[Fate], now: Timestamp) {
    let lag = histogram!("releve_aggregate_lag_seconds");
    for (screened, _) in good.iter().zip(fates).filter(|(_, fate)| matches!(fate, Fate::Counted)) {
        let lag_ms = u64::try_from(now.since(screened.report.head.window.end)).unwrap_or(0);
        lag.record(Duration::from_millis(lag_ms));
        for (kind, _) in flags::of_report(&screened.report) {
            counter!("releve_flags_total", "flag" => kind.as_str()).increment(1);
        }
    }
}

/// Gives what a person rejected its fate again. Returns the rest.
fn not_rejected(stands: &Stands, digests: &[Digest], verdicts: &mut Verdicts) -> Vec<usize> {
    let mut open = Vec::with_capacity(digests.len());
    for (i, digest) in digests.iter().enumerate() {
        match stands.rejected(digest) {
            None => open.push(i),
            Some(standing) => verdicts.fates[i] = Some(again(standing)),
        }
    }
    open
}

/// Stores of which GPU the slices were cut that are not known yet; returns them.
async fn remember_slices<'a>(
    aggregator: &Aggregator,
    tx: &mut Tx,
    reports: impl Iterator<Item = &'a Screened>,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let seen: BTreeSet<(Uuid, Uuid)> =
        reports.flat_map(Screened::slices).map(|(gpu, slice)| (gpu.uuid(), slice.uuid())).collect();
    let new = |m: &Memory| seen.iter().filter(|pair| !m.slices.contains(*pair)).copied().collect::<Vec<_>>();
    let new = aggregator.remembered(new);
    if !new.is_empty() {
        tenure::remember_slices(tx, &new).await?;
    }
    Ok(new)
}

/// Sets aside what speaks of archived days: known to be covered, or for a person. Returns the rest.
async fn below_floor(
    tx: &mut Tx,
    good: &[Screened],
    open: Vec<usize>,
    floor: i64,
    verdicts: &mut Verdicts,
    doubt: &mut impl FnMut(&mut Verdicts, usize, Doubt),
) -> Result<Vec<usize>, StoreError> {
    let (late, open): (Vec<usize>, Vec<usize>) = open.into_iter().partition(|i| good[*i].day() < floor);
    if late.is_empty() {
        return Ok(open);
    }
    let keys: BTreeSet<NodeDay> = late.iter().map(|i| node_day(&good[*i])).collect();
    let keys: Vec<NodeDay> = keys.into_iter().collect();
    let covered: HashMap<_, _> =
        coverage::read(tx, &keys).await?.into_iter().map(|(k, r)| ((k.node, k.day), r)).collect();
    for i in late {
        let key = node_day(&good[i]);
        let known = covered.get(&(key.node, key.day)).is_some_and(|c| c.contains_all(&good[i].covered_of_day()));
        if known {
            verdicts.fates[i] = Some(Fate::LateKnown);
        } else {
            let detail = format!("days before {} are archived", releve_store::sql_time::day_to_sql(floor));
            doubt(verdicts, i, Doubt::new(Reason::BelowFloor, "data.head.window_start", detail));
        }
    }
    Ok(open)
}

fn node_day(screened: &Screened) -> NodeDay {
    NodeDay { node: screened.node(), day: screened.day() }
}

/// Sets aside what shows a GPU that sits in another node at that time. Returns the rest, and the stays that were not
/// remembered.
async fn in_their_node(
    aggregator: &Aggregator,
    tx: &mut Tx,
    catalog: &Catalog,
    good: &[Screened],
    open: Vec<usize>,
    verdicts: &mut Verdicts,
    doubt: &mut impl FnMut(&mut Verdicts, usize, Doubt),
) -> Result<(Vec<usize>, Stays), StoreError> {
    let mut order = open.clone();
    order.sort_by_key(|i| good[*i].sort_key());
    let mut first_shown: BTreeMap<Uuid, NodeId> = BTreeMap::new();
    for i in order {
        for gpu in good[i].gpus() {
            first_shown.entry(gpu.uuid()).or_insert(good[i].node());
        }
    }
    let remembered = aggregator.remembered(|m| m.stays_as_of(catalog.version, first_shown.keys()));
    first_shown.retain(|gpu, _| !remembered.contains_key(gpu));
    let read = stays_of(tx, first_shown).await?;
    let mut kept = Vec::with_capacity(open.len());
    for i in open {
        let at = good[i].report.head.window.start;
        let node = good[i].node();
        let stays = |gpu: &Uuid| remembered.get(gpu).or_else(|| read.get(gpu)).map_or(&[][..], |stays| stays);
        match good[i].gpus().find(|gpu| !stays(&gpu.uuid()).iter().any(|s| s.node == node && s.holds(at))) {
            None => kept.push(i),
            Some(gpu) => {
                let elsewhere = stays(&gpu.uuid()).iter().find(|s| s.holds(at));
                let detail = elsewhere.map_or_else(
                    || format!("{gpu} sat in no node at {at}"),
                    |s| format!("{gpu} sat in {} at {at}", s.node),
                );
                doubt(verdicts, i, Doubt::new(Reason::DeviceElsewhere, "data.head.devices", detail));
            }
        }
    }
    Ok((kept, read))
}

/// Reads where these GPUs sat; one that nobody has seen is given to the node that shows it.
async fn stays_of(tx: &mut Tx, mut shown: BTreeMap<Uuid, NodeId>) -> Result<Stays, StoreError> {
    let mut found = read_stays(tx, &shown).await?;
    shown.retain(|gpu, _| !found.contains_key(gpu));
    if !shown.is_empty() {
        let firsts: Vec<(Uuid, NodeId)> = shown.iter().map(|(gpu, node)| (*gpu, *node)).collect();
        tenure::claim(tx, &firsts).await?;
        found.extend(read_stays(tx, &shown).await?);
    }
    Ok(found)
}

async fn read_stays(tx: &mut Tx, shown: &BTreeMap<Uuid, NodeId>) -> Result<Stays, StoreError> {
    if shown.is_empty() {
        return Ok(Stays::new());
    }
    let gpus: Vec<Uuid> = shown.keys().copied().collect();
    let rows = tenure::stays(tx, &gpus).await?;
    Ok(rows.chunk_by(|a, b| a.gpu == b.gpu).filter_map(|of| Some((of.first()?.gpu, Arc::from(of)))).collect())
}

/// What the coverage took, by place among the good ones.
struct Covered {
    accepted: Vec<usize>,
    refused: Vec<usize>,
    /// Covered nothing: their key alone decides.
    bare: Vec<usize>,
}

/// The statement that counts a node's time once; then, for node-days that it left alone and for reports that
/// were set aside, what still fits beside what is there.
async fn cover(tx: &mut Tx, good: &[Screened], open: &[usize]) -> Result<Covered, StoreError> {
    let batch: Vec<&Screened> = open.iter().map(|i| &good[*i]).collect();
    let plan = arrange(&batch);
    let rows: Vec<(NodeDay, Ranges)> = plan.merged.iter().map(|(key, m)| (*key, m.covered.clone())).collect();
    let taken: BTreeSet<NodeDay> =
        if rows.is_empty() { BTreeSet::new() } else { coverage::add(tx, &rows).await?.into_iter().collect() };
    let mut accepted = Vec::new();
    let mut again: BTreeMap<NodeDay, Vec<usize>> = BTreeMap::new();
    for (key, merged) in &plan.merged {
        if taken.contains(key) {
            accepted.extend(&merged.reports);
        } else {
            again.entry(*key).or_default().extend(&merged.reports);
        }
    }
    let mut bare = plan.bare;
    for &i in &plan.aside {
        if batch[i].report.head.covered.is_empty() {
            bare.push(i);
        } else {
            again.entry(node_day(batch[i])).or_default().push(i);
        }
    }
    let mut refused = Vec::new();
    if !again.is_empty() {
        refused = fit_again(tx, &batch, again, &mut accepted).await?;
    }
    let original = |places: Vec<usize>| places.into_iter().map(|i| open[i]).collect();
    Ok(Covered { accepted: original(accepted), refused: original(refused), bare: original(bare) })
}

/// The node-days are locked by now: what is read here stays true until the commit.
async fn fit_again(
    tx: &mut Tx,
    batch: &[&Screened],
    again: BTreeMap<NodeDay, Vec<usize>>,
    accepted: &mut Vec<usize>,
) -> Result<Vec<usize>, StoreError> {
    let keys: Vec<NodeDay> = again.keys().copied().collect();
    let covered: BTreeMap<NodeDay, Ranges> = coverage::read(tx, &keys).await?.into_iter().collect();
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (key, mut candidates) in again {
        candidates.sort_by_key(|i| (batch[*i].sort_key(), batch[*i].report.head_sha256));
        let outcome = fit(covered.get(&key).unwrap_or(&Ranges::empty()), &candidates, batch);
        refused.extend(outcome.refused);
        if !outcome.accepted.is_empty() {
            rows.push((key, outcome.covered));
            accepted.extend(outcome.accepted);
        }
    }
    if !rows.is_empty() && coverage::add(tx, &rows).await?.len() != rows.len() {
        return Err(StoreError::inconsistent("node_coverage", "covered", "a locked row changed"));
    }
    Ok(refused)
}

/// Stores what was covered, and tells duplicates from contradictions among the rest. Returns the counted ones.
#[expect(clippy::too_many_arguments, reason = "one step of one transaction; a struct would only rename them")]
async fn store_reports(
    tx: &mut Tx,
    good: &[Screened],
    at: &[usize],
    cover: Covered,
    catalog: &Catalog,
    now: Timestamp,
    verdicts: &mut Verdicts,
    doubt: &mut impl FnMut(&mut Verdicts, usize, Doubt),
) -> Result<Vec<usize>, CountError> {
    let Covered { mut accepted, mut refused, bare } = cover;
    let tried: Vec<usize> = accepted.iter().chain(&bare).copied().collect();
    if !tried.is_empty() {
        let new = |i: &usize| NewReport { screened: &good[*i], body: reports::pack(&good[*i].report.evidence) };
        let new: Vec<NewReport<'_>> = tried.iter().map(new).collect();
        let stored: BTreeSet<ReportKey> = reports::insert(tx, &new, catalog.version, now).await?.into_iter().collect();
        // One key says one thing: of two with one key, in the database or in this batch, only the first is new.
        let mut seen = BTreeSet::new();
        let mut is_new = |i: &usize| {
            let key = ReportKey::of(&good[*i]);
            stored.contains(&key) && seen.insert(key)
        };
        let reused: Vec<usize> = accepted.iter().filter(|i| !is_new(i)).copied().collect();
        if !reused.is_empty() {
            return Err(CountError::KeyReused(told_apart(tx, good, at, &reused).await?));
        }
        let (fresh, known): (Vec<usize>, Vec<usize>) = bare.into_iter().partition(is_new);
        accepted.extend(fresh);
        refused.extend(known);
    }
    if !refused.is_empty() {
        let keys: Vec<ReportKey> = refused.iter().map(|i| ReportKey::of(&good[*i])).collect();
        let known = reports::digests(tx, &keys).await?;
        for (i, digest) in refused.into_iter().zip(known) {
            if digest == Some(good[i].report.head_sha256) {
                verdicts.fates[i] = Some(Fate::Duplicate);
            } else {
                doubt(verdicts, i, overlap(&good[i], digest.is_some()));
            }
        }
    }
    Ok(accepted)
}

async fn told_apart(tx: &mut Tx, good: &[Screened], at: &[usize], reused: &[usize]) -> Result<Reused, StoreError> {
    let keys: Vec<ReportKey> = reused.iter().map(|i| ReportKey::of(&good[*i])).collect();
    let mut apart = Reused::default();
    for (i, digest) in reused.iter().zip(reports::digests(tx, &keys).await?) {
        let same = digest == Some(good[*i].report.head_sha256);
        if same { &mut apart.known } else { &mut apart.contradicts }.insert(at[*i]);
    }
    Ok(apart)
}

fn overlap(screened: &Screened, same_key: bool) -> Doubt {
    let window = screened.report.head.window;
    let detail = if same_key {
        format!(
            "this run, sequence and window ({} to {}) were reported before with other content",
            window.start, window.end
        )
    } else {
        format!("some of {} to {} was reported before by another report", window.start, window.end)
    };
    Doubt::new(Reason::Overlap, "data.head.covered", detail)
}

/// What a commit makes known: whose hours changed, SKUs and allocations that need not be written again.
#[derive(Default)]
struct Named {
    hours: BTreeSet<(TenantId, Hour)>,
    skus: Vec<(Sku, i32)>,
    allocations: Vec<(TenantId, AllocationId)>,
}

/// Notes whose hours changed, by what was counted and by what was taken back for it.
async fn note_changed(tx: &mut Tx, named: &Named, change: &Change, now: Timestamp) -> Result<(), StoreError> {
    let hours: BTreeSet<(TenantId, Hour)> = named.hours.iter().copied().chain(change.hours()).collect();
    usage_versions::changed(tx, &hours, now).await
}

/// Adds what the counted reports used to the open books.
async fn add_usage<'a>(
    aggregator: &Aggregator,
    tx: &mut Tx,
    catalog: &Catalog,
    counted: impl Iterator<Item = &'a Screened> + Clone,
    now: Timestamp,
) -> Result<Named, CountError> {
    let mut hours: BTreeSet<(TenantId, Hour)> = BTreeSet::new();
    let mut suspense: BTreeMap<TenantId, TenantKey> = BTreeMap::new();
    for screened in counted.clone() {
        let hour = screened.report.head.window.start.hour();
        for (section, tenant) in screened.report.sections.iter().zip(&screened.tenants) {
            hours.insert((*tenant, hour));
            if !catalog.homes.contains_key(tenant) {
                suspense.insert(*tenant, section.tenant_key.clone());
            }
        }
    }
    if hours.is_empty() {
        return Ok(Named::default());
    }
    let book_of = lock_books(tx, catalog, &hours).await?;
    let deltas = roll_up(counted, |tenant, hour| book_of.get(&(tenant, hour)).copied().unwrap_or(1))
        .map_err(|e| StoreError::inconsistent("reports", "device", e))?;
    if !suspense.is_empty() {
        let suspense: Vec<(TenantId, TenantKey)> = suspense.into_iter().collect();
        rollups::create_suspense(tx, &suspense, now).await?;
    }
    let (sku_ids, new_skus) = sku_ids(aggregator, tx, &deltas, now).await?;
    let unnamed: Vec<_> = aggregator.remembered(|m| {
        let is_news = |id, writer: &Writer| writer.labels.is_some() || !m.allocations.contains(id);
        deltas.allocations.iter().filter(|(id, writer)| is_news(*id, writer)).collect()
    });
    rollups::name_allocations(tx, unnamed.iter().copied()).await?;
    rollups::add_allocation_hours(tx, deltas.allocation_hours.iter(), &sku_ids).await?;
    rollups::add_usage_hours(tx, deltas.usage_hours.iter(), &sku_ids).await?;
    Ok(Named { hours, skus: new_skus, allocations: unnamed.into_iter().map(|(id, _)| *id).collect() })
}

/// The numbers of the batch's SKUs, and which of them were not remembered.
async fn sku_ids(
    aggregator: &Aggregator,
    tx: &mut Tx,
    deltas: &Deltas,
    now: Timestamp,
) -> Result<(Vec<i32>, Vec<(Sku, i32)>), StoreError> {
    let known: Vec<Option<i32>> =
        aggregator.remembered(|m| deltas.skus.iter().map(|s| m.skus.get(s).copied()).collect());
    if let Some(ids) = known.into_iter().collect::<Option<Vec<i32>>>() {
        return Ok((ids, Vec::new()));
    }
    let asked: Vec<(Sku, Unit)> = deltas.skus.iter().map(|sku| (sku.clone(), Unit::GpuMs)).collect();
    let ids = rollups::intern_skus(tx, &asked, now).await?;
    if ids.len() != asked.len() {
        return Err(StoreError::inconsistent("skus", "sku", "a SKU that was just written is not there"));
    }
    if ids.iter().any(|(_, unit)| *unit != Unit::GpuMs) {
        return Err(StoreError::inconsistent("skus", "unit", "a GPU's SKU is counted in another unit than time"));
    }
    let ids: Vec<i32> = ids.into_iter().map(|(id, _)| id).collect();
    let named = deltas.skus.iter().cloned().zip(ids.iter().copied()).collect();
    Ok((ids, named))
}

/// Takes the books' locks in common and reads which book is open under them. Suspense is in no account: book 1.
pub(crate) async fn lock_books(
    tx: &mut Tx,
    catalog: &Catalog,
    hours: &BTreeSet<(TenantId, Hour)>,
) -> Result<HashMap<(TenantId, Hour), i32>, StoreError> {
    let mut of_hour: HashMap<(TenantId, Hour), AccountPeriod> = HashMap::new();
    for (tenant, hour) in hours {
        if let Some(home) = catalog.homes.get(tenant) {
            let period = home.zone.period_of(hour.start());
            of_hour.insert((*tenant, *hour), AccountPeriod { account: home.account, period });
        }
    }
    let mut distinct: Vec<AccountPeriod> = of_hour.values().copied().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.is_empty() {
        return Ok(HashMap::new());
    }
    books::lock_shared(tx, &distinct).await?;
    let open = books::open_books(tx, &distinct).await?;
    let book = |ap: &AccountPeriod| open.get(&(ap.account, ap.period.start())).copied().unwrap_or(1);
    Ok(of_hour.into_iter().map(|(key, ap)| (key, book(&ap))).collect())
}
