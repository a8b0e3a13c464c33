//! What is billed while usage still streams in? Each late report lands before the close or in the next book, never between.

use std::{collections::BTreeMap, sync::Arc};

use releve_aggregator::{Aggregator, Message, Settings, Source};
use releve_jobs::{Order, issue};
use releve_store::Db;
use releve_tests::{
    postgres::Postgres,
    world::{Hold, World},
};
use releve_types::{Timestamp, Zone, time::MILLIS_PER_MINUTE};

/// 2020-05-01T00:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_588_291_200_000);
const TENANTS: u32 = 1_000;
const NODES: u32 = 250;
const LATE_WINDOWS: i64 = 40;

/// Report `window` of every node: each device held by its own tenant for a time of its own.
fn windows(world: &World, window: i64, sums: &mut BTreeMap<String, i64>) -> Vec<Message> {
    let start = START.plus_millis(window * MILLIS_PER_MINUTE);
    let report = |(n, node): (usize, &releve_tests::world::Machine)| {
        let hold = |gpu: usize| {
            let holder = &world.tenants[n * 4 + gpu];
            let ms = 1_000 + i64::try_from((n * 4 + gpu) % 997).expect("small") + window;
            *sums.entry(holder.name.clone()).or_default() += ms;
            Hold::new(&holder.key, gpu, "job", 0, ms)
        };
        let holds: Vec<Hold> = (0..4).map(hold).collect();
        Message { body: node.report(start, MILLIS_PER_MINUTE, &holds), source: Source::Amqp }
    };
    world.nodes.iter().enumerate().map(report).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_reports_while_a_thousand_tenants_are_issued() {
    let server = Postgres::shared();
    let database = server.create_database();
    let owner = Db::connect(&database.admin_url(), 1).await.expect("connects");
    owner.migrate().await.expect("migrates");
    let world = World::create(&owner, "UTC", NODES, 4, TENANTS, START).await;
    // Silence is no matter of this test: without it every account would be held back by a gap.
    database.sql("insert into gap_acceptances select node_id, '2020-05-01', '2020-06-01', 'test', 'test', '2020-06-01' from nodes");
    let db = Db::connect(&database.login_url(), 6).await.expect("connects");
    let aggregator = Arc::new(Aggregator::new(db.clone(), Settings::default()));
    let period = Zone::utc().period_of(START);
    let now = period.end().plus_millis(MILLIS_PER_MINUTE);

    let mut sums = BTreeMap::new();
    let early = windows(&world, 0, &mut sums);
    let fates = aggregator.take(early, now).await.expect("fates");
    assert!(fates.iter().all(|f| f.name() == "counted"));

    let late: Vec<Vec<Message>> = (1..=LATE_WINDOWS).map(|w| windows(&world, w, &mut sums)).collect();
    assert_eq!(late.iter().map(Vec::len).sum::<usize>(), 10_000);
    let streaming = tokio::spawn({
        let aggregator = aggregator.clone();
        async move {
            for window in late {
                let fates = aggregator.take(window, now).await.expect("fates");
                assert!(fates.iter().all(|f| f.name() == "counted"), "{fates:?}");
            }
        }
    });
    // In small transactions, so that many closes fall between many counts.
    let order = Order { issue_accounts_max: 20, ..Order::new(world.issuer, period) };
    let summary = issue(&db, order, now).await.expect("a run");
    println!("issued while late reports streamed in: {summary:?}");
    streaming.await.expect("counted");
    assert_eq!((summary.issued, summary.parked, summary.nothing), (i64::from(TENANTS), 0, 0));

    let rows = database.sql(
        "select t.name,
                coalesce((select sum(metered) from invoice_lines l where l.tenant_id = t.tenant_id), 0),
                coalesce((select sum(ms) from usage_hours u where u.tenant_id = t.tenant_id and u.book > 1), 0)
         from tenants t order by 1",
    );
    let (mut billed_sum, mut unbilled_sum) = (0, 0);
    for row in rows.lines() {
        let mut columns = row.split('|');
        let name = columns.next().expect("a name");
        let mut number = || columns.next().expect("a sum").parse::<i64>().expect("a number");
        let (billed, unbilled) = (number(), number());
        assert_eq!(billed + unbilled, sums[name], "{name}: {billed} billed and {unbilled} unbilled");
        billed_sum += billed;
        unbilled_sum += unbilled;
    }
    println!("billed {billed_sum} ms, unbilled {unbilled_sum} ms");
    assert!(unbilled_sum > 0, "some came after its account's close");

    // Run again: nobody is billed twice.
    let again = issue(&db, order, now).await.expect("a run");
    assert_eq!(again.issued_now, 0);
    let numbers = database
        .sql("select count(*), min(serial), max(serial), count(distinct serial) from invoices where state = 'issued'");
    assert_eq!(numbers.trim(), "1000|1|1000|1000", "no gap and no double in the numbers");
}
