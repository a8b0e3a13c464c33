//! What does this month cost so far, and what made it cost that?

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Part, Parts, ROWS_MAX, Spend, Usage, named, spend};
use crate::{
    api::{Failure, Paged, path, with_query},
    chart::{self, Bar},
    layout::{self, Page},
    show,
    visitor::Visitor,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What a list shows of the largest.
const TOP_LEN: usize = 8;

#[derive(Deserialize)]
pub(crate) struct Ask {
    month: Option<String>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path(reference): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let spent = spend(&visitor, &tenant, ask.month.as_deref()).await?;
    let usage = with_query(
        path(&["v1", "tenants", &tenant.id, "usage"]),
        &[("from", Some(&spent.period_start)), ("to", Some(&spent.period_end)), ("limit", Some(ROWS_MAX))],
    );
    let used: Paged<Usage> = visitor.get(&usage).await?;
    let gpu_ms: i64 = used.items.iter().filter(|row| row.unit == "gpu_ms").map(|row| row.quantity).sum();
    let energy_mj: i64 = used.items.iter().map(|row| row.energy_mj).sum();
    let here = path(&["portal", "tenants", &tenant.id]);
    // One page says one time: the earlier one.
    let counted = used.items.first().map_or(&spent.as_of, |row| &row.as_of);
    let as_of = if show::millis(counted) < show::millis(&spent.as_of) { counted } else { &spent.as_of };
    let over = show::millis(&spent.period_end) <= show::millis(&spent.as_of);
    let main = html! {
        section.hero aria-labelledby="spend" {
            div {
                h2 #spend { "Spend in " (show::day(&spent.month)) }
                p.big { (spent.total.shown()) }
                @if spent.of_account.is_something() {
                    p { "and " (spent.of_account.shown()) " that your account owes as a whole: reservations that were not used, fees, minimum spends" }
                }
                p.soft { "Without VAT · counted up to " time datetime=(as_of) { (show::clock(as_of)) ", " (show::day(as_of)) } }
            }
            form.pick method="get" action=(here) {
                label for="month" { "Month" }
                input #month type="month" name="month" value=(spent.month) data-sends="";
                button.quiet type="submit" { "Show" }
            }
        }
        @if !spent.unpriced.is_empty() { (unpriced(&spent)) }
        dl.facts {
            @if let Some(forecast) = spent.forecast.as_ref().filter(|_| !over) {
                div { dt { "Forecast to the month’s end" } dd { (forecast.amount.shown()) }
                    dd.basis { "Usage of the first " (forecast.hours_begun) " hours since " (show::date(&forecast.from)) ", stretched to " (forecast.hours) "; other charges as they stand"
                    @if spent.of_account.is_something() { ", without what your account owes as a whole" } } }
            }
            div { dt { "GPU-hours" } dd { (show::grouped(&show::hours(gpu_ms))) } }
            div { dt { "Energy" } dd { (show::grouped(&show::kwh(energy_mj))) " " span.unit { "kWh" } } }
            div { dt { "Lines so far" } dd { (spent.charges) } }
        }
        section.card { h2 { "GPU-hours by day" } (chart::bars("GPU-hours by day", &days(&spent, &used.items))) }
        div.columns {
            section.card { (largest("Spend by SKU", "SKU", &spent.total.currency, &spent.by_sku)) }
            section.card { (largest("Spend by project", "Project", &spent.total.currency, &spent.by_project)) }
        }
    };
    Ok(layout::tenant(&visitor, &tenant, "", "Overview", main))
}

fn unpriced(spent: &Spend) -> Markup {
    html! {
        div.warning role="status" {
            p { strong { "Usage without a price yet. " } "It is in no amount on this page, and it is not for free." }
            ul { @for row in &spent.unpriced { li { (row.sku) " · " (row.project) " · " (show::grouped(&row.metered.to_string())) " base units" } } }
        }
    }
}

/// Each day of the month up to now. A day begins at the seller's midnight, so by clock changes one has an hour more or less.
fn days(spent: &Spend, used: &[Usage]) -> Vec<Bar> {
    let Some((start, until)) = show::millis(&spent.period_start).zip(show::millis(&spent.as_of)) else {
        return Vec::new();
    };
    let index = |at: i64| (at - start + HOUR_MS * 2) / DAY_MS;
    let mut of_days: BTreeMap<i64, i64> = (0..=index(until - 1 - HOUR_MS * 2).max(0)).map(|day| (day, 0)).collect();
    for row in used.iter().filter(|row| row.unit == "gpu_ms") {
        if let Some(at) = show::millis(&row.from) {
            *of_days.entry(index(at)).or_default() += row.quantity;
        }
    }
    let month = show::day(&spent.month);
    let name = month.split(' ').next().unwrap_or_default();
    of_days.into_iter().map(|(day, ms)| Bar { label: format!("{} {name}", day + 1), ms }).collect()
}

fn largest(caption: &str, of: &str, currency: &str, parts: &Parts) -> Markup {
    let shown: Vec<&Part> = parts.largest.iter().take(TOP_LEN).collect();
    let rows = html! {
        @for part in &shown {
            tr {
                th.what scope="row" { @if part.name.is_empty() { "(no project)" } @else { (part.name) } }
                td.r { @if part.gpu_ms != 0 { (show::grouped(&show::hours(part.gpu_ms))) } }
                td.r { @if part.energy_mj != 0 { (show::grouped(&show::kwh(part.energy_mj))) } }
                td.r.strong { (show::grouped(&part.amount.amount)) }
            }
        }
    };
    let others = parts.count.saturating_sub(shown.len());
    let head = [(of, false), ("GPU-hours", true), ("kWh", true), (currency, true)];
    html! {
        (layout::table(caption, &head, &rows, parts.count))
        @if others > 0 { p.soft { "And " (others) " more, which are in the total." } }
    }
}
