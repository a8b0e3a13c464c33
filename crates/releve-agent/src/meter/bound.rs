//! How many bytes will a window take on the wire, at most? Counted before sealing, so that no report is too big.
//!
//! A law in `seal.rs` holds these numbers against real messages.

use releve_types::DeviceId;
use releve_wire::{AllocDetails, Device};

use super::{OpenWindow, PieceKey};

/// The envelope, the signature and the head's own fields.
const MESSAGE_BYTES: usize = 2_000;
const COVERED_RANGE_BYTES: usize = 48;
const DEVICE_BYTES: usize = 320;
/// Two digests, two salts and the names around them.
const SECTION_BYTES: usize = 700;
const SEGMENT_BYTES: usize = 384;
const DETAILS_BYTES: usize = 160;
const LABEL_BYTES: usize = 40;

/// The most that a window takes, without the details of its allocations.
pub fn bytes_bound(open: &OpenWindow) -> usize {
    let devices: usize = open.devices.values().map(device_bytes).sum();
    let mut segments = 0;
    let mut last_key = None;
    for (key, spans) in &open.spans {
        if last_key != Some(&key.tenant_key) {
            segments += SECTION_BYTES + text_bytes(key.tenant_key.as_str());
            last_key = Some(&key.tenant_key);
        }
        segments += spans.len() * segment_bytes(key);
    }
    MESSAGE_BYTES + COVERED_RANGE_BYTES * open.covered.as_slice().len() + devices + segments
}

fn device_bytes(device: &Device) -> usize {
    let Device { gpu: DeviceId::Gpu(_) | DeviceId::Mig(_), model, profile, .. } = device;
    DEVICE_BYTES + text_bytes(model) + profile.as_deref().map_or(0, text_bytes)
}

fn segment_bytes(key: &PieceKey) -> usize {
    SEGMENT_BYTES + text_bytes(&key.alloc) + key.project.as_deref().map_or(0, text_bytes)
}

/// What one allocation's details take beside the rest.
pub(crate) fn details_bytes(details: &AllocDetails) -> usize {
    let AllocDetails { alloc, name, user, labels } = details;
    let optional = |text: &Option<String>| text.as_deref().map_or(0, text_bytes);
    let labels: usize = labels.iter().map(|(k, v)| LABEL_BYTES + text_bytes(k) + text_bytes(v)).sum();
    DETAILS_BYTES + text_bytes(alloc) + optional(name) + optional(user) + labels
}

/// A text inside JSON that is itself a string of JSON: a quote or a backslash is escaped twice.
fn text_bytes(text: &str) -> usize {
    text.bytes().map(|b| if matches!(b, b'"' | b'\\') { 4 } else { 1 }).sum()
}
