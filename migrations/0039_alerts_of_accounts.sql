-- What concerns an account as a whole (its credits, its reservations, its invoices) is told to it, and to each of its tenants.
alter table alerts
    add column account_id uuid references accounts,      -- null: a tenant's, or with no tenant the operator's own
    add constraint alerts_are_one_s check (tenant_id is null or account_id is null);
create index alerts_of_account on alerts (account_id, alert_id) where account_id is not null;
-- What goes on of a tenant is looked for whenever it is judged.
create index alerts_open on alerts (tenant_id, kind) where tenant_id is not null and resolved_at is null;
create policy account_sees_own on alerts for select to releve_tenant using (account_id = current_account());

-- Up to which full hour an account's spend, credits, reservations and orders were judged: once an hour, however often its usage
-- changes. Usage that is marked is of an hour that is full only later, so an account is judged for some hours after its last mark too.
create table account_watches (
    account_id  uuid primary key references accounts,
    hour        timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    marked_hour timestamptz not null -- the hour that the full ones ended at when its usage last changed
);
alter table account_watches owner to releve_owner;
grant select, insert, update on account_watches to releve_app;
