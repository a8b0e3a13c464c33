//! A hundred commands at once, in programs that are killed again and again: what state is left?

use std::{sync::Arc, time::Duration};

use releve_jobs::{Order, correct, issue};
use releve_store::nodes::ServiceState;
use releve_tests::{
    http::{Answer, Http},
    releve::{Launch, Releve},
};
use releve_types::time::wall_clock;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{RwLock, Semaphore};

use crate::{
    bench::{Bench, may},
    together::{ROUNDS_MAX, one_state},
};

const TENANTS: u32 = 3;
const COMMANDS: usize = 100;
/// How often the API's process is killed while they run.
const KILLS: usize = 5;
/// Programs that are started at once.
const PROGRAMS_MAX: usize = 3;
const SOON: Duration = Duration::from_secs(60);
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Where `releve invoice` is killed.
const POINTS: [&str; 4] =
    ["jobs.issue.before_numbers", "jobs.issue.after_numbers", "jobs.issue.before_commit", "jobs.issue.after_commit"];

/// What commands need of the world. The API is another process after each kill.
struct Plant {
    url: String,
    api: RwLock<Http>,
    programs: Semaphore,
    accounts: Vec<String>,
    node: String,
}

impl Plant {
    /// Sends until somebody answers: with the same key and body, so that what was done before the answer got lost is done once.
    async fn send(&self, key: Option<&str>, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let mut headers = Vec::new();
        headers.extend(key.map(|key| ("idempotency-key", key)));
        loop {
            let http = self.api.read().await.clone();
            let body = Some((content_type, body.to_vec()));
            match http.try_send(Method::POST, path, body, &headers).await {
                Ok(answer) if answer.status < 500 && answer.status != 409 => return answer,
                _ => tokio::time::sleep(RETRY_AFTER).await,
            }
        }
    }

    async fn post(&self, key: Option<&str>, path: &str, body: Value) -> Answer {
        self.send(key, path, "application/json", body.to_string().as_bytes()).await
    }

    /// `releve invoice …`, killed at a point of its own if one is named. What it says does not matter: what is left does.
    async fn program(&self, arguments: &[&str], killed_at: Option<&str>) {
        let _turn = self.programs.acquire().await.expect("open");
        let mut launch = Launch::releve(arguments).env("DATABASE_URL", &self.url);
        if let Some(point) = killed_at {
            launch = launch.env("RELEVE_FAILPOINT", format!("{point}:1"));
        }
        let done = tokio::task::spawn_blocking(move || launch.finish(SOON)).await.expect("it ends");
        println!("{arguments:?} {killed_at:?} {}: {}{}", done.status, done.stdout, done.stderr);
        assert_ne!(done.status.code(), Some(2), "it is called as it is: {}", done.stderr);
    }

    /// The `n`-th command.
    async fn command(&self, n: usize, late: Vec<u8>) {
        let killed_at = n.is_multiple_of(2).then(|| POINTS[n / 10 % POINTS.len()]);
        let number = format!("T-{}-{:06}", wall_clock().to_string().get(..4).expect("a year"), 1 + n % 7);
        let key = format!("command {n}");
        match n % 5 {
            0 => self.program(&["invoice", "run", "--period", "2020-05"], killed_at).await,
            1 => self.program(&["invoice", "correct", "--period", "2020-05"], killed_at).await,
            2 if n.is_multiple_of(3) => {
                self.program(&["invoice", "void", &number, "--reason", "by mistake"], killed_at).await;
            }
            2 => {
                // Some are told twice.
                let payment = json!({
                    "amount": "10.00", "currency": "EUR", "paid_on": "2020-06-15", "reference": format!("B{}", n / 10),
                    "end_to_end_id": number,
                });
                let told = self.post(Some(&key), "/v1/payments", payment).await;
                assert!(told.status < 300, "{told:?}");
            }
            3 => {
                let credit = json!({
                    "kind": "granted", "description": key, "amount": "15.00", "from": "2020-05-01T00:00:00Z",
                });
                let path = format!("/v1/accounts/{}/credits", self.accounts[n % self.accounts.len()]);
                let opened = self.post(Some(&key), &path, credit).await.expect(201);
                if n.is_multiple_of(4) {
                    let path = format!("{path}/{}/withdraw", opened["id"].as_str().expect("an id"));
                    self.post(Some(&format!("{key} back")), &path, json!({ "reason": "by mistake" })).await;
                }
            }
            _ => {
                self.send(None, "/v1/reports", "application/cloudevents+json", &late).await;
                let all = json!({ "filter": { "node": self.node }, "reason": "a second agent" });
                self.post(None, "/v1/quarantine/amend", all).await.expect(200);
                if n % 4 == 1 {
                    let hour = |hour: usize| format!("2020-05-01T{hour:02}:00:00Z");
                    let stretch = json!({ "from": hour(n % 23), "to": hour(n % 23 + 1), "reason": "wrong" });
                    let path = format!("/v1/nodes/{}/reports/withdraw", self.node);
                    self.post(None, &path, stretch).await.expect(200);
                }
            }
        }
    }
}

async fn started(url: &str, key: &str, failpoint: Option<&str>) -> (Releve, Http) {
    let mut launch = Launch::releve(&["serve", "api"]).env("DATABASE_URL", url).listening();
    if let Some(point) = failpoint {
        launch = launch.env("RELEVE_FAILPOINT", point);
    }
    let mut api = launch.spawn();
    api.ready("/readyz", SOON).await;
    let http = api.http().with_token(key);
    (api, http)
}

/// Issues, corrects, takes back whole, pays, credits and amends, all at once, while every program is killed with SIGKILL;
/// afterwards nothing is counted, billed, paid or drawn twice, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_commands_and_sigkills_end_in_one_state() {
    let bench = Bench::with_pool(2, TENANTS, 24, 4).await;
    // The second node owes nothing, so that what it reports, and what is taken back of it, is nobody's gap.
    bench.state(1, ServiceState::Maintenance, 0).await;
    bench.counted((0..24).flat_map(|hour| [0, 1].map(|node| bench.hour(node, hour, &[0, 1, 2]))).collect()).await;
    let migrated = Launch::releve(&["migrate", "--json"]).env("DATABASE_URL", bench.database.admin_url()).finish(SOON);
    let operator = migrated.json()["operator_key"].as_str().expect("the first key").to_owned();
    let url = bench.database.login_url();
    let (mut api, http) = started(&url, &operator, None).await;
    let scopes = json!({ "name": "all", "scopes": ["operator:read", "operator:write", "agent"] });
    let key = http.post("/v1/api-keys", &scopes).await.expect(201)["key"].as_str().expect("a key").to_owned();
    let plant = Arc::new(Plant {
        url: url.clone(),
        api: RwLock::new(http.with_token(&key)),
        programs: Semaphore::new(PROGRAMS_MAX),
        accounts: bench.world.tenants.iter().map(|t| t.account.to_string()).collect(),
        node: bench.world.nodes[1].id.to_string(),
    });
    plant.program(&["invoice", "run", "--period", "2020-05"], None).await;
    assert_eq!(bench.serials().await, [1, 2, 3]);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..COMMANDS {
        let holders = if n.is_multiple_of(3) { [n % 3, (n + 1) % 3] } else { [n % 3, n % 3] };
        let late = bench.hour_again(
            1,
            i64::try_from(n % 24).expect("small"),
            u128::try_from(n).expect("small") + 10,
            &holders,
        );
        let plant = plant.clone();
        tasks.spawn(async move { plant.command(n, late).await });
    }
    // Killed from outside, and by itself at the worst moments.
    for n in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(700)).await;
        api.kill();
        let point = ["aggregator.after_coverage:2", "aggregator.before_commit:3"][n % 2];
        let (next, http) = started(&url, &key, (n + 1 < KILLS).then_some(point)).await;
        api = next;
        *plant.api.write().await = http;
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no command fails");
    }
    settle(&bench).await;
    one_state(&bench, wall_clock()).await;
    let done = bench.database.sql(
        "select (select count(*) from reports where status = 'superseded'), (select count(*) from reports where status = 'withdrawn'),
                (select count(*) from invoices where state = 'issued'), (select count(*) from credit_entries),
                (select count(*) from settlements)",
    );
    println!("superseded, withdrawn, documents, ledger entries, settlements: {done}");
    assert!(done.trim().split('|').all(|count| count != "0"), "each did something: {done}");
}

/// What is left to do is done, and then nothing more is.
async fn settle(bench: &Bench) {
    let order = || Order::new(bench.world.issuer, may());
    for _ in 0..ROUNDS_MAX {
        issue(&bench.db, order(), wall_clock()).await.expect("the run comes to its end");
        if correct(&bench.db, order(), wall_clock()).await.expect("the run comes to its end") == 0 {
            return;
        }
    }
    panic!("it never settles down");
}
