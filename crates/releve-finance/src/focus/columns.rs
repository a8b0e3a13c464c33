//! Which columns has a FOCUS file? Those of FOCUS 1.2 (Cost and Usage) that apply to a GPU cloud that bills in one currency per account, in
//! the specification's spelling; below them our own, which begin with `x_` as it asks.
//!
//! The pricing currency is the billing currency. Left out, since nothing of ours would stand in them: AvailabilityZone, and the two of
//! CapacityReservation.

use releve_types::Timestamp;
use rust_decimal::Decimal;

use crate::{
    exact::{COST_DECIMALS, PRICE_DECIMALS, QUANTITY_DECIMALS},
    table::{Cell, Column, ColumnType, Row, Schema},
};

/// The version of the specification.
pub const FOCUS_VERSION: &str = "1.2";

const COST: ColumnType = ColumnType::Decimal(COST_DECIMALS);
const PRICE: ColumnType = ColumnType::Decimal(PRICE_DECIMALS);
const QUANTITY: ColumnType = ColumnType::Decimal(QUANTITY_DECIMALS);

const fn some(name: &'static str, holds: ColumnType) -> Column {
    Column::new(name, holds)
}

const fn none(name: &'static str, holds: ColumnType) -> Column {
    Column::new(name, holds).nullable()
}

pub const SCHEMA: Schema = Schema {
    name: "focus",
    columns: &[
        some("BilledCost", COST),
        some("BillingAccountId", ColumnType::Text),
        some("BillingAccountName", ColumnType::Text),
        some("BillingAccountType", ColumnType::Text),
        some("BillingCurrency", ColumnType::Text),
        some("BillingPeriodEnd", ColumnType::Timestamp),
        some("BillingPeriodStart", ColumnType::Timestamp),
        some("ChargeCategory", ColumnType::Text),
        none("ChargeClass", ColumnType::Text),
        some("ChargeDescription", ColumnType::Text),
        some("ChargeFrequency", ColumnType::Text),
        some("ChargePeriodEnd", ColumnType::Timestamp),
        some("ChargePeriodStart", ColumnType::Timestamp),
        none("CommitmentDiscountCategory", ColumnType::Text),
        none("CommitmentDiscountId", ColumnType::Text),
        none("CommitmentDiscountName", ColumnType::Text),
        none("CommitmentDiscountQuantity", QUANTITY),
        none("CommitmentDiscountStatus", ColumnType::Text),
        none("CommitmentDiscountType", ColumnType::Text),
        none("CommitmentDiscountUnit", ColumnType::Text),
        none("ConsumedQuantity", QUANTITY),
        none("ConsumedUnit", ColumnType::Text),
        some("ContractedCost", COST),
        none("ContractedUnitPrice", PRICE),
        some("EffectiveCost", COST),
        none("InvoiceId", ColumnType::Text),
        some("InvoiceIssuerName", ColumnType::Text),
        some("ListCost", COST),
        none("ListUnitPrice", PRICE),
        none("PricingCategory", ColumnType::Text),
        some("PricingCurrency", ColumnType::Text),
        none("PricingCurrencyContractedUnitPrice", PRICE),
        some("PricingCurrencyEffectiveCost", COST),
        none("PricingCurrencyListUnitPrice", PRICE),
        none("PricingQuantity", QUANTITY),
        none("PricingUnit", ColumnType::Text),
        some("ProviderName", ColumnType::Text),
        some("PublisherName", ColumnType::Text),
        none("RegionId", ColumnType::Text),
        none("RegionName", ColumnType::Text),
        none("ResourceId", ColumnType::Text),
        none("ResourceName", ColumnType::Text),
        none("ResourceType", ColumnType::Text),
        some("ServiceCategory", ColumnType::Text),
        some("ServiceName", ColumnType::Text),
        some("ServiceSubcategory", ColumnType::Text),
        none("SkuId", ColumnType::Text),
        none("SkuMeter", ColumnType::Text),
        none("SkuPriceDetails", ColumnType::Json),
        none("SkuPriceId", ColumnType::Text),
        none("SubAccountId", ColumnType::Text),
        none("SubAccountName", ColumnType::Text),
        none("SubAccountType", ColumnType::Text),
        none("Tags", ColumnType::Json),
        none("x_EnergyMillijoules", ColumnType::Integer),
        none("x_InvoiceLine", ColumnType::Integer),
        none("x_Project", ColumnType::Text),
    ],
};

/// What stands in the columns of a category where it stands for every row of it.
pub const COMMITMENT_CATEGORY: &str = "Usage";
pub const COMMITMENT_TYPE: &str = "Reservation";
pub const ACCOUNT_TYPE: &str = "Account";
pub const SUB_ACCOUNT_TYPE: &str = "Tenant";
pub const CORRECTION: &str = "Correction";

/// ChargeCategory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Category {
    Usage,
    Purchase,
    Tax,
    Credit,
    Adjustment,
}

impl Category {
    pub const ALL: [Self; 5] = [Self::Usage, Self::Purchase, Self::Tax, Self::Credit, Self::Adjustment];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::Purchase => "Purchase",
            Self::Tax => "Tax",
            Self::Credit => "Credit",
            Self::Adjustment => "Adjustment",
        }
    }
}

/// ChargeFrequency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frequency {
    OneTime,
    Recurring,
    UsageBased,
}

impl Frequency {
    pub const ALL: [Self; 3] = [Self::OneTime, Self::Recurring, Self::UsageBased];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OneTime => "One-Time",
            Self::Recurring => "Recurring",
            Self::UsageBased => "Usage-Based",
        }
    }
}

/// What the customer is committed to that the row is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commitment {
    pub id: String,
    pub name: String,
    pub quantity: Decimal,
    pub unit: String,
    /// None on a purchase.
    pub used: Option<bool>,
}

/// What the price is of. Tax, credits and adjustments have none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Priced {
    pub sku: String,
    pub meter: &'static str,
    pub price: String,
    /// A JSON object.
    pub details: Option<String>,
    pub category: &'static str,
    pub quantity: Decimal,
    pub unit: String,
    pub list: Decimal,
    pub contracted: Decimal,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    pub id: String,
    pub name: Option<String>,
    pub kind: &'static str,
    /// A JSON object.
    pub tags: Option<String>,
}

/// What is sold, in the specification's terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Service {
    pub category: &'static str,
    pub subcategory: &'static str,
    pub name: &'static str,
}

/// What stands on every row of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Whose {
    pub seller: String,
    pub account: String,
    pub account_name: String,
    pub currency: &'static str,
    pub billing: (Timestamp, Timestamp),
    /// None: not invoiced yet.
    pub invoice: Option<String>,
    pub correction: bool,
}

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FocusRow {
    pub billed: Decimal,
    pub effective: Decimal,
    pub list: Decimal,
    pub contracted: Decimal,
    pub category: Category,
    pub frequency: Frequency,
    pub description: String,
    pub charged: (Timestamp, Timestamp),
    pub commitment: Option<Commitment>,
    pub consumed: Option<(Decimal, String)>,
    pub priced: Option<Priced>,
    pub region: Option<String>,
    pub resource: Option<Resource>,
    pub service: Service,
    /// Id and name.
    pub tenant: Option<(String, String)>,
    pub project: Option<String>,
    pub energy_mj: Option<i64>,
    pub line: Option<i32>,
}

impl FocusRow {
    /// In the order of the columns.
    pub fn cells(self, whose: &Whose) -> Row {
        let text = |value: Option<&str>| value.map_or(Cell::Null, Cell::text);
        let decimal = |value: Option<Decimal>| Cell::or_null(value, Cell::Decimal);
        let (commitment, priced) = (self.commitment.as_ref(), self.priced.as_ref());
        let (resource, tenant) = (self.resource.as_ref(), self.tenant.as_ref());
        let used = commitment.and_then(|c| c.used).map(|used| if used { "Used" } else { "Unused" });
        vec![
            Cell::Decimal(self.billed),
            Cell::text(&*whose.account),
            Cell::text(&*whose.account_name),
            Cell::text(ACCOUNT_TYPE),
            Cell::text(whose.currency),
            Cell::Timestamp(whose.billing.1),
            Cell::Timestamp(whose.billing.0),
            Cell::text(self.category.name()),
            text(whose.correction.then_some(CORRECTION)),
            Cell::text(self.description),
            Cell::text(self.frequency.name()),
            Cell::Timestamp(self.charged.1),
            Cell::Timestamp(self.charged.0),
            text(commitment.map(|_| COMMITMENT_CATEGORY)),
            text(commitment.map(|c| &*c.id)),
            text(commitment.map(|c| &*c.name)),
            decimal(commitment.map(|c| c.quantity)),
            text(used),
            text(commitment.map(|_| COMMITMENT_TYPE)),
            text(commitment.map(|c| &*c.unit)),
            decimal(self.consumed.as_ref().map(|(quantity, _)| *quantity)),
            text(self.consumed.as_ref().map(|(_, unit)| &**unit)),
            Cell::Decimal(self.contracted),
            decimal(priced.map(|p| p.contracted)),
            Cell::Decimal(self.effective),
            text(whose.invoice.as_deref()),
            Cell::text(&*whose.seller),
            Cell::Decimal(self.list),
            decimal(priced.map(|p| p.list)),
            text(priced.map(|p| p.category)),
            Cell::text(whose.currency),
            decimal(priced.map(|p| p.contracted)),
            Cell::Decimal(self.effective),
            decimal(priced.map(|p| p.list)),
            decimal(priced.map(|p| p.quantity)),
            text(priced.map(|p| &*p.unit)),
            Cell::text(&*whose.seller),
            Cell::text(&*whose.seller),
            text(self.region.as_deref()),
            text(self.region.as_deref()),
            text(resource.map(|r| &*r.id)),
            text(resource.and_then(|r| r.name.as_deref())),
            text(resource.map(|r| r.kind)),
            Cell::text(self.service.category),
            Cell::text(self.service.name),
            Cell::text(self.service.subcategory),
            text(priced.map(|p| &*p.sku)),
            text(priced.map(|p| p.meter)),
            Cell::or_null(priced.and_then(|p| p.details.clone()), Cell::Json),
            text(priced.map(|p| &*p.price)),
            text(tenant.map(|(id, _)| &**id)),
            text(tenant.map(|(_, name)| &**name)),
            text(tenant.map(|_| SUB_ACCOUNT_TYPE)),
            Cell::or_null(resource.and_then(|r| r.tags.clone()), Cell::Json),
            Cell::or_null(self.energy_mj, Cell::Integer),
            Cell::or_null(self.line.map(i64::from), Cell::Integer),
            text(self.project.as_deref()),
        ]
    }
}
