//! Is everybody billed once, under numbers without a gap, whatever happens meanwhile?

use std::{os::unix::process::ExitStatusExt as _, process::Command};

use releve_billing::HoldKind;
use releve_jobs::{Order, Settings, audit, correct_all, documents, issue, issue::Summary};
use releve_store::{
    idempotency,
    invoices::{self, InvoiceFilter},
    nodes::ServiceState,
    prices,
};
use releve_tests::world::{self, Hold};
use releve_types::Ranges;
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
    assert_eq!((first.issued_now, first.issued, first.parked, first.nothing), (2, 2, 0, 1));
    assert_eq!(bench.unbilled().await, []);
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
    assert_eq!((first.issued_now, bench.unbilled().await), (1, vec![]));
    bench.counted(vec![bench.hour(1, 0, &[0, 0])]).await;
    let again = bench.issue().await;
    assert_eq!((again.issued_now, again.issued), (0, 1));
    let waiting = bench.unbilled().await;
    assert_eq!(
        waiting.iter().map(|u| (u.account, u.quantity)).collect::<Vec<_>>(),
        [(Some(bench.world.tenants[0].account), i128::from(2 * HOUR))]
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

/// How often a run is killed at each point.
const KILLS: usize = 5;
const SIGKILL: i32 = 9;

#[tokio::test]
async fn a_run_killed_anywhere_comes_to_the_same_end() {
    for point in ["before_numbers", "after_numbers", "before_commit", "after_commit"] {
        let bench = Bench::new(6, 24, 1).await;
        bench.counted((0..6).map(|n| bench.hour(n, 0, &[4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3])).collect()).await;
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
        // Each life bills one batch of two and is killed in the next, before or after its commit: at most 20 of 24
        // accounts, so that there is always something left to be killed in, and to bill at last.
        for kill in 1..=KILLS {
            let status = once(Some(format!("jobs.issue.{point}:2"))).status;
            assert_eq!(status.signal(), Some(SIGKILL), "{point}, kill {kill}: {status}");
            let batches = if point == "after_commit" { 2 } else { 1 };
            let numbers = bench.serials().await;
            let expected: Vec<i64> = (1..).take(2 * batches * kill).collect();
            assert_eq!(numbers, expected, "{point}, kill {kill}");
            assert!(bench.stand().await.values().all(|s| s.ends_with(" 2.50 EUR")), "{point}, kill {kill}");
        }
        let output = once(None);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.trim_end().ends_with(" 24 0 0"), "{said}");
        assert_eq!(bench.serials().await, (1..=24).collect::<Vec<_>>());
        let stand = bench.stand().await;
        assert!(stand.len() == 24 && stand.values().all(|s| s.ends_with(" 2.50 EUR")), "{stand:?}");
        let report = audit(&bench.db, may(), None).await.unwrap();
        assert!(report.ok, "{point}: {:?}", report.differences);
        assert_eq!(report.sums.iter().map(|sum| sum.billed).sum::<i64>(), 24 * HOUR);
    }
}

#[tokio::test]
async fn a_run_over_hundreds_of_tenants_bills_its_own_and_no_stranger() {
    let bench = Bench::new(1, 501, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1])]).await;
    // Another seller's tenant, with usage in the same month.
    bench.database.sql(
        "insert into issuers (issuer_id, name, zone, series, created_at)
         values ('00000000-0000-0000-0000-000000000001', 'other', 'UTC', 'O', '2020-01-01Z');
         insert into accounts (account_id, issuer_id, name, currency, created_at)
         values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'other', 'EUR', '2020-01-01Z');
         insert into tenants (tenant_id, account_id, name, kind, created_at)
         values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 'other', 'customer', '2020-01-01Z');
         insert into usage_hours (tenant_id, hour, book, project, sku_id, ms, energy_mj)
         select '00000000-0000-0000-0000-000000000003', hour, book, project, sku_id, ms, energy_mj from usage_hours limit 1",
    );
    let summary = bench.issue().await;
    assert_eq!((summary.issued, summary.parked, summary.nothing), (2, 0, 499));
    let stand = bench.stand().await;
    assert!(stand["t0"].ends_with(" 2.50 EUR") && stand["t1"].ends_with(" 2.50 EUR"), "{stand:?}");
    assert_eq!(bench.unbilled().await.len(), 1, "the other seller's");
}

/// Two sums past 64 bits and a total past what an invoice holds: three accounts wait, and nobody else.
#[tokio::test]
async fn an_account_that_can_not_be_rated_is_parked_alone() {
    let bench = Bench::new(1, 4, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 2, 3])]).await;
    let images: releve_types::Sku = "meter/images/eu-west".parse().unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let number = prices::ensure_sku(&mut tx, &images, releve_types::Unit::Count, at(0)).await.unwrap().unwrap();
    let price = releve_billing::Price::new(
        releve_types::ids::PriceId::fresh(at(1)),
        images,
        releve_types::Unit::Count,
        at(0),
        releve_billing::Model::PerUnit { price: "1000.00".parse().unwrap() },
        releve_billing::Rounding::Exact,
    )
    .unwrap();
    let record =
        prices::PriceRecord { book: bench.world.book, price, created_at: at(0), created_by: "test".to_owned() };
    prices::insert_price(&mut tx, &record, number).await.unwrap();
    tx.commit().await.unwrap();
    let id = |n: usize| bench.world.tenants[n].tenant.uuid();
    bench.database.sql(&format!(
        "insert into meter_hours (tenant_id, hour, book, project, sku_id, quantity)
         select tenant, hour, 1, '', {number}, 9223372036854775807
         from (values ('{t1}'::uuid, '2020-05-01Z'::timestamptz), ('{t1}', '2020-05-01 01:00Z'), ('{t2}', '2020-05-01Z'))
              as used(tenant, hour);
         insert into usage_hours (tenant_id, hour, book, project, sku_id, ms, energy_mj)
         select '{t3}', h, 1, '', (select min(sku_id) from skus), 1, 9223372036854775807
         from generate_series('2020-05-02Z'::timestamptz, '2020-05-02 01:00Z', '1 hour') h",
        t1 = id(1),
        t2 = id(2),
        t3 = id(3),
    ));
    let summary = bench.issue().await;
    assert_eq!((summary.issued_now, summary.parked), (1, 3));
    assert_eq!(bench.unbilled().await.len(), 5);
    let stand = bench.stand().await;
    assert!(stand["t0"].ends_with(" 2.50 EUR"), "{stand:?}");
    for waiting in ["t1", "t2", "t3"] {
        assert_eq!(stand[waiting], "parked unratable", "{stand:?}");
    }
    let said: Vec<String> = bench.invoices().await.into_iter().flat_map(|i| i.holds).map(|h| h.detail).collect();
    let of = |sku: &str, what: &str| said.iter().any(|text| text.contains(sku) && text.contains(what));
    assert!(of("meter/images", "64-bit") && of("gpu/", "64-bit") && of("amount", "19 of them"), "{said:?}");

    // Their bytes are as they were: the withdrawal of what can't be meant lets them go.
    bench.database.sql("delete from meter_hours; delete from usage_hours where hour >= '2020-05-02Z'");
    assert_eq!(bench.issue().await.issued_now, 3);
    assert_eq!(bench.serials().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn an_issuer_that_can_not_be_billed_keeps_no_other_waiting() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    // First in line, and its zone is none.
    bench.database.sql(
        "insert into issuers (issuer_id, name, zone, series, created_at)
         values ('00000000-0000-0000-0000-000000000001', 'broken', 'Nowhere/None', 'B', '2020-05-01Z');
         insert into accounts (account_id, issuer_id, name, currency, created_at)
         select issuer_id, issuer_id, 'broken', 'EUR', created_at from issuers where name = 'broken';
         insert into periods (account_id, period_start, period_end)
         select account_id, '2020-05-01Z', '2020-06-01Z' from accounts where name = 'broken'",
    );
    let cancel = tokio_util::sync::CancellationToken::new();
    releve_jobs::round(&bench.db, &Settings::default(), later(), &cancel).await;
    assert_eq!(bench.serials().await, [1]);
}

#[tokio::test]
async fn a_document_names_who_was_billed_as_they_were_then() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    bench.issue().await;
    bench.database.sql(
        "update accounts set name = 'Later Ltd', address = 'Moved Street 2', vat_id = 'GB999', country = 'GB';
         update issuers set address = 'Moved Street 3', vat_id = 'GB998', country = 'GB';
         update tenants set name = 'later'",
    );
    documents::run(&bench.db, later()).await.unwrap();
    let mut tx = bench.db.begin_app().await.unwrap();
    let invoice = bench.invoices().await.remove(0);
    for media_type in [documents::JSON, documents::HTML] {
        let found = releve_store::documents::find(&mut tx, invoice.account, invoice.id, media_type).await.unwrap();
        let text = String::from_utf8(found.expect("rendered").body).unwrap();
        assert_eq!(text.matches("1 rue du Relevé").count(), 2, "{media_type}: seller and customer");
        for later in ["Moved", "Later", "later", "GB9"] {
            assert!(!text.contains(later), "{media_type} says {later}");
        }
    }
}

#[tokio::test]
async fn answers_to_repeated_requests_are_forgotten_by_age() {
    let bench = Bench::new(1, 1, 1).await;
    let hours_ago = |hours: i64| later().plus_millis(-hours * HOUR);
    let mut tx = bench.db.begin_app().await.unwrap();
    for (key, at) in [("old", hours_ago(49)), ("young", hours_ago(47))] {
        idempotency::begin(&mut tx, "scope", key, &[7; 32], at).await.unwrap();
    }
    tx.commit().await.unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    releve_jobs::round(&bench.db, &Settings::default(), later(), &cancel).await;
    assert_eq!(bench.database.sql("select key from idempotency_keys"), "young");
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
    started_hour(&bench, world::sku(), 10 * 24).await;

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

/// May waits for a price while June could be billed; the allocation goes on over the month's end under a started hour.
#[tokio::test]
async fn a_plan_that_rounds_bills_months_in_their_order() {
    let bench = Bench::new(1, 2, 24 * 31 + 1).await;
    bench.state(0, ServiceState::Maintenance, 0).await;
    let june_hour = 24 * 31;
    let minute = 60_000;
    // t0 on spot, which costs something from June on; t1 on standard devices to the millisecond, and in May on spot.
    let part = |hour: i64, start_ms: i64, end_ms: i64, spot: &[usize]| {
        let holds = [
            Hold::new(bench.key(0), 0, "long", start_ms, end_ms),
            Hold::new(bench.key(1), 1, "other", start_ms, end_ms),
        ];
        let mut unsealed = bench.world.nodes[0].unsealed(at(hour), HOUR, Ranges::one(0, HOUR), &holds);
        for section in &mut unsealed.sections {
            let of_spot = spot.iter().any(|tenant| section.tenant_key == *bench.key(*tenant));
            section.segments.iter_mut().for_each(|s| s.spot = of_spot);
        }
        bench.world.nodes[0].seal(&unsealed)
    };
    bench
        .counted(vec![part(june_hour - 1, 50 * minute, 60 * minute, &[0, 1]), part(june_hour, 0, 5 * minute, &[0])])
        .await;
    let spot: releve_types::Sku = world::sku().to_string().replace("/standard/", "/spot/").parse().unwrap();
    let price = async |from: i64| started_hour(&bench, spot.clone(), from).await;
    price(june_hour).await;
    let now = june().end();
    let bill = async |period| issue(&bench.db, Order::new(bench.world.issuer, period), now).await.unwrap();
    assert_eq!(bill(may()).await.parked, 2, "no price yet: {:?}", bench.stand().await);
    let early = bill(june()).await;
    assert_eq!((early.issued, early.parked), (1, 1), "who is billed to the millisecond waits for nobody");
    let waiting = bench.invoices().await.into_iter().filter(|head| head.period == june() && !head.holds.is_empty());
    let waiting: Vec<_> = waiting.map(|head| (head.account, head.holds[0].kind)).collect();
    assert_eq!(waiting, [(bench.world.tenants[0].account, HoldKind::Rounding)]);

    price(0).await;
    assert_eq!(bill(may()).await.issued_now, 2);
    assert_eq!(bill(june()).await.issued_now, 1);
    let mut heads = bench.invoices().await;
    heads.retain(|head| head.account == bench.world.tenants[0].account);
    heads.sort_by_key(|head| head.period);
    let ids: Vec<_> = heads.iter().map(|head| head.id).collect();
    let mut tx = bench.db.begin_app().await.unwrap();
    let issued = invoices::issued(&mut tx, &ids).await.unwrap();
    let lines = issued.iter().flat_map(|i| &i.content().lines);
    let lines: Vec<(i64, i64)> = lines.map(|l| (l.charge.metered / minute, l.charge.billed / minute)).collect();
    assert_eq!(lines, [(10, 60), (5, 0)], "metered and billed minutes: the shared hour once");
}

/// Usage of May that nobody knew of comes after June was billed.
#[tokio::test]
async fn a_month_that_was_overtaken_is_billed_and_the_later_one_corrected() {
    let bench = Bench::new(1, 1, 24 * 31 + 1).await;
    bench.state(0, ServiceState::Maintenance, 0).await;
    let minute = 60_000;
    let part = |hour: i64, start_ms: i64, end_ms: i64| {
        bench.world.nodes[0].report(at(hour), HOUR, &[Hold::new(bench.key(0), 0, "long", start_ms, end_ms)])
    };
    started_hour(&bench, world::sku(), 10 * 24).await;
    bench.counted(vec![part(24 * 31, 0, 5 * minute)]).await;
    let now = june().end();
    let bill = async |period| issue(&bench.db, Order::new(bench.world.issuer, period), now).await.unwrap();
    assert_eq!(bill(may()).await.nothing, 1);
    assert_eq!(bill(june()).await.issued, 1);
    bench.counted(vec![part(24 * 31 - 1, 50 * minute, 60 * minute)]).await;
    assert_eq!(bill(may()).await.issued_now, 1);
    // Of the hour that both share, May begins it now: June takes its own back.
    let correct = async || correct_all(&bench.db, Order::new(bench.world.issuer, june()), now, now).await.unwrap();
    assert_eq!((correct().await, correct().await), (1, 0));
    let mut heads = bench.invoices().await;
    heads.sort_by_key(|head| (head.period, head.book));
    let totals: Vec<String> = heads.iter().map(|head| head.total.to_string()).collect();
    assert_eq!(totals, ["1.00 EUR", "1.00 EUR", "-1.00 EUR"]);
}

/// Prices a SKU by the started hour, from an hour on.
async fn started_hour(bench: &Bench, sku: releve_types::Sku, from: i64) {
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    let number =
        prices::ensure_sku(&mut tx, &sku, releve_types::Unit::GpuMs, at(0)).await.expect("the database answers");
    let price = releve_billing::Price::new(
        releve_types::ids::PriceId::fresh(at(from)),
        sku,
        releve_types::Unit::GpuMs,
        at(from),
        releve_billing::Model::PerUnit { price: "1.00".parse().expect("a price") },
        releve_billing::Rounding::StartedHour,
    )
    .expect("a price that can be made");
    let record =
        prices::PriceRecord { book: bench.world.book, price, created_at: at(0), created_by: "test".to_owned() };
    prices::insert_price(&mut tx, &record, number.expect("counted in GPU time")).await.expect("the price is stored");
    tx.commit().await.expect("committed");
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
