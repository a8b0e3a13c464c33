//! Which roles run, and how do they end? Each role is a task; one signal, or one failure, stops them all.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use releve_aggregator::{Aggregator, Runner};
use releve_api::AppState;
use releve_broker::{BrokerConfig, Consumer, ConsumerConfig, Ended, Topology};
use releve_outbound::{Storage, storage::StorageConfig};
use releve_types::time::wall_clock;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Role,
    ground::{Ground, Use},
    settings::Settings,
    watch,
};

/// How often an embedded database is tidied.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(600);
/// Where `up` keeps its data unless told.
const DATA_DIR: &str = "releve-data";

/// Everything in one process.
pub async fn up(settings: &Settings) -> anyhow::Result<()> {
    let dir = settings.data.clone().unwrap_or_else(|| DATA_DIR.into());
    let ground = Ground::open(settings, Some(&dir), Use::Command).await?;
    let listener = listen(settings.listen).await?;
    let at = listener.local_addr()?;
    eprintln!("releve is up on http://{at}");
    if ground.is_embedded() {
        eprintln!("{} in {}", crate::embedded::LIMITS, dir.display());
    }
    let key = releve_api::bootstrap_operator_key(&ground.db, wall_clock()).await.map_err(problem)?;
    eprintln!("{}", told(key.as_deref()));
    eprintln!("sign in with it on http://{at}/portal/login");
    let roles = Roles { api: Some(listener), aggregator: settings.amqp_url.is_some(), jobs: true, watch: None };
    let ended = run(settings, &ground, roles, Some(&dir), stop_signal()?).await;
    ground.close().await?;
    ended
}

/// One role, or all of them, on a server.
pub async fn serve(settings: &Settings, role: Role) -> anyhow::Result<()> {
    anyhow::ensure!(
        settings.database_url.is_some(),
        "DATABASE_URL names the server that roles work on; see `releve up`"
    );
    let wanted = |one| role == one || role == Role::All;
    let aggregator = wanted(Role::Aggregator) && (role == Role::Aggregator || settings.amqp_url.is_some());
    let ground = Ground::open(settings, None, Use::Serve).await?;
    let listener = listen(settings.listen).await?;
    tracing::info!(address = %listener.local_addr()?, ?role, "serving");
    let (api, watch) = if wanted(Role::Api) { (Some(listener), None) } else { (None, Some(listener)) };
    let roles = Roles { api, aggregator, jobs: wanted(Role::Jobs), watch };
    let ended = run(settings, &ground, roles, settings.data.as_deref(), stop_signal()?).await;
    ground.close().await?;
    ended
}

/// What shall run.
#[derive(Debug)]
pub struct Roles {
    pub api: Option<TcpListener>,
    pub aggregator: bool,
    pub jobs: bool,
    /// Health and metrics, where no API is served.
    pub watch: Option<TcpListener>,
}

pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

/// Runs the roles until `stop` or until one of them fails.
pub async fn run(
    settings: &Settings,
    ground: &Ground,
    roles: Roles,
    dir: Option<&Path>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let aggregator = Arc::new(Aggregator::new(ground.db.clone(), settings.aggregator()));
    let metrics = releve_api::install_metrics()?;
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let runner = Runner::new(aggregator.clone(), Arc::new(wall_clock));
    if let Some(listener) = roles.api {
        let taking = runner.clone();
        let state = AppState::new(ground.db.clone(), aggregator, Arc::new(wall_clock), metrics.clone())
            .ready_while(Arc::new(move || taking.is_taking()))
            .approving(settings.approve_credits_above.iter().copied().collect());
        let state = match exports(settings, dir)? {
            Some(to) => state.exporting(to),
            None => state,
        };
        let state = match settings.people.sign_in()? {
            Some(with) => state.signing_in(with),
            None => state,
        };
        // The pages ask the API in this process, with the visitor's credential.
        let api = releve_api::router(state);
        let pages = releve_portal::router(api.clone());
        tasks.spawn(web(listener, api.merge(pages), stop.clone()));
    }
    if let Some(listener) = roles.watch {
        let router = watch::router(ground.db.clone(), runner.clone(), metrics);
        tasks.spawn(web(listener, router, stop.clone()));
    }
    if roles.aggregator {
        let consumer = consumer(settings)?;
        let cancel = stop.clone();
        tasks.spawn(async move {
            if runner.run(consumer, cancel.clone()).await == Ended::Stopped {
                // Nothing is lost by waiting for a person: deliveries stay in their queues, and `/readyz` says no.
                tracing::error!("taking has stopped; the other roles go on, and this one is not ready until restarted");
                cancel.cancelled().await;
            }
            Ok(())
        });
    }
    if roles.jobs {
        let hand_over = settings.hand_over()?.map(|config| Storage::open(&config)).transpose()?;
        let webhooks = Some(settings.sender()?);
        let schedule: Vec<_> = settings.exports.schedule.iter().map(|of| (of.dataset, of.format)).collect();
        let exports = exports(settings, dir)?.map(|storage| (storage, schedule));
        let jobs = releve_jobs::Settings { webhooks, exports, ..settings.jobs(archive(settings, dir)?, hand_over) };
        let (db, cancel) = (ground.db.clone(), stop.clone());
        tasks.spawn(async move {
            releve_jobs::run(db, jobs, cancel).await;
            Ok(())
        });
    }
    if ground.is_embedded() {
        tasks.spawn(keep_house(ground.db.clone(), stop.clone()));
    }
    let mut ended = Ok(());
    while let Some(task) = tasks.join_next().await {
        stop.cancel();
        ended = ended.and(task.unwrap_or_else(|panic| Err(panic.into())));
    }
    ended
}

async fn web(listener: TcpListener, router: axum::Router, stop: CancellationToken) -> anyhow::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

async fn keep_house(db: releve_store::Db, stop: CancellationToken) -> anyhow::Result<()> {
    while stop.run_until_cancelled(tokio::time::sleep(HOUSEKEEPING_EVERY)).await.is_some() {
        if let Err(error) = db.keep_house().await {
            tracing::warn!(%error, "the embedded database was not tidied");
        }
    }
    Ok(())
}

fn consumer(settings: &Settings) -> anyhow::Result<Consumer> {
    let url = settings.amqp_url.as_deref().context("the aggregator consumes from AMQP_URL, which is not set")?;
    let broker = BrokerConfig::new(url, "releve aggregator").context("AMQP_URL")?;
    let limits = settings.aggregator();
    let mut config = ConsumerConfig::new(broker, Topology::new(&settings.prefix, settings.shards));
    config.batch_len_max = limits.batch_len_max;
    config.batch_bytes_max = limits.batch_bytes_max;
    config.batch_wait_max = Duration::from_millis(limits.batch_wait_ms_max);
    config.message_bytes_max = settings.message_bytes_max;
    Ok(Consumer::new(config)?)
}

/// Exports go beside an embedded database, or where the settings say; else there are none.
pub fn exports(settings: &Settings, dir: Option<&Path>) -> anyhow::Result<Option<Storage>> {
    let beside = dir.filter(|_| settings.database_url.is_none()).map(|dir| dir.join("exports"));
    let beside = beside.map(|path| StorageConfig::Directory { path });
    Ok(settings.exports()?.or(beside).map(|config| Storage::open(&config)).transpose()?)
}

/// Old reports go beside an embedded database, or where the settings say; else they stay where they are.
pub fn archive(settings: &Settings, dir: Option<&Path>) -> anyhow::Result<Option<Storage>> {
    let beside = dir.filter(|_| settings.database_url.is_none()).map(|dir| dir.join("archive"));
    let beside = beside.map(|path| StorageConfig::Directory { path });
    Ok(settings.archive()?.or(beside).map(|config| Storage::open(&config)).transpose()?)
}

/// What an operator is told of the first key, which is only there when it was just made.
pub fn told(key: Option<&str>) -> String {
    match key {
        Some(key) => format!("operator key, shown this once: {key}"),
        None => "an operator key was made before; it was shown only then".to_owned(),
    }
}

pub fn problem(problem: releve_api::Problem) -> anyhow::Error {
    anyhow::anyhow!("{problem:?}")
}

/// Ends on Ctrl-C and on SIGTERM, as a terminal and a service manager say it.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut terminate, cancel) = (signal(SignalKind::terminate())?, stop.clone());
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        cancel.cancel();
    });
    Ok(stop)
}
