//! What would a past month have cost under the terms in a file?

use anyhow::Context;
use releve_api::resource::quotes::{QuoteView, Terms, quote};
use releve_types::time::wall_clock;

use crate::{
    cli::Quote,
    ground::{Ground, Use},
    serve::problem,
    settings::Settings,
};

pub async fn run(settings: &Settings, asked: &Quote) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&asked.contract).with_context(|| format!("{}", asked.contract.display()))?;
    let terms: Terms = serde_json::from_str(&text).with_context(|| format!("{}", asked.contract.display()))?;
    let ground = Ground::open(settings, settings.data.as_deref(), Use::Command).await?;
    let quoted = ask(&ground, asked, terms).await;
    ground.close().await?;
    let quoted = quoted?;
    if settings.json {
        println!("{}", serde_json::to_string(&quoted)?);
    } else {
        println!("{quoted}");
    }
    Ok(())
}

async fn ask(ground: &Ground, asked: &Quote, terms: Terms) -> anyhow::Result<QuoteView> {
    let mut tx = ground.db.begin_app().await?;
    let quoted = quote(&mut tx, &asked.account, asked.period, terms, wall_clock()).await.map_err(problem)?;
    tx.commit().await?;
    Ok(quoted)
}
