//! Which nodes were in service and said nothing, and is that accepted? Accepting one is on record, with its reason.

use axum::{extract::Query, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Gap, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show,
    visitor::Visitor,
};

const HERE: &str = "/portal/operator/gaps";

/// From when until when; the last 24 full hours, if nothing is said.
#[derive(Deserialize)]
pub(crate) struct Ask {
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, &ask, &Said::default()).await
}

async fn render(visitor: &Visitor, ask: &Ask, said: &Said) -> Result<Page, Failure> {
    let (from, to) = (forms::hour("from", ask.from.as_deref())?, forms::hour("to", ask.to.as_deref())?);
    let stretch = [("from", from.as_deref()), ("to", to.as_deref())];
    let [since, until] = stretch;
    let asked = [since, until, ("limit", Some("50")), ("cursor", ask.cursor.as_deref())];
    let found: Paged<Gap> = visitor.get(&with_query(path(&["v1", "gaps"]), &asked)).await?;
    let here = with_query(HERE.to_owned(), &[since, until, ("cursor", ask.cursor.as_deref())]);
    let shown = html! {
        @for (index, gap) in found.items.iter().enumerate() {
            tr {
                th.what scope="row" { (gap.name) small { (gap.node) } }
                td { (show::instant(&gap.from)) br; "to " (show::instant(&gap.to)) }
                td.what {
                    @if gap.concerned.is_empty() { span.soft { "nobody: it holds no invoice back" } }
                    @for concerned in &gap.concerned {
                        div { a href=(path(&["portal", "tenants", &concerned.tenant])) { (concerned.tenant) } ": " (show::grouped(&concerned.gpu_hours)) " GPU-h" }
                    }
                }
                td { @if visitor.may("operator:write") { (form(visitor, gap, &here, index, said)) } @else { span.soft { "takes operator:write" } } }
            }
        }
    };
    let head = [("Node", false), ("Silent", false), ("Whom it concerns", false), ("Accept", false)];
    let main = html! {
        (said)
        p.soft { "The last 24 full hours, or those that you ask for, at most 32 days. A gap holds back the invoices of those who held the node beside it, until it is reported after all, or accepted." }
        form.pick.wide method="get" action=(HERE) {
            (forms::hour_field("from", "From, in UTC", from.as_deref()))
            (forms::hour_field("to", "Until, in UTC", to.as_deref()))
            button.quiet type="submit" { "Show" }
        }
        section.card { (layout::table("Gaps that nobody accepted", &head, &shown, found.items.len())) }
        (layout::more(&with_query(HERE.to_owned(), &stretch), found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "gaps", "Gaps", main))
}

fn form(visitor: &Visitor, gap: &Gap, here: &str, index: usize, said: &Said) -> Markup {
    let id = format!("reason-{index}");
    let typed = said.typed(HERE, &[("node", &gap.node), ("from", &gap.from)]);
    html! {
        form.row method="post" action=(here) {
            (forms::token(visitor))
            input type="hidden" name="node" value=(gap.node);
            input type="hidden" name="from" value=(gap.from);
            input type="hidden" name="to" value=(gap.to);
            label.unseen for=(id) { "Why the gap of " (gap.name) " is accepted" }
            input id=(id) name="reason" required="required" maxlength="128" placeholder="Reason, for the auditor" value=[typed.in_field("reason")];
            button type="submit" { "Accept" }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Acceptance {
    #[serde(default)]
    token: String,
    node: String,
    from: String,
    to: String,
    reason: String,
}

/// Accepts a gap of the page that is asked for again.
pub(crate) async fn accept(
    visitor: Visitor,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Form(form, sent): Form<Acceptance>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let body = json!({ "node": form.node, "from": form.from, "to": form.to, "reason": form.reason });
    let outcome = visitor.post::<Value>("/v1/gaps/accept", &body).await;
    let here = with_query(HERE.to_owned(), &[("from", ask.from.as_deref()), ("to", ask.to.as_deref())]);
    forms::done(outcome, sent, &here, async |said| render(&visitor, &ask, said).await).await
}
