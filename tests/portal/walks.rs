//! Can people do what they came for? A tenant's way from its console's link to a warning before the money is gone, and an operator's from
//! a node that fell silent to a gap that somebody answers for.

use std::time::Duration;

use releve_tests::{
    browser::{Browser, Look},
    receiver::Receiver,
    stage::Stage,
    wait,
};
use releve_wire::sha256;
use serde_json::json;

/// An agent reports once a minute, some seconds spread.
const REPORT_WAIT_MAX: Duration = Duration::from_secs(180);
/// The jobs go round once a minute, and others of theirs come first.
const EXPORT_WAIT_MAX: Duration = Duration::from_secs(240);
/// What follows from a change is looked after every few seconds.
const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_tenant_and_an_operator_get_where_they_want() {
    let stage = Stage::set().await;
    let browser = Browser::start().await;
    let tenant = stage.tenant("Aurora Models").await;
    browser.look(Look::Desk).await;
    reads_spend(&stage, &browser, &tenant).await;
    is_warned(&stage, &browser, &tenant).await;
    downloads_an_invoice(&stage, &browser, &tenant).await;
    questions_a_line(&stage, &browser, &tenant).await;
    makes_and_revokes_a_key(&stage, &browser, &tenant).await;
    is_told_by_webhook(&stage, &browser, &tenant).await;
    ends_the_session(&stage, &browser, &tenant).await;
    from_a_silent_node_to_an_accepted_gap(&stage, &browser).await;
    answers_a_question(&browser).await;
    takes_a_month_away(&stage, &browser).await;
    browser.close().await;
}

/// Comes over the console's link, which is good once.
async fn reads_spend(stage: &Stage, browser: &Browser, tenant: &str) {
    let link = stage.link(tenant, "admin").await;
    browser.open(&link).await;
    browser.press_named("Continue").await;
    assert_eq!(browser.path().await, format!("/portal/tenants/{tenant}"));
    // An agent's next report is seen without anybody doing anything but looking again.
    browser.reload_until_not("0.000\nEnergy", REPORT_WAIT_MAX).await;
    let spend = stage.api.get(&format!("/v1/tenants/{tenant}/spend")).await.expect(200);
    assert_eq!(spend["tenant"], tenant);
    browser.picture("walk-spend", Look::Desk).await;
}

/// Sets a budget that the next report is beyond, and sees the warning with its numbers.
async fn is_warned(stage: &Stage, browser: &Browser, tenant: &str) {
    browser.press_named("Budgets").await;
    browser.fill("#name", "First cents").await;
    browser.fill("#limit", "nothing").await;
    browser.press_named("Make the budget").await;
    assert!(browser.text().await.contains("amount"), "what is wrong is said: {}", browser.text().await);
    assert_eq!(browser.attribute("#name", "value").await, "First cents", "what was typed stands");
    browser.fill("#limit", "0.01").await;
    browser.fill("#thresholds", "100").await;
    browser.press_named("Make the budget").await;
    assert!(browser.text().await.contains("First cents"), "{}", browser.text().await);
    browser.reload_until("budget.reached", REPORT_WAIT_MAX).await;
    let text = browser.text().await;
    assert!(text.contains("threshold percent: 100") && text.contains("0.01 EUR"), "{text}");
    browser.is_accessible().await;
    for look in Look::ALL {
        browser.look(look).await;
        browser.picture("walk-warned", look).await;
    }
    browser.look(Look::Desk).await;
    let told = stage.api.get(&format!("/v1/tenants/{tenant}/alerts?kind=budget.reached")).await.expect(200);
    assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "once: {told}");
}

/// What can't be understood comes back as it was typed; what can is answered, and an answer that can't be understood comes back, too.
async fn questions_a_line(stage: &Stage, browser: &Browser, tenant: &str) {
    let question = "Was this ours? <b>";
    browser.fill("#line", "one").await;
    browser.fill("#question", question).await;
    browser.press_named("Send the question").await;
    for (field, typed) in [("#line", "one"), ("#question", question)] {
        assert_eq!(browser.attribute(field, "value").await, typed, "{}", browser.text().await);
    }
    browser.fill("#line", "1").await;
    browser.press_named("Send the question").await;
    assert_eq!(browser.attribute("#question", "value").await, "", "it is sent");
    let asked = stage.api.get(&format!("/v1/tenants/{tenant}/questions")).await.expect(200);
    assert_eq!(asked["items"][0]["question"], question);
}

/// An answer that names no credit note of the customer's is not lost; without one, the line stands.
async fn answers_a_question(browser: &Browser) {
    browser.press_named("Questions").await;
    browser.fill("input[name=reason]", "It was yours").await;
    browser.fill("input[name=credit_note]", "NO-SUCH-1").await;
    browser.press_named("Credited").await;
    for (field, typed) in [("reason", "It was yours"), ("credit_note", "NO-SUCH-1")] {
        assert_eq!(browser.attribute(&format!("input[name={field}]"), "value").await, typed);
    }
    browser.fill("input[name=credit_note]", "").await;
    browser.press_named("It stands").await;
    assert!(browser.text().await.contains("It was yours"), "{}", browser.text().await);
}

async fn downloads_an_invoice(stage: &Stage, browser: &Browser, tenant: &str) {
    browser.press_named("Invoices").await;
    browser.press("tbody th a").await;
    let page = browser.path().await;
    let invoice = page.rsplit('/').next().expect("an id").to_owned();
    assert!(page.starts_with(&format!("/portal/tenants/{tenant}/invoices/")), "{page}");
    let file = browser.downloaded("a[href$='ubl.xml']").await;
    let given = stage.api.get(&format!("/v1/tenants/{tenant}/invoices/{invoice}/electronic/ubl")).await;
    assert_eq!((given.status, given.body.as_bytes()), (200, file.as_slice()), "the very bytes that the API gives");
}

async fn makes_and_revokes_a_key(stage: &Stage, browser: &Browser, tenant: &str) {
    browser.press_named("API keys").await;
    browser.fill("#name", "nightly report").await;
    browser.press_named("Make the key").await;
    browser.is_accessible().await;
    let key = browser.one("#new-key").await.text().await.expect("the key");
    browser.picture("walk-key", Look::Desk).await;
    let own = stage.api.with_token(&key);
    own.get(&format!("/v1/tenants/{tenant}/spend")).await.expect(200);
    own.post(&format!("/v1/tenants/{tenant}/budgets"), &json!({ "name": "x", "amount": "1" })).await.expect(403);
    browser.press_named("Revoke: nightly report").await;
    assert!(!browser.has("#new-key").await, "it is shown once");
    own.get(&format!("/v1/tenants/{tenant}/spend")).await.expect(401);
}

async fn is_told_by_webhook(stage: &Stage, browser: &Browser, tenant: &str) {
    let receiver = Receiver::new().await;
    browser.press_named("Webhooks").await;
    browser.fill("#url", &receiver.url).await;
    browser.press_named("Make the endpoint").await;
    let secret = browser.one("#new-secret").await.text().await.expect("the secret");
    browser.press_named(&receiver.url).await;
    browser.press_named("Send a test").await;
    let message = wait::until("the test message", SOON, async || receiver.take().pop()).await;
    assert!(message.is_signed_with(&secret), "{message:?}");
    browser.reload_until("delivered", SOON).await;
    browser.is_accessible().await;
    for look in Look::ALL {
        browser.look(look).await;
        browser.picture("walk-webhook", look).await;
    }
    browser.look(Look::Desk).await;
    let id = message.header("webhook-id").to_owned();
    browser.press_named(&format!("Send again: {id}")).await;
    let again = wait::until("the same message again", SOON, async || receiver.take().pop()).await;
    assert_eq!(again.header("webhook-id"), id);
    // What happens to a budget is told, too.
    let budget = json!({ "name": "More cents", "amount": "0.02", "thresholds": [100] });
    stage.api.post(&format!("/v1/tenants/{tenant}/budgets"), &budget).await.expect(201);
    let warning = wait::until("the warning", REPORT_WAIT_MAX, async || receiver.take().pop()).await;
    assert_eq!(warning.json()["type"], "budget.reached", "{warning:?}");
}

async fn ends_the_session(stage: &Stage, browser: &Browser, tenant: &str) {
    browser.press_named("Sign out").await;
    browser.open(&stage.at(&format!("/portal/tenants/{tenant}"))).await;
    assert_eq!(browser.path().await, "/portal/login");
}

async fn from_a_silent_node_to_an_accepted_gap(stage: &Stage, browser: &Browser) {
    let since = releve_types::time::wall_clock().hour().start().plus_millis(-3 * 3_600_000);
    let node = json!({ "name": "dead-on-arrival", "region": "eu-west", "rack": "r9", "from": since.to_string() });
    stage.api.post("/v1/nodes", &node).await.expect(201);
    browser.fill("#key", &stage.key).await;
    browser.press_named("Sign in").await;
    assert_eq!(browser.path().await, "/portal/operator");
    browser.reload_until("dead-on-arrival", SOON).await;
    browser.picture("walk-fleet", Look::Desk).await;
    browser.press_named("Alerts").await;
    browser.reload_until("node.silent", SOON).await;
    browser.is_accessible().await;
    browser.picture("walk-alert", Look::Desk).await;
    browser.press("button[aria-label^='Seen: ']").await;
    browser.open(&stage.at("/portal/operator/alerts?state=acknowledged")).await;
    assert!(browser.text().await.contains("seen by"), "{}", browser.text().await);
    browser.press_named("Gaps").await;
    browser.is_accessible().await;
    browser.picture("walk-gap", Look::Desk).await;
    browser.fill("input[name=reason]", "never carried a workload: its network was not patched").await;
    browser.press_named("Accept").await;
    assert!(!browser.text().await.contains("dead-on-arrival"), "{}", browser.text().await);
    browser.press_named("Audit log").await;
    assert!(browser.text().await.contains("gap.accept"), "{}", browser.text().await);
}

/// Asks for the figures of the month that was billed, and gets the file that the API gives.
async fn takes_a_month_away(stage: &Stage, browser: &Browser) {
    let (month, _) = stage.billed().await;
    browser.press_named("Exports").await;
    browser.set("#period", &month).await;
    browser.choose("#dataset", "invoices").await;
    browser.press_named("Ask for it").await;
    browser.reload_until("done", EXPORT_WAIT_MAX).await;
    browser.picture("walk-exports", Look::Desk).await;
    browser.press_named("Invoices").await;
    browser.is_accessible().await;
    browser.picture("walk-export", Look::Desk).await;
    let file = "invoices.csv";
    let export = browser.path().await.rsplit('/').next().expect("its id").to_owned();
    let given = browser.downloaded(&format!("a[href$='/{file}']")).await;
    let manifest = stage.api.get(&format!("/v1/exports/{export}")).await.expect(200)["manifest"].clone();
    assert_eq!(manifest["files"][0]["name"], file);
    assert_eq!(manifest["files"][0]["sha256"], sha256(&given).to_string());
}
