//! What is a line called? Its SKU in words that a customer reads, or what was agreed.

use std::collections::{BTreeMap, HashSet};

use releve_types::Sku;
use uuid::Uuid;

use super::Line;
use crate::{Charge, ChargeKind};

/// Numbers and names the lines. The tier is named only on invoices on which a price has more than one, or is in another
/// than the first; a package where it is not what the unit is priced per anyhow.
pub(super) fn lines(charges: Vec<Charge>, called: &BTreeMap<Uuid, String>) -> Vec<Line> {
    let tiered: HashSet<ChargeKind> = charges.iter().filter(|c| c.tier > 0).map(|c| c.kind).collect();
    let described = charges.into_iter().map(|charge| (line(&charge, &tiered, called), charge));
    (1..)
        .zip(described)
        .map(|(line, (description, charge))| Line { line, description, taken_back: false, charge })
        .collect()
}

fn line(charge: &Charge, tiered: &HashSet<ChargeKind>, called: &BTreeMap<Uuid, String>) -> String {
    let mut text = describe(&charge.sku);
    let name = |id: Uuid| called.get(&id).map_or("", String::as_str);
    let called = name(charge.kind.id());
    match charge.kind {
        ChargeKind::Usage(_) => {
            if charge.base_quantity != charge.unit.base_quantity().1 {
                text.push_str(&format!(", {}", charge.priced_per()));
            }
            if tiered.contains(&charge.kind) {
                text.push_str(&format!(", tier {}", charge.tier + 1));
            }
            if let Some(off) = charge.discount {
                text.push_str(&format!(", {} % off: {}", off.percent, name(off.agreement.uuid())));
            }
            text
        }
        ChargeKind::Reserved(_) => format!("{text}, reserved: {called}"),
        ChargeKind::Unused(_) => format!("{text}, reserved and not used: {called}"),
        ChargeKind::Overage(_) => format!("{text}, above what is reserved: {called}"),
        ChargeKind::Recurring(_) | ChargeKind::Once(_) | ChargeKind::Goodwill(_) | ChargeKind::Minimum(_) => {
            called.to_owned()
        }
        ChargeKind::Credit(_) => format!("Credit: {called}"),
        ChargeKind::Deposit(_) => format!("Deposit: {called}"),
    }
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
        Sku::Fee { name } => name.to_string(),
    }
}
