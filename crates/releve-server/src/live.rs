//! What goes on after the demo's table? The same nodes report by the minute, each by an agent in this process
//! that posts to the API like any other.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use releve_agent::{
    Agent, NodeKey, Sink, boot_id,
    config::{HttpConfig, Publish},
};
use releve_api::auth::Scope;
use releve_sim::{Node, Plan, fleet, live::PlanProbe};
use releve_store::{
    Db, catalog,
    nodes::{self, NodeState, ServiceState},
};
use releve_types::{
    Hour, Timestamp, Zone,
    time::{MILLIS_PER_MINUTE, wall_clock},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    cast::Stage,
    ground::Ground,
    serve::{Roles, listen, problem, run, stop_signal},
    settings::Settings,
};

/// Agents look this often: the demo's workloads change by the minute.
const LOOK_EVERY_MS: u64 = 5_000;
/// A silence longer than this between two looks is a gap.
const LOOK_GAP_MS_MAX: u64 = 30_000;
const JOURNAL_EVERY_MS: u64 = 30_000;
/// Ten agents need not spread their reports far.
const SPREAD_MS: u64 = 5_000;
const SPOOL_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Serves the API and runs the agents until stopped.
pub async fn stay(settings: &Settings, ground: &Ground, stage: &Stage, seed: u64) -> anyhow::Result<()> {
    let now = wall_clock();
    let plan = Arc::new(fleet::fleet(Zone::utc().period_of(now), seed)?);
    put_in_service(&ground.db, &plan, now).await?;
    let mint = |name, scopes: Vec<Scope>| async move {
        releve_api::mint_key(&ground.db, name, &scopes, now).await.map_err(problem)
    };
    let agents_key = mint("demo agents", vec![Scope::Agent]).await?;
    let all = vec![Scope::OperatorRead, Scope::OperatorWrite, Scope::MetricsRead, Scope::Reading("*".to_owned())];
    let operator_key = mint("demo operator", all).await?;
    let listener = listen(settings.listen).await?;
    let url = format!("http://{}", listener.local_addr()?);
    where_next(&url, &operator_key, stage);

    let stop = stop_signal()?;
    let scratch = tempfile::tempdir().context("a directory for the agents' spools, and for exports")?;
    let mut agents = JoinSet::new();
    for index in 0..plan.nodes.len() {
        let agent = agent(&plan, index, settings, scratch.path(), &url, &agents_key)?;
        agents.spawn(agent.run(stop.clone()));
    }
    let watched = watch_agents(agents, stop.clone());
    let roles = Roles { api: Some(listener), aggregator: settings.amqp_url.is_some(), jobs: true, watch: None };
    // What goes beside a temporary database is as temporary.
    let dir = settings.data.as_deref().unwrap_or(scratch.path());
    let serving = run(settings, ground, roles, Some(dir), stop);
    let (agents, served) = tokio::join!(watched, serving);
    agents.and(served)
}

async fn watch_agents(
    mut agents: JoinSet<Result<(), releve_agent::AgentError>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut ended = Ok(());
    while let Some(agent) = agents.join_next().await {
        stop.cancel();
        ended = ended.and(agent.map_err(anyhow::Error::from).and_then(|done| Ok(done?)));
    }
    ended
}

fn agent(
    plan: &Arc<Plan>,
    index: usize,
    settings: &Settings,
    spools: &Path,
    url: &str,
    api_key: &str,
) -> anyhow::Result<Agent> {
    let Node { id, name, key, keyid, .. } = &plan.nodes[index];
    let of_agent = releve_agent::Settings {
        node: *id,
        key: NodeKey { signing: key.clone(), keyid: keyid.clone() },
        data_dir: spools.join(name),
        window_ms: MILLIS_PER_MINUTE,
        spread_ms: SPREAD_MS,
        look_every_ms: LOOK_EVERY_MS,
        look_gap_ms_max: LOOK_GAP_MS_MAX,
        journal_every_ms: JOURNAL_EVERY_MS,
        message_bytes_max: settings.message_bytes_max,
        spool_bytes_max: SPOOL_BYTES_MAX,
        boot: boot_id(),
    };
    let (url, api_key) = (url.to_owned(), Some(api_key.to_owned()));
    let publish = Publish::Http(HttpConfig { url, api_key, api_key_file: None });
    let sink = Sink::new(&publish, settings.message_bytes_max)?;
    Ok(Agent::new(of_agent, Box::new(PlanProbe::new(plan.clone(), index)), sink)?)
}

/// From this hour on the nodes may report, from the next one on they must: the hour is under way already.
async fn put_in_service(db: &Db, plan: &Plan, now: Timestamp) -> anyhow::Result<()> {
    let (hour, next) = (now.hour(), now.hour().next());
    let mut tx = db.begin_app().await?;
    let version = catalog::bump(&mut tx).await?;
    for node in &plan.nodes {
        let known = nodes::states(&mut tx, node.id).await?;
        let at = |hour: Hour| known.iter().rev().find(|s| s.from <= hour).map(|s| s.state);
        if at(hour) == Some(ServiceState::InService) {
            continue;
        }
        for (from, state) in [(hour, ServiceState::Maintenance), (next, ServiceState::InService)] {
            let (region, site, rack) = (node.region.clone(), node.site.clone(), node.rack.clone());
            nodes::append_state(&mut tx, node.id, &NodeState { from, state, region, site, rack }, version, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn where_next(url: &str, operator_key: &str, stage: &Stage) {
    let tenant = stage.members.first().map_or("", |member| member.name.as_str()).replace(' ', "%20");
    let minute = Duration::from_secs(60).as_secs();
    eprintln!(
        "\nten agents report every {minute} s from now on; stop with Ctrl-C. Where to look:\n\
         \n  export KEY={operator_key}\n\
         \n  curl -s -H \"authorization: Bearer $KEY\" {url}/v1/tenants\
         \n  curl -s -H \"authorization: Bearer $KEY\" {url}/v1/tenants/{tenant}/usage\
         \n  curl -s -H \"authorization: Bearer $KEY\" {url}/v1/tenants/{tenant}/invoices\
         \n  curl -s {url}/v1/openapi.json\n\
         \n  or in a browser: {url}/portal/login, with that key\n"
    );
}
