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

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
