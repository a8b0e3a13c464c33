//! The command line of the program on the node.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use releve_agent::{
    Agent, Config, NodeKey, Settings, Sink, boot_id, config,
    doctor::{Diagnosis, Verdict, diagnose, open_probe},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Reports who held which GPU for how long.
#[derive(Parser)]
#[command(name = "releve-agent", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Observes this node and sends its reports, until it is told to stop.
    Run(ConfigFile),
    /// Says what the agent sees here and what is missing. Fails if the agent could not run.
    Doctor {
        #[command(flatten)]
        file: ConfigFile,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Makes the secret key that reports are signed with, and prints what the operator registers.
    Keygen {
        /// Where the secret goes; an existing file is never overwritten.
        #[arg(long, default_value = "/etc/releve/agent.key")]
        out: PathBuf,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Prints a configuration file with every field.
    ExampleConfig,
}

#[derive(Args)]
struct ConfigFile {
    /// The configuration file. Fields can be overridden by RELEVE_AGENT_… variables.
    #[arg(long, env = "RELEVE_AGENT_CONFIG", default_value = "/etc/releve/agent.toml")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RELEVE_AGENT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match answer(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn answer(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(file) => run(&file).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor { file, json } => {
            let diagnosis = diagnose(&file.config, std::env::vars()).await;
            let text = if json { serde_json::to_string(&diagnosis)? } else { shown(&diagnosis) };
            writeln!(std::io::stdout(), "{}", text.trim_end())?;
            Ok(if diagnosis.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Keygen { out, json } => {
            let key = NodeKey::generate(&out)?;
            let (keyid, public_key) = (&key.keyid, hex::encode(key.public_key()));
            let text = if json {
                serde_json::json!({ "keyid": keyid, "public_key": public_key, "file": out }).to_string()
            } else {
                format!("keyid       {keyid}\npublic key  {public_key}\nsecret in   {}", out.display())
            };
            writeln!(std::io::stdout(), "{text}")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::ExampleConfig => {
            write!(std::io::stdout(), "{}", config::EXAMPLE)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn run(file: &ConfigFile) -> anyhow::Result<()> {
    let config = Config::load(&file.config, std::env::vars())?;
    let key = NodeKey::read(&config.key_file).context("releve-agent keygen makes a key")?;
    let probe = open_probe(&config.probe)?;
    let settings = Settings::of(&config, key, boot_id())?;
    let sink = Sink::new(&config.publish, config.message_bytes_max)?;
    tracing::info!(node = %settings.node, keyid = settings.key.keyid, probe = probe.name(), "observing");
    let agent = Agent::new(settings, probe, sink)?;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: what is not sent waits on disk");
        stop.cancel();
    });
    agent.run(cancel).await.context("the agent stopped")
}

fn shown(diagnosis: &Diagnosis) -> String {
    let mut out = format!("{}\n", diagnosis.agent);
    for check in &diagnosis.checks {
        let mark = match check.verdict {
            Verdict::Ok => "ok      ",
            Verdict::Warning => "warning ",
            Verdict::Missing => "MISSING ",
        };
        out += &format!("{mark} {:<9} {}\n", check.check, check.found);
        if let Some(to_do) = &check.to_do {
            out += &format!("{:18} → {to_do}\n", "");
        }
    }
    for device in &diagnosis.devices {
        let profile = device.profile.as_deref().map_or(String::new(), |profile| format!(" {profile}"));
        let held = if device.held_by.is_empty() { "idle".to_owned() } else { device.held_by.join(", ") };
        out += &format!("device   {} {}{profile}: {held}\n", device.gpu, device.model);
    }
    out
}
