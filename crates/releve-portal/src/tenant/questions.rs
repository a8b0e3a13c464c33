//! What was questioned of an invoice, and what came of it?

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Said},
    layout, show,
    visitor::{Named, TENANT_BILLING, Visitor},
};

#[derive(Deserialize)]
pub(crate) struct Question {
    pub id: String,
    pub tenant: String,
    pub invoice: String,
    pub line: i32,
    pub question: String,
    pub asked_at: String,
    pub asked_by: String,
    pub state: String,
    pub answer: Option<String>,
    pub credit_note: Option<String>,
    pub answered_at: Option<String>,
}

/// Those of one invoice, as far as the latest hundred of the tenant reach.
pub(super) async fn of(visitor: &Visitor, tenant: &Named, invoice: &str) -> Result<Vec<Question>, Failure> {
    let list = with_query(path(&["v1", "tenants", &tenant.id, "questions"]), &[("limit", Some("100"))]);
    let found: Paged<Question> = visitor.get(&list).await?;
    Ok(found.items.into_iter().filter(|question| question.invoice == invoice).collect())
}

pub(super) async fn ask(
    visitor: &Visitor,
    tenant: &Named,
    invoice: &str,
    (line, question): (&str, &str),
) -> Result<Value, Failure> {
    let line: i32 = line.trim().parse().map_err(|_| Failure::field("line", line))?;
    let body = json!({ "line": line, "question": question.trim() });
    visitor.post(&path(&["v1", "tenants", &tenant.id, "invoices", invoice, "questions"]), &body).await
}

/// How a question stands.
pub(crate) fn standing(question: &Question) -> Markup {
    html! {
        @match question.state.as_str() {
            "open" => { span.badge.open { "open" } }
            "credited" => { span.badge.good { "credited" } }
            other => { span.badge { (other) } }
        }
        @if let Some(answer) = &question.answer { " " (answer) }
    }
}

pub(super) fn section(visitor: &Visitor, tenant: &Named, invoice: &str, asked: &[Question], said: &Said) -> Markup {
    let to = path(&["portal", "tenants", &tenant.id, "invoices", invoice]);
    let typed = said.typed(&to, &[]);
    let shown = html! {
        @for question in asked {
            tr {
                td.r { (question.line) }
                th.what scope="row" { (question.question) small { (question.asked_by) ", " (show::date(&question.asked_at)) } }
                td.what {
                    (standing(question))
                    @if let Some(note) = &question.credit_note { " " a href=(path(&["portal", "tenants", &tenant.id, "invoices", note])) { "The credit note" } }
                    @if let Some(at) = &question.answered_at { small { (show::date(at)) } }
                }
            }
        }
    };
    html! {
        @if !asked.is_empty() { section.card { (layout::table("Questioned", &[("No.", true), ("Question", false), ("Answer", false)], &shown, asked.len())) } }
        @if visitor.may_any(&TENANT_BILLING) {
            section.card {
                h2 { "Question a line" }
                p.soft { "It ends in a credit note, or in a no with its reason. What was issued does not change." }
                form.fields method="post" action=(to) {
                    (forms::token(visitor))
                    div { label for="line" { "Line no." } input #line name="line" inputmode="numeric" required="required" maxlength="6" value=[typed.in_field("line")]; }
                    div.wide { label for="question" { "What is wrong with it" } input #question name="question" required="required" maxlength="128" value=[typed.in_field("question")]; }
                    button type="submit" { "Send the question" }
                }
            }
        }
    }
}
