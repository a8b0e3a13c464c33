//! What can be asked about `finance`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Page, Pages, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClosingView {
    /// False: it was closed before, and stays as it was.
    pub closed_now: bool,
    pub issuer: String,
    pub period: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExportView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    pub dataset: String,
    /// Of a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub files_done: i32,
    /// Absent before it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_total: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    pub format: String,
    pub id: String,
    pub issuer: String,
    /// Of a done one: its files, with their rows and SHA-256, and the version that it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestView>,
    /// Not included.
    pub period_end: String,
    pub period_start: String,
    pub requested_at: String,
    /// An API key, a person, or `schedule`.
    pub requested_by: String,
    /// `pending`, `done` or `failed`.
    pub state: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileView {
    pub bytes: u64,
    /// Whose rows are not in it since something of theirs does not tie out, and what.
    pub left_out: Vec<String>,
    pub name: String,
    /// Beside the manifest.
    pub path: String,
    pub rows: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// By what they are for: `customers`, `advances`, `bank`, `clearing`, `vat`, `revenue`, `revenue_reverse_charge`,
/// `revenue_outside`, `revenue_untaxed`, `bad_debts`, `expired_advances`. What is absent is as the French chart of
/// accounts has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LedgerAccounts {}

/// What a finished export says of itself, as it lies beside its files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManifestView {
    /// Up to when documents and payments were known.
    pub as_of: String,
    pub files: Vec<FileView>,
    /// Of FOCUS: the specification's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ReplacedView>,
    /// From 1.
    pub version: u32,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewClosing {
    /// A month of the seller's zone that has ended, `YYYY-MM`.
    pub period: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewExport {
    /// Only this customer's, by id or name. Not of `payments`, `journal` and `month_end`, which are the seller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `focus`, `invoices`, `invoice_lines`, `payments`, `usage_hours`, `allocation_hours`, `journal` or
    /// `month_end`.
    pub dataset: String,
    /// `csv` (the default) or `parquet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Who sells, by id or name; the only one, or the one called `default`, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// A month of the seller's zone, `YYYY-MM`.
    pub period: String,
}

/// The version that it takes the place of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReplacedView {
    /// Of its manifest, in hexadecimal.
    pub sha256: String,
    pub version: u32,
}

/// What [`Client::list_exports`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListExportsQuery {
    /// By id or name.
    pub issuer: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListExportsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("issuer", self.issuer.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

impl Client {
    /// Lists exports, the newest first.
    ///
    /// `GET /v1/exports`. With a key of `operator:read`.
    pub async fn list_exports(&self, query: &ListExportsQuery) -> Result<Page<ExportView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "exports"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_exports`], page after page.
    pub fn all_exports(&self, query: &ListExportsQuery) -> Pages<'_, ExportView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "exports"]).query(query.pairs()))
    }

    /// Asks for a month's figures. The jobs make them; the same asked for again is the same version if nothing
    /// changed.
    ///
    /// `POST /v1/exports`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn create_export(&self, body: &NewExport) -> Result<ExportView, Error> {
        self.send(Request::new(Method::POST, &["v1", "exports"]).json("application/json", body)?).await?.json()
    }

    /// Shows an export: how far it has come, and once it is done its manifest.
    ///
    /// `GET /v1/exports/{export}`. With a key of `operator:read`.
    pub async fn get_export(&self, export: &str) -> Result<ExportView, Error> {
        self.send(Request::new(Method::GET, &["v1", "exports", export])).await?.json()
    }

    /// Gives a file of an export that is done, by its name in the manifest.
    ///
    /// `GET /v1/exports/{export}/files/{name}`. With a key of `operator:read`.
    pub async fn get_export_file(&self, export: &str, name: &str) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "exports", export, "files", name])).await?.bytes()
    }

    /// Closes a month for the books: what of usage was not invoiced when it ended is kept as it is known now, and
    /// opens the next month. What comes late is earned in the month in which it comes.
    ///
    /// `POST /v1/issuers/{issuer}/closings`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn create_issuer_closing(&self, issuer: &str, body: &NewClosing) -> Result<ClosingView, Error> {
        self.send(Request::new(Method::POST, &["v1", "issuers", issuer, "closings"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Shows on which accounts an issuer's journal books, where they are its own.
    ///
    /// `GET /v1/issuers/{issuer}/ledger-accounts`. With a key of `operator:read`.
    pub async fn get_issuer_ledger_accounts(&self, issuer: &str) -> Result<LedgerAccounts, Error> {
        self.send(Request::new(Method::GET, &["v1", "issuers", issuer, "ledger-accounts"])).await?.json()
    }

    /// Says on which accounts an issuer's journal books from now on.
    ///
    /// `PUT /v1/issuers/{issuer}/ledger-accounts`. With a key of `operator:write`.
    pub async fn put_issuer_ledger_accounts(
        &self,
        issuer: &str,
        body: &LedgerAccounts,
    ) -> Result<LedgerAccounts, Error> {
        self.send(
            Request::new(Method::PUT, &["v1", "issuers", issuer, "ledger-accounts"]).json("application/json", body)?,
        )
        .await?
        .json()
    }
}
