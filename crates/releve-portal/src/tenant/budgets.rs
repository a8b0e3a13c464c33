//! How far are the budgets used up, and what was told of them? Made and removed here by whoever may.

use axum::{extract::Path, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{alerts, named};
use crate::{
    api::{Failure, Paged, path},
    forms::{self, Form, Said},
    layout::{self, Page},
    show,
    visitor::{Named, TENANT_BILLING, Visitor},
};

#[derive(Deserialize)]
struct Standing {
    budget: Budget,
    used: String,
    limit: String,
    unit: String,
    used_percent: u32,
    forecast: Option<String>,
    forecast_percent: Option<u32>,
    as_of: String,
}

#[derive(Deserialize)]
struct Budget {
    id: String,
    name: String,
    project: Option<String>,
    sku: Option<String>,
    basis: String,
    thresholds: Vec<u32>,
    hard: bool,
}

pub(crate) async fn page(visitor: Visitor, Path(reference): Path<String>) -> Result<Page, Failure> {
    let tenant = named(&visitor, &reference).await?;
    render(&visitor, &tenant, &Said::default()).await
}

async fn render(visitor: &Visitor, tenant: &Named, said: &Said) -> Result<Page, Failure> {
    let found: Paged<Standing> = visitor.get(&path(&["v1", "tenants", &tenant.id, "budget-standings"])).await?;
    let changes = visitor.may_any(&TENANT_BILLING);
    let shown = html! {
        @for row in &found.items {
            tr {
                th.what scope="row" { (row.budget.name) small { (about(&row.budget)) } }
                td { (gauge(row)) }
                td.r { (show::grouped(&row.used)) br; span.unit { "of " (show::grouped(&row.limit)) " " (row.unit) } }
                td.r {
                    @match (&row.forecast, row.forecast_percent) {
                        (Some(amount), Some(percent)) => { (show::grouped(amount)) br; span.unit { (percent) " %" } }
                        _ => { span.soft { "after a day" } }
                    }
                }
                td { @if changes {
                    (forms::button(visitor, &path(&["portal", "tenants", &tenant.id, "budgets", &row.budget.id, "remove"]), "Remove", &[],
                        &format!("Remove: {}", row.budget.name)))
                } }
            }
        }
    };
    let head = [("Budget", false), ("Used", false), ("This month", true), ("Forecast", true), ("Change", false)];
    let told = alerts::latest(visitor, tenant).await?;
    let main = html! {
        (said)
        @if let Some(row) = found.items.first() { p.soft { "Counted up to " time datetime=(row.as_of) { (show::clock(&row.as_of)) } ". Amounts are without VAT." } }
        section.card { (layout::table("Budgets of this month", &head, &shown, found.items.len())) }
        @if changes { section.card { h2 { "New budget" } (form(visitor, tenant, said)) } }
        section.card { (alerts::table("What you were told", &told, |_| html! {}, |alert| html! { @if changes && alert.tenant.is_some() { (seen(visitor, tenant, alert)) } })) }
    };
    Ok(layout::tenant(visitor, tenant, "budgets", "Budgets and alerts", main))
}

fn seen(visitor: &Visitor, tenant: &Named, alert: &alerts::Alert) -> Markup {
    let to = path(&["portal", "tenants", &tenant.id, "alerts", &alert.id]);
    forms::button(visitor, &to, "Seen", &[], &format!("Seen: {}", alert.subject))
}

/// Says that somebody has looked at an alert.
pub(crate) async fn acknowledge(
    visitor: Visitor,
    Path((reference, alert)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form, sent): Form<forms::Pressed>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let to = path(&["v1", "tenants", &tenant.id, "alerts", &alert, "acknowledge"]);
    let outcome = visitor.post::<Value>(&to, &json!({})).await;
    let here = path(&["portal", "tenants", &tenant.id, "budgets"]);
    forms::done(outcome, sent, &here, async |said| render(&visitor, &tenant, said).await).await
}

fn about(budget: &Budget) -> String {
    let whole = || "everything".to_owned();
    let of = match (&budget.project, &budget.sku) {
        (Some(project), Some(sku)) => format!("project {project}, {sku}"),
        (Some(project), None) => format!("project {project}"),
        (None, Some(sku)) => sku.clone(),
        (None, None) => whole(),
    };
    let at: Vec<String> = budget.thresholds.iter().map(|percent| format!("{percent} %")).collect();
    let by = if budget.basis == "forecast" { "of the forecast" } else { "of what was used" };
    let hard = if budget.hard { " · hard: nothing more may start once it is used up" } else { "" };
    format!("{of} · tells at {} {by}{hard}", at.join(", "))
}

fn gauge(row: &Standing) -> Markup {
    let class = match row.used_percent {
        100.. => "gauge bad",
        80.. => "gauge open",
        _ => "gauge",
    };
    html! {
        progress class=(class) max="100" value=(row.used_percent.min(100)) aria-label=(format!("Used of {}", row.budget.name)) { (row.used_percent) " %" }
        " " span.unit { (row.used_percent) " %" }
    }
}

fn form(visitor: &Visitor, tenant: &Named, said: &Said) -> Markup {
    let to = path(&["portal", "tenants", &tenant.id, "budgets"]);
    let typed = said.typed(&to, &[]);
    html! {
        form.fields method="post" action=(to) {
            (forms::token(visitor))
            div { label for="name" { "Name" } input #name name="name" required="required" maxlength="100" value=[typed.in_field("name")]; }
            div { label for="limit" { "Limit per month" } input #limit name="limit" inputmode="decimal" required="required" maxlength="24" value=[typed.in_field("limit")]; }
            div {
                label for="measure" { "In" }
                select #measure name="measure" { (typed.options("measure", &[("amount", "money, without VAT"), ("gpu_hours", "GPU-hours")])) }
            }
            div { label for="project" { "Project (all if empty)" } input #project name="project" maxlength="100" value=[typed.in_field("project")]; }
            div { label for="sku" { "SKU (all if empty)" } input #sku name="sku" maxlength="200" value=[typed.in_field("sku")]; }
            div {
                label for="basis" { "Judged by" }
                select #basis name="basis" { (typed.options("basis", &[("actual", "what was used"), ("forecast", "forecast")])) }
            }
            div { label for="thresholds" { "Tell at, in percent" } input #thresholds name="thresholds" value=(typed.in_field("thresholds").unwrap_or("80, 100")) maxlength="60"; }
            div.check { input #hard type="checkbox" name="hard" value="yes" checked=[typed.in_field("hard").map(|_| "checked")]; label for="hard" { "Hard: nothing more may start once it is used up" } }
            button type="submit" { "Make the budget" }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct NewBudget {
    #[serde(default)]
    token: String,
    name: String,
    limit: String,
    measure: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    sku: String,
    basis: String,
    thresholds: String,
    hard: Option<String>,
}

impl NewBudget {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = json!({ "name": self.name.trim(), "basis": self.basis, "hard": self.hard.is_some() });
        let whole = |field: &str, text: &str| text.trim().parse::<u32>().map_err(|_| Failure::field(field, text));
        if self.measure == "gpu_hours" {
            body["gpu_hours"] = json!(whole("limit", &self.limit)?);
        } else {
            body["amount"] = json!(self.limit.trim());
        }
        for (field, text) in [("project", &self.project), ("sku", &self.sku)] {
            if !text.trim().is_empty() {
                body[field] = json!(text.trim());
            }
        }
        let thresholds = self.thresholds.split([',', ' ']).filter(|part| !part.is_empty());
        body["thresholds"] = json!(thresholds.map(|part| whole("thresholds", part)).collect::<Result<Vec<_>, _>>()?);
        Ok(body)
    }
}

pub(crate) async fn make(
    visitor: Visitor,
    Path(reference): Path<String>,
    headers: HeaderMap,
    Form(form, sent): Form<NewBudget>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let outcome = match form.body() {
        Ok(body) => visitor.post::<Value>(&path(&["v1", "tenants", &tenant.id, "budgets"]), &body).await,
        Err(failure) => Err(failure),
    };
    let here = path(&["portal", "tenants", &tenant.id, "budgets"]);
    forms::done(outcome, sent, &here, async |said| render(&visitor, &tenant, said).await).await
}

pub(crate) async fn remove(
    visitor: Visitor,
    Path((reference, budget)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form, sent): Form<forms::Pressed>,
) -> Result<Response, Failure> {
    visitor.check_form(&headers, &form.token)?;
    let tenant = named(&visitor, &reference).await?;
    let outcome = visitor.delete(&path(&["v1", "tenants", &tenant.id, "budgets", &budget])).await;
    let here = path(&["portal", "tenants", &tenant.id, "budgets"]);
    forms::done(outcome, sent, &here, async |said| render(&visitor, &tenant, said).await).await
}
