//! What does an operator look after? The fleet first: who reports, and who fell silent.

pub(crate) mod alerts;
pub(crate) mod exports;
pub(crate) mod gaps;
pub(crate) mod lists;
pub(crate) mod proposals;
pub(crate) mod quarantine;
pub(crate) mod questions;
pub(crate) mod runs;
pub(crate) mod suspense;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Query;
use maud::html;
use serde::Deserialize;

use crate::{
    api::{Failure, Paged, path, with_query},
    layout::{self, Page},
    show,
    visitor::{Named, Visitor},
};

#[derive(Deserialize)]
pub(crate) struct Ask {
    pub cursor: Option<String>,
}

/// A gap, as the API tells it.
#[derive(Deserialize)]
pub(crate) struct Gap {
    pub node: String,
    pub name: String,
    pub from: String,
    pub to: String,
    pub concerned: Vec<Concerned>,
}

#[derive(Deserialize)]
pub(crate) struct Concerned {
    pub tenant: String,
    pub gpu_hours: String,
}

#[derive(Deserialize)]
struct Coverage {
    node: String,
    name: String,
    expected_ms: i64,
    covered_ms: i64,
    missing_ms: i64,
}

/// Refuses a tenant's session the way it refuses what is not there. The API's scopes are the wall; this says it before a page begins.
pub(crate) fn must_operate(visitor: &Visitor) -> Result<(), Failure> {
    if visitor.is_operator() { Ok(()) } else { Err(Failure::not_found()) }
}

/// What accounts are called, by their ids.
async fn account_names<'a>(
    visitor: &Visitor,
    ids: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut names = BTreeMap::new();
    for id in ids.collect::<BTreeSet<&str>>() {
        let named: Named = visitor.get(&path(&["v1", "accounts", id])).await?;
        names.insert(named.id, named.name);
    }
    Ok(names)
}

pub(crate) async fn fleet(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    let list = with_query(path(&["v1", "coverage"]), &[("limit", Some("500")), ("cursor", ask.cursor.as_deref())]);
    let found: Paged<Coverage> = visitor.get(&list).await?;
    let gaps: Paged<Gap> = visitor.get("/v1/gaps?limit=1000").await?;
    // Gaps end at the latest with the last whole hour: a node whose last one ends there has said nothing since it began.
    let latest = gaps.items.iter().map(|gap| gap.to.as_str()).max().unwrap_or_default();
    let silent =
        |node: &str| gaps.items.iter().find(|gap| gap.node == node && gap.to == latest).map(|gap| gap.from.as_str());
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (row.name) small { (row.node) } }
                td.r { (share(row.covered_ms, row.expected_ms)) }
                td.r { (show::grouped(&show::hours(row.covered_ms))) " / " (show::grouped(&show::hours(row.expected_ms))) " " span.unit { "h" } }
                td { @match (row.missing_ms, silent(&row.node)) {
                    (0, _) => span.badge.good { "complete" },
                    (_, Some(since)) => { span.badge.bad { "silent" } " since " (show::instant(since)) },
                    _ => span.badge.open { "has gaps" },
                } }
            }
        }
    };
    let complete = found.items.iter().filter(|row| row.missing_ms == 0).count();
    let (covered, expected) = found.items.iter().fold((0, 0), |(c, e), row| (c + row.covered_ms, e + row.expected_ms));
    let main = html! {
        p.soft { "The last 24 full hours. A node reports every window, idle or not: what is missing is not known to be unused." }
        dl.facts {
            div { dt { "Nodes in service" } dd { (found.items.len()) } }
            div { dt { "Reported all" } dd { (complete) } }
            div { dt { "Coverage" } dd { (share(covered, expected)) } }
            div { dt { "Gaps" } dd { a href="/portal/operator/gaps" { (gaps.items.len()) } } }
        }
        section.card { (layout::table("Nodes and what they reported", &[("Node", false), ("Coverage", true), ("Reported of in service", true), ("State", false)], &shown, found.items.len())) }
        (layout::more("/portal/operator", found.next.as_deref()))
    };
    Ok(layout::operator(&visitor, "", "Fleet", main))
}

/// Percent with two places, cut off: 100.00 is all of it.
fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "—".to_owned();
    }
    let hundredths = i128::from(part) * 10_000 / i128::from(whole);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
