//! What do counted reports add to the rollups? Deltas per allocation-hour and per usage-hour, keys sorted.

use std::collections::BTreeMap;

use releve_types::{
    AllocationId, Hour, NodeId, Ranges, Sku, TenantId,
    sku::{Share, SkuError},
};
use releve_wire::{Segment, allocation_id};
use uuid::Uuid;

use crate::screen::Screened;

/// Key of what one allocation held of one device in an hour. `sku` is an index into [`Deltas::skus`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AllocationKey {
    pub tenant: TenantId,
    pub hour: Hour,
    pub book: i32,
    pub allocation: AllocationId,
    pub node: NodeId,
    pub device: Uuid,
    pub sku: usize,
    pub project: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// Milliseconds of the hour.
    pub ranges: Ranges,
    pub energy_mj: i64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UsageKey {
    pub tenant: TenantId,
    pub hour: Hour,
    pub book: i32,
    pub project: String,
    pub sku: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Used {
    pub ms: i64,
    pub energy_mj: i64,
}

/// Key of another meter's hour; the same shape as a usage hour's.
pub type MeterKey = UsageKey;

/// What names an allocation for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    pub tenant_key: String,
    pub alloc: String,
    pub first_seen: releve_types::Timestamp,
    pub name: Option<String>,
    pub user: Option<String>,
    pub labels: Option<Vec<(String, String)>>,
}

/// What a batch adds. Maps are sorted, so that every writer takes rows in one order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deltas {
    pub skus: Vec<Sku>,
    pub allocation_hours: BTreeMap<AllocationKey, Held>,
    pub usage_hours: BTreeMap<UsageKey, Used>,
    pub allocations: BTreeMap<(TenantId, AllocationId), Writer>,
}

/// Sums counted reports. `book_of` gives the open book of a tenant's hour, read under the lock that issuing
/// takes alone.
pub fn roll_up<'a>(
    counted: impl IntoIterator<Item = &'a Screened>,
    mut book_of: impl FnMut(TenantId, Hour) -> i32,
) -> Result<Deltas, SkuError> {
    let mut deltas = Deltas::default();
    let mut sku_index: BTreeMap<Sku, usize> = BTreeMap::new();
    // Neighbours mostly sell the same: its name is spelled once.
    let mut last: Option<(Sold<'a>, usize)> = None;
    for screened in counted {
        let head = &screened.report.head;
        let hour = head.window.start.hour();
        let offset = head.window.start.since(hour.start());
        for (section, &tenant) in screened.report.sections.iter().zip(&screened.tenants) {
            let book = book_of(tenant, hour);
            for segment in &section.segments {
                let sold = sold(screened, segment);
                let sku = match last {
                    Some((before, sku)) if before == sold => sku,
                    _ => {
                        let next = sku_index.len();
                        *sku_index.entry(sold.sku()?).or_insert(next)
                    }
                };
                last = Some((sold, sku));
                let allocation = allocation_id(&section.tenant_key, &segment.alloc);
                let project = segment.project.clone().unwrap_or_default();
                let ms = segment.end_ms - segment.start_ms;
                let energy_mj = segment.energy_mj.and_then(|mj| i64::try_from(mj).ok()).unwrap_or(0);
                let key = AllocationKey {
                    tenant,
                    hour,
                    book,
                    allocation,
                    node: head.node,
                    device: segment.gpu.uuid(),
                    sku,
                    project: project.clone(),
                };
                let held = deltas.allocation_hours.entry(key).or_default();
                held.ranges = held.ranges.union(&Ranges::one(segment.start_ms + offset, segment.end_ms + offset));
                held.energy_mj += energy_mj;
                let used = deltas.usage_hours.entry(UsageKey { tenant, hour, book, project, sku }).or_default();
                used.ms += ms;
                used.energy_mj += energy_mj;
                deltas.allocations.entry((tenant, allocation)).or_insert_with(|| Writer {
                    tenant_key: section.tenant_key.as_str().to_owned(),
                    alloc: segment.alloc.clone(),
                    first_seen: head.window.start.plus_millis(segment.start_ms),
                    name: None,
                    user: None,
                    labels: None,
                });
            }
            for details in &section.allocs {
                let allocation = allocation_id(&section.tenant_key, &details.alloc);
                let writer = deltas.allocations.entry((tenant, allocation)).or_insert_with(|| Writer {
                    tenant_key: section.tenant_key.as_str().to_owned(),
                    alloc: details.alloc.clone(),
                    first_seen: head.window.start,
                    name: None,
                    user: None,
                    labels: None,
                });
                writer.name = details.name.clone().or(writer.name.take());
                writer.user = details.user.clone().or(writer.user.take());
                writer.labels = Some(details.labels.clone());
            }
        }
    }
    let mut skus: Vec<(usize, Sku)> = sku_index.into_iter().map(|(sku, i)| (i, sku)).collect();
    skus.sort_unstable_by_key(|(i, _)| *i);
    deltas.skus = skus.into_iter().map(|(_, sku)| sku).collect();
    Ok(deltas)
}

/// What a segment sells: the device's model and profile, the segment's share and class, the node's region.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sold<'a> {
    model: &'a str,
    profile: Option<&'a str>,
    share: Share,
    spot: bool,
    region: &'a str,
}

impl Sold<'_> {
    fn sku(self) -> Result<Sku, SkuError> {
        Sku::gpu(self.model, self.profile, self.share, self.spot, self.region)
    }
}

fn sold<'a>(screened: &'a Screened, segment: &Segment) -> Sold<'a> {
    let device = screened.report.head.devices.iter().find(|d| d.gpu == segment.gpu);
    let (model, profile) = device.map_or(("unlisted", None), |d| (d.model.as_str(), d.profile.as_deref()));
    Sold { model, profile, share: segment.share, spot: segment.spot, region: &screened.place.region }
}
