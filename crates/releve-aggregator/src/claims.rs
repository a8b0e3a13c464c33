//! Of whom does a message speak that could not be believed? Whoever it speaks of is held back until a person decides.
//!
//! The wire gives no report where it refuses one, so what the refused bytes claim is read here, leniently: what does
//! not read is not claimed. Only sections whose digest stands in the head are read.

use releve_metering::{
    Catalog, Exposure,
    screen::{concerned_by, suspense_among},
};
use releve_types::{TenantId, TenantKey};
use releve_wire::{
    Window,
    limits::{NAME_BYTES_MAX, WINDOW_MS_MAX},
    sha256,
};
use serde_json::Value;

/// What a message says of itself, believed or not.
#[derive(Debug, Default)]
pub struct Claims {
    /// The agent's name and version.
    pub agent: String,
    /// Milliseconds held, by section.
    held: Vec<(TenantKey, i64)>,
}

impl Claims {
    pub fn read(body: &[u8], window: Window) -> Self {
        let data = |body| Some(serde_json::from_slice::<Value>(body).ok()?.get_mut("data")?.take());
        let Some(data) = data(body) else { return Self::default() };
        let Some(head) = data["head"].as_str().and_then(parsed) else { return Self::default() };
        let of_agent = |text: &&str| text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
        let agent = head["agent"].as_str().filter(of_agent).unwrap_or_default().to_owned();
        let sections = data["sections"].as_array().map(Vec::as_slice).unwrap_or_default();
        let length = window.end.since(window.start);
        let held = sections.iter().enumerate().filter_map(|(i, section)| {
            let text = section["segments"].as_str()?;
            let vouched = head["sections"][i]["segments"].as_str()?;
            if sha256(text.as_bytes()).to_string() != vouched {
                return None;
            }
            section_held(&parsed(text)?, length)
        });
        Self { agent, held: held.collect() }
    }

    pub fn exposure(&self, catalog: &Catalog, window: Window) -> Exposure {
        concerned_by(catalog, window.start, self.held.iter().map(|(key, held)| (key, *held)))
    }

    pub fn suspense(&self, catalog: &Catalog, window: Window) -> Vec<(TenantId, TenantKey)> {
        suspense_among(catalog, window.start, self.held.iter().map(|(key, _)| key))
    }
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn section_held(section: &Value, window_ms: i64) -> Option<(TenantKey, i64)> {
    let key = TenantKey::new(section["tenant_key"].as_str()?).ok()?;
    let segments = section["segments"].as_array()?;
    let held = segments.iter().filter_map(|segment| {
        let (start, end) = (segment["start_ms"].as_i64()?, segment["end_ms"].as_i64()?);
        let inside = 0 <= start && start < end && end <= window_ms && window_ms <= WINDOW_MS_MAX;
        inside.then_some(end - start)
    });
    Some((key, held.sum()))
}
