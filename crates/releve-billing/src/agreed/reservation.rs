//! How much of what was used was reserved, and how much of what was reserved was not used?
//!
//! Matched by hour, a reservation of n devices covers what the account used of the SKU within each hour, up to n hours of
//! it: what one moment leaves unused, another in the hour takes. Matched by instant, it covers at each moment as many
//! devices as are held, up to n. Where several hold at once, the one that began first is filled first. What they cover is
//! shared among tenants and projects in proportion to what each used in the hour.

use std::{collections::BTreeMap, fmt, str::FromStr};

use releve_types::{Hour, Period, Sku, TenantId, Unit, ids::AgreementId, time::MILLIS_PER_HOUR};

use super::{AgreedTerms, Agreement};
use crate::{
    Charge, ChargeKind, Contract, PriceError, PriceReason, RateError, Settled, UnitPrice,
    gather::{AtOnce, Gathered, HourRow, Row, RowKey},
    rate::{proportion, ratio},
    settle::{MatchedRow, Of},
    tax::RateClass,
};

/// Within what time use and reservation are held against each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Matching {
    Hour,
    Instant,
}

impl Matching {
    pub const ALL: [Self; 2] = [Self::Hour, Self::Instant];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Instant => "instant",
        }
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Matching {
    type Err = PriceError;
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let found = Self::ALL.into_iter().find(|m| m.name() == text);
        found.ok_or_else(|| PriceReason::UnknownMatching(text.chars().take(40).collect()).at("matching"))
    }
}

/// What reservations make of a period.
#[derive(Default)]
pub(crate) struct Reserved<'a> {
    /// What they charge: used, unused, and above them where they say what that costs.
    pub charges: Vec<Charge>,
    /// Of each reserved SKU, by its place in `Gathered::skus`: what the price book rates.
    pub left: BTreeMap<usize, Vec<Row<'a>>>,
}

/// A reservation, taken apart.
struct Held<'a> {
    id: AgreementId,
    sku: &'a Sku,
    agreement: &'a Agreement,
    devices: u32,
    matching: Matching,
    price: UnitPrice,
    overage: Option<UnitPrice>,
    stretch: Period,
}

/// Who used how much: milliseconds, and the energy that goes with them.
type Sums<'a> = BTreeMap<(ChargeKind, TenantId, &'a str), (i64, i64)>;

pub(crate) fn reserved<'a>(
    contract: &'a Contract,
    period: Period,
    settled: &[&'a Settled],
    gathered: &Gathered<'a>,
) -> Result<Reserved<'a>, RateError> {
    let mut reserved = Reserved::default();
    let is_open = |hour: &Hour| !settled.iter().any(|part| part.stretch().contains_hour(*hour));
    for (sku, of_sku) in by_sku(contract, period) {
        let place = gathered.skus.binary_search_by(|(known, _)| (*known).cmp(sku)).ok();
        let used = UsedOfSku::new(sku, place, gathered);
        let mut matched = matched(&of_sku, hours(period).filter(is_open), &used)?;
        for row in settled.iter().flat_map(|part| part.matched()).filter(|row| row.sku == *sku) {
            matched.take_in(row);
        }
        reserved.charges.extend(charges(contract, &of_sku, &matched)?);
        if let Some(place) = place {
            reserved.left.insert(place, left(place, &gathered.skus[place].1, matched.left));
        }
    }
    Ok(reserved)
}

/// What reservations make of a part of a period, if nothing else of it is looked at.
pub(crate) fn matched_rows(
    contract: &Contract,
    (period, part): (Period, Period),
    gathered: &Gathered<'_>,
) -> Result<Vec<MatchedRow>, RateError> {
    let mut rows = Vec::new();
    for (sku, of_sku) in by_sku(contract, period) {
        let place = gathered.skus.binary_search_by(|(known, _)| (*known).cmp(sku)).ok();
        let matched = matched(&of_sku, hours(part), &UsedOfSku::new(sku, place, gathered))?;
        let row = |of, whose, sums| MatchedRow { sku: sku.clone(), of, whose, sums };
        for ((kind, tenant, project), sums) in matched.sums {
            rows.push(row(Of::Charge(kind), Some((tenant, project.to_owned())), sums));
        }
        for ((run, tenant, project), sums) in matched.left {
            rows.push(row(Of::Left { run }, Some((tenant, project.to_owned())), sums));
        }
        for (agreement, ms) in matched.unused {
            rows.push(row(Of::Charge(ChargeKind::Unused(agreement)), None, (ms, 0)));
        }
    }
    Ok(rows)
}

fn by_sku(contract: &Contract, period: Period) -> BTreeMap<&Sku, Vec<Held<'_>>> {
    let mut by_sku: BTreeMap<&Sku, Vec<Held<'_>>> = BTreeMap::new();
    for held in contract.agreements().iter().filter_map(|agreement| held(agreement, period)) {
        by_sku.entry(held.sku).or_default().push(held);
    }
    by_sku
}

fn held(agreement: &Agreement, period: Period) -> Option<Held<'_>> {
    let AgreedTerms::Reservation { sku, devices, matching, price, overage } = agreement.terms() else { return None };
    let stretch = agreement.within(period)?;
    let (devices, matching, price, overage) = (*devices, *matching, *price, *overage);
    Some(Held { id: agreement.id(), sku, agreement, devices, matching, price, overage, stretch })
}

/// What the account used of one SKU, hour by hour.
struct UsedOfSku<'b, 'a> {
    sku: &'a Sku,
    hours: BTreeMap<Hour, &'b [HourRow<'a>]>,
    at_once: BTreeMap<Hour, &'b [AtOnce]>,
}

impl<'b, 'a> UsedOfSku<'b, 'a> {
    fn new(sku: &'a Sku, place: Option<usize>, gathered: &'b Gathered<'a>) -> Self {
        let hours = gathered.hours.chunk_by(|a, b| (a.key.sku, a.hour) == (b.key.sku, b.hour));
        let at_once = gathered.at_once.chunk_by(|a, b| (a.sku, a.hour) == (b.sku, b.hour));
        Self {
            sku,
            hours: hours.filter(|rows| Some(rows[0].key.sku) == place).map(|rows| (rows[0].hour, rows)).collect(),
            at_once: at_once.filter(|of| Some(of[0].sku) == place).map(|of| (of[0].hour, of)).collect(),
        }
    }

    /// How much of an hour's use so many devices cover.
    fn covered(&self, hour: Hour, used: i64, devices: i64, matching: Matching) -> Result<i64, RateError> {
        match matching {
            Matching::Hour => Ok(used.min(devices.saturating_mul(MILLIS_PER_HOUR))),
            Matching::Instant => {
                let at_once = self.at_once.get(&hour).copied().unwrap_or_default();
                let sum = |of: &dyn Fn(&AtOnce) -> i64| {
                    at_once.iter().try_fold(0_i64, |sum, a| sum.checked_add(of(a).checked_mul(a.ms)?))
                };
                let held = sum(&|a| i64::from(a.devices));
                if held != Some(used) {
                    return Err(RateError::AtOnceDiffers { sku: Box::new(self.sku.clone()), hour });
                }
                let covered = sum(&|a| i64::from(a.devices).min(devices));
                covered.ok_or_else(|| RateError::TooLarge { sku: Box::new(self.sku.clone()) })
            }
        }
    }
}

#[derive(Default)]
struct Matched<'a> {
    sums: Sums<'a>,
    unused: BTreeMap<AgreementId, i64>,
    /// By run, tenant and project.
    left: BTreeMap<(usize, TenantId, &'a str), (i64, i64)>,
}

/// Each hour of a period.
fn hours(stretch: Period) -> impl Iterator<Item = Hour> {
    let (first, end) = (stretch.first_hour(), stretch.end_hour());
    std::iter::successors(Some(first), |hour| Some(hour.next())).take_while(move |hour| *hour < end)
}

impl<'a> Matched<'a> {
    /// What was matched before, of other hours.
    fn take_in(&mut self, row: &'a MatchedRow) {
        match (row.of, &row.whose) {
            (Of::Charge(kind), Some((tenant, project))) => {
                add(self.sums.entry((kind, *tenant, project)).or_default(), row.sums)
            }
            (Of::Left { run }, Some((tenant, project))) => {
                add(self.left.entry((run, *tenant, project)).or_default(), row.sums)
            }
            (Of::Charge(kind), None) => {
                *self.unused.entry(AgreementId::from_uuid(kind.id())).or_default() += row.sums.0;
            }
            // Whatever is left was somebody's.
            (Of::Left { .. }, None) => {}
        }
    }
}

fn matched<'a>(
    of_sku: &[Held<'a>],
    hours: impl Iterator<Item = Hour>,
    used: &UsedOfSku<'_, 'a>,
) -> Result<Matched<'a>, RateError> {
    let mut matched = Matched::default();
    for hour in hours {
        let rows = used.hours.get(&hour).copied().unwrap_or_default();
        let mut parts: Vec<(i64, i64)> = rows.iter().map(|row| (row.metered, row.energy_mj)).collect();
        let in_all = parts.iter().map(|(ms, _)| ms).sum::<i64>();
        let (mut devices, mut covered) = (0_i64, 0_i64);
        let holding = || of_sku.iter().filter(|held| held.agreement.holds_at(hour));
        for held in holding() {
            devices += i64::from(held.devices);
            let so_far = used.covered(hour, in_all, devices, held.matching)?;
            let here = so_far - covered;
            *matched.unused.entry(held.id).or_default() += i64::from(held.devices) * MILLIS_PER_HOUR - here;
            for (row, taken) in rows.iter().zip(take(&mut parts, here)) {
                let kind = ChargeKind::Reserved(held.id);
                add(matched.sums.entry((kind, row.key.tenant, row.key.project)).or_default(), taken);
            }
            covered = so_far;
        }
        let overage = holding().find(|held| held.overage.is_some());
        for (row, rest) in rows.iter().zip(parts) {
            let (tenant, project) = (row.key.tenant, row.key.project);
            match overage {
                Some(held) => {
                    add(matched.sums.entry((ChargeKind::Overage(held.id), tenant, project)).or_default(), rest)
                }
                None => add(matched.left.entry((row.key.run, tenant, project)).or_default(), rest),
            }
        }
    }
    Ok(matched)
}

fn add(sum: &mut (i64, i64), part: (i64, i64)) {
    sum.0 += part.0;
    sum.1 += part.1;
}

/// Takes so much off the parts, in proportion to what each has left, in integers that add up.
fn take(parts: &mut [(i64, i64)], covered: i64) -> Vec<(i64, i64)> {
    let in_all = parts.iter().map(|(ms, _)| ms).sum::<i64>();
    let (mut before, mut taken_before) = (0, 0);
    let one = |part: &mut (i64, i64)| {
        before += part.0;
        let taken_so_far = proportion(covered, before, in_all);
        let ms = taken_so_far - taken_before;
        taken_before = taken_so_far;
        let energy_mj = proportion(part.1, ms, part.0);
        part.0 -= ms;
        part.1 -= energy_mj;
        (ms, energy_mj)
    };
    parts.iter_mut().map(one).collect()
}

fn charges(contract: &Contract, of_sku: &[Held<'_>], matched: &Matched<'_>) -> Result<Vec<Charge>, RateError> {
    let mut charges = Vec::new();
    let mut push = |held: &Held<'_>, kind, whose: Option<(TenantId, &str)>, metered, billed, energy_mj, price| {
        let unit = Unit::GpuMs;
        let base_quantity = unit.base_quantity().1;
        charges.push(Charge {
            tenant: whose.map(|(tenant, _)| tenant),
            project: whose.map_or_else(String::new, |(_, project)| project.to_owned()),
            sku: held.sku.clone(),
            unit,
            kind,
            class: RateClass::Standard,
            tier: 0,
            stretch: held.stretch,
            metered,
            billed,
            energy_mj,
            unit_price: UnitPrice::amount(price),
            base_quantity,
            discount: None,
            amount: ratio(billed, price, unit, base_quantity, contract.currency())?,
        });
        Ok::<(), RateError>(())
    };
    for (&(kind, tenant, project), &(ms, energy_mj)) in &matched.sums {
        let Some(held) = of_sku.iter().find(|held| held.id.uuid() == kind.id()) else { continue };
        let price = match kind {
            ChargeKind::Overage(_) => held.overage.unwrap_or(held.price),
            _ => held.price,
        };
        if ms != 0 {
            push(held, kind, Some((tenant, project)), ms, ms, energy_mj, price)?;
        }
    }
    for held in of_sku {
        let unused = matched.unused.get(&held.id).copied().unwrap_or_default();
        if unused != 0 {
            push(held, ChargeKind::Unused(held.id), None, 0, unused, 0, held.price)?;
        }
    }
    Ok(charges)
}

fn left<'a>(
    sku: usize,
    runs: &[crate::Run<'a>],
    left: BTreeMap<(usize, TenantId, &'a str), (i64, i64)>,
) -> Vec<Row<'a>> {
    let row = |((run, tenant, project), (metered, energy_mj)): ((usize, TenantId, &'a str), (i64, i64))| {
        let billed = if runs[run].price.is_some() { metered } else { 0 };
        Row { key: RowKey { sku, run, tenant, project }, metered, billed, energy_mj }
    };
    left.into_iter().map(row).filter(|row| row.metered != 0).collect()
}
