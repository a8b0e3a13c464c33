//! What does finance take away? A month's figures, asked for here, made by the jobs, and fetched file by file.

use axum::{
    extract::{Path, Query},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Ask, account_names, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show,
    visitor::{OPERATOR_BILLING, Visitor},
};

const HERE: &str = "/portal/operator/exports";

/// By what the API calls them, and what they hold.
const DATASETS: [(&str, &str); 8] = [
    ("month_end", "Month-end pack, with tie-outs"),
    ("journal", "Journal, and Fichier des écritures comptables"),
    ("focus", "FOCUS: cost and usage"),
    ("invoices", "Invoices"),
    ("invoice_lines", "Lines of invoices"),
    ("payments", "Payments"),
    ("usage_hours", "Usage by the hour"),
    ("allocation_hours", "What allocations held, by the hour"),
];
const FORMATS: [(&str, &str); 2] = [("csv", "CSV"), ("parquet", "Parquet")];

#[derive(Deserialize)]
struct Export {
    id: String,
    account: Option<String>,
    dataset: String,
    format: String,
    period_start: String,
    period_end: String,
    state: String,
    files_done: i32,
    files_total: Option<i32>,
    manifest: Option<Manifest>,
    error: Option<String>,
    requested_at: String,
    requested_by: String,
}

#[derive(Deserialize)]
struct Manifest {
    as_of: String,
    version: u32,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    rows: u64,
    bytes: u64,
    sha256: String,
    left_out: Vec<String>,
}

fn what(export: &Export) -> &str {
    DATASETS.iter().find(|(dataset, _)| *dataset == export.dataset).map_or(export.dataset.as_str(), |(_, name)| name)
}

fn standing(export: &Export) -> Markup {
    html! {
        @match (export.state.as_str(), &export.manifest) {
            ("done", Some(manifest)) => { span.badge.good { "done" } " version " (manifest.version) }
            ("failed", _) => { span.badge.bad { "failed" } }
            _ => { span.badge.open { "pending" } @if let Some(total) = export.files_total { " " (export.files_done) " of " (total) " files" } }
        }
        @if let Some(error) = &export.error { small { (error) } }
    }
}

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, ask.cursor.as_deref(), &Said::default()).await
}

async fn render(visitor: &Visitor, cursor: Option<&str>, said: &Said) -> Result<Page, Failure> {
    let list = with_query(path(&["v1", "exports"]), &[("limit", Some("50")), ("cursor", cursor)]);
    let found: Paged<Export> = visitor.get(&list).await?;
    let names = account_names(visitor, found.items.iter().filter_map(|export| export.account.as_deref())).await?;
    let shown = html! {
        @for export in &found.items {
            tr {
                th.what scope="row" {
                    a href=(path(&["portal", "operator", "exports", &export.id])) { (what(export)) }
                    @if let Some(name) = export.account.as_ref().and_then(|id| names.get(id)) { small { "of " (name) } }
                }
                td { (show::period(&export.period_start, &export.period_end)) }
                td { (export.format) }
                td.what { (standing(export)) }
                td.what { (export.requested_by) small { (show::instant(&export.requested_at)) } }
            }
        }
    };
    let head = [("What", false), ("Month", false), ("Format", false), ("State", false), ("Asked for by", false)];
    let main = html! {
        (said)
        @if visitor.may_any(&OPERATOR_BILLING) { section.card { h2 { "Ask for a month" } (form(visitor, said)) } }
        section.card { (layout::table("Exports, the latest first", &head, &shown, found.items.len())) }
        (layout::more(HERE, found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "exports", "Exports", main))
}

fn form(visitor: &Visitor, said: &Said) -> Markup {
    let typed = said.typed(HERE, &[]);
    html! {
        p.soft { "Made within a minute or so. Asked for again, a month in which nothing changed is the same version; else a new one lies beside the one before." }
        form.fields method="post" action=(HERE) {
            (forms::token(visitor))
            div { label for="dataset" { "What" } select #dataset name="dataset" { (typed.options("dataset", &DATASETS)) } }
            div { label for="period" { "Month, of the seller’s calendar" } input #period type="month" name="period" required="required" placeholder="2026-10" value=[typed.in_field("period")]; }
            div { label for="format" { "Format" } select #format name="format" { (typed.options("format", &FORMATS)) } }
            div { label for="account" { "Customer (all if empty)" } input #account name="account" maxlength="100" value=[typed.in_field("account")]; }
            div { label for="issuer" { "Seller (the default one if empty)" } input #issuer name="issuer" maxlength="100" value=[typed.in_field("issuer")]; }
            button type="submit" { "Ask for it" }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct NewExport {
    #[serde(default)]
    token: String,
    dataset: String,
    period: String,
    format: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    issuer: String,
}

pub(crate) async fn ask(
    visitor: Visitor,
    headers: HeaderMap,
    Form(form, sent): Form<NewExport>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let mut body = json!({ "dataset": form.dataset, "period": form.period.trim(), "format": form.format });
    for (field, text) in [("account", &form.account), ("issuer", &form.issuer)] {
        if !text.trim().is_empty() {
            body[field] = json!(text.trim());
        }
    }
    let outcome = visitor.post::<Value>(&path(&["v1", "exports"]), &body).await;
    let outcome = outcome.map_err(|failure| if failure.status == StatusCode::NOT_FOUND { no_place() } else { failure });
    forms::done(outcome, sent, HERE, async |said| render(&visitor, None, said).await).await
}

/// What the API can't find here is where exports go.
fn no_place() -> Failure {
    let detail = "this installation has no place for exports: set RELEVE_EXPORTS to a directory or a bucket";
    Failure::new(StatusCode::CONFLICT, "Nothing can be asked for", detail)
}

/// An export, with its files.
pub(crate) async fn one(visitor: Visitor, Path(export): Path<String>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let export: Export = visitor.get(&path(&["v1", "exports", &export])).await?;
    let names = account_names(&visitor, export.account.as_deref().into_iter()).await?;
    let files = export.manifest.as_ref().map_or(&[][..], |manifest| &manifest.files);
    let shown = html! {
        @for file in files {
            tr {
                th.what scope="row" {
                    a href=(path(&["portal", "operator", "exports", &export.id, &file.name])) { (file.name) }
                    @if !file.left_out.is_empty() { small { "left out, since something does not tie out: " (file.left_out.join(", ")) } }
                }
                td.r { (show::grouped(&file.rows.to_string())) }
                td.r { (show::grouped(&file.bytes.to_string())) }
                td.what { code.digest { (file.sha256) } }
            }
        }
    };
    let main = html! {
        p {
            (standing(&export)) " · " @for name in names.values() { "of " (name) ", " }
            (show::period(&export.period_start, &export.period_end)) ", " (export.format)
            @if let Some(manifest) = &export.manifest { ", as of " (show::instant(&manifest.as_of)) }
            ", asked for by " (export.requested_by)
        }
        section.card { (layout::table("Files", &[("File", false), ("Rows", true), ("Bytes", true), ("SHA-256", false)], &shown, files.len())) }
        p { a href=(HERE) { "All exports" } }
    };
    Ok(layout::operator(&visitor, "exports", what(&export), main))
}

/// A file as the API gives it, byte by byte.
pub(crate) async fn file(visitor: Visitor, Path((export, name)): Path<(String, String)>) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    let (api, secret) = visitor.api();
    api.send(Method::GET, secret, &path(&["v1", "exports", &export, "files", &name]), None).await
}
