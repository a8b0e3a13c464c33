//! Do the programs do what README and docker-compose.yml say? Run as it is written there.

#[path = "programs/clients.rs"]
mod clients;
#[path = "programs/described.rs"]
mod described;
#[path = "programs/exporting.rs"]
mod exporting;
#[path = "programs/quota.rs"]
mod quota;
#[path = "programs/readers.rs"]
mod readers;
#[path = "programs/rules.rs"]
mod rules;

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command, time::Duration};

use releve_store::Db;
use releve_tests::{
    postgres::Postgres,
    releve::{Launch, bin_dir},
};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, PgConnection, SqlSafeStr as _, Statement as _,
    postgres::{PgStatement, PgTypeInfo},
};

const SOON: Duration = Duration::from_secs(120);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The blocks of code in a Markdown file.
fn blocks(markdown: &str) -> Vec<&str> {
    markdown.split("```\n").skip(1).step_by(2).collect()
}

/// A tenant, a price and a reading, as they stand in the README, typed into a shell.
#[tokio::test]
async fn the_three_requests_of_the_readme_show_an_amount() {
    let readme = read("README.md");
    let requests = blocks(&readme).into_iter().find(|b| b.contains("/v1/readings")).expect("the requests");
    assert_eq!(requests.matches("curl ").count(), 3);
    let mut up = Launch::releve(&["up"]).listening().spawn();
    up.ready("/readyz", SOON).await;
    let address = up.http().base().trim_start_matches("http://").to_owned();
    let log = up.process().stderr();
    let key = log.split("shown this once: ").nth(1).and_then(|rest| rest.lines().next()).expect("a key").to_owned();
    let spend = format!("curl -sH \"authorization: Bearer $KEY\" http://{address}/v1/tenants/lab/spend");
    assert!(readme.contains(&spend.replace(&address, "127.0.0.1:8080")), "the README asks for the spend so");
    let script = format!("{}\ndate +%s%3N\n{spend}\ndate +%s%3N\n", requests.replace("127.0.0.1:8080", &address));
    let shell = Command::new("bash").args(["-euc", &script]).env("KEY", &key).env("no_proxy", "127.0.0.1").output();
    let shell = shell.expect("bash runs");
    let said = String::from_utf8_lossy(&shell.stdout).into_owned();
    assert!(shell.status.success(), "{said}{}", String::from_utf8_lossy(&shell.stderr));
    let spend = said.lines().find(|line| line.contains("\"charges\"")).unwrap_or_else(|| panic!("no spend in {said}"));
    let spend: Value = serde_json::from_str(spend.trim_end_matches(|c: char| c.is_ascii_digit())).expect("JSON");
    assert_eq!(spend["total"], json!({ "amount": "1.00", "currency": "EUR" }), "{spend}");
    println!("{said}");
    assert!(up.stop().success());
}

/// What docker-compose.yml does: `migrate` with power, the roles without, and a key to begin with.
#[tokio::test]
async fn a_fresh_installation_on_a_server_can_be_used() {
    let postgres = Postgres::shared();
    let database = postgres.create_database();
    let migrate =
        || Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", database.admin_url()).finish(SOON).json();
    let first = migrate();
    let key = first["operator_key"].as_str().expect("the first key").to_owned();
    assert_eq!(migrate(), json!({ "migrated": true, "operator_key": null }), "it is shown once");

    let mut api = Launch::releve(&["serve", "api"]).env("DATABASE_URL", database.login_url()).listening().spawn();
    api.ready("/readyz", SOON).await;
    let http = api.http().with_token(&key);
    http.post("/v1/tenants", &json!({ "name": "lab" })).await.expect(201);
    assert!(api.stop().success());

    for role in ["api", "aggregator", "jobs"] {
        let launch = Launch::releve(&["serve", role]).env("DATABASE_URL", database.admin_url()).listening();
        let refused = launch.env("AMQP_URL", "amqp://127.0.0.1:1").finish(SOON);
        assert!(!refused.status.success(), "{role} must not run as a superuser");
        assert!(refused.stderr.contains("superuser"), "{}", refused.stderr);
    }
}

/// What a service of the compose file is run with.
struct Service {
    name: String,
    program: &'static str,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
}

fn compose() -> Value {
    serde_yaml_ng::from_str(&read("docker-compose.yml")).expect("docker-compose.yml is YAML")
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The services that run a program of ours; agent-key has an entry point of its own and is not among them.
fn ours(compose: &Value) -> Vec<Service> {
    let services = compose["services"].as_object().expect("services");
    let of = |(name, service): (&String, &Value)| {
        let program = match service["image"].as_str()? {
            "releve:local" => "releve",
            "releve-agent:local" if service["entrypoint"].is_null() => "releve-agent",
            _ => return None,
        };
        let environment = service["environment"].as_object().into_iter().flatten();
        Some(Service {
            name: name.clone(),
            program,
            command: strings(&service["command"]),
            environment: environment.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect(),
        })
    };
    services.iter().filter_map(of).collect()
}

fn help(program: &str, command: &[&str]) -> String {
    let output = Command::new(bin_dir().join(program)).args(command).arg("--help").output().expect("it starts");
    assert!(output.status.success(), "{program} {command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn each_command_port_and_variable_of_the_compose_file_exists() {
    let compose = compose();
    let services = ours(&compose);
    assert_eq!(services.len(), 5, "migrate, api, aggregator, jobs, agent");
    for service in &services {
        let words: Vec<&str> = service.command.iter().map(String::as_str).collect();
        let (command, rest) = words.split_first().unwrap_or_else(|| panic!("{} has no command", service.name));
        let said = help(service.program, &[command]);
        for word in rest {
            let known =
                said.contains(word) || root().join("deploy").join(word.trim_start_matches("/etc/releve/")).exists();
            assert!(known, "{}: `{} {command}` does not know '{word}'", service.name, service.program);
        }
        for variable in service.environment.keys() {
            // The agent's variables are the fields of its file: they are shown by what it refuses, below.
            let known = said.contains(&format!("[env: {variable}")) || variable.starts_with("RELEVE_AGENT_");
            assert!(known, "{}: nothing reads {variable}", service.name);
        }
    }
    // Whoever is named as needed is there, and so is each file that is mounted.
    for (name, service) in compose["services"].as_object().expect("services") {
        for needed in service["depends_on"].as_object().into_iter().flatten().map(|(needed, _)| needed) {
            assert!(compose["services"][needed].is_object(), "{name} depends on {needed}");
        }
        for volume in strings(&service["volumes"]) {
            let source = volume.split(':').next().expect("a source").to_owned();
            let there = match source.strip_prefix("./") {
                Some(file) => root().join(file).is_file(),
                None => compose["volumes"].get(&source).is_some(),
            };
            assert!(there, "{name} mounts {source}");
        }
        if let Some(file) = service["build"]["dockerfile"].as_str() {
            let target = format!(" AS {}\n", service["build"]["target"].as_str().expect("a target"));
            assert!(read(file).contains(&target), "{name} is built as{target}");
        }
    }
    // The port that is published is the one that the API listens on; those in URLs are the servers' own.
    let api = services.iter().find(|s| s.name == "api").expect("an API");
    let (_, port) = api.environment["RELEVE_LISTEN"].rsplit_once(':').expect("a port");
    assert_eq!(strings(&compose["services"]["api"]["ports"]), [format!("127.0.0.1:8080:{port}")]);
    for service in &services {
        for (variable, value) in &service.environment {
            let port = match variable.as_str() {
                "DATABASE_URL" => "@postgres:5432/",
                "AMQP_URL" | "RELEVE_AGENT_PUBLISH__AMQP__URL" => "@rabbitmq:5672/",
                _ => continue,
            };
            assert!(value.contains(port), "{}: {variable} is {value}", service.name);
        }
    }
}

/// The agent of the compose file reads its files, and takes its broker from the environment.
#[test]
fn the_compose_file_s_agent_understands_its_files() {
    let scratch = Launch::agent(&["doctor", "--json"]);
    let dir = scratch.dir().to_owned();
    let config = read("deploy/agent.toml")
        .replace("/var/lib/releve-agent", dir.to_str().expect("a path"))
        .replace("/etc/releve/script.toml", "script.toml");
    fs::write(dir.join("agent.toml"), config).expect("written");
    fs::write(dir.join("script.toml"), read("crates/releve-agent/script.example.toml")).expect("written");
    let keygen = Launch::agent(&["keygen", "--out"]).arg(dir.join("agent.key")).finish(SOON);
    assert!(keygen.status.success(), "{}", keygen.stderr);
    let launch = scratch
        .env("RELEVE_AGENT_CONFIG", dir.join("agent.toml"))
        .env("RELEVE_AGENT_PUBLISH__AMQP__URL", "amqp://127.0.0.1:1/%2f");
    let doctor = launch.finish(SOON);
    let said = format!("{}{}", doctor.stdout, doctor.stderr);
    assert!(said.contains("127.0.0.1:1"), "the broker of the environment: {said}");
    assert!(said.contains("script"), "the scripted probe: {said}");
}

/// A build reads `.sqlx` and asks no database: after a migration, what stands there must still be what the schema says.
#[tokio::test]
async fn the_prepared_queries_are_what_the_schema_says() {
    let postgres = Postgres::shared();
    let database = postgres.create_database();
    Db::connect(&database.admin_url(), 1).await.expect("connects").migrate().await.expect("migrates");
    let mut conn = PgConnection::connect(&database.admin_url()).await.expect("connects");
    let mut stale = Vec::new();
    for entry in fs::read_dir(root().join(".sqlx")).expect(".sqlx") {
        let path = entry.expect("an entry").path();
        let kept: Value = serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON");
        let query = kept["query"].as_str().expect("a query").to_owned();
        let found = match conn.prepare(AssertSqlSafe(query.clone()).into_sql_str()).await {
            Ok(statement) => shape(&statement),
            Err(error) => json!(error.to_string()),
        };
        let columns = kept["describe"]["columns"].as_array().expect("columns").iter();
        let columns: Vec<Value> = columns.map(|c| json!([c["name"], c["type_info"]])).collect();
        let expected = json!([kept["describe"]["parameters"]["Left"], columns]);
        if found != expected {
            stale.push(format!("{query}\\n  kept  {expected}\\n  found {found}"));
        }
    }
    assert!(stale.is_empty(), "run tests/prepare and commit .sqlx:\\n{}", stale.join("\\n"));
}

/// Parameters' types, then columns' names and types, as `.sqlx` writes them.
fn shape(statement: &PgStatement) -> Value {
    let name =
        |info: &PgTypeInfo| format!("{info:?}").trim_start_matches("PgTypeInfo(").trim_end_matches(')').to_owned();
    let parameters = statement.parameters().and_then(|p| p.left()).unwrap_or_default();
    let columns = statement.columns().iter().map(|c| json!([c.name(), name(c.type_info())]));
    json!([parameters.iter().map(name).collect::<Vec<_>>(), columns.collect::<Vec<_>>()])
}
