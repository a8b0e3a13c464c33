//! Why is a price, a price book or a contract refused? The field, and the reason in words.

use releve_types::{Currency, Money, Sku, Timestamp, Unit, ids::AgreementId, money::MoneyError};

use crate::Rounding;

/// A refusal that names the field it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct PriceError {
    pub field: String,
    pub reason: Box<PriceReason>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceReason {
    #[error("'{0}' is no decimal: digits, and at most one point")]
    NotADecimal(String),
    #[error("{0} is negative: what is given back is a credit note, not a price")]
    Negative(String),
    #[error("{0} can't be printed exactly: a price has at most 6 decimals per base quantity")]
    TooFine(String),
    #[error("{0} passes the largest price, 999999999999.999999 per base quantity")]
    TooLarge(String),
    #[error(transparent)]
    Currency(MoneyError),
    #[error("'{0}' is no price model: expected per_unit, graduated, volume or package")]
    UnknownModel(String),
    #[error("'{0}' is no rounding plan: expected exact, second, second_min_60, started_minute or started_hour")]
    UnknownRounding(String),
    #[error("a price has at least one tier")]
    NoTiers,
    #[error("a per-unit price is one tier without an end, not {0}")]
    NotOneTier(usize),
    #[error("a package price is one tier, which ends where the package does, not {0}")]
    NotOnePackage(usize),
    #[error("a package holds so many base units: its tier has an end")]
    NoPackageSize,
    #[error("a package holds 1 to {max} base units, not {size}")]
    PackageSize { size: i64, max: i64 },
    #[error(
        "a package is a whole number of {printed}s, as a line prints it: {size} base units are not, {each} are one"
    )]
    PackageNotWhole { size: i64, printed: &'static str, each: i64 },
    #[error("{0} rounds what each allocation held, a package price what the account used in all: one of the two")]
    RoundingOfPackage(Rounding),
    #[error("a price has at most {max} tiers, not {tiers}")]
    TooManyTiers { tiers: usize, max: usize },
    #[error("tiers ascend: {up_to} does not pass {before}")]
    NotAscending { up_to: i64, before: i64 },
    #[error("the last tier has no end, or what lies above it would have no price")]
    LastTierEnds,
    #[error("only the last tier has no end")]
    OpenTierNotLast,
    #[error("a price starts on a whole UTC hour, {0} does not")]
    NotWholeHour(Timestamp),
    #[error("{unit} is not what {sku} is counted in")]
    UnitOfSku { sku: Sku, unit: Unit },
    #[error("the book counts {sku} in {known}, so a price of it in {unit} is another thing")]
    UnitOfBook { sku: Sku, known: Unit, unit: Unit },
    #[error("{rounding} rounds held time, and {unit} is none")]
    RoundingOfUnit { rounding: Rounding, unit: Unit },
    #[error("{sku} has two prices from {from}")]
    TwoAtOnce { sku: Sku, from: Timestamp },
    #[error("{sku} already has a price at {from}, which has begun: a price changes from {now} on, never before")]
    PriceInThePast { sku: Sku, from: Timestamp, now: Timestamp },
    #[error("the contract has two terms from {0}")]
    TwoTermsAtOnce(Timestamp),
    #[error("the contract already has a price book at {from}, which has begun: it changes from {now} on, never before")]
    TermInThePast { from: Timestamp, now: Timestamp },
    #[error("the contract is in {contract}, the price book in {book}: a contract has one currency")]
    MixedCurrencies { contract: Currency, book: Currency },
    #[error("{0} is owed whatever is used: a contract names it, not a price book")]
    FeeInBook(Sku),
    #[error("what is agreed is described in 1 to {max} characters, not {length}")]
    Description { length: usize, max: usize },
    #[error("what is agreed starts and ends on a whole UTC hour, {0} does not")]
    AgreementNotWholeHour(Timestamp),
    #[error("it would end at {until}, not after {from}, when it starts")]
    EndsBeforeItStarts { from: Timestamp, until: Timestamp },
    #[error("it ends at {known} already, and {until} is not before that")]
    EndsAlready { known: Timestamp, until: Timestamp },
    #[error("{0} is no discount: above 0, up to 100 percent, with at most two decimals")]
    Percent(String),
    #[error("'{0}' is no way to match a reservation: expected hour or instant")]
    UnknownMatching(String),
    #[error("1 to {max} devices are reserved, not {devices}")]
    Devices { devices: u32, max: u32 },
    #[error("{0} is no GPU: time of devices is what is reserved")]
    NotReservable(Sku),
    #[error("{0} is no fee: expected fee/<name>")]
    NotAFee(Sku),
    #[error("nothing would be owed: it is above zero")]
    NothingOwed,
    #[error("{known} is a discount on the same, which holds at the same time from {from}: end it first")]
    TwoDiscounts { known: AgreementId, from: Timestamp },
    #[error("{known} is a minimum that holds at the same time from {from}: end it first")]
    TwoMinimums { known: AgreementId, from: Timestamp },
    #[error("{known} reserves the same SKU at the same time and is matched in another way")]
    MatchedTwoWays { known: AgreementId },
    #[error("{known} reserves the same SKU at the same time and says otherwise what is owed for what is used above it")]
    TwoOverages { known: AgreementId },
    #[error(
        "a price rounds what each allocation holds of {0} in that time, or in the month before or after: what is reserved is matched to the millisecond"
    )]
    ReservedRounded(Sku),
    #[error("{at} lies in what was invoiced already, up to {until}: what is agreed now changes only what comes after")]
    InvoicedAlready { at: Timestamp, until: Timestamp },
    #[error("{0} is no credit: it is above zero")]
    CreditOfNothing(Money),
    #[error("the number of an order has 1 to {max} characters, not {length}")]
    OrderNumber { length: usize, max: usize },
    #[error("{priority} is no priority: 0 to {max}, the lower the earlier it is drawn")]
    Priority { priority: u16, max: u16 },
}

impl PriceReason {
    /// The stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotADecimal(_) => "not_a_decimal",
            Self::Negative(_) => "negative_price",
            Self::TooFine(_) => "price_too_fine",
            Self::TooLarge(_) => "price_too_large",
            Self::Currency(_) => "unknown_currency",
            Self::UnknownModel(_) => "unknown_model",
            Self::UnknownRounding(_) => "unknown_rounding",
            Self::NoTiers | Self::NotOneTier(_) | Self::NotOnePackage(_) | Self::TooManyTiers { .. } => "tier_count",
            Self::NoPackageSize | Self::PackageSize { .. } | Self::PackageNotWhole { .. } => "package_size",
            Self::RoundingOfPackage(_) => "rounding_of_package",
            Self::NotAscending { .. } => "tiers_not_ascending",
            Self::LastTierEnds => "last_tier_ends",
            Self::OpenTierNotLast => "open_tier_not_last",
            Self::NotWholeHour(_) => "not_whole_hour",
            Self::UnitOfSku { .. } | Self::UnitOfBook { .. } => "wrong_unit",
            Self::RoundingOfUnit { .. } => "rounding_without_time",
            Self::TwoAtOnce { .. } => "two_prices_at_once",
            Self::PriceInThePast { .. } => "price_in_the_past",
            Self::TwoTermsAtOnce(_) => "two_terms_at_once",
            Self::TermInThePast { .. } => "term_in_the_past",
            Self::MixedCurrencies { .. } => "mixed_currencies",
            Self::FeeInBook(_) | Self::NotAFee(_) => "fee",
            Self::Description { .. } => "description_length",
            Self::AgreementNotWholeHour(_) => "not_whole_hour",
            Self::EndsBeforeItStarts { .. } => "ends_before_it_starts",
            Self::EndsAlready { .. } => "ends_already",
            Self::Percent(_) => "percent",
            Self::UnknownMatching(_) => "unknown_matching",
            Self::Devices { .. } => "device_count",
            Self::NotReservable(_) => "not_reservable",
            Self::NothingOwed => "nothing_owed",
            Self::TwoDiscounts { .. } => "two_discounts_at_once",
            Self::TwoMinimums { .. } => "two_minimums_at_once",
            Self::MatchedTwoWays { .. } => "matched_two_ways",
            Self::TwoOverages { .. } => "two_overages",
            Self::ReservedRounded(_) => "reserved_rounded",
            Self::InvoicedAlready { .. } => "invoiced_already",
            Self::CreditOfNothing(_) => "credit_of_nothing",
            Self::OrderNumber { .. } => "order_number",
            Self::Priority { .. } => "priority",
        }
    }

    pub(crate) fn at(self, field: impl Into<String>) -> PriceError {
        PriceError { field: field.into(), reason: Box::new(self) }
    }
}

/// Reads a currency, naming the field when it is none.
pub fn currency(text: &str) -> Result<Currency, PriceError> {
    text.parse().map_err(|e| PriceReason::Currency(e).at("currency"))
}
