//! Is everybody billed once, under numbers without a gap, whatever happens meanwhile?

use std::process::Command;

use releve_jobs::{Order, Settings, documents, issue, issue::Summary};
use releve_store::{
    invoices::{self, InvoiceFilter},
    nodes::ServiceState,
    prices, unbilled,
};
use releve_tests::world::{self, Hold};
use sqlx::Row;

use crate::bench::{Bench, HOUR, at, june, later, may};

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
    let mut heads = bench.invoices().await;
    heads.sort_by_key(|head| head.period);
    let ids: Vec<_> = heads.iter().map(|head| head.id).collect();
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
