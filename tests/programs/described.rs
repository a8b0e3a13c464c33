//! Does the API answer as its OpenAPI document says, whatever it is asked?

use std::{env, process::Command};

use releve_tests::{postgres::Postgres, releve::Launch, tool};
use serde_json::json;

use super::SOON;

/// How long requests are made up, in seconds, unless told otherwise.
const SECONDS_VARIABLE: &str = "RELEVE_SCHEMA_SECONDS";
const SECONDS_DEFAULT: &str = "60";
/// Names the program; whoever sets it has installed it.
const PROGRAM_VARIABLE: &str = "RELEVE_SCHEMATHESIS";

#[tokio::test]
async fn whatever_it_is_asked_the_api_answers_as_it_says() {
    let program = tool::path(PROGRAM_VARIABLE, "schema/setup");
    let postgres = Postgres::shared();
    let database = postgres.create_database();
    let migrate = Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", database.admin_url());
    let first = migrate.finish(SOON).json()["operator_key"].as_str().expect("the first key").to_owned();
    let mut api = Launch::releve(&["serve", "api"]).env("DATABASE_URL", database.login_url()).listening().spawn();
    api.ready("/readyz", SOON).await;
    let http = api.http().with_token(&first);
    // Something to be asked about.
    http.post("/v1/tenants", &json!({ "name": "lab" })).await.expect(201);
    let price = json!({ "sku": "meter/storage/default", "unit": "gib_second", "price": "0.10" });
    http.post("/v1/prices", &price).await.expect(201);
    let scopes = ["operator:read", "operator:write", "operator:billing", "metrics:read", "agent", "reading:*"];
    let key = http.post("/v1/api-keys", &json!({ "name": "all", "scopes": scopes })).await.expect(201);
    let seconds = env::var(SECONDS_VARIABLE).unwrap_or_else(|_| SECONDS_DEFAULT.to_owned());
    let header = format!("Authorization: Bearer {}", key["key"].as_str().expect("a key"));
    let document = format!("{}/v1/openapi.json", api.http().base());
    let checks = "not_a_server_error,response_schema_conformance,content_type_conformance";
    // One worker: CPython 3.11 parses source in one thread at a time only, and Hypothesis does in each.
    let asked = Command::new(program)
        .args(["run", &document, "--header", &header, "--checks", checks, "--phases", "examples,fuzzing"])
        .args([
            "--max-time",
            &seconds,
            "--seed",
            "1",
            "--workers",
            "1",
            "--warnings",
            "off",
            "--no-shrink",
            "--no-color",
        ])
        .args(["--continue-on-failure", "--suppress-health-check", "all"])
        .current_dir(api.dir())
        .env("no_proxy", "127.0.0.1")
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&asked.stdout);
    let end: Vec<&str> = said.lines().rev().take(200).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    println!("{}", end.iter().rev().take(20).rev().copied().collect::<Vec<_>>().join("\n"));
    assert!(asked.status.success(), "{}\n{}", end.join("\n"), String::from_utf8_lossy(&asked.stderr));
    assert!(api.process().is_running(), "{}", api.process().tail());
}
