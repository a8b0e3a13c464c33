//! Does what was issued stay as it is, whoever writes?

use releve_jobs::documents;
use sqlx::Connection as _;

use crate::bench::{Bench, later};

#[tokio::test]
async fn the_application_can_not_change_what_was_issued() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    bench.issue().await;
    documents::run(&bench.db, later()).await.unwrap();
    // A draft with a line beside it, which may still change, but not into the issued one.
    bench.database.sql(
        "insert into invoices (invoice_id, account_id, issuer_id, state, period_start, period_end, book, series, currency,
                               total, created_at)
         select gen_random_uuid(), account_id, issuer_id, 'draft', period_start, period_end, 2, series, currency, total,
                created_at from invoices;
         insert into invoice_lines
         select l.account_id, i.invoice_id, 1, tenant_id, project, sku, description, unit, price_id, tier, from_at, to_at,
                metered, billed, energy_mj, unit_price, base_quantity, amount, vat_ground, vat_rate, taken_back, kind, vat_class
         from invoice_lines l, invoices i where i.state = 'draft'",
    );
    let mut changed = Vec::new();
    for (sql, code) in [
        ("update invoices set total = 0 where state = 'issued'", "23R03"),
        ("update invoices set state = 'draft' where state = 'issued'", "23R03"),
        ("update invoices set parties = '{}' where state = 'issued'", "23R03"),
        ("delete from invoices", "42501"),
        ("update invoice_lines set amount = 0", "23R03"),
        ("update invoice_lines set line = 99, invoice_id = (select invoice_id from invoices where state = 'issued')
          where invoice_id in (select invoice_id from invoices where state = 'draft')", "23R03"),
        ("delete from invoice_lines", "23R03"),
        ("insert into invoice_lines select account_id, invoice_id, 99, tenant_id, project, sku, description, unit, price_id,
          tier, from_at, to_at, metered, billed, energy_mj, unit_price, base_quantity, amount, vat_ground, vat_rate, taken_back, kind, vat_class from invoice_lines", "23R03"),
        ("insert into invoice_lines select account_id, gen_random_uuid(), 1, tenant_id, project, sku, description, unit, price_id,
          tier, from_at, to_at, metered, billed, energy_mj, unit_price, base_quantity, amount, vat_ground, vat_rate, taken_back, kind, vat_class from invoice_lines", "23503"),
        ("update invoice_taxes set tax = tax + 1", "23R03"),
        ("delete from invoice_taxes", "23R03"),
        ("insert into invoice_taxes select account_id, invoice_id, 'domestic', 19, base, tax from invoice_taxes", "23R03"),
        ("update vat_rates set percent = 19", "42501"),
        ("update invoice_lines set invoice_id = gen_random_uuid()
          where invoice_id in (select invoice_id from invoices where state = 'draft')", "23503"),
        ("update invoice_documents set body = ''", "42501"),
        ("update usage_hours set ms = ms + 1", "23R02"),
        ("insert into usage_hours select tenant_id, hour + interval '1 hour', book, project, sku_id, ms, energy_mj from usage_hours", "23R02"),
        ("delete from allocation_hours", "23R02"),
        ("update number_series set last_serial = last_serial - 1", "23R06"),
        ("update number_series set last_issued_at = last_issued_at - interval '1 second'", "23R06"),
        ("update number_series set series = 'X'", "23R06"),
        ("delete from number_series", "42501"),
        ("update periods set open_book = open_book - 1", "23R06"),
        ("update periods set period_end = period_end + interval '1 hour'", "23R06"),
        ("delete from periods", "42501"),
    ] {
        let refused = bench.refused(sql).await;
        if refused.as_deref() != Some(code) {
            changed.push((sql, code, refused));
        }
    }
    assert_eq!(changed, []);
}

#[tokio::test]
async fn no_line_slips_in_while_its_invoice_is_issued() {
    let bench = Bench::new(1, 1, 1).await;
    bench.counted(vec![bench.hour(0, 0, &[0])]).await;
    bench.issue().await;
    bench.database.sql(
        "insert into invoices (invoice_id, account_id, issuer_id, state, period_start, period_end, book, series, currency,
                               total, digest, parties, created_at)
         select gen_random_uuid(), account_id, issuer_id, 'draft', period_start, period_end, 2, series, currency, total,
                digest, parties, created_at from invoices",
    );
    let line = "insert into invoice_lines
         select l.account_id, i.invoice_id, 99, tenant_id, project, sku, description, unit, price_id, tier, from_at, to_at,
                metered, billed, energy_mj, unit_price, base_quantity, amount, vat_ground, vat_rate, taken_back, kind, vat_class
         from invoice_lines l, invoices i where i.book = 2";
    let stamp = "update invoices set state = 'issued', year = 2020, serial = 99, number = 'T-2020-99', payable = total,
                        issued_at = created_at, due_at = created_at where book = 2";
    for (first, second) in [(line, stamp), (stamp, line)] {
        let (mut one, mut other) = (bench.admin().await, bench.admin().await);
        let mut tx = one.begin().await.unwrap();
        sqlx::raw_sql(first).execute(&mut *tx).await.unwrap();
        sqlx::raw_sql("set lock_timeout = '200ms'").execute(&mut other).await.unwrap();
        let waited = sqlx::raw_sql(second).execute(&mut other).await.unwrap_err();
        assert_eq!(waited.as_database_error().and_then(|e| e.code()).as_deref(), Some("55P03"), "{waited}");
        tx.rollback().await.unwrap();
    }
}
