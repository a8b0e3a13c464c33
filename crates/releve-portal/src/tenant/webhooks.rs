//! Who is told what happens, and did it arrive? Webhook endpoints with the log of what each was sent, and what is sent once more.

use axum::{
    extract::{Path, Query},
    http::HeaderMap,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::named;
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    show,
    visitor::{Named, TENANT_ADMIN, Visitor},
};

#[derive(Deserialize)]
struct Endpoint {
    id: String,
    url: String,
    description: String,
    topics: Vec<String>,
    enabled: bool,
    disabled_for: Option<String>,
    failing_since: Option<String>,
}

#[derive(Deserialize)]
struct WithSecret {
    secret: String,
    url: String,
}

#[derive(Deserialize)]
struct Delivery {
    event: String,
    topic: String,
    happened_at: String,
    state: String,
    due_at: Option<String>,
    tries: Vec<Try>,
}

#[derive(Deserialize)]
struct Try {
    at: String,
    took_ms: i64,
    status: Option<u16>,
    failure: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    cursor: Option<String>,
}

fn here(tenant: &Named, rest: &[&str]) -> String {
    let mut parts = vec!["portal", "tenants", &tenant.id, "webhooks"];
    parts.extend_from_slice(rest);
    path(&parts)
}

fn of_api(tenant: &Named, rest: &[&str]) -> String {
    let mut parts = vec!["v1", "tenants", &tenant.id, "webhook-endpoints"];
    parts.extend_from_slice(rest);
    path(&parts)
}

pub(crate) async fn page(visitor: Visitor, Path(reference): Path<String>) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    render(&visitor, &tenant, &Said::default()).await
}

async fn render(visitor: &Visitor, tenant: &Named, said: &Said) -> Result<Page, Failure> {
    let found: Paged<Endpoint> = visitor.get(&of_api(tenant, &[])).await?;
    let shown = html! {
        @for endpoint in &found.items {
            tr {
                th.what scope="row" { a href=(here(tenant, &[&endpoint.id])) { (endpoint.url) } small { (endpoint.description) } }
                td.what { (topics(&endpoint.topics)) }
                td { (state(endpoint)) }
            }
        }
    };
    let main = html! {
        (said)
        p.soft { "Messages are signed as Standard Webhooks says, sent again for three days until they are taken, and carry the same id each time." }
        section.card { (layout::table("Endpoints", &[("Where to", false), ("Told of", false), ("State", false)], &shown, found.items.len())) }
        @if visitor.may_any(&TENANT_ADMIN) { section.card { h2 { "New endpoint" } (form(visitor, tenant, said)) } }
    };
    Ok(layout::tenant(visitor, tenant, "webhooks", "Webhooks", main))
}

fn topics(topics: &[String]) -> String {
    if topics.is_empty() { "everything that concerns you".to_owned() } else { topics.join(", ") }
}

fn state(endpoint: &Endpoint) -> Markup {
    html! {
        @match (endpoint.enabled, &endpoint.failing_since) {
            (false, _) => { span.badge.bad { "disabled" } @if let Some(why) = &endpoint.disabled_for { " " (why) } }
            (true, Some(since)) => { span.badge.open { "failing" } " since " (show::instant(since)) }
            (true, None) => { span.badge.good { "good" } }
        }
    }
}

fn form(visitor: &Visitor, tenant: &Named, said: &Said) -> Markup {
    let typed = said.typed(&here(tenant, &[]), &[]);
    html! {
        form.fields method="post" action=(here(tenant, &[])) {
            (forms::token(visitor))
            div { label for="url" { "Address, https" } input #url type="url" name="url" required="required" maxlength="2048" placeholder="https://" value=[typed.in_field("url")]; }
            div { label for="description" { "What it is for" } input #description name="description" maxlength="128" value=[typed.in_field("description")]; }
            div { label for="topics" { "Topics (all if empty)" } input #topics name="topics" maxlength="500" placeholder="budget.reached" value=[typed.in_field("topics")]; }
            button type="submit" { "Make the endpoint" }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct NewEndpoint {
    #[serde(default)]
    token: String,
    url: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    topics: String,
}

fn told(made: &WithSecret) -> Said {
    Said::done(html! {
        section.notice role="status" {
            h2 { "Messages to " (made.url) " are signed with" }
            p { code.secret #new-secret { (made.secret) } }
            p { "Keep it now: this is the only time that it is shown." }
        }
    })
}

pub(crate) async fn make(
    visitor: Visitor,
    Path(reference): Path<String>,
    headers: HeaderMap,
    Form(form, sent): Form<NewEndpoint>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let topics: Vec<&str> = form.topics.split([',', ' ']).filter(|topic| !topic.is_empty()).collect();
    let body = json!({ "url": form.url.trim(), "description": form.description.trim(), "topics": topics });
    let outcome: Result<WithSecret, Failure> = visitor.post(&of_api(&tenant, &[]), &body).await;
    forms::shown(outcome, sent, told, async |said| render(&visitor, &tenant, said).await).await
}

/// An endpoint, with what became of each message.
pub(crate) async fn one(
    visitor: Visitor,
    Path((reference, endpoint)): Path<(String, String)>,
    Query(ask): Query<Ask>,
) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    render_one(&visitor, &tenant, &endpoint, (ask.cursor.as_deref(), &Said::default())).await
}

async fn render_one(
    visitor: &Visitor,
    tenant: &Named,
    id: &str,
    (cursor, said): (Option<&str>, &Said),
) -> Result<Page, Failure> {
    let endpoint: Endpoint = visitor.get(&of_api(tenant, &[id])).await?;
    let log = with_query(of_api(tenant, &[id, "deliveries"]), &[("limit", Some("50")), ("cursor", cursor)]);
    let found: Paged<Delivery> = visitor.get(&log).await?;
    let changes = visitor.may_any(&TENANT_ADMIN);
    let shown = html! {
        @for delivery in &found.items {
            tr {
                th.what scope="row" { code { (delivery.topic) } small { (delivery.event) } }
                td { (show::instant(&delivery.happened_at)) }
                td { (standing(delivery)) }
                td.what { ol.plain { @for tried in &delivery.tries { li {
                    (show::clock(&tried.at)) ": "
                    @if let Some(status) = tried.status { (status) " " }
                    @if let Some(failure) = &tried.failure { (failure) } @else { "taken" }
                    " " span.unit { (tried.took_ms) " ms" }
                } } } }
                td { @if changes && delivery.state != "waiting" {
                    (forms::button(visitor, &here(tenant, &[id, "resend"]), "Send again", &[("event", &delivery.event)], &format!("Send again: {}", delivery.event)))
                } }
            }
        }
    };
    let head = [("Message", false), ("Happened", false), ("State", false), ("Tries", false), ("Change", false)];
    let main = html! {
        (said)
        p { (state(&endpoint)) " " (topics(&endpoint.topics)) @if !endpoint.description.is_empty() { " · " (endpoint.description) } }
        @if changes {
            div.actions {
                (forms::button(visitor, &here(tenant, &[id, "test"]), "Send a test", &[], "Send a test"))
                (forms::button(visitor, &here(tenant, &[id, "rotate"]), "Change the secret", &[], "Change the secret"))
                (forms::button(visitor, &here(tenant, &[id, "remove"]), "Remove", &[], "Remove"))
            }
        }
        section.card { (layout::table("What it was sent, the latest first", &head, &shown, found.items.len())) }
        (layout::more(&here(tenant, &[id]), found.next.as_deref()))
    };
    Ok(layout::tenant(visitor, tenant, "webhooks", &endpoint.url, main))
}

fn standing(delivery: &Delivery) -> Markup {
    html! {
        @match delivery.state.as_str() {
            "delivered" => { span.badge.good { "delivered" } }
            "waiting" => { span.badge.open { "waiting" } @if let Some(at) = &delivery.due_at { " next " (show::clock(at)) } }
            other => { span.badge.bad { (other.replace('_', " ")) } }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Act {
    #[serde(default)]
    token: String,
    event: Option<String>,
}

/// A button of an endpoint's page, by the last part of its path.
pub(crate) async fn act(
    visitor: Visitor,
    Path((reference, endpoint, what)): Path<(String, String, String)>,
    headers: HeaderMap,
    Form(form, sent): Form<Act>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let back = here(&tenant, &[&endpoint]);
    let again = async |said: &Said| render_one(&visitor, &tenant, &endpoint, (None, said)).await;
    match (what.as_str(), form.event.as_deref()) {
        ("test", None) => {
            let outcome = visitor.post::<Value>(&of_api(&tenant, &[&endpoint, "test"]), &json!({})).await;
            forms::done(outcome, sent, &back, again).await
        }
        ("resend", Some(event)) => {
            let to = of_api(&tenant, &[&endpoint, "deliveries", event, "resend"]);
            forms::done(visitor.post::<Value>(&to, &json!({})).await, sent, &back, again).await
        }
        ("remove", None) => {
            let outcome = visitor.delete(&of_api(&tenant, &[&endpoint])).await;
            forms::done(outcome, sent, &here(&tenant, &[]), again).await
        }
        ("rotate", None) => {
            let outcome: Result<WithSecret, Failure> =
                visitor.post(&of_api(&tenant, &[&endpoint, "rotate-secret"]), &json!({})).await;
            forms::shown(outcome, sent, told, again).await
        }
        _ => Err(Failure::not_found()),
    }
}
