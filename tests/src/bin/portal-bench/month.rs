//! What has the large tenant used this month? 5,000 GPUs hour by hour, in as many projects as make a million usage hours.

use releve_tests::{
    postgres::Database,
    world::{World, sku},
};
use releve_types::{Timestamp, Zone, time::MILLIS_PER_HOUR};

const GPUS: i64 = 5_000;
const USAGE_HOURS: i64 = 1_000_000;
/// Of the reserved SKU, matched by the hour.
const RESERVED: i64 = 1_000;

/// The month's beginning.
pub fn start(now: Timestamp) -> Timestamp {
    Zone::utc().period_of(now).start()
}

/// Fills the hours until now, and has three more SKUs with tiers, a reservation of the world's, and a minimum. How many usage hours.
pub fn fill(database: &Database, world: &World, (since, now): (Timestamp, Timestamp)) -> String {
    let holder = &world.tenants[0];
    let (tenant, account, book) = (holder.tenant.uuid(), holder.account.uuid(), world.book.uuid());
    let hours = ((now.as_millis() - since.as_millis()) / MILLIS_PER_HOUR).max(1);
    let projects = USAGE_HOURS / hours / 4 + 1;
    let reserved = sku();
    database.sql(&format!(
        "insert into skus (sku, unit, created_at)
         select 'gpu/nvidia-' || m || '/whole/1:1/standard/eu-west', 'gpu_ms', '2026-01-01Z' from unnest(array['gb200', 'h200', 'l40s']) m;
         insert into prices (price_id, price_book_id, sku_id, from_at, model, tiers, rounding, vat_class, created_at, created_by)
         select gen_random_uuid(), '{book}', sku_id, '{since}', 'graduated',
                '[{{\"up_to\": 3600000000000, \"price\": \"3.10\"}}, {{\"up_to\": null, \"price\": \"2.75\"}}]', 'exact', 'standard', '{since}', 'bench'
         from skus where sku like 'gpu/nvidia-gb200/%' or sku like 'gpu/nvidia-h200/%' or sku like 'gpu/nvidia-l40s/%';
         insert into agreements (agreement_id, account_id, kind, description, from_at, sku, devices, matching, price, created_at, created_by)
         values (gen_random_uuid(), '{account}', 'reservation', 'a thousand', '{since}', '{reserved}', {RESERVED}, 'hour', 1.90, '{since}', 'bench');
         insert into agreements (agreement_id, account_id, kind, description, from_at, price, created_at, created_by)
         values (gen_random_uuid(), '{account}', 'minimum', 'at least', '{since}', 100000, '{since}', 'bench');
         select make_partitions('{since}'::date, ('{now}'::timestamptz + interval '2 days')::date);"
    ));
    // Each GPU is of one SKU, and of one project for the whole month. No triggers while it is filled.
    database.sql(&format!(
        "set session_replication_role = replica;
         insert into allocations (tenant_id, allocation_id, tenant_key, alloc, first_seen)
         select '{tenant}', md5('allocation ' || a)::uuid, 'static:t0', 'job-' || a, '{since}' from generate_series(0, {GPUS} - 1) a;
         insert into allocation_hours (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project, held, energy_mj)
         select '{tenant}', h, 1, md5('allocation ' || g)::uuid, md5('node ' || g / 4)::uuid, md5('device ' || g)::uuid,
                (select min(sku_id) from skus) + g % 4, 'project-' || (g / 4) % {projects}, '{{[0,3600000)}}', 2520000000
         from generate_series('{since}'::timestamptz, '{now}'::timestamptz - interval '1 hour', '1 hour') h, generate_series(0, {GPUS} - 1) g;
         insert into usage_hours (tenant_id, hour, book, project, sku_id, ms, energy_mj)
         select tenant_id, hour, 1, project, sku_id, count(*) * 3600000, sum(energy_mj)
         from allocation_hours where tenant_id = '{tenant}' group by tenant_id, hour, project, sku_id"
    ));
    // Every node said what it saw until this minute.
    database.sql(&format!(
        "insert into node_coverage (node_id, day, covered)
         select node_id, day, int4multirange(int4range(0, least(86400000, extract(epoch from date_trunc('minute', '{now}'::timestamptz) - day) * 1000)::int))
         from nodes, generate_series('{since}'::timestamptz, '{now}', '1 day') day"
    ));
    database.sql("vacuum (analyze) usage_hours");
    database.sql("vacuum (analyze) allocation_hours");
    database.sql("analyze");
    database.sql(&format!("select count(*) from usage_hours where tenant_id = '{tenant}'")).trim().to_owned()
}
