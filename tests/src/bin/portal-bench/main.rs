//! How long do a large tenant's pages and answers take while a full cluster reports? `cargo run --release -p releve-tests --bin
//! portal-bench [-- MINUTES]`, with the programs built beside it. On servers of its own, on loopback.
//!
//! The tenant holds 5,000 GPUs, has 1,000,000 usage hours in the month, tiered prices and a reservation. 9,000 nodes report each minute,
//! first all in the same moment, then spread over it. From the first report to the end of the last minute one reader goes through the pages and answers again and again.

mod month;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use releve_tests::{
    cluster::{Cluster, NODES, left_of_minute},
    fleet::Spread,
    http::Http,
    world::World,
};
use releve_types::time::wall_clock;
use reqwest::Method;
use serde_json::json;

/// They have four GPUs each.
const NODES_OF_THE_LARGE: usize = 1_250;
const MINUTES: u32 = 3;
/// Between two requests of the reader.
const PAUSE: Duration = Duration::from_millis(30);

/// What the reader reads, in `{}` the tenant. Pages take the session's cookie, answers its key.
const ANSWERS: [&str; 19] = [
    "/v1/tenants/{}/spend",
    "/v1/tenants/{}/spend/summary",
    "/v1/tenants/{}/usage",
    "/v1/tenants/{}/usage?interval=all",
    "/v1/tenants/{}/usage?interval=hour&limit=100",
    "/v1/tenants/{}/usage?by=project&limit=100",
    "/v1/tenants/{}/usage?interval=hour&by=project&limit=100",
    "/v1/tenants/{}/usage?by=allocation&limit=100",
    "/v1/tenants/{}/budget-standings",
    "/v1/tenants/{}/entitlement",
    "/v1/tenants/{}/alerts",
    "/v1/tenants/{}/allocations?limit=100",
    "/v1/tenants/{}/gaps",
    "/v1/tenants/{}/projects",
    "/v1/tenants/{}/questions",
    "/v1/tenants/{}/invoices",
    "/v1/tenants/{}/credits",
    "/v1/tenants/{}/prices",
    "/v1/tenants/{}/agreements",
];
const PAGES: [&str; 10] = [
    "/portal/tenants/{}",
    "/portal/tenants/{}/usage",
    "/portal/tenants/{}/usage?interval=hour",
    "/portal/tenants/{}/usage?by=project",
    "/portal/tenants/{}/usage?by=allocation",
    "/portal/tenants/{}/budgets",
    "/portal/tenants/{}/invoices",
    "/portal/tenants/{}/credits",
    "/portal/tenants/{}/prices",
    "/portal/tenants/{}/evidence",
];

#[tokio::main]
async fn main() {
    let minutes: u32 = std::env::args().nth(1).map_or(MINUTES, |minutes| minutes.parse().expect("minutes"));
    let cluster = Cluster::start();
    let owner = cluster.owner().await;
    let now = wall_clock();
    let since = month::start(now);
    let world = World::create(&owner, "UTC", NODES, 4, 4, since).await;
    owner.close().await;
    let began = Instant::now();
    let rows = month::fill(&cluster.database, &world, (since, now));
    println!("{rows} usage hours of one tenant since {since}, filled in {:.0?}", began.elapsed());

    let mut serving = Vec::new();
    for role in ["aggregator", "jobs", "api"] {
        serving.push(cluster.serve(role).await);
    }
    let api = serving.last().expect("three").http();
    let reader = Reader::of(&api, &cluster.operator, &world).await;
    let others = world.tenants.len() - 1;
    let fleet = cluster.fleet(world.nodes.clone(), |node, gpu| {
        let holder = if node < NODES_OF_THE_LARGE { 0 } else { 1 + gpu % others };
        world.tenants[holder].key.clone()
    });
    reader.once("nobody reports").await;
    for spread in [Spread::Moment, Spread::Minute] {
        let reporting = async {
            let reports = fleet.report(spread, minutes).await;
            // Of the last minute, that is over too.
            tokio::time::sleep(left_of_minute()).await;
            reports
        };
        reader.during(reporting, &format!("{NODES} reports a minute, {spread:?}")).await;
    }
    for one in &mut serving {
        one.kill();
    }
}

/// Whoever looks at a tenant all the time.
struct Reader {
    api: Http,
    cookie: String,
    tenant: String,
}

impl Reader {
    async fn of(api: &Http, operator: &str, world: &World) -> Self {
        let operator = api.with_token(operator);
        let tenant = world.tenants[0].tenant.to_string();
        let scopes = json!(["tenant:read"]);
        let key = operator
            .post("/v1/api-keys", &json!({ "name": "reader", "scopes": scopes, "tenant": tenant }))
            .await
            .expect(201);
        let key = key["key"].as_str().expect("a key").to_owned();
        let link = operator.post("/v1/portal-links", &json!({ "tenant": tenant, "role": "viewer" })).await.expect(201);
        let cookie = entered(&format!("{}{}", api.base(), link["url"].as_str().expect("a url"))).await;
        let budget = json!({ "name": "all", "amount": "100000000.00", "thresholds": [80], "hard": true });
        let made = operator.post(&format!("/v1/tenants/{tenant}/budgets"), &budget).await;
        assert_eq!(made.status, 201, "{made:?}");
        Self { api: api.with_token(&key), cookie, tenant }
    }

    /// Each once, for whoever wonders what they take at rest.
    async fn once(&self, when: &str) {
        for round in ["the first time", "again"] {
            let mut took = Took::default();
            for path in ANSWERS.iter().chain(&PAGES) {
                self.read(path, &mut took).await;
            }
            took.tell(&format!("{when}, {round}"));
        }
    }

    async fn during(&self, reporting: impl Future<Output = u64>, when: &str) {
        let mut took = Took::default();
        let reading = async {
            tokio::time::sleep(left_of_minute()).await;
            loop {
                for path in ANSWERS.iter().chain(&PAGES) {
                    self.read(path, &mut took).await;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let reports = tokio::select! {
            reports = reporting => reports,
            () = reading => unreachable!("it reads on"),
        };
        took.tell(&format!("{when}, {reports} in all"));
    }

    async fn read(&self, path: &'static str, took: &mut Took) {
        let at = path.replace("{}", &self.tenant);
        let began = Instant::now();
        let answer = if path.starts_with("/portal") {
            self.api.send(Method::GET, &at, None, &[("cookie", &self.cookie)]).await
        } else {
            self.api.get(&at).await
        };
        let elapsed = began.elapsed();
        assert_eq!(answer.status, 200, "{at}: {answer:?}");
        took.0.entry(path).or_default().push((elapsed, answer.body.len()));
    }
}

/// The cookie of whoever enters by a link.
async fn entered(link: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let form = client.expect("a client").post(link).header("content-type", "application/x-www-form-urlencoded");
    let answer = form.send().await.expect("an answer");
    let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).expect("a cookie");
    cookie.split(';').next().expect("its beginning").to_owned()
}

/// How long each took, and how many bytes it was.
#[derive(Default)]
struct Took(BTreeMap<&'static str, Vec<(Duration, usize)>>);

impl Took {
    fn tell(&self, when: &str) {
        println!("{when}:");
        println!("{:>7} {:>7} {:>7} {:>7} {:>9}", "p50 ms", "p99 ms", "max ms", "times", "bytes");
        let mut all = Vec::new();
        for (path, took) in &self.0 {
            all.extend_from_slice(took);
            row(path, took.clone());
        }
        row("all", all);
    }
}

fn row(path: &str, mut took: Vec<(Duration, usize)>) {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].0.as_millis();
    let bytes = took.iter().map(|(_, bytes)| bytes).max().copied().unwrap_or(0);
    println!("{:>7} {:>7} {:>7} {:>7} {bytes:>9}  {path}", at(50), at(99), at(100), took.len());
}
