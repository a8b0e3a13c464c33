//! What does an export say of itself? Beside its files, since the files are what a reader's schema expects and nothing else.

use releve_types::time::MILLIS_PER_DAY;
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
    /// Up to when documents and payments were known. Usage is as it was found when each file was made; what a closed month's pack says of
    /// it, as it was found when the month was closed.
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
    /// Whose rows are not in it since something of theirs does not tie out, and what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// For how long what was begun is gone on with: later, it is of another time.
const BEGUN_MS_MAX: i64 = MILLIS_PER_DAY;

impl Begun {
    /// Whether it is what would be begun now.
    pub fn goes_on(&self, fresh: &Self) -> bool {
        let age = fresh.as_of_ms - self.as_of_ms;
        !self.ended && self.version == fresh.version && self.issuer == fresh.issuer && (0..BEGUN_MS_MAX).contains(&age)
    }
}

/// What is done of an export that has not come to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Begun {
    pub issuer: String,
    pub as_of_ms: i64,
    pub version: u32,
    pub files: Vec<FileEntry>,
    /// There is nothing to go on with.
    pub ended: bool,
}
