//! What does finance take away? Exports of a month: asked for, made by the jobs, fetched file by file; and how a month is closed.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use releve_documents::table::Format;
use releve_jobs::exports::{self, Dataset, EXPORT_FILE_BYTES_MAX, FileEntry, Manifest};
use releve_store::{
    audit_log::{self, Change},
    finance::{
        closings,
        exports::{self as stored, Export},
    },
};
use releve_types::{BillingMonth, ids::ExportId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorBillingScope, OperatorScope, OperatorWriteScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, PageLen, Params, PathOf},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(show))
        .routes(routes!(file))
        .routes(routes!(close))
        .routes(routes!(ledgers, set_ledgers))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExport {
    /// `focus`, `invoices`, `invoice_lines`, `payments`, `usage_hours`, `allocation_hours`, `journal` or `month_end`.
    #[schema(example = "focus")]
    dataset: String,
    /// `csv` (the default) or `parquet`.
    format: Option<String>,
    /// A month of the seller's zone, `YYYY-MM`.
    #[schema(example = "2026-10")]
    period: String,
    /// Who sells, by id or name; the only one, or the one called `default`, if absent.
    issuer: Option<String>,
    /// Only this customer's, by id or name. Not of `payments`, `journal` and `month_end`, which are the seller's.
    account: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ExportView {
    id: String,
    issuer: String,
    account: Option<String>,
    dataset: String,
    format: String,
    period_start: String,
    /// Not included.
    period_end: String,
    /// `pending`, `done` or `failed`.
    state: &'static str,
    files_done: i32,
    /// Absent before it began.
    files_total: Option<i32>,
    /// Of a done one: its files, with their rows and SHA-256, and the version that it takes the place of.
    manifest: Option<ManifestView>,
    /// Of a failed one.
    error: Option<String>,
    requested_at: String,
    /// An API key, a person, or `schedule`.
    requested_by: String,
    finished_at: Option<String>,
}

/// What a finished export says of itself, as it lies beside its files.
#[derive(Serialize, ToSchema)]
pub struct ManifestView {
    /// Up to when documents and payments were known.
    as_of: String,
    /// From 1.
    version: u32,
    replaces: Option<ReplacedView>,
    /// Of FOCUS: the specification's version.
    focus_version: Option<String>,
    files: Vec<FileView>,
}

/// The version that it takes the place of.
#[derive(Serialize, ToSchema)]
pub struct ReplacedView {
    version: u32,
    /// Of its manifest, in hexadecimal.
    sha256: String,
}

#[derive(Serialize, ToSchema)]
pub struct FileView {
    name: String,
    /// Beside the manifest.
    path: String,
    rows: u64,
    bytes: u64,
    /// In hexadecimal.
    sha256: String,
    /// Whose rows are not in it since something of theirs does not tie out, and what.
    left_out: Vec<String>,
}

impl From<Manifest> for ManifestView {
    fn from(manifest: Manifest) -> Self {
        let Manifest { as_of, version, replaces, focus_version, files, .. } = manifest;
        let replaces = replaces.map(|of| ReplacedView { version: of.version, sha256: of.sha256 });
        Self { as_of, version, replaces, focus_version, files: files.into_iter().map(FileView::from).collect() }
    }
}

impl From<FileEntry> for FileView {
    fn from(file: FileEntry) -> Self {
        let FileEntry { name, path, rows, bytes, sha256, left_out } = file;
        Self { name, path, rows, bytes, sha256, left_out }
    }
}

fn manifest(export: &Export) -> Option<Manifest> {
    export.manifest.clone().and_then(|manifest| serde_json::from_value(manifest).ok())
}

impl From<Export> for ExportView {
    fn from(export: Export) -> Self {
        let manifest = manifest(&export).map(ManifestView::from);
        Self {
            id: export.id.to_string(),
            issuer: export.issuer.to_string(),
            account: export.account.map(|account| account.to_string()),
            dataset: export.dataset,
            format: export.format,
            period_start: export.period.start().to_string(),
            period_end: export.period.end().to_string(),
            state: export.state.name(),
            files_done: export.files_done,
            files_total: export.files_total,
            manifest,
            error: export.error,
            requested_at: export.requested_at.to_string(),
            requested_by: export.requested_by,
            finished_at: export.finished_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// By id or name.
    issuer: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists exports, the newest first.
#[utoipa::path(get, path = "/v1/exports", tag = "finance", params(Listing),
    responses((status = 200, body = Paged<ExportView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<ExportView>>, Problem> {
    let request = format!("exports of {}", query.issuer.as_deref().unwrap_or_default());
    let before: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let before: Option<ExportId> = before.map(|before| lookup::parsed("cursor", &before)).transpose()?;
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer_if_named(&mut tx, query.issuer.as_deref()).await?;
    let rows = stored::page(&mut tx, issuer, before, query.limit.and_one()).await?;
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.id.to_string(), ExportView::from)?))
}

/// Asks for a month's figures. The jobs make them; the same asked for again is the same version if nothing changed.
#[utoipa::path(post, path = "/v1/exports", tag = "finance", request_body = NewExport,
    responses((status = 202, body = ExportView)), security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn ask(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    Command { input, repeat }: Command<NewExport>,
) -> Result<Response, Problem> {
    app.exports()?;
    let dataset: Dataset = lookup::parsed("dataset", &input.dataset)?;
    let format: Format = lookup::parsed("format", input.format.as_deref().unwrap_or("csv"))?;
    let month: BillingMonth = lookup::parsed("period", &input.period)?;
    if input.account.is_some() && !dataset.is_of_accounts() {
        return Err(Problem::field("account", format!("{dataset} is of a seller, and of no customer alone")));
    }
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let issuer = lookup::issuer_or_default(conn, input.issuer.as_deref()).await?;
            let period = issuer.zone.month(month);
            if period.start() > now {
                return Err(Problem::field("period", format!("{month} has not begun")));
            }
            let account = match input.account.as_deref() {
                None => None,
                Some(name) => {
                    let account = lookup::account(conn, name).await.map_err(|p| lookup::in_field(p, "account"))?;
                    if account.issuer != issuer.id {
                        return Err(Problem::field("account", "it is another seller's customer"));
                    }
                    Some(account.id)
                }
            };
            let named = (dataset.name(), format.name());
            let asked = Export::pending(issuer.id, named, period, now, actor.clone());
            let export = Export { account, ..asked };
            stored::insert(conn, &export).await?;
            let after = json!({ "dataset": export.dataset, "format": export.format, "period": month.to_string() });
            let subject = export.id.to_string();
            let change = Change { actor, action: "export.ask", subject, before: None, after: Some(after) };
            audit_log::add(conn, &change, now).await?;
            Answer::accepted(&ExportView::from(export))
        })
    })
    .await
}

/// Shows an export: how far it has come, and once it is done its manifest.
#[utoipa::path(get, path = "/v1/exports/{export}", tag = "finance", params(("export" = String, Path)),
    responses((status = 200, body = ExportView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<ExportView>, Problem> {
    Ok(Json(find(&app, &reference).await?.into()))
}

async fn find(app: &AppState, reference: &str) -> Result<Export, Problem> {
    let missing = || Problem::not_found("export", reference);
    let id: ExportId = reference.parse().map_err(|_| missing())?;
    let mut tx = app.db().begin_app().await?;
    stored::find(&mut tx, id).await?.ok_or_else(missing)
}

/// Gives a file of an export that is done, by its name in the manifest.
#[utoipa::path(get, path = "/v1/exports/{export}/files/{name}", tag = "finance",
    params(("export" = String, Path), ("name" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)), security(("api_key" = ["operator:read"])))]
async fn file(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf((reference, name)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let storage = app.exports()?;
    let export = find(&app, &reference).await?;
    let missing = || Problem::not_found("file of a finished export", &name);
    let manifest = manifest(&export).ok_or_else(missing)?;
    let entry = manifest.files.iter().find(|file| file.name == name).ok_or_else(missing)?;
    let path = exports::path(&export, &manifest, entry).ok_or_else(missing)?;
    let bytes = storage.get(&path, EXPORT_FILE_BYTES_MAX).await.map_err(|error| Problem::internal(&error))?;
    let media_type = match name.rsplit('.').next() {
        Some("csv") => Format::Csv.media_type(),
        Some("parquet") => Format::Parquet.media_type(),
        Some("html") => "text/html; charset=utf-8",
        _ => "text/plain; charset=iso-8859-15",
    };
    let told = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(|_| missing())?;
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type)), (header::CONTENT_DISPOSITION, told)];
    Ok((headers, bytes.ok_or_else(missing)?).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClosing {
    /// A month of the seller's zone that has ended, `YYYY-MM`.
    #[schema(example = "2026-10")]
    period: String,
}

#[derive(Serialize, ToSchema)]
pub struct ClosingView {
    issuer: String,
    period: String,
    /// False: it was closed before, and stays as it was.
    closed_now: bool,
}

/// Closes a month for the books: what of usage was not invoiced when it ended is kept as it is known now, and opens the next month. What
/// comes late is earned in the month in which it comes.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/closings", tag = "finance", params(("issuer" = String, Path)),
    request_body = NewClosing, responses((status = 200, body = ClosingView)),
    security(("api_key" = ["operator:billing"]), ("api_key" = ["operator:write"])))]
async fn close(
    scope: OperatorBillingScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewClosing>,
) -> Result<Response, Problem> {
    let month: BillingMonth = lookup::parsed("period", &input.period)?;
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer(&mut tx, &reference).await?;
    if issuer.zone.month(month).end() > app.now() {
        return Err(Problem::field("period", format!("{month} has not ended")));
    }
    // Read before the change: rating everybody's month takes longer than a lock should be held.
    let accruals = exports::unbilled_at_end(&mut tx, &issuer, month).await;
    let accruals = accruals.map_err(|error| Problem::internal(&error))?;
    tx.commit().await?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let closed = exports::close(conn, &issuer, month, &accruals, now, &actor).await;
            let closed_now = closed.map_err(|error| Problem::internal(&error))?;
            Answer::done(&ClosingView { issuer: issuer.id.to_string(), period: month.to_string(), closed_now })
        })
    })
    .await
}

/// An account of the seller's books.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerAccount {
    /// Three digits, then at most nine digits or letters.
    #[schema(example = "706100")]
    number: String,
    /// The French chart's if absent.
    label: Option<String>,
}

/// By what they are for: `customers`, `advances`, `bank`, `clearing`, `vat`, `revenue`, `revenue_reverse_charge`, `revenue_outside`,
/// `revenue_untaxed`, `bad_debts`, `expired_advances`. What is absent is as the French chart of accounts has it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct LedgerAccounts(BTreeMap<String, LedgerAccount>);

/// Shows on which accounts an issuer's journal books, where they are its own.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/ledger-accounts", tag = "finance", params(("issuer" = String, Path)),
    responses((status = 200, body = LedgerAccounts)), security(("api_key" = ["operator:read"])))]
async fn ledgers(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let issuer = lookup::issuer(&mut tx, &reference).await?;
    Ok(Json(closings::ledgers(&mut tx, issuer.id).await?))
}

/// Says on which accounts an issuer's journal books from now on.
#[utoipa::path(put, path = "/v1/issuers/{issuer}/ledger-accounts", tag = "finance", params(("issuer" = String, Path)),
    request_body = LedgerAccounts, responses((status = 200, body = LedgerAccounts)), security(("api_key" = ["operator:write"])))]
async fn set_ledgers(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<LedgerAccounts>,
) -> Result<Response, Problem> {
    let accounts = json!(input);
    exports::chart(&accounts).map_err(|error| Problem::new(Code::InvalidField, error))?;
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let issuer = lookup::issuer(conn, &reference).await?;
            let before = Some(closings::ledgers(conn, issuer.id).await?);
            closings::set_ledgers(conn, issuer.id, &accounts).await?;
            let (subject, after) = (issuer.id.to_string(), Some(accounts.clone()));
            audit_log::add(conn, &Change { actor, action: "issuer.ledger_accounts", subject, before, after }, now)
                .await?;
            Answer::done(&accounts)
        })
    })
    .await
}
