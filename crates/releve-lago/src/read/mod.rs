//! What is in an export? Its files as typed rows: every row is read, refused with its field, or passed over with the reason.
//!
//! A file is a page of Lago's API, saved as it came (`{"customers": […], "meta": {…}}`), or one of its CSV exports. Which it
//! is, is seen from what it holds, never from its name; pages may overlap.

mod csv_export;
mod json_page;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    mapping::Mapping,
    rows::{BillableMetric, Customer, Invoice, Place, Plan, Row, Subscription, Wallet, WalletTransaction},
};

/// The file in which it is said what a billable metric becomes. It is not Lago's.
pub const MAPPING_FILE: &str = "releve-mapping.json";

/// A file of the export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What could not be taken over, and why. With `field` empty, the row as a whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reject {
    pub place: Place,
    pub field: String,
    pub reason: String,
    /// The row is not in the plan. Otherwise it is, without this field.
    pub whole: bool,
}

/// What need not be taken over, and why not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ignored {
    pub place: Place,
    /// Empty: the row.
    pub field: String,
    pub reason: String,
}

/// An export, read. `rows` counts what its files hold: the sum of all lists, of whole rejects and of ignored rows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Export {
    pub rows: usize,
    pub customers: Vec<Row<Customer>>,
    pub metrics: Vec<Row<BillableMetric>>,
    pub plans: Vec<Row<Plan>>,
    pub subscriptions: Vec<Row<Subscription>>,
    pub wallets: Vec<Row<Wallet>>,
    pub transactions: Vec<Row<WalletTransaction>>,
    pub invoices: Vec<Row<Invoice>>,
    pub mapping: Mapping,
    pub rejects: Vec<Reject>,
    pub ignored: Vec<Ignored>,
    /// Each row that was seen, by its kind and id: the same on two pages is one.
    seen: BTreeMap<(String, String), Value>,
}

impl Export {
    pub(crate) fn reject(&mut self, place: Place, field: impl Into<String>, reason: impl ToString) {
        let (field, reason) = (field.into(), reason.to_string());
        self.rejects.push(Reject { place, field, reason, whole: true });
    }

    pub(crate) fn ignore(&mut self, place: Place, reason: impl ToString) {
        self.ignored.push(Ignored { place, field: String::new(), reason: reason.to_string() });
    }

    /// Whether a row is met for the first time. One that is met again is passed over, or refused where it says otherwise.
    fn is_new(&mut self, kind: &str, place: &Place, value: &Value) -> bool {
        let key = (kind.to_owned(), place.id.clone());
        match self.seen.get(&key) {
            None => {
                self.seen.insert(key, value.clone());
                true
            }
            Some(known) if known == value => {
                self.ignore(place.clone(), "it is there twice, with the same content");
                false
            }
            Some(_) => {
                self.reject(
                    place.clone(),
                    "lago_id",
                    "it is there twice, with other content: export once, at one time",
                );
                false
            }
        }
    }
}

/// Reads the files of an export, in the order of their names.
pub fn read(files: &[File]) -> Export {
    let mut sorted: Vec<&File> = files.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut export = Export::default();
    for file in sorted {
        let first = file.bytes.iter().find(|b| !b.is_ascii_whitespace());
        match first {
            _ if file.name == MAPPING_FILE => mapping(&mut export, file),
            Some(b'{' | b'[') => json_page::read(&mut export, file),
            Some(_) => csv_export::read(&mut export, file),
            None => {
                export.rows += 1;
                export.ignore(at(file, 0, ""), "the file is empty");
            }
        }
    }
    export
}

fn mapping(export: &mut Export, file: &File) {
    match Mapping::parse(&file.bytes) {
        Ok(mapping) => export.mapping = mapping,
        Err(error) => {
            export.rows += 1;
            export.reject(at(file, 0, ""), error.field.clone(), &error.reason);
        }
    }
}

pub(crate) use csv_export::cells as csv_cells;

pub(crate) fn at(file: &File, row: usize, id: &str) -> Place {
    Place { file: file.name.clone(), row, id: id.to_owned() }
}
