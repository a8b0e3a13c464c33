//! What is an evidence pack? A tar archive (POSIX ustar) of files that any tool opens, each under its SHA-256, the same bytes
//! whenever it is written of the same.
//!
//! ```text
//! SHA256SUMS            of every other file, as `sha256sum -c` reads it
//! invoice.json          the invoice as the customer got it
//! basis.txt             what it rests on: its SHA-256 is the invoice's digest (releve_billing::digest)
//! before/1.json …       the documents of the period that it corrects, the first first
//! fleet.json            of the reports' nodes: public keys and regions; of the account's tenant keys: whose they are
//! reports.jsonl         the signed heads of the reports, each with the sections of the account's own tenant keys
//! ```

use std::{collections::BTreeMap, io::Read};

use releve_types::{Hour, NodeId, TenantId, TenantKey, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The largest pack that is read, in bytes.
pub const PACK_BYTES_MAX: usize = 1 << 30;

const SUMS: &str = "SHA256SUMS";
const INVOICE: &str = "invoice.json";
const BASIS: &str = "basis.txt";
const BEFORE: &str = "before/";
const FLEET: &str = "fleet.json";
const REPORTS: &str = "reports.jsonl";

/// What a pack holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pack {
    pub invoice: Vec<u8>,
    pub basis: String,
    /// The first first.
    pub before: Vec<Vec<u8>>,
    /// None where the reports are not in it.
    pub reports: Option<(Fleet, Vec<Disclosed>)>,
}

/// What of a report is disclosed: its signed head, and sections of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosed {
    pub keyid: String,
    /// Ed25519, in base64.
    pub sig: String,
    pub head: String,
    pub segments: Vec<String>,
}

/// What the seller says of its nodes and of whose a tenant key is: what no report says itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    pub nodes: Vec<NodeFacts>,
    pub rules: Vec<RuleOfKey>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFacts {
    #[serde(with = "text")]
    pub node: NodeId,
    /// By start.
    pub keys: Vec<KeyOfNode>,
    /// By start.
    pub places: Vec<Place>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyOfNode {
    pub keyid: String,
    #[serde(with = "text")]
    pub from: Timestamp,
    /// In hexadecimal.
    pub public_key: String,
    /// False: revoked from then on.
    pub valid: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    #[serde(with = "hour")]
    pub from: Hour,
    pub region: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleOfKey {
    #[serde(with = "text")]
    pub key: TenantKey,
    #[serde(with = "hour")]
    pub from: Hour,
    /// None: nobody of the account's from then on.
    #[serde(with = "maybe")]
    pub tenant: Option<TenantId>,
}

impl Fleet {
    /// Whose of the account's a key is at an instant: the rule that started last.
    pub fn tenant_at(&self, key: &TenantKey, at: Timestamp) -> Option<TenantId> {
        let said = self.rules.iter().filter(|rule| rule.key == *key && rule.from <= at.hour());
        said.max_by_key(|rule| rule.from).and_then(|rule| rule.tenant)
    }
}

/// Bytes that are no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("it has more than {PACK_BYTES_MAX} bytes")]
    TooLarge,
    #[error("it is no archive that can be read: {0}")]
    Archive(#[from] std::io::Error),
    #[error("{file}: it is not in the archive")]
    Missing { file: &'static str },
    #[error("{file}: no such file is part of a pack, or it stands there twice")]
    Unknown { file: String },
    #[error("{file}: it is not what {SUMS} says")]
    Sum { file: String },
    #[error("{file}: {detail}")]
    File { file: &'static str, detail: String },
    #[error("byte {at}: an archive of the same files has another one there")]
    Byte { at: usize },
}

impl Pack {
    /// The same pack gives the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PackError> {
        let files = self.files()?;
        let sums: String = files.iter().map(|(name, body)| format!("{}  {name}\n", sum(body))).collect();
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, SUMS, sums.as_bytes())?;
        for (name, body) in &files {
            append(&mut archive, name, body)?;
        }
        Ok(archive.into_inner()?)
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, PackError> {
        let mut files =
            vec![(INVOICE.to_owned(), self.invoice.clone()), (BASIS.to_owned(), self.basis.clone().into_bytes())];
        files.extend((1..).zip(&self.before).map(|(n, body)| (format!("{BEFORE}{n}.json"), body.clone())));
        if let Some((fleet, reports)) = &self.reports {
            let broken = |file| move |error: serde_json::Error| PackError::File { file, detail: error.to_string() };
            let mut body = serde_json::to_vec_pretty(fleet).map_err(broken(FLEET))?;
            body.push(b'\n');
            files.push((FLEET.to_owned(), body));
            let mut body = Vec::new();
            for report in reports {
                serde_json::to_writer(&mut body, report).map_err(broken(REPORTS))?;
                body.push(b'\n');
            }
            files.push((REPORTS.to_owned(), body));
        }
        Ok(files)
    }

    /// Reads a pack only as it was written: every byte of it is what `to_bytes` writes of what it holds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        if bytes.len() > PACK_BYTES_MAX {
            return Err(PackError::TooLarge);
        }
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for entry in tar::Archive::new(bytes).entries()? {
            let mut entry = entry?;
            let name = entry.path()?.to_string_lossy().into_owned();
            let mut body = Vec::new();
            entry.read_to_end(&mut body)?;
            if files.insert(name.clone(), body).is_some() {
                return Err(PackError::Unknown { file: name });
            }
        }
        check_sums(&mut files)?;
        let pack = Self::of_files(files)?;
        let again = pack.to_bytes()?;
        let at = bytes.iter().zip(&again).position(|(is, should)| is != should);
        match at {
            None if bytes.len() == again.len() => Ok(pack),
            at => Err(PackError::Byte { at: at.unwrap_or_else(|| bytes.len().min(again.len())) }),
        }
    }

    fn of_files(mut files: BTreeMap<String, Vec<u8>>) -> Result<Self, PackError> {
        let mut needed = |file: &'static str| files.remove(file).ok_or(PackError::Missing { file });
        let invoice = needed(INVOICE)?;
        let basis = String::from_utf8(needed(BASIS)?);
        let basis = basis.map_err(|error| PackError::File { file: BASIS, detail: error.to_string() })?;
        let before = (1..).map_while(|n| files.remove(&format!("{BEFORE}{n}.json"))).collect();
        let reports = match (files.remove(FLEET), files.remove(REPORTS)) {
            (None, None) => None,
            (Some(fleet), Some(reports)) => Some((read_json(FLEET, &fleet)?, read_lines(&reports)?)),
            (None, Some(_)) => return Err(PackError::Missing { file: FLEET }),
            (Some(_), None) => return Err(PackError::Missing { file: REPORTS }),
        };
        match files.into_keys().next() {
            Some(file) => Err(PackError::Unknown { file }),
            None => Ok(Self { invoice, basis, before, reports }),
        }
    }
}

fn sum(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// A plain file that is nobody's and has no time.
fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, body: &[u8]) -> Result<(), PackError> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(u64::try_from(body.len()).map_err(|_| PackError::TooLarge)?);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(archive.append(&header, body)?)
}

/// Each file once, under its SHA-256; takes the list out.
fn check_sums(files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), PackError> {
    let sums = files.remove(SUMS).ok_or(PackError::Missing { file: SUMS })?;
    let broken = |detail: String| PackError::File { file: SUMS, detail };
    let sums = String::from_utf8(sums).map_err(|error| broken(error.to_string()))?;
    let mut listed: BTreeMap<&str, &str> = BTreeMap::new();
    for line in sums.lines() {
        let (digest, name) = line.split_once("  ").ok_or_else(|| broken(format!("'{line}' is no sum of a file")))?;
        listed.insert(name, digest);
    }
    for (name, body) in &*files {
        if listed.remove(name.as_str()) != Some(sum(body).as_str()) {
            return Err(PackError::Sum { file: name.clone() });
        }
    }
    match listed.into_keys().next() {
        Some(file) => Err(PackError::Sum { file: file.to_owned() }),
        None => Ok(()),
    }
}

fn read_json<'a, T: Deserialize<'a>>(file: &'static str, body: &'a [u8]) -> Result<T, PackError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    read.map_err(|error| PackError::File { file, detail: error.to_string() })
}

fn read_lines(body: &[u8]) -> Result<Vec<Disclosed>, PackError> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| read_json(REPORTS, line)).collect()
}

/// Values that cross as their text.
mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

mod hour {
    use releve_types::{Hour, Timestamp};
    use serde::{Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Hour, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hour, D::Error> {
        let at: Timestamp = super::text::deserialize(from)?;
        if at.is_whole_hour() { Ok(at.hour()) } else { Err(D::Error::custom(format!("{at} is no whole hour"))) }
    }
}

mod maybe {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Option<impl Display>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
