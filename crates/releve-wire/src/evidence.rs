//! How is a report kept so that it still verifies? The exact signed strings, without the erasable ones.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    decode::read_signature,
    json::Reader,
    limits::EVIDENCE_BYTES_MAX,
    reject::{Reject, RejectCode},
    report::{Evidence, Report},
    verify::believe,
};

/// The form of the kept bytes, not of the report in them.
const EVIDENCE_VERSION: i64 = 1;

#[derive(Serialize)]
struct EvidenceForm<'a> {
    v: i64,
    keyid: &'a str,
    sig: String,
    head: &'a str,
    segments: &'a [String],
}

impl Evidence {
    pub fn to_bytes(&self) -> Vec<u8> {
        let sig = STANDARD.encode(self.signature);
        let form =
            EvidenceForm { v: EVIDENCE_VERSION, keyid: &self.keyid, sig, head: &self.head, segments: &self.segments };
        serde_json::to_vec(&form).expect("strings and an integer under string keys are always JSON")
    }

    /// Reads what [`Evidence::to_bytes`] wrote. Says nothing of the signature.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Reject> {
        let mut r = Reader::of_bytes(bytes, EVIDENCE_BYTES_MAX)?;
        let (mut version, mut head, mut keyid, mut signature, mut segments) = (None, None, None, None, None);
        let object = r.object()?;
        while let Some(key) = r.key(&object)? {
            match &*key {
                "v" => version = Some(r.natural()?),
                "keyid" => keyid = Some(r.text()?),
                "sig" => signature = Some(read_signature(&mut r)?),
                "head" => head = Some(r.string()?.into_owned()),
                "segments" => {
                    let (mut array, mut found) = (r.array()?, Vec::new());
                    while r.item(&mut array)? {
                        found.push(r.string()?.into_owned());
                    }
                    segments = Some(found);
                }
                _ => return Err(r.fail(RejectCode::UnknownField, "kept evidence has no such field")),
            }
        }
        if r.need(version, "v")? != EVIDENCE_VERSION {
            return Err(r.fail_in("v", RejectCode::UnknownType, format!("expected {EVIDENCE_VERSION}")));
        }
        let evidence = Self {
            head: r.need(head, "head")?,
            keyid: r.need(keyid, "keyid")?,
            signature: r.need(signature, "sig")?,
            segments: r.need(segments, "segments")?,
        };
        r.finish()?;
        Ok(evidence)
    }

    /// Believes the report again, as when it came; what may be erased is absent from it.
    pub fn verify(self, public_key: &[u8; 32]) -> Result<Report, Reject> {
        believe(self, None, None, public_key)
    }
}
