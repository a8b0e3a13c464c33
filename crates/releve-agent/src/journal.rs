//! What does the agent remember over its own death? The windows that are not sealed yet, and which time it reported.
//!
//! One small file, replaced as a whole. It is written before a window is sealed, so that the seal's number tells
//! afterwards whether the spool has the window already.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use releve_types::{DeviceId, NodeId, Ranges, TenantKey, Timestamp, sku::Share};
use releve_wire::{Device, DeviceState, EndReason, Window};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    failpoint,
    meter::{OpenWindow, PieceKey, Seen, Span},
    spool::{Chain, SpoolError, replace},
};

/// What is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    pub node: NodeId,
    /// Another boot: whatever was open ended with the last one.
    pub boot: Uuid,
    pub run: Uuid,
    /// The number under which the first of `parts` will be sealed.
    pub next_seq: u64,
    pub seen: Seen,
    /// Closed windows that may not be sealed yet, and last the one that is open.
    pub parts: Vec<OpenWindow>,
}

/// What a new start makes of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resumed {
    pub seen: Seen,
    /// Closed, and still to be sealed.
    pub closed: Vec<OpenWindow>,
    pub open: Option<OpenWindow>,
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "the journal {path} is of node {found}, and this is node {expected}: each node has a data directory of its own"
    )]
    OtherNode { path: String, found: NodeId, expected: NodeId },
    #[error("the journal {path} can't be read: {problem}")]
    Unreadable { path: String, problem: String },
    #[error(transparent)]
    Write(#[from] SpoolError),
}

impl Memory {
    /// After a crash: drops what the spool has, and ends what another boot has ended.
    pub fn resume(self, chain: &Chain, boot: Uuid) -> Resumed {
        let Self { run, next_seq, mut seen, mut parts, .. } = self;
        seen.join(&covered_before(chain));
        // The parts of a spool that is gone may have been sent: their time is seen, and that is all.
        let sealed = if run == chain.run { chain.next_seq.saturating_sub(next_seq) } else { u64::MAX };
        parts.drain(..usize::try_from(sealed).unwrap_or(usize::MAX).min(parts.len()));
        let mut open = parts.pop();
        if boot != self.boot
            && let Some(mut ended) = open.take()
        {
            ended.end_all(EndReason::NodeLost);
            parts.push(ended);
        }
        Resumed { seen, closed: parts, open }
    }
}

impl Resumed {
    /// Without a journal, all time up to the spool's last report counts as reported.
    pub fn without_journal(chain: &Chain) -> Self {
        let mut seen = Seen::default();
        seen.join(&covered_before(chain));
        Self { seen, ..Self::default() }
    }
}

/// What the spool's reports cover is known by its end only, which matters where the journal is older than they are.
fn covered_before(chain: &Chain) -> Ranges {
    let end = chain.covered_until.as_millis();
    Ranges::one(end - releve_types::time::MILLIS_PER_HOUR, end)
}

pub fn write(path: &Path, memory: &Memory) -> Result<(), JournalError> {
    let text = serde_json::to_vec(&File::of(memory)).map_err(|e| unreadable(path, &e.to_string()))?;
    let mut content = format!("{:08x}\n", crc32fast::hash(&text)).into_bytes();
    content.extend_from_slice(&text);
    failpoint::hit("agent.journal.before_write");
    replace(path, &content, true)?;
    failpoint::hit("agent.journal.after_write");
    Ok(())
}

/// The journal, where there is one.
pub fn read(path: &Path, node: NodeId) -> Result<Option<Memory>, JournalError> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(path, &e.to_string())),
    };
    let damaged = || unreadable(path, "its checksum is wrong");
    let (crc, text) = content.split_at_checked(9).ok_or_else(damaged)?;
    if format!("{:08x}\n", crc32fast::hash(text)).as_bytes() != crc {
        return Err(damaged());
    }
    let file: File = serde_json::from_slice(text).map_err(|e| unreadable(path, &e.to_string()))?;
    let memory = file.memory().map_err(|problem| unreadable(path, &problem))?;
    if memory.node != node {
        return Err(JournalError::OtherNode { path: path.display().to_string(), found: memory.node, expected: node });
    }
    Ok(Some(memory))
}

fn unreadable(path: &Path, problem: &str) -> JournalError {
    JournalError::Unreadable { path: path.display().to_string(), problem: problem.to_owned() }
}

/// The file's own types: the domain's are no format.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    node: String,
    boot: String,
    run: String,
    next_seq: u64,
    seen: String,
    parts: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    start_ms: i64,
    end_ms: i64,
    covered: String,
    drift_ms: i64,
    devices: Vec<DeviceLine>,
    spans: Vec<SpanLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceLine {
    gpu: String,
    parent: Option<String>,
    model: String,
    profile: Option<String>,
    state: String,
    energy_mj: Option<u64>,
    energy_unknown: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanLine {
    key: String,
    gpu: String,
    alloc: String,
    project: Option<String>,
    spot: bool,
    share: (u32, u32),
    start_ms: i64,
    end_ms: i64,
    energy_mj: Option<u64>,
    end_reason: Option<String>,
}

fn named<T: Copy>(all: &[T], word: fn(T) -> &'static str, name: &str) -> Result<T, String> {
    all.iter().copied().find(|known| word(*known) == name).ok_or_else(|| format!("'{name}' is not known"))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: T::Err| e.to_string())
}

impl File {
    fn of(memory: &Memory) -> Self {
        Self {
            node: memory.node.to_string(),
            boot: memory.boot.to_string(),
            run: memory.run.to_string(),
            next_seq: memory.next_seq,
            seen: memory.seen.ranges().to_string(),
            parts: memory.parts.iter().map(Part::of).collect(),
        }
    }

    fn memory(&self) -> Result<Memory, String> {
        Ok(Memory {
            node: parsed(&self.node)?,
            boot: parsed(&self.boot)?,
            run: parsed(&self.run)?,
            next_seq: self.next_seq,
            seen: Seen::new(parsed(&self.seen)?),
            parts: self.parts.iter().map(Part::open_window).collect::<Result<_, _>>()?,
        })
    }
}

impl Part {
    fn of(open: &OpenWindow) -> Self {
        let device = |d: &Device| DeviceLine {
            gpu: d.gpu.to_string(),
            parent: d.parent.map(|p| p.to_string()),
            model: d.model.clone(),
            profile: d.profile.clone(),
            state: d.state.as_str().to_owned(),
            energy_mj: d.energy_mj,
            energy_unknown: open.energy_unknown.contains(&d.gpu),
        };
        let span = |(key, span): (&PieceKey, &Span)| SpanLine {
            key: key.tenant_key.to_string(),
            gpu: key.gpu.to_string(),
            alloc: key.alloc.clone(),
            project: key.project.clone(),
            spot: key.spot,
            share: (key.share.num, key.share.den),
            start_ms: span.start_ms,
            end_ms: span.end_ms,
            energy_mj: span.energy_mj,
            end_reason: span.end_reason.map(|reason| reason.as_str().to_owned()),
        };
        Self {
            start_ms: open.window.start.as_millis(),
            end_ms: open.window.end.as_millis(),
            covered: open.covered.to_string(),
            drift_ms: open.drift_ms,
            devices: open.devices.values().map(device).collect(),
            spans: open.spans.iter().flat_map(|(key, spans)| spans.iter().map(move |s| (key, s))).map(span).collect(),
        }
    }

    fn open_window(&self) -> Result<OpenWindow, String> {
        let mut devices = BTreeMap::new();
        let mut energy_unknown = BTreeSet::new();
        for line in &self.devices {
            let gpu: DeviceId = parsed(&line.gpu)?;
            let (model, profile) = (line.model.clone(), line.profile.clone());
            let parent = line.parent.as_deref().map(parsed).transpose()?;
            let (state, energy_mj) = (named(DeviceState::ALL, DeviceState::as_str, &line.state)?, line.energy_mj);
            devices.insert(gpu, Device { gpu, parent, model, profile, state, energy_mj });
            energy_unknown.extend(line.energy_unknown.then_some(gpu));
        }
        let mut spans: BTreeMap<PieceKey, Vec<Span>> = BTreeMap::new();
        for line in &self.spans {
            let key = PieceKey {
                tenant_key: TenantKey::new(&line.key).map_err(|e| e.to_string())?,
                gpu: parsed(&line.gpu)?,
                alloc: line.alloc.clone(),
                project: line.project.clone(),
                spot: line.spot,
                share: Share { num: line.share.0, den: line.share.1 },
            };
            let end_reason =
                line.end_reason.as_deref().map(|name| named(EndReason::ALL, EndReason::as_str, name)).transpose()?;
            let SpanLine { start_ms, end_ms, energy_mj, .. } = *line;
            spans.entry(key).or_default().push(Span { start_ms, end_ms, energy_mj, end_reason });
        }
        let instant = Timestamp::from_millis;
        Ok(OpenWindow {
            window: Window { start: instant(self.start_ms), end: instant(self.end_ms) },
            covered: parsed(&self.covered)?,
            drift_ms: self.drift_ms,
            devices,
            energy_unknown,
            spans,
        })
    }
}
