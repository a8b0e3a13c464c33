//! Do the examples of the clients read what they say? A portal's backend, a finance export and a receiver of alerts, in Rust and
//! in Python, as processes of their own against the demo. Both languages have to say the same.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use releve_tests::{
    http::Http,
    releve::{Launch, Releve},
    stage::Stage,
    wait,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{SOON, clients::python_dir};

/// Agents report by the minute, and what follows is looked after every few seconds.
const TOLD_WAIT_MAX: Duration = Duration::from_secs(240);
const LANGUAGES: [&str; 2] = ["rust", "python"];

fn example(language: &str, name: &str, arguments: &[&str]) -> Launch {
    let python = python_dir();
    let launch = match language {
        "rust" => Launch::example(name, arguments),
        _ => Launch::python(&python.join(format!("examples/{name}.py")), &python, arguments),
    };
    launch.env("no_proxy", "127.0.0.1")
}

#[tokio::test(flavor = "multi_thread")]
async fn three_readers_read_the_demo_in_two_languages() {
    let stage = Stage::set().await;
    let made = json!({ "name": "portal", "scopes": ["operator:read", "operator:write"] });
    let made = stage.api.post("/v1/api-keys", &made).await.expect(201);
    let key = made["key"].as_str().expect("a key");
    a_portal_backend(&stage, key).await;
    a_finance_export(&stage, key).await;
    for language in LANGUAGES {
        an_alert_receiver(&stage, language).await;
    }
}

async fn a_portal_backend(stage: &Stage, key: &str) {
    let tenant = stage.tenant("Aurora Models").await;
    let own = stage.api.get(&format!("/v1/tenants/{tenant}/invoices")).await.expect(200);
    assert!(!own["items"].as_array().expect("invoices").is_empty());
    for language in LANGUAGES {
        let ask = |tenant: &str| {
            let launch = example(language, "portal_backend", &[tenant]);
            launch.env("RELEVE_URL", &stage.base).env("RELEVE_KEY", key).finish(SOON).json()
        };
        let page = ask("Aurora Models");
        let (amount, currency) = page["spent"].as_str().and_then(|spent| spent.split_once(' ')).expect("an amount");
        assert!(amount.parse::<Decimal>().is_ok() && currency == "EUR", "{page}");
        let expected = own["items"].as_array().expect("invoices").iter().map(|one| {
            let payable = &one["payable"];
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            json!({ "number": one["number"], "due_at": one["due_at"], "state": one["payment"]["state"],
                    "payable": format!("{} {}", text(&payable["amount"]), text(&payable["currency"])) })
        });
        assert_eq!(page["invoices"], expected.collect::<Value>(), "{language}");
        let link = page["portal"].as_str().expect("a link");
        let opened = Http::new(&stage.base).get(link.trim_start_matches(&stage.base)).await;
        assert!(opened.status < 400, "{language}: {opened:?}");
        assert_eq!(ask("nobody"), json!({ "unknown_tenant": "nobody" }), "{language}");
    }
}

/// The files of a directory.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries.map(|path| (name(&path), fs::read(&path).expect("a file"))).collect()
}

async fn a_finance_export(stage: &Stage, key: &str) {
    let runs = stage.api.get("/v1/billing-runs").await.expect(200);
    let start = runs["items"][0]["period_start"].as_str().expect("a period").to_owned();
    let all = stage.api.get(&format!("/v1/invoices?state=issued&period_start={start}")).await.expect(200);
    let all = all["items"].as_array().expect("invoices");
    assert!(all.len() > 2, "more than one page of the example's");
    // Documents are rendered after the commit.
    for invoice in all {
        let pdf = format!("/v1/invoices/{}/pdf", invoice["id"].as_str().expect("an id"));
        wait::until("the document is there", SOON, async || {
            // Not as text, which a PDF is none of.
            (stage.api.get(&pdf).await.status == 200).then_some(())
        })
        .await;
    }
    let exported = LANGUAGES.map(|language| {
        let launch = example(language, "finance_export", &[&start, "export"]);
        let dir = launch.dir().join("export");
        let mut export = launch.env("RELEVE_URL", &stage.base).env("RELEVE_KEY", key).spawn();
        let status = export.process().wait(SOON);
        assert!(status.success(), "{language}\n{}", export.process().tail());
        assert_eq!(export.process().stdout(), format!("{} invoices\n", all.len()));
        files(&dir)
    });
    assert_eq!(exported[0], exported[1], "both languages export the same bytes");
    let csv = String::from_utf8(exported[0]["lines.csv"].clone()).expect("UTF-8");
    for invoice in all {
        let number = invoice["number"].as_str().expect("a number");
        assert!(exported[0][&format!("{number}.pdf")].starts_with(b"%PDF-"), "{number}");
        let rows: Vec<&str> = csv.lines().filter(|row| row.starts_with(&format!("\"{number}\","))).collect();
        let amount =
            |row: &&str| row.rsplit('"').nth(3).and_then(|text| text.parse::<Decimal>().ok()).expect("an amount");
        let sum: Decimal = rows.iter().map(amount).sum();
        // A credit note says what is given back without a sign.
        let sum = if rows[0].contains("\"credit_note\"") { -sum } else { sum };
        assert_eq!(sum.to_string(), invoice["total"]["amount"], "{number}: the lines sum to the total");
    }
}

async fn an_alert_receiver(stage: &Stage, language: &str) {
    let tenant = stage.tenant("Aurora Models").await;
    // Its address is known before it listens, its secret only once the endpoint is made.
    let endpoints = format!("/v1/tenants/{tenant}/webhook-endpoints");
    let launch = example(language, "alert_receiver", &[]).env("PYTHONUNBUFFERED", "1").listening();
    let made = stage.api.post(&endpoints, &json!({ "url": format!("{}/hooks", launch.base()) })).await.expect(201);
    let mut receiver = launch.env("RELEVE_WEBHOOK_SECRET", made["secret"].as_str().expect("a secret")).spawn();
    let own = format!("{endpoints}/{}", made["id"].as_str().expect("an id"));
    let budget = json!({ "name": format!("{language}'s"), "amount": "0.01", "thresholds": [100] });
    stage.api.post(&format!("/v1/tenants/{tenant}/budgets"), &budget).await.expect(201);
    let told = said(&mut receiver, "told", "budget.").await;
    let id = told.split(' ').nth(1).expect("an id").to_owned();
    assert!(told.contains("\"threshold_percent\"") && id.starts_with("evt_"), "{told}");
    // The same message again, as after an answer that was lost.
    stage.api.post(&format!("{own}/deliveries/{id}/resend"), &json!({})).await.expect(200);
    assert_eq!(said(&mut receiver, "again", &id).await, format!("again {id}"));
    let headers = [("webhook-id", "evt_1"), ("webhook-timestamp", "1780358400"), ("webhook-signature", "v1,AAAA")];
    let body = Some(("application/json", b"{}".to_vec()));
    let forged = receiver.http().send(reqwest::Method::POST, "/hooks", body, &headers).await;
    assert_eq!(forged.status, 401, "{language}");
    said(&mut receiver, "refused", "").await;
    receiver.kill();
}

/// The first line with these words.
async fn said(receiver: &mut Releve, first: &str, part: &str) -> String {
    wait::until(&format!("'{first} … {part}' is said"), TOLD_WAIT_MAX, async || {
        assert!(receiver.process().is_running(), "it ended\n{}", receiver.process().tail());
        let said = receiver.process().stdout();
        said.lines().find(|line| line.starts_with(first) && line.contains(part)).map(str::to_owned)
    })
    .await
}
