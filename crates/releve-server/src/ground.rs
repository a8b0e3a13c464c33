//! On what does a command stand? A database, embedded or a server's, with its schema up to date.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use releve_store::Db;

use crate::{
    embedded::{EMBEDDED_POOL_LEN, Embedded, LIMITS},
    settings::Settings,
};

/// An open database, and the embedded server behind it if there is one. Close it: an embedded server waits for
/// its client to leave.
#[derive(Debug)]
pub struct Ground {
    pub db: Db,
    embedded: Option<Arc<Embedded>>,
}

/// Who is about to use the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// A role that serves requests: its login must be one that row-level security holds for.
    Serve,
    /// A command of the operator: with a login that may, it brings the schema up to date.
    Command,
    /// The command that brings it up to date.
    Migrate,
}

impl Ground {
    /// Opens what the settings name. Without a server's address, an embedded database under `dir` (a temporary
    /// one without). The schema is made or brought up to date, except with the login of the roles that serve from a
    /// server, which may not.
    pub async fn open(settings: &Settings, dir: Option<&Path>, purpose: Use) -> anyhow::Result<Self> {
        let Some(url) = &settings.database_url else {
            return Self::embedded(dir).await;
        };
        let db = Db::connect(url, settings.pool).await.context("connecting to DATABASE_URL")?;
        match purpose {
            Use::Serve => db.check_login().await?,
            // The login of the roles that serve changes no schema: `releve migrate` did.
            Use::Command if db.has_schema().await? && db.check_login().await.is_ok() => {}
            Use::Command | Use::Migrate => {
                db.migrate().await?;
                if let Err(error) = db.check_login().await {
                    tracing::warn!("{error}; a command may, the roles that serve refuse to start with it");
                }
            }
        }
        Ok(Self { db, embedded: None })
    }

    async fn embedded(dir: Option<&Path>) -> anyhow::Result<Self> {
        let dir: Option<PathBuf> = dir.map(Path::to_owned);
        let embedded = tokio::task::spawn_blocking(move || Embedded::open(dir.as_deref())).await??;
        tracing::info!("{LIMITS}");
        let db = Db::connect(&embedded.database_url(), EMBEDDED_POOL_LEN).await?;
        db.migrate().await?;
        Ok(Self { db, embedded: Some(Arc::new(embedded)) })
    }

    pub const fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// What a server's background processes would do: statistics for the planner, and a checkpoint, without
    /// which the embedded database's write-ahead log only grows.
    pub async fn keep_house(&self) -> anyhow::Result<()> {
        if self.is_embedded() {
            self.db.keep_house().await?;
        }
        Ok(())
    }

    pub async fn close(self) -> anyhow::Result<()> {
        self.db.close().await;
        tokio::task::spawn_blocking(move || drop(self.embedded)).await?;
        Ok(())
    }
}
