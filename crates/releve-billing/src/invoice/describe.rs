//! What is a line called? Its SKU in words that a customer reads.

use std::collections::HashSet;

use releve_types::{Sku, ids::PriceId};

use super::Line;
use crate::Charge;

/// Numbers and names the lines. The tier is named only on invoices on which a price has more than one, or is in another
/// than the first; a package where it is not what the unit is priced per anyhow.
pub(super) fn lines(charges: Vec<Charge>) -> Vec<Line> {
    let tiered: HashSet<PriceId> = charges.iter().filter(|c| c.tier > 0).map(|c| c.price_id).collect();
    let described = charges.into_iter().map(|charge| {
        let mut description = describe(&charge.sku);
        if charge.base_quantity != charge.unit.base_quantity().1 {
            description.push_str(&format!(", {}", charge.priced_per()));
        }
        if tiered.contains(&charge.price_id) {
            description.push_str(&format!(", tier {}", charge.tier + 1));
        }
        (description, charge)
    });
    (1..)
        .zip(described)
        .map(|(line, (description, charge))| Line { line, description, taken_back: false, charge })
        .collect()
}

fn describe(sku: &Sku) -> String {
    match sku {
        Sku::Gpu { model, profile, share, spot, region } => {
            let mut text = format!("GPU time on {model}");
            if let Some(profile) = profile {
                text.push_str(&format!(", slice {profile}"));
            }
            if share.num != share.den {
                text.push_str(&format!(", {}/{} of the device", share.num, share.den));
            }
            if *spot {
                text.push_str(", spot");
            }
            text + &format!(", {region}")
        }
        Sku::Meter { meter, region } => format!("{meter}, {region}"),
    }
}
