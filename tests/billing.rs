//! What becomes of a period? From counted reports to numbered invoices, and who is held back.

use std::{collections::BTreeMap, process::Command};

use releve_aggregator::{Aggregator, Fate, Message, Source};
use releve_jobs::{Order, Settings, documents, issue, issue::Summary};
use releve_store::{
    Db,
    gaps::{self, Acceptance},
    invoices::{self, InvoiceFilter, InvoiceHead, InvoiceState},
    nodes::ServiceState,
    prices, unbilled,
};
use releve_tests::{
    postgres::{Database, Postgres},
    world::{self, Hold, World},
};
use releve_types::{Period, Ranges, TenantKey, Timestamp, Zone, time::MILLIS_PER_HOUR};
use sqlx::{Connection, PgConnection, Row};

const T0: i64 = 1_588_291_200_000; // 2020-05-01T00:00:00Z
const HOUR: i64 = MILLIS_PER_HOUR;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(T0 + hours * HOUR)
}

fn may() -> Period {
    Zone::utc().period_of(at(0))
}

fn june() -> Period {
    Zone::utc().period_of(at(24 * 31))
}

/// When the run takes place: days after the month.
fn later() -> Timestamp {
    at(24 * 40)
}

struct Bench {
    db: Db,
    database: Database,
    world: World,
    aggregator: Aggregator,
    _server: Postgres,
}

impl Bench {
    /// Nodes serve from the first of May for `served` hours, then retire.
    async fn new(nodes: u32, tenants: u32, served: i64) -> Self {
        Self::with_pool(nodes, tenants, served, 4).await
    }

    async fn with_pool(nodes: u32, tenants: u32, served: i64, pool_len_max: u32) -> Self {
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

    async fn state(&self, node: usize, state: ServiceState, hour: i64) {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        let version = releve_store::catalog::bump(&mut tx).await.expect("a version");
        world::set_state(&mut tx, self.world.nodes[node].id, state, at(hour).hour(), version, at(0)).await;
        tx.commit().await.expect("commits");
    }

    fn key(&self, tenant: usize) -> &TenantKey {
        &self.world.tenants[tenant].key
    }

    /// One hour of a node, in which each of these tenants held the device of its place for the whole hour.
    fn hour(&self, node: usize, hour: i64, tenants: &[usize]) -> Vec<u8> {
        let hold =
            |(gpu, tenant): (usize, &usize)| Hold::new(self.key(*tenant), gpu, &format!("job {tenant}"), 0, HOUR);
        let holds: Vec<Hold> = tenants.iter().enumerate().map(hold).collect();
        self.world.nodes[node].report(at(hour), HOUR, &holds)
    }

    async fn take(&self, bodies: Vec<Vec<u8>>) -> Vec<Fate> {
        let messages = bodies.into_iter().map(|body| Message { body, source: Source::Amqp }).collect();
        self.aggregator.take(messages, later()).await.expect("a fate each")
    }

    async fn counted(&self, bodies: Vec<Vec<u8>>) {
        for fate in self.take(bodies).await {
            assert_eq!(fate.name(), "counted");
        }
    }

    fn order(&self) -> Order<'_> {
        Order::new(self.world.issuer, may())
    }

    async fn issue(&self) -> Summary {
        issue(&self.db, self.order(), later()).await.expect("the run comes to its end")
    }

    async fn invoices(&self) -> Vec<InvoiceHead> {
        let mut tx = self.db.begin_app().await.expect("a transaction");
        invoices::page(&mut tx, InvoiceFilter::default(), None, 100_000).await.expect("the database answers")
    }

    /// Number or reasons, by tenant name.
    async fn stand(&self) -> BTreeMap<String, String> {
        let of = |head: InvoiceHead| {
            let holder = self.world.tenants.iter().find(|t| t.account == head.account).expect("a known account");
            let kinds: Vec<String> = head.holds.iter().map(|h| h.kind.to_string()).collect();
            let number = head.stamp.map(|s| format!("{} {}", s.number, head.total));
            (holder.name.clone(), number.unwrap_or_else(|| format!("{} {}", head.state.name(), kinds.join("+"))))
        };
        self.invoices().await.into_iter().map(of).collect()
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url()).await.expect("connects")
    }

    /// The SQLSTATE with which the application's role is refused.
    async fn refused(&self, sql: &'static str) -> String {
        let mut conn = self.admin().await;
        sqlx::raw_sql("begin; set local role releve_app").execute(&mut conn).await.expect("the database answers");
        let error = sqlx::raw_sql(sql).execute(&mut conn).await.expect_err("the database refuses");
        error.as_database_error().and_then(|e| e.code()).expect("a code").into_owned()
    }

    /// Serials of all issued invoices, ascending.
    async fn serials(&self) -> Vec<i64> {
        let mut serials: Vec<i64> =
            self.invoices().await.into_iter().filter_map(|i| i.stamp).map(|s| s.number.serial()).collect();
        serials.sort_unstable();
        serials
    }
}

fn named(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn a_month_becomes_one_invoice_an_account_and_stays_so() {
    let bench = Bench::new(2, 3, 2).await;
    bench
        .counted(vec![
            bench.hour(0, 0, &[0, 0, 1]),
            bench.hour(0, 1, &[0]),
            bench.hour(1, 0, &[]),
            bench.hour(1, 1, &[]),
        ])
        .await;
    let first = bench.issue().await;
    assert_eq!((first.issued_now, first.issued, first.parked, first.nothing, first.unbilled), (2, 2, 0, 1, 0));
    let stand = bench.stand().await;
    assert!(stand["t0"].ends_with(" 7.50 EUR") && stand["t1"].ends_with(" 2.50 EUR"), "{stand:?}");
    assert_eq!(stand.len(), 2, "nothing to bill is no invoice");
    assert_eq!(bench.serials().await, [1, 2]);

    let again = bench.issue().await;
    assert_eq!(again, Summary { issued_now: 0, ..first });
    assert_eq!(bench.stand().await, stand);

    let outbox = "select count(*) from outbox where topic = 'invoice.issued'";
    let row = sqlx::query(outbox).fetch_one(&mut bench.admin().await).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 2, "one entry an invoice");
}

#[tokio::test]
async fn a_gap_holds_back_exactly_those_it_may_have_cost() {
    let bench = Bench::new(4, 5, 6).await;
    // Node 0 is whole. Node 1 misses hours 2 to 4: t1 held it before, t2 after. Node 2 misses its end: t3 held it.
    // Node 3 never spoke: nobody's.
    let mut reports = Vec::new();
    for hour in 0..6 {
        reports.push(bench.hour(0, hour, &[0]));
        if hour != 2 && hour != 3 {
            reports.push(bench.hour(1, hour, if hour < 2 { &[1, 1] } else { &[2] }));
        }
        if hour < 5 {
            reports.push(bench.hour(2, hour, if hour == 4 { &[3] } else { &[4] }));
        }
    }
    bench.counted(reports).await;
    bench.issue().await;
    let stand = bench.stand().await;
    let held = named(&[("t1", "parked gap"), ("t2", "parked gap"), ("t3", "parked gap")]);
    assert_eq!(
        stand
            .iter()
            .filter(|(_, s)| s.starts_with("parked"))
            .map(|(n, s)| (n.clone(), s.clone()))
            .collect::<BTreeMap<_, _>>(),
        held
    );
    assert_eq!(bench.serials().await, [1, 2], "t0 and t4 are issued");
    let exposed: BTreeMap<i64, String> = bench
        .invoices()
        .await
        .into_iter()
        .filter_map(|i| i.holds.first().map(|h| (h.gpu_ms.expect("known"), h.detail.clone())))
        .collect();
    assert_eq!(exposed.keys().copied().collect::<Vec<_>>(), [HOUR, 2 * HOUR, 4 * HOUR], "{exposed:?}");

    // One gap is filled, one is accepted, and node 3 still concerns nobody.
    bench.counted(vec![bench.hour(1, 2, &[1, 1]), bench.hour(1, 3, &[])]).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let acceptance = Acceptance {
        node: bench.world.nodes[2].id,
        from: at(5),
        to: at(6),
        reason: "power cut".to_owned(),
        accepted_by: "test".to_owned(),
    };
    assert!(gaps::accept(&mut tx, &acceptance, later()).await.unwrap());
    tx.commit().await.unwrap();
    let summary = bench.issue().await;
    assert_eq!((summary.issued_now, summary.parked, summary.unbilled), (3, 0, 0));
    assert_eq!(bench.serials().await, [1, 2, 3, 4, 5]);
    let stand = bench.stand().await;
    assert!(stand["t1"].ends_with("15.00 EUR"), "what came late is on the first invoice: {stand:?}");
}

#[tokio::test]
async fn a_hole_in_a_window_concerns_who_held_in_that_window() {
    let bench = Bench::new(1, 2, 2).await;
    let node = &bench.world.nodes[0];
    let holds = [Hold::new(bench.key(0), 0, "job", 0, HOUR / 4)];
    let covered = Ranges::from_unsorted([(0, HOUR / 4), (HOUR / 2, HOUR)]);
    bench.counted(vec![node.report_covering(at(0), HOUR, covered, &holds), bench.hour(0, 1, &[1])]).await;
    bench.issue().await;
    let stand = bench.stand().await;
    assert_eq!(stand["t0"], "parked gap");
    assert!(stand["t1"].starts_with("T-2020-000001"), "{stand:?}");
}

#[tokio::test]
async fn maintenance_owes_no_report_and_an_acceptance_may_be_partial() {
    let bench = Bench::new(1, 1, 4).await;
    bench.state(0, ServiceState::Maintenance, 1).await;
    bench.state(0, ServiceState::InService, 3).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let found = gaps::gaps(&mut tx, may()).await.unwrap();
    assert_eq!(found.iter().map(|g| (g.from, g.to)).collect::<Vec<_>>(), [(at(3), at(4))]);
    let (from, to) = (at(3).plus_millis(1), at(4));
    let acceptance =
        Acceptance { node: bench.world.nodes[0].id, from, to, reason: "x".to_owned(), accepted_by: "y".to_owned() };
    gaps::accept(&mut tx, &acceptance, later()).await.unwrap();
    let found = gaps::gaps(&mut tx, may()).await.unwrap();
    assert_eq!(found.iter().map(|g| (g.from, g.to)).collect::<Vec<_>>(), [(at(3), from)], "one millisecond is left");
}

#[tokio::test]
async fn suspense_holds_back_who_ever_had_a_rule_for_its_key() {
    let bench = Bench::new(1, 3, 2).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let version = releve_store::catalog::bump(&mut tx).await.unwrap();
    // t1's key belongs to nobody from the second hour on; another key never had a rule.
    world::map(&mut tx, bench.key(1), None, at(1).hour(), version, at(0)).await;
    tx.commit().await.unwrap();
    let stranger = TenantKey::new("static:stranger").unwrap();
    let holds = [
        Hold::new(bench.key(1), 0, "a", 0, HOUR),
        Hold::new(&stranger, 1, "b", 0, HOUR),
        Hold::new(bench.key(0), 2, "c", 0, HOUR),
    ];
    bench.counted(vec![bench.hour(0, 0, &[1, 2]), bench.world.nodes[0].report(at(1), HOUR, &holds)]).await;
    let summary = bench.issue().await;
    let stand = bench.stand().await;
    assert_eq!(stand["t1"], "parked suspense");
    assert!(stand["t0"].starts_with("T-") && stand["t2"].starts_with("T-"), "{stand:?}");
    assert_eq!(summary.unbilled, 3, "t1, and two keys in suspense");
}

#[tokio::test]
async fn quarantine_holds_back_whom_it_speaks_of_until_a_verdict() {
    let bench = Bench::new(1, 2, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    let other = bench.take(vec![bench.hour(0, 0, &[1])]).await;
    assert!(matches!(other.as_slice(), [Fate::Quarantined { .. }]), "{other:?}");
    bench.issue().await;
    let stand = bench.stand().await;
    assert_eq!(stand["t1"], "parked quarantine");
    assert!(stand["t0"].starts_with("T-"), "{stand:?}");

    sqlx::query("update quarantine set status = 'rejected'").execute(&mut bench.admin().await).await.unwrap();
    let summary = bench.issue().await;
    assert_eq!((summary.parked, summary.nothing), (0, 1), "what was held back had nothing to bill");
    let parked = bench.invoices().await.into_iter().filter(|i| i.state == InvoiceState::Parked).count();
    assert_eq!(parked, 0);
}

#[tokio::test]
async fn usage_without_a_price_parks_and_a_price_releases() {
    let bench = Bench::new(1, 2, 1).await;
    let mut unsealed = bench.world.nodes[0].unsealed(
        at(0),
        HOUR,
        Ranges::one(0, HOUR),
        &[Hold::new(bench.key(0), 0, "spot", 0, HOUR), Hold::new(bench.key(1), 1, "standard", 0, HOUR)],
    );
    for section in unsealed.sections.iter_mut().filter(|s| s.tenant_key == *bench.key(0)) {
        section.segments.iter_mut().for_each(|s| s.spot = true);
    }
    bench.counted(vec![bench.world.nodes[0].seal(&unsealed)]).await;
    bench.issue().await;
    assert_eq!(bench.stand().await["t0"], "parked unpriced");

    let spot = world::sku().to_string().replace("/standard/", "/spot/").parse().unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    bench.world.price(&mut tx, &spot, "0.500001", at(0).hour(), later()).await;
    tx.commit().await.unwrap();
    assert_eq!(bench.issue().await.issued_now, 1);
    assert_eq!(bench.stand().await["t0"], "T-2020-000002 0.50 EUR");
}

#[tokio::test]
async fn usage_after_the_invoice_waits_in_the_next_book() {
    let bench = Bench::new(2, 1, 2).await;
    bench.state(1, ServiceState::Maintenance, 0).await;
    bench.state(1, ServiceState::Retired, 2).await;
    bench.counted(vec![bench.hour(0, 0, &[0]), bench.hour(0, 1, &[0])]).await;
    let first = bench.issue().await;
    assert_eq!((first.issued_now, first.unbilled), (1, 0));
    bench.counted(vec![bench.hour(1, 0, &[0, 0])]).await;
    let again = bench.issue().await;
    assert_eq!((again.issued_now, again.issued, again.unbilled), (0, 1, 1));
    let mut tx = bench.db.begin_app().await.unwrap();
    let waiting = unbilled::unbilled(&mut tx, may()).await.unwrap();
    assert_eq!(
        waiting.iter().map(|u| (u.account, u.quantity)).collect::<Vec<_>>(),
        [(Some(bench.world.tenants[0].account), 2 * HOUR)]
    );
    assert_eq!(bench.invoices().await.len(), 1);
}

#[tokio::test]
async fn runs_at_once_bill_each_account_once_and_leave_no_number_out() {
    let bench = Bench::new(10, 40, 1).await;
    let reports =
        (0..10).map(|node| bench.hour(node, 0, &[4 * node, 4 * node + 1, 4 * node + 2, 4 * node + 3])).collect();
    bench.counted(reports).await;
    let run = |issue_accounts_max| {
        let (db, order) = (bench.db.clone(), Order { issue_accounts_max, ..bench.order() });
        async move { issue(&db, order, later()).await.expect("comes to its end").issued_now }
    };
    let (a, b, c) = tokio::join!(run(3), run(7), run(1));
    assert_eq!(a + b + c, 40);
    assert_eq!(bench.serials().await, (1..=40).collect::<Vec<_>>());
    assert_eq!(bench.stand().await.len(), 40);
}

#[tokio::test]
async fn a_run_killed_anywhere_comes_to_the_same_end() {
    for point in ["before_numbers", "after_numbers", "before_commit", "after_commit"] {
        let bench = Bench::new(3, 12, 1).await;
        bench.counted((0..3).map(|n| bench.hour(n, 0, &[4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3])).collect()).await;
        let once = |failpoint: Option<String>| {
            let period = may();
            let mut command = Command::new(env!("CARGO_BIN_EXE_issue-once"));
            command
                .args([bench.world.issuer.to_string(), period.start().to_string(), period.end().to_string()])
                .args([later().to_string(), "2".to_owned()])
                .env("DATABASE_URL", bench.database.login_url())
                .envs(failpoint.map(|f| ("RELEVE_FAILPOINT", f)));
            command.output().expect("issue-once runs")
        };
        // Each life bills at most two batches of two and dies at the point in the next.
        let mut lives = 0;
        let output = loop {
            let output = once((lives < 5).then(|| format!("jobs.issue.{point}:2")));
            lives += 1;
            if output.status.success() {
                break output;
            }
            let numbers = bench.serials().await;
            assert_eq!(
                numbers,
                (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(),
                "{point}, life {lives}"
            );
        };
        assert!(lives >= 3, "{point} killed the run at least twice, lives: {lives}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.trim_end().ends_with(" 12 0 0"), "{said}");
        assert_eq!(bench.serials().await, (1..=12).collect::<Vec<_>>());
        assert!(bench.stand().await.values().all(|s| s.ends_with(" 2.50 EUR")));
    }
}

#[tokio::test]
async fn the_application_can_not_change_what_was_issued() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    bench.issue().await;
    documents::run(&bench.db, later()).await.unwrap();
    for (sql, code) in [
        ("update invoices set total = 0", "23R03"),
        ("update invoices set state = 'draft'", "23R03"),
        ("delete from invoices", "42501"),
        ("update invoice_lines set amount = 0", "23R03"),
        ("delete from invoice_lines", "23R03"),
        ("insert into invoice_lines select account_id, invoice_id, 99, tenant_id, project, sku, description, unit, price_id,
          tier, from_at, to_at, metered, billed, energy_mj, unit_price, base_quantity, amount from invoice_lines", "23R03"),
        ("update invoice_documents set body = ''", "42501"),
        ("update usage_hours set ms = ms + 1", "23R02"),
        ("insert into usage_hours select tenant_id, hour + interval '1 hour', book, project, sku_id, ms, energy_mj from usage_hours", "23R02"),
        ("delete from allocation_hours", "23R02"),
        ("update number_series set last_serial = 0; delete from number_series", "42501"),
    ] {
        assert_eq!(bench.refused(sql).await, code, "{sql}");
    }
}

#[tokio::test]
async fn dates_rise_with_numbers_and_a_number_given_back_is_given_out_again() {
    let bench = Bench::new(1, 2, 1).await;
    let mut tx = bench.db.begin_app().await.unwrap();
    let take = async |tx: &mut releve_store::Tx, count, now| {
        releve_store::numbers::take(tx, bench.world.issuer, "T", 2020, count, now).await.unwrap()
    };
    let first = take(&mut tx, 3, at(100)).await;
    assert_eq!((first.first, first.issued_at), (1, at(100)));
    tx.commit().await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let lost = take(&mut tx, 5, at(200)).await;
    assert_eq!(lost.first, 4);
    tx.rollback().await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let next = take(&mut tx, 1, at(50)).await;
    assert_eq!((next.first, next.issued_at), (4, at(100)), "a clock that went back does not date an invoice back");
}

#[tokio::test]
async fn a_started_hour_over_the_months_end_is_billed_once() {
    let bench = Bench::new(1, 1, 24 * 31 + 1).await;
    let hour_of = |day: i64, hour: i64| day * 24 + hour;
    bench.state(0, ServiceState::Maintenance, 0).await;
    let sku = world::sku();
    let mut tx = bench.db.begin_app().await.unwrap();
    let number = prices::ensure_sku(&mut tx, &sku, releve_types::Unit::GpuMs, at(0)).await.unwrap().unwrap();
    let price = releve_billing::Price::new(
        releve_types::ids::PriceId::fresh(at(1)),
        sku,
        releve_types::Unit::GpuMs,
        at(hour_of(10, 0)),
        releve_billing::Model::PerUnit { price: "1.00".parse().unwrap() },
        releve_billing::Rounding::StartedHour,
    )
    .unwrap();
    let record =
        prices::PriceRecord { book: bench.world.book, price, created_at: at(0), created_by: "test".to_owned() };
    prices::insert_price(&mut tx, &record, number).await.unwrap();
    tx.commit().await.unwrap();

    // Half an hour under the exact price, ten minutes at the end of May and five at the start of June under the
    // started hour, in one allocation.
    let part = |hour: i64, start_ms: i64, end_ms: i64| {
        bench.world.nodes[0].report(at(hour), HOUR, &[Hold::new(bench.key(0), 0, "long", start_ms, end_ms)])
    };
    let minute = 60_000;
    bench
        .counted(vec![
            part(5, 0, 30 * minute),
            part(hour_of(30, 23), 50 * minute, 60 * minute),
            part(hour_of(31, 0), 0, 5 * minute),
        ])
        .await;
    let now = june().end();
    let summary = issue(&bench.db, bench.order(), now).await.unwrap();
    assert_eq!(summary.issued_now, 1, "{:?}", bench.stand().await);
    issue(&bench.db, Order::new(bench.world.issuer, june()), now).await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let ids: Vec<_> = bench.invoices().await.iter().map(|i| i.id).collect();
    let issued = invoices::issued(&mut tx, &ids).await.unwrap();
    let lines: Vec<(i64, i64)> = issued
        .iter()
        .flat_map(|i| &i.content().lines)
        .map(|l| (l.charge.metered / minute, l.charge.billed / minute))
        .collect();
    assert_eq!(lines, [(30, 30), (10, 60), (5, 0)], "metered and billed minutes");
}

#[tokio::test]
async fn one_connection_is_enough_for_every_job() {
    let bench = Bench::with_pool(1, 2, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1])]).await;
    let settings = Settings::default();
    let cancel = tokio_util::sync::CancellationToken::new();
    let too_early = may().end().plus_millis(settings.issue_delay_ms - 1);
    releve_jobs::round(&bench.db, &settings, too_early, &cancel).await;
    assert_eq!(bench.invoices().await.len(), 0, "spools may still be emptying");
    releve_jobs::round(&bench.db, &settings, too_early.plus_millis(1), &cancel).await;
    assert_eq!(bench.serials().await, [1, 2]);
    let mut tx = bench.db.begin_app().await.unwrap();
    for head in bench.world.tenants.iter().map(|t| t.account) {
        let filter = InvoiceFilter { account: Some(head), ..InvoiceFilter::default() };
        let invoice = invoices::page(&mut tx, filter, None, 1).await.unwrap().remove(0);
        for media_type in [documents::JSON, documents::HTML] {
            let found = releve_store::documents::find(&mut tx, head, invoice.id, media_type).await.unwrap();
            let text = String::from_utf8(found.expect("rendered after the commit").body).unwrap();
            assert!(text.contains(&invoice.stamp.as_ref().unwrap().number.to_string()), "{media_type}");
        }
    }
}
