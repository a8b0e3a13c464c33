//! How is a connection had? By beginning a transaction in a role, and in no other way.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use releve_types::{AccountId, TenantId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction, postgres::PgPoolOptions};

/// How long a caller waits for a connection.
pub const ACQUIRE_SECONDS_MAX: u64 = 30;
/// How long a connection lives: a dead one that hangs in the pool leaves it by then.
pub const CONNECTION_SECONDS_MAX: u64 = 1_800;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database refused: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("the schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the database holds what it never should: {table}.{column}: {detail}")]
    Inconsistent { table: &'static str, column: &'static str, detail: String },
    #[error(
        "the database user '{user}' is a superuser, or owns the tables or may become who does: row-level security would not hold for it. Log in as a user that is only a member of releve_app and releve_tenant"
    )]
    TooPowerful { user: String },
}

impl StoreError {
    pub fn inconsistent(table: &'static str, column: &'static str, detail: impl ToString) -> Self {
        Self::Inconsistent { table, column, detail: detail.to_string() }
    }

    /// The five-character SQLSTATE, where the database gave one.
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.code().map(|code| code.into_owned()),
            _ => None,
        }
    }

    /// The violated constraint's name, where there is one.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Whether the same call may succeed later unchanged: the connection was lost, the server is full,
    /// restarting or deadlocked. Anything else is about the data.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
                ["08", "40", "53", "57", "58", "XX"].iter().any(|class| code.starts_with(class)) || code == "55P03"
            }),
            Self::Sql(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed,
            ) => true,
            _ => false,
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Opens a pool of at most `pool_len_max` connections; the embedded database takes 1.
    pub async fn connect(url: &str, pool_len_max: u32) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(pool_len_max)
            .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
            .max_lifetime(Duration::from_secs(CONNECTION_SECONDS_MAX))
            .test_before_acquire(false)
            // The rollback below is a warning wherever there was nothing to roll back. Statements here last milliseconds:
            // compiling one takes longer than it saves.
            .after_connect(|conn, _| {
                Box::pin(async move {
                    sqlx::raw_sql("set client_min_messages to error; set jit to off").execute(conn).await?;
                    Ok(())
                })
            })
            // sqlx 0.9.0: a `begin` that is cancelled half-way hands its connection back inside an open
            // transaction, and the next user's writes vanish. A rollback on the way in closes that hole.
            .after_release(|conn, _| {
                Box::pin(async move {
                    sqlx::raw_sql("rollback").execute(conn).await?;
                    Ok(true)
                })
            })
            .connect(url)
            .await?;
        Ok(Self { pool })
    }

    /// Brings the schema up to date. The user must be able to create roles and tables.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        sqlx::migrate!("../../migrations").run(&self.pool).await?;
        Ok(())
    }

    /// A transaction as the application: sees every tenant, changes nothing that is frozen.
    pub async fn begin_app(&self) -> Result<Tx, StoreError> {
        Ok(Tx(self.pool.begin_with("begin; set local role releve_app").await?))
    }

    /// A transaction as the application that reads, and sees everything as of its first query.
    pub async fn begin_reading(&self) -> Result<Tx, StoreError> {
        let begin = "begin isolation level repeatable read read only; set local role releve_app";
        Ok(Tx(self.pool.begin_with(begin).await?))
    }

    /// A transaction as a tenant: reads its own rows only, whatever the query forgot.
    pub async fn begin_tenant(&self, tenant: TenantId, account: AccountId) -> Result<TenantTx, StoreError> {
        let statement = format!(
            "begin; set local role releve_tenant; set local releve.tenant = '{}'; set local releve.account = '{}'",
            tenant.uuid(),
            account.uuid()
        );
        let tx = self.pool.begin_with(AssertSqlSafe(statement)).await?;
        Ok(TenantTx { tx, tenant, account })
    }

    /// Refuses a login for which row-level security would be no wall: one that is above it, owns the tables, or may
    /// change into their owner.
    pub async fn check_login(&self) -> Result<(), StoreError> {
        let row = sqlx::query!(
            r#"
            select session_user::text as "user!",
                   (r.rolsuper or r.rolbypassrls or exists (
                       select from pg_class c
                       where c.relname in ('invoices', 'usage_hours') and c.relowner = r.oid
                   ) or exists (
                       select from pg_roles o
                       where o.rolname = 'releve_owner' and pg_has_role(r.oid, o.oid, 'member')
                   )) as "powerful!"
            from pg_roles r
            where r.rolname = session_user
            "#
        )
        .fetch_one(&self.pool)
        .await?;
        if row.powerful { Err(StoreError::TooPowerful { user: row.user }) } else { Ok(()) }
    }

    /// Whether there is a schema, of whatever age.
    pub async fn has_schema(&self) -> Result<bool, StoreError> {
        let there = sqlx::query_scalar("select to_regclass('public.invoices') is not null");
        Ok(there.fetch_one(&self.pool).await?)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// What a server's background processes do by themselves and the embedded database has nobody for: statistics
    /// for the planner, and a checkpoint, without which its write-ahead log only grows.
    pub async fn keep_house(&self) -> Result<(), StoreError> {
        sqlx::raw_sql("analyze; checkpoint").execute(&self.pool).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction in the application's role. Dropped without `commit`, it never was.
#[derive(Debug)]
pub struct Tx(Transaction<'static, Postgres>);

impl Tx {
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }

    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.0.rollback().await?)
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

/// A transaction in a tenant's role: the only way to a connection in code that serves tenants.
#[derive(Debug)]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    account: AccountId,
}

impl TenantTx {
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub const fn account(&self) -> AccountId {
        self.account
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

impl Deref for TenantTx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for TenantTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}
