#![doc = include_str!("../README.md")]

pub mod audit;
pub mod bill;
pub mod cast;
pub mod check;
pub mod cli;
pub mod clock;
pub mod demo;
mod demo_cast;
mod demo_terms;
pub mod embedded;
pub mod export;
pub mod export_settings;
pub mod ground;
pub mod invoice;
pub mod lago;
pub mod limits;
pub mod live;
pub mod logs;
pub mod pay;
pub mod play;
pub mod progress;
pub mod quote;
pub mod replay;
pub mod road;
pub mod serve;
pub mod settings;
mod watch;

use cli::{Cli, Command};
use ground::{Ground, Use};
use releve_types::time::wall_clock;

/// Runs a command to its end.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = &cli.settings;
    settings.check()?;
    logs::start(&settings.log)?;
    match &cli.command {
        Command::Demo(asked) => demo::run(settings, asked).await,
        Command::Up => serve::up(settings).await,
        Command::Serve { role } => serve::serve(settings, *role).await,
        Command::Migrate => migrate(settings).await,
        Command::Replay(asked) => {
            let outcome = replay::run(settings, asked).await?;
            if settings.json {
                println!("{}", serde_json::to_string(&outcome)?);
            } else {
                replay::print(&outcome);
            }
            Ok(())
        }
        Command::Audit(asked) => audit::run(settings, asked).await,
        Command::Quote(asked) => quote::run(settings, asked).await,
        Command::Invoice(asked) => invoice::run(settings, asked).await,
        Command::Payments(asked) => pay::run(settings, asked).await,
        Command::Export(asked) => export::run(settings, asked).await,
        Command::Close(asked) => export::close(settings, asked).await,
        Command::Import(cli::Import::Lago(asked)) => lago::import(settings, asked).await,
        Command::Compare(asked) => lago::compare(settings, asked).await,
        Command::Verify(asked) => check::run(settings, asked),
        Command::Openapi => {
            println!("{}", serde_json::to_string_pretty(&releve_api::openapi())?);
            Ok(())
        }
    }
}

/// Opening for a command brings the schema up to date. A fresh one gets its first key, or nobody could call.
async fn migrate(settings: &settings::Settings) -> anyhow::Result<()> {
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Migrate).await?;
    let key = releve_api::bootstrap_operator_key(&ground.db, wall_clock()).await.map_err(serve::problem);
    ground.close().await?;
    let key = key?;
    if settings.json {
        println!("{}", serde_json::json!({ "migrated": true, "operator_key": key }));
        return Ok(());
    }
    println!("the schema is up to date");
    println!("{}", serve::told(key.as_deref()));
    Ok(())
}
