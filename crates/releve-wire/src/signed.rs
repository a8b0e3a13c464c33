//! What do the signed strings of version 1 say? Shape and single values; what they mean together is in `rules`.

use releve_types::{NodeId, Ranges, TenantKey, sku::Share};

use crate::{
    json::{Reader, Root, shorten},
    limits::{COVERED_LEN_MAX, DEVICES_LEN_MAX},
    reject::{Reject, RejectCode},
    report::{AllocDetails, Clock, Device, Head, SectionDigests, Segment, Window},
    words::Word,
};

/// The one version of the head that this program reads and writes.
pub(crate) const VERSION: i64 = 1;

/// Something that was read, and the first thing in it that only a newer program understands.
pub(crate) type Read<T> = Result<(T, Option<Reject>), Reject>;

/// What must be known of a head before anything in it is believed.
pub(crate) struct Peek {
    pub version: i64,
    pub node: NodeId,
    pub window: Window,
}

/// Reads no further than it must; duplicates and the rest are for [`read_head`], once the signature holds.
pub(crate) fn peek(text: &str) -> Result<Peek, Reject> {
    let mut r = Reader::new(text, Root::Head);
    let (mut version, mut node, mut start, mut end) = (None, None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "v" => version = Some(r.natural()?),
            "node" => node = Some(r.node()?),
            "window_start" => start = Some(r.instant()?),
            "window_end" => end = Some(r.instant()?),
            _ => r.skip()?,
        }
        if let (Some(version), Some(node), Some(start), Some(end)) = (version, node, start, end) {
            return Ok(Peek { version, node, window: Window { start, end } });
        }
    }
    let (version, node) = (r.need(version, "v")?, r.need(node, "node")?);
    Ok(Peek {
        version,
        node,
        window: Window { start: r.need(start, "window_start")?, end: r.need(end, "window_end")? },
    })
}

pub(crate) fn read_head(text: &str) -> Read<Head> {
    let mut r = Reader::new(text, Root::Head);
    let (mut v, mut node, mut run, mut seq, mut start, mut end) = (None, None, None, None, None, None);
    let (mut covered, mut clock, mut devices, mut agent) = (None, None, None, None);
    let (mut prev, mut sections) = (None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "v" => v = Some(r.natural()?),
            "node" => node = Some(r.node()?),
            "run" => run = Some(r.run()?),
            "seq" => seq = Some(natural_u64(&mut r)?),
            "window_start" => start = Some(r.instant()?),
            "window_end" => end = Some(r.instant()?),
            "covered" => covered = Some(read_covered(&mut r)?),
            "clock" => clock = Some(read_clock(&mut r)?),
            "devices" => devices = Some(read_devices(&mut r)?),
            "agent" => agent = Some(r.text()?),
            "prev" => prev = Some(r.digest()?),
            "sections" => sections = Some(read_digests(&mut r)?),
            _ => r.skip_newer()?,
        }
    }
    r.need(v, "v")?;
    let head = Head {
        node: r.need(node, "node")?,
        run: r.need(run, "run")?,
        seq: r.need(seq, "seq")?,
        window: Window { start: r.need(start, "window_start")?, end: r.need(end, "window_end")? },
        covered: r.need(covered, "covered")?,
        clock: r.need(clock, "clock")?,
        devices: r.need(devices, "devices")?,
        agent: r.need(agent, "agent")?,
        prev,
        sections: r.need(sections, "sections")?,
    };
    Ok((head, r.finish()?))
}

fn read_covered(r: &mut Reader) -> Result<Ranges, Reject> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    let mut array = r.array()?;
    while r.item(&mut array)? {
        if ranges.len() == COVERED_LEN_MAX {
            return Err(r.fail(RejectCode::TooMany, format!("more than {COVERED_LEN_MAX} ranges")));
        }
        let (mut pair, mut bounds) = (r.array()?, Vec::with_capacity(2));
        while r.item(&mut pair)? {
            bounds.push(r.natural()?);
        }
        let &[from, to] = bounds.as_slice() else {
            return Err(r.fail(RejectCode::WrongType, "expected [from_ms, to_ms]"));
        };
        if from >= to {
            return Err(r.fail(RejectCode::CoveredDisorder, format!("[{from},{to}) is empty")));
        }
        if let Some(&(_, before)) = ranges.last().filter(|last| from < last.1) {
            let detail = format!("begins at {from}, before the end of the range before it, {before}");
            return Err(r.fail(RejectCode::CoveredDisorder, detail));
        }
        ranges.push((from, to));
    }
    Ok(Ranges::from_unsorted(ranges))
}

fn read_clock(r: &mut Reader) -> Result<Clock, Reject> {
    let (mut synced, mut max_err_us, mut step_ms) = (None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "synced" => synced = Some(r.boolean()?),
            "max_err_us" => max_err_us = Some(natural_u64(r)?),
            "step_ms" => step_ms = Some(r.integer()?),
            _ => r.skip_newer()?,
        }
    }
    Ok(Clock { synced: r.need(synced, "synced")?, max_err_us: r.need(max_err_us, "max_err_us")?, step_ms })
}

fn read_devices(r: &mut Reader) -> Result<Vec<Device>, Reject> {
    let mut devices = Vec::new();
    let mut array = r.array()?;
    while r.item(&mut array)? {
        if devices.len() == DEVICES_LEN_MAX {
            return Err(r.fail(RejectCode::TooMany, format!("more than {DEVICES_LEN_MAX} devices")));
        }
        devices.push(read_device(r)?);
    }
    Ok(devices)
}

fn read_device(r: &mut Reader) -> Result<Device, Reject> {
    let (mut gpu, mut parent, mut model, mut profile, mut state, mut energy_mj) = (None, None, None, None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "gpu" => gpu = Some(r.device()?),
            "parent" => parent = Some(r.device()?),
            "model" => model = Some(r.text()?),
            "profile" => profile = Some(r.text()?),
            "state" => state = Some(word(r)?),
            "energy_mj" => energy_mj = Some(natural_u64(r)?),
            _ => r.skip_newer()?,
        }
    }
    Ok(Device {
        gpu: r.need(gpu, "gpu")?,
        parent,
        model: r.need(model, "model")?,
        profile,
        state: r.need(state, "state")?,
        energy_mj,
    })
}

fn read_digests(r: &mut Reader) -> Result<Vec<SectionDigests>, Reject> {
    let mut sections = Vec::new();
    let mut array = r.array()?;
    while r.item(&mut array)? {
        let (mut segments, mut allocs) = (None, None);
        let object = r.object()?;
        while let Some(key) = r.key(&object)? {
            match &*key {
                "segments" => segments = Some(r.digest()?),
                "allocs" => allocs = Some(r.digest()?),
                _ => r.skip_newer()?,
            }
        }
        sections.push(SectionDigests { segments: r.need(segments, "segments")?, allocs: r.need(allocs, "allocs")? });
    }
    Ok(sections)
}

/// One section's `segments` string. The tenant key is absent only where a newer program is needed to read it.
pub(crate) fn read_segments(text: &str, section: usize) -> Read<(Option<TenantKey>, Vec<Segment>)> {
    let mut r = Reader::new(text, Root::Segments(section));
    let (mut salt, mut tenant_key, mut segments) = (None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "salt" => salt = Some(r.salt()?),
            "tenant_key" => tenant_key = Some(newer_tenant_key(&mut r)?),
            "segments" => {
                let mut found = Vec::new();
                let mut array = r.array()?;
                while r.item(&mut array)? {
                    found.push(read_segment(&mut r)?);
                }
                segments = Some(found);
            }
            _ => r.skip_newer()?,
        }
    }
    r.need(salt, "salt")?;
    let read = (r.need(tenant_key, "tenant_key")?, r.need(segments, "segments")?);
    Ok((read, r.finish()?))
}

fn newer_tenant_key(r: &mut Reader) -> Result<Option<TenantKey>, Reject> {
    match r.tenant_key()? {
        Ok(key) => Ok(Some(key)),
        Err(unknown) => {
            r.note_newer(RejectCode::NewerValue, unknown.detail);
            Ok(None)
        }
    }
}

fn read_segment(r: &mut Reader) -> Result<Segment, Reject> {
    let (mut gpu, mut alloc, mut project, mut spot, mut basis, mut end_reason) = (None, None, None, None, None, None);
    let (mut share_num, mut share_den, mut start_ms, mut end_ms, mut energy_mj) = (None, None, None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "gpu" => gpu = Some(r.device()?),
            "alloc" => alloc = Some(r.text()?),
            "project" => project = Some(r.text()?),
            "spot" => spot = Some(r.boolean()?),
            "share_num" => share_num = Some(r.natural()?),
            "share_den" => share_den = Some(r.natural()?),
            "start_ms" => start_ms = Some(r.natural()?),
            "end_ms" => end_ms = Some(r.natural()?),
            "basis" => basis = Some(word(r)?),
            "energy_mj" => energy_mj = Some(natural_u64(r)?),
            "end_reason" => end_reason = Some(word(r)?),
            _ => r.skip_newer()?,
        }
    }
    Ok(Segment {
        gpu: r.need(gpu, "gpu")?,
        alloc: r.need(alloc, "alloc")?,
        project,
        spot: r.need(spot, "spot")?,
        share: read_share(r, share_num, share_den)?,
        start_ms: r.need(start_ms, "start_ms")?,
        end_ms: r.need(end_ms, "end_ms")?,
        basis: r.need(basis, "basis")?,
        energy_mj,
        end_reason,
    })
}

/// Absent means the whole; half a pair, zero, or more than the whole means nothing.
fn read_share(r: &Reader, num: Option<i64>, den: Option<i64>) -> Result<Share, Reject> {
    let (num, den) = match (num, den) {
        (None, None) => return Ok(Share::WHOLE),
        (Some(num), Some(den)) => (num, den),
        (None, Some(_)) => return r.need(None, "share_num"),
        (Some(_), None) => return r.need(None, "share_den"),
    };
    match (u32::try_from(num), u32::try_from(den)) {
        (Ok(num), Ok(den)) if 1 <= num && num <= den => Ok(Share { num, den }),
        _ => Err(r.fail_in("share_num", RejectCode::ShareInvalid, format!("{num}/{den} is no part of a device"))),
    }
}

/// One section's `allocs` string.
pub(crate) fn read_allocs(text: &str, section: usize) -> Read<Vec<AllocDetails>> {
    let mut r = Reader::new(text, Root::Allocs(section));
    let (mut salt, mut allocs) = (None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "salt" => salt = Some(r.salt()?),
            "allocs" => {
                let mut found = Vec::new();
                let mut array = r.array()?;
                while r.item(&mut array)? {
                    found.push(read_alloc(&mut r)?);
                }
                allocs = Some(found);
            }
            _ => r.skip_newer()?,
        }
    }
    r.need(salt, "salt")?;
    let read = r.need(allocs, "allocs")?;
    Ok((read, r.finish()?))
}

fn read_alloc(r: &mut Reader) -> Result<AllocDetails, Reject> {
    let (mut alloc, mut name, mut user, mut labels) = (None, None, None, Vec::new());
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "alloc" => alloc = Some(r.text()?),
            "name" => name = Some(r.text()?),
            "user" => user = Some(r.text()?),
            "labels" => labels = r.labels()?,
            _ => r.skip_newer()?,
        }
    }
    Ok(AllocDetails { alloc: r.need(alloc, "alloc")?, name, user, labels })
}

/// One word of a closed list. A word that is not in it may be a newer agent's: the first of the list stands in
/// for it, in a report that is not used.
fn word<T: Word>(r: &mut Reader) -> Result<T, Reject> {
    let text = r.string()?;
    if let Some(value) = T::ALL.iter().find(|value| value.word() == text) {
        return Ok(*value);
    }
    r.note_newer(RejectCode::NewerValue, format!("'{}' is not a word of version 1", shorten(&text)));
    Ok(T::ALL[0])
}

fn natural_u64(r: &mut Reader) -> Result<u64, Reject> {
    r.natural().map(i64::unsigned_abs)
}
