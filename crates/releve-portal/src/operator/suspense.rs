//! What was used under a key that is nobody's, and whose is it? Weighed first, then mapped: what was counted moves with it.

use axum::{extract::Query, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{Ask, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show::{self, Amount},
    visitor::Visitor,
};

const HERE: &str = "/portal/operator/suspense";

#[derive(Deserialize)]
struct Suspended {
    key: String,
    first: String,
    last: String,
    gpu_hours: String,
    skus: i64,
}

#[derive(Deserialize)]
struct Moved {
    dry_run: bool,
    keys: Vec<String>,
    gpu_hours: String,
    money: Vec<Amount>,
}

#[derive(Deserialize)]
pub(crate) struct Mapping {
    #[serde(default)]
    token: String,
    what: String,
    key: String,
    tenant: String,
}

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, ask.cursor.as_deref(), &Said::default()).await
}

async fn render(visitor: &Visitor, cursor: Option<&str>, said: &Said) -> Result<Page, Failure> {
    let found: Paged<Suspended> = visitor.get(&with_query(path(&["v1", "suspense"]), &[("cursor", cursor)])).await?;
    let shown = html! {
        @for (index, row) in found.items.iter().enumerate() {
            tr {
                th.what scope="row" { (row.key) small { (row.skus) " SKUs" } }
                td { (show::instant(&row.first)) br; "to " (show::instant(&row.last)) }
                td.r.strong { (show::grouped(&row.gpu_hours)) }
                td { @if visitor.may("operator:write") { (form(visitor, row, cursor, index, said)) } @else { span.soft { "takes operator:write" } } }
            }
        }
    };
    let head = [("Tenant key", false), ("Used", false), ("GPU-hours", true), ("Map to a tenant", false)];
    let main = html! {
        (said)
        p.soft { "Counted under keys that no rule maps to a tenant: visible, never dropped, never guessed. Mapping a key moves what was counted under it to the tenant, from its first hour on." }
        section.card { (layout::table("Usage that belongs to nobody yet", &head, &shown, found.items.len())) }
        (layout::more(HERE, found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "suspense", "Suspense", main))
}

fn form(visitor: &Visitor, row: &Suspended, cursor: Option<&str>, index: usize, said: &Said) -> Markup {
    let id = format!("tenant-{index}");
    let typed = said.typed(HERE, &[("key", &row.key)]);
    html! {
        form.row method="post" action=(with_query(HERE.to_owned(), &[("cursor", cursor)])) {
            (forms::token(visitor))
            input type="hidden" name="key" value=(row.key);
            label.unseen for=(id) { "Whose " (row.key) " is" }
            input id=(id) name="tenant" required="required" maxlength="100" placeholder="Tenant, by name or id" value=[typed.in_field("tenant")];
            button.quiet type="submit" name="what" value="weigh" { "Weigh" }
            button type="submit" name="what" value="map" { "Map" }
        }
    }
}

pub(crate) async fn map(
    visitor: Visitor,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Form(form, sent): Form<Mapping>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let body = json!({ "prefix": form.key, "tenant": form.tenant.trim(), "dry_run": form.what != "map" });
    let outcome: Result<Moved, Failure> = visitor.post("/v1/suspense/map", &body).await;
    let said = |moved: &Moved| forms::weighed(told(&form, moved), moved.dry_run, &sent);
    let page = async |said: &Said| render(&visitor, ask.cursor.as_deref(), said).await;
    forms::shown(outcome, sent.clone(), said, page).await
}

fn told(form: &Mapping, moved: &Moved) -> Markup {
    html! {
        section.notice role="status" {
            h2 { @if moved.dry_run { "Weighed, and nothing changed" } @else { "Mapped to " (form.tenant.trim()) } }
            p { (moved.keys.join(", ")) ": " (show::grouped(&moved.gpu_hours)) " GPU-hours"
                @for money in &moved.money { ", " (money.shown()) " at list price" } }
        }
    }
}
