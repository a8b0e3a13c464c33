//! What becomes of a reading? The same road as a report's, with (source, id) as its dedupe key.

use std::collections::{BTreeMap, BTreeSet};

use metrics::counter;
use releve_metering::{MeterKey, Reason, limits::FUTURE_MS_MAX};
use releve_store::{
    quarantine::{self, NewEntry, Source},
    readings::{Claim, ReadingKey, claim},
    rollups,
};
use releve_types::{Sku, TenantId, TenantKey, Timestamp, Unit};
use releve_wire::{Holder, Reading, Window, encode_reading, sha256, suspense_tenant_id};

use crate::{
    count::lock_books,
    take::{Aggregator, TakeError},
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
    /// Counts readings in one transaction; their fates, in order.
    pub async fn take_readings(
        &self,
        readings: Vec<IncomingReading>,
        now: Timestamp,
    ) -> Result<Vec<ReadingFate>, TakeError> {
        loop {
            let catalog = self.catalog().await?;
            let placed: Vec<Result<Placed<'_>, ReadingFate>> =
                readings.iter().map(|r| place(r, &catalog, now)).collect();
            let days = readings.iter().map(|r| r.from.day()).chain([now.day()]).collect();
            self.ensure_days(days).await?;
            let mut tx = self.db.begin_app().await?;
            if releve_store::catalog::version_for_share(&mut tx).await? != catalog.version {
                self.forget_catalog();
                continue;
            }
            let mut fates: Vec<Option<ReadingFate>> = vec![None; placed.len()];
            let mut order: Vec<usize> = Vec::new();
            let skus: Vec<Sku> = placed.iter().flatten().map(|p| p.sku.clone()).collect();
            let mut units = rollups::units(&mut tx, &skus).await?;
            for (i, placed) in placed.iter().enumerate() {
                match placed.as_ref().map_err(Clone::clone).and_then(|p| in_its_unit(p, &mut units)) {
                    Ok(()) => order.push(i),
                    Err(fate) => fates[i] = Some(fate),
                }
            }
            let of = |i: &usize| placed[*i].as_ref().ok();
            order.sort_by_key(|i| of(i).map(|p| (p.key.source.clone(), p.key.id_sha256)));
            let (mut counted, mut entries) = (Vec::new(), Vec::new());
            for i in order {
                let Some(placed) = of(&i) else { continue };
                fates[i] = Some(match claim(&mut tx, &placed.key).await? {
                    Claim::New => {
                        counted.push(placed);
                        ReadingFate::Counted
                    }
                    Claim::Duplicate => ReadingFate::Duplicate,
                    Claim::Conflict => {
                        entries.push(conflict(placed));
                        ReadingFate::Quarantined { reason: Reason::ReadingConflict }
                    }
                });
            }
            add(&mut tx, &catalog, &counted, now).await?;
            quarantine::insert(&mut tx, &entries, now).await?;
            tx.commit().await?;
            let fates: Vec<ReadingFate> = fates.into_iter().flatten().collect();
            for fate in &fates {
                counter!("releve_readings_total", "fate" => fate.name()).increment(1);
            }
            return Ok(fates);
        }
    }
}

fn place<'a>(
    reading: &'a Reading,
    catalog: &releve_metering::Catalog,
    now: Timestamp,
) -> Result<Placed<'a>, ReadingFate> {
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
    let body = encode_reading(placed.reading);
    NewEntry {
        sha256: sha256(&body),
        is_reading: true,
        reason: Reason::ReadingConflict,
        field: "id".to_owned(),
        detail: format!("source '{}' used id '{}' before with other content", placed.reading.source, placed.reading.id),
        source: Source::Http,
        node: None,
        agent: String::new(),
        rack: String::new(),
        window: Some(Window { start: placed.reading.from, end: placed.reading.to }),
        exposure: releve_metering::Exposure { tenants: vec![placed.tenant], held_ms: vec![0] },
        body,
    }
}

async fn add(
    tx: &mut releve_store::Tx,
    catalog: &releve_metering::Catalog,
    counted: &[&Placed<'_>],
    now: Timestamp,
) -> Result<(), TakeError> {
    if counted.is_empty() {
        return Ok(());
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
    let ids = rollups::intern_skus(tx, &asked, now).await?;
    rollups::add_meter_hours(tx, sums.iter(), &ids).await?;
    let changed: BTreeSet<TenantId> = counted.iter().map(|p| p.tenant).collect();
    rollups::mark_spend(tx, &changed.into_iter().collect::<Vec<_>>(), now).await?;
    Ok(())
}
