-- Tenants look after themselves: keys that replace one another, and webhook endpoints of their own.

-- A key that was rotated lives on for a while beside the one that took its place. It is replaced once.
alter table api_keys add column replaces uuid unique references api_keys;
create index api_keys_tenant on api_keys (tenant_id, key_id) where tenant_id is not null;

-- An event of one tenant names it. Its account's other tenants are not told; the account's own endpoints are.
alter table outbox add column tenant_id uuid;

-- An endpoint that a tenant made for itself. It is told of its own tenant, and of what its account gets (a document) only
-- while the tenant is all that the account has: what another tenant used is in such a document too.
alter table webhook_endpoints
    add column tenant_id uuid references tenants,
    add constraint a_tenant_has_its_account check (tenant_id is null or account_id is not null);
create index webhook_endpoints_tenant on webhook_endpoints (tenant_id, endpoint_id) where tenant_id is not null;

-- The second wall around what a tenant reads of it. Secrets stay with whoever signs: no tenant may read any.
do $$
declare name text;
begin
    foreach name in array array['webhook_endpoints', 'webhook_deliveries', 'webhook_tries', 'outbox'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', name);
        execute format('grant select on %I to releve_tenant', name);
    end loop;
end
$$;
create policy tenant_sees_own on webhook_endpoints for select to releve_tenant using (tenant_id = current_tenant());
-- Of the rest it sees what went to its endpoints: a policy's own query is walled too.
create policy tenant_sees_own on webhook_deliveries for select to releve_tenant
    using (exists (select from webhook_endpoints e where e.endpoint_id = webhook_deliveries.endpoint_id));
create policy tenant_sees_own on webhook_tries for select to releve_tenant
    using (exists (select from webhook_endpoints e where e.endpoint_id = webhook_tries.endpoint_id));
create policy tenant_sees_own on outbox for select to releve_tenant
    using (exists (select from webhook_deliveries d where d.event_id = outbox.outbox_id));
