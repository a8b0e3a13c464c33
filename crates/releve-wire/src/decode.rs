//! Is this a report, and whose does it say it is? The envelope, opened before anything is believed.

use base64::{Engine, engine::general_purpose::STANDARD};
use releve_types::{NodeId, Timestamp};

use crate::{
    json::{Reader, shorten},
    limits::MESSAGE_BYTES_CEILING,
    names,
    reject::{Reject, RejectCode},
    report::{Evidence, Report, Window},
    signed::{Peek, VERSION, peek},
    verify::believe,
};

pub const SPECVERSION: &str = "1.0";
pub const REPORT_TYPE: &str = "org.releve.report.v1";
/// What a source begins with; the node's id follows.
pub const SOURCE_PREFIX: &str = "urn:releve:node:";
pub const DATA_CONTENT_TYPE: &str = "application/json";

const REPORT_TYPE_ANY: &str = "org.releve.report.v";

/// A report of which nothing is believed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    id: String,
    node: NodeId,
    window: Window,
    evidence: Evidence,
    allocs: Vec<String>,
    /// Why only a newer program understands it, should the signature hold.
    newer: Option<Reject>,
}

impl Sealed {
    /// The node that the unverified head names; the envelope's source agrees.
    pub fn node(&self) -> NodeId {
        self.node
    }

    pub fn keyid(&self) -> &str {
        &self.evidence.keyid
    }

    /// The window that the unverified head names: which key of the node was in force is judged at its end.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Believes the report, or says why not.
    pub fn verify(self, public_key: &[u8; 32]) -> Result<Report, Reject> {
        let report = believe(self.evidence, Some(&self.allocs), self.newer, public_key)?;
        let head = &report.head;
        if self.id != names::message_id(head.node, head.run, head.seq, head.window.start) {
            let detail = "not the id that follows from node, run, seq and window";
            return Err(Reject::new(RejectCode::EnvelopeDisagrees, "id", detail));
        }
        Ok(report)
    }
}

/// Takes a message apart. Nothing in it is believed before [`Sealed::verify`].
pub fn open(bytes: &[u8], message_bytes_max: usize) -> Result<Sealed, Reject> {
    let mut r = Reader::of_bytes(bytes, message_bytes_max.min(MESSAGE_BYTES_CEILING))?;
    let envelope = read_envelope(&mut r)?;
    let newer = r.finish()?;
    let Data { evidence, allocs } = envelope.data;
    let Peek { node, window, .. } = peek(&evidence.head)?;
    let disagrees = |field: &str, found: &str, expected: &str| {
        let detail = format!("'{}', where the head makes it '{expected}'", shorten(found));
        Err(Reject::new(RejectCode::EnvelopeDisagrees, field, detail))
    };
    let source = source_of(node);
    if envelope.source != source {
        return disagrees("source", &envelope.source, &source);
    }
    let subject = node.to_string();
    if envelope.subject != subject {
        return disagrees("subject", &envelope.subject, &subject);
    }
    if envelope.time != window.end {
        return disagrees("time", &envelope.time.to_string(), &window.end.to_string());
    }
    Ok(Sealed { id: envelope.id, node, window, evidence, allocs, newer })
}

/// The CloudEvents source of a node's reports.
pub(crate) fn source_of(node: NodeId) -> String {
    format!("{SOURCE_PREFIX}{node}")
}

struct Envelope {
    id: String,
    source: String,
    subject: String,
    time: Timestamp,
    data: Data,
}

struct Data {
    evidence: Evidence,
    allocs: Vec<String>,
}

fn read_envelope(r: &mut Reader) -> Result<Envelope, Reject> {
    let (mut specversion, mut id, mut source, mut kind, mut subject) = (None, None, None, None, None);
    let (mut time, mut content_type, mut data) = (None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "specversion" => specversion = Some(one_of(r, SPECVERSION)?),
            "id" => id = Some(r.message_id()?.into_owned()),
            "source" => source = Some(r.text()?),
            "type" => kind = Some(read_type(r)?),
            "subject" => subject = Some(r.text()?),
            "time" => time = Some(r.instant()?),
            "datacontenttype" => content_type = Some(one_of(r, DATA_CONTENT_TYPE)?),
            "data" => data = Some(read_data(r)?),
            // Brokers and gateways may add attributes of their own; these are their names and types.
            extension
                if !extension.is_empty() && extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) =>
            {
                r.skip_scalar()?;
            }
            _ => return Err(r.fail(RejectCode::UnknownField, "no CloudEvents attribute has such a name")),
        }
    }
    r.need(specversion, "specversion")?;
    r.need(kind, "type")?;
    r.need(content_type, "datacontenttype")?;
    Ok(Envelope {
        id: r.need(id, "id")?,
        source: r.need(source, "source")?,
        subject: r.need(subject, "subject")?,
        time: r.need(time, "time")?,
        data: r.need(data, "data")?,
    })
}

fn one_of(r: &mut Reader, expected: &str) -> Result<(), Reject> {
    let found = r.string()?;
    if found == expected {
        return Ok(());
    }
    Err(r.fail(RejectCode::UnknownType, format!("'{}', expected '{expected}'", shorten(&found))))
}

/// Another version of the report is for a newer program, if its signature holds; another type is for nobody here.
fn read_type(r: &mut Reader) -> Result<(), Reject> {
    let found = r.string()?;
    if found == REPORT_TYPE {
        return Ok(());
    }
    let detail = format!("'{}', expected '{REPORT_TYPE}'", shorten(&found));
    let version = found.strip_prefix(REPORT_TYPE_ANY).and_then(|version| version.parse::<u32>().ok());
    if version.is_some_and(|version| i64::from(version) > VERSION) {
        r.note_newer(RejectCode::NewerVersion, detail);
        return Ok(());
    }
    Err(r.fail(RejectCode::UnknownType, detail))
}

fn read_data(r: &mut Reader) -> Result<Data, Reject> {
    let (mut head, mut sections, mut keyid, mut signature) = (None, None, None, None);
    let object = r.object()?;
    while let Some(key) = r.key(&object)? {
        match &*key {
            "head" => head = Some(r.string()?.into_owned()),
            "sections" => sections = Some(read_sections(r)?),
            "keyid" => keyid = Some(r.text()?),
            "sig" => signature = Some(read_signature(r)?),
            _ => r.skip_newer()?,
        }
    }
    let (segments, allocs) = r.need(sections, "sections")?;
    let (head, keyid, signature) = (r.need(head, "head")?, r.need(keyid, "keyid")?, r.need(signature, "sig")?);
    Ok(Data { evidence: Evidence { head, keyid, signature, segments }, allocs })
}

fn read_sections(r: &mut Reader) -> Result<(Vec<String>, Vec<String>), Reject> {
    let (mut all_segments, mut all_allocs) = (Vec::new(), Vec::new());
    let mut array = r.array()?;
    while r.item(&mut array)? {
        let (mut segments, mut allocs) = (None, None);
        let object = r.object()?;
        while let Some(key) = r.key(&object)? {
            match &*key {
                "segments" => segments = Some(r.string()?.into_owned()),
                "allocs" => allocs = Some(r.string()?.into_owned()),
                _ => r.skip_newer()?,
            }
        }
        all_segments.push(r.need(segments, "segments")?);
        all_allocs.push(r.need(allocs, "allocs")?);
    }
    Ok((all_segments, all_allocs))
}

pub(crate) fn read_signature(r: &mut Reader) -> Result<[u8; 64], Reject> {
    let text = r.string()?;
    let bytes = STANDARD.decode(text.as_bytes()).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    bytes.ok_or_else(|| r.fail(RejectCode::NotASignature, "not 64 bytes in base64"))
}
