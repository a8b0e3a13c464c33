//! Who should have had this usage? A rule that appears, or reaches back, moves what was counted under its key.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use releve_metering::{Catalog, moves::state};
use releve_store::{
    Tx,
    moves::{self, Adjustment, HourPlace, HourRow, Kind, Line, MeterRow},
    usage_versions,
};
use releve_types::{AllocationId, Hour, Ranges, TenantId, TenantKey, Timestamp, ids::fresh_uuid, time::MILLIS_PER_DAY};

use crate::{
    count::lock_books,
    take::{Aggregator, TakeError},
};

/// What a re-attribution moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    pub gpu_ms: i64,
    pub allocation_hours: i64,
    pub meter_hours: i64,
}

impl AddAssign for Moved {
    fn add_assign(&mut self, more: Self) {
        self.gpu_ms += more.gpu_ms;
        self.allocation_hours += more.allocation_hours;
        self.meter_hours += more.meter_hours;
    }
}

/// A place's state over all books: what it holds, and the energy that goes with it.
pub(crate) type States = BTreeMap<HourPlace, (Ranges, i64)>;

impl Aggregator {
    /// Moves usage under `key` to the tenant that the rules name for each hour, a UTC day a transaction: it
    /// takes back in the open book of the one and gives in the open book of the other. Doing it again moves
    /// nothing. With `dry_run` nothing is written. Other meters move out of suspense only: a reading that named
    /// its tenant has no key to move by.
    pub async fn reattribute(
        &self,
        key: &TenantKey,
        by: &str,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Moved, TakeError> {
        let mut tx = self.db.begin_app().await?;
        let days = moves::days_of_key(&mut tx, key).await?;
        tx.commit().await?;
        let mut moved = Moved::default();
        for day in days {
            moved += self.reattribute_day(key, day, by, dry_run, now).await?;
        }
        Ok(moved)
    }

    async fn reattribute_day(
        &self,
        key: &TenantKey,
        day: i64,
        by: &str,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Moved, TakeError> {
        let from = Timestamp::from_millis(day * MILLIS_PER_DAY).hour();
        let to = Hour::from_index(from.index() + 24);
        loop {
            let catalog = self.catalog().await?;
            let mut tx = self.db.begin_app().await?;
            if releve_store::catalog::version_for_share(&mut tx).await? != catalog.version {
                self.forget_catalog(catalog.version);
                continue;
            }
            moves::lock_keys(&mut tx, std::iter::once(key)).await?;
            // The books' locks keep others from adding to or closing what is about to be read and moved.
            let before = wrong(&states(moves::rows_of_key(&mut tx, key, from, to).await?), key, &catalog);
            let meters = moves::suspense_meters(&mut tx, key, from, to).await?;
            let hours = hours_touched(&before, &meters, key, &catalog);
            let books = lock_books(&mut tx, &catalog, &hours).await?;
            let now_wrong = wrong(&states(moves::rows_of_key(&mut tx, key, from, to).await?), key, &catalog);
            let meters = moves::suspense_meters(&mut tx, key, from, to).await?;
            if !hours_touched(&now_wrong, &meters, key, &catalog).is_subset(&hours) {
                continue;
            }
            let book = |tenant: TenantId, hour: Hour| books.get(&(tenant, hour)).copied().unwrap_or(1);
            let (lines, moved) = lines(&now_wrong, &meters, key, &catalog, book);
            if !dry_run && !lines.is_empty() {
                write(&mut tx, &now_wrong, &lines, by, now).await?;
                tx.commit().await?;
            }
            return Ok(moved);
        }
    }
}

pub(crate) fn states(rows: Vec<HourRow>) -> States {
    let mut books: BTreeMap<HourPlace, Vec<HourRow>> = BTreeMap::new();
    for row in rows {
        books.entry(row.place.clone()).or_default().push(row);
    }
    let fold = |rows: Vec<HourRow>| {
        let held = state(rows.iter().map(|r| (&r.held, &r.taken_back)));
        (held, rows.iter().map(|r| r.energy_mj).sum())
    };
    books.into_iter().map(|(place, rows)| (place, fold(rows))).filter(|(_, (held, _))| !held.is_empty()).collect()
}

/// What stands with another tenant than the rules name, and with whom it should stand.
fn wrong(states: &States, key: &TenantKey, catalog: &Catalog) -> BTreeMap<HourPlace, (TenantId, Ranges, i64)> {
    let suspense = releve_wire::suspense_tenant_id(key);
    let should = |place: &HourPlace| catalog.tenant(key, place.hour.start()).unwrap_or(suspense);
    let moves = states.iter().filter(|(place, _)| should(place) != place.tenant);
    moves.map(|(place, (held, energy))| (place.clone(), (should(place), held.clone(), *energy))).collect()
}

fn hours_touched(
    wrong: &BTreeMap<HourPlace, (TenantId, Ranges, i64)>,
    meters: &[MeterRow],
    key: &TenantKey,
    catalog: &Catalog,
) -> BTreeSet<(TenantId, Hour)> {
    let of_places = wrong.iter().flat_map(|(place, (to, ..))| [(place.tenant, place.hour), (*to, place.hour)]);
    let of_meters = meters.iter().filter_map(|m| Some((catalog.tenant(key, m.hour.start())?, m.hour)));
    of_places.chain(of_meters).collect()
}

fn lines(
    wrong: &BTreeMap<HourPlace, (TenantId, Ranges, i64)>,
    meters: &[MeterRow],
    key: &TenantKey,
    catalog: &Catalog,
    book: impl Fn(TenantId, Hour) -> i32,
) -> (Vec<Line>, Moved) {
    let (mut lines, mut moved) = (Vec::new(), Moved::default());
    for (place, (to, held, energy)) in wrong {
        let target = HourPlace { tenant: *to, ..place.clone() };
        let (ranges, energy_mj) = (held.clone(), *energy);
        lines.push(Line::Take { book: book(place.tenant, place.hour), place: place.clone(), ranges, energy_mj });
        lines.push(Line::Give { book: book(*to, place.hour), place: target, ranges: held.clone(), energy_mj });
        moved.gpu_ms += held.total();
        moved.allocation_hours += 1;
    }
    for row in meters {
        let Some(to) = catalog.tenant(key, row.hour.start()) else { continue };
        let minus = MeterRow { quantity: -row.quantity, ..row.clone() };
        lines.push(Line::Meter { book: book(row.tenant, row.hour), row: minus });
        lines.push(Line::Meter { book: book(to, row.hour), row: MeterRow { tenant: to, ..row.clone() } });
        moved.meter_hours += 1;
    }
    (lines, moved)
}

async fn write(
    tx: &mut Tx,
    wrong: &BTreeMap<HourPlace, (TenantId, Ranges, i64)>,
    lines: &[Line],
    by: &str,
    now: Timestamp,
) -> Result<(), TakeError> {
    let mut names: BTreeMap<(TenantId, TenantId), BTreeSet<AllocationId>> = BTreeMap::new();
    for (place, (to, ..)) in wrong {
        names.entry((place.tenant, *to)).or_default().insert(place.allocation);
    }
    for ((from, to), allocations) in names {
        moves::copy_names(tx, from, to, &allocations.into_iter().collect::<Vec<_>>()).await?;
    }
    let adjustment = Adjustment { id: fresh_uuid(now), kind: Kind::Reattribution, by, now };
    moves::adjust(tx, adjustment, lines).await?;
    let hour_of = |line: &Line| match line {
        Line::Give { place, .. } | Line::Take { place, .. } => (place.tenant, place.hour),
        Line::Meter { row, .. } => (row.tenant, row.hour),
    };
    usage_versions::changed(tx, &lines.iter().map(hour_of).collect(), now).await?;
    Ok(())
}
