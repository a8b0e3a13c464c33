//! Where does a database come from when nobody installed one? A PostgreSQL 17 that travels in the binary.
//!
//! It is real PostgreSQL, compiled to WASM and served on a loopback port. It has one connection, so the pool
//! has one, and it never fsyncs: it survives a killed process, not a power cut. Whoever logs in is a superuser,
//! so the second wall (row-level security behind `set local role`) is soft here: it holds against a forgotten
//! `where`, not against code that leaves its role.

use std::path::{Path, PathBuf};

use pglite_oxide::PgliteServer;

/// How many connections it has.
pub const EMBEDDED_POOL_LEN: u32 = 1;

/// What a person must know before trusting it with anything.
pub const LIMITS: &str = "embedded PostgreSQL: one connection, never fsyncs (it survives a killed process, not a \
                          power cut), and row-level security is a soft second wall because the login is a superuser";

/// A running embedded database; it stops when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    server: PgliteServer,
}

#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error("the data directory {dir} can't be made: {source}")]
    Directory { dir: PathBuf, source: std::io::Error },
    #[error("the embedded PostgreSQL does not start: {0}")]
    Start(String),
}

impl Embedded {
    /// Opens the database kept under `dir`/pg, making it if it is not there; a temporary one without `dir`.
    /// Starting runs the WASM module for a third of a second, so it happens off the async threads.
    pub fn open(dir: Option<&Path>) -> Result<Self, EmbeddedError> {
        let builder = PgliteServer::builder();
        let builder = match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).map_err(|source| EmbeddedError::Directory { dir: dir.into(), source })?;
                builder.path(dir.join("pg"))
            }
            None => builder.temporary(),
        };
        let server = builder.start().map_err(|error| EmbeddedError::Start(format!("{error:#}")))?;
        Ok(Self { server })
    }

    pub fn database_url(&self) -> String {
        self.server.database_url()
    }
}
