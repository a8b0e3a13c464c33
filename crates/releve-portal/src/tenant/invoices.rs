//! What was invoiced, what is open of it, and where are the documents?

use axum::{
    extract::{Path, Query},
    http::{HeaderMap, HeaderValue, Method, header},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{named, questions};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show::{self, Amount},
    visitor::{Named, Visitor},
};

#[derive(Deserialize)]
struct Invoice {
    id: String,
    number: Option<String>,
    period_start: String,
    period_end: String,
    total: Amount,
    payable: Option<Amount>,
    issued_at: Option<String>,
    due_at: Option<String>,
    payment: Option<Standing>,
}

#[derive(Deserialize)]
struct Standing {
    state: String,
    open: Amount,
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    cursor: Option<String>,
}

pub(crate) async fn list(
    visitor: Visitor,
    Path(reference): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let list = with_query(path(&["v1", "tenants", &tenant.id, "invoices"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Invoice> = visitor.get(&list).await?;
    let shown = html! {
        @for invoice in &found.items {
            tr {
                th scope="row" { a href=(path(&["portal", "tenants", &tenant.id, "invoices", &invoice.id])) { (invoice.number.as_deref().unwrap_or(&invoice.id)) } }
                td { (show::period(&invoice.period_start, &invoice.period_end)) }
                td { @if let Some(at) = &invoice.issued_at { (show::date(at)) } }
                td { @if let Some(at) = &invoice.due_at { (show::date(at)) } }
                td { @if let Some(payment) = &invoice.payment { (badge(&payment.state)) } }
                td.r { @if let Some(payment) = &invoice.payment { (payment.open.shown()) } }
                td.r.strong { (invoice.payable.as_ref().unwrap_or(&invoice.total).shown()) }
            }
        }
    };
    let head = [
        ("Number", false),
        ("Period", false),
        ("Issued", false),
        ("Due", false),
        ("State", false),
        ("Open", true),
        ("With VAT", true),
    ];
    let here = path(&["portal", "tenants", &tenant.id, "invoices"]);
    let main = html! {
        p.soft { "An invoice is your account’s: it shows all its tenants. Credit notes are below zero." }
        section.card { (layout::table("Invoices and credit notes", &head, &shown, found.items.len())) }
        (layout::more(&here, found.next.as_deref()))
    };
    Ok(layout::tenant(&visitor, &tenant, "invoices", "Invoices", main))
}

fn badge(state: &str) -> Markup {
    let class = match state {
        "overdue" => "badge bad",
        "open" | "partly_paid" => "badge open",
        _ => "badge good",
    };
    html! { span class=(class) { (state.replace('_', " ")) } }
}

/// What a page shows of an issued invoice's document.
#[derive(Deserialize)]
struct Document {
    number: String,
    issue_date: String,
    due_date: String,
    currency: String,
    total: String,
    tax: String,
    payable: String,
    prepaid: String,
    due: String,
    energy_kwh: String,
    lines: Vec<Line>,
    digest: Digest,
}

#[derive(Deserialize)]
struct Line {
    description: String,
    #[serde(default)]
    tenant_name: Option<String>,
    project: String,
    quantity: String,
    quantity_unit: String,
    unit_price: String,
    price_per: String,
    amount: String,
}

#[derive(Deserialize)]
struct Digest {
    value: String,
}

/// The documents, by the name in the path: what the API calls it, what a person does, and whether it opens in the browser.
const FILES: [(&str, &[&str], &str, &str); 5] = [
    ("invoice.pdf", &["pdf"], "PDF", "inline"),
    ("page.html", &["page"], "Page", "inline"),
    ("ubl.xml", &["electronic", "ubl"], "XML (UBL)", "attachment"),
    ("cii.xml", &["electronic", "cii"], "XML (CII)", "attachment"),
    ("pack.tar", &["pack"], "Evidence pack", "attachment"),
];

pub(crate) async fn one(visitor: Visitor, Path((reference, id)): Path<(String, String)>) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    render(&visitor, &tenant, &id, &Said::default()).await
}

async fn render(visitor: &Visitor, tenant: &Named, id: &str, said: &Said) -> Result<Page, Failure> {
    let invoice: Document = visitor.get(&path(&["v1", "tenants", &tenant.id, "invoices", id])).await?;
    let asked = questions::of(visitor, tenant, id).await?;
    let shown = html! {
        @for (index, line) in invoice.lines.iter().enumerate() {
            tr {
                td.r.soft { (index + 1) }
                th.what scope="row" {
                    (line.description)
                    small { (line.tenant_name.as_deref().unwrap_or("account")) @if !line.project.is_empty() { " · " (line.project) } }
                }
                td.r { (show::grouped(&line.quantity)) " " span.unit { (line.quantity_unit) } }
                td.r { (show::grouped(&line.unit_price)) " " span.unit { "per " (line.price_per) } }
                td.r.strong { (show::grouped(&line.amount)) }
            }
        }
    };
    let head = [("No.", true), ("What", false), ("Quantity", true), ("Price", true), (invoice.currency.as_str(), true)];
    let sum = |name: &str, amount: &str| html! { div { dt { (name) } dd { (show::grouped(amount)) " " span.unit { (invoice.currency) } } } };
    let main = html! {
        (said)
        dl.facts {
            div { dt { "Due" } dd { (show::date(&invoice.due_date)) } }
            (sum("Without VAT", &invoice.total)) (sum("VAT", &invoice.tax)) (sum("With VAT", &invoice.payable))
            @if show::is_something(&invoice.prepaid) { (sum("Paid in advance", &invoice.prepaid)) }
            (sum("To pay", &invoice.due))
        }
        ul.actions aria-label="Documents" {
            @for (file, _, name, _) in FILES {
                li { a.button href=(path(&["portal", "tenants", &tenant.id, "invoices", id, file])) { (name) } }
            }
        }
        section.card { (layout::table("Lines", &head, &shown, invoice.lines.len())) }
        (questions::section(visitor, tenant, id, &asked, said))
        p.soft {
            "Issued " (show::date(&invoice.issue_date)) ", " (show::grouped(&invoice.energy_kwh)) " kWh. Anybody can make this invoice again of its evidence pack with "
            code { "releve verify" } "; its digest is " code.digest { (invoice.digest.value) }
        }
    };
    Ok(layout::tenant(visitor, tenant, "invoices", &format!("Invoice {}", invoice.number), main))
}

#[derive(Deserialize)]
pub(crate) struct NewQuestion {
    #[serde(default)]
    token: String,
    line: String,
    question: String,
}

/// Questions a line.
pub(crate) async fn ask(
    visitor: Visitor,
    Path((reference, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form, sent): Form<NewQuestion>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let outcome = questions::ask(&visitor, &tenant, &id, (&form.line, &form.question)).await;
    let here = path(&["portal", "tenants", &tenant.id, "invoices", &id]);
    forms::done(outcome, sent, &here, async |said| render(&visitor, &tenant, &id, said).await).await
}

/// A document as the API gives it, byte by byte.
pub(crate) async fn file(
    visitor: Visitor,
    Path((reference, id, file)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let known = FILES.iter().find(|(name, ..)| *name == file).ok_or_else(Failure::not_found)?;
    let (_, parts, _, way) = known;
    let mut segments = vec!["v1", "tenants", &tenant.id, "invoices", &id];
    segments.extend_from_slice(parts);
    let (api, secret) = visitor.api();
    let mut response = api.send(Method::GET, secret, &path(&segments), None).await?;
    let safe: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-').collect();
    let name =
        HeaderValue::from_str(&format!("{way}; filename=\"{safe}-{file}\"")).map_err(|_| Failure::not_found())?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
