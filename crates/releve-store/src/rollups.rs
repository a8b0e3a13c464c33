//! What was used? Adds a batch's deltas to allocation hours and usage hours, and marks who changed.

use releve_metering::{AllocationKey, Held, MeterKey, UsageKey, Used, Writer};
use releve_types::{AllocationId, Hour, Sku, TenantId, TenantKey, Timestamp, Unit};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    pool::StoreError,
    sql_time::{day_to_sql, hour_to_sql, to_sql},
};

/// The numbers of SKUs, in the order asked, each with the unit that it is counted in; those not seen before get a
/// number, and the unit asked. The unit is another one where somebody else was first: compare.
pub async fn intern_skus(
    conn: &mut PgConnection,
    skus: &[(Sku, Unit)],
    now: Timestamp,
) -> Result<Vec<(i32, Unit)>, StoreError> {
    let names: Vec<String> = skus.iter().map(|(sku, _)| sku.to_string()).collect();
    let units: Vec<&str> = skus.iter().map(|(_, unit)| unit.name()).collect();
    sqlx::query!(
        r#"
        insert into skus (sku, unit, created_at)
        select sku, unit, $3
        from (select distinct sku, unit from unnest($1::text[], $2::text[]) as seen(sku, unit)) seen
        where not exists (select from skus s where s.sku = seen.sku)
        order by sku
        on conflict do nothing
        "#,
        &names,
        &units as _,
        to_sql(now)
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"
        select s.sku_id, s.unit
        from unnest($1::text[]) with ordinality as asked(sku, ord)
        join skus s on s.sku = asked.sku
        order by asked.ord
        "#,
        &names
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| Ok((r.sku_id, r.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?)))
        .collect()
}

/// Adds what allocations held. Served by the primary key; give the rows by tenant and hour, so that pages are met in order.
/// No two batches meet on a row, since each has its nodes' days to itself. What was taken back in the same book, of a
/// report that is not believed any more, is given again.
pub async fn add_allocation_hours<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = (&'a AllocationKey, &'a Held)>,
    sku_ids: &[i32],
) -> Result<(), StoreError> {
    let (mut tenants, mut hours, mut books): (Vec<Uuid>, Vec<OffsetDateTime>, Vec<i32>) = Default::default();
    let (mut allocations, mut nodes, mut devices): (Vec<Uuid>, Vec<Uuid>, Vec<Uuid>) = Default::default();
    let (mut skus, mut projects): (Vec<i32>, Vec<&str>) = Default::default();
    let (mut held, mut energy): (Vec<String>, Vec<i64>) = Default::default();
    for (key, value) in rows {
        tenants.push(key.tenant.uuid());
        hours.push(hour_to_sql(key.hour));
        books.push(key.book);
        allocations.push(key.allocation.uuid());
        nodes.push(key.node.uuid());
        devices.push(key.device);
        skus.push(sku_ids[key.sku]);
        projects.push(&key.project);
        held.push(value.ranges.to_string());
        energy.push(value.energy_mj);
    }
    if tenants.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into allocation_hours as a (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project,
                                           held, energy_mj)
        select tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project, held::int4multirange, energy_mj
        from unnest($1::uuid[], $2::timestamptz[], $3::int4[], $4::uuid[], $5::uuid[], $6::uuid[], $7::int4[],
                    $8::text[], $9::text[], $10::bigint[])
             as said(tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project, held, energy_mj)
        on conflict (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project) do update
            set held = a.held + (excluded.held - a.taken_back), taken_back = a.taken_back - excluded.held,
                energy_mj = a.energy_mj + excluded.energy_mj
        "#,
        &tenants,
        &hours,
        &books,
        &allocations,
        &nodes,
        &devices,
        &skus,
        &projects as _,
        &held,
        &energy
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds summed usage. Served by the primary key; rows go in its order.
pub async fn add_usage_hours<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = (&'a UsageKey, &'a Used)>,
    sku_ids: &[i32],
) -> Result<(), StoreError> {
    let columns = HourColumns::from(rows.map(|(key, used)| (key, sku_ids[key.sku], used.ms, used.energy_mj)));
    if columns.tenants.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into usage_hours as u (tenant_id, hour, book, project, sku_id, ms, energy_mj)
        select tenant_id, hour, book, project, sku_id, ms, energy_mj
        from unnest($1::uuid[], $2::timestamptz[], $3::int4[], $4::text[], $5::int4[], $6::bigint[], $7::bigint[])
             as said(tenant_id, hour, book, project, sku_id, ms, energy_mj)
        order by tenant_id, hour, book, project, sku_id
        on conflict (tenant_id, hour, book, project, sku_id) do update
            set ms = u.ms + excluded.ms, energy_mj = u.energy_mj + excluded.energy_mj
        "#,
        &columns.tenants,
        &columns.hours,
        &columns.books,
        &columns.projects as _,
        &columns.skus,
        &columns.quantities,
        &columns.energies
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds other metered quantities. Served by the primary key; rows go in its order.
pub async fn add_meter_hours<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = (&'a MeterKey, &'a i64)>,
    sku_ids: &[i32],
) -> Result<(), StoreError> {
    let columns = HourColumns::from(rows.map(|(key, quantity)| (key, sku_ids[key.sku], *quantity, 0)));
    if columns.tenants.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into meter_hours as m (tenant_id, hour, book, project, sku_id, quantity)
        select tenant_id, hour, book, project, sku_id, quantity
        from unnest($1::uuid[], $2::timestamptz[], $3::int4[], $4::text[], $5::int4[], $6::bigint[])
             as said(tenant_id, hour, book, project, sku_id, quantity)
        order by tenant_id, hour, book, project, sku_id
        on conflict (tenant_id, hour, book, project, sku_id) do update set quantity = m.quantity + excluded.quantity
        "#,
        &columns.tenants,
        &columns.hours,
        &columns.books,
        &columns.projects as _,
        &columns.skus,
        &columns.quantities
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Default)]
struct HourColumns<'a> {
    tenants: Vec<Uuid>,
    hours: Vec<OffsetDateTime>,
    books: Vec<i32>,
    projects: Vec<&'a str>,
    skus: Vec<i32>,
    quantities: Vec<i64>,
    energies: Vec<i64>,
}

impl<'a> HourColumns<'a> {
    fn from(rows: impl Iterator<Item = (&'a UsageKey, i32, i64, i64)>) -> Self {
        let mut columns = Self::default();
        for (key, sku, quantity, energy) in rows {
            columns.tenants.push(key.tenant.uuid());
            columns.hours.push(hour_to_sql(key.hour));
            columns.books.push(key.book);
            columns.projects.push(&key.project);
            columns.skus.push(sku);
            columns.quantities.push(quantity);
            columns.energies.push(energy);
        }
        columns
    }
}

/// Names allocations; what is known of one is kept where nothing new is said.
pub async fn name_allocations<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = (&'a (TenantId, AllocationId), &'a Writer)>,
) -> Result<(), StoreError> {
    let (mut tenants, mut ids): (Vec<Uuid>, Vec<Uuid>) = Default::default();
    let (mut keys, mut allocs): (Vec<&str>, Vec<&str>) = Default::default();
    let mut seen: Vec<OffsetDateTime> = Vec::new();
    let (mut names, mut users): (Vec<Option<&str>>, Vec<Option<&str>>) = Default::default();
    let mut labels: Vec<Option<String>> = Vec::new();
    for ((tenant, id), writer) in rows {
        tenants.push(tenant.uuid());
        ids.push(id.uuid());
        keys.push(&writer.tenant_key);
        allocs.push(&writer.alloc);
        seen.push(to_sql(writer.first_seen));
        names.push(writer.name.as_deref());
        users.push(writer.user.as_deref());
        labels.push(writer.labels.as_ref().map(|pairs| labels_json(pairs)));
    }
    if tenants.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into allocations as a (tenant_id, allocation_id, tenant_key, alloc, first_seen, name, username, labels)
        select tenant_id, allocation_id, tenant_key, alloc, first_seen, name, username, coalesce(labels::jsonb, '{}')
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
             as said(tenant_id, allocation_id, tenant_key, alloc, first_seen, name, username, labels)
        order by tenant_id, allocation_id
        on conflict (tenant_id, allocation_id) do update
            set first_seen = least(a.first_seen, excluded.first_seen),
                name = coalesce(excluded.name, a.name),
                username = coalesce(excluded.username, a.username),
                labels = case when excluded.labels = '{}' then a.labels else excluded.labels end
            where excluded.first_seen < a.first_seen or excluded.name is not null
               or excluded.username is not null or excluded.labels <> '{}'
        "#,
        &tenants,
        &ids,
        &keys as _,
        &allocs as _,
        &seen,
        &names as _,
        &users as _,
        &labels as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn labels_json(pairs: &[(String, String)]) -> String {
    let map: serde_json::Map<String, serde_json::Value> =
        pairs.iter().map(|(name, value)| (name.clone(), serde_json::Value::String(value.clone()))).collect();
    serde_json::Value::Object(map).to_string()
}

/// Makes the tenants that stand for unmapped keys, where they are not there yet.
pub async fn create_suspense(
    conn: &mut PgConnection,
    of: &[(TenantId, TenantKey)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = of.iter().map(|(id, _)| id.uuid()).collect();
    let keys: Vec<&str> = of.iter().map(|(_, key)| key.as_str()).collect();
    sqlx::query!(
        r#"
        insert into tenants (tenant_id, account_id, name, kind, tenant_key, created_at)
        select tenant_id, null, 'suspense ' || tenant_key, 'suspense', tenant_key, $3
        from unnest($1::uuid[], $2::text[]) as seen(tenant_id, tenant_key)
        order by tenant_id
        on conflict do nothing
        "#,
        &ids,
        &keys as _,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks whose spend is to be judged again, though no usage changed. `tenants` must be sorted.
pub async fn mark_spend(conn: &mut PgConnection, tenants: &[TenantId], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = tenants.iter().map(|t| t.uuid()).collect();
    sqlx::query!(
        r#"
        insert into spend_marks as m (tenant_id, changed_at)
        select tenant_id, $2 from unnest($1::uuid[]) as changed(tenant_id) order by tenant_id
        on conflict (tenant_id) do update set changed_at = excluded.changed_at
            where m.changed_at < excluded.changed_at
        "#,
        &ids,
        to_sql(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The unit that each of these SKUs is counted in, where it is known.
pub async fn units(
    conn: &mut PgConnection,
    skus: &[Sku],
) -> Result<std::collections::BTreeMap<String, Unit>, StoreError> {
    let names: Vec<String> = skus.iter().map(Sku::to_string).collect();
    let rows = sqlx::query!("select sku, unit from skus where sku = any($1)", &names).fetch_all(conn).await?;
    rows.into_iter()
        .map(|r| Ok((r.sku, r.unit.parse().map_err(|e| StoreError::inconsistent("skus", "unit", e))?)))
        .collect()
}

/// What is counted of other meters already, over all books and projects, in the order asked. More than 64 bits hold
/// is told as the most they hold.
pub async fn meter_totals(conn: &mut PgConnection, of: &[(TenantId, Hour, &Sku)]) -> Result<Vec<i64>, StoreError> {
    let tenants: Vec<Uuid> = of.iter().map(|(tenant, ..)| tenant.uuid()).collect();
    let hours: Vec<OffsetDateTime> = of.iter().map(|(_, hour, _)| hour_to_sql(*hour)).collect();
    let skus: Vec<String> = of.iter().map(|(.., sku)| sku.to_string()).collect();
    let rows = sqlx::query!(
        r#"
        select least(coalesce(sum(m.quantity), 0), 9223372036854775807)::bigint as "total!"
        from unnest($1::uuid[], $2::timestamptz[], $3::text[]) with ordinality as asked(tenant_id, hour, sku, ord)
        left join skus s on s.sku = asked.sku
        left join meter_hours m on m.tenant_id = asked.tenant_id and m.hour = asked.hour and m.sku_id = s.sku_id
        group by asked.ord
        order by asked.ord
        "#,
        &tenants,
        &hours,
        &skus
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.total).collect())
}

/// Makes the months of rollups that are missing for a day, and no day of reports: a reading is in none.
pub async fn make_month(conn: &mut PgConnection, day: i64) -> Result<i32, StoreError> {
    let row =
        sqlx::query!(r#"select make_rollup_partitions($1, $1) as "made!""#, day_to_sql(day)).fetch_one(conn).await?;
    Ok(row.made)
}
