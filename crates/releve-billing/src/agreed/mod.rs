//! What did an account agree to beside its price books? Discounts, reservations, fees and minimum spends, each dated.

mod apart;
mod discount;
mod fee;
mod minimum;
mod reservation;

use releve_types::{Hour, Period, Sku, Timestamp, ids::AgreementId};

pub(crate) use self::{
    apart::apart,
    discount::narrowest,
    fee::fees,
    minimum::minimum,
    reservation::{matched_rows, reserved},
};
pub use self::{
    apart::check_new_agreement,
    discount::{Allowance, Percent, Scope},
    reservation::Matching,
};
use crate::{PriceError, PriceReason, UnitPrice, tax::RateClass};

/// The longest description: what a line of an invoice takes.
pub const DESCRIPTION_CHARS_MAX: usize = 200;
/// The most devices of one reservation: more than the largest cloud has.
pub const DEVICES_MAX: u32 = 1_000_000;

/// One thing agreed to, from an hour on: until another, or until it is ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    id: AgreementId,
    description: String,
    from: Hour,
    until: Option<Hour>,
    terms: AgreedTerms,
}

/// What was agreed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgreedTerms {
    /// So much less than the price book says; nothing off what was agreed otherwise.
    Discount { scope: Scope, percent: Percent },
    /// So many devices of a SKU, used or not, each at so much an hour. What is used beyond them costs `overage`, or what
    /// the price book says.
    Reservation { sku: Sku, devices: u32, matching: Matching, price: UnitPrice, overage: Option<UnitPrice> },
    /// So much a month; for a part of a month, its hours' part.
    Recurring { sku: Sku, price: UnitPrice, class: RateClass },
    /// Once, in the period in which it starts.
    Once { sku: Sku, price: UnitPrice, class: RateClass },
    /// Given back once, in the period in which it starts.
    Goodwill { sku: Sku, price: UnitPrice, class: RateClass },
    /// At least so much a month; for a part of a month, its hours' part. Usage, reservations and recurring fees count
    /// towards it, after discounts.
    Minimum { price: UnitPrice },
}

impl AgreedTerms {
    /// The kind's name in the API and in the store.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Discount { .. } => "discount",
            Self::Reservation { .. } => "reservation",
            Self::Recurring { .. } => "recurring",
            Self::Once { .. } => "once",
            Self::Goodwill { .. } => "goodwill",
            Self::Minimum { .. } => "minimum",
        }
    }
}

impl Agreement {
    pub fn new(
        id: AgreementId,
        description: String,
        from: Timestamp,
        until: Option<Timestamp>,
        terms: AgreedTerms,
    ) -> Result<Self, PriceError> {
        check_description(&description)?;
        let (from, until) = dated(from, until, "until")?;
        check_terms(&terms)?;
        Ok(Self { id, description, from, until, terms })
    }

    pub const fn id(&self) -> AgreementId {
        self.id
    }

    /// What its line says, and why a discount is given.
    pub fn description(&self) -> &str {
        &self.description
    }

    pub const fn from(&self) -> Hour {
        self.from
    }

    /// The first hour in which it no longer holds.
    pub const fn until(&self) -> Option<Hour> {
        self.until
    }

    pub const fn terms(&self) -> &AgreedTerms {
        &self.terms
    }

    pub fn holds_at(&self, hour: Hour) -> bool {
        self.from <= hour && self.until.is_none_or(|until| hour < until)
    }

    /// The part of a period in which it holds.
    pub(crate) fn within(&self, period: Period) -> Option<Period> {
        let until = self.until.map_or(period.end_hour(), |until| until.min(period.end_hour()));
        Period::of_hours(self.from.max(period.first_hour()), until).ok()
    }

    fn overlaps(&self, other: &Self) -> bool {
        let starts_before = |a: &Self, b: &Self| b.until.is_none_or(|until| a.from < until);
        starts_before(self, other) && starts_before(other, self)
    }

    /// Ended at an hour: earlier than it would have, never before it began.
    pub fn ended(self, until: Timestamp) -> Result<Self, PriceError> {
        check_end(self.until, until)?;
        Self::new(self.id, self.description, self.from.start(), Some(until), self.terms)
    }
}

/// What a line says of something agreed.
pub(crate) fn check_description(description: &str) -> Result<(), PriceError> {
    let length = description.chars().count();
    if description.trim().is_empty() || length > DESCRIPTION_CHARS_MAX {
        return Err(PriceReason::Description { length, max: DESCRIPTION_CHARS_MAX }.at("description"));
    }
    Ok(())
}

/// The hours in which something agreed starts and ends; `end` is what its end is called.
pub(crate) fn dated(
    from: Timestamp,
    until: Option<Timestamp>,
    end: &'static str,
) -> Result<(Hour, Option<Hour>), PriceError> {
    for (field, at) in [("from", Some(from)), (end, until)] {
        if let Some(at) = at.filter(|at| !at.is_whole_hour()) {
            return Err(PriceReason::AgreementNotWholeHour(at).at(field));
        }
    }
    if let Some(until) = until.filter(|until| *until <= from) {
        return Err(PriceReason::EndsBeforeItStarts { from, until }.at(end));
    }
    Ok((from.hour(), until.map(Timestamp::hour)))
}

/// What ends at an hour ends earlier than it would have.
pub(crate) fn check_end(known: Option<Hour>, until: Timestamp) -> Result<(), PriceError> {
    match known {
        Some(known) if until.is_whole_hour() && known <= until.hour() => {
            Err(PriceReason::EndsAlready { known: known.start(), until }.at("until"))
        }
        _ => Ok(()),
    }
}

fn check_terms(terms: &AgreedTerms) -> Result<(), PriceError> {
    match terms {
        AgreedTerms::Discount { .. } => Ok(()),
        AgreedTerms::Minimum { price } => above_zero(*price),
        AgreedTerms::Reservation { sku, devices, .. } => match sku {
            Sku::Gpu { .. } if (1..=DEVICES_MAX).contains(devices) => Ok(()),
            Sku::Gpu { .. } => Err(PriceReason::Devices { devices: *devices, max: DEVICES_MAX }.at("devices")),
            _ => Err(PriceReason::NotReservable(sku.clone()).at("sku")),
        },
        AgreedTerms::Recurring { sku, price, .. }
        | AgreedTerms::Once { sku, price, .. }
        | AgreedTerms::Goodwill { sku, price, .. } => match sku {
            Sku::Fee { .. } => above_zero(*price),
            _ => Err(PriceReason::NotAFee(sku.clone()).at("sku")),
        },
    }
}

fn above_zero(price: UnitPrice) -> Result<(), PriceError> {
    if price.amount().is_zero() { Err(PriceReason::NothingOwed.at("price")) } else { Ok(()) }
}
