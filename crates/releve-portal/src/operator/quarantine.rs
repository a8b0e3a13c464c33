//! What was understood and not believed, and what becomes of it? Looked at by group, weighed first, then judged again or rejected.

use axum::http::HeaderMap;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::must_operate;
use crate::{
    api::{Failure, Paged},
    forms::{self, Form, Said},
    layout::{self, Page},
    show::{self, Amount},
    visitor::Visitor,
};

const HERE: &str = "/portal/operator/quarantine";

#[derive(Deserialize)]
struct Group {
    kind: String,
    reason: String,
    agent: String,
    rack: String,
    messages: i64,
    nodes: i64,
    gpu_hours: String,
    last_received: String,
}

/// What the API says of a decision, done or only weighed.
#[derive(Deserialize)]
struct Decision {
    dry_run: bool,
    messages: i64,
    gpu_hours: String,
    money: Vec<Amount>,
    unweighed_messages: i64,
    fates: std::collections::BTreeMap<String, i64>,
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Decide {
    #[serde(default)]
    token: String,
    what: String,
    of: String,
    agent: String,
    rack: String,
    #[serde(default)]
    why: String,
    after: Option<String>,
}

pub(crate) async fn page(visitor: Visitor) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, &Said::default()).await
}

async fn render(visitor: &Visitor, said: &Said) -> Result<Page, Failure> {
    let found: Paged<Group> = visitor.get("/v1/quarantine/groups?status=waiting").await?;
    let shown = html! {
        @for (index, group) in found.items.iter().enumerate() {
            tr {
                th.what scope="row" { (group.reason) small { (group.kind) @if !group.agent.is_empty() { " · " (group.agent) } @if !group.rack.is_empty() { " · rack " (group.rack) } } }
                td.r { (show::grouped(&group.messages.to_string())) }
                td.r { (show::grouped(&group.nodes.to_string())) }
                td.r { (show::grouped(&group.gpu_hours)) }
                td { (show::instant(&group.last_received)) }
                td { @if visitor.may("operator:write") { (form(visitor, group, index, said)) } @else { span.soft { "takes operator:write" } } }
            }
        }
    };
    let head = [
        ("Reason", false),
        ("Messages", true),
        ("Nodes", true),
        ("GPU-hours", true),
        ("Last", false),
        ("Decide", false),
    ];
    let main = html! {
        (said)
        p.soft { "Understood, but not believed: it is in no amount until it is judged again, after what stood in its way was mended, or rejected. Weigh it first." }
        section.card { (layout::table("Waiting in quarantine, by reason", &head, &shown, found.items.len())) }
    };
    Ok(layout::operator(visitor, "quarantine", "Quarantine", main))
}

fn form(visitor: &Visitor, group: &Group, index: usize, said: &Said) -> Markup {
    let id = format!("why-{index}");
    let typed = said.typed(HERE, &[("of", &group.reason), ("agent", &group.agent), ("rack", &group.rack)]);
    html! {
        form.stack method="post" action=(HERE) {
            (forms::token(visitor))
            input type="hidden" name="of" value=(group.reason);
            input type="hidden" name="agent" value=(group.agent);
            input type="hidden" name="rack" value=(group.rack);
            div.row {
                button.quiet type="submit" name="what" value="weigh" { "Weigh" }
                button.quiet type="submit" name="what" value="redrive" { "Judge again" }
            }
            div.row {
                label.unseen for=(id) { "Why messages refused for " (group.reason) " are not to be counted" }
                input id=(id) name="why" maxlength="128" placeholder="Reason, for the auditor" value=[typed.in_field("why")];
                button.quiet type="submit" name="what" value="reject" { "Reject" }
            }
        }
    }
}

/// One page of a decision. What is left goes on with the button that comes back: broken off, it is gone on with by pressing it again.
pub(crate) async fn decide(
    visitor: Visitor,
    headers: HeaderMap,
    Form(form, sent): Form<Decide>,
) -> Result<axum::response::Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let filter = json!({ "reason": form.of, "agent": form.agent, "rack": form.rack });
    let (path, body) = match form.what.as_str() {
        "reject" => ("/v1/quarantine/reject", json!({ "filter": filter, "reason": form.why })),
        "weigh" => ("/v1/quarantine/redrive", json!({ "filter": filter, "dry_run": true })),
        "redrive" => ("/v1/quarantine/redrive", redrive(filter, form.after.as_deref())),
        _ => return Err(Failure::not_found()),
    };
    let outcome: Result<Decision, Failure> = visitor.post(path, &body).await;
    let said = |decision: &Decision| forms::weighed(told(&visitor, &form, decision), decision.dry_run, &sent);
    forms::shown(outcome, sent.clone(), said, async |said| render(&visitor, said).await).await
}

fn redrive(filter: Value, after: Option<&str>) -> Value {
    let mut body = json!({ "filter": filter });
    if let Some(after) = after {
        body["after"] = json!(after);
    }
    body
}

fn told(visitor: &Visitor, form: &Decide, decision: &Decision) -> Markup {
    let what = match (decision.dry_run, form.what.as_str()) {
        (true, _) => "Weighed, and nothing changed",
        (_, "reject") => "Rejected",
        _ => "Judged again",
    };
    html! {
        section.notice role="status" {
            h2 { (what) ": " (form.of) }
            p { (show::grouped(&decision.messages.to_string())) " messages, " (show::grouped(&decision.gpu_hours)) " GPU-hours"
                @for money in &decision.money { ", " (money.shown()) " at list price" }
                @if decision.unweighed_messages > 0 { ", of which " (decision.unweighed_messages) " can’t be read today" } }
            @if !decision.fates.is_empty() { ul.plain { @for (fate, count) in &decision.fates { li { (fate.replace('_', " ")) ": " (show::grouped(&count.to_string())) } } } }
            @if let Some(next) = decision.next.as_deref().filter(|_| !decision.dry_run) {
                p { "There is more of it." }
                (forms::button(visitor, HERE, "Go on", &[("what", "redrive"), ("of", &form.of), ("agent", &form.agent), ("rack", &form.rack), ("after", next)], "Go on: judge again"))
            }
        }
    }
}
