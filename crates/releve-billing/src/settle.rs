//! What does a part of a period come to, whatever the rest of it will be? Usage is summed, and what was reserved is matched hour by hour, part
//! by part; tiers, discounts and minimum spends are of the whole, and wait. So a month that goes on is rated again without looking through
//! the days that did not change.

use releve_types::{Period, Sku, TenantId};

use crate::{
    ChargeKind, Contract, RateError, Usage, UsageItem,
    agreed::matched_rows,
    gather::{Row, gather, summed_items},
};

/// A part of a period, added up under one contract. It means nothing under another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    stretch: Period,
    /// One per price, tenant and project.
    items: Vec<UsageItem>,
    matched: Vec<MatchedRow>,
}

/// What reservations make of the part's use of a SKU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MatchedRow {
    pub sku: Sku,
    pub of: Of,
    /// Nobody: it was reserved and not used.
    pub whose: Option<(TenantId, String)>,
    /// Milliseconds and energy.
    pub sums: (i64, i64),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Of {
    Charge(ChargeKind),
    /// For the price book: in which of the SKU's runs over the whole period.
    Left {
        run: usize,
    },
}

impl Settled {
    pub const fn stretch(&self) -> Period {
        self.stretch
    }

    pub(crate) fn items(&self) -> &[UsageItem] {
        &self.items
    }

    pub(crate) fn matched(&self) -> &[MatchedRow] {
        &self.matched
    }

    /// Parts as the one that they make up, all settled under one contract. Parts that were joined before are taken off again by giving them
    /// as `old`, so that the whole follows when one of its parts is settled anew.
    pub fn joined(stretch: Period, new: &[&Self], old: &[&Self]) -> Result<Self, RateError> {
        let signed = || new.iter().map(|part| (1, *part)).chain(old.iter().map(|part| (-1, *part)));
        let items = signed().flat_map(|(sign, part)| part.items.iter().map(move |item| (sign, item)));
        let items = summed(items, |item| (&item.sku, item.stretch.start(), item.tenant, &item.project))?;
        let matched = signed().flat_map(|(sign, part)| part.matched.iter().map(move |row| (sign, row)));
        let matched = summed(matched, |row| (&row.sku, row.of, &row.whose))?;
        Ok(Self { stretch, items, matched })
    }
}

/// Something of a SKU that adds up: time and energy.
trait Sums: Clone {
    fn sku(&self) -> &Sku;
    fn sums(&self) -> (i64, i64);
    fn with(&self, sums: (i64, i64)) -> Self;
}

impl Sums for UsageItem {
    fn sku(&self) -> &Sku {
        &self.sku
    }

    fn sums(&self) -> (i64, i64) {
        (self.metered, self.energy_mj)
    }

    fn with(&self, (metered, energy_mj): (i64, i64)) -> Self {
        Self { metered, energy_mj, ..self.clone() }
    }
}

impl Sums for MatchedRow {
    fn sku(&self) -> &Sku {
        &self.sku
    }

    fn sums(&self) -> (i64, i64) {
        self.sums
    }

    fn with(&self, sums: (i64, i64)) -> Self {
        Self { sums, ..self.clone() }
    }
}

/// Adds and takes off what has one key; what comes to nothing is left out.
fn summed<'a, T: Sums + 'a, K: Ord>(
    signed: impl Iterator<Item = (i128, &'a T)>,
    key: impl Fn(&'a T) -> K,
) -> Result<Vec<T>, RateError> {
    let mut signed: Vec<(i128, &T)> = signed.collect();
    // Stable, since parts come sorted: long runs are merged.
    signed.sort_by_key(|(_, row)| key(row));
    let mut summed = Vec::with_capacity(signed.len());
    for of_key in signed.chunk_by(|(_, a), (_, b)| key(a) == key(b)) {
        let row = of_key[0].1;
        let (mut time, mut energy) = (0_i128, 0_i128);
        for (sign, part) in of_key {
            let sums = part.sums();
            time += sign * i128::from(sums.0);
            energy += sign * i128::from(sums.1);
        }
        let (Ok(time), Ok(energy)) = (i64::try_from(time), i64::try_from(energy)) else {
            return Err(RateError::TooLarge { sku: Box::new(row.sku().clone()) });
        };
        if (time, energy) != (0, 0) {
            summed.push(row.with((time, energy)));
        }
    }
    Ok(summed)
}

/// Settles a part of a period, given all that was used in it. What allocations held under a plan that rounds is not settled, since it grows
/// over the whole period: it goes with the rest.
pub fn settle(contract: &Contract, period: Period, part: Period, usage: &Usage) -> Result<Settled, RateError> {
    if let Some(item) = usage.items.iter().find(|item| part.intersect(item.stretch) != Some(item.stretch)) {
        return Err(RateError::OutsidePeriod { sku: Box::new(item.sku.clone()), stretch: item.stretch, period: part });
    }
    let gathered = gather(contract, period, &[], usage)?;
    let item = |row: &Row<'_>| {
        let (sku, runs) = &gathered.skus[row.key.sku];
        UsageItem {
            tenant: row.key.tenant,
            project: row.key.project.to_owned(),
            sku: (*sku).clone(),
            stretch: runs[row.key.run].stretch,
            metered: row.metered,
            energy_mj: row.energy_mj,
        }
    };
    let items = summed_items(&gathered.skus, period, usage)?.iter().map(item).collect();
    let matched = matched_rows(contract, (period, part), &gathered)?;
    Ok(Settled { stretch: part, items, matched })
}
