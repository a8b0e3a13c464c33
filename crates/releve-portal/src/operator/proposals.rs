//! What waits for a second person? Credits above what one may give, approved or refused by another.

use axum::{extract::Path, extract::Query, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Ask, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show::{self, Amount},
    visitor::{OPERATOR_BILLING, Visitor},
};

const HERE: &str = "/portal/operator/proposals";

#[derive(Deserialize)]
struct Proposal {
    id: String,
    kind: String,
    account: String,
    amount: Amount,
    state: String,
    proposed_at: String,
    proposed_by: String,
    expires_at: String,
    decided_by: Option<String>,
    reason: Option<String>,
    request: Value,
}

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, ask.cursor.as_deref(), &Said::default()).await
}

async fn render(visitor: &Visitor, cursor: Option<&str>, said: &Said) -> Result<Page, Failure> {
    let list = with_query(path(&["v1", "proposals"]), &[("limit", Some("50")), ("cursor", cursor)]);
    let found: Paged<Proposal> = visitor.get(&list).await?;
    let shown = html! {
        @for (index, proposal) in found.items.iter().enumerate() {
            tr {
                th.what scope="row" { (proposal.kind) @if let Some(text) = proposal.request["description"].as_str() { ": " (text) } small { (proposal.account) } }
                td.r.strong { (proposal.amount.shown()) }
                td.what { (proposal.proposed_by) small { (show::instant(&proposal.proposed_at)) } }
                td.what { (standing(proposal)) }
                td { @if proposal.state == "waiting" && visitor.may_any(&OPERATOR_BILLING) { (form(visitor, proposal, cursor, index, said)) } }
            }
        }
    };
    let head = [("What", false), ("Amount", true), ("Proposed by", false), ("State", false), ("Decide", false)];
    let main = html! {
        (said)
        p.soft { "What is more than one person may give waits here for another. Nobody approves what they proposed themselves." }
        section.card { (layout::table("Proposals, the latest first", &head, &shown, found.items.len())) }
        (layout::more(HERE, found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "proposals", "Proposals", main))
}

fn standing(proposal: &Proposal) -> Markup {
    html! {
        @match proposal.state.as_str() {
            "waiting" => { span.badge.open { "waiting" } " until " (show::instant(&proposal.expires_at)) }
            "approved" => { span.badge.good { "approved" } }
            other => { span.badge { (other) } }
        }
        @if let Some(by) = &proposal.decided_by { " by " (by) }
        @if let Some(reason) = &proposal.reason { small { (reason) } }
    }
}

fn form(visitor: &Visitor, proposal: &Proposal, cursor: Option<&str>, index: usize, said: &Said) -> Markup {
    let reason = format!("reason-{index}");
    let to = path(&["portal", "operator", "proposals", &proposal.id]);
    let typed = said.typed(&to, &[]);
    html! {
        form.stack method="post" action=(with_query(to, &[("cursor", cursor)])) {
            (forms::token(visitor))
            label.unseen for=(reason) { "Why " (proposal.amount.amount) " for " (proposal.account) " is refused" }
            input id=(reason) name="reason" maxlength="128" placeholder="Reason, if refused" value=[typed.in_field("reason")];
            div.row {
                button type="submit" name="verdict" value="approve" { "Approve" }
                button.quiet type="submit" name="verdict" value="refuse" { "Refuse" }
            }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Decision {
    #[serde(default)]
    token: String,
    verdict: String,
    #[serde(default)]
    reason: String,
}

pub(crate) async fn decide(
    visitor: Visitor,
    Path(proposal): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Form(form, sent): Form<Decision>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let (what, body) = match form.verdict.as_str() {
        "approve" => ("approve", json!({})),
        "refuse" => ("refuse", json!({ "reason": form.reason.trim() })),
        _ => return Err(Failure::not_found()),
    };
    let outcome = visitor.post::<Value>(&path(&["v1", "proposals", &proposal, what]), &body).await;
    forms::done(outcome, sent, HERE, async |said| render(&visitor, ask.cursor.as_deref(), said).await).await
}
