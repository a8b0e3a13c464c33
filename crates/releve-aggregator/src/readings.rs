//! What becomes of a reading? The same road as a report's, with (source, id) as its dedupe key.

use std::collections::{BTreeMap, BTreeSet};

use metrics::counter;
use releve_metering::{
    Catalog, MeterKey, Reason,
    limits::{FUTURE_MS_MAX, METER_HOUR_QUANTITY_MAX},
};
use releve_store::{
    StoreError, Tx, floor,
    quarantine::{self, NewEntry, Source},
    readings::{self, Claim, ReadingKey, claim},
    rollups, usage_versions,
};
use releve_types::{Hour, Sku, TenantId, TenantKey, Timestamp, Unit};
use releve_wire::{Digest, Holder, Reading, Window, encode_reading, sha256, suspense_tenant_id};

use crate::{
    count::lock_books,
    halving::Halving,
    standing::{Settled, Stands},
    take::{Aggregator, Partitions, TakeError},
};

/// A decoded reading.
pub type IncomingReading = Reading;

/// What became of a reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadingFate {
    Counted,
    Duplicate,
    Quarantined {
        reason: Reason,
    },
    /// Told to the sender; nothing was kept.
    Refused {
        field: &'static str,
        detail: String,
    },
}

impl ReadingFate {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Duplicate => "duplicate",
            Self::Quarantined { .. } => "quarantined",
            Self::Refused { .. } => "refused",
        }
    }
}

/// A reading that can be counted: whose it is and what it sells is known.
struct Placed<'a> {
    reading: &'a Reading,
    key: ReadingKey,
    tenant: TenantId,
    suspense: Option<TenantKey>,
    sku: Sku,
}

impl Aggregator {
    /// Counts readings; their fates, in order. What the database refuses is halved until its culprit is alone, as
    /// with reports; then it waits for a person.
    pub async fn take_readings(
        &self,
        readings: Vec<IncomingReading>,
        now: Timestamp,
    ) -> Result<Vec<ReadingFate>, TakeError> {
        let mut halving = Halving::of(readings.len());
        while let Some(span) = halving.next() {
            match self.attempt_readings(&readings[span.clone()], now).await {
                Ok(fates) => halving.settle(span, fates),
                Err(TakeError::Store(error)) if span.len() > 1 => {
                    tracing::warn!(%error, batch.len = span.len(), "a batch of readings was refused: halving it");
                    halving.halve(span);
                }
                Err(TakeError::Store(error)) => {
                    let fate = self.set_reading_aside(&readings[span.start], &error, now).await?;
                    halving.settle(span, [fate]);
                }
                Err(error) => return Err(error),
            }
        }
        let fates = halving.into_fates();
        for fate in &fates {
            counter!("releve_readings_total", "fate" => fate.name()).increment(1);
        }
        Ok(fates)
    }

    /// Readings in one transaction, judged again for as long as the catalog, or a meter's unit, moves under them.
    async fn attempt_readings(&self, readings: &[Reading], now: Timestamp) -> Result<Vec<ReadingFate>, TakeError> {
        loop {
            let catalog = self.catalog().await?;
            let mut placed: Vec<Result<Placed<'_>, ReadingFate>> =
                readings.iter().map(|r| place(r, &catalog, now)).collect();
            let days = placed.iter().flatten().map(|p| p.reading.from.day()).collect();
            self.ensure(Partitions::Rollups, days).await?;
            let mut tx = self.db.begin_app().await?;
            let floor = floor::read_shared(&mut tx).await?;
            if releve_store::catalog::version_for_share(&mut tx).await? != catalog.version {
                self.forget_catalog(catalog.version);
                continue;
            }
            for placed in &mut placed {
                if let Some(fate) = placed.as_ref().ok().and_then(|p| below_floor(p, floor)) {
                    *placed = Err(fate);
                }
            }
            if let Some(fates) = count(&mut tx, &catalog, &placed, now).await? {
                tx.commit().await?;
                return Ok(fates);
            }
        }
    }

    /// The reading that alone makes the database refuse: kept, and its key not taken, so that it may come again.
    async fn set_reading_aside(
        &self,
        reading: &Reading,
        error: &StoreError,
        now: Timestamp,
    ) -> Result<ReadingFate, TakeError> {
        let (sqlstate, _) = self.count_culprit(error)?;
        tracing::error!(%error, sqlstate, "one reading was refused by the database: quarantined");
        let catalog = self.catalog().await?;
        let placed = match place(reading, &catalog, now) {
            Ok(placed) => placed,
            Err(fate) => return Ok(fate),
        };
        let entry = entry(&placed, Reason::Unstorable, "", error.to_string());
        let mut tx = self.db.begin_app().await?;
        quarantine::insert(&mut tx, &[entry], now).await?;
        tx.commit().await?;
        Ok(ReadingFate::Quarantined { reason: Reason::Unstorable })
    }
}

/// Counts what can be counted; keys are taken in their order. None: somebody else used a meter first, in another unit.
async fn count(
    tx: &mut Tx,
    catalog: &Catalog,
    placed: &[Result<Placed<'_>, ReadingFate>],
    now: Timestamp,
) -> Result<Option<Vec<ReadingFate>>, TakeError> {
    let mut fates: Vec<Option<ReadingFate>> = placed.iter().map(|p| p.as_ref().err().cloned()).collect();
    let digests: Vec<Digest> = placed.iter().flatten().map(|p| Digest(p.key.digest)).collect();
    let stands = Stands::read(tx, &digests).await?;
    let skus: Vec<Sku> = placed.iter().flatten().map(|p| p.sku.clone()).collect();
    let mut units = rollups::units(tx, &skus).await?;
    let mut open: Vec<(usize, &Placed<'_>)> = Vec::new();
    for (i, placed) in placed.iter().enumerate().filter_map(|(i, p)| Some((i, p.as_ref().ok()?))) {
        if let Some(standing) = stands.rejected(&Digest(placed.key.digest)) {
            fates[i] = Some(ReadingFate::Quarantined { reason: standing.reason });
        } else if let Err(fate) = in_its_unit(placed, &mut units) {
            fates[i] = Some(fate);
        } else {
            open.push((i, placed));
        }
    }
    for (i, fate) in too_much(tx, &open).await? {
        fates[i] = Some(fate);
    }
    open.retain(|(i, _)| fates[*i].is_none());
    open.sort_by_key(|(_, p)| (p.key.source.clone(), p.key.id_sha256));
    let (mut counted, mut entries, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for &(i, placed) in &open {
        let (fate, ended) = match claim(tx, &placed.key).await? {
            Claim::New => {
                counted.push(placed);
                (ReadingFate::Counted, Some(Settled::Counted))
            }
            Claim::Duplicate => (ReadingFate::Duplicate, Some(Settled::Duplicate)),
            Claim::Conflict => {
                entries.push(conflict(placed));
                (ReadingFate::Quarantined { reason: Reason::ReadingConflict }, None)
            }
        };
        settled.extend(ended.map(|ended| (Digest(placed.key.digest), ended)));
        fates[i] = Some(fate);
    }
    if !add(tx, catalog, &counted, now).await? {
        return Ok(None);
    }
    stands.settle(tx, settled.iter().map(|(digest, ended)| (digest, *ended)), now).await?;
    quarantine::insert(tx, &entries, now).await?;
    Ok(Some(fates.into_iter().flatten().collect()))
}

/// Those that would make an hour's sum larger than is believed; the ones before them still count. Two transactions
/// at once don't see each other's: the column holds thousands of times as much.
async fn too_much(tx: &mut Tx, open: &[(usize, &Placed<'_>)]) -> Result<Vec<(usize, ReadingFate)>, TakeError> {
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<&ReadingKey> = open.iter().map(|(_, p)| &p.key).collect();
    let known = readings::known(tx, &keys).await?;
    let of = |p: &Placed<'_>| (p.tenant, p.reading.from.hour(), p.sku.clone());
    let asked: BTreeSet<(TenantId, Hour, Sku)> = open.iter().map(|(_, p)| of(p)).collect();
    let hours: Vec<(TenantId, Hour, &Sku)> = asked.iter().map(|(tenant, hour, sku)| (*tenant, *hour, sku)).collect();
    let totals = rollups::meter_totals(tx, &hours).await?;
    let mut sums: BTreeMap<&(TenantId, Hour, Sku), i64> = asked.iter().zip(totals).collect();
    let (mut seen, mut refused) = (BTreeSet::new(), Vec::new());
    for ((i, placed), known) in open.iter().zip(known) {
        // What was counted before, or stands twice in the batch, adds nothing.
        if known || !seen.insert((&placed.key.source, &placed.key.id_sha256)) {
            continue;
        }
        let Some(sum) = sums.get_mut(&of(placed)) else { continue };
        match sum.checked_add(placed.reading.quantity).filter(|sum| *sum <= METER_HOUR_QUANTITY_MAX) {
            Some(with) => *sum = with,
            None => {
                let detail = format!(
                    "with the {sum} that are counted of '{}' in {}, more than {METER_HOUR_QUANTITY_MAX} in one hour",
                    placed.sku,
                    placed.reading.from.hour()
                );
                refused.push((*i, ReadingFate::Refused { field: "quantity", detail }));
            }
        }
    }
    Ok(refused)
}

/// Months that are archived take no more usage.
fn below_floor(placed: &Placed<'_>, floor: i64) -> Option<ReadingFate> {
    (placed.reading.from.day() < floor).then(|| {
        let detail = format!("days before {} are archived", releve_store::sql_time::day_to_sql(floor));
        ReadingFate::Refused { field: "from", detail }
    })
}

fn place<'a>(reading: &'a Reading, catalog: &Catalog, now: Timestamp) -> Result<Placed<'a>, ReadingFate> {
    let refused = |field, detail: String| ReadingFate::Refused { field, detail };
    let ahead = reading.to.since(now);
    if ahead > FUTURE_MS_MAX {
        return Err(refused("to", format!("lies {ahead} ms in the future, more than {FUTURE_MS_MAX} ms")));
    }
    let (tenant, suspense) = match &reading.holder {
        Holder::Tenant(name) => {
            let by_id = name.parse::<TenantId>().ok().filter(|id| catalog.homes.contains_key(id));
            let found = by_id.or_else(|| catalog.names.get(name).copied());
            (found.ok_or_else(|| refused("tenant", format!("no tenant has the id or name '{name}'")))?, None)
        }
        Holder::Key(key) => match catalog.tenant(key, reading.from) {
            Some(tenant) => (tenant, None),
            None => (suspense_tenant_id(key), Some(key.clone())),
        },
    };
    let sku = Sku::meter(&reading.meter, &reading.region).map_err(|e| refused("meter", e.to_string()))?;
    let digest = sha256(&encode_reading(reading)).0;
    let key = ReadingKey { source: reading.source.clone(), id_sha256: sha256(reading.id.as_bytes()).0, digest };
    Ok(Placed { reading, key, tenant, suspense, sku })
}

/// A meter counts in one unit, the first one it was priced or read in.
fn in_its_unit(placed: &Placed<'_>, units: &mut BTreeMap<String, Unit>) -> Result<(), ReadingFate> {
    let said = placed.reading.unit;
    let unit = *units.entry(placed.sku.to_string()).or_insert(said);
    if unit == said {
        return Ok(());
    }
    let detail = format!("'{}' is counted in {unit}, not in {said}", placed.sku);
    Err(ReadingFate::Refused { field: "unit", detail })
}

fn conflict(placed: &Placed<'_>) -> NewEntry {
    let detail =
        format!("source '{}' used id '{}' before with other content", placed.reading.source, placed.reading.id);
    entry(placed, Reason::ReadingConflict, "id", detail)
}

fn entry(placed: &Placed<'_>, reason: Reason, field: &str, detail: String) -> NewEntry {
    let body = encode_reading(placed.reading);
    NewEntry {
        sha256: sha256(&body),
        is_reading: true,
        reason,
        field: field.to_owned(),
        detail,
        source: Source::Http,
        node: None,
        agent: String::new(),
        rack: String::new(),
        window: Some(Window { start: placed.reading.from, end: placed.reading.to }),
        exposure: releve_metering::Exposure { tenants: vec![placed.tenant], held_ms: vec![0] },
        suspense: placed.suspense.iter().map(|key| (placed.tenant, key.clone())).collect(),
        body,
    }
}

/// Adds counted readings to the open books. False: a meter got another unit meanwhile, and nothing may be kept.
async fn add(tx: &mut Tx, catalog: &Catalog, counted: &[&Placed<'_>], now: Timestamp) -> Result<bool, TakeError> {
    if counted.is_empty() {
        return Ok(true);
    }
    let hours: BTreeSet<_> = counted.iter().map(|p| (p.tenant, p.reading.from.hour())).collect();
    let books = lock_books(tx, catalog, &hours).await?;
    let skus: BTreeMap<&Sku, Unit> = counted.iter().map(|p| (&p.sku, p.reading.unit)).collect();
    let index: BTreeMap<&Sku, usize> = skus.keys().enumerate().map(|(i, sku)| (*sku, i)).collect();
    let mut sums: BTreeMap<MeterKey, i64> = BTreeMap::new();
    for placed in counted {
        let (tenant, hour) = (placed.tenant, placed.reading.from.hour());
        let book = books.get(&(tenant, hour)).copied().unwrap_or(1);
        let project = placed.reading.project.clone().unwrap_or_default();
        *sums.entry(MeterKey { tenant, hour, book, project, sku: index[&placed.sku] }).or_default() +=
            placed.reading.quantity;
    }
    let suspense: BTreeMap<TenantId, TenantKey> =
        counted.iter().filter_map(|p| Some((p.tenant, p.suspense.clone()?))).collect();
    if !suspense.is_empty() {
        let suspense: Vec<_> = suspense.into_iter().collect();
        rollups::create_suspense(tx, &suspense, now).await?;
    }
    let asked: Vec<(Sku, Unit)> = skus.into_iter().map(|(sku, unit)| (sku.clone(), unit)).collect();
    let numbers = rollups::intern_skus(tx, &asked, now).await?;
    if numbers.iter().zip(&asked).any(|((_, unit), (_, said))| unit != said) {
        return Ok(false);
    }
    let ids: Vec<i32> = numbers.into_iter().map(|(id, _)| id).collect();
    rollups::add_meter_hours(tx, sums.iter(), &ids).await?;
    usage_versions::changed(tx, &hours, now).await?;
    Ok(true)
}
