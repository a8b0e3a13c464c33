-- Partitions: reports by day, rollups by month. Made ahead, detached only once archived; no default partition,
-- so that a day nobody expected is a clear error and not a slow table.

-- The archive of each detached day, so that an audit knows where its reports are.
create table report_archives (
    day         date primary key,
    location    text not null,
    sha256      bytea not null,
    reports     bigint not null,
    bytes       bigint not null,
    archived_at timestamptz not null,
    detached_at timestamptz
);

-- Makes what is missing from `first` to `last`. Runs as its owner, since the programs own nothing. Each
-- partition is made beside the parent and then attached: attaching does not lock readers and writers out.
create function make_partitions(first date, last date) returns int
language plpgsql security definer set search_path = public as $$
declare
    made int := 0;
    parent text;
    at date;
    upto date;
    name text;
begin
    perform pg_advisory_xact_lock(7201);
    foreach parent in array array['reports', 'allocation_hours', 'usage_hours', 'meter_hours'] loop
        at := case parent when 'reports' then first else date_trunc('month', first)::date end;
        while at <= last loop
            upto := case parent when 'reports' then at + 1 else (at + interval '1 month')::date end;
            name := parent || '_' || to_char(at, case parent when 'reports' then 'YYYYMMDD' else 'YYYYMM' end);
            if to_regclass(name) is null then
                execute format('create table %I (like %I including all)', name, parent);
                if parent = 'reports' then
                    execute format('alter table reports attach partition %I for values from (%L) to (%L)', name, at, upto);
                else
                    execute format('alter table %I set (fillfactor = 70)', name);
                    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name,
                        at::text || ' 00:00:00+00', upto::text || ' 00:00:00+00');
                    execute format('alter table %I enable row level security', name);
                end if;
                made := made + 1;
            end if;
            at := upto;
        end loop;
    end loop;
    return made;
end
$$;

-- Takes a day of reports out of the table and drops it. Only after its archive is recorded.
create function drop_reports_of(which date) returns boolean
language plpgsql security definer set search_path = public as $$
declare
    name text := 'reports_' || to_char(which, 'YYYYMMDD');
begin
    if not exists (select from report_archives a where a.day = which) then
        raise exception 'the reports of % are not archived', which using errcode = '23R04';
    end if;
    perform pg_advisory_xact_lock(7201);
    if to_regclass(name) is null then
        return false;
    end if;
    execute format('alter table reports detach partition %I', name);
    execute format('drop table %I', name);
    update report_archives set detached_at = now() where day = which;
    return true;
end
$$;

-- Everything belongs to the owner; the programs may read and write, and only add where rows are frozen.
do $$
declare
    t record;
begin
    for t in select c.relname, c.relkind from pg_class c
             join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname not like '\_sqlx%' loop
        execute format('alter table %I owner to releve_owner', t.relname);
        execute format('grant select, insert, update, delete on %I to releve_app', t.relname);
    end loop;
end
$$;
alter function make_partitions(date, date) owner to releve_owner;
alter function drop_reports_of(date) owner to releve_owner;
grant execute on function make_partitions(date, date) to releve_app;
grant execute on function drop_reports_of(date) to releve_app;
revoke update, delete on node_states, node_keys, tenant_key_rules, prices, contracts, adjustments,
    invoice_documents, gap_acceptances, audit_log from releve_app;
revoke delete on invoices, node_coverage, device_tenure, reading_keys, number_series, periods from releve_app;

-- Row-level security: the second wall. The application role sees every row; the tenant role sees its own.
-- Partitions inherit nothing here, but the tenant role is granted the parents only, so it can't name one.
do $$
declare
    t text;
begin
    foreach t in array array['tenants', 'projects', 'allocation_hours', 'usage_hours', 'meter_hours', 'allocations', 'api_keys'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', t);
        execute format('create policy tenant_sees_own on %I for select to releve_tenant using (tenant_id = current_tenant())', t);
        execute format('grant select on %I to releve_tenant', t);
    end loop;
    foreach t in array array['accounts', 'contracts', 'invoices', 'invoice_lines', 'invoice_documents', 'periods'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', t);
        execute format('create policy account_sees_own on %I for select to releve_tenant using (account_id = current_account())', t);
        execute format('grant select on %I to releve_tenant', t);
    end loop;
end
$$;
grant select on issuers, skus, price_books, prices to releve_tenant;
