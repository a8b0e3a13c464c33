//! What can be said of a message without the database? Decode, verify, screen: pure, and off the async threads.

use releve_metering::{
    Catalog, Exposure, Reason, Screened,
    screen::{Doubt, concerned, screen, suspense_among},
};
use releve_store::quarantine::{NewEntry, Source};
use releve_types::{NodeId, Timestamp};
use releve_wire::{Digest, Reject, RejectClass, RejectCode, Report, Window, open, sha256};

use crate::{claims::Claims, settings::Settings};

/// A message and the door it came by.
#[derive(Clone, Debug)]
pub struct Message {
    pub body: Vec<u8>,
    pub source: Source,
}

/// What judging made of one message.
#[derive(Debug)]
pub enum Judged {
    /// Believable so far; the database decides. With the digest of its bytes.
    Good(Box<Screened>, Digest),
    /// Understood but not believed.
    Doubtful(Box<NewEntry>),
    /// Not understood, or not signed: told to the sender where there is one, else quarantined.
    Refused(Reject, Box<NewEntry>),
}

/// Judges messages against one catalog. Nothing here waits.
pub fn judge(messages: &[Message], catalog: &Catalog, settings: &Settings, now: Timestamp) -> Vec<Judged> {
    messages.iter().map(|message| judge_one(message, catalog, settings, now)).collect()
}

fn judge_one(message: &Message, catalog: &Catalog, settings: &Settings, now: Timestamp) -> Judged {
    let unsigned = |reason, field: &str, detail: String| {
        let body = message.body.iter().take(settings.unsigned_bytes_max).copied().collect();
        Box::new(NewEntry { body, ..entry(message, Doubt::new(reason, field, detail)) })
    };
    let sealed = match open(&message.body, settings.message_bytes_max) {
        Ok(sealed) => sealed,
        Err(reject) => {
            let entry = unsigned(Reason::Malformed, &reject.field, reject.detail.clone());
            return Judged::Refused(reject, entry);
        }
    };
    let (node, window) = (sealed.node(), sealed.window());
    let Some(public_key) = catalog.key(node, sealed.keyid(), window.end) else {
        let known = catalog.nodes.contains_key(&node);
        let reason = if known { Reason::UnknownKey } else { Reason::UnknownNode };
        let detail = format!("node {node}, key '{}' at {}", sealed.keyid(), window.end);
        let entry = of_node(message, catalog, node, window, Doubt::new(reason, "data.keyid", detail));
        if !known {
            return Judged::Doubtful(Box::new(entry));
        }
        // Nobody vouches for what it says, but a key that comes late is the common case: whom it speaks of waits.
        // It makes no suspense tenants, and what a stranger says holds nobody.
        let claims = Claims::read(&message.body, window);
        let (agent, exposure) = (claims.agent.clone(), claims.exposure(catalog, window));
        return Judged::Doubtful(Box::new(NewEntry { agent, exposure, ..entry }));
    };
    match sealed.verify(&public_key) {
        Ok(report) => match screen(report, catalog, now) {
            Ok(screened) => Judged::Good(Box::new(screened), sha256(&message.body)),
            Err((report, doubt)) => Judged::Doubtful(Box::new(of_report(message, catalog, &report, doubt))),
        },
        Err(reject) => refused(message, catalog, node, window, reject, unsigned),
    }
}

fn refused(
    message: &Message,
    catalog: &Catalog,
    node: NodeId,
    window: Window,
    reject: Reject,
    unsigned: impl Fn(Reason, &str, String) -> Box<NewEntry>,
) -> Judged {
    // What was signed is a node's word, however wrong: all of it is kept, and whom it speaks of waits.
    let signed = |reason| {
        let doubt = Doubt::new(reason, &reject.field, reject.detail.clone());
        let claims = Claims::read(&message.body, window);
        Box::new(NewEntry {
            agent: claims.agent.clone(),
            exposure: claims.exposure(catalog, window),
            suspense: claims.suspense(catalog, window),
            ..of_node(message, catalog, node, window, doubt)
        })
    };
    match (reject.class(), reject.code) {
        (RejectClass::Newer, _) => Judged::Doubtful(signed(Reason::NewerVersion)),
        (RejectClass::Contradictory, _) => Judged::Doubtful(signed(Reason::Contradiction)),
        (RejectClass::Refused, code @ (RejectCode::BadSignature | RejectCode::BadPublicKey)) => {
            let bad_key = code == RejectCode::BadPublicKey;
            let reason = if bad_key { Reason::Malformed } else { Reason::BadSignature };
            let entry = unsigned(reason, &reject.field, reject.detail.clone());
            Judged::Refused(reject, entry)
        }
        (RejectClass::Refused, _) => {
            let entry = signed(Reason::Malformed);
            Judged::Refused(reject, entry)
        }
    }
}

fn of_node(message: &Message, catalog: &Catalog, node: NodeId, window: Window, doubt: Doubt) -> NewEntry {
    let rack = rack_of(catalog, node, window.start);
    NewEntry { node: Some(node), window: Some(window), rack, ..entry(message, doubt) }
}

fn entry(message: &Message, doubt: Doubt) -> NewEntry {
    NewEntry {
        sha256: sha256(&message.body),
        is_reading: false,
        reason: doubt.reason,
        field: doubt.field,
        detail: doubt.detail,
        source: message.source,
        node: None,
        agent: String::new(),
        rack: String::new(),
        window: None,
        exposure: Exposure::default(),
        suspense: Vec::new(),
        body: message.body.clone(),
    }
}

/// A quarantine entry of a verified report: with all that a person wants to group by.
pub fn of_report(message: &Message, catalog: &Catalog, report: &Report, doubt: Doubt) -> NewEntry {
    let head = &report.head;
    NewEntry {
        node: Some(head.node),
        agent: head.agent.clone(),
        rack: rack_of(catalog, head.node, head.window.start),
        window: Some(head.window),
        exposure: concerned(catalog, report),
        suspense: suspense_among(catalog, head.window.start, report.sections.iter().map(|s| &s.tenant_key)),
        ..entry(message, doubt)
    }
}

fn rack_of(catalog: &Catalog, node: NodeId, at: Timestamp) -> String {
    catalog.nodes.get(&node).and_then(|n| n.places.at(at)).map(|p| p.rack.clone()).unwrap_or_default()
}
