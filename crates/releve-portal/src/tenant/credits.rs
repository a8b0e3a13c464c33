//! What is left of what was granted or paid in advance?

use axum::extract::Path;
use maud::html;
use serde::Deserialize;

use super::named;
use crate::{
    api::{Failure, Paged, path},
    layout::{self, Page},
    show::{self, Amount},
    visitor::Visitor,
};

#[derive(Deserialize)]
struct Credit {
    kind: String,
    description: String,
    amount: Amount,
    remaining: Amount,
    state: String,
    from: String,
    expires: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Path(reference): Path<String>) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    let found: Paged<Credit> = visitor.get(&path(&["v1", "tenants", &tenant.id, "credits"])).await?;
    let shown = html! {
        @for credit in &found.items {
            tr {
                th.what scope="row" { (credit.description) small { (credit.kind) } }
                td { span.badge { (credit.state) } }
                td { (show::date(&credit.from)) }
                td { @if let Some(end) = &credit.expires { (show::date(end)) } @else { "no end" } }
                td.r { (credit.amount.shown()) }
                td.r.strong { (credit.remaining.shown()) }
            }
        }
    };
    let head =
        [("Credit", false), ("State", false), ("From", false), ("Expires", false), ("Amount", true), ("Left", true)];
    let main = html! {
        p.soft { "Drawn by itself when a month is invoiced, what ends first before what ends later." }
        section.card { (layout::table("Credits", &head, &shown, found.items.len())) }
    };
    Ok(layout::tenant(&visitor, &tenant, "credits", "Credits", main))
}
