//! What was used, hour by hour or day by day? On a page, and whole as a file.

use axum::{
    extract::{Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Spend, Usage, named, spend};
use crate::{
    api::{Failure, Paged, path, with_query},
    csv, forms,
    layout::{self, Page},
    show,
    visitor::{Named, Visitor},
};

/// Rows of a page.
const PAGE_LEN: &str = "200";
/// Requests that one download takes at most, of a thousand rows each.
const DOWNLOAD_PAGES_MAX: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Ask {
    month: Option<String>,
    interval: Option<String>,
    by: Option<String>,
    cursor: Option<String>,
}

impl Ask {
    fn interval(&self) -> &str {
        self.interval.as_deref().filter(|interval| !interval.is_empty()).unwrap_or("day")
    }

    fn by(&self) -> Option<&str> {
        self.by.as_deref().filter(|by| ["project", "allocation"].contains(by))
    }
}

async fn rows(
    visitor: &Visitor,
    tenant: &Named,
    (ask, month): (&Ask, &Spend),
    (limit, cursor): (&str, Option<&str>),
) -> Result<Paged<Usage>, Failure> {
    let parameters = [
        ("from", Some(month.period_start.as_str())),
        ("to", Some(month.period_end.as_str())),
        ("interval", Some(ask.interval())),
        ("by", ask.by()),
        ("limit", Some(limit)),
        ("cursor", cursor),
    ];
    visitor.get(&with_query(path(&["v1", "tenants", &tenant.id, "usage"]), &parameters)).await
}

pub(crate) async fn page(
    visitor: Visitor,
    Path(reference): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let month = spend(&visitor, &tenant, ask.month.as_deref()).await?;
    let found = rows(&visitor, &tenant, (&ask, &month), (PAGE_LEN, ask.cursor.as_deref())).await?;
    let chosen = [("month", Some(month.month.as_str())), ("interval", Some(ask.interval())), ("by", ask.by())];
    let here = with_query(path(&["portal", "tenants", &tenant.id, "usage"]), &chosen);
    let file = with_query(path(&["portal", "tenants", &tenant.id, "usage.csv"]), &chosen);
    let part = match ask.by() {
        Some("project") => Some("Project"),
        Some(_) => Some("Allocation"),
        None => None,
    };
    let shown = html! {
        @for row in &found.items {
            tr {
                th scope="row" { @if ask.interval() == "hour" { (show::instant(&row.from)) } @else { (show::date(&middle(row))) } }
                @if part.is_some() { td.what { (row.project.as_deref().or(row.allocation.as_deref()).unwrap_or("—")) } }
                td.what { (row.sku) }
                td.r { (show::quantity(row.quantity, &row.unit)) }
                td.r { @if row.energy_mj != 0 { (show::grouped(&show::kwh(row.energy_mj))) } }
            }
        }
    };
    let mut head = vec![(if ask.interval() == "hour" { "Hour" } else { "Day" }, false)];
    head.extend(part.map(|name| (name, false)));
    head.extend([("SKU", false), ("Quantity", true), ("kWh", true)]);
    let caption = format!("Usage in {}", show::day(&month.month));
    let as_of = found.items.first().map_or(&month.as_of, |row| &row.as_of);
    let main = html! {
        (picker(&tenant, &ask, &month))
        p.actions {
            a.button href=(file) { "Download as CSV" }
            span.soft { "Counted up to " time datetime=(as_of) { (show::clock(as_of)) } }
        }
        section.card { (layout::table(&caption, &head, &shown, found.items.len())) }
        (layout::more(&here, found.next.as_deref()))
    };
    Ok(layout::tenant(&visitor, &tenant, "usage", "Usage", main))
}

/// A day in the seller's zone may begin on the evening before in UTC: its middle lies in it.
fn middle(row: &Usage) -> String {
    let noon = show::millis(&row.from).map(|from| releve_types::Timestamp::from_millis(from + 12 * 3_600_000));
    noon.map_or_else(|| row.from.clone(), |noon| noon.to_string())
}

fn picker(tenant: &Named, ask: &Ask, month: &Spend) -> Markup {
    let parts = [("", "SKU"), ("project", "project and SKU"), ("allocation", "allocation and SKU")];
    html! {
        form.pick.wide method="get" action=(path(&["portal", "tenants", &tenant.id, "usage"])) {
            div { label for="month" { "Month" } input #month type="month" name="month" value=(month.month) data-sends=""; }
            div {
                label for="interval" { "By" }
                select #interval name="interval" data-sends="" {
                    (forms::options(Some(ask.interval()), &[("day", "day"), ("hour", "hour")]))
                }
            }
            div {
                label for="by" { "Parted by" }
                select #by name="by" data-sends="" { (forms::options(Some(ask.by().unwrap_or_default()), &parts)) }
            }
            button.quiet type="submit" { "Show" }
        }
    }
}

/// Everything that the page shows the beginning of, with exact base units.
pub(crate) async fn download(
    visitor: Visitor,
    Path(reference): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let month = spend(&visitor, &tenant, ask.month.as_deref()).await?;
    let head =
        ["from", "to", "project", "allocation", "sku", "unit", "quantity", "gpu_hours", "energy_mj", "energy_kwh"];
    let (mut text, mut cursor, mut pages) = (csv::row(&head), None, 0);
    loop {
        let found = rows(&visitor, &tenant, (&ask, &month), (super::ROWS_MAX, cursor.as_deref())).await?;
        for row in &found.items {
            let gpu = if row.unit == "gpu_ms" { show::hours(row.quantity) } else { String::new() };
            let (quantity, energy) = (row.quantity.to_string(), row.energy_mj.to_string());
            let (project, allocation) = (row.project.as_deref().unwrap_or(""), row.allocation.as_deref().unwrap_or(""));
            let kwh = show::kwh(row.energy_mj);
            text += &csv::row(&[
                &row.from, &row.to, project, allocation, &row.sku, &row.unit, &quantity, &gpu, &energy, &kwh,
            ]);
        }
        pages += 1;
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
        if pages >= DOWNLOAD_PAGES_MAX {
            let detail = "Take it by the day, or ask the API, which gives it page by page.";
            return Err(Failure::new(
                axum::http::StatusCode::PAYLOAD_TOO_LARGE,
                "This is too much for one file",
                detail,
            ));
        }
    }
    let name = format!("attachment; filename=\"usage-{}.csv\"", month.month);
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}
