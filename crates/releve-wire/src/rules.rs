//! Do the parts of a report fit together? Rules that need nothing but the report; a break is a malformed report.

use std::collections::BTreeSet;

use releve_types::{DeviceId, time::MILLIS_PER_HOUR};

use crate::{
    limits::{WINDOW_MS_MAX, WINDOW_MS_MIN},
    reject::{Reject, RejectCode},
    report::{Device, Head, Section, Segment, Window},
};

pub(crate) fn check_head(head: &Head) -> Result<(), Reject> {
    check_window(head.window)?;
    let length = head.window.end.since(head.window.start);
    if let Some(&(_, to)) = head.covered.as_slice().last().filter(|last| last.1 > length) {
        let detail = format!("ends at {to} ms of a window of {length} ms");
        return Err(Reject::new(RejectCode::CoveredOutsideWindow, "data.head.covered", detail));
    }
    check_devices(&head.devices)
}

/// Lengths divide an hour and windows begin at multiples of their length, so no report crosses an hour, where
/// prices and rules change.
fn check_window(window: Window) -> Result<(), Reject> {
    let length = window.end.since(window.start);
    if !(WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&length) || MILLIS_PER_HOUR % length != 0 {
        let detail = format!("{length} ms is not 10 s to 3600 s, or does not divide an hour");
        return Err(Reject::new(RejectCode::WindowLength, "data.head.window_end", detail));
    }
    if window.start.as_millis().rem_euclid(length) != 0 {
        let detail = format!("{} is no multiple of the window's length", window.start);
        return Err(Reject::new(RejectCode::WindowNotAligned, "data.head.window_start", detail));
    }
    Ok(())
}

fn check_devices(devices: &[Device]) -> Result<(), Reject> {
    let mut seen = BTreeSet::new();
    for (i, device) in devices.iter().enumerate() {
        let fail = |field: &str, code, detail: &str| {
            Err(Reject::new(code, format!("data.head.devices[{i}].{field}"), format!("{}: {detail}", device.gpu)))
        };
        // By UUID alone: a slice and a GPU of one UUID would be one device to everything downstream.
        if !seen.insert(device.gpu.uuid()) {
            return fail("gpu", RejectCode::DeviceTwice, "listed twice");
        }
        match (device.gpu, device.parent, &device.profile) {
            (DeviceId::Gpu(_), None, None) => {}
            (DeviceId::Gpu(_), Some(_), _) => {
                return fail("parent", RejectCode::SliceDescription, "a whole GPU has no parent");
            }
            (DeviceId::Gpu(_), None, Some(_)) => {
                return fail("profile", RejectCode::SliceDescription, "a whole GPU has no profile");
            }
            (DeviceId::Mig(_), None | Some(DeviceId::Mig(_)), _) => {
                return fail("parent", RejectCode::SliceDescription, "a slice is cut from a GPU, which must be named");
            }
            (DeviceId::Mig(slice), Some(DeviceId::Gpu(parent)), _) if slice == parent => {
                return fail("parent", RejectCode::SliceDescription, "a slice is not its own parent");
            }
            (DeviceId::Mig(_), Some(_), None) => {
                return fail("profile", RejectCode::SliceDescription, "a slice without profile would pass for a GPU");
            }
            (DeviceId::Mig(_), Some(DeviceId::Gpu(_)), Some(_)) => {}
        }
    }
    Ok(())
}

/// `index_of` gives a section's place in the message, since of a disclosed report only one is at hand.
pub(crate) fn check_sections(
    head: &Head,
    sections: &[Section],
    index_of: impl Fn(usize) -> usize,
) -> Result<(), Reject> {
    let mut keys = BTreeSet::new();
    for (i, section) in sections.iter().enumerate() {
        let place = index_of(i);
        if !keys.insert(&section.tenant_key) {
            let detail = format!("'{}' has a section already", section.tenant_key);
            let field = format!("data.sections[{place}].segments.tenant_key");
            return Err(Reject::new(RejectCode::TenantKeyTwice, field, detail));
        }
        for (j, segment) in section.segments.iter().enumerate() {
            check_segment(head, segment).map_err(|(code, field, detail)| {
                Reject::new(code, format!("data.sections[{place}].segments.segments[{j}].{field}"), detail)
            })?;
        }
        let mut allocs = BTreeSet::new();
        for (j, details) in section.allocs.iter().enumerate() {
            if !allocs.insert(&details.alloc) {
                let field = format!("data.sections[{place}].allocs.allocs[{j}].alloc");
                return Err(Reject::new(RejectCode::AllocTwice, field, "the allocation is described already"));
            }
        }
    }
    Ok(())
}

fn check_segment(head: &Head, segment: &Segment) -> Result<(), (RejectCode, &'static str, String)> {
    let (start, end) = (segment.start_ms, segment.end_ms);
    if !head.devices.iter().any(|device| device.gpu == segment.gpu) {
        return Err((RejectCode::DeviceNotListed, "gpu", format!("{} is not among the head's devices", segment.gpu)));
    }
    if start >= end {
        return Err((RejectCode::SegmentEmpty, "end_ms", format!("[{start},{end}) is empty")));
    }
    let length = head.window.end.since(head.window.start);
    if end > length {
        let detail = format!("ends at {end} ms of a window of {length} ms");
        return Err((RejectCode::SegmentOutsideWindow, "end_ms", detail));
    }
    if !head.covered.contains_range(start, end) {
        let detail = format!("[{start},{end}) is not inside one covered range");
        return Err((RejectCode::SegmentOutsideCovered, "start_ms", detail));
    }
    Ok(())
}
