//! What is sold, in FOCUS' terms? Service, SKU, region, unit.

use releve_billing::{Charge, ChargeKind};
use releve_types::{Sku, Unit};
use serde_json::{Map, Value, json};

use super::columns::Service;

/// ServiceCategory and ServiceSubcategory are closed lists of the specification; ServiceName is ours, and belongs to one category.
pub const fn service(unit: Unit, kind: ChargeKind) -> Service {
    match (kind, unit) {
        (ChargeKind::Deposit(_), _) => ADVANCES,
        (ChargeKind::Recurring(_) | ChargeKind::Once(_) | ChargeKind::Goodwill(_) | ChargeKind::Minimum(_), _) => {
            Service { category: "Other", subcategory: "Other (Other)", name: "Agreed fees" }
        }
        (_, Unit::GpuMs) => Service { category: "Compute", subcategory: "Other (Compute)", name: "GPU compute" },
        (_, Unit::GibSecond) => Service { category: "Storage", subcategory: "Other (Storage)", name: "Storage" },
        (_, Unit::Byte) => Service { category: "Networking", subcategory: "Other (Networking)", name: "Data transfer" },
        (_, Unit::Token) => {
            Service { category: "AI and Machine Learning", subcategory: "Generative AI", name: "Model inference" }
        }
        (_, Unit::Count | Unit::Hour) => {
            Service { category: "Other", subcategory: "Other (Other)", name: "Other metered services" }
        }
    }
}

/// Of tax, rounding and what was paid in advance.
pub const INVOICING: Service = Service { category: "Other", subcategory: "Other (Other)", name: "Invoicing" };
pub const ADVANCES: Service = Service { category: "Other", subcategory: "Other (Other)", name: "Payments in advance" };

pub const fn meter(unit: Unit) -> &'static str {
    match unit {
        Unit::GpuMs => "GPU time held",
        Unit::GibSecond => "Storage held",
        Unit::Byte => "Data moved",
        Unit::Token => "Tokens",
        Unit::Count => "Units",
        Unit::Hour => "Time kept ready",
    }
}

/// PricingUnit: what a price is for.
pub fn priced_in(charge: &Charge) -> String {
    if let ChargeKind::Recurring(_) = charge.kind {
        return "Months".to_owned();
    }
    let commonly = charge.unit.base_quantity().1;
    if charge.base_quantity == commonly {
        return counted_in(charge.unit).to_owned();
    }
    if charge.base_quantity % commonly == 0 && commonly > 1 {
        return format!("{} {}", charge.base_quantity / commonly, each(charge.unit));
    }
    format!("{} {}", charge.base_quantity, finest(charge.unit))
}

/// ConsumedUnit: what is measured is said in, whatever the package.
pub const fn counted_in(unit: Unit) -> &'static str {
    match unit {
        Unit::Token => "1000000 Tokens",
        _ => each(unit),
    }
}

const fn each(unit: Unit) -> &'static str {
    match unit {
        Unit::GpuMs => "GPU-Hours",
        Unit::GibSecond => "GiB-Hours",
        Unit::Byte => "GiB",
        Unit::Token => "Million-Tokens",
        Unit::Count => "Units",
        Unit::Hour => "Hours",
    }
}

const fn finest(unit: Unit) -> &'static str {
    match unit {
        Unit::GpuMs => "GPU-Seconds",
        Unit::GibSecond => "GiB-Seconds",
        Unit::Byte => "Bytes",
        Unit::Token => "Tokens",
        Unit::Count => "Units",
        Unit::Hour => "Hours",
    }
}

pub fn region(sku: &Sku) -> Option<String> {
    match sku {
        Sku::Gpu { region, .. } | Sku::Meter { region, .. } => Some(region.to_string()),
        Sku::Fee { .. } => None,
    }
}

/// PricingCategory.
pub const fn category(charge: &Charge) -> &'static str {
    match (charge.kind, &charge.sku) {
        (ChargeKind::Reserved(_) | ChargeKind::Unused(_), _) => "Committed",
        (ChargeKind::Recurring(_) | ChargeKind::Once(_) | ChargeKind::Minimum(_) | ChargeKind::Deposit(_), _) => {
            "Other"
        }
        (_, Sku::Gpu { spot: true, .. }) => "Dynamic",
        _ => "Standard",
    }
}

/// SkuPriceDetails: `GpuCount` is the specification's, the rest ours.
pub fn details(charge: &Charge) -> Option<String> {
    let Sku::Gpu { model, profile, share, spot, .. } = &charge.sku else { return None };
    let mut all = Map::new();
    all.insert("GpuCount".to_owned(), json!(1));
    all.insert("x_DeviceModel".to_owned(), json!(model.as_ref()));
    if let Some(profile) = profile {
        all.insert("x_SliceProfile".to_owned(), json!(profile.as_ref()));
    }
    if share.num != share.den {
        all.insert("x_DeviceShare".to_owned(), json!(format!("{}/{}", share.num, share.den)));
    }
    all.insert("x_Spot".to_owned(), json!(spot));
    all.insert("x_Tier".to_owned(), json!(charge.tier));
    Some(Value::Object(all).to_string())
}

/// SkuPriceId: of one SKU, and of one price of it for ever. Each tier has its own price.
pub fn price(charge: &Charge) -> String {
    let id = charge.kind.reference();
    match charge.tier {
        0 => id,
        tier => format!("{id}#{tier}"),
    }
}
