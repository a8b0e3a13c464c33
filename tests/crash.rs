//! What does a SIGKILL lose? Nothing, at any point, in any process: the generator's own log is the judge.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use releve_broker::{BrokerConfig, Outgoing, Publisher, PublisherConfig};
use releve_jobs::flags;
use releve_metering::FlagKind;
use releve_store::{Db, catalog};
use releve_tests::{
    place::Scratch,
    postgres::{Database, Durability, Postgres},
    rabbit::Rabbit,
    releve::{Launch, Releve},
    wait,
    world::{Hold, World, machine, register_with},
};
use releve_types::{Hour, NodeId, Period, Timestamp, time::wall_clock};

const WINDOW_MS: i64 = 60_000;
const NODES: u32 = 20;
const TENANTS: u32 = 4;
/// The number of the machine that runs a real agent.
const LIVE: u32 = 900;
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(120);
/// 2020-05-01T00:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_588_291_200_000);

/// One message of the generator, and what it must come to.
#[derive(Clone, Debug)]
struct Said {
    node: NodeId,
    body: Vec<u8>,
}

/// Everything that runs, and the generator's log.
struct Plant {
    postgres: Postgres,
    rabbit: Rabbit,
    database: Database,
    amqp: String,
    world: World,
    aggregator: Option<Releve>,
    agent: Option<Releve>,
    agent_dir: Scratch,
}

impl Plant {
    async fn new() -> Self {
        let postgres = Postgres::start(Durability::ProcessOnly);
        let rabbit = Rabbit::start();
        let database = postgres.create_database();
        let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
        owner.migrate().await.expect("migrates");
        let world = World::create(&owner, "UTC", NODES, 4, TENANTS, START).await;
        owner.close().await;
        let amqp = rabbit.url();
        let agent_dir = Scratch::new("agent");
        Self { postgres, rabbit, database, amqp, world, aggregator: None, agent: None, agent_dir }
    }

    /// Starts the aggregator, to be killed at the `n`-th pass of a failpoint if one is named.
    fn start_aggregator(&mut self, failpoint: Option<(&str, u32)>) {
        let mut launch = Launch::releve(&["serve", "aggregator"])
            .env("DATABASE_URL", self.database.login_url())
            .env("AMQP_URL", &self.amqp)
            .listening();
        if let Some((name, nth)) = failpoint {
            launch = launch.env("RELEVE_FAILPOINT", format!("{name}:{nth}"));
        }
        self.aggregator = Some(launch.spawn());
    }

    /// The reports of `windows` windows from the `first` on, and what they add per tenant, in milliseconds.
    fn reports(&self, first: u32, windows: u32, sums: &mut BTreeMap<String, i64>) -> Vec<Said> {
        let mut said = Vec::new();
        for window in first..first + windows {
            let start = START.plus_millis(i64::from(window) * WINDOW_MS);
            for (n, node) in self.world.nodes.iter().enumerate() {
                let holder = &self.world.tenants[n % self.world.tenants.len()];
                let held = 1_000 + i64::from(window % 50) * 1_000 + i64::try_from(n).expect("small");
                *sums.entry(holder.name.clone()).or_default() += held;
                let body = node.report(start, WINDOW_MS, &[Hold::new(&holder.key, n % 4, "job", 0, held)]);
                said.push(Said { node: node.id, body });
            }
        }
        said
    }

    /// Waits until every report of the log is in the database, then holds it against the log.
    fn settle(&self, reports: usize, sums: &BTreeMap<String, i64>) {
        let live = machine(LIVE, 1).id.uuid();
        wait::until_blocking("every report is stored", DRAIN_WAIT_MAX, || {
            let stored = self.database.sql(&format!("select count(*) from reports where node_id <> '{live}'"));
            (stored.trim() == reports.to_string()).then_some(())
        });
        let of = |table: &str, sum: &str| {
            let sql = format!(
                "select t.name, sum({sum}) from {table} join tenants t using (tenant_id)
                where t.kind = 'customer' group by 1 order by 1"
            );
            let rows = self.database.sql(&sql);
            let row =
                |line: &str| line.split_once('|').map(|(name, ms)| (name.to_owned(), ms.parse::<i64>().expect("ms")));
            rows.lines().filter_map(row).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(&of("usage_hours", "ms"), sums, "usage hours are the generator's log");
        let held = "(select coalesce(sum(upper(r) - lower(r)), 0) from unnest(held) r)";
        assert_eq!(&of("allocation_hours", held), sums, "allocation hours are the generator's log");
        assert_eq!(self.database.sql("select count(*) from quarantine").trim(), "0", "nothing is in quarantine");
    }

    /// Starts the real agent: one device, held by one allocation for as long as it looks.
    async fn start_agent(&mut self) {
        let live = machine(LIVE, 1);
        let (dir, key) = (self.agent_dir.path().to_owned(), dir_key(&self.agent_dir));
        if !dir.join("agent.toml").exists() {
            let secret: String = live.key.to_bytes().iter().map(|b| format!("{b:02x}")).collect();
            std::fs::write(&key, secret).expect("the key");
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("hidden");
            let gpu = live.gpus[0];
            let script = format!(
                "[[device]]\ngpu = \"{gpu}\"\nmodel = \"H100\"\n[[hold]]\ngpu = \"{gpu}\"\ntenant_key = \"static:live\"\nalloc = \"always\"\nfrom_ms = 0\n"
            );
            std::fs::write(dir.join("script.toml"), script).expect("the script");
            let (at, amqp) = (dir.display(), &self.amqp);
            let config = format!(
                "node = \"{}\"\nkey_file = \"{}\"\ndata_dir = \"{at}/data\"\nwindow_ms = 10000\nspread_ms = 0\nlook_every_ms = 100\n\
                 journal_every_ms = 500\n[publish.amqp]\nurl = \"{amqp}\"\n[probe.scripted]\nfile = \"{at}/script.toml\"\n",
                live.id,
                key.display()
            );
            std::fs::write(dir.join("agent.toml"), config).expect("the configuration");
            let owner = Db::connect(&self.database.admin_url(), 1).await.expect("connects");
            let mut tx = owner.begin_app().await.expect("a transaction");
            let version = catalog::bump(&mut tx).await.expect("a version");
            let digest = releve_wire::sha256(live.key.verifying_key().as_bytes()).0;
            let keyid: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
            register_with(&mut tx, &live, "live", &keyid, START.hour(), version, START).await;
            tx.commit().await.expect("registered");
            owner.close().await;
        }
        let config = dir.join("agent.toml");
        self.agent = Some(Launch::agent(&["run", "--config"]).arg(config).spawn());
    }

    /// What the agent sealed came in without a hole, in one chain, and was counted as long as it was covered.
    async fn settle_agent(&self) -> String {
        let node = machine(LIVE, 1).id;
        let live = node.uuid();
        let gone = wait::until_blocking("the agent's reports are in, without a hole", DRAIN_WAIT_MAX, || {
            let sql = format!(
                "select count(*) > 0 and count(*) = max(seq) and count(distinct run) = 1, count(*) from reports where node_id = '{live}'"
            );
            let row = self.database.sql(&sql);
            row.trim().strip_prefix("t|").map(str::to_owned)
        });
        let covered =
            format!("select sum(upper(r) - lower(r)) from node_coverage, unnest(covered) r where node_id = '{live}'");
        let used = "select sum(ms) from usage_hours join tenants using (tenant_id) where kind = 'suspense'";
        assert_eq!(self.database.sql(&covered), self.database.sql(used), "held as long as covered");
        let db = Db::connect(&self.database.login_url(), 1).await.expect("connects");
        let hour = wall_clock().hour();
        let day = Period::of_hours(Hour::from_index(hour.index() - 23), hour.next()).expect("a day");
        let mut odd = flags::of_node(&db, node, day).await.expect("read");
        // This machine's clock is none of the agent's doing.
        odd.retain(|flag| !matches!(flag.kind, FlagKind::ClockUnsynced | FlagKind::ClockStep));
        assert_eq!(odd, [], "the chain goes on over each death");
        gone
    }

    fn is_aggregating(&mut self) -> bool {
        self.aggregator.as_mut().is_some_and(|a| a.process().is_running())
    }

    /// Messages that were delivered and not acknowledged, or wait in a queue.
    fn in_queues(&self) -> String {
        self.rabbit.ctl(&["list_queues", "--silent", "messages_ready", "messages_unacknowledged"]).replace('\n', "; ")
    }
}

/// Publishes as an agent does: what was not confirmed is sent again, until it is.
async fn publish(publisher: Publisher, said: Vec<Said>, unconfirmed: Arc<AtomicU64>) {
    let mut sending = tokio::task::JoinSet::new();
    for said in said {
        let (publisher, unconfirmed) = (publisher.clone(), unconfirmed.clone());
        while sending.len() >= 200 {
            sending.join_next().await.expect("some are under way").expect("sent");
        }
        unconfirmed.fetch_add(1, Ordering::SeqCst);
        sending.spawn(async move {
            loop {
                let outgoing = Outgoing { shard_key: said.node, message_id: String::new(), body: said.body.clone() };
                if publisher.publish(outgoing).await.is_ok() {
                    unconfirmed.fetch_sub(1, Ordering::SeqCst);
                    return;
                }
                // The agent backs off as well; what matters is that nothing is given up.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent.expect("sent");
    }
}

fn dir_key(dir: &Scratch) -> PathBuf {
    dir.path().join("agent.key")
}

fn publisher(amqp: &str) -> Publisher {
    let broker = BrokerConfig::new(amqp, "generator").expect("a broker");
    Publisher::connect(PublisherConfig::new(broker, "releve")).expect("a publisher")
}

/// At each step of the count: killed there, start again, and nothing is lost or counted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aggregator_may_die_at_any_step() {
    const POINTS: [&str; 7] = [
        "aggregator.judged",
        "aggregator.after_coverage",
        "aggregator.after_reports",
        "aggregator.before_commit",
        "aggregator.after_commit",
        "aggregator.before_acknowledge",
        "aggregator.next_batch",
    ];
    let mut plant = Plant::new().await;
    // The first start declares the queues.
    plant.start_aggregator(None);
    plant.aggregator.as_mut().expect("started").ready("/readyz", DRAIN_WAIT_MAX).await;
    let (publisher, mut sums, mut reports, mut window) = (publisher(&plant.amqp), BTreeMap::new(), 0, 0);
    for point in POINTS {
        for nth in 1..=5 {
            plant.aggregator = None;
            let said = plant.reports(window, 10, &mut sums);
            window += 10;
            reports += said.len();
            let unconfirmed = Arc::new(AtomicU64::new(0));
            let sending = tokio::spawn(publish(publisher.clone(), said, unconfirmed));
            plant.start_aggregator(Some((point, nth)));
            // Batches are as large as what waits: where there were too few for the n-th pass, more is sent.
            while plant.is_aggregating() {
                let more = plant.reports(window, 1, &mut sums);
                window += 1;
                reports += more.len();
                publish(publisher.clone(), more, Arc::default()).await;
                tokio::time::sleep(Duration::from_millis(60)).await;
                assert!(window < 5_000, "{point} is never passed {nth} times");
            }
            println!("{point}, pass {nth}: in the queues (ready, unacknowledged): {}", plant.in_queues());
            sending.await.expect("sent");
            plant.start_aggregator(None);
            plant.settle(reports, &sums);
        }
    }
}

/// Kills at random moments, while messages are under way everywhere: aggregator, agent, broker, database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anything_may_die_at_any_moment() {
    const KILLS: u64 = 50;
    let seed = std::env::var("RELEVE_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_200_501_u64);
    println!("seed {seed} (RELEVE_TEST_SEED)");
    let mut dice = Dice(seed);
    let mut plant = Plant::new().await;
    plant.start_aggregator(None);
    plant.aggregator.as_mut().expect("started").ready("/readyz", DRAIN_WAIT_MAX).await;
    plant.start_agent().await;
    let (publisher, mut sums) = (publisher(&plant.amqp), BTreeMap::new());
    let said = plant.reports(0, 1_000, &mut sums);
    let (reports, unconfirmed, done) = (said.len(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (next, mut told) = tokio::sync::mpsc::channel(1);
    let sending = tokio::spawn({
        let (publisher, unconfirmed, done) = (publisher.clone(), unconfirmed.clone(), done.clone());
        async move {
            // In bursts, one before each kill, so that something is under way then however fast the machine is; the rest at the end.
            let burst = said.len().div_ceil(usize::try_from(KILLS).expect("small") + 5);
            for burst in said.chunks(burst) {
                let _: Option<()> = told.recv().await;
                publish(publisher.clone(), burst.to_vec(), unconfirmed.clone()).await;
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    let mut in_flight = 0;
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(dice.below(700))).await;
        // One that is not done with the last burst is told already.
        let _: Result<(), _> = next.try_send(());
        tokio::time::sleep(Duration::from_millis(dice.below(20))).await;
        let under_way = unconfirmed.load(Ordering::SeqCst);
        let what = match dice.below(10) {
            0 => {
                plant.rabbit.kill();
                plant.rabbit.restart();
                "broker"
            }
            1..=3 => {
                plant.postgres.kill();
                plant.postgres.restart();
                "database"
            }
            4..=6 => {
                plant.agent = None;
                plant.start_agent().await;
                "agent"
            }
            _ => {
                plant.aggregator = None;
                plant.start_aggregator(None);
                // One that finds no database as it starts ends, and whoever supervises it starts it again: not asked here.
                plant.aggregator.as_mut().expect("started").ready("/readyz", DRAIN_WAIT_MAX).await;
                "aggregator"
            }
        };
        in_flight += u64::from(under_way > 0);
        println!("kill {kill}: {what}, {under_way} unconfirmed, all sent: {}", done.load(Ordering::SeqCst));
        assert!(plant.is_aggregating(), "the aggregator outlives the others");
    }
    drop(next);
    assert!(in_flight * 2 > KILLS, "{in_flight} of {KILLS} kills came while messages were unconfirmed");
    sending.await.expect("sent");
    plant.settle(reports, &sums);
    println!("reports of the agent: {}", plant.settle_agent().await);
}

/// SplitMix64: the same kills for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
