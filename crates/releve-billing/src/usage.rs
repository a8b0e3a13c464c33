//! What was used? Integers, summed over stretches in which nothing that decides money changes.

use releve_types::{AllocationId, Hour, Period, Sku, TenantId};
use uuid::Uuid;

/// All that an account used in a period. A SKU that a plan other than exact rounds anywhere in the period
/// (`Contract::rounded_skus`) is in `allocations`; every other SKU is in `items`; none is in both. Of a SKU of which
/// devices are reserved (`Contract::reserved_skus`) each item lies within one hour; and where the reservation is matched
/// by instant, `at_once` says how many were held together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    pub items: Vec<UsageItem>,
    pub allocations: Vec<AllocationItem>,
    pub at_once: Vec<AtOnceItem>,
}

/// For how long, within an hour, the account held exactly so many devices of a SKU at once: all its tenants together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AtOnceItem {
    pub sku: Sku,
    pub hour: Hour,
    pub devices: u32,
    pub ms: i64,
}

/// What a project used of a SKU within one stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageItem {
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    /// Within the period and within one price; it may be cut finer than that.
    pub stretch: Period,
    /// Base units of the SKU's unit: milliseconds for GPU time.
    pub metered: i64,
    pub energy_mj: i64,
}

/// What one allocation held of one device within one stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocationItem {
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    pub allocation: AllocationId,
    pub device: Uuid,
    pub stretch: Period,
    /// Milliseconds that the allocation held of this device, as this SKU and for this account, before the
    /// *period*, in the stretches that `Contract::stretches_under` names for the plan of this stretch. The same
    /// in all items of one allocation, device, SKU and plan.
    pub held_before: i64,
    /// Milliseconds held within the stretch.
    pub held: i64,
    pub energy_mj: i64,
}
