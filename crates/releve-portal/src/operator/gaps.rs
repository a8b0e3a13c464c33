//! Which nodes were in service and said nothing, and is that accepted? Accepting one is on record, with its reason.

use axum::{extract::Query, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Ask, Gap, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form},
    layout::{self, Page},
    show,
    visitor::Visitor,
};

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, ask.cursor.as_deref(), None).await
}

async fn render(visitor: &Visitor, cursor: Option<&str>, refused: Option<&str>) -> Result<Page, Failure> {
    let found: Paged<Gap> =
        visitor.get(&with_query(path(&["v1", "gaps"]), &[("limit", Some("50")), ("cursor", cursor)])).await?;
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
                td { @if visitor.may("operator:write") { (form(visitor, gap, index)) } @else { span.soft { "takes operator:write" } } }
            }
        }
    };
    let head = [("Node", false), ("Silent", false), ("Whom it concerns", false), ("Accept", false)];
    let main = html! {
        (forms::notice(refused))
        p.soft { "The last 24 full hours. A gap holds back the invoices of those who held the node beside it, until it is reported after all, or accepted." }
        section.card { (layout::table("Gaps that nobody accepted", &head, &shown, found.items.len())) }
        (layout::more("/portal/operator/gaps", found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "gaps", "Gaps", main))
}

fn form(visitor: &Visitor, gap: &Gap, index: usize) -> Markup {
    let id = format!("reason-{index}");
    html! {
        form.row method="post" action="/portal/operator/gaps" {
            (forms::token(visitor))
            input type="hidden" name="node" value=(gap.node);
            input type="hidden" name="from" value=(gap.from);
            input type="hidden" name="to" value=(gap.to);
            label.unseen for=(id) { "Why the gap of " (gap.name) " is accepted" }
            input id=(id) name="reason" required="required" maxlength="200" placeholder="Reason, for the auditor";
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

pub(crate) async fn accept(
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Acceptance>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let body = json!({ "node": form.node, "from": form.from, "to": form.to, "reason": form.reason });
    let outcome = visitor.post::<Value>("/v1/gaps/accept", &body).await;
    forms::done(outcome, "/portal/operator/gaps", async |why| render(&visitor, None, Some(why)).await).await
}
