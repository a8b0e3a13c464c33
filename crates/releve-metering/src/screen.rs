//! Is one report believable, against the catalog and the clock? And whom does it concern?

use std::collections::BTreeSet;

use releve_types::{
    DeviceId, NodeId, Ranges, Sku, TenantId, TenantKey, Timestamp,
    sku::{Share, slug},
    time::MILLIS_PER_DAY,
};
use releve_wire::{Report, Section, suspense_tenant_id};

use crate::{
    catalog::{Catalog, NodeState, Place},
    fate::Reason,
    limits::{DEVICE_MILLIWATTS_MAX, FUTURE_MS_MAX},
};

/// A report that passed everything that can be judged without the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screened {
    pub report: Report,
    pub place: Place,
    /// Each section's tenant, in the report's order; suspense tenants have the id their key gives.
    pub tenants: Vec<TenantId>,
}

/// How much each tenant held in a report: what a gap beside it may concern.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exposure {
    pub tenants: Vec<TenantId>,
    pub held_ms: Vec<i64>,
}

/// A verdict against a report, with the field it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    pub reason: Reason,
    pub field: String,
    pub detail: String,
}

impl Doubt {
    pub fn new(reason: Reason, field: &str, detail: impl Into<String>) -> Self {
        Self { reason, field: field.to_owned(), detail: detail.into() }
    }
}

/// The milliseconds that a report covers, counted from the UTC day's start. A window divides an hour, so it has one day.
pub fn covered_of_day(report: &Report) -> Ranges {
    let start = report.head.window.start;
    report.head.covered.shift(start.as_millis() - start.day() * MILLIS_PER_DAY)
}

impl Screened {
    pub const fn node(&self) -> NodeId {
        self.report.head.node
    }

    pub const fn day(&self) -> i64 {
        self.report.head.window.start.day()
    }

    /// As `covered_of_day` says.
    pub fn covered_of_day(&self) -> Ranges {
        covered_of_day(&self.report)
    }

    /// The physical GPUs of the report: a slice has its parent's.
    pub fn gpus(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.report.head.devices.iter().map(|d| d.parent.unwrap_or(d.gpu))
    }

    /// The order in which reports are counted: the same for any batch, so that writers never wait in a circle.
    pub const fn sort_key(&self) -> (NodeId, i64, Timestamp, u64, uuid::Uuid) {
        let head = &self.report.head;
        (head.node, self.day(), head.window.start, head.seq, head.run)
    }

    pub fn exposure(&self) -> Exposure {
        exposure(self.tenants.iter().copied().zip(self.report.sections.iter().map(held_ms)))
    }

    /// The slices of the report, each behind the GPU it was cut from.
    pub fn slices(&self) -> impl Iterator<Item = (DeviceId, DeviceId)> + '_ {
        self.report.head.devices.iter().filter_map(|d| Some((d.parent?, d.gpu)))
    }
}

fn held_ms(section: &Section) -> i64 {
    section.segments.iter().map(|s| s.end_ms - s.start_ms).sum()
}

fn exposure(held: impl Iterator<Item = (TenantId, i64)>) -> Exposure {
    let mut found = Exposure::default();
    for (tenant, held) in held {
        match found.tenants.iter().position(|t| *t == tenant) {
            Some(at) => found.held_ms[at] += held,
            None => {
                found.tenants.push(tenant);
                found.held_ms.push(held);
            }
        }
    }
    found
}

/// Whom a report concerns, whether it is believed or not.
pub fn concerned(catalog: &Catalog, report: &Report) -> Exposure {
    concerned_by(catalog, report.head.window.start, report.sections.iter().map(|s| (&s.tenant_key, held_ms(s))))
}

/// Whom it concerns that these keys are said to have held so many milliseconds.
pub fn concerned_by<'a>(
    catalog: &Catalog,
    at: Timestamp,
    held: impl Iterator<Item = (&'a TenantKey, i64)>,
) -> Exposure {
    exposure(held.map(|(key, held)| (tenant_of(catalog, key, at), held)))
}

/// The suspense tenants among those that these keys stand for.
pub fn suspense_among<'a>(
    catalog: &Catalog,
    at: Timestamp,
    keys: impl Iterator<Item = &'a TenantKey>,
) -> Vec<(TenantId, TenantKey)> {
    let unmapped: BTreeSet<&TenantKey> = keys.filter(|key| catalog.tenant(key, at).is_none()).collect();
    unmapped.into_iter().map(|key| (suspense_tenant_id(key), key.clone())).collect()
}

fn tenant_of(catalog: &Catalog, key: &TenantKey, at: Timestamp) -> TenantId {
    catalog.tenant(key, at).unwrap_or_else(|| suspense_tenant_id(key))
}

/// Judges one verified report against the catalog and the clock.
pub fn screen(report: Report, catalog: &Catalog, now: Timestamp) -> Result<Screened, (Box<Report>, Doubt)> {
    let head = &report.head;
    let doubt = if let Some(doubt) = clock_doubt(head.window.end, now) { Some(doubt) } else { energy_doubt(&report) };
    if let Some(doubt) = doubt {
        return Err((Box::new(report), doubt));
    }
    let place = catalog.nodes.get(&head.node).and_then(|n| n.places.at(head.window.start));
    let Some(place) = place.filter(|p| p.state != NodeState::Retired).cloned() else {
        let detail = format!("node {} serves in no range that holds {}", head.node, head.window.start);
        return Err((Box::new(report), Doubt::new(Reason::NotInService, "data.head.window_start", detail)));
    };
    if let Some(doubt) = sku_doubt(&report, &place) {
        return Err((Box::new(report), doubt));
    }
    let start = report.head.window.start;
    let tenants = report.sections.iter().map(|s| tenant_of(catalog, &s.tenant_key, start)).collect();
    Ok(Screened { report, place, tenants })
}

fn clock_doubt(window_end: Timestamp, now: Timestamp) -> Option<Doubt> {
    let ahead = window_end.since(now);
    (ahead > FUTURE_MS_MAX).then(|| {
        let detail = format!("the window ends {ahead} ms in the future, more than {FUTURE_MS_MAX} ms");
        Doubt::new(Reason::FutureWindow, "data.head.window_end", detail)
    })
}

/// More energy than the window could hold: a counter that was not reset where it should have been.
fn energy_doubt(report: &Report) -> Option<Doubt> {
    let window_ms = report.head.window.end.since(report.head.window.start);
    let most = u64::try_from(window_ms.saturating_mul(DEVICE_MILLIWATTS_MAX) / 1_000).unwrap_or(0);
    let too_much = |energy: Option<u64>| energy.filter(|mj| *mj > most);
    let of_devices = report.head.devices.iter().enumerate();
    let device = of_devices
        .filter_map(|(i, d)| too_much(d.energy_mj).map(|mj| (format!("data.head.devices[{i}].energy_mj"), mj)));
    let of_segments = report.sections.iter().enumerate().flat_map(|(s, section)| {
        section.segments.iter().enumerate().map(move |(i, segment)| (s, i, segment.energy_mj))
    });
    let segment = of_segments
        .filter_map(|(s, i, e)| too_much(e).map(|mj| (format!("data.sections[{s}].segments[{i}].energy_mj"), mj)));
    device.chain(segment).next().map(|(field, mj)| {
        Doubt::new(Reason::ImplausibleEnergy, &field, format!("{mj} mJ in {window_ms} ms, more than {most}"))
    })
}

/// A held device that can be no SKU would make the whole batch impossible to count.
fn sku_doubt(report: &Report, place: &Place) -> Option<Doubt> {
    let held: BTreeSet<DeviceId> = report.sections.iter().flat_map(|s| &s.segments).map(|s| s.gpu).collect();
    let devices = report.head.devices.iter().enumerate().filter(|(_, device)| held.contains(&device.gpu));
    let mut named = BTreeSet::new();
    devices
        .filter(|(_, device)| named.insert((&device.model, &device.profile)))
        .filter_map(|(i, device)| {
            let profile = device.profile.as_deref();
            let error = Sku::gpu(&device.model, profile, Share::WHOLE, false, &place.region).err()?;
            let no_part = |text: &str| slug(text).is_empty();
            let field = if no_part(&device.model) {
                format!("data.head.devices[{i}].model")
            } else if profile.is_some_and(no_part) {
                format!("data.head.devices[{i}].profile")
            } else {
                "data.head.node".to_owned()
            };
            Some(Doubt::new(Reason::NoSku, &field, error.to_string()))
        })
        .next()
}
