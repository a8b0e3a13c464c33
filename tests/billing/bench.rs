//! A small cloud whose month can be counted and billed.

use std::collections::BTreeMap;

use releve_aggregator::{Aggregator, Fate, Message, Source};
use releve_jobs::{Order, issue, issue::Summary};
use releve_store::{
    Db,
    invoices::{self, InvoiceFilter, InvoiceHead},
    nodes::ServiceState,
    unbilled::{self, Unbilled},
};
use releve_tests::{
    postgres::{Database, Postgres},
    world::{self, Hold, Machine, World},
};
use releve_types::{Period, TenantKey, Timestamp, Zone, time::MILLIS_PER_HOUR};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const T0: i64 = 1_588_291_200_000; // 2020-05-01T00:00:00Z
pub const HOUR: i64 = MILLIS_PER_HOUR;

pub fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(T0 + hours * HOUR)
}

pub fn may() -> Period {
    Zone::utc().period_of(at(0))
}

pub fn june() -> Period {
    Zone::utc().period_of(at(24 * 31))
}

/// When the run takes place: days after the month.
pub fn later() -> Timestamp {
    at(24 * 40)
}

pub struct Bench {
    pub db: Db,
    pub database: Database,
    pub world: World,
    pub aggregator: Aggregator,
    _server: Postgres,
}

impl Bench {
    /// Nodes serve from the first of May for `served` hours, then retire.
    pub async fn new(nodes: u32, tenants: u32, served: i64) -> Self {
        Self::with_pool(nodes, tenants, served, 4).await
    }

    pub async fn with_pool(nodes: u32, tenants: u32, served: i64, pool_len_max: u32) -> Self {
        let server = Postgres::shared();
        let database = server.create_database();
        let owner = Db::connect(&database.admin_url(), 1).await.expect("the database opens");
        owner.migrate().await.expect("the schema is made");
        let db = Db::connect(&database.login_url(), pool_len_max).await.expect("the database opens");
        let world = World::create(&db, "UTC", nodes, 4, tenants, at(0)).await;
        let aggregator = Aggregator::new(db.clone(), releve_aggregator::Settings::default());
        let bench = Self { db, database, world, aggregator, _server: server };
        for n in 0..usize::try_from(nodes).expect("few nodes") {
            bench.state(n, ServiceState::Retired, served).await;
        }
        bench
    }

    pub async fn state(&self, node: usize, state: ServiceState, hour: i64) {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        let version = releve_store::catalog::bump(&mut tx).await.expect("a version");
        world::set_state(&mut tx, self.world.nodes[node].id, state, at(hour).hour(), version, at(0)).await;
        tx.commit().await.expect("commits");
    }

    pub fn key(&self, tenant: usize) -> &TenantKey {
        &self.world.tenants[tenant].key
    }

    /// One hour of a node, in which each of these tenants held the device of its place for the whole hour.
    pub fn hour(&self, node: usize, hour: i64, tenants: &[usize]) -> Vec<u8> {
        self.hour_of(&self.world.nodes[node], hour, tenants)
    }

    /// The same hour in another run of the node's agent: another report, whatever it says.
    pub fn hour_again(&self, node: usize, hour: i64, run: u128, tenants: &[usize]) -> Vec<u8> {
        let machine = Machine { run: Uuid::from_u128(run), ..self.world.nodes[node].clone() };
        self.hour_of(&machine, hour, tenants)
    }

    fn hour_of(&self, machine: &Machine, hour: i64, tenants: &[usize]) -> Vec<u8> {
        let hold =
            |(gpu, tenant): (usize, &usize)| Hold::new(self.key(*tenant), gpu, &format!("job {tenant}"), 0, HOUR);
        let holds: Vec<Hold> = tenants.iter().enumerate().map(hold).collect();
        machine.report(at(hour), HOUR, &holds)
    }

    pub async fn take(&self, bodies: Vec<Vec<u8>>) -> Vec<Fate> {
        let messages = bodies.into_iter().map(|body| Message { body, source: Source::Amqp }).collect();
        self.aggregator.take(messages, later()).await.expect("a fate each")
    }

    pub async fn counted(&self, bodies: Vec<Vec<u8>>) {
        for fate in self.take(bodies).await {
            assert_eq!(fate.name(), "counted");
        }
    }

    pub fn order(&self) -> Order<'_> {
        Order::new(self.world.issuer, may())
    }

    pub async fn issue(&self) -> Summary {
        issue(&self.db, self.order(), later()).await.expect("the run comes to its end")
    }

    /// What of May is on no invoice.
    pub async fn unbilled(&self) -> Vec<Unbilled> {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        unbilled::unbilled(&mut tx, may()).await.expect("the database answers")
    }

    pub async fn invoices(&self) -> Vec<InvoiceHead> {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        invoices::page(&mut tx, InvoiceFilter::default(), None, 100_000).await.expect("the database answers")
    }

    /// Number or reasons, by tenant name.
    pub async fn stand(&self) -> BTreeMap<String, String> {
        let of = |head: InvoiceHead| {
            let holder = self.world.tenants.iter().find(|t| t.account == head.account).expect("a known account");
            let kinds: Vec<String> = head.holds.iter().map(|h| h.kind.to_string()).collect();
            let number = head.stamp.map(|s| format!("{} {}", s.number, head.total));
            (holder.name.clone(), number.unwrap_or_else(|| format!("{} {}", head.state.name(), kinds.join("+"))))
        };
        self.invoices().await.into_iter().map(of).collect()
    }

    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url()).await.expect("connects")
    }

    /// What no test is about is written past the API.
    pub async fn set(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.admin().await).await.expect("set");
    }

    /// Another database of the same server, as the superuser.
    pub async fn elsewhere(&self, name: &str) -> PgConnection {
        let url = self.database.admin_url().replace(&self.database.name, name);
        PgConnection::connect(&url).await.expect("connects")
    }

    /// A copy of this database, as programs open it.
    pub async fn copy(&self, name: &str) -> Db {
        let url = self.database.login_url().replace(&self.database.name, name);
        Db::connect(&url, 1).await.expect("the copy opens")
    }

    /// The SQLSTATE with which the application's role is refused, if it is.
    pub async fn refused(&self, sql: &'static str) -> Option<String> {
        let mut conn = self.admin().await;
        sqlx::raw_sql("begin; set local role releve_app").execute(&mut conn).await.expect("the database answers");
        let error = sqlx::raw_sql(sql).execute(&mut conn).await.err()?;
        Some(error.as_database_error().and_then(|e| e.code()).expect("a code").into_owned())
    }

    /// Serials of all issued invoices, ascending.
    pub async fn serials(&self) -> Vec<i64> {
        let mut serials: Vec<i64> =
            self.invoices().await.into_iter().filter_map(|i| i.stamp).map(|s| s.number.serial()).collect();
        serials.sort_unstable();
        serials
    }
}

pub fn named(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
