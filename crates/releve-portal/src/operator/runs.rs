//! What became of each account when a month was closed? What is parked says why, and what settles it.

use axum::extract::{Path, Query};
use maud::html;
use serde::Deserialize;

use super::{Ask, account_names, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    layout::{self, Page},
    show,
    visitor::Visitor,
};

/// Parked invoices that one page tells the reasons of.
const TOLD_LEN: usize = 50;

#[derive(Deserialize)]
struct Run {
    id: String,
    period_start: String,
    period_end: String,
    started_at: String,
    finished_at: Option<String>,
    issued: i64,
    parked: i64,
    nothing: i64,
}

pub(crate) async fn list(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "billing-runs"]), &[("cursor", ask.cursor.as_deref())]);
    let found: Paged<Run> = visitor.get(&list).await?;
    let shown = html! {
        @for run in &found.items {
            tr {
                th scope="row" { a href=(path(&["portal", "operator", "billing-runs", &run.id])) { (show::period(&run.period_start, &run.period_end)) } }
                td { (show::instant(&run.started_at)) }
                td { @if run.finished_at.is_some() { span.badge.good { "finished" } } @else { span.badge.open { "under way" } } }
                td.r { (run.issued) }
                td.r { @if run.parked > 0 { span.badge.bad { (run.parked) } } @else { "0" } }
                td.r { (run.nothing) }
            }
        }
    };
    let head = [
        ("Period", false),
        ("Started", false),
        ("State", false),
        ("Issued", true),
        ("Parked", true),
        ("Nothing to bill", true),
    ];
    let main = html! {
        section.card { (layout::table("Billing runs, the newest first", &head, &shown, found.items.len())) }
        (layout::more("/portal/operator/billing-runs", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "billing-runs", "Billing runs", main))
}

#[derive(Deserialize)]
struct Outcome {
    account: String,
    outcome: String,
    invoice: Option<String>,
}

#[derive(Deserialize)]
struct Parked {
    held_by: Vec<Hold>,
}

#[derive(Deserialize)]
struct Hold {
    kind: String,
    detail: String,
    to_do: String,
}

pub(crate) async fn one(visitor: Visitor, Path(run): Path<String>, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(
        path(&["v1", "billing-runs", &run, "accounts"]),
        &[("limit", Some("200")), ("cursor", ask.cursor.as_deref())],
    );
    let found: Paged<Outcome> = visitor.get(&list).await?;
    let of_parked = found.items.iter().filter(|row| row.outcome == "parked").take(TOLD_LEN);
    let names = account_names(&visitor, of_parked.map(|row| row.account.as_str())).await?;
    let name = |row: &Outcome| {
        names
            .get(&row.account)
            .map(|name| html! { (name) small { (row.account) } })
            .unwrap_or_else(|| html! { (row.account) })
    };
    let mut parked = Vec::new();
    for row in found.items.iter().filter(|row| row.outcome == "parked").take(TOLD_LEN) {
        if let Some(invoice) = &row.invoice {
            let told: Parked = visitor.get(&path(&["v1", "invoices", invoice])).await?;
            parked.push((row, told));
        }
    }
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (name(row)) }
                td { span class=(if row.outcome == "parked" { "badge bad" } else { "badge good" }) { (row.outcome) } }
                td.what { (row.invoice.as_deref().unwrap_or("—")) }
            }
        }
    };
    let main = html! {
        @for (row, told) in &parked {
            section.warning {
                h2 { "Parked: " (name(row)) }
                @for hold in &told.held_by { p { strong { (hold.kind) } " — " (hold.detail) } p.soft { (hold.to_do) } }
            }
        }
        section.card { (layout::table("Accounts", &[("Account", false), ("Outcome", false), ("Invoice", false)], &shown, found.items.len())) }
        (layout::more(&path(&["portal", "operator", "billing-runs", &run]), found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "billing-runs", "Billing run", main))
}
