-- Who may touch what. Three roles that nobody logs in as; every transaction starts with `set local role`.
--
-- releve_owner   owns the tables, runs migrations and makes partitions. No request ever runs as it.
-- releve_app     the programs: may read and write, but not change what is frozen (triggers below refuse it).
-- releve_tenant  a tenant's request: reads its own rows only, whatever the query forgot (row-level security).
--
-- Roles belong to the cluster, not to the database, so they may be there already; two databases of one
-- cluster may be migrated at the same moment, hence the caught duplicate.
do $$
declare
    name text;
begin
    foreach name in array array['releve_owner', 'releve_app', 'releve_tenant'] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format('create role %I nologin', name);
            end if;
        exception when duplicate_object or unique_violation then
            null;
        end;
        begin
            execute format('grant %I to current_user', name);
        exception when others then
            null; -- already a member, or a superuser who needs no grant
        end;
    end loop;
end
$$;

grant usage on schema public to releve_owner, releve_app, releve_tenant;
grant create on schema public to releve_owner;

-- The tenant (and its account) that a tenant's transaction speaks for. After a transaction-local setting the
-- value reads '' and not null, hence the nullif; without a setting no row matches, so the wall fails closed.
create function current_tenant() returns uuid language sql stable
    return nullif(current_setting('releve.tenant', true), '')::uuid;
create function current_account() returns uuid language sql stable
    return nullif(current_setting('releve.account', true), '')::uuid;
