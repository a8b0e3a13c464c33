//! What does what cost, and what was agreed beside it?

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::named;
use crate::{
    api::{Failure, Paged, path, with_query},
    layout::{self, Page},
    show,
    visitor::Visitor,
};

#[derive(Deserialize)]
pub(crate) struct Ask {
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Price {
    sku: String,
    priced_per: String,
    currency: String,
    from: String,
    until: Option<String>,
    model: String,
    tiers: Vec<show::Tier>,
    rounding: String,
    unit: String,
}

#[derive(Deserialize)]
struct Agreement {
    kind: String,
    description: String,
    from: String,
    until: Option<String>,
    percent: Option<String>,
    sku: Option<String>,
    project: Option<String>,
    devices: Option<u32>,
    matching: Option<String>,
    price: Option<String>,
    overage_price: Option<String>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path(reference): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let list = with_query(path(&["v1", "tenants", &tenant.id, "prices"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Price> = visitor.get(&list).await?;
    let agreed: Paged<Agreement> = visitor.get(&path(&["v1", "tenants", &tenant.id, "agreements"])).await?;
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (row.sku) small { (row.model.replace('_', " ")) " · rounding: " (row.rounding.replace('_', " ")) } }
                td { (span(&row.from, row.until.as_deref())) }
                td.r.strong { (show::tiers(&row.tiers, &row.unit)) }
                td { (row.currency) " per " (row.priced_per) }
            }
        }
    };
    let head = [("SKU", false), ("Holds", false), ("Price", true), ("Per", false)];
    let main = html! {
        p.soft { "Without VAT. Tiers are filled by the usage of your whole account in a month." }
        @if !agreed.items.is_empty() { section.card { (agreements(&agreed.items)) } }
        section.card { (layout::table("Prices of your contract", &head, &shown, found.items.len())) }
        (layout::more(&path(&["portal", "tenants", &tenant.id, "prices"]), found.next.as_deref()))
    };
    Ok(layout::tenant(&visitor, &tenant, "prices", "Prices", main))
}

fn span(from: &str, until: Option<&str>) -> Markup {
    html! { (show::since(from, |from| html! { "from " (show::date(from)) })) @if let Some(end) = until { br; "to " (show::instant(end)) } }
}

fn agreements(agreed: &[Agreement]) -> Markup {
    let shown = html! {
        @for row in agreed {
            tr {
                th.what scope="row" { (row.description) small { (row.kind) @if let Some(matching) = &row.matching { ", matched by " (matching) } } }
                td.what { (row.sku.as_deref().unwrap_or("all")) @if let Some(project) = &row.project { " · project " (project) } }
                td { (span(&row.from, row.until.as_deref())) }
                td.r.strong {
                    @if let Some(devices) = row.devices { (devices) " × " }
                    @if let Some(price) = &row.price { (show::grouped(price)) }
                    @if let Some(percent) = &row.percent { (percent) " % off" }
                    @if let Some(price) = &row.overage_price { br; span.unit { "above it " (show::grouped(price)) } }
                }
            }
        }
    };
    layout::table(
        "Agreed beside the prices",
        &[("What", false), ("On", false), ("Holds", false), ("Terms", true)],
        &shown,
        agreed.len(),
    )
}
