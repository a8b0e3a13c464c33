//! How does an agent write a report? One spelling of each value, salted sections, a signed head.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use releve_types::{NodeId, Ranges, sku::Share};
use serde::{Serialize, Serializer, ser::SerializeMap};
use uuid::Uuid;

use crate::{
    decode::{DATA_CONTENT_TYPE, REPORT_TYPE, SPECVERSION, source_of},
    names::{message_id, sha256},
    report::{AllocDetails, Clock, Device, Digest, EndReason, Section, SectionDigests, Segment, Window},
    signed::VERSION,
};

/// All that a report says, before it is sealed. That it keeps the rules of version 1 is the caller's part: the
/// receiver refuses what doesn't.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unsealed {
    pub node: NodeId,
    pub run: Uuid,
    pub seq: u64,
    pub window: Window,
    pub covered: Ranges,
    pub clock: Clock,
    pub devices: Vec<Device>,
    pub agent: String,
    pub prev: Option<Digest>,
    pub sections: Vec<Section>,
}

/// A message, ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedMessage {
    /// The CloudEvents id: the same however often this report is sealed.
    pub id: String,
    pub bytes: Vec<u8>,
    /// What the next report of this run names as `prev`.
    pub head_sha256: Digest,
}

/// `salt` is called twice a section and must give fresh random bytes: they keep whoever holds only a digest from
/// confirming a guess.
pub fn seal(report: &Unsealed, keyid: &str, key: &SigningKey, salt: &mut dyn FnMut() -> [u8; 16]) -> SealedMessage {
    let sections: Vec<SectionText> = report.sections.iter().map(|section| SectionText::of(section, salt)).collect();
    let head = json(&HeadForm::of(report, &sections));
    let signature = key.sign(head.as_bytes());
    let id = message_id(report.node, report.run, report.seq, report.window.start);
    let envelope = EnvelopeForm {
        specversion: SPECVERSION,
        id: &id,
        source: &source_of(report.node),
        kind: REPORT_TYPE,
        subject: &report.node.to_string(),
        time: &report.window.end.to_string(),
        datacontenttype: DATA_CONTENT_TYPE,
        data: DataForm { head: &head, sections: &sections, keyid, sig: &STANDARD.encode(signature.to_bytes()) },
    };
    let bytes = json(&envelope).into_bytes();
    SealedMessage { id, bytes, head_sha256: sha256(head.as_bytes()) }
}

fn json(form: &impl Serialize) -> String {
    serde_json::to_string(form).expect("strings, integers and booleans under string keys are always JSON")
}

#[derive(Serialize)]
struct EnvelopeForm<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    subject: &'a str,
    time: &'a str,
    datacontenttype: &'a str,
    data: DataForm<'a>,
}

#[derive(Serialize)]
struct DataForm<'a> {
    head: &'a str,
    sections: &'a [SectionText],
    keyid: &'a str,
    sig: &'a str,
}

/// A section as it travels: two exact strings, of which the second can be erased.
#[derive(Serialize)]
struct SectionText {
    segments: String,
    allocs: String,
}

impl SectionText {
    fn of(section: &Section, salt: &mut dyn FnMut() -> [u8; 16]) -> Self {
        let segments = SegmentsForm {
            salt: const_hex::encode(salt()),
            tenant_key: section.tenant_key.as_str(),
            segments: section.segments.iter().map(SegmentForm::of).collect(),
        };
        let allocs =
            AllocsForm { salt: const_hex::encode(salt()), allocs: section.allocs.iter().map(AllocForm::of).collect() };
        Self { segments: json(&segments), allocs: json(&allocs) }
    }
}

#[derive(Serialize)]
struct HeadForm<'a> {
    v: i64,
    node: String,
    run: String,
    seq: u64,
    window_start: String,
    window_end: String,
    covered: &'a [(i64, i64)],
    clock: ClockForm,
    devices: Vec<DeviceForm<'a>>,
    agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
    sections: Vec<DigestsForm>,
}

impl<'a> HeadForm<'a> {
    fn of(report: &'a Unsealed, sections: &[SectionText]) -> Self {
        let digests = sections.iter().map(|section| SectionDigests {
            segments: sha256(section.segments.as_bytes()),
            allocs: sha256(section.allocs.as_bytes()),
        });
        Self {
            v: VERSION,
            node: report.node.to_string(),
            run: report.run.to_string(),
            seq: report.seq,
            window_start: report.window.start.to_string(),
            window_end: report.window.end.to_string(),
            covered: report.covered.as_slice(),
            clock: ClockForm::of(report.clock),
            devices: report.devices.iter().map(DeviceForm::of).collect(),
            agent: &report.agent,
            prev: report.prev.map(|prev| prev.to_string()),
            sections: digests.map(DigestsForm::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct ClockForm {
    synced: bool,
    max_err_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_ms: Option<i64>,
}

impl ClockForm {
    fn of(clock: Clock) -> Self {
        Self { synced: clock.synced, max_err_us: clock.max_err_us, step_ms: clock.step_ms }
    }
}

#[derive(Serialize)]
struct DeviceForm<'a> {
    gpu: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_mj: Option<u64>,
}

impl<'a> DeviceForm<'a> {
    fn of(device: &'a Device) -> Self {
        Self {
            gpu: device.gpu.to_string(),
            parent: device.parent.map(|parent| parent.to_string()),
            model: &device.model,
            profile: device.profile.as_deref(),
            state: device.state.as_str(),
            energy_mj: device.energy_mj,
        }
    }
}

#[derive(Serialize)]
struct DigestsForm {
    segments: String,
    allocs: String,
}

impl DigestsForm {
    fn of(digests: SectionDigests) -> Self {
        Self { segments: digests.segments.to_string(), allocs: digests.allocs.to_string() }
    }
}

#[derive(Serialize)]
struct SegmentsForm<'a> {
    salt: String,
    tenant_key: &'a str,
    segments: Vec<SegmentForm<'a>>,
}

#[derive(Serialize)]
struct SegmentForm<'a> {
    gpu: String,
    alloc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    spot: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_num: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_den: Option<u32>,
    start_ms: i64,
    end_ms: i64,
    basis: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_mj: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<&'static str>,
}

impl<'a> SegmentForm<'a> {
    fn of(segment: &'a Segment) -> Self {
        let share = (segment.share != Share::WHOLE).then_some(segment.share);
        Self {
            gpu: segment.gpu.to_string(),
            alloc: &segment.alloc,
            project: segment.project.as_deref(),
            spot: segment.spot,
            share_num: share.map(|share| share.num),
            share_den: share.map(|share| share.den),
            start_ms: segment.start_ms,
            end_ms: segment.end_ms,
            basis: segment.basis.as_str(),
            energy_mj: segment.energy_mj,
            end_reason: segment.end_reason.map(EndReason::as_str),
        }
    }
}

#[derive(Serialize)]
struct AllocsForm<'a> {
    salt: String,
    allocs: Vec<AllocForm<'a>>,
}

#[derive(Serialize)]
struct AllocForm<'a> {
    alloc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: Labels<'a>,
}

impl<'a> AllocForm<'a> {
    fn of(details: &'a AllocDetails) -> Self {
        Self {
            alloc: &details.alloc,
            name: details.name.as_deref(),
            user: details.user.as_deref(),
            labels: Labels(&details.labels),
        }
    }
}

/// Labels in the order given, as one object.
pub(crate) struct Labels<'a>(pub &'a [(String, String)]);

impl Labels<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
