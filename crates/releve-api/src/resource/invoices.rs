//! What was billed? For operators every invoice with what holds it back; for tenants the issued ones of their
//! account, as the very bytes that the customer got.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use releve_billing::{Delivery, Hold, payment::Standing};
use releve_jobs::documents::{CII, HTML, JSON, PDF, UBL};
use releve_store::{
    documents,
    hand_overs::{self, Way},
    invoices::{self, InvoiceFilter, InvoiceHead, InvoiceState},
    payments,
};
use releve_types::{AccountId, InvoiceId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorScope, TenantScope},
    cursor::{self, Paged},
    error::{Code, Problem, RETRY_SECONDS},
    input::{Instant, Page, PageLen, Params, PathOf},
    lookup,
    worth::MoneyView,
};

/// What an invoice's page may do in a browser: show itself, with the styles and the logo that it brings.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    frame-ancestors 'none'";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(document))
        .routes(routes!(page))
        .routes(routes!(pdf))
        .routes(routes!(list_of_tenant))
        .routes(routes!(document_of_tenant))
        .routes(routes!(page_of_tenant))
        .routes(routes!(pdf_of_tenant))
        .routes(routes!(electronic))
        .routes(routes!(electronic_of_tenant))
}

#[derive(Serialize, ToSchema)]
pub struct InvoiceView {
    id: String,
    /// Of an issued one.
    number: Option<String>,
    account: String,
    issuer: String,
    /// `draft`, `parked` or `issued`.
    state: &'static str,
    period_start: String,
    /// Not included.
    period_end: String,
    /// Without taxes. Of a parked one: what it came to when it was last tried. Below zero: a credit note.
    total: MoneyView,
    /// With VAT. None while nobody can say.
    payable: Option<MoneyView>,
    /// What of that was paid in advance; of a credit note, what is an advance again.
    prepaid: MoneyView,
    /// The numbers of the documents that this one corrects, the first first.
    corrects: Vec<String>,
    /// The customer's, by number.
    purchase_order: Option<String>,
    created_at: String,
    issued_at: Option<String>,
    due_at: Option<String>,
    /// SHA-256 over everything that it rests on.
    digest: Option<String>,
    /// Of a deposit invoice, and of a credit note that takes one back: the credit that was paid in advance. Its period is none that is
    /// billed, but the hour in which it was made.
    credit: Option<String>,
    /// What holds a parked one back, and what settles it.
    held_by: Vec<HoldView>,
    /// Of an issued one.
    payment: Option<StandingView>,
    /// Of an issued one, where it is on its way to the customer: `waiting`, `handed_over`, `submitted`, `rejected`, `refused` or
    /// `cashed`. What is known of it is under `/v1/invoices/{invoice}/hand-over`.
    delivery: Option<&'static str>,
}

/// How an issued document stands with its payment, as of now. Of a credit note, amounts are below zero.
#[derive(Serialize, ToSchema)]
pub struct StandingView {
    /// `open`, `partly_paid`, `overdue`, `paid`, `credited` (set against the period's other documents) or `written_off`.
    state: &'static str,
    /// Returns taken off.
    paid: MoneyView,
    /// Set against the period's credit notes; of one, against its invoices.
    credited: MoneyView,
    written_off: MoneyView,
    /// Still owed; of a credit note, to the customer.
    open: MoneyView,
    overdue_since: Option<String>,
    /// The last reminder that was due, from 1 on.
    dunning_level: Option<i32>,
}

impl StandingView {
    fn new(standing: &Standing, dunning_level: Option<i32>) -> Self {
        Self {
            state: standing.state.name(),
            paid: standing.settled.into(),
            credited: standing.credited.into(),
            written_off: standing.written_off.into(),
            open: standing.open.into(),
            overdue_since: standing.overdue_since.map(|at| at.to_string()),
            dunning_level,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct HoldView {
    /// `gap`, `suspense`, `quarantine`, `unpriced`, `tax`, `rounding`, `unratable`, `below_zero`, `reference`, `ceiling`
    /// or `purchase_order`.
    kind: &'static str,
    detail: String,
    to_do: String,
    gpu_ms: Option<i64>,
}

impl From<&Hold> for HoldView {
    fn from(hold: &Hold) -> Self {
        Self { kind: hold.kind.name(), detail: hold.detail.clone(), to_do: hold.to_do.clone(), gpu_ms: hold.gpu_ms }
    }
}

impl InvoiceView {
    fn new(head: InvoiceHead, payment: Option<StandingView>, delivery: Option<Delivery>) -> Self {
        let stamp = head.stamp.as_ref();
        Self {
            id: head.id.to_string(),
            number: stamp.map(|s| s.number.to_string()),
            account: head.account.to_string(),
            issuer: head.issuer.to_string(),
            state: head.state.name(),
            period_start: head.period.start().to_string(),
            period_end: head.period.end().to_string(),
            total: head.total.into(),
            payable: head.payable.map(MoneyView::from),
            prepaid: head.prepaid.into(),
            corrects: head.corrects.iter().map(|c| c.number.to_string()).collect(),
            purchase_order: head.purchase_order.as_ref().map(|order| order.number.clone()),
            created_at: head.created_at.to_string(),
            issued_at: stamp.map(|s| s.issued_at.to_string()),
            due_at: stamp.map(|s| s.due_at.to_string()),
            digest: stamp.map(|s| hex::encode(s.digest)),
            credit: head.credit.map(|credit| credit.to_string()),
            held_by: head.holds.iter().map(HoldView::from).collect(),
            payment,
            delivery: delivery.map(Delivery::name),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// By id or name.
    account: Option<String>,
    /// By id or name.
    issuer: Option<String>,
    /// `draft`, `parked` or `issued`; any if absent.
    state: Option<String>,
    /// Of the period that starts then: what is of money paid in advance is of none.
    #[param(inline)]
    period_start: Option<Instant>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLen,
    cursor: Option<String>,
}

/// Lists invoices in the order they were made.
#[utoipa::path(get, path = "/v1/invoices", tag = "billing", params(Listing),
    responses((status = 200, body = Paged<InvoiceView>)), security(("api_key" = ["operator:read"])))]
async fn list(
    _: OperatorScope,
    State(app): State<AppState>,
    Params(query): Params<Listing>,
) -> Result<Json<Paged<InvoiceView>>, Problem> {
    let state = match query.state.as_deref() {
        None => None,
        Some(name) => {
            let known = InvoiceState::ALL.into_iter().find(|s| s.name() == name);
            Some(known.ok_or_else(|| Problem::field("state", "expected draft, parked or issued"))?)
        }
    };
    let mut tx = app.db().begin_app().await?;
    let account = lookup::account_if_named(&mut tx, query.account.as_deref()).await?;
    let issuer = lookup::issuer_if_named(&mut tx, query.issuer.as_deref()).await?;
    let period_start: Option<Timestamp> = query.period_start.map(|at| at.0);
    let filter = InvoiceFilter { account, issuer, state, period_start };
    let request = format!("invoices of {filter:?}");
    Ok(Json(listed(&mut tx, filter, &request, (query.limit, query.cursor.as_deref()), app.now()).await?))
}

async fn listed(
    conn: &mut PgConnection,
    filter: InvoiceFilter,
    request: &str,
    (limit, cursor): (PageLen, Option<&str>),
    now: Timestamp,
) -> Result<Paged<InvoiceView>, Problem> {
    let after: Option<String> = cursor::decode(request, cursor)?;
    let after: Option<InvoiceId> = after.map(|after| lookup::parsed("cursor", &after)).transpose()?;
    let rows = invoices::page(conn, filter, after, limit.and_one()).await?;
    let views = views(conn, rows, now).await?;
    Paged::of(views, limit, request, |last| last.id.clone(), |view| view)
}

async fn views(conn: &mut PgConnection, heads: Vec<InvoiceHead>, now: Timestamp) -> Result<Vec<InvoiceView>, Problem> {
    let issued = heads.iter().filter(|head| head.state == InvoiceState::Issued);
    let of: Vec<(AccountId, InvoiceId)> = issued.map(|head| (head.account, head.id)).collect();
    let standings = payments::standings(conn, &of, now).await?;
    let levels = payments::levels(conn, &of).await?;
    let ways = hand_overs::ways(conn, &of).await?;
    let view = |head: InvoiceHead| {
        let standing = standings.get(&head.id).map(|s| StandingView::new(s, levels.get(&head.id).copied()));
        let delivery = ways.get(&head.id).map(Way::delivery);
        InvoiceView::new(head, standing, delivery)
    };
    Ok(heads.into_iter().map(view).collect())
}

/// An issued invoice's document. Drafts and parked ones have none.
async fn rendered(
    conn: &mut PgConnection,
    account: Option<AccountId>,
    reference: &str,
    media_type: &'static str,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("issued invoice", reference);
    let head =
        lookup::invoice(conn, reference).await.map_err(|p| if p.code == Code::NotFound { missing() } else { p })?;
    if head.state != InvoiceState::Issued || account.is_some_and(|account| account != head.account) {
        return Err(missing());
    }
    let found = documents::find(conn, head.account, head.id, media_type).await?;
    if found.is_none()
        && [UBL, CII].contains(&media_type)
        && documents::find(conn, head.account, head.id, JSON).await?.is_some()
    {
        let why = "EN 16931 has no words for it: its seller is no taxable person, or goes by no id";
        return Err(Problem::new(Code::NotFound, why));
    }
    let document = found.ok_or_else(|| {
        let problem = Problem::new(Code::Unavailable, "it was issued a moment ago and is being rendered");
        Problem { retry_after_s: Some(RETRY_SECONDS), ..problem }
    })?;
    let digest = HeaderValue::from_str(&format!("\"{}\"", hex::encode(document.sha256)));
    let digest = digest.map_err(|error| Problem::internal(&error))?;
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
        (header::ETAG, digest),
    ];
    Ok((headers, document.body).into_response())
}

/// Shows an invoice's state, by id or number: what holds it back, or what of it is paid.
#[utoipa::path(get, path = "/v1/invoices/{invoice}", tag = "billing", params(("invoice" = String, Path)),
    responses((status = 200, body = InvoiceView)), security(("api_key" = ["operator:read"])))]
async fn show(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Json<InvoiceView>, Problem> {
    let mut tx = app.db().begin_app().await?;
    let head = lookup::invoice(&mut tx, &reference).await?;
    let missing = || Problem::not_found("invoice", &reference);
    Ok(Json(views(&mut tx, vec![head], app.now()).await?.pop().ok_or_else(missing)?))
}

/// Gives an issued invoice as JSON: the bytes that the customer got.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/document", tag = "billing", params(("invoice" = String, Path)),
    responses((status = 200, body = Object)), security(("api_key" = ["operator:read"])))]
async fn document(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let mut tx = app.db().begin_app().await?;
    rendered(&mut tx, None, &reference, JSON).await
}

/// Gives an issued invoice as a page: the bytes that the customer got.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/page", tag = "billing", params(("invoice" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String)), security(("api_key" = ["operator:read"])))]
async fn page(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let mut tx = app.db().begin_app().await?;
    rendered(&mut tx, None, &reference, HTML).await
}

/// Gives an issued invoice as a PDF/A-3b: the bytes that the customer got. Where there is an electronic invoice, it is
/// attached as `factur-x.xml`, and the file is Factur-X.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/pdf", tag = "billing", params(("invoice" = String, Path)),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>)),
    security(("api_key" = ["operator:read"])))]
async fn pdf(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
) -> Result<Response, Problem> {
    let mut tx = app.db().begin_app().await?;
    rendered(&mut tx, None, &reference, PDF).await
}

/// Gives an issued invoice as an electronic one of EN 16931, in `ubl` or `cii`: the bytes that the customer got. What a
/// seller issues that is no taxable person has none.
#[utoipa::path(get, path = "/v1/invoices/{invoice}/electronic/{syntax}", tag = "billing",
    params(("invoice" = String, Path), ("syntax" = String, Path, description = "`ubl` or `cii`")),
    responses((status = 200, content_type = "application/xml", body = String)), security(("api_key" = ["operator:read"])))]
async fn electronic(
    _: OperatorScope,
    State(app): State<AppState>,
    PathOf((reference, syntax)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let mut tx = app.db().begin_app().await?;
    rendered(&mut tx, None, &reference, media_type(&syntax)?).await
}

fn media_type(syntax: &str) -> Result<&'static str, Problem> {
    match syntax {
        "ubl" => Ok(UBL),
        "cii" => Ok(CII),
        _ => Err(Problem::not_found("syntax", syntax)),
    }
}

/// Lists the issued invoices of a tenant's account. An invoice is the account's: it shows all its tenants.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/invoices", tag = "tenant", params(("tenant" = String, Path), Page),
    responses((status = 200, body = Paged<InvoiceView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list_of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<InvoiceView>>, Problem> {
    let filter =
        InvoiceFilter { account: Some(scope.account()), state: Some(InvoiceState::Issued), ..InvoiceFilter::default() };
    let request = format!("invoices for {}", scope.id());
    let mut tx = scope.begin(&app).await?;
    Ok(Json(listed(&mut tx, filter, &request, (query.limit, query.cursor.as_deref()), app.now()).await?))
}

/// Gives an issued invoice of a tenant's account as JSON.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/invoices/{invoice}", tag = "tenant",
    params(("tenant" = String, Path), ("invoice" = String, Path)),
    responses((status = 200, body = Object)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn document_of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    PathOf((_tenant, invoice)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let mut tx = scope.begin(&app).await?;
    rendered(&mut tx, Some(scope.account()), &invoice, JSON).await
}

/// Gives an issued invoice of a tenant's account as a page.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/invoices/{invoice}/page", tag = "tenant",
    params(("tenant" = String, Path), ("invoice" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn page_of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    PathOf((_tenant, invoice)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let mut tx = scope.begin(&app).await?;
    rendered(&mut tx, Some(scope.account()), &invoice, HTML).await
}

/// Gives an issued invoice of a tenant's account as a PDF/A-3b, with the electronic invoice in it where there is one.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/invoices/{invoice}/pdf", tag = "tenant",
    params(("tenant" = String, Path), ("invoice" = String, Path)),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn pdf_of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    PathOf((_tenant, invoice)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let mut tx = scope.begin(&app).await?;
    rendered(&mut tx, Some(scope.account()), &invoice, PDF).await
}

/// Gives an issued invoice of a tenant's account as an electronic one of EN 16931, in `ubl` or `cii`.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/invoices/{invoice}/electronic/{syntax}", tag = "tenant",
    params(("tenant" = String, Path), ("invoice" = String, Path), ("syntax" = String, Path, description = "`ubl` or `cii`")),
    responses((status = 200, content_type = "application/xml", body = String)),
    security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn electronic_of_tenant(
    scope: TenantScope,
    State(app): State<AppState>,
    PathOf((_tenant, invoice, syntax)): PathOf<(String, String, String)>,
) -> Result<Response, Problem> {
    let mut tx = scope.begin(&app).await?;
    rendered(&mut tx, Some(scope.account()), &invoice, media_type(&syntax)?).await
}
