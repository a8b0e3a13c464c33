//! Do the nodes' signed reports say what was used? Each is verified, and what the account's keys held is added up.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use releve_billing::{Recorded, Reports};
use releve_types::{NodeId, Sku, TenantId, Timestamp};
use releve_wire::{Head, Section, sha256, verify_disclosed, verify_head};
use serde::Deserialize;

use crate::{Disclosed, Fleet, NodeFacts};

/// By tenant, project and SKU, in milliseconds.
pub type Held = BTreeMap<(TenantId, String, Sku), i64>;

/// A report that proves nothing.
#[derive(Debug, thiserror::Error)]
#[error("report {at}: {detail}")]
pub struct ReportError {
    /// From 1.
    pub at: usize,
    pub detail: String,
}

/// Verifies each report and adds up what it shows of the basis' period. Refused if one can't be believed, or if they are not
/// those that the basis names.
pub fn reported(fleet: &Fleet, reports: &[Disclosed], basis: &Recorded) -> Result<Held, ReportError> {
    let nodes: BTreeMap<NodeId, &NodeFacts> = fleet.nodes.iter().map(|node| (node.node, node)).collect();
    let (mut held, mut heads) = (Held::new(), Vec::with_capacity(reports.len()));
    for (n, report) in reports.iter().enumerate() {
        let broken = |detail: String| ReportError { at: n + 1, detail };
        let digest = sha256(report.head.as_bytes()).0;
        for section in disclosed(fleet, &nodes, report).map_err(broken)? {
            add(&mut held, section, basis);
        }
        heads.push(digest);
    }
    let distinct: BTreeSet<[u8; 32]> = heads.iter().copied().collect();
    let found = Reports::of(distinct.iter().copied());
    if found != basis.reports || distinct.len() != reports.len() {
        let detail = format!("{} are here, and not the {} that the basis names", found.count, basis.reports.count);
        return Err(ReportError { at: 0, detail });
    }
    Ok(held)
}

/// What a believed section shows.
struct Shown {
    tenant: TenantId,
    region: String,
    head: Head,
    section: Section,
}

fn disclosed(fleet: &Fleet, nodes: &BTreeMap<NodeId, &NodeFacts>, report: &Disclosed) -> Result<Vec<Shown>, String> {
    let signature = STANDARD.decode(&report.sig).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = signature.ok_or("its signature is no base64 of 64 bytes")?;
    // Which key to believe it by; that it is this node's is believed once the signature is.
    let claimed: Claim = serde_json::from_str(&report.head).map_err(|error| error.to_string())?;
    let node = claimed.node.parse().ok().and_then(|id: NodeId| nodes.get(&id).copied());
    let node = node.ok_or_else(|| format!("nothing is said of node '{}'", claimed.node))?;
    let public = public_key(node, &report.keyid).ok_or_else(|| format!("no key '{}' is known", report.keyid))?;
    let head = verify_head(&report.head, &report.keyid, &signature, &public).map_err(|reject| reject.to_string())?;
    if !key_holds(node, &report.keyid, head.window.end) {
        return Err(format!("key '{}' of {} does not hold at {}", report.keyid, head.node, head.window.end));
    }
    let mut shown = Vec::with_capacity(report.segments.len());
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for segments in &report.segments {
        if !seen.insert(segments) {
            return Err("a section stands there twice".to_owned());
        }
        let believed = verify_disclosed(&report.head, &report.keyid, &signature, segments, &public);
        let (head, section) = believed.map_err(|reject| reject.to_string())?;
        let tenant = fleet.tenant_at(&section.tenant_key, head.window.start);
        let tenant = tenant.ok_or_else(|| format!("{} is nobody's at {}", section.tenant_key, head.window.start))?;
        let region = region_at(node, head.window.start).unwrap_or_default().to_owned();
        shown.push(Shown { tenant, region, head, section });
    }
    Ok(shown)
}

/// Of which node a head says that it is.
#[derive(Deserialize)]
struct Claim {
    node: String,
}

fn public_key(node: &NodeFacts, keyid: &str) -> Option<[u8; 32]> {
    let key = node.keys.iter().find(|key| key.keyid == keyid)?;
    hex::decode(&key.public_key).ok()?.try_into().ok()
}

/// Whether a node's key holds at an instant: the last thing said of it until then.
fn key_holds(node: &NodeFacts, keyid: &str, at: Timestamp) -> bool {
    let said = node.keys.iter().filter(|key| key.keyid == keyid && key.from <= at);
    said.max_by_key(|key| key.from).is_some_and(|key| key.valid)
}

fn region_at(node: &NodeFacts, at: Timestamp) -> Option<&str> {
    let said = node.places.iter().filter(|place| place.from <= at.hour());
    said.max_by_key(|place| place.from).map(|place| place.region.as_str())
}

fn add(held: &mut Held, shown: Shown, basis: &Recorded) {
    let Shown { tenant, region, head, section } = shown;
    if !basis.subject.period.contains(head.window.start) {
        return;
    }
    for segment in section.segments {
        let device = head.devices.iter().find(|device| device.gpu == segment.gpu);
        let Some(device) = device else { continue };
        let sku = Sku::gpu(&device.model, device.profile.as_deref(), segment.share, segment.spot, &region);
        let Ok(sku) = sku else { continue };
        let sum = held.entry((tenant, segment.project.unwrap_or_default(), sku)).or_default();
        *sum = sum.saturating_add(segment.end_ms.saturating_sub(segment.start_ms));
    }
}

/// What the basis bills of GPU time.
pub fn billed(basis: &Recorded) -> Held {
    let mut held = Held::new();
    let items = basis.usage.items.iter().map(|i| (i.tenant, &i.project, &i.sku, i.metered));
    let allocations = basis.usage.allocations.iter().map(|a| (a.tenant, &a.project, &a.sku, a.held));
    for (tenant, project, sku, ms) in items.chain(allocations).filter(|(.., sku, _)| matches!(sku, Sku::Gpu { .. })) {
        let sum = held.entry((tenant, project.clone(), sku.clone())).or_default();
        *sum = sum.saturating_add(ms);
    }
    held
}
