-- The way over from Lago: which of its ids became which of ours, what its billable metrics are here, and what its customers
-- still owe on its invoices.

-- What a billable metric is: the SKU that its events count towards, and how much one of Lago's units is in base units. It does
-- not change: what was counted by it would mean something else.
create table lago_metrics (
    code        text primary key check (code <> ''),
    lago_id     text not null,
    sku         text not null,
    unit        text not null,
    per         bigint not null check (per > 0),          -- base units
    property    text check (property <> ''),              -- of an event; null: each event is one
    rounds      boolean not null,                         -- to a whole base unit; otherwise a fraction is refused
    imported_at timestamptz not null,
    imported_by text not null
);
create trigger frozen before update or delete on lago_metrics for each row execute function refuse_change();

-- What was made of what. An import that is run again finds it here, and makes nothing twice.
create table lago_ids (
    issuer_id   uuid not null references issuers,
    kind        text not null check (kind in ('plan', 'customer', 'subscription', 'fee', 'minimum', 'paid', 'granted', 'invoice')),
    lago_id     text not null check (lago_id <> ''),
    external_id text not null,                            -- what it is called outside of Lago; events name subscriptions so
    ours        uuid not null,                            -- a price book, account, term, agreement, credit or opening balance
    account_id  uuid references accounts,
    tenant_id   uuid references tenants,                  -- whose usage events are that name it
    imported_at timestamptz not null,
    primary key (issuer_id, kind, lago_id),
    constraint plans_are_nobodys check ((kind = 'plan') = (account_id is null)),
    constraint events_name_a_tenant check ((kind in ('customer', 'subscription')) = (tenant_id is not null))
);
create trigger frozen before update or delete on lago_ids for each row execute function refuse_change();
create index lago_ids_external on lago_ids (external_id, kind) where tenant_id is not null;

-- An invoice of Lago's that was not paid when its customer came over. It is no document of ours: it has no lines, no VAT and no
-- place in our numbers, no payment is set against it here and nobody is reminded of it. It says what is still owed elsewhere.
create table opening_balances (
    opening_balance_id uuid primary key,
    account_id  uuid not null references accounts,
    number      text not null check (number <> ''),       -- Lago's
    issued_on   date not null,
    due_on      date not null,
    total       numeric(28, 9) not null,
    open        numeric(28, 9) not null check (open between 0 and total),
    currency    text not null,
    noted_at    timestamptz not null,
    noted_by    text not null,
    unique (account_id, number)
);

do $$
declare
    t text;
begin
    foreach t in array array['lago_metrics', 'lago_ids', 'opening_balances'] loop
        execute format('alter table %I owner to releve_owner', t);
        execute format('grant select, insert on %I to releve_app', t);
    end loop;
    -- Metrics are what is sold, and nobody's.
    foreach t in array array['lago_ids', 'opening_balances'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', t);
        execute format('create policy account_sees_own on %I for select to releve_tenant using (account_id = current_account())', t);
        execute format('grant select on %I to releve_tenant', t);
    end loop;
end
$$;
-- What is open shrinks as it is paid to Lago.
grant update (open, noted_at, noted_by) on opening_balances to releve_app;
