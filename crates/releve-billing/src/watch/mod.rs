//! Which budgets were reached, and may somebody start more? Judged by the charges that an invoice would have. And what else of
//! an account's spend and of a fleet's coverage is worth telling.

mod anomaly;
mod commitment;
mod coverage;
mod forecast;
mod limits;
#[cfg(test)]
mod tests;
mod wallet;

use std::num::NonZero;

use releve_types::{
    Currency, Money, Period, Sku, TenantId, Timestamp, Unit, ids::BudgetId, money::MoneyError, time::MILLIS_PER_HOUR,
};

pub use self::{
    anomaly::{Anomaly, BASELINE_HOURS_MAX, BASELINE_HOURS_MIN, Pace, anomaly},
    commitment::{UnderUsed, under_used},
    coverage::{Covered, FLEET, Lacking, coverage_low},
    forecast::{FORECAST_BASIS, FORECAST_HOURS_MIN, Forecast, forecast, forecast_amount},
    limits::Limits,
    wallet::{CreditsLow, Low, OrderLow, Wallet, credits_low, left_after, order_low},
};
use crate::{Charge, ChargeKind, Rated};

/// The highest threshold, in percent.
pub const THRESHOLD_MAX: u32 = 1_000;
/// Thresholds of one budget.
pub const THRESHOLDS_LEN_MAX: usize = 10;

/// What a limit is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// What was used so far.
    Actual,
    /// What the period comes to if it goes on like that.
    Forecast,
}

impl Basis {
    pub const ALL: [Self; 2] = [Self::Actual, Self::Forecast];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Forecast => "forecast",
        }
    }
}

/// How much: money, or GPU time in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Figure {
    Amount(Money),
    GpuMs(i64),
}

impl Figure {
    pub fn hours(hours: i64) -> Option<Self> {
        hours.checked_mul(MILLIS_PER_HOUR).map(Self::GpuMs)
    }

    /// In the smallest unit, so that figures of one kind compare as integers.
    fn units(self) -> i128 {
        match self {
            Self::Amount(money) => money.amount().mantissa(),
            Self::GpuMs(ms) => i128::from(ms),
        }
    }

    /// Whether the two can be compared.
    fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Amount(a), Self::Amount(b)) => a.currency() == b.currency(),
            (Self::GpuMs(_), Self::GpuMs(_)) => true,
            _ => false,
        }
    }

    /// How many percent of a limit of its kind it is, cut off; none of another kind.
    pub fn percent_of(self, limit: Self) -> Option<u32> {
        let below = if self.is_like(limit) { limit.units() } else { 0 };
        let percent = self.units().max(0).checked_mul(100)?.checked_div(below)?;
        Some(u32::try_from(percent).unwrap_or(u32::MAX))
    }

    /// Whether it is at least so many percent of a limit of its kind; of another kind it never is.
    pub fn reaches(self, limit: Self, percent: u32) -> bool {
        // 28 digits times a thousand fit.
        self.is_like(limit) && self.units() * 100 >= limit.units() * i128::from(percent)
    }
}

/// What a tenant means to spend in a month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    pub id: BudgetId,
    pub tenant: TenantId,
    /// None: all.
    pub project: Option<String>,
    /// None: all.
    pub sku: Option<Sku>,
    pub limit: Figure,
    pub basis: Basis,
    /// In percent of the limit.
    pub thresholds: Vec<u32>,
    /// Nothing more may be started once it is used up.
    pub hard: bool,
    /// Which thresholds fired in the period, and of which limit.
    pub fired: Vec<(u32, Figure)>,
}

/// A month as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Spend<'a> {
    pub period: Period,
    pub as_of: Timestamp,
    pub rated: &'a Rated,
}

/// A threshold that was reached, with the numbers that say so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fired {
    pub budget: BudgetId,
    pub threshold: u32,
    /// By the budget's basis.
    pub spent: Figure,
    pub limit: Figure,
    pub basis: Basis,
    pub as_of: Timestamp,
}

/// What follows of a look at budgets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Watched {
    pub fired: Vec<Fired>,
    /// Thresholds that fired of a lower limit and are not reached of this one: they may fire again.
    pub rearmed: Vec<(BudgetId, u32)>,
}

/// Judges budgets. A threshold that fired does not fire again, whatever becomes of the spend, until its budget was raised.
pub fn watch(budgets: &[Budget], spend: Spend<'_>) -> Result<Watched, MoneyError> {
    let mut watched = Watched::default();
    for budget in budgets {
        let Some(spent) = by_basis(budget, spend)? else { continue };
        for (threshold, of) in &budget.fired {
            if budget.limit.units() > of.units() && !spent.reaches(budget.limit, *threshold) {
                watched.rearmed.push((budget.id, *threshold));
            }
        }
        let is_new = |threshold: &&u32| !budget.fired.iter().any(|(fired, _)| fired == *threshold);
        for threshold in budget.thresholds.iter().filter(is_new) {
            if spent.reaches(budget.limit, *threshold) {
                let (budget, threshold, limit, basis) = (budget.id, *threshold, budget.limit, budget.basis);
                watched.fired.push(Fired { budget, threshold, spent, limit, basis, as_of: spend.as_of });
            }
        }
    }
    Ok(watched)
}

fn by_basis(budget: &Budget, spend: Spend<'_>) -> Result<Option<Figure>, MoneyError> {
    match budget.basis {
        Basis::Actual => used(budget, spend.rated).map(Some),
        Basis::Forecast => forecast(budget, spend),
    }
}

/// What counts against a budget so far: the charges of its tenant, project and SKU; of GPU time what was measured, priced or not.
pub fn used(budget: &Budget, rated: &Rated) -> Result<Figure, MoneyError> {
    let (fixed, growing) = parts(budget, rated)?;
    add(fixed, growing)
}

/// What stands as it is, and what grows with time.
fn parts(budget: &Budget, rated: &Rated) -> Result<(Figure, Figure), MoneyError> {
    let concerns = |tenant, project: &str, sku: &Sku| {
        tenant == Some(budget.tenant)
            && budget.project.as_deref().is_none_or(|of| of == project)
            && budget.sku.as_ref().is_none_or(|of| of == sku)
    };
    let charges = rated.charges.iter().filter(|c| concerns(c.tenant, &c.project, &c.sku));
    if let Figure::Amount(_) = budget.limit {
        let (fixed, growing) = sums(charges, rated.currency)?;
        return Ok((Figure::Amount(fixed), Figure::Amount(growing)));
    }
    let priced = charges.filter(|c| c.unit == Unit::GpuMs && c.kind.is_of_use()).map(|c| c.metered);
    let gpu = |sku: &Sku| matches!(sku, Sku::Gpu { .. });
    let unpriced = rated.unpriced.iter().filter(|u| gpu(&u.sku) && concerns(Some(u.tenant), &u.project, &u.sku));
    let ms = priced.chain(unpriced.map(|u| u.metered)).try_fold(0_i64, i64::checked_add);
    Ok((Figure::GpuMs(0), Figure::GpuMs(ms.ok_or(MoneyError::TooLarge)?)))
}

/// What charges that stay as they are come to, and those that grow with time.
fn sums<'a>(charges: impl Iterator<Item = &'a Charge>, currency: Currency) -> Result<(Money, Money), MoneyError> {
    let (growing, fixed): (Vec<&Charge>, Vec<&Charge>) = charges.partition(|charge| grows(charge.kind));
    let sum = |of: Vec<&Charge>| Money::sum(of.into_iter().map(|charge| charge.amount), currency);
    Ok((sum(fixed)?, sum(growing)?))
}

/// Whether a charge becomes more by going on; a reservation is owed whole from the first day, used or not.
pub(crate) const fn grows(kind: ChargeKind) -> bool {
    matches!(kind, ChargeKind::Usage(_) | ChargeKind::Overage(_))
}

fn add(a: Figure, b: Figure) -> Result<Figure, MoneyError> {
    match (a, b) {
        (Figure::Amount(a), Figure::Amount(b)) => a.checked_add(b).map(Figure::Amount),
        (Figure::GpuMs(a), Figure::GpuMs(b)) => a.checked_add(b).map(Figure::GpuMs).ok_or(MoneyError::TooLarge),
        _ => Ok(b),
    }
}

/// What somebody wants to start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    pub project: Option<String>,
    pub sku: Option<Sku>,
    pub gpus: Option<NonZero<u32>>,
}

/// A hard budget that a wish meets, and what is used of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quota {
    pub budget: BudgetId,
    pub used: Figure,
    pub limit: Figure,
    /// Nothing more may be started because of it.
    pub refuses: bool,
}

/// Which quotas a wish falls under. One refuses once it is used up; one in GPU-hours also if what is left does not last the
/// wished GPUs an hour. A quota is judged by what was used, never by a forecast.
pub fn quotas(budgets: &[Budget], rated: &Rated, wish: &Wish) -> Result<Vec<Quota>, MoneyError> {
    let meets = |budget: &&Budget| {
        budget.hard
            && (budget.project.is_none() || budget.project == wish.project)
            && (budget.sku.is_none() || budget.sku == wish.sku)
    };
    let quota = |budget: &Budget| {
        let used = used(budget, rated)?;
        let hour = i128::from(wish.gpus.map_or(0, NonZero::get)) * i128::from(MILLIS_PER_HOUR);
        let too_short = matches!(used, Figure::GpuMs(_)) && used.units() + hour > budget.limit.units();
        let refuses = used.reaches(budget.limit, 100) || too_short;
        Ok(Quota { budget: budget.id, used, limit: budget.limit, refuses })
    };
    budgets.iter().filter(meets).map(quota).collect()
}
