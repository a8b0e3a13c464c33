//! How is a message made that no honest agent sends? Its texts are edited, then sealed again, as asked.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer;
use releve_wire::{Unsealed, sha256};
use serde_json::{Value, json};

use crate::sample::{KEYID, sealed, signing_key};

/// The strings of a message, editable.
pub struct Forge {
    pub head: String,
    pub segments: Vec<String>,
    pub allocs: Vec<String>,
    pub id: String,
    /// Whether the edited head is signed again, or keeps the signature of the honest one.
    pub sign_again: bool,
    honest_sig: String,
    honest_head: Value,
}

impl Forge {
    pub fn new(report: &Unsealed) -> Self {
        let message: Value = serde_json::from_slice(&sealed(report).bytes).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let data = &message["data"];
        let sections = data["sections"].as_array().expect("an array");
        Self {
            head: text(&data["head"]),
            segments: sections.iter().map(|section| text(&section["segments"])).collect(),
            allocs: sections.iter().map(|section| text(&section["allocs"])).collect(),
            id: text(&message["id"]),
            sign_again: true,
            honest_sig: text(&data["sig"]),
            honest_head: serde_json::from_str(&text(&data["head"])).expect("JSON"),
        }
    }

    /// Replaces text that must be there once.
    pub fn edit(text: &mut String, from: &str, to: &str) {
        assert_eq!(text.matches(from).count(), 1, "'{from}' in {text}");
        *text = text.replace(from, to);
    }

    /// Edits a section's string, and the head's digest of it.
    pub fn edit_section(&mut self, allocs: bool, section: usize, from: &str, to: &str) {
        let text = if allocs { &mut self.allocs[section] } else { &mut self.segments[section] };
        let before = sha256(text.as_bytes()).to_string();
        Self::edit(text, from, to);
        let after = sha256(text.as_bytes()).to_string();
        Self::edit(&mut self.head, &before, &after);
    }

    /// The message, with an envelope that agrees with the head as far as the head can be read.
    pub fn message(&self) -> String {
        let sig = match self.sign_again {
            true => STANDARD.encode(signing_key().sign(self.head.as_bytes()).to_bytes()),
            false => self.honest_sig.clone(),
        };
        let head: Value = serde_json::from_str(&self.head).unwrap_or_else(|_| self.honest_head.clone());
        let node = head["node"].as_str().unwrap_or_default();
        let sections = self.segments.iter().zip(&self.allocs);
        let sections: Vec<Value> = sections.map(|(s, a)| json!({ "segments": s, "allocs": a })).collect();
        let message = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": format!("urn:releve:node:{node}"),
            "type": "org.releve.report.v1",
            "subject": node,
            "time": head["window_end"],
            "datacontenttype": "application/json",
            "data": { "head": self.head, "sections": sections, "keyid": KEYID, "sig": sig },
        });
        message.to_string()
    }
}
