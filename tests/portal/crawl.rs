//! Is every page that links lead to fit to be seen? On a desk, in the dark and on a phone, and by whoever can't see it.

use std::collections::{BTreeSet, VecDeque};

use releve_tests::{
    browser::{Browser, Look},
    stage::Stage,
};
use serde_json::json;

/// Which route an address is of: ids are alike, and what is asked for does not matter.
fn route(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let is_id = |part: &str| part.split_once('_').is_some_and(|(_, rest)| rest.len() >= 20);
    path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}

/// A name for a picture of it.
fn name(route: &str) -> String {
    route.trim_start_matches("/portal").trim_matches('/').replace("{id}", "one").replace('/', "-")
}

/// Files are not pages.
fn is_page(path: &str) -> bool {
    path.starts_with("/portal")
        && !path.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default().contains('.')
}

/// Goes through every page of the house's own that links lead to, once per route, and says which these were.
async fn crawl(
    stage: &Stage,
    browser: &Browser,
    whose: &str,
    (first, looks): (&[String], &[Look]),
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut ahead: VecDeque<String> = first.iter().cloned().collect();
    while let Some(path) = ahead.pop_front() {
        if !seen.insert(route(&path)) {
            continue;
        }
        browser.open(&stage.at(&path)).await;
        let shown = name(&route(&path));
        for look in looks {
            browser.look(*look).await;
            browser.picture(&format!("{whose}-{shown}"), *look).await;
            browser.is_accessible().await;
        }
        ahead.extend(browser.links().await.into_iter().filter(|to| is_page(to) && !seen.contains(&route(to))));
    }
    seen
}

#[tokio::test]
async fn every_page_can_be_read_by_everybody() {
    let stage = Stage::set().await;
    let browser = Browser::start().await;
    browser.open(&stage.at("/portal/login")).await;
    browser.is_accessible().await;
    browser.picture("login", Look::Desk).await;
    let tenant = stage.tenant("Aurora Models").await;
    browser.open(&stage.link(&tenant, "admin").await).await;
    browser.is_accessible().await;
    browser.press("button").await;
    // The month that the demo billed, so that there is something to see.
    let (month, hour) = stage.billed().await;
    let home = format!("/portal/tenants/{tenant}");
    let first = [
        format!("{home}?month={month}"),
        format!("{home}/usage?month={month}&by=project"),
        format!("{home}/evidence?hour={hour}"),
    ];
    let seen = crawl(&stage, &browser, "tenant", (&first, &Look::ALL)).await;
    for part in
        ["usage", "invoices", "credits", "budgets", "prices", "evidence", "api-keys", "webhooks", "invoices/{id}"]
    {
        assert!(seen.contains(&format!("/portal/tenants/{{id}}/{part}")), "{part} is not in {seen:?}");
    }
    assert!(!seen.iter().any(|route| route.contains("operator")), "{seen:?}");
    browser.forget().await;
    browser.open(&stage.at("/portal/login")).await;
    browser.fill("#key", &stage.key).await;
    browser.press("form button").await;
    let export = json!({ "dataset": "month_end", "period": month });
    stage.api.post("/v1/exports", &export).await.expect(202);
    let looks = [Look::Desk, Look::Phone];
    let seen = crawl(&stage, &browser, "operator", (&["/portal/operator".to_owned()], &looks)).await;
    for part in [
        "",
        "/alerts",
        "/gaps",
        "/quarantine",
        "/suspense",
        "/billing-runs",
        "/billing-runs/{id}",
        "/exports",
        "/exports/{id}",
        "/questions",
        "/proposals",
        "/tenants",
        "/prices",
        "/audit-log",
    ] {
        assert!(seen.contains(&format!("/portal/operator{part}")), "{part} is not in {seen:?}");
    }
    browser.close().await;
}
