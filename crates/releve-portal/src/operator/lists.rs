//! Who uses, what it costs, who changed what? Lists of the API, as tables.

use axum::extract::Query;
use maud::html;
use serde::Deserialize;

use super::{Ask, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    layout::{self, Page},
    show,
    visitor::Visitor,
};

#[derive(Deserialize)]
struct Tenant {
    id: String,
    name: String,
    account: String,
    created_at: String,
}

pub(crate) async fn tenants(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "tenants"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Tenant> = visitor.get(&list).await?;
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { a href=(path(&["portal", "tenants", &row.id])) { (row.name) } small { (row.id) } }
                td.what { (row.account) }
                td { (show::date(&row.created_at)) }
                td { a href=(path(&["portal", "tenants", &row.id, "invoices"])) { "Invoices" } }
            }
        }
    };
    let head = [("Tenant", false), ("Account", false), ("Since", false), ("More", false)];
    let main = html! {
        section.card { (layout::table("Tenants, by name", &head, &shown, found.items.len())) }
        (layout::more("/portal/operator/tenants", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "tenants", "Tenants", main))
}

#[derive(Deserialize)]
struct Price {
    sku: String,
    priced_per: String,
    from: String,
    model: String,
    tiers: Vec<show::Tier>,
    unit: String,
    rounding: String,
    created_by: String,
}

pub(crate) async fn prices(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "prices"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Price> = visitor.get(&list).await?;
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (row.sku) small { "by " (row.created_by) } }
                td { (show::since(&row.from, show::instant)) }
                td { (row.model.replace('_', " ")) small { "rounding: " (row.rounding.replace('_', " ")) } }
                td.r.strong { (show::tiers(&row.tiers, &row.unit)) }
                td { (row.priced_per) }
            }
        }
    };
    let head = [("SKU", false), ("From", false), ("Model", false), ("Price", true), ("Per", false)];
    let main = html! {
        p.soft { "The default price book. A price that has begun does not change: another one follows it." }
        section.card { (layout::table("Prices, by SKU and start", &head, &shown, found.items.len())) }
        (layout::more("/portal/operator/prices", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "prices", "Prices", main))
}

#[derive(Deserialize)]
struct Entry {
    at: String,
    actor: String,
    action: String,
    subject: String,
}

pub(crate) async fn audit_log(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "audit-log"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Entry> = visitor.get(&list).await?;
    let shown = html! {
        @for entry in &found.items {
            tr { th scope="row" { (show::instant(&entry.at)) } td.what { (entry.actor) } td { code { (entry.action) } } td.what { (entry.subject) } }
        }
    };
    let head = [("When", false), ("Who", false), ("What", false), ("Of what", false)];
    let main = html! {
        section.card { (layout::table("Changes, the newest first", &head, &shown, found.items.len())) }
        (layout::more("/portal/operator/audit-log", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "audit-log", "Audit log", main))
}
