//! What does an export say of itself? Beside its files, since the files are what a reader's schema expects and nothing else.

use serde::{Deserialize, Serialize};

/// The last version of a dataset: which files it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub dataset: String,
    /// `csv` or `parquet`.
    pub format: String,
    /// Of the seller.
    pub issuer: String,
    /// None: of all its customers.
    pub account: Option<String>,
    /// `YYYY-MM`, of the seller's calendar.
    pub period: String,
    pub period_start: String,
    pub period_end: String,
    /// Up to when documents, payments and usage were known.
    pub as_of: String,
    /// From 1.
    pub version: u32,
    /// The version before, and its manifest.
    pub replaces: Option<Replaced>,
    /// Of FOCUS: the specification's version.
    pub focus_version: Option<String>,
    pub generator: String,
    pub files: Vec<FileEntry>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Replaced {
    pub version: u32,
    /// Of the manifest, in hexadecimal.
    pub sha256: String,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileEntry {
    pub name: String,
    /// Beside the manifest. What did not change since an earlier version lies where that one put it.
    pub path: String,
    pub rows: u64,
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// What is done of an export that has not come to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Begun {
    pub as_of_ms: i64,
    pub version: u32,
    pub files: Vec<FileEntry>,
    /// There is nothing to go on with.
    pub ended: bool,
}
