//! What waits for a decision, who uses, what it costs, who changed what? Lists of the API, as tables.

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
struct Group {
    kind: String,
    reason: String,
    agent: String,
    rack: String,
    messages: i64,
    nodes: i64,
    gpu_hours: String,
    last_received: String,
}

pub(crate) async fn quarantine(visitor: Visitor) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let found: Paged<Group> = visitor.get("/v1/quarantine/groups?status=waiting").await?;
    let shown = html! {
        @for group in &found.items {
            tr {
                th.what scope="row" { (group.reason) small { (group.kind) } }
                td.what { (group.agent) }
                td.what { (group.rack) }
                td.r { (show::grouped(&group.messages.to_string())) }
                td.r { (show::grouped(&group.nodes.to_string())) }
                td.r { (show::grouped(&group.gpu_hours)) }
                td { (show::instant(&group.last_received)) }
            }
        }
    };
    let head = [
        ("Reason", false),
        ("Agent", false),
        ("Rack", false),
        ("Messages", true),
        ("Nodes", true),
        ("GPU-hours", true),
        ("Last", false),
    ];
    let main = html! {
        p.soft { "Understood, but not believed: it is in no amount until a person decides, over the API." }
        section.card { (layout::table("Waiting in quarantine, by reason", &head, &shown, found.items.len())) }
    };
    Ok(layout::operator(&visitor, "quarantine", "Quarantine", main))
}

#[derive(Deserialize)]
struct Suspended {
    key: String,
    first: String,
    last: String,
    gpu_hours: String,
    skus: i64,
}

pub(crate) async fn suspense(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "suspense"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Suspended> = visitor.get(&list).await?;
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (row.key) }
                td { (show::instant(&row.first)) }
                td { (show::instant(&row.last)) }
                td.r { (row.skus) }
                td.r.strong { (show::grouped(&row.gpu_hours)) }
            }
        }
    };
    let head =
        [("Tenant key", false), ("First hour", false), ("Last hour", false), ("SKUs", true), ("GPU-hours", true)];
    let main = html! {
        p.soft { "Counted under keys that no rule maps to a tenant: visible, never dropped, never guessed." }
        section.card { (layout::table("Usage that belongs to nobody yet", &head, &shown, found.items.len())) }
        (layout::more("/portal/operator/suspense", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "suspense", "Suspense", main))
}

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
    tiers: Vec<Tier>,
    rounding: String,
    created_by: String,
}

#[derive(Deserialize)]
struct Tier {
    up_to: Option<i64>,
    price: String,
}

pub(crate) async fn prices(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "prices"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Price> = visitor.get(&list).await?;
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (row.sku) small { "by " (row.created_by) } }
                td { (show::instant(&row.from)) }
                td { (row.model.replace('_', " ")) small { "rounding: " (row.rounding.replace('_', " ")) } }
                td.r.strong { @for tier in &row.tiers { div {
                    (show::grouped(&tier.price))
                    @if let Some(end) = tier.up_to { " " span.unit { "up to " (show::grouped(&end.to_string())) " base units" } }
                } } }
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
