//! What does the signature vouch for? The head's exact bytes, and through its digests each section's.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{
    contradictions,
    json::shorten,
    names::sha256,
    reject::{Reject, RejectCode},
    report::{Digest, Evidence, Head, Report, Section},
    rules,
    signed::{Read, VERSION, peek, read_allocs, read_head, read_segments},
};

/// Believes a report: signature first, then version, digests and shape, then what only a newer program
/// understands (so a field malformed for version 1 is refused whoever sends it), then whether it makes sense. `allocs` is absent where the erasable strings are.
pub(crate) fn believe(
    evidence: Evidence,
    allocs: Option<&[String]>,
    mut newer: Option<Reject>,
    public_key: &[u8; 32],
) -> Result<Report, Reject> {
    check_signature(&evidence.head, &evidence.keyid, &evidence.signature, public_key)?;
    if let Some(newer) = newer.take_if(|newer| newer.code == RejectCode::NewerVersion) {
        return Err(newer);
    }
    let head = noting(read_version_1(&evidence.head), &mut newer)?;
    if evidence.segments.len() != head.sections.len() {
        let detail = format!("{} in the head, {} here", head.sections.len(), evidence.segments.len());
        return Err(Reject::new(RejectCode::SectionCount, "data.sections", detail));
    }
    let mut sections = Vec::with_capacity(head.sections.len());
    for (i, (digests, text)) in head.sections.iter().zip(&evidence.segments).enumerate() {
        check_digest(text, digests.segments, i, "segments")?;
        let (tenant_key, segments) = noting(read_segments(text, i), &mut newer)?;
        let mut details = Vec::new();
        if let Some(text) = allocs.and_then(|allocs| allocs.get(i)) {
            check_digest(text, digests.allocs, i, "allocs")?;
            details = noting(read_allocs(text, i), &mut newer)?;
        }
        if let Some(tenant_key) = tenant_key {
            sections.push(Section { tenant_key, segments, allocs: details });
        }
    }
    if let Some(newer) = newer {
        return Err(newer);
    }
    rules::check_head(&head)?;
    rules::check_sections(&head, &sections, |i| i)?;
    contradictions::check(&head, &sections, |i| i)?;
    Ok(Report { head_sha256: sha256(evidence.head.as_bytes()), head, sections, evidence })
}

/// Believes one section alone, as a tenant does that is given the head and its own part of a report.
pub fn verify_disclosed(
    head: &str,
    keyid: &str,
    signature: &[u8; 64],
    segments: &str,
    public_key: &[u8; 32],
) -> Result<(Head, Section), Reject> {
    check_signature(head, keyid, signature, public_key)?;
    let mut newer = None;
    let head = noting(read_version_1(head), &mut newer)?;
    let digest = sha256(segments.as_bytes());
    let place = head.sections.iter().position(|section| section.segments == digest).ok_or_else(|| {
        Reject::new(RejectCode::SectionDigest, "segments", format!("the head vouches for no section {digest}"))
    })?;
    let (tenant_key, segments) = noting(read_segments(segments, place), &mut newer)?;
    let section = match (newer, tenant_key) {
        (None, Some(tenant_key)) => [Section { tenant_key, segments, allocs: Vec::new() }],
        (Some(newer), _) => return Err(newer),
        (None, None) => {
            return Err(Reject::new(RejectCode::MissingField, "segments.tenant_key", "the field is missing"));
        }
    };
    rules::check_head(&head)?;
    rules::check_sections(&head, &section, |_| place)?;
    contradictions::check(&head, &section, |_| place)?;
    let [section] = section;
    Ok((head, section))
}

/// Believes a head alone: that its node said it, and nothing of what is in its sections.
pub fn verify_head(head: &str, keyid: &str, signature: &[u8; 64], public_key: &[u8; 32]) -> Result<Head, Reject> {
    check_signature(head, keyid, signature, public_key)?;
    let mut newer = None;
    let head = noting(read_version_1(head), &mut newer)?;
    newer.map_or(Ok(()), Err)?;
    rules::check_head(&head)?;
    Ok(head)
}

/// Of another version nothing can be said but that a newer program must read it.
fn read_version_1(head: &str) -> Read<Head> {
    let version = peek(head)?.version;
    if version != VERSION {
        let detail = format!("version {version}; this program reads version {VERSION}");
        return Err(Reject::new(RejectCode::NewerVersion, "data.head.v", detail));
    }
    read_head(head)
}

/// Strict verification: a weak key or a malleable signature is no proof of who signed what.
fn check_signature(head: &str, keyid: &str, signature: &[u8; 64], public_key: &[u8; 32]) -> Result<(), Reject> {
    let key = VerifyingKey::from_bytes(public_key)
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or_else(|| Reject::new(RejectCode::BadPublicKey, "data.keyid", "its key is no usable Ed25519 key"))?;
    key.verify_strict(head.as_bytes(), &Signature::from_bytes(signature)).map_err(|_| {
        let detail = format!("the signature is not one of key '{}' over this head", shorten(keyid));
        Reject::new(RejectCode::BadSignature, "data.sig", detail)
    })
}

fn check_digest(text: &str, expected: Digest, section: usize, name: &str) -> Result<(), Reject> {
    let found = sha256(text.as_bytes());
    if found == expected {
        return Ok(());
    }
    let detail = format!("its SHA-256 is {found}, the head vouches for {expected}");
    Err(Reject::new(RejectCode::SectionDigest, format!("data.sections[{section}].{name}"), detail))
}

/// Keeps the first thing that only a newer program understands.
fn noting<T>(read: Read<T>, newer: &mut Option<Reject>) -> Result<T, Reject> {
    let (value, found) = read?;
    *newer = newer.take().or(found);
    Ok(value)
}
