//! What does a period cost? Charges for what was used and agreed, and beside them what has no price.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
};

use releve_types::{
    AllocationId, Currency, Hour, Money, Period, Sku, TenantId, Unit,
    ids::{AgreementId, CreditId, PriceId},
    money::MoneyError,
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    Allowance, Contract, Percent, Price, Rounding, Settled, UnitPrice, Usage,
    agreed::{fees, minimum, narrowest, reserved},
    gather::{Row, gather},
    price,
    rating::{Part, Place, Places},
    tax::RateClass,
};

/// What a charge is for, and which price or agreement it comes of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ChargeKind {
    /// Usage at a price book's price.
    Usage(PriceId),
    /// Usage that was reserved.
    Reserved(AgreementId),
    /// What was reserved and not used.
    Unused(AgreementId),
    /// Usage above a reservation, at the rate agreed for it.
    Overage(AgreementId),
    /// A fee by the month.
    Recurring(AgreementId),
    /// A fee once.
    Once(AgreementId),
    /// Given back once.
    Goodwill(AgreementId),
    /// What is missing to a minimum spend.
    Minimum(AgreementId),
    /// Paid for by a credit that was granted.
    Credit(CreditId),
    /// Asked for, or received, before anything is used: what a credit paid in advance is invoiced as.
    Deposit(CreditId),
}

impl ChargeKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Reserved(_) => "reserved",
            Self::Unused(_) => "unused",
            Self::Overage(_) => "overage",
            Self::Recurring(_) => "recurring",
            Self::Once(_) => "once",
            Self::Goodwill(_) => "goodwill",
            Self::Minimum(_) => "minimum",
            Self::Credit(_) => "credit",
            Self::Deposit(_) => "deposit",
        }
    }

    /// The inverse of `name` and `id`: how a stored charge is read back.
    pub fn from_parts(name: &str, id: Uuid) -> Option<Self> {
        let agreement = AgreementId::from_uuid(id);
        let all = [
            Self::Usage(PriceId::from_uuid(id)),
            Self::Reserved(agreement),
            Self::Unused(agreement),
            Self::Overage(agreement),
            Self::Recurring(agreement),
            Self::Once(agreement),
            Self::Goodwill(agreement),
            Self::Minimum(agreement),
            Self::Credit(CreditId::from_uuid(id)),
            Self::Deposit(CreditId::from_uuid(id)),
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Of the price, the agreement or the credit.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Usage(price) => price.uuid(),
            Self::Credit(credit) | Self::Deposit(credit) => credit.uuid(),
            Self::Reserved(id)
            | Self::Unused(id)
            | Self::Overage(id)
            | Self::Recurring(id)
            | Self::Once(id)
            | Self::Goodwill(id)
            | Self::Minimum(id) => id.uuid(),
        }
    }

    /// With its prefix: `prc_…`, `agr_…` or `crd_…`.
    pub fn reference(self) -> String {
        match self {
            Self::Usage(price) => price.to_string(),
            Self::Credit(credit) | Self::Deposit(credit) => credit.to_string(),
            _ => AgreementId::from_uuid(self.id()).to_string(),
        }
    }

    /// Whether it is less that is owed by it, not more.
    pub const fn gives(self) -> bool {
        matches!(self, Self::Goodwill(_) | Self::Credit(_))
    }

    /// Whether it is for what was used. What was reserved and not used, and fees, are not.
    pub const fn is_of_use(self) -> bool {
        matches!(self, Self::Usage(_) | Self::Reserved(_) | Self::Overage(_))
    }

    pub(crate) const fn counts_towards_a_minimum(self) -> bool {
        !matches!(self, Self::Once(_) | Self::Goodwill(_) | Self::Minimum(_) | Self::Credit(_) | Self::Deposit(_))
    }
}

/// One price applied to what one project used, or what the account owes besides: what becomes an invoice line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    /// Who used it; nobody in particular where the account as a whole owes it.
    pub tenant: Option<TenantId>,
    pub project: String,
    pub sku: Sku,
    pub unit: Unit,
    pub kind: ChargeKind,
    /// Which of a country's VAT rates it bears.
    pub class: RateClass,
    /// From 0.
    pub tier: u32,
    /// The part of the period in which this price holds.
    pub stretch: Period,
    /// As measured, in base units.
    pub metered: i64,
    /// After the plan's rounding, or in whole packages, in base units.
    pub billed: i64,
    pub energy_mj: i64,
    /// Per base quantity.
    pub unit_price: Decimal,
    /// In printed units: 3600 seconds, a million tokens, a package.
    pub base_quantity: i64,
    /// What is off it.
    pub discount: Option<Allowance>,
    /// After the discount.
    pub amount: Money,
}

impl Charge {
    /// Before the discount: quantity × price, rounded once.
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.discount.map_or(Ok(self.amount), |discount| self.amount.checked_add(discount.amount))
    }

    /// Tenant by tenant, project by project; what the account owes as a whole comes last.
    pub(crate) fn whose(&self) -> (bool, Option<TenantId>, &str) {
        (self.tenant.is_none(), self.tenant, &self.project)
    }

    /// The billed quantity as it is printed: GPU time in seconds with at most three decimals.
    pub fn quantity(&self) -> Decimal {
        printed(self.unit, self.billed)
    }

    /// The metered quantity, printed alike.
    pub fn metered_quantity(&self) -> Decimal {
        printed(self.unit, self.metered)
    }

    /// What the unit price is for, in words. A package that is just the unit's base quantity goes by that one's name.
    pub fn priced_per(&self) -> Cow<'static, str> {
        if let ChargeKind::Recurring(_) = self.kind {
            return Cow::Owned(format!("month of {} hours", self.base_quantity));
        }
        match self.unit.base_quantity() {
            (commonly, of) if of == self.base_quantity => Cow::Borrowed(commonly),
            _ => Cow::Owned(price::package(self.unit, self.base_quantity)),
        }
    }
}

/// Usage that has no price. Never zero money: it holds the invoice back until there is a price.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unpriced {
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    pub stretch: Period,
    pub metered: i64,
    pub energy_mj: i64,
}

/// Charges by tenant, project, SKU, time and tier, those of the account as a whole last; `total` is the sum of their
/// rounded amounts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rated {
    pub currency: Currency,
    pub charges: Vec<Charge>,
    /// What each agreement or credit that is charged for, or takes off, was called when it was made, by its id.
    pub called: BTreeMap<Uuid, String>,
    pub unpriced: Vec<Unpriced>,
    pub total: Money,
}

impl Rated {
    /// As if nothing had been used or agreed to; but what was agreed has its name, for what is taken back of it.
    pub fn nothing(contract: &Contract) -> Self {
        let called = contract.agreements().iter().map(|a| (a.id().uuid(), a.description().to_owned())).collect();
        let (currency, charges, unpriced) = (contract.currency(), Vec::new(), Vec::new());
        Self { currency, charges, called, unpriced, total: Money::zero(currency) }
    }
}

/// Usage that cannot be rated because it is not what it promises to be: a fault of whoever gathered it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    #[error("stretch: usage of {sku} in {stretch} lies outside the period {period}")]
    OutsidePeriod { sku: Box<Sku>, stretch: Period, period: Period },
    #[error("stretch: usage of {sku} is summed over {stretch}, in which its price changes")]
    CrossesPrice { sku: Box<Sku>, stretch: Period },
    #[error("items: {sku} is billed by the plan {rounding}, which needs its usage allocation by allocation")]
    NeedsAllocations { sku: Box<Sku>, rounding: Rounding },
    #[error("allocations: usage of {sku} is given both summed and by allocation")]
    GivenTwice { sku: Box<Sku> },
    #[error("{field}: {value} of {sku} is negative")]
    Negative { field: &'static str, value: i64, sku: Box<Sku> },
    #[error("held_before: {allocation} is given two pasts on device {device} as {sku}")]
    HeldBeforeDiffers { sku: Box<Sku>, allocation: AllocationId, device: Uuid },
    #[error("the usage of {sku} passes what a 64-bit integer holds")]
    TooLarge { sku: Box<Sku> },
    #[error("stretch: devices of {sku} are reserved, which needs its usage hour by hour, not over {stretch}")]
    NeedsHours { sku: Box<Sku>, stretch: Period },
    #[error("allocations: {sku} is reserved, and its price rounds what each allocation holds: one of the two")]
    ReservedRounded { sku: Box<Sku> },
    #[error("stretch: {stretch} is settled already")]
    Settled { stretch: Period },
    #[error("at_once: what was held of {sku} at once in the hour of {hour} is not what was used of it")]
    AtOnceDiffers { sku: Box<Sku>, hour: Hour },
    #[error("amount: {0}")]
    Money(#[from] MoneyError),
}

/// Rates a period. Pure: the same arguments give the same charges, in the same order.
pub fn rate(contract: &Contract, period: Period, usage: &Usage) -> Result<Rated, RateError> {
    rate_on(contract, period, &[], usage)
}

/// Rates a period of which parts are settled, and the usage of the rest: as if all of it were given.
pub fn rate_on(contract: &Contract, period: Period, settled: &[&Settled], usage: &Usage) -> Result<Rated, RateError> {
    not_given_twice(settled, usage)?;
    let gathered = gather(contract, period, settled, usage)?;
    let reserved = reserved(contract, period, settled, &gathered)?;
    let mut charges = Vec::with_capacity(gathered.rows.len());
    let mut unpriced = Vec::new();
    for of_sku in gathered.rows.chunk_by(|a, b| a.key.sku == b.key.sku) {
        let place = of_sku[0].key.sku;
        let (sku, runs) = &gathered.skus[place];
        let of_sku = reserved.left.get(&place).map_or(of_sku, Vec::as_slice);
        let places = Places::new(of_sku.iter().map(|row| row.billed));
        let mut places = places.ok_or_else(|| RateError::TooLarge { sku: Box::new((*sku).clone()) })?;
        for row in of_sku {
            let run = runs[row.key.run];
            match run.price {
                Some(price) => {
                    let place = places.next(price.id(), row.billed);
                    charge(row, price, run.stretch, place, contract, &mut charges)?;
                }
                None => unpriced.push(Unpriced {
                    tenant: row.key.tenant,
                    project: row.key.project.to_owned(),
                    sku: (*sku).clone(),
                    stretch: run.stretch,
                    metered: row.metered,
                    energy_mj: row.energy_mj,
                }),
            }
        }
    }
    charges.extend(reserved.charges);
    charges.extend(fees(contract, period)?);
    charges.extend(minimum(contract, period, &charges)?);
    // Stable: rows come by SKU, run and tier, which stays the order within a project.
    charges.sort_by(|a, b| a.whose().cmp(&b.whose()));
    unpriced.sort_by(|a, b| (a.tenant, &a.project).cmp(&(b.tenant, &b.project)));
    let mut total = Money::zero(contract.currency());
    for charge in &charges {
        total = total.checked_add(charge.amount)?;
    }
    Ok(Rated { currency: contract.currency(), called: described(contract, &charges), charges, unpriced, total })
}

/// Refuses usage of a part that is settled, and parts that overlap: one of the two would be counted twice, or not at all.
fn not_given_twice(settled: &[&Settled], usage: &Usage) -> Result<(), RateError> {
    for (n, part) in settled.iter().enumerate() {
        let stretch = part.stretch();
        let again = settled[n + 1..].iter().any(|other| other.stretch().intersect(stretch).is_some())
            || usage.items.iter().any(|item| item.stretch.intersect(stretch).is_some())
            || usage.at_once.iter().any(|item| stretch.contains_hour(item.hour));
        if again {
            return Err(RateError::Settled { stretch });
        }
    }
    Ok(())
}

fn described(contract: &Contract, charges: &[Charge]) -> BTreeMap<Uuid, String> {
    let named = charges.iter().flat_map(|c| [Some(c.kind.id()), c.discount.map(|d| d.agreement.uuid())]).flatten();
    let named: BTreeSet<Uuid> = named.collect();
    let agreements = contract.agreements().iter().filter(|a| named.contains(&a.id().uuid()));
    agreements.map(|a| (a.id().uuid(), a.description().to_owned())).collect()
}

/// Turns a row into a charge per tier. Of the metered time each tier gets what it bills, the last the rest, so
/// that the lines add up to what was metered; energy goes along in proportion.
fn charge(
    row: &Row<'_>,
    price: &Price,
    stretch: Period,
    place: Place,
    contract: &Contract,
    charges: &mut Vec<Charge>,
) -> Result<(), RateError> {
    let currency = contract.currency();
    // Within a run, the same discounts hold.
    let holding = contract.agreements().iter().filter(|agreement| agreement.holds_at(stretch.first_hour()));
    let discount = narrowest(holding, row.key.tenant, row.key.project, price.sku());
    let too_large = || RateError::TooLarge { sku: Box::new(price.sku().clone()) };
    let parts = price.model().split(place, row.billed).ok_or_else(too_large)?;
    let (mut metered_left, mut energy_left) = (row.metered, row.energy_mj);
    for (n, part) in parts.iter().enumerate() {
        let last = n + 1 == parts.len();
        let metered = if last { metered_left } else { metered_left.min(part.quantity) };
        let energy_mj = if last { energy_left } else { proportion(row.energy_mj, part.quantity, row.billed) };
        metered_left -= metered;
        energy_left -= energy_mj;
        let gross = amount(part, price, currency)?;
        let off = |(agreement, percent): (AgreementId, Percent)| {
            Ok::<_, MoneyError>(Allowance { agreement, percent, amount: percent.of(gross)? })
        };
        let discount = discount.map(off).transpose()?;
        charges.push(Charge {
            tenant: Some(row.key.tenant),
            project: row.key.project.to_owned(),
            sku: price.sku().clone(),
            unit: price.unit(),
            kind: ChargeKind::Usage(price.id()),
            class: price.class(),
            tier: part.tier,
            stretch,
            metered,
            billed: part.quantity,
            energy_mj,
            unit_price: part.price.amount(),
            base_quantity: price.base_quantity(),
            discount,
            amount: discount.map_or(Ok(gross), |off| gross.checked_sub(off.amount))?,
        });
    }
    Ok(())
}

/// quantity × unit price ÷ base quantity, in integers, rounded once.
pub(crate) fn amount(part: &Part, price: &Price, currency: Currency) -> Result<Money, MoneyError> {
    ratio(part.quantity, part.price, price.unit(), price.base_quantity(), currency)
}

/// The same of any quantity in base units, at a price for so many printed ones.
pub(crate) fn ratio(
    quantity: i64,
    price: UnitPrice,
    unit: Unit,
    base_quantity: i64,
    currency: Currency,
) -> Result<Money, MoneyError> {
    let UnitPriceParts { mantissa, one } = parts_of(price);
    let numerator = i128::from(quantity).checked_mul(mantissa).ok_or(MoneyError::TooLarge)?;
    let base = u128::from(unit.printed().1.unsigned_abs()) * u128::from(base_quantity.unsigned_abs());
    let denominator = base.checked_mul(one).and_then(NonZero::new).ok_or(MoneyError::TooLarge)?;
    Money::round_ratio(numerator, denominator, currency)
}

/// A price as the fraction mantissa ÷ one.
struct UnitPriceParts {
    mantissa: i128,
    one: u128,
}

fn parts_of(price: UnitPrice) -> UnitPriceParts {
    let price = price.amount();
    UnitPriceParts { mantissa: price.mantissa(), one: 10_u128.pow(price.scale()) }
}

/// `whole × part ÷ of`, downwards.
pub(crate) fn proportion(whole: i64, part: i64, of: i64) -> i64 {
    let share = i128::from(whole) * i128::from(part) / i128::from(of.max(1));
    i64::try_from(share).unwrap_or(whole)
}

fn printed(unit: Unit, base_units: i64) -> Decimal {
    // 1000 ms are a second, so a printed quantity is exact: three decimals, or none.
    let decimals = unit.printed().1.ilog10();
    Decimal::new(base_units, decimals).normalize()
}
