//! What does one SKU cost, from when? Checked once, when the price is made.

use std::{borrow::Cow, fmt, str::FromStr};

use releve_types::{Hour, Sku, Timestamp, Unit, ids::PriceId};
use rust_decimal::Decimal;

use crate::{Model, PriceError, PriceReason, Rounding, tax::RateClass};

/// The most decimals of a price per base quantity: what a line prints, and what EN 16931 tools carry.
pub const PRICE_DECIMALS_MAX: u32 = 6;
/// Digits before the point, so that any price times any quantity stays within exact integers.
pub const PRICE_WHOLE_DIGITS_MAX: u32 = 12;

/// A price per base quantity (a GPU-hour, a million tokens, a package): not negative, at most six decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitPrice(Decimal);

impl UnitPrice {
    pub fn new(price: Decimal) -> Result<Self, PriceError> {
        let price = price.normalize();
        if price.is_sign_negative() && !price.is_zero() {
            return Err(PriceReason::Negative(price.to_string()).at("price"));
        }
        if price.scale() > PRICE_DECIMALS_MAX {
            return Err(PriceReason::TooFine(price.to_string()).at("price"));
        }
        if price >= Decimal::from(10_u64.pow(PRICE_WHOLE_DIGITS_MAX)) {
            return Err(PriceReason::TooLarge(price.to_string()).at("price"));
        }
        Ok(Self(price.abs()))
    }

    pub const fn amount(self) -> Decimal {
        self.0
    }
}

impl FromStr for UnitPrice {
    type Err = PriceError;
    /// Reads `2.50`. The decimal library would take `1_0`, and would round a 30th digit away without a word.
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let shown = || text.chars().take(40).collect();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').map_or((digits, "0"), |(w, f)| (w, f));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(PriceReason::NotADecimal(shown()).at("price"));
        }
        if fraction.trim_end_matches('0').len() > 28 {
            return Err(PriceReason::TooFine(shown()).at("price"));
        }
        let price = Decimal::from_str_exact(text).map_err(|_| PriceReason::TooLarge(shown()).at("price"))?;
        Self::new(price)
    }
}

impl fmt::Display for UnitPrice {
    /// At least two decimals, as prices are read: `2.50`, `0.035`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0;
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        fmt::Display::fmt(&shown, f)
    }
}

impl fmt::Debug for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A step of a price: up to how many base units in all (ms for GPU time), and what each costs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tier {
    /// The last tier has no end, but that a package price has one tier only, and it ends where the package does.
    pub up_to: Option<i64>,
    pub price: UnitPrice,
}

/// The price of one SKU from an hour on, until the next price of that SKU in the same book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Price {
    id: PriceId,
    sku: Sku,
    unit: Unit,
    from: Hour,
    model: Model,
    rounding: Rounding,
    class: RateClass,
}

impl Price {
    pub fn new(
        id: PriceId,
        sku: Sku,
        unit: Unit,
        from: Timestamp,
        model: Model,
        rounding: Rounding,
    ) -> Result<Self, PriceError> {
        if matches!(sku, Sku::Fee { .. }) {
            return Err(PriceReason::FeeInBook(sku).at("sku"));
        }
        if matches!(sku, Sku::Gpu { .. }) != (unit == Unit::GpuMs) {
            return Err(PriceReason::UnitOfSku { sku, unit }.at("unit"));
        }
        if rounding != Rounding::Exact && unit != Unit::GpuMs {
            return Err(PriceReason::RoundingOfUnit { rounding, unit }.at("rounding"));
        }
        if !from.is_whole_hour() {
            return Err(PriceReason::NotWholeHour(from).at("from"));
        }
        model.check()?;
        if let Model::Package { size, .. } = model {
            check_package(size, unit, rounding)?;
        }
        Ok(Self { id, sku, unit, from: from.hour(), model, rounding, class: RateClass::Standard })
    }

    /// The same, of what another of a country's VAT rates is charged on.
    pub fn taxed(self, class: RateClass) -> Self {
        Self { class, ..self }
    }

    pub const fn id(&self) -> PriceId {
        self.id
    }

    pub const fn sku(&self) -> &Sku {
        &self.sku
    }

    pub const fn unit(&self) -> Unit {
        self.unit
    }

    pub const fn from(&self) -> Hour {
        self.from
    }

    pub const fn model(&self) -> &Model {
        &self.model
    }

    pub const fn rounding(&self) -> Rounding {
        self.rounding
    }

    pub const fn class(&self) -> RateClass {
        self.class
    }

    /// How many printed units the price is for (EN 16931 BT-149): an hour's seconds, a million tokens, a package.
    pub const fn base_quantity(&self) -> i64 {
        self.model.base_quantity(self.unit)
    }

    /// What the price is for, in words.
    pub fn priced_per(&self) -> Cow<'static, str> {
        match self.model {
            Model::Package { .. } => Cow::Owned(package(self.unit, self.base_quantity())),
            _ => Cow::Borrowed(self.unit.base_quantity().0),
        }
    }
}

/// A line prints packages as a quantity, so one is a whole number of printed units. And a line shows one rounding:
/// where a plan rounds too, nobody could tell from the metered quantities how many packages were begun.
fn check_package(size: i64, unit: Unit, rounding: Rounding) -> Result<(), PriceError> {
    if rounding != Rounding::Exact {
        return Err(PriceReason::RoundingOfPackage(rounding).at("rounding"));
    }
    let (printed, each) = unit.printed();
    if size % each != 0 {
        return Err(PriceReason::PackageNotWhole { size, printed, each }.at("tiers[0].up_to"));
    }
    Ok(())
}

/// A package in words: `package of 10 × million tokens`, or of printed units where it is no whole number of what the
/// unit is commonly priced per.
pub(crate) fn package(unit: Unit, base_quantity: i64) -> String {
    let (commonly, of) = unit.base_quantity();
    if base_quantity % of == 0 {
        return format!("package of {} × {commonly}", base_quantity / of);
    }
    format!("package of {base_quantity} × {}", unit.printed().0)
}
