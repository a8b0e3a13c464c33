//! What was used that is not a GPU? One integer of one meter, inside one UTC hour.
//!
//! A reading carries no signature: an API key with a meter scope stands in for it, so anything that is not known
//! here is a slip of the caller's, and refused.

use releve_types::{Sku, TenantKey, Timestamp, Unit};
use serde::Serialize;

use crate::{
    json::{Reader, shorten},
    limits::MESSAGE_BYTES_MAX,
    reject::{Reject, RejectCode},
    report::{Holder, Reading},
    seal::Labels,
};

/// The region of a reading that names none.
pub const REGION_DEFAULT: &str = "default";

#[derive(Serialize)]
struct ReadingForm<'a> {
    source: &'a str,
    id: &'a str,
    meter: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    quantity: i64,
    unit: &'a str,
    from: String,
    to: String,
    region: &'a str,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: Labels<'a>,
}

pub fn encode_reading(reading: &Reading) -> Vec<u8> {
    let (tenant, key) = match &reading.holder {
        Holder::Tenant(tenant) => (Some(tenant.as_str()), None),
        Holder::Key(key) => (None, Some(key.as_str())),
    };
    let form = ReadingForm {
        source: &reading.source,
        id: &reading.id,
        meter: &reading.meter,
        tenant,
        key,
        project: reading.project.as_deref(),
        quantity: reading.quantity,
        unit: reading.unit.name(),
        from: reading.from.to_string(),
        to: reading.to.to_string(),
        region: &reading.region,
        labels: Labels(&reading.labels),
    };
    serde_json::to_vec(&form).expect("strings and integers under string keys are always JSON")
}

pub fn decode_reading(bytes: &[u8]) -> Result<Reading, Reject> {
    let mut r = Reader::of_bytes(bytes, MESSAGE_BYTES_MAX)?;
    let reading = read_reading(&mut r)?;
    r.finish()?;
    check_span(reading.from, reading.to)?;
    check_sku(&reading)?;
    Ok(reading)
}

fn read_reading(r: &mut Reader) -> Result<Reading, Reject> {
    let (mut source, mut id, mut meter, mut tenant, mut key_name, mut project) = (None, None, None, None, None, None);
    let (mut quantity, mut unit, mut from, mut to, mut region) = (None, None, None, None, None);
    let mut labels = Vec::new();
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "source" => source = Some(r.text()?),
            "id" => id = Some(r.text()?),
            "meter" => meter = Some(r.text()?),
            "tenant" => tenant = Some(r.text()?),
            "key" => key_name = Some(r.tenant_key()??),
            "project" => project = Some(r.text()?),
            "quantity" => quantity = Some(r.natural()?),
            "unit" => unit = Some(read_unit(r)?),
            "from" => from = Some(r.instant()?),
            "to" => to = Some(r.instant()?),
            "region" => region = Some(r.text()?),
            "labels" => labels = r.labels()?,
            _ => return Err(r.fail(RejectCode::UnknownField, "a reading has no such field")),
        }
    }
    Ok(Reading {
        holder: holder(tenant, key_name)?,
        source: r.need(source, "source")?,
        id: r.need(id, "id")?,
        meter: r.need(meter, "meter")?,
        project,
        quantity: r.need(quantity, "quantity")?,
        unit: r.need(unit, "unit")?,
        from: r.need(from, "from")?,
        to: r.need(to, "to")?,
        region: region.unwrap_or_else(|| REGION_DEFAULT.to_owned()),
        labels,
    })
}

fn holder(tenant: Option<String>, key: Option<TenantKey>) -> Result<Holder, Reject> {
    match (tenant, key) {
        (Some(tenant), None) => Ok(Holder::Tenant(tenant)),
        (None, Some(key)) => Ok(Holder::Key(key)),
        (None, None) => Err(Reject::new(RejectCode::ReadingHolder, "tenant", "names neither a tenant nor a key")),
        (Some(_), Some(_)) => Err(Reject::new(RejectCode::ReadingHolder, "key", "names both a tenant and a key")),
    }
}

fn read_unit(r: &mut Reader) -> Result<Unit, Reject> {
    let text = r.string()?;
    match text.parse() {
        Ok(Unit::GpuMs) => Err(r.fail(RejectCode::ReadingUnit, "GPU time comes in signed reports only")),
        Ok(unit) => Ok(unit),
        Err(_) => {
            let detail = format!("'{}' is none of gib_second, byte, token, count", shorten(&text));
            Err(r.fail(RejectCode::UnknownValue, detail))
        }
    }
}

/// Rules and prices change on whole hours, so a reading inside one has one tenant and one price.
fn check_span(from: Timestamp, to: Timestamp) -> Result<(), Reject> {
    if from >= to {
        return Err(Reject::new(RejectCode::ReadingSpanEmpty, "to", format!("{to} is not after {from}")));
    }
    if to > from.hour().end() {
        let detail = format!("{from} to {to} is not inside one UTC hour: send one reading for each");
        return Err(Reject::new(RejectCode::ReadingCrossesHour, "to", detail));
    }
    Ok(())
}

fn check_sku(reading: &Reading) -> Result<(), Reject> {
    let refused =
        |field| move |error: releve_types::sku::SkuError| Reject::new(RejectCode::ReadingSku, field, error.to_string());
    Sku::meter(&reading.meter, REGION_DEFAULT).map_err(refused("meter"))?;
    Sku::meter(&reading.meter, &reading.region).map_err(refused("region"))?;
    Ok(())
}
