//! What do customers question, and what is the answer? A credit note that was issued for it, or why the line stands.

use axum::{
    extract::{Path, Query},
    http::HeaderMap,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Ask, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show,
    tenant::questions::{Question, standing},
    visitor::{OPERATOR_BILLING, Visitor},
};

const HERE: &str = "/portal/operator/questions";

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, ask.cursor.as_deref(), &Said::default()).await
}

async fn render(visitor: &Visitor, cursor: Option<&str>, said: &Said) -> Result<Page, Failure> {
    let list =
        with_query(path(&["v1", "questions"]), &[("state", Some("any")), ("limit", Some("50")), ("cursor", cursor)]);
    let found: Paged<Question> = visitor.get(&list).await?;
    let shown = html! {
        @for (index, question) in found.items.iter().enumerate() {
            tr {
                th.what scope="row" { (question.question) small { (question.asked_by) ", " (show::date(&question.asked_at)) } }
                td.what {
                    a href=(path(&["portal", "tenants", &question.tenant, "invoices", &question.invoice])) { "Line " (question.line) " of its invoice" }
                }
                td.what { (standing(question)) }
                td { @if question.state == "open" && visitor.may_any(&OPERATOR_BILLING) { (form(visitor, question, cursor, index, said)) } }
            }
        }
    };
    let main = html! {
        (said)
        p.soft { "What was issued stays. What is given back is a credit note of its own: issue it first, then name it here." }
        section.card { (layout::table("Questioned lines, the latest first", &[("Question", false), ("Of", false), ("State", false), ("Answer", false)], &shown, found.items.len())) }
        (layout::more(HERE, found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "questions", "Questions", main))
}

fn form(visitor: &Visitor, question: &Question, cursor: Option<&str>, index: usize, said: &Said) -> Markup {
    let (reason, note) = (format!("reason-{index}"), format!("note-{index}"));
    let to = path(&["portal", "operator", "questions", &question.id]);
    let typed = said.typed(&to, &[]);
    html! {
        form.stack method="post" action=(with_query(to, &[("cursor", cursor)])) {
            (forms::token(visitor))
            label.unseen for=(reason) { "Answer to: " (question.question) }
            input id=(reason) name="reason" required="required" maxlength="128" placeholder="Answer, for the customer" value=[typed.in_field("reason")];
            label.unseen for=(note) { "Credit note for: " (question.question) }
            input id=(note) name="credit_note" maxlength="100" placeholder="Credit note’s number, if credited" value=[typed.in_field("credit_note")];
            div.row {
                button.quiet type="submit" name="verdict" value="stands" { "It stands" }
                button.quiet type="submit" name="verdict" value="credited" { "Credited" }
            }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    token: String,
    verdict: String,
    reason: String,
    #[serde(default)]
    credit_note: String,
}

pub(crate) async fn answer(
    visitor: Visitor,
    Path(question): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Form(form, sent): Form<Given>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let mut body = json!({ "verdict": form.verdict, "reason": form.reason.trim() });
    if !form.credit_note.trim().is_empty() {
        body["credit_note"] = json!(form.credit_note.trim());
    }
    let outcome = visitor.post::<Value>(&path(&["v1", "questions", &question, "answer"]), &body).await;
    forms::done(outcome, sent, HERE, async |said| render(&visitor, ask.cursor.as_deref(), said).await).await
}
