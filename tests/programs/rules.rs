//! Do the alerting rules of deploy/prometheus name what the programs export?

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    time::Duration,
};

use releve_tests::{postgres::Postgres, rabbit::Rabbit, releve::Launch, wait};
use serde_json::json;
use serde_yaml_ng::Value;

use crate::{SOON, read, root};

const RULES: &str = "deploy/prometheus/releve.rules.yml";
/// Prometheus's own: it puts them on every series.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];
/// Counters have no series before what they count has happened once.
const ONCE_IT_HAPPENS: [&str; 5] = [
    "releve_aggregate_retries_total",
    "releve_billing_runs_failed_total",
    "releve_archive_days_waiting",
    "releve_webhooks_total",
    "releve_queue_ready",
];

/// Each rule's name and expression.
fn rules() -> Vec<(String, String)> {
    let parsed: Value = serde_yaml_ng::from_str(&read(RULES)).expect("YAML");
    let groups = parsed["groups"].as_sequence().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_sequence().expect("rules"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rules: Vec<_> = rules.map(|rule| (text(&rule["alert"]), text(&rule["expr"]))).collect();
    assert!(rules.len() > 10, "{rules:?}");
    rules
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metrics of ours that an expression names, each with the labels it selects by; and the labels it groups by.
fn named(expr: &str) -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut metrics, mut groups) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeSet::new());
    for (at, _) in expr.match_indices("releve_") {
        let rest = &expr[at..];
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let labels = metrics.entry(rest[..end].to_owned()).or_default();
        if let Some(selected) = rest[end..].strip_prefix('{').and_then(|rest| rest.split('}').next()) {
            labels.extend(
                selected.split(',').map(|one| one.trim().split(['=', '!']).next().unwrap_or_default().to_owned()),
            );
        }
    }
    for (at, by) in expr.match_indices("by (") {
        let list = expr[at + by.len()..].split(')').next().unwrap_or_default();
        groups.extend(list.split(',').map(|label| label.trim().to_owned()));
    }
    (metrics, groups)
}

/// What the sources export: each metric with the labels that it is made with.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let mut dirs = vec![root().join("crates")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                scan(&fs::read_to_string(&path).expect("text"), &mut found);
            }
        }
    }
    found
}

/// `counter!("name", "label" => …)` and its like; and names that are handed to one.
fn scan(source: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for (at, quoted) in source.match_indices("\"releve_") {
        let rest = &source[at + 1..];
        let name = rest.split('"').next().unwrap_or_default();
        if !name.chars().all(is_word) {
            continue;
        }
        let labels = found.entry(name.to_owned()).or_default();
        let before = source[..at].trim_end();
        if ["counter!(", "gauge!(", "histogram!("].iter().any(|call| before.ends_with(call)) {
            let call = source[at + quoted.len()..].split(';').next().unwrap_or_default();
            let pieces: Vec<&str> = call.split(" => ").collect();
            for piece in pieces.iter().take(pieces.len() - 1) {
                labels.extend(piece.trim_end_matches('"').rsplit('"').next().map(str::to_owned));
            }
        }
    }
}

#[test]
fn rules_name_metrics_and_labels_that_there_are() {
    let exported = exported();
    for (rule, expr) in rules() {
        let (metrics, groups) = named(&expr);
        let mut labels: BTreeSet<String> = OF_PROMETHEUS.iter().map(|label| (*label).to_owned()).collect();
        for (metric, selected) in metrics {
            let has = exported.get(&metric).unwrap_or_else(|| panic!("{rule} names {metric}, which nothing exports"));
            for label in selected {
                assert!(has.contains(&label), "{rule} selects {metric} by {label}, which it lacks: {has:?}");
            }
            labels.extend(has.clone());
        }
        assert!(groups.is_subset(&labels), "{rule} groups by {groups:?}, and there are {labels:?}");
    }
    let watchdog = rules().into_iter().find(|(rule, _)| rule == "Watchdog").expect("the dead man's switch");
    assert_eq!(watchdog.1, "vector(1)", "it fires always");
}

/// The scan can tell: a name that is wrong and a label that is missing are found.
#[test]
fn a_rule_that_names_what_is_not_there_is_found() {
    let (metrics, groups) =
        named("sum by (task, queue) (rate(releve_nothing_total{outcome=\"failed\", x!~\"y\"}[5m])) > releve_more");
    let expected = [("releve_more", vec![]), ("releve_nothing_total", vec!["outcome", "x"])];
    let expected = expected.map(|(name, labels)| (name.to_owned(), labels.into_iter().map(str::to_owned).collect()));
    assert_eq!(metrics, BTreeMap::from(expected));
    assert_eq!(groups, ["queue", "task"].map(str::to_owned).into());
    let exported = exported();
    assert!(!exported.contains_key("releve_nothing_total"));
    assert_eq!(exported["releve_jobs_total"], ["outcome", "task"].map(str::to_owned).into());
    assert_eq!(exported["releve_queue_ready"], ["queue".to_owned()].into());
}

/// All roles on real servers: what rules name is there to be scraped.
#[tokio::test]
async fn what_rules_name_is_scraped() {
    let (postgres, rabbit) = (Postgres::shared(), Rabbit::shared());
    let database = postgres.create_database();
    let migrated = Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", database.admin_url()).finish(SOON).json();
    let key = migrated["operator_key"].as_str().expect("the first key").to_owned();
    let launch = Launch::releve(&["serve", "all"]).env("DATABASE_URL", database.login_url());
    let mut all = launch.env("AMQP_URL", rabbit.vhost()).listening().spawn();
    all.ready("/readyz", SOON).await;
    let http = all.http().with_token(&key);
    http.post("/v1/tenants", &json!({ "name": "lab" })).await.expect(201);
    let mut wanted: BTreeSet<String> = rules().iter().flat_map(|(_, expr)| named(expr).0.into_keys()).collect();
    wanted.retain(|metric| !ONCE_IT_HAPPENS.contains(&metric.as_str()));
    assert!(wanted.len() > 8, "{wanted:?}");
    wait::until("all metrics are exported", Duration::from_secs(60), async || {
        let text = http.get("/metrics").await.body;
        let has = |metric: &String| text.lines().any(|line| line.split(['{', ' ']).next() == Some(metric));
        wanted.iter().all(has).then_some(())
    })
    .await;
    assert!(all.stop().success());
}

#[test]
fn promtool_finds_nothing_wrong() {
    let promtool = Path::new("/usr/bin/promtool");
    assert!(promtool.exists(), "this test needs promtool: apt-get install -y --no-install-recommends prometheus");
    let checked = Command::new(promtool).args(["check", "rules", RULES]).current_dir(root()).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success() && said.contains("SUCCESS"), "{said}");
}
