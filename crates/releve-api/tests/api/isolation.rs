//! Does a tenant see itself and nobody else? Every route of a tenant, with its own key and another's.

use releve_api::auth::Role;
use serde_json::json;

use crate::{scopes::operations, world::World};

const SECRET: &str = "acme-secret";

#[tokio::test]
async fn a_foreign_tenant_is_as_absent_as_one_that_never_was() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["lab", SECRET] {
        let made = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        ids.push((made["id"].as_str().expect("an id").to_owned(), made["account"].as_str().expect("an id").to_owned()));
        let reading = json!({
            "source": "s", "id": name, "meter": "storage", "tenant": name, "project": format!("{name}-project"),
            "quantity": 77_777, "unit": "gib_second", "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
        });
        world.post("/v1/readings", reading).await.expect(200);
        world
            .post(&format!("/v1/tenants/{name}/projects"), json!({ "name": format!("{name}-project") }))
            .await
            .expect(201);
    }
    let routes: Vec<String> = operations()
        .into_iter()
        .filter(|(method, path, operation)| {
            // A session names its tenant by itself, and no path does.
            if path.starts_with("/v1/session") {
                return false;
            }
            let for_tenants = operation["security"].to_string().contains("tenant:");
            assert!(!for_tenants || path.starts_with("/v1/tenants/{tenant}"), "{method} {path}");
            let reads = method == "GET" && path.starts_with("/v1/tenants/{tenant}");
            assert!(for_tenants || !reads, "{method} {path}");
            reads
        })
        .map(|(_, path, _)| path)
        .collect();
    assert!(routes.len() >= 4, "{routes:?}");
    let random = "ten_01900000000070008000000000000000";
    for route in &routes {
        // A key each: one that asks for everything at once is told to wait.
        let lab = world.tenant_key_as("lab", Role::Admin).await;
        // A path with a second parameter names something of the tenant; what, is tried below.
        let at = |tenant: &str| {
            route
                .replace("{tenant}", tenant)
                .replace("{invoice}", "inv_01900000000070008000000000000000")
                .replace("{budget}", "bud_01900000000070008000000000000000")
                .replace("{endpoint}", "whe_01900000000070008000000000000000")
        };
        let ask = async |tenant: &str| world.call("GET", &at(tenant), Some(&lab), None).await;
        let own = [ask("lab").await, ask(&ids[0].0).await];
        for answer in &own {
            let missing = ["{invoice}", "{budget}", "{endpoint}"].iter().any(|part| route.contains(part));
            assert_eq!(answer.status.as_u16(), if missing { 404 } else { 200 }, "{route}: {}", answer.text());
            assert!(
                !answer.text().contains(SECRET) && !answer.text().contains(&ids[1].0),
                "{route}: {}",
                answer.text()
            );
        }
        for foreign in [ids[1].0.as_str(), SECRET, random, "nobody", "%00", "ten_1", "'%20or%201=1", "..%2flab"] {
            let answer = ask(foreign).await;
            let (status, code, _) = answer.problem();
            assert_eq!((status, code.as_str()), (404, "not_found"), "{route} for {foreign}");
            assert!(
                !answer.text().contains("-project") && !answer.text().contains("77777"),
                "{route}: {}",
                answer.text()
            );
        }
        // The same words for both, but for the name that was asked for.
        let foreign = ask(&ids[1].0).await.text().replace(&ids[1].0, "X");
        assert_eq!(foreign, ask(random).await.text().replace(random, "X"), "{route}");
    }
}

#[tokio::test]
async fn a_cursor_carries_no_right() {
    let world = World::new().await;
    for name in ["lab", SECRET] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        for n in 0..3 {
            world
                .post(&format!("/v1/tenants/{name}/projects"), json!({ "name": format!("{name}-{n}") }))
                .await
                .expect(201);
        }
    }
    let lab = world.tenant_key("lab").await;
    let theirs = world.get(&format!("/v1/tenants/{SECRET}/projects?limit=1")).await.expect(200);
    let cursor = theirs["next"].as_str().expect("a next page");
    let answer = world.call("GET", &format!("/v1/tenants/lab/projects?cursor={cursor}"), Some(&lab), None).await;
    assert_eq!(answer.problem().1, "cursor_refused");
}

#[tokio::test]
async fn the_second_wall_stands_alone() {
    let world = World::new().await;
    let mut made = Vec::new();
    for name in ["lab", SECRET] {
        let tenant = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let id: releve_types::TenantId = tenant["id"].as_str().expect("an id").parse().expect("an id");
        let account: releve_types::AccountId = tenant["account"].as_str().expect("an id").parse().expect("an id");
        world
            .post(&format!("/v1/tenants/{name}/projects"), json!({ "name": format!("{name}-project") }))
            .await
            .expect(201);
        made.push((id, account));
    }
    // A query that forgot whose rows it wants: asked for the other's, in this one's transaction.
    let mut tx = world.db.begin_tenant(made[0].0, made[0].1).await.expect("begins");
    let theirs = releve_store::customers::projects(&mut tx, made[1].0, "", 10).await.expect("asked");
    assert_eq!(theirs, []);
    let account = releve_store::customers::account(&mut tx, made[1].1).await.expect("asked");
    assert_eq!(account, None);
    let own = releve_store::customers::projects(&mut tx, made[0].0, "", 10).await.expect("asked");
    assert_eq!(own.len(), 1);
}

/// What a tenant may read although it is nobody's: each with its reason.
const OF_EVERYBODY: [(&str, &str); 1] = [("skus", "what is sold, without what it costs whom")];

/// How a row of a table is told to be of this account and tenant.
fn own(table: &str, tenant: &str, account: &str) -> String {
    match table {
        "tenants" | "projects" | "allocation_hours" | "usage_hours" | "meter_hours" | "allocations" | "api_keys"
        | "budgets" | "budget_firings" | "line_questions" | "webhook_endpoints" => {
            format!("tenant_id = '{tenant}'")
        }
        "alerts" => format!("(tenant_id = '{tenant}' or account_id = '{account}')"),
        "accounts"
        | "contracts"
        | "invoices"
        | "invoice_lines"
        | "invoice_taxes"
        | "invoice_documents"
        | "periods"
        | "agreements"
        | "voids"
        | "settlements"
        | "settlement_taxes"
        | "write_offs"
        | "dunning_notices"
        | "credits"
        | "credit_entries"
        | "purchase_orders"
        | "hand_overs"
        | "hand_over_failures"
        | "invoice_statuses"
        | "invoice_stated_taxes" => {
            format!("account_id = '{account}'")
        }
        "webhook_deliveries" | "webhook_tries" => {
            format!("endpoint_id in (select endpoint_id from webhook_endpoints where tenant_id = '{tenant}')")
        }
        "outbox" => format!("tenant_id = '{tenant}'"),
        "issuers" => format!("issuer_id in (select issuer_id from accounts where account_id = '{account}')"),
        "price_books" | "prices" => {
            format!("price_book_id in (select price_book_id from contracts where account_id = '{account}')")
        }
        other => panic!("{other} has row-level security: say here how one of its rows is somebody's"),
    }
}

/// A row in each table that belongs to somebody, beside what the API has made: `n` tells the two tenants apart.
fn rows(n: usize, tenant: &str, account: &str) -> String {
    format!(
        "with own as (select '{tenant}'::uuid as tenant_id, '{account}'::uuid as account_id,
                             '0000000{n}-0000-0000-0000-000000000000'::uuid as id, '2026-03-10 12:00Z'::timestamptz as at),
         sku as (insert into skus (sku, unit, created_at) select 'meter/m{n}/x', 'count', at from own returning sku_id),
         seller as (insert into issuers (issuer_id, name, zone, series, created_at)
                    select id, 'seller {n}', 'UTC', 'S{n}', at from own returning issuer_id),
         sold as (update accounts set issuer_id = (select issuer_id from seller) where account_id = '{account}' returning 1),
         book as (insert into price_books select id, 'book {n}', 'EUR', at from own returning price_book_id),
         price as (insert into prices select id, price_book_id, sku_id, at, 'per_unit', '[]', 'exact', at, 'test',
                          'standard'
                   from own, book, sku returning 1),
         contract as (insert into contracts select id, account_id, price_book_id, at + interval '1 hour', at, 'test'
                      from own, book returning 1),
         agreed as (insert into agreements (agreement_id, account_id, kind, description, from_at, price, created_at, created_by)
                    select id, account_id, 'minimum', 'd', at, 1, at, 'test' from own returning 1),
         void as (insert into voids select account_id, '2026-03-01Z', 2, id, 'r', 'test', at from own returning 1),
         allocation as (insert into allocations (tenant_id, allocation_id, tenant_key, alloc, first_seen)
                        select tenant_id, id, 'k', 'a', at from own returning 1),
         held as (insert into allocation_hours (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project, held)
                  select tenant_id, at, 1, id, id, id, sku_id, '', '{{[0,1)}}' from own, sku returning 1),
         used as (insert into usage_hours (tenant_id, hour, book, project, sku_id, ms)
                  select tenant_id, at, 1, '', sku_id, 1 from own, sku returning 1),
         metered as (insert into meter_hours (tenant_id, hour, book, project, sku_id, quantity)
                     select tenant_id, at, 1, '', sku_id, 1 from own, sku returning 1),
         period as (insert into periods (account_id, period_start, period_end)
                    select account_id, '2026-03-01Z', '2026-04-01Z' from own returning 1),
         invoice as (insert into invoices (invoice_id, account_id, issuer_id, state, period_start, period_end, book, series,
                                           currency, total, created_at)
                     select id, account_id, issuer_id, 'draft', '2026-03-01Z', '2026-04-01Z', 1, 'S{n}', 'EUR', 1, at
                     from own, seller returning invoice_id),
         line as (insert into invoice_lines
                  select account_id, invoice_id, 1, tenant_id, '', 'meter/m{n}/x', '', 'count', id, 0, at,
                         at + interval '1 hour', 1, 1, 0, 1, 1, 1, 'not_taxable', 0, false, 'usage', 'standard'
                  from own, invoice returning 1),
         tax as (insert into invoice_taxes select account_id, invoice_id, 'not_taxable', 0, 1, 0 from own, invoice returning 1),
         exchanged as (insert into exchange_rates select id, 'EUR', 'USD', '2026-03-31', 1, 's', at, 'test' from own
                       returning exchange_rate_id),
         stated as (insert into invoice_stated_taxes
                    select account_id, invoice_id, 1, exchange_rate_id from own, invoice, exchanged returning 1),
         billed as (insert into invoices (invoice_id, account_id, issuer_id, state, period_start, period_end, book, series, year,
                                          serial, number, currency, total, payable, digest, created_at, issued_at, due_at, parties)
                    select gen_random_uuid(), account_id, issuer_id, 'issued', '2026-03-01Z', '2026-04-01Z', 2, 'S{n}', 2026, 1,
                           'S{n}-2026-000001', 'EUR', 1, 1, '', at, at, at, '{{}}'
                    from own, seller returning invoice_id),
         paid as (insert into payments (payment_id, issuer_id, amount, currency, paid_on, source, reference, end_to_end_id,
                                        payer, remittance, recorded_at, recorded_by)
                  select id, issuer_id, 1, 'EUR', '2026-04-05', 'api', 'r', '', '', '', at, 'test' from own, seller returning 1),
         settled as (insert into settlements
                     select id, id, account_id, invoice_id, 1, '2026-04-05', '', at, 'test' from own, billed returning 1),
         borne as (insert into settlement_taxes select id, account_id, 'not_taxable', 0, 1, 0 from own returning 1),
         credit as (insert into credits (credit_id, account_id, kind, description, amount, currency, remaining, priority,
                                         from_at, scope, created_at, created_by)
                    select id, account_id, 'granted', 'd', 2, 'EUR', 1, 500, at, 'all', at, 'test' from own returning 1),
         entered as (insert into credit_entries (account_id, credit_id, from_side, to_side, amount, reason, entered_at, entered_by)
                     select account_id, id, 'seller', 'credit', 1, '', at, 'test' from own returning 1),
         ordered as (insert into purchase_orders (purchase_order_id, account_id, number, currency, from_at, created_at, created_by)
                     select id, account_id, 'PO', 'EUR', at, at, 'test' from own returning 1),
         off as (insert into write_offs select account_id, invoice_id, 1, 'r', at, 'test' from own, billed returning 1),
         noticed as (insert into dunning_notices select account_id, invoice_id, 1, 1, at from own, billed returning 1),
         left_us as (insert into hand_overs select account_id, invoice_id, 'd', sha256(''), at from own, billed returning 1),
         failed as (insert into hand_over_failures
                    select account_id, invoice_id, 1, 'd', at, at + interval '1 hour' from own, billed returning 1),
         asked as (insert into line_questions (tenant_id, question_id, account_id, invoice_id, line, question, asked_at, asked_by)
                   select tenant_id, id, account_id, invoice_id, 1, 'q', at, 'test' from own, billed returning 1),
         alerted as (insert into alerts (alert_id, tenant_id, account_id, kind, subject, fold, count, numbers, first_at, last_at)
                     select v.*, 'k', 's', id::text, 1, '{{}}', at, at from own, lateral (values (id, tenant_id, null::uuid), (gen_random_uuid(), null, account_id)) v returning 1),
         told as (insert into invoice_statuses select id, account_id, invoice_id, 'submitted', at, 'r', '', at, 'test' from own, billed returning 1)
         insert into invoice_documents select account_id, invoice_id, 'text/plain', '', '', at from own, invoice"
    )
}

/// The same of a tenant's budgets and of what its own endpoint was told.
fn told(n: usize, tenant: &str, account: &str) -> String {
    format!(
        "with own as (select '{tenant}'::uuid as tenant_id, '{account}'::uuid as account_id,
                             '0000000{n}-0000-0000-0000-000000000000'::uuid as id, '2026-03-10 12:00Z'::timestamptz as at),
         event as (insert into outbox (outbox_id, topic, account_id, tenant_id, body, created_at)
                   select id, 't', account_id, tenant_id, '{{}}', at from own returning 1),
         meant as (insert into budgets select tenant_id, id, 'b', null, null, 'amount', 1, 'actual', '{{80}}', false, at, 'test' from own
                   returning budget_id),
         fired as (insert into budget_firings select tenant_id, budget_id, at, 80, 1, at from own, meant returning 1),
         listening as (insert into webhook_endpoints (endpoint_id, account_id, tenant_id, url, description, topics, created_at, created_by)
                       select id, account_id, tenant_id, 'https://e', '', '{{}}', at, 'test' from own returning 1),
         owed as (insert into webhook_deliveries (endpoint_id, event_id, state, due_at) select id, id, 'waiting', at from own returning 1)
         insert into webhook_tries (endpoint_id, event_id, at, took_ms, answer) select id, id, at, 1, '' from own"
    )
}

#[tokio::test]
async fn the_second_wall_stands_around_every_table() {
    let world = World::new().await;
    world.database.sql("select make_partitions('2026-03-01', '2026-03-31')");
    let mut made = Vec::new();
    for (n, name) in ["lab", SECRET].into_iter().enumerate() {
        let tenant = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let id: releve_types::TenantId = tenant["id"].as_str().expect("an id").parse().expect("an id");
        let account: releve_types::AccountId = tenant["account"].as_str().expect("an id").parse().expect("an id");
        world.post(&format!("/v1/tenants/{name}/projects"), json!({ "name": "project" })).await.expect(201);
        world.tenant_key(name).await;
        for rows in [rows, told] {
            world.database.sql(&rows(n, &id.uuid().to_string(), &account.uuid().to_string()));
        }
        made.push((id, account));
    }
    let walled = world.database.sql(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relrowsecurity and not c.relispartition order by 1",
    );
    assert!(walled.lines().count() >= 16, "{walled}");
    for (id, account) in made {
        for table in walled.lines() {
            let own = own(table, &id.uuid().to_string(), &account.uuid().to_string());
            let count = format!(
                "select count(*) filter (where {own}) || ' ' || count(*) filter (where ({own}) is not true) from {table}"
            );
            let in_all = world.database.sql(&count);
            let (mine, others) = in_all.split_once(' ').expect("two counts");
            assert!(mine != "0" && others != "0", "{table} needs a row of each tenant: {in_all}");
            let mut tx = world.db.begin_tenant(id, account).await.expect("begins");
            let seen: String =
                sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut *tx).await.expect("may read its own");
            assert_eq!(seen, format!("{mine} 0"), "{table}");
        }
    }
}

#[tokio::test]
async fn a_tenant_may_read_only_what_is_walled_and_write_nothing() {
    let world = World::new().await;
    world.database.sql("select make_partitions('2026-03-01', '2026-03-31')");
    let granted = |privileges: &str, beside: &str| {
        world.database.sql(&format!(
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'f') and ({privileges}) {beside} order by 1"
        ))
    };
    let readable = "has_any_column_privilege('releve_tenant', c.oid, 'select')";
    let known: Vec<&str> = OF_EVERYBODY.iter().map(|(table, _)| *table).collect();
    assert_eq!(granted(readable, "and not c.relrowsecurity").lines().collect::<Vec<_>>(), known);
    let writable = "has_any_column_privilege('releve_tenant', c.oid, 'insert, update')
                    or has_table_privilege('releve_tenant', c.oid, 'delete, truncate')";
    assert_eq!(granted(writable, ""), "");
}

#[tokio::test]
async fn a_login_that_may_become_the_owner_is_refused() {
    let world = World::new().await;
    let name = format!("powerful_{}", releve_types::ids::fresh_uuid(world.now()).simple());
    world.database.sql(&format!("create role {name} login noinherit in role releve_app, releve_tenant"));
    let url = world.database.login_url().replace("//login@", &format!("//{name}@"));
    let db = releve_store::Db::connect(&url, 1).await.expect("connects");
    db.check_login().await.expect("no more than the roles that it switches to");
    world.database.sql(&format!("grant releve_owner to {name}"));
    let refused = db.check_login().await.expect_err("it may take the wall down");
    assert!(refused.to_string().contains(&name), "{refused}");
    db.close().await;
    world.database.sql(&format!("drop role {name}"));
}
