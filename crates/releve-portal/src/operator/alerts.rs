//! What has somebody to look at? What the house was told, the latest first, until somebody says that they have seen it.

use axum::{
    extract::{Path, Query},
    http::HeaderMap,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{account_names, must_operate};
use crate::{
    api::{Failure, Paged, path, with_query},
    forms::{self, Form, Said},
    layout::{self, Page},
    tenant::alerts::{self, Alert},
    visitor::Visitor,
};

const HERE: &str = "/portal/operator/alerts";

#[derive(Deserialize)]
pub(crate) struct Ask {
    state: Option<String>,
    cursor: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(ask): Query<Ask>) -> Result<Page, Failure> {
    must_operate(&visitor)?;
    render(&visitor, &ask, &Said::default()).await
}

async fn render(visitor: &Visitor, ask: &Ask, said: &Said) -> Result<Page, Failure> {
    // What is open first: invoices that were issued are told of, too, and are over at once.
    let chosen = ask.state.as_deref().unwrap_or("open");
    let state = Some(chosen).filter(|state| *state != "any");
    let asked = [("state", state), ("limit", Some("50")), ("cursor", ask.cursor.as_deref())];
    let found: Paged<Alert> = visitor.get(&with_query(path(&["v1", "alerts"]), &asked)).await?;
    let accounts = account_names(visitor, found.items.iter().filter_map(|alert| alert.account.as_deref())).await?;
    let whose = |alert: &Alert| {
        let name = alert.account.as_ref().and_then(|id| accounts.get(id));
        html! { @if let Some(name) = name { small { "of the account " (name) } } }
    };
    let act = |alert: &Alert| html! { @if visitor.may("operator:write") { (seen(visitor, alert)) } };
    let states = [("open", "open"), ("acknowledged", "seen"), ("resolved", "over"), ("any", "all")];
    let main = html! {
        (said)
        p.soft { "What has one cause folds into one alert with a count: a rack that falls silent is one. It is over when what it tells of is." }
        form.pick.wide method="get" action=(HERE) {
            div { label for="state" { "Which" } select #state name="state" data-sends="" { (forms::options(Some(chosen), &states)) } }
            button.quiet type="submit" { "Show" }
        }
        section.card { (alerts::table("What you were told", &found.items, whose, act)) }
        (layout::more(&with_query(HERE.to_owned(), &[("state", Some(chosen))]), found.next.as_deref()))
    };
    Ok(layout::operator(visitor, "alerts", "Alerts", main))
}

fn seen(visitor: &Visitor, alert: &Alert) -> Markup {
    forms::button(
        visitor,
        &path(&["portal", "operator", "alerts", &alert.id]),
        "Seen",
        &[],
        &format!("Seen: {}", alert.subject),
    )
}

pub(crate) async fn acknowledge(
    visitor: Visitor,
    Path(alert): Path<String>,
    headers: HeaderMap,
    Form(form, sent): Form<forms::Pressed>,
) -> Result<Response, Failure> {
    must_operate(&visitor)?;
    visitor.check_form(&headers, &form.token)?;
    let outcome = visitor.post::<Value>(&path(&["v1", "alerts", &alert, "acknowledge"]), &json!({})).await;
    let all = Ask { state: None, cursor: None };
    forms::done(outcome, sent, HERE, async |said| render(&visitor, &all, said).await).await
}
