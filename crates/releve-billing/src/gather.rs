//! Which quantities are rated? Usage brought to its one canonical form: summed per price, tenant and project.
//!
//! Both the rating and the issuing digest read this form, so neither depends on the order of the rows or on
//! how finely their stretches were cut.

use std::collections::BTreeMap;

use releve_types::{AllocationId, Hour, Period, Sku, TenantId};
use uuid::Uuid;

use crate::{Contract, Matching, Rounding, Run, Settled, Usage, UsageItem, rate::RateError};

/// The canonical form.
pub(crate) struct Gathered<'a> {
    /// Each SKU of the usage with its prices over the period, by SKU.
    pub skus: Vec<(&'a Sku, Vec<Run<'a>>)>,
    /// One row per SKU, run, tenant and project, in this order.
    pub rows: Vec<Row<'a>>,
    /// One row per SKU, allocation, device, run, tenant and project, in this order.
    pub held: Vec<Held<'a>>,
    /// Of SKUs of which devices are reserved: one row per SKU, hour, tenant and project, in this order. `rows` hold their
    /// sums too.
    pub hours: Vec<HourRow<'a>>,
    /// Of those that are matched by instant: one per SKU, hour and number of devices, in this order.
    pub at_once: Vec<AtOnce>,
}

pub(crate) struct HourRow<'a> {
    pub hour: Hour,
    pub key: RowKey<'a>,
    pub metered: i64,
    pub energy_mj: i64,
}

/// For how long exactly so many devices were held at once.
pub(crate) struct AtOnce {
    /// Index into `Gathered::skus`.
    pub sku: usize,
    pub hour: Hour,
    pub devices: u32,
    pub ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey<'a> {
    /// Index into `Gathered::skus`, which is sorted: so these sort as the SKUs do.
    pub sku: usize,
    pub run: usize,
    pub tenant: TenantId,
    pub project: &'a str,
}

pub(crate) struct Row<'a> {
    pub key: RowKey<'a>,
    pub metered: i64,
    /// After the plan's rounding; 0 where there is no price.
    pub billed: i64,
    pub energy_mj: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeldKey<'a> {
    pub sku: usize,
    pub allocation: AllocationId,
    pub device: Uuid,
    pub run: usize,
    pub tenant: TenantId,
    pub project: &'a str,
}

pub(crate) struct Held<'a> {
    pub key: HeldKey<'a>,
    pub held_before: i64,
    pub held: i64,
    pub energy_mj: i64,
}

/// The usage of a period, with what of it is settled.
pub(crate) fn gather<'a>(
    contract: &'a Contract,
    period: Period,
    settled: &[&'a Settled],
    usage: &'a Usage,
) -> Result<Gathered<'a>, RateError> {
    let items = || usage.items.iter().chain(settled.iter().flat_map(|part| part.items()));
    let mut given: BTreeMap<&Sku, (bool, bool)> = BTreeMap::new();
    for item in items() {
        given.entry(&item.sku).or_default().0 = true;
    }
    for item in &usage.allocations {
        given.entry(&item.sku).or_default().1 = true;
    }
    if let Some((sku, _)) = given.iter().find(|(_, both)| **both == (true, true)) {
        return Err(RateError::GivenTwice { sku: boxed(sku) });
    }
    let skus: Vec<_> = given.into_keys().map(|sku| (sku, contract.runs(sku, period))).collect();
    let mut rows = plain_rows(&skus, period, items())?;
    let held = held_rows(&skus, period, usage)?;
    rows.extend(rounded_rows(&skus, &held)?);
    let mut rows = summed(rows, &skus)?;
    rows.retain(|row| (row.metered, row.billed) != (0, 0));
    let reserved = contract.reserved_skus(period);
    let hours = hour_rows(&skus, &reserved, period, usage)?;
    let at_once = at_once(&skus, &reserved, period, usage)?;
    Ok(Gathered { skus, rows, held, hours, at_once })
}

/// The usage of reserved SKUs, hour by hour.
fn hour_rows<'a>(
    skus: &Skus<'a>,
    reserved: &BTreeMap<&Sku, Matching>,
    period: Period,
    usage: &'a Usage,
) -> Result<Vec<HourRow<'a>>, RateError> {
    if let Some(item) = usage.allocations.iter().find(|item| reserved.contains_key(&item.sku)) {
        return Err(RateError::ReservedRounded { sku: boxed(&item.sku) });
    }
    let mut hours: BTreeMap<(usize, Hour, TenantId, &str), HourRow<'a>> = BTreeMap::new();
    for item in usage.items.iter().filter(|item| reserved.contains_key(&item.sku)) {
        let (sku, run) = locate(skus, period, &item.sku, item.stretch)?;
        if item.stretch.hours() != 1 {
            return Err(RateError::NeedsHours { sku: boxed(&item.sku), stretch: item.stretch });
        }
        let (hour, project) = (item.stretch.first_hour(), item.project.as_str());
        let key = RowKey { sku, run, tenant: item.tenant, project };
        let row =
            hours.entry((sku, hour, item.tenant, project)).or_insert(HourRow { hour, key, metered: 0, energy_mj: 0 });
        row.metered = add(row.metered, item.metered, &item.sku)?;
        row.energy_mj = add(row.energy_mj, item.energy_mj, &item.sku)?;
    }
    Ok(hours.into_values().collect())
}

fn at_once(
    skus: &Skus<'_>,
    reserved: &BTreeMap<&Sku, Matching>,
    period: Period,
    usage: &Usage,
) -> Result<Vec<AtOnce>, RateError> {
    let by_instant = |sku: &Sku| reserved.get(sku) == Some(&Matching::Instant);
    let mut held: BTreeMap<(usize, Hour, u32), i64> = BTreeMap::new();
    for item in usage.at_once.iter().filter(|item| by_instant(&item.sku)) {
        let hour = Period::of_hours(item.hour, item.hour.next()).map_err(|_| too_large(&item.sku))?;
        let (sku, _) = locate(skus, period, &item.sku, hour)?;
        not_negative("at_once.ms", item.ms, &item.sku)?;
        let ms = held.entry((sku, item.hour, item.devices)).or_default();
        *ms = add(*ms, item.ms, &item.sku)?;
    }
    let of = |((sku, hour, devices), ms)| AtOnce { sku, hour, devices, ms };
    Ok(held.into_iter().filter(|(_, ms)| *ms != 0).map(of).collect())
}

pub(crate) type Skus<'a> = [(&'a Sku, Vec<Run<'a>>)];

fn plain_rows<'a>(
    skus: &Skus<'a>,
    period: Period,
    items: impl Iterator<Item = &'a UsageItem>,
) -> Result<Vec<Row<'a>>, RateError> {
    let mut rows = Vec::with_capacity(items.size_hint().0);
    for item in items {
        let (sku, run) = locate(skus, period, &item.sku, item.stretch)?;
        not_negative("metered", item.metered, &item.sku)?;
        not_negative("energy_mj", item.energy_mj, &item.sku)?;
        let billed = match skus[sku].1[run].price {
            None => 0,
            Some(price) if price.rounding() == Rounding::Exact => item.metered,
            Some(price) => {
                return Err(RateError::NeedsAllocations { sku: boxed(&item.sku), rounding: price.rounding() });
            }
        };
        let key = RowKey { sku, run, tenant: item.tenant, project: &item.project };
        rows.push(Row { key, metered: item.metered, billed, energy_mj: item.energy_mj });
    }
    Ok(rows)
}

fn held_rows<'a>(skus: &Skus<'a>, period: Period, usage: &'a Usage) -> Result<Vec<Held<'a>>, RateError> {
    let mut rows = Vec::with_capacity(usage.allocations.len());
    for item in &usage.allocations {
        let (sku, run) = locate(skus, period, &item.sku, item.stretch)?;
        for (field, value) in [("held_before", item.held_before), ("held", item.held), ("energy_mj", item.energy_mj)] {
            not_negative(field, value, &item.sku)?;
        }
        let (allocation, device, tenant) = (item.allocation, item.device, item.tenant);
        let key = HeldKey { sku, allocation, device, run, tenant, project: &item.project };
        rows.push(Held { key, held_before: item.held_before, held: item.held, energy_mj: item.energy_mj });
    }
    rows.sort_unstable_by_key(|r| r.key);
    let mut merged: Vec<Held<'_>> = Vec::with_capacity(rows.len());
    for row in rows {
        match merged.last_mut() {
            Some(last) if last.key == row.key => {
                if last.held_before != row.held_before {
                    return Err(held_before_differs(skus, &row));
                }
                last.held = add(last.held, row.held, skus[row.key.sku].0)?;
                last.energy_mj = add(last.energy_mj, row.energy_mj, skus[row.key.sku].0)?;
            }
            _ => merged.push(row),
        }
    }
    merged.retain(|row| row.held != 0);
    Ok(merged)
}

/// Applies the plans: what an allocation held of a device is rounded as one growing sum, per plan, in the order
/// of the runs, then of tenant and project.
fn rounded_rows<'a>(skus: &Skus<'a>, held: &[Held<'a>]) -> Result<Vec<Row<'a>>, RateError> {
    let mut rows = Vec::with_capacity(held.len());
    let same_device = |a: &Held<'_>, b: &Held<'_>| {
        (a.key.sku, a.key.allocation, a.key.device) == (b.key.sku, b.key.allocation, b.key.device)
    };
    for of_device in held.chunk_by(same_device) {
        // Per plan: the held time before the period, and the held time so far.
        let mut so_far: BTreeMap<Rounding, (i64, i64)> = BTreeMap::new();
        for row in of_device {
            let (sku, runs) = &skus[row.key.sku];
            let HeldKey { sku: sku_index, run, tenant, project, .. } = row.key;
            let mut billed = 0;
            if let Some(price) = runs[run].price {
                let (before, sum) = so_far.entry(price.rounding()).or_insert((row.held_before, row.held_before));
                if *before != row.held_before {
                    return Err(held_before_differs(skus, row));
                }
                let (from, to) = (*sum, add(*sum, row.held, sku)?);
                let plan = |held: i64| price.rounding().billed(held).ok_or_else(|| too_large(sku));
                billed = plan(to)? - plan(from)?;
                *sum = to;
            }
            let key = RowKey { sku: sku_index, run, tenant, project };
            rows.push(Row { key, metered: row.held, billed, energy_mj: row.energy_mj });
        }
    }
    Ok(rows)
}

fn summed<'a>(mut rows: Vec<Row<'a>>, skus: &Skus<'a>) -> Result<Vec<Row<'a>>, RateError> {
    rows.sort_unstable_by_key(|r| r.key);
    let mut merged: Vec<Row<'_>> = Vec::with_capacity(rows.len());
    for row in rows {
        let sku = skus[row.key.sku].0;
        match merged.last_mut() {
            Some(last) if last.key == row.key => {
                last.metered = add(last.metered, row.metered, sku)?;
                last.billed = add(last.billed, row.billed, sku)?;
                last.energy_mj = add(last.energy_mj, row.energy_mj, sku)?;
            }
            _ => merged.push(row),
        }
    }
    Ok(merged)
}

/// The items summed per price, tenant and project; those too of which no time is left, as long as other parts may add to them.
pub(crate) fn summed_items<'a>(skus: &Skus<'a>, period: Period, usage: &'a Usage) -> Result<Vec<Row<'a>>, RateError> {
    summed(plain_rows(skus, period, usage.items.iter())?, skus)
}

/// Which SKU, and which of its runs, a row belongs to.
fn locate(skus: &Skus<'_>, period: Period, sku: &Sku, stretch: Period) -> Result<(usize, usize), RateError> {
    if period.intersect(stretch) != Some(stretch) {
        return Err(RateError::OutsidePeriod { sku: boxed(sku), stretch, period });
    }
    let crosses = || RateError::CrossesPrice { sku: boxed(sku), stretch };
    let index = skus.binary_search_by(|(known, _)| (*known).cmp(sku)).map_err(|_| crosses())?;
    let runs = &skus[index].1;
    let run = runs.partition_point(|run| run.stretch.end_hour() <= stretch.first_hour());
    let inside = runs.get(run).is_some_and(|run| run.stretch.intersect(stretch) == Some(stretch));
    if inside { Ok((index, run)) } else { Err(crosses()) }
}

fn not_negative(field: &'static str, value: i64, sku: &Sku) -> Result<(), RateError> {
    if value < 0 { Err(RateError::Negative { field, value, sku: boxed(sku) }) } else { Ok(()) }
}

fn add(a: i64, b: i64, sku: &Sku) -> Result<i64, RateError> {
    a.checked_add(b).ok_or_else(|| too_large(sku))
}

fn too_large(sku: &Sku) -> RateError {
    RateError::TooLarge { sku: boxed(sku) }
}

fn held_before_differs(skus: &Skus<'_>, row: &Held<'_>) -> RateError {
    let (allocation, device) = (row.key.allocation, row.key.device);
    RateError::HeldBeforeDiffers { sku: boxed(skus[row.key.sku].0), allocation, device }
}

fn boxed(sku: &Sku) -> Box<Sku> {
    Box::new(sku.clone())
}
