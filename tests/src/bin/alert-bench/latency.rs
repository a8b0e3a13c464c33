//! How long from a report's commit to its alert in the outbox, while a full cluster reports?
//!
//! Every tenant has a budget that its first minute reaches. Most of them hold the cluster's devices, so that their usage changes all the
//! time; the others report once, one after the other, and are waited for.

use std::{
    iter,
    time::{Duration, Instant},
};

use releve_store::Db;
use releve_tests::{
    cluster::{Cluster, NODES, hours_before, left_of_minute},
    fleet::{Fleet, Spread, minute_of},
    world::{Hold, Holder, Machine, World},
};
use releve_types::time::{MILLIS_PER_MINUTE, wall_clock};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Tenants that hold the cluster's devices.
const LOADED: u32 = 400;
/// How long the cluster reports each time, and how many are waited for meanwhile.
const MINUTES: u32 = 2;
const SAMPLES: u32 = 200;
const SPREADS: [Spread; 2] = [Spread::Moment, Spread::Minute];
const SAMPLE_EVERY: Duration = Duration::from_millis(600);
const LOOK_EVERY: Duration = Duration::from_millis(10);
const ALERT_WAIT_MAX: Duration = Duration::from_secs(60);

pub async fn run() {
    let (cluster, since) = (Cluster::start(), hours_before(wall_clock(), 2));
    let db = cluster.owner().await;
    let asked = SAMPLES * u32::try_from(SPREADS.len()).expect("few");
    let world = World::create(&db, "UTC", NODES + asked, 4, LOADED + asked, since).await;
    cluster.database.sql(
        "insert into budgets (tenant_id, budget_id, name, measure, ceiling, basis, thresholds, hard, created_at, created_by)
         select tenant_id, gen_random_uuid(), 'b', 'amount', 0.01, 'actual', '{100}', false, now(), 'bench' from tenants",
    );
    let mut serving = cluster.serve("all").await;
    let count = |of: u32| usize::try_from(of).expect("fits");
    let loaded = count(LOADED);
    let (machines, others) = world.nodes.split_at(count(NODES));
    let fleet = cluster.fleet(machines.to_vec(), |node, gpu| world.tenants[(node * 4 + gpu) % loaded].key.clone());
    let mut samples = iter::zip(others, &world.tenants[loaded..]);
    for spread in SPREADS {
        let samples: Vec<_> = samples.by_ref().take(count(SAMPLES)).collect();
        let waiting = async {
            tokio::time::sleep(left_of_minute()).await;
            waits(&db, &fleet, &samples).await
        };
        let (reports, mut waits) = tokio::join!(fleet.report(spread, MINUTES), waiting);
        waits.sort_unstable();
        let at = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)].as_millis();
        println!(
            "commit to outbox, {SAMPLES} thresholds beside {reports} reports of {LOADED} tenants with budgets, {spread:?}:"
        );
        println!("  p50 {} ms, p99 {} ms, at most {} ms", at(50), at(99), at(100));
    }
    serving.kill();
}

/// Whose report is on its way, or is counted and not told of yet.
struct Waiting {
    node: Uuid,
    account: Uuid,
    sent: Instant,
    /// When it was seen last that it was not counted, once it is.
    counted: Option<Instant>,
}

/// How long each waited. A commit is taken to be as old as the last look that did not see it.
async fn waits(db: &Db, fleet: &Fleet, samples: &[(&Machine, &Holder)]) -> Vec<Duration> {
    let (began, mut last_look, mut sending) = (Instant::now(), Instant::now(), JoinSet::new());
    let (mut waiting, mut waits): (Vec<Waiting>, _) = (Vec::new(), Vec::new());
    let mut next = iter::zip(0_u32.., samples).peekable();
    while next.peek().is_some() || !waiting.is_empty() {
        if let Some((_, (machine, holder))) = next.next_if(|(n, _)| began.elapsed() >= SAMPLE_EVERY * *n) {
            sending.spawn(fleet.sent_of(machine.id, first_minute(machine, holder)));
            let (node, account) = (machine.id.uuid(), holder.account.uuid());
            waiting.push(Waiting { node, account, sent: Instant::now(), counted: None });
        }
        let looked = Instant::now();
        let (counted, told) = look(db, &waiting).await;
        let now = Instant::now();
        waiting.retain_mut(|one| {
            if one.counted.is_none() && counted.contains(&one.node) {
                one.counted = Some(last_look.max(one.sent));
            }
            let is_told = told.contains(&one.account);
            if is_told {
                waits.push(now - one.counted.expect("counted before it is told of"));
            }
            assert!(one.sent.elapsed() < ALERT_WAIT_MAX, "no alert of account {}", one.account);
            !is_told
        });
        last_look = looked;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    sending.join_all().await;
    waits
}

/// Of the minute that is over.
fn first_minute(machine: &Machine, holder: &Holder) -> Vec<u8> {
    let start = minute_of(wall_clock()).plus_millis(-MILLIS_PER_MINUTE);
    machine.report(start, MILLIS_PER_MINUTE, &[Hold::new(&holder.key, 0, "job", 0, MILLIS_PER_MINUTE)])
}

/// Which nodes' reports are counted, and which accounts are told of.
async fn look(db: &Db, waiting: &[Waiting]) -> (Vec<Uuid>, Vec<Uuid>) {
    let mut tx = db.begin_app().await.expect("a transaction");
    let found = sqlx::query_as(
        "select array(select node_id from reports where node_id = any($1)),
                array(select account_id from outbox where topic = 'budget.reached' and account_id = any($2))",
    )
    .bind(waiting.iter().map(|one| one.node).collect::<Vec<_>>())
    .bind(waiting.iter().map(|one| one.account).collect::<Vec<_>>())
    .fetch_one(&mut *tx)
    .await
    .expect("rows");
    tx.commit().await.expect("read");
    found
}
