//! What did the nodes say of an hour? Signed reports with the visitor's own segments, and gaps in which nothing was said.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use releve_types::{Timestamp, time::MILLIS_PER_HOUR};
use serde::Deserialize;

use super::named;
use crate::{
    api::{Failure, Paged, path, with_query},
    forms,
    layout::{self, Page},
    show,
    visitor::{Named, Visitor},
};

#[derive(Deserialize)]
pub(crate) struct Ask {
    hour: Option<String>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Report {
    node: String,
    window_start: String,
    keyid: String,
    signature: String,
    segments: Vec<String>,
}

/// A section as the node wrote it.
#[derive(Deserialize)]
struct Section {
    tenant_key: String,
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    gpu: String,
    alloc: String,
    start_ms: i64,
    end_ms: i64,
    energy_mj: Option<i64>,
}

#[derive(Deserialize)]
struct Gap {
    node: String,
    from: String,
    to: String,
    gpu_hours: String,
    accepted: bool,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path(reference): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let asked = forms::hour("hour", ask.hour.as_deref())?;
    let end =
        asked.as_deref().and_then(show::millis).map(|ms| Timestamp::from_millis(ms + MILLIS_PER_HOUR).to_string());
    let of = |part: &'static str| path(&["v1", "tenants", &tenant.id, part]);
    let query = [("from", asked.as_deref()), ("limit", Some("20")), ("cursor", ask.cursor.as_deref())];
    let (reports_of, gaps_of) = (
        with_query(of("evidence"), &query),
        with_query(of("gaps"), &[("from", asked.as_deref()), ("to", end.as_deref())]),
    );
    let (found, gaps) = futures_util::future::join(visitor.get(&reports_of), visitor.get(&gaps_of)).await;
    let (found, gaps): (Paged<Report>, Paged<Gap>) = (found?, gaps?);
    let missing = missing(&tenant, asked.is_some(), &gaps.items);
    let hour = match asked {
        Some(hour) => Some(hour),
        None => forms::hour("hour", found.items.first().map(|report| report.window_start.as_str()))?,
    };
    let here = path(&["portal", "tenants", &tenant.id, "evidence"]);
    let main = html! {
        p.soft {
            "What the nodes signed of an hour, with your own segments and nobody else’s. The exact bytes, with the key that they verify with, are in the API under "
            code { (with_query(of("evidence"), &[("from", hour.as_deref())])) } "; those of an invoice in its evidence pack."
        }
        form.pick.wide method="get" action=(here) {
            (forms::hour_field("hour", "Hour, in UTC", hour.as_deref()))
            button.quiet type="submit" { "Show" }
        }
        section.card { (reports(&found.items)) }
        (layout::more(&with_query(here, &[("hour", hour.as_deref())]), found.next.as_deref()))
        section.card { (missing) }
    };
    Ok(layout::tenant(&visitor, &tenant, "evidence", "Evidence", main))
}

fn reports(found: &[Report]) -> Markup {
    let rows: Vec<(&Report, Section)> = found
        .iter()
        .flat_map(|report| {
            report.segments.iter().filter_map(move |text| Some((report, serde_json::from_str(text).ok()?)))
        })
        .collect();
    let count = rows.iter().map(|(_, section)| section.segments.len()).sum();
    let at = |report: &Report, ms: i64| {
        let start = show::millis(&report.window_start).unwrap_or_default();
        show::clock_ms(&Timestamp::from_millis(start + ms).to_string())
    };
    let shown = html! {
        @for (report, section) in &rows {
            @for segment in &section.segments {
                tr {
                    th.what scope="row" { (segment.alloc) small { (section.tenant_key) } }
                    td.what { code { (segment.gpu) } }
                    td { (at(report, segment.start_ms)) br; "to " (at(report, segment.end_ms)) }
                    td.r { (show::grouped(&(segment.end_ms - segment.start_ms).to_string())) " " span.unit { "ms" } }
                    td.r { @if let Some(energy) = segment.energy_mj { (show::grouped(&show::kwh(energy))) } }
                    td.what { code { (report.node) } small { "signed with " (report.keyid) ": " (report.signature.get(..16).unwrap_or_default()) "…" } }
                }
            }
        }
    };
    let head =
        [("Allocation", false), ("Device", false), ("Held", false), ("Time", true), ("kWh", true), ("Said by", false)];
    layout::table("Your segments of the signed reports", &head, &shown, count)
}

fn missing(tenant: &Named, of_hour: bool, gaps: &[Gap]) -> Markup {
    let shown = html! {
        @for gap in gaps {
            tr {
                th scope="row" { (show::instant(&gap.from)) br; "to " (show::instant(&gap.to)) }
                td.what { code { (gap.node) } }
                td.r { (show::grouped(&gap.gpu_hours)) }
                td { @if gap.accepted { span.badge.good { "billed around" } } @else { span.badge.open { "holds the invoice back" } } }
            }
        }
    };
    let when = if of_hour { "that hour" } else { "the last 24 full hours" };
    let caption = format!("Time of {} that no node told of, in {when}", tenant.name);
    layout::table(
        &caption,
        &[("Silent", false), ("Node", false), ("At most GPU-hours", true), ("State", false)],
        &shown,
        gaps.len(),
    )
}
